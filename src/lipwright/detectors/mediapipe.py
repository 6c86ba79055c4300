"""Google's MediaPipe networks: the full-range face detector and the 468-point face mesh (Apache-2.0).

Both see 192×192 RGB pictures. The detector has one anchor per cell of a 48×48 grid and gives a box, six
key points and a score for each [Bazarevsky et al., BlazeFace, 2019]; the mesh gives 468 points in the
pixels of its input, z in the same unit, and the certainty that a face is there [Kartynnik et al., 2019].
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import registry, runtime
from lipwright.types import Float, Picture

SIDE = 192
GRID = 48
LIKELY = 0.45
OVERLAP = 0.3
REACH = 1.5
RIGHT_EYE, LEFT_EYE = 33, 263


class Detector:
    """Finds faces and puts a mesh on them; see the family's contract."""

    points = 468

    def __init__(self) -> None:
        self._boxes = runtime.load(registry.path("face_detection_full_range"))
        # In bfloat16 the mesh trembles by 0.1 % of the face's width; float32 on one core costs 0.5 ms more.
        self._mesh = runtime.load(registry.path("face_landmark"), precision="f32", threads=1)

    def find(self, picture: Picture, small: bool = False) -> Float:
        """Faces of a picture, best first; where none is seen, or ``small`` ones are asked for, its quarters are
        searched one by one, too."""
        faces = self._find(picture, 0, 0)
        if (len(faces) and not small) or max(picture.shape[:2]) < 3 * SIDE:
            return faces
        height, width = picture.shape[:2]
        tall, wide = round(height * 0.6), round(width * 0.6)
        tiles = [
            self._find(picture[y : y + tall, x : x + wide], x, y) for y in (0, height - tall) for x in (0, width - wide)
        ]
        return _suppress(np.concatenate([faces, *tiles]))

    def mesh(self, picture: Picture, roi: Float) -> tuple[Float, float]:
        """The mesh of the face in ``roi`` (centre x, y, side px, angle rad) and its score 0-1."""
        matrix = _crop_matrix(roi)
        crop = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        raw, certainty = self._mesh(crop[None].astype(np.float32) / 255.0)
        points = raw.reshape(-1, 3)
        flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = points[:, 2:] * (roi[2] / SIDE)
        return np.concatenate([flat, depth], axis=1).astype(np.float32), float(_sigmoid(certainty.reshape(-1)[0]))

    def roi(self, points: Float) -> Float:
        """Where to look for the mesh next, given a mesh (468, 3): its box, squared, 1.5 times as wide."""
        return _roi(points[:, :2].min(0), points[:, :2].max(0), points[RIGHT_EYE, :2], points[LEFT_EYE, :2])

    def roi_of_face(self, face: Float) -> Float:
        """Where to look for the mesh of a face that ``find`` gave."""
        return _roi(face[:2], face[2:4], face[5:7], face[7:9])

    def _find(self, picture: Picture, left: int, top: int) -> Float:
        height, width = picture.shape[:2]
        scale = SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        square = np.zeros((SIDE, SIDE, 3), np.uint8)
        square[: small.shape[0], : small.shape[1]] = small
        raw, scores = self._boxes(square[None].astype(np.float32) / 127.5 - 1.0)
        faces = _decode(raw[0], scores[0, :, 0])
        faces[:, :4] /= scale
        faces[:, 5:] /= scale
        faces[:, [0, 2, 5, 7]] += left
        faces[:, [1, 3, 6, 8]] += top
        return _suppress(faces)


def _decode(raw: Float, scores: Float) -> Float:
    """Rows x0 y0 x1 y1 score, right eye x y, left eye x y in input pixels, of the likely cells."""
    likely = _sigmoid(scores)
    keep = np.flatnonzero(likely > LIKELY)
    cells = np.stack([keep % GRID, keep // GRID], axis=1) + 0.5
    centre = raw[keep, :2] + cells * (SIDE / GRID)
    half = raw[keep, 2:4] / 2
    eyes = raw[keep, 4:8] + np.tile(cells, 2) * (SIDE / GRID)
    return np.concatenate([centre - half, centre + half, likely[keep, None], eyes], axis=1).astype(np.float32)


def _suppress(faces: Float) -> Float:
    """Of overlapping faces keep the most likely; best first."""
    kept: list[NDArray[np.float32]] = []
    for face in faces[np.argsort(-faces[:, 4])]:
        if all(_overlap(face, other) < OVERLAP for other in kept):
            kept.append(face)
    return np.stack(kept) if kept else np.zeros((0, 9), np.float32)


def _overlap(a: Float, b: Float) -> float:
    """Intersection over union of two boxes."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    both = wide * tall
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))


def _roi(low: Float, high: Float, right_eye: Float, left_eye: Float) -> Float:
    angle = np.arctan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    side = REACH * float(max(high - low))
    middle = (low + high) / 2
    return np.array([middle[0], middle[1], side, angle], np.float32)


def _crop_matrix(roi: Float) -> Float:
    """float32 (2, 3): pixels of the 192² crop -> pixels of the picture."""
    x, y, side, angle = (float(v) for v in roi)
    cos, sin = np.cos(angle) * side / SIDE, np.sin(angle) * side / SIDE
    half = SIDE / 2
    return np.array([[cos, -sin, x - cos * half + sin * half], [sin, cos, y - sin * half - cos * half]], np.float32)


def _sigmoid(value: Float) -> Float:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -60.0, 60.0))), np.float32)
