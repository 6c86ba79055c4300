"""How faces are cut out for a Wav2Lip network and put back when it is done well.

Upright faces from the mesh, or one box that the user gave; only the lower face is painted, softly; and for pauses
a frame of the same person whose mouth is closed.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import faces, mouth, occlusion, ondisk, paint, steady
from lipwright.dubbers import SMOOTH, Scene
from lipwright.types import IBUG68, Face, Float, Int, Mask, Picture

MARGIN = 1.06
POSE_SECONDS, BOX_SECONDS = 0.06, 0.12
"""Smoothing at the usual ``smooth``."""
LEAST = 1e-3
"""A share of paint that is not seen."""
JUMP = 0.5
HIDDEN_MOST = 0.6
OUTLINE = (*IBUG68[2:15], 4)
"""Cheek to cheek by the chin, and the tip of the nose."""
WIDER, SOFT, RIM = 1.06, 0.03, 0.06
ABOVE = 0.16
"""Of the face's height: nothing is painted further above the outline."""

CLOSED = 0.03
"""Eye distances; a mouth that opens by no more than this beyond the least that was seen is closed."""
HIDDEN_REST, FRONTAL_REST = 0.1, 0.5
RESTS = 32
"""Frames with a closed mouth that are chosen from."""
TURN, AGE, CHANGE = 10.0, 30.0, 1.0
"""Degrees of turning, and seconds away, that count as much as going over to another frame does."""

_EDGE = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}


class Aligned:
    """Upright faces from the mesh; a soft mask of the lower face, without what stands before it.

    Args:
        scene: what is dubbed.
        size: side of the network's pictures, px.
        pads: pixels added to the box of the face: top, bottom, left, right.
        smooth: smoothing in time, frames at 25 fps.
    """

    def __init__(self, scene: Scene, size: int, pads: tuple[int, int, int, int], smooth: float) -> None:
        self._size, self._clip, self._track = size, scene.clip, scene.track
        rate, points, moving = float(scene.clip.fps), scene.track.points, faces.canonical().moving
        self._pose = faces.steady_pose(points, POSE_SECONDS * rate * smooth / SMOOTH)
        self._places = _places(points, self._pose, BOX_SECONDS * rate * smooth / SMOOTH, size, pads)
        self._cover = occlusion.covered(scene.track)
        self._hidden = ondisk.by_blocks(lambda cover: cover[:, moving].mean(1), len(points), self._cover)
        self._frontal = mouth.frontal(self._pose.degrees[:, 0])
        self._rim = _rim(size)

    def why(self, frame: int) -> str:
        """Why a source frame passes through untouched, or ""."""
        if not np.isfinite(self._places[frame]).all():
            return "no face is seen"
        if self._hidden[frame] > HIDDEN_MOST:
            return "the mouth is covered"
        return "" if self._frontal[frame] > 0 else "the head is turned away"

    def cut(self, frame: int, picture: Picture) -> Picture:
        """The face of a source frame, upright, uint8 (S, S, 3)."""
        region, place = self._region(frame)
        part, step = paint.crop(picture, region), float(np.hypot(*place[:, 1]))
        if step > 1.5:
            part = cv2.GaussianBlur(part, (0, 0), 0.4 * step)
        return np.asarray(cv2.warpAffine(part, place, (self._size, self._size), **_EDGE))

    def face(self, frame: int, painted: Picture) -> Face:
        """The lower part of ``painted``, where it belongs in a source frame."""
        outline = self._outline(frame)
        region, place = self._region(frame, max(0.0, float(outline[:, 1].min()) - ABOVE * self._size))
        size = (region[2] - region[0], region[3] - region[1])
        patch = cv2.warpAffine(painted, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(_lower(outline, self._size) * self._rim, place, size, flags=cv2.INTER_LINEAR)
        mask *= float(self._frontal[frame])
        if self._hidden[frame] > 0:
            mask *= 1 - mouth.shadow(self._track.points[frame, :, :2], self._cover[frame], region)
        if frame % ondisk.BLOCK == 0:
            ondisk.release(self._track.points, self._cover)
        return Face(patch, mask, paint.at_corner(region))

    def rests(self, canvas: Int, voiced: Float) -> Int:
        """int64 (T,): for each output frame the source frame whose mouth is closed and that looks most alike.

        The frame itself where somebody speaks, where its own mouth is closed, and where no closed one was seen.
        """
        result = canvas.copy()
        gaps = ondisk.by_blocks(_gaps, len(self._track), self._track.points, self._pose)
        good = self._track.present & (self._hidden < HIDDEN_REST) & (self._frontal > FRONTAL_REST)
        if not good.any():
            return result
        closed = good & (gaps <= gaps[good].min() + CLOSED)
        some = np.flatnonzero(closed)
        some = some[np.unique(np.linspace(0, len(some) - 1, min(RESTS, len(some))).round().astype(np.int64))]
        for start, stop in steady.stretches(np.asarray(voiced < 1)):
            rows = canvas[start:stop]
            cost = self._unlike(rows, some)
            own = np.where(closed[rows], 0, np.inf)[:, None]
            path = steadiest(np.concatenate([cost, own], axis=1), CHANGE)
            result[start:stop] = np.append(some, -1)[path]
            np.copyto(result[start:stop], rows, where=path == len(some))
        return result

    def _unlike(self, rows: Int, some: Int) -> Float:
        """float32 (rows, some): how little the heads of two frames look alike."""
        turn = self._pose.degrees[:, :2]
        away = np.linalg.norm(turn[rows][:, None] - turn[some][None], axis=2) / TURN
        late = np.abs(rows[:, None] - some[None]) / (AGE * float(self._clip.fps))
        return np.nan_to_num(away, nan=0) + late

    def _region(self, frame: int, top: float = 0) -> tuple[paint.Region, Float]:
        """The region of the frame that holds the face from its row ``top`` on, and the map from the face's pixels to
        the region's."""
        place, side = self._places[frame], self._size - 1
        corners = np.array([[0, top], [side, top], [side, side], [0, side]], np.float32) @ place[:, :2].T + place[:, 2]
        region = paint.region_of(corners, self._clip.size, margin=1)
        return region, place - np.array([[0, 0, region[0]], [0, 0, region[1]]], np.float32)

    def _outline(self, frame: int) -> Float:
        """The outline of the lower face in the face's own pixels (N, 2)."""
        place = self._places[frame]
        points = self._track.points[frame, list(OUTLINE), :2]
        return np.asarray((points - place[:, 2]) @ np.linalg.inv(place[:, :2]).T)


class Boxed:
    """One box for all frames; the lower face is where it lies in the box of the average face.

    Args:
        box: x0 y0 x1 y1 px.
        size: side of the network's pictures, px.
    """

    def __init__(self, box: tuple[int, int, int, int], size: int) -> None:
        self._box, self._size = box, size
        self._wide, self._tall = box[2] - box[0], box[3] - box[1]
        points = faces.canonical().points[:, :2]
        low, high = points.min(0), points.max(0)
        outline = (points[list(OUTLINE)] - low) / ((high - low) * (1, MARGIN)) * size
        whole = cv2.resize(_lower(outline, size) * _rim(size), (self._wide, self._tall))
        self._from = int(np.flatnonzero((whole > LEAST).any(axis=1))[0])
        self._mask = np.ascontiguousarray(whole[self._from :])

    def why(self, _frame: int) -> str:
        """No source frame passes through untouched."""
        return ""

    def cut(self, _frame: int, picture: Picture) -> Picture:
        """The box of a source frame, stretched to uint8 (S, S, 3)."""
        left, top, right, bottom = self._box
        way = cv2.INTER_AREA if min(self._wide, self._tall) > self._size else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture[top:bottom, left:right], (self._size, self._size), interpolation=way))

    def face(self, _frame: int, painted: Picture) -> Face:
        """The lower part of ``painted``, in the box."""
        patch = cv2.resize(painted, (self._wide, self._tall), interpolation=cv2.INTER_CUBIC)
        left, top, right, bottom = self._box
        return Face(patch[self._from :], self._mask, paint.at_corner((left, top + self._from, right, bottom)))


def _gaps(points: Float, pose: faces.Pose) -> Float:
    """How far the mouths of meshes (T, 468, 3) open, in eye distances."""
    return mouth.opening(faces.to_canonical(points[:, faces.canonical().moving], pose))


def steadiest(cost: Float, change: float) -> NDArray[np.int64]:
    """The cheapest way through ``cost`` (T, K), T ≥ 1: columns int64 (T,); going over to another costs ``change``."""
    total = cost[0].astype(np.float64)
    came = np.zeros(cost.shape, np.int64)
    stay = np.arange(cost.shape[1])
    for t in range(1, len(cost)):
        best = int(np.argmin(total))
        came[t] = np.where(total <= total[best] + change, stay, best)
        total = np.minimum(total, total[best] + change) + cost[t]
    path = np.empty(len(cost), np.int64)
    at = int(np.argmin(total))
    for t in range(len(cost) - 1, -1, -1):
        path[t] = at
        at = int(came[t, at])
    return path


def _rim(size: int) -> Mask:
    """float32 (S, S): 1, and softly 0 at the edges below the eyes."""
    edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (RIM * size)
    down = np.where(np.arange(size) < size / 2, 1, edge)
    return np.minimum(1, np.outer(down, edge)).astype(np.float32)


def _lower(outline: Float, size: int) -> Mask:
    """float32 (S, S): within the ``outline`` (N, 2) px of the lower face, made a little wider, softly."""
    middle = outline.mean(0)
    return paint.polygon((size, size), middle + WIDER * (outline - middle), SOFT * size)


def _places(
    points: Float, pose: faces.Pose, sigma: float, size: int, pads: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> Float:
    """float32 (T, 2, 3): pixels of the upright face of ``size`` to those of the frame.

    The face is turned upright about the eyes; its box, relative to them, is smoothed over ``sigma`` frames both
    ways, but not where the face jumps, widened by ``pads`` (top, bottom, left, right), px, and stretched to a square,
    as the boxes in training were.
    """
    angle = np.radians(pose.degrees[:, 2])
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    centre = pose.shift[:, :2]
    around = ondisk.by_blocks(_around, len(points), points, turn, centre)
    low, high = around[:, :2], around[:, 2:]
    wide = high[:, 0] - low[:, 0]
    moved = np.linalg.norm(np.diff(centre, axis=0), axis=1)
    jumps = (np.flatnonzero(moved > JUMP * wide[1:]) + 1).tolist()
    box = steady.smooth(around.astype(np.float32), sigma, jumps)
    low = box[:, :2] - (pads[2], pads[0])
    span = (box[:, 2:] - box[:, :2]) * (1, MARGIN) + (pads[2] + pads[3], pads[0] + pads[1])
    step = span / size
    matrix = turn * step[:, None, :]
    origin = centre + np.einsum("tij,tj->ti", turn, low + step / 2)
    return np.concatenate([matrix, origin[:, :, None]], axis=2).astype(np.float32)


def _around(points: Float, turn: Float, centre: Float) -> Float:
    """(T, 4): the box x0 y0 x1 y1 around meshes (T, 468, 3), turned back by ``turn`` (T, 2, 2) about ``centre``."""
    upright = np.einsum("tji,tvj->tvi", turn, points[..., :2] - centre[:, None])
    return np.concatenate([upright.min(1), upright.max(1)], axis=1)
