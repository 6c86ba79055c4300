"""Take the shake out of a shot without cutting its edges off.

How the picture as a whole moves from frame to frame is a similarity (turn, scale, shift), found from corners that are
followed, around the people rather than on them; most of them decide, so that a hand does not. Put one after the other
they are the camera's path; what smoothing takes off that path is the shake, and each frame is moved back by it. What
then lies open at an edge is filled from frames before and after, where those show it, and mirrored where none does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, paint, steady
from lipwright.finishing.around import around, glance, is_cut
from lipwright.likeness import grey
from lipwright.paint import Region
from lipwright.types import Clip, FaceTrack, Float, Int, Picture, Progress

SIDE = 480
"""Longer side of the pictures in which motion is looked for."""

CORNERS, FEWEST = 200, 8
"""Corners followed at most; of fewer that agree nothing is learnt."""

ASIDE = 0.5
"""How far around a face, in sizes of it, the person is taken to be; they reach down to the picture's edge."""

NOISE = 0.12
"""Where half of the corners move by less than so many pixels (of those pictures), the camera stands still."""

MOST = 0.04
"""How far an edge may be moved, in widths of the picture: larger corrections are held back to it."""

REACH, STEPS = 12, (1, 2, 4, 7, 12)
"""Frames to either side that edges may be filled from, and those tried."""

RIM = 6
"""Width in pixels of the fade between a frame and what its edges are filled from."""

LEAP = 8
"""Frames of the footage between two neighbours of the output from which on the camera is said to begin anew."""

STILL = 0.02
"""A correction that moves no corner by more than this many pixels is none."""

Matrix = NDArray[np.float64]
"""float64 (2, 3): an affine map of pixels, cv2's convention."""


@dataclass(frozen=True, eq=False)
class Path:
    """How a clip's pictures move: ``steps`` float32 (T, 4), the way gone since the shot began as logarithm of the
    scale, turn in radians, and shift x, y in widths of the picture, about its middle; ``shot`` int64 (T,)."""

    steps: Float
    shot: Int

    def ordered(self, order: Int) -> Path:
        """The path of a clip that shows the frames ``order`` (T,); where that jumps, a shot begins."""
        jumps = np.abs(np.diff(order, prepend=order[:1])) > LEAP
        return Path(self.steps[order], self.shot[order] * (len(order) + 1) + np.cumsum(jumps))


def path(clip: Clip, people: Sequence[FaceTrack] = (), progress: Progress | None = None) -> Path:
    """The way the camera goes; one pass over the clip. Where enough is seen around ``people``, who move by themselves,
    only that counts."""
    found, shots = ondisk.Growing[np.float32](), ondisk.Growing[np.int64]()
    place, shot = np.array([0, 0, 0, 0], np.float64), 0
    before: tuple[NDArray[np.uint8], Float] | None = None
    for frame, picture in enumerate(clip.look()):
        now = _small(picture), glance(picture)
        if before is not None and is_cut(before[1], now[1]):
            shot, place = shot + 1, 0 * place
        elif before is not None:
            around_them = _around(people, frame - 1, clip.size, before[0].shape[1::-1])
            place = _gone(place, _step(before[0], now[0], around_them))
        found.add(place.astype(np.float32)[None])
        shots.add(np.array([shot], np.int64))
        before = now
        if progress is not None:
            progress(frame + 1, clip.length, "shake")
    return Path(found.whole(), shots.whole())


def _small(picture: Picture) -> NDArray[np.uint8]:
    """The picture, grey, no larger than `SIDE`."""
    shrink = min(1.0, SIDE / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * shrink)), max(1, round(picture.shape[0] * shrink)))
    return np.asarray(cv2.resize(grey(picture), size, interpolation=cv2.INTER_AREA), np.uint8)


def _around(
    people: Sequence[FaceTrack], frame: int, size: tuple[int, int], small: tuple[int, int]
) -> NDArray[np.uint8]:
    """uint8 (h, w) of a picture made ``small``: 255 but for heads and what lies under them."""
    mask = np.full((small[1], small[0]), 255, np.uint8)
    for track in people:
        row = frame - track.start
        if 0 <= row < len(track) and np.isfinite(track.box[row, 0]):
            x0, y0, x1, y1 = track.box[row] * (np.array([*small, *small]) / np.array([*size, *size]))
            wide, tall = x1 - x0, y1 - y0
            left, right = max(0, int(x0 - ASIDE * wide)), max(0, int(x1 + ASIDE * wide))
            mask[max(0, int(y0 - ASIDE * tall)) :, left:right] = 0
    return mask


def _step(before: NDArray[np.uint8], after: NDArray[np.uint8], mask: NDArray[np.uint8]) -> tuple[complex, complex]:
    """The similarity z -> turn · z + shift from one picture to the next, about the middle, in widths; from corners in
    the ``mask``, or anywhere where these are too few."""
    still = (complex(1), complex(0))
    pairs = _followed(before, after, mask)
    if len(pairs) < FEWEST:
        pairs = _followed(before, after, None)
    if len(pairs) < FEWEST or np.median(np.linalg.norm(pairs[:, 1] - pairs[:, 0], axis=1)) < NOISE:
        return still
    wide = before.shape[1]
    one, other = ((pairs[:, k] - (np.array(before.shape[1::-1]) - 1) / 2) / wide for k in (0, 1))
    matrix, agree = cv2.estimateAffinePartial2D(one, other, method=cv2.RANSAC, ransacReprojThreshold=0.7 / wide)
    if matrix is None or agree.sum() < FEWEST:
        return still
    return complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2])


def _followed(before: NDArray[np.uint8], after: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> Float:
    """float32 (N, 2, 2): corners of one picture and where they are in the next, those that lead back to themselves."""
    none = np.zeros((0, 2, 2), np.float32)
    corners = cv2.goodFeaturesToTrack(before, CORNERS, 0.01, 7, mask=mask)
    if corners is None or len(corners) < FEWEST:
        return none
    moved, there, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, np.empty(0, np.float32))
    back, here, _ = cv2.calcOpticalFlowPyrLK(after, before, moved, np.empty(0, np.float32))
    sure = (there & here)[:, 0].astype(bool) & (np.abs(back - corners).max((1, 2)) < 0.5)
    return np.stack([corners[sure, 0], moved[sure, 0]], axis=1) if sure.any() else none


def _gone(place: NDArray[np.float64], step: tuple[complex, complex]) -> NDArray[np.float64]:
    """The place after one more step."""
    turn, shift = _map(place)
    turn, shift = step[0] * turn, step[0] * shift + step[1]
    angle = place[1] + np.angle(step[0])
    return np.array([np.log(abs(turn)), angle, shift.real, shift.imag])


def _map(place: NDArray[np.float64] | Float) -> tuple[complex, complex]:
    scale, angle, x, y = (float(value) for value in place)
    return np.exp(scale) * complex(np.cos(angle), np.sin(angle)), complex(x, y)


class Steadied:
    """The frames of a clip without its shake.

    Args:
        clip: the frames.
        way: how they move.
        sigma: frames over which the way is smoothed; a pan stays, what is shorter goes.
    """

    def __init__(self, clip: Clip, way: Path, sigma: float) -> None:
        breaks = (np.flatnonzero(np.diff(way.shot)) + 1).tolist()
        self._clip, self._way = clip, way.steps
        self._smooth = steady.smooth(way.steps, sigma, breaks, twice=True)

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        """Frames ``start`` to ``stop``, uint8 (H, W, 3)."""
        for frame, near in around(self._clip, start, stop, REACH):
            share = self._share(frame)
            matrix = self._matrix(frame, frame, share)
            if _farthest(matrix, self._clip.size) < STILL:
                yield near[frame].copy()
            else:
                yield self._moved(near, frame, share)

    def _share(self, frame: int) -> float:
        """How much of the correction of a frame is made."""
        far = _farthest(self._matrix(frame, frame, 1.0), self._clip.size)
        return min(1.0, MOST * self._clip.size[0] / max(far, 1e-9))

    def _matrix(self, source: int, frame: int, share: float) -> Matrix:
        """From the pixels of frame ``source`` to those of the output frame ``frame``: back along the way of the one,
        ahead along the smoothed way of the other."""
        goal = self._way[frame] + share * (self._smooth[frame] - self._way[frame])
        (turn, shift), (own_turn, own_shift) = _map(goal), _map(self._way[source])
        turn = turn / own_turn
        wide, tall = self._clip.size
        middle = complex(wide - 1, tall - 1) / 2
        shift = (shift - turn * own_shift) * wide + middle - turn * middle
        return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])

    def _moved(self, near: Mapping[int, Picture], frame: int, share: float) -> Picture:
        """A frame where it belongs, its edges filled."""
        matrix = self._matrix(frame, frame, share)
        result = _warped(near[frame], matrix, (0, 0, *self._clip.size))
        for strip in _strips(matrix, self._clip.size):
            self._fill(result, near, frame, share, strip)
        return result

    def _fill(self, result: Picture, near: Mapping[int, Picture], frame: int, share: float, strip: Region) -> None:
        """Fill a strip at an edge from the frames around, the next ones first, where they show more of it."""
        size = self._clip.size
        known = _cover(self._matrix(frame, frame, share), size, strip)
        for other in (frame + side * step for step in STEPS for side in (-1, 1)):
            if known.min() >= 1:
                return
            if other not in near:
                continue
            matrix = self._matrix(other, frame, share)
            cover = _cover(matrix, size, strip)
            if (cover > known + 0.1).any():
                part, more = paint.crop(result, strip), np.maximum(known, cover)
                kept = np.where(cover > known, known / np.maximum(more, 1e-6), 1).astype(np.float32)
                moved = _warped(near[other], matrix, strip)
                part[:] = cv2.blendLinear(np.ascontiguousarray(part), moved, kept, 1 - kept)
                known = more


def _warped(picture: Picture, matrix: Matrix, region: Region) -> Picture:
    """The part ``region`` of a picture moved by ``matrix``, mirrored beyond its edges."""
    local = matrix - np.array([[0, 0, region[0]], [0, 0, region[1]]], np.float64)
    size = (region[2] - region[0], region[3] - region[1])
    return np.asarray(cv2.warpAffine(picture, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))


def _strips(matrix: Matrix, size: tuple[int, int]) -> list[Region]:
    """Where a picture of ``size`` that is moved by ``matrix`` leaves an edge open, with the rim over which it fades."""
    wide, tall = size
    corners = np.array([[0, 0], [wide - 1, 0], [0, tall - 1], [wide - 1, tall - 1]], np.float64)
    x, y = (corners @ matrix[:, :2].T + matrix[:, 2]).T
    left, right = max(x[0], x[2]), wide - 1 - min(x[1], x[3])
    top, bottom = max(y[0], y[1]), tall - 1 - min(y[2], y[3])
    reach = [min(RIM + int(np.ceil(gap)), side) if gap > 0.01 else 0
             for gap, side in ((left, wide), (right, wide), (top, tall), (bottom, tall))]  # fmt: skip
    found = [(0, 0, reach[0], tall), (wide - reach[1], 0, wide, tall), (0, 0, wide, reach[2]),
             (0, tall - reach[3], wide, tall)]  # fmt: skip
    return [strip for strip, much in zip(found, reach, strict=True) if much]


def _farthest(matrix: Matrix, size: tuple[int, int]) -> float:
    """How many pixels a map moves the corner it moves farthest."""
    corners = np.array([[x, y] for x in (0, size[0] - 1) for y in (0, size[1] - 1)], np.float64)
    return float(np.linalg.norm(corners @ matrix[:, :2].T + matrix[:, 2] - corners, axis=1).max())


def _cover(matrix: Matrix, size: tuple[int, int], region: Region) -> Float:
    """float32 (h, w) of a ``region``: 1 where a picture of ``size`` moved by ``matrix`` shows something of its own,
    fading over `RIM` px to 0 towards its edge."""
    back = cv2.invertAffineTransform(matrix)
    x = np.arange(region[0], region[2], dtype=np.float32)
    y = np.arange(region[1], region[3], dtype=np.float32)[:, None]
    own = [np.asarray(row[0] * x + row[1] * y + row[2], np.float32) for row in back]
    inside = [np.minimum(at, side - 1 - at) for at, side in zip(own, size, strict=True)]
    return np.asarray(np.clip((np.minimum(*inside) + 0.5) / RIM, 0, 1), np.float32)
