"""What is seen in a clip, frame by frame: light, cuts, frames that repeat; a face's size, turn, light, sharpness.

The face comes from its track; one pass over the pictures gives the rest and keeps a few numbers a frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, likeness, occlusion, ondisk
from lipwright.types import Clip, FaceTrack, Float, Progress

SIDE = 96
"""Pixels a side of the lower face in which sharpness is looked for, 64 an eye distance."""
CUT = 30.0
"""Mean grey levels between two glances at frames from which on another shot begins, as `lipwright.faces` has it."""
_GLANCE, _GRID = 32, 96  # samples along each side: for cuts, for frames that repeat
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_LIPS = np.array(faces.OUTER_LIPS + faces.INNER_LIPS)


@dataclass(frozen=True)
class Pictures:
    """Of each frame float32 (T,): ``light``, mean grey level 0-255; ``change`` since the frame before, mean grey levels
    (first: NaN); ``same``, the largest mean change of a part of the picture, near 0 for a frame shown again; ``sharp``,
    the fine detail of the lower face against its coarse one (NaN without a face); ``comb``, see `combed`."""

    light: Float
    change: Float
    same: Float
    sharp: Float
    comb: Float


@dataclass(frozen=True)
class Face:
    """Of each frame float32 (T,), NaN where no face is: ``width`` px; ``yaw`` and ``pitch`` degrees; ``light``, mean
    luma 0-255, its ``spread`` (5th to 95th percentile), ``burnt`` share of vertices at the end of the scale; ``side``,
    how much darker one half is (0 none, 1 black); ``covered`` share of the lower face, ``mouth`` share of the lips that
    is covered; ``outside``, share of the lips beyond the picture."""

    width: Float
    yaw: Float
    pitch: Float
    light: Float
    spread: Float
    burnt: Float
    side: Float
    covered: Float
    mouth: Float
    outside: Float


def pictures(clip: Clip, people: Sequence[FaceTrack], progress: Progress | None = None) -> Pictures:
    """Look once through all frames of ``clip``, holding two; of the ``people`` the largest's sharpness is judged."""
    rows = list(_rows(clip, people, progress))
    return Pictures(*np.array(rows, np.float32).reshape(-1, 5).T)


def _rows(clip: Clip, people: Sequence[FaceTrack], progress: Progress | None) -> Iterator[tuple[float, ...]]:
    before: tuple[Float, Float] | None = None
    places = np.full((clip.length, 2, 3), np.nan, np.float32)
    for track, mine in zip(people, _largest(people), strict=True):
        matrices = ondisk.by_blocks(lambda points: faces.lower_matrices(points, SIDE), len(track), track.points)
        places[mine] = matrices[mine]
    for frame, picture in enumerate(clip.look()):
        glance, grid = _every(picture, _GLANCE), _every(picture, _GRID)[..., 1]
        change = same = float("nan")
        if before is not None:
            change, same = float(np.abs(glance - before[0]).mean()), _most(grid - before[1])
        before = (glance, grid)
        sharp = float("nan")
        if np.isfinite(places[frame]).all():
            sharp = sharpness(faces.mouth_crop(picture, places[frame], (SIDE, SIDE)))
        comb = combed(picture[:, :: max(1, picture.shape[1] // _GRID), 1])
        yield float((glance @ _LUMA).mean()), change, same, sharp, comb
        if progress is not None:
            progress(frame + 1, clip.length, "pictures")


def _every(picture: NDArray[np.uint8], count: int) -> Float:
    """About ``count`` x ``count`` of a picture's pixels."""
    return picture[:: max(1, picture.shape[0] // count), :: max(1, picture.shape[1] // count)].astype(np.float32)


def _most(difference: Float) -> float:
    """The largest mean absolute difference (H, W) within an eighth of the picture's height and width."""
    rows, columns = (max(1, side // 8) for side in difference.shape)
    whole = np.abs(difference[: difference.shape[0] // rows * rows, : difference.shape[1] // columns * columns])
    return float(whole.reshape(whole.shape[0] // rows, rows, -1, columns).mean((1, 3)).max())


def sharpness(crop: NDArray[np.uint8]) -> float:
    """How fine a grey crop (H, W) is: its detail at half the size against that at an eighth, some 0.2 to 0.4 for a
    sharp face. The ratio does not change with contrast, and the grain of single pixels does not count.
    """
    return likeness.detail(_smaller(crop, 2)) / max(likeness.detail(_smaller(crop, 8)), 0.05)


def _smaller(crop: NDArray[np.uint8], times: int) -> Float:
    height, width = (side // times for side in crop.shape)
    parts = crop[: height * times, : width * times].reshape(height, times, width, times)
    return np.asarray(parts.mean((1, 3)), np.float32)


def combed(green: NDArray[np.uint8]) -> float:
    """How much more neighbouring rows of a picture (H, W) differ than those of one field, every other row, do: in the
    eighth of the columns and rows where most does; below 1 for whole frames, above it where fields of two moments are
    woven together."""
    rows = green.astype(np.float32)
    near, far = np.abs(rows[1:-1] - rows[:-2]), np.abs(rows[2:] - rows[:-2])
    tall, wide = max(1, near.shape[0] // 8), max(1, near.shape[1] // 8)
    parts = [
        each[: near.shape[0] // tall * tall, : near.shape[1] // wide * wide]
        .reshape(near.shape[0] // tall, tall, -1, wide)
        .mean((1, 3))
        for each in (near, far)
    ]
    return float((parts[0] / (parts[1] + 1)).max())


def _largest(people: Sequence[FaceTrack]) -> list[NDArray[np.bool_]]:
    """For each of ``people``, bool (T,): the frames in which their face is the largest."""
    if not people:
        return []
    wide = np.nan_to_num(np.stack([face.box[:, 2] - face.box[:, 0] for face in people]))
    first = wide.argmax(0)
    return [(first == number) & face.present for number, face in enumerate(people)]


def largest(people: Sequence[FaceTrack], size: tuple[int, int]) -> Face:
    """What tracks say of the face that is the largest in each frame of pictures of ``size`` (width, height) px.

    One person may have two tracks where the light changes with the shot.
    """
    found = face(people[0], size)
    for track, mine in zip(people[1:], _largest(people)[1:], strict=True):
        other = face(track, size)
        for name in (field.name for field in fields(Face)):
            getattr(found, name)[mine] = getattr(other, name)[mine]
    return found


def face(track: FaceTrack, size: tuple[int, int]) -> Face:
    """What a track says of one face in pictures of ``size`` (width, height) px."""
    length = len(track)
    degrees = faces.fit_pose(track.points).degrees.copy()
    light = np.full((length, 4), np.nan, np.float32)
    if track.tint is not None:
        light = ondisk.by_blocks(_lit, length, track.tint).copy()
    hidden = ondisk.by_blocks(_hidden, length, occlusion.covered(track)).copy()
    for known in (degrees, light, hidden):
        known[~track.present] = np.nan
    width = np.array(track.box[:, 2] - track.box[:, 0], np.float32)
    outside = ondisk.by_blocks(lambda points: _outside(points, size), length, track.points).copy()
    lit, spread, burnt, side = light.T
    return Face(width, degrees[:, 0], degrees[:, 1], lit, spread, burnt, side, hidden[:, 0], hidden[:, 1], outside)


def _lit(tint: NDArray[np.uint8]) -> Float:
    """float32 (T, 4): light, spread, burnt and side of faces whose colours at the vertices are (T, 468, 3)."""
    luma = tint.astype(np.float32) @ _LUMA
    skin = np.delete(luma, _LIPS, axis=1)
    low, high = np.percentile(skin, (5, 95), axis=1)
    canon = faces.canonical().points
    cheeks = [np.flatnonzero((way * canon[:, 0] > 0.15) & (canon[:, 1] > -0.4)) for way in (-1, 1)]
    left, right = (np.median(luma[:, half], axis=1) for half in cheeks)
    side = np.abs(left - right) / np.maximum(np.maximum(left, right), 1)
    return np.stack([skin.mean(1), high - low, (skin > 250).mean(1), side], axis=1).astype(np.float32)


def _hidden(covered: NDArray[np.bool_]) -> Float:
    """float32 (T, 2): the covered shares of what speech moves, and of the lips, of faces covered at (T, 468)."""
    return np.stack([covered[:, faces.canonical().moving].mean(1), covered[:, _LIPS].mean(1)], 1).astype(np.float32)


def _outside(points: Float, size: tuple[int, int]) -> Float:
    """float32 (T,): the share of the lips of meshes (T, 468, 3) that lies outside a picture; NaN without a mesh."""
    lips = points[:, _LIPS, :2]
    beyond = ((lips < 0) | (lips > np.array(size) - 1)).any(2).mean(1)
    return np.where(np.isfinite(lips[:, 0, 0]), beyond, np.nan).astype(np.float32)
