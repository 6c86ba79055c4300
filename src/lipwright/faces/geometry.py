"""Where a face stands: the average mesh, pose taken out and put back, the upright mouth.

A *canonical* face is MediaPipe's 468-point mesh averaged over many people: the unit is the distance
between the outer eye corners, x goes to the picture's right, y down, z away from the camera, and the
origin lies midway between the outer eye corners. `fit_pose` finds where a face of a picture stands
against it; `to_canonical` takes the pose out, `from_canonical` puts it back.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, steady
from lipwright.types import Float, Picture

STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 10, 151, 9, 8, 127, 356,
          162, 389, 21, 251, 54, 284, 103, 332, 67, 297, 109, 338)  # fmt: skip
"""Vertices that speech does not move: eye corners, bridge and tip of the nose, forehead, temples."""

INNER_UPPER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
INNER_LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
"""Inner lips from the face's right to its left, upper above lower."""

OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, *INNER_UPPER, 308, *reversed(INNER_LOWER))
"""Closed contours of the lips."""

CROP = (64, 48)
CROP_SPAN = 1.15
CROP_TOP = 0.45

LOWER_SPAN = 1.5
LOWER_TOP = 0.05
"""The square lower face of `lower_matrices`: its side, and where it begins below the eyes, in eye distances."""


@dataclass(frozen=True)
class Canonical:
    """The average face: ``points`` float32 (468, 3); ``triangles`` int32 (N, 3), which also span the open
    mouth; ``moving`` int64 (177,), the vertices of lips, jaw, chin and lower cheeks that speech moves."""

    points: Float
    triangles: NDArray[np.int32]
    moving: NDArray[np.int64]


@functools.cache
def canonical() -> Canonical:
    """The average face that every pose is measured against."""
    with resources.files("lipwright").joinpath("assets/face.npz").open("rb") as file:
        data = np.load(file, allow_pickle=False)
        return Canonical(data["points"], data["triangles"].astype(np.int32), data["moving"].astype(np.int64))


@dataclass(frozen=True)
class Pose:
    """Rigid pose through time: ``scale`` (T,) px per canonical unit, ``rotation`` (T, 3, 3), ``shift``
    (T, 3) px, so that px = scale · rotation · canonical + shift."""

    scale: Float
    rotation: Float
    shift: Float

    @property
    def degrees(self) -> Float:
        """float32 (T, 3) yaw, pitch, roll in degrees; all 0 for a frontal, upright face."""
        turn = self.rotation
        yaw = np.arctan2(turn[:, 0, 2], turn[:, 2, 2])
        pitch = np.arcsin(np.clip(-turn[:, 1, 2], -1, 1))
        roll = np.arctan2(turn[:, 1, 0], turn[:, 1, 1])
        return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)), np.float32)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Pose:
        return Pose(self.scale[rows], self.rotation[rows], self.shift[rows])


def boxes(points: Float) -> Float:
    """float32 (T, 4) x0 y0 x1 y1 px around meshes (T, 468, 3); NaN rows stay NaN."""

    def around(points: Float) -> Float:
        return np.concatenate([points[..., :2].min(1), points[..., :2].max(1)], axis=1)

    return ondisk.by_blocks(around, len(points), points)


def fit_pose(points: Float) -> Pose:
    """Best similarity (least squares over `STABLE`) from the canonical face to meshes (T, 468, 3).

    Umeyama, "Least-squares estimation of transformation parameters", 1991. NaN rows give NaN.
    """
    return _fit(_stable(points))


def _stable(points: Float) -> Float:
    """The vertices `STABLE` of meshes."""
    return ondisk.by_blocks(lambda points: points[:, np.array(STABLE)], len(points), points)


def _fit(stable: Float) -> Pose:
    """`fit_pose` of the stable vertices (T, len(STABLE), 3) alone."""
    rows = ondisk.by_blocks(_similarity, len(stable), stable)
    return Pose(rows[:, 0], rows[:, 1:10].reshape(-1, 3, 3), rows[:, 10:])


def _similarity(stable: Float) -> Float:
    """float32 (T, 13): scale, the rows of the rotation, shift."""
    model = canonical().points[np.array(STABLE)].astype(np.float64)
    centre = model.mean(0)
    model = model - centre
    seen = stable.astype(np.float64)
    middle = seen.mean(1)
    cross = np.einsum("tni,nj->tij", np.nan_to_num(seen - middle[:, None]), model)
    left, size, right = np.linalg.svd(cross)
    sign = np.ones((len(stable), 3))
    sign[:, 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[:, None]) @ right
    scale = (size * sign).sum(1) / (model**2).sum()
    shift = middle - scale[:, None] * (rotation @ centre)
    scale = np.where(np.isfinite(middle[:, 0]), scale, np.nan)
    return np.concatenate([scale[:, None], rotation.reshape(-1, 9), shift], axis=1).astype(np.float32)


def steady_pose(points: Float, sigma: float) -> Pose:
    """`fit_pose` of meshes whose stable vertices were smoothed with ``sigma`` frames: pose moves without trembling, and
    a head that swings is not cut short (see `steady.smooth`, ``twice``)."""
    return _fit(steady.smooth(_stable(points), sigma, twice=True))


def to_canonical(points: Float, pose: Pose) -> Float:
    """Meshes px (T, V, 3) with the pose taken out: canonical units (T, V, 3)."""
    turned = np.einsum("tji,tvj->tvi", pose.rotation, points - pose.shift[:, None])
    return np.asarray(turned / pose.scale[:, None, None], np.float32)


def from_canonical(shape: Float, pose: Pose) -> Float:
    """Canonical shapes (T, V, 3) in the pose of each frame: px (T, V, 3)."""
    turned = np.einsum("tij,tvj->tvi", pose.rotation, shape)
    return np.asarray(turned * pose.scale[:, None, None] + pose.shift[:, None], np.float32)


def opening(shape: Float) -> Float:
    """Inner-lip opening (T,) of whole meshes (T, 468, 2 or 3): mean distance of the three middle pairs."""
    upper, lower = np.array((82, 13, 312)), np.array((87, 14, 317))
    return np.asarray(np.linalg.norm(shape[:, upper] - shape[:, lower], axis=2).mean(1), np.float32)


def mouth_matrices(points: Float, size: tuple[int, int] = CROP) -> Float:
    """float32 (T, 2, 3): pixels of an upright mouth crop of ``size`` -> pixels of the frame.

    The crop spans 1.15 eye distances in width, from below the nose to the chin.
    """
    return _upright(points, CROP_SPAN / size[0], CROP_SPAN, CROP_TOP)


def lower_matrices(points: Float, size: int) -> Float:
    """float32 (T, 2, 3): pixels of an upright lower face, ``size`` x ``size``, -> pixels of the frame.

    The square is 1.5 eye distances wide and high, from below the eyes to below the chin of a wide open mouth. It is
    laid by the vertices `STABLE` of meshes (T, 468, 3), so that speech does not move it.
    """
    return _upright(points, LOWER_SPAN / size, LOWER_SPAN, LOWER_TOP)


def in_crop(points: Float, matrices: Float) -> Float:
    """Points px (T, V, 2 or 3) of frames as pixels of their crops (T, V, 2); ``matrices`` (T, 2, 3) of either kind."""
    away = points[..., :2] - matrices[:, None, :, 2]
    back = matrices[:, :, :2] / (matrices[:, :, 0] ** 2).sum(1)[:, None, None]
    return np.asarray(away @ back, np.float32)


def _upright(points: Float, step: float, span: float, top: float) -> Float:
    """Matrices from pixels of ``step`` eye distances to those of the frame; ``span`` across, from ``top`` down."""
    index = np.array(STABLE)
    model = canonical().points[index, :2]
    model = model[:, 0] + 1j * model[:, 1]
    seen = points[:, index, 0] + 1j * points[:, index, 1]
    middle = seen.mean(1)
    turn = ((seen - middle[:, None]) * np.conj(model - model.mean())).sum(1) / (abs(model - model.mean()) ** 2).sum()
    corner = complex(-span / 2 + step / 2, top + step / 2)
    origin = middle + turn * (corner - model.mean())
    turn = turn * step
    rows = np.stack([turn.real, -turn.imag, origin.real, turn.imag, turn.real, origin.imag], axis=1)
    return rows.reshape(-1, 2, 3).astype(np.float32)


def mouth_crop(picture: Picture, matrix: Float, size: tuple[int, int] = CROP) -> NDArray[np.uint8]:
    """Grey aligned mouth crop uint8 (H, W) of one picture; ``matrix`` (2, 3) from `mouth_matrices`."""
    return _cropped(picture, matrix, size, grey=True)


def lower_crop(picture: Picture, matrix: Float, size: int) -> Picture:
    """Aligned lower face uint8 (size, size, 3) of one picture; ``matrix`` (2, 3) from `lower_matrices`."""
    return _cropped(picture, matrix, (size, size), grey=False)


def _cropped(picture: Picture, matrix: Float, size: tuple[int, int], *, grey: bool) -> NDArray[np.uint8]:
    step = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    corners = matrix[:, :2] @ np.array([[0, size[0], 0, size[0]], [0, 0, size[1], size[1]]]) + matrix[:, 2:]
    rim, most = 3 + 2 * step, np.array(picture.shape[1::-1]) - 1
    x0, y0 = np.clip(np.floor(corners.min(1) - rim), 0, np.maximum(0, most - rim)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(1) + rim), np.minimum(rim, most), most).astype(int).tolist()
    part = picture[y0 : y1 + 1, x0 : x1 + 1]
    part = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if grey else part
    matrix = matrix - np.array([[0, 0, x0], [0, 0, y0]], np.float32)
    if step > 1.5:
        part = cv2.GaussianBlur(part, (0, 0), 0.4 * step)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
