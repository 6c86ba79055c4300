"""Take the shake out of a shot without cutting its edges off.

How the picture as a whole moves from frame to frame is a similarity (turn, scale, shift), found from corners that are
followed; most of them decide, so that a mouth or a hand does not. Put one after the other they are the camera's path;
what smoothing takes off that path is the shake, and each frame is moved back by it. What then lies open at an edge is
filled from frames before and after, where those show it, and mirrored where none does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, steady
from lipwright.finishing.around import around, glance, is_cut
from lipwright.likeness import grey
from lipwright.types import Clip, Float, Int, Picture, Progress

SIDE = 480
"""Longer side of the pictures in which motion is looked for."""

CORNERS, FEWEST = 200, 12
"""Corners followed at most; of fewer that agree nothing is learnt."""

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


def path(clip: Clip, progress: Progress | None = None) -> Path:
    """The way the camera goes; one pass over the clip."""
    found, shots = ondisk.Growing[np.float32](), ondisk.Growing[np.int64]()
    place, shot = np.array([0, 0, 0, 0], np.float64), 0
    before: tuple[NDArray[np.uint8], Float] | None = None
    for frame, picture in enumerate(clip.look()):
        now = _small(picture), glance(picture)
        if before is not None:
            shot += is_cut(before[1], now[1])
            place = _gone(place, _step(before[0], now[0])) if not is_cut(before[1], now[1]) else 0 * place
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


def _step(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[complex, complex]:
    """The similarity z -> turn · z + shift from one picture to the next, about the middle, in widths."""
    still = (complex(1), complex(0))
    corners = cv2.goodFeaturesToTrack(before, CORNERS, 0.01, 7)
    if corners is None or len(corners) < FEWEST:
        return still
    moved, there, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, np.empty(0, np.float32))
    back, here, _ = cv2.calcOpticalFlowPyrLK(after, before, moved, np.empty(0, np.float32))
    sure = (there & here)[:, 0].astype(bool) & (np.abs(back - corners).max((1, 2)) < 0.5)
    if sure.sum() < FEWEST:
        return still
    wide = before.shape[1]
    middle = np.array([before.shape[1] - 1, before.shape[0] - 1]) / 2
    one, other = ((points[sure, 0] - middle) / wide for points in (corners, moved))
    matrix, agree = cv2.estimateAffinePartial2D(one, other, method=cv2.RANSAC, ransacReprojThreshold=0.7 / wide)
    if matrix is None or agree.sum() < FEWEST:
        return still
    return complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2])


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
        size = self._clip.size
        matrix = self._matrix(frame, frame, share)
        result = cv2.warpAffine(near[frame], matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        known = _cover(matrix, size)
        if known.min() >= 1:
            return np.asarray(result, np.uint8)
        for other in (frame + side * step for step in STEPS for side in (-1, 1)):
            if other in near:
                result, known = _filled(result, known, near[other], self._matrix(other, frame, share))
                if known.min() >= 1:
                    break
        return np.asarray(result, np.uint8)


def _farthest(matrix: Matrix, size: tuple[int, int]) -> float:
    """How many pixels a map moves the corner it moves farthest."""
    corners = np.array([[x, y] for x in (0, size[0] - 1) for y in (0, size[1] - 1)], np.float64)
    return float(np.linalg.norm(corners @ matrix[:, :2].T + matrix[:, 2] - corners, axis=1).max())


def _cover(matrix: Matrix, size: tuple[int, int]) -> Float:
    """float32 (H, W): 1 where a frame moved by ``matrix`` shows something of its own, fading over `RIM` px to 0."""
    back = cv2.invertAffineTransform(matrix)
    x, y = np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32)[:, None]
    own = [np.asarray(row[0] * x + row[1] * y + row[2], np.float32) for row in back]
    inside = [np.minimum(at, side - 1 - at) for at, side in zip(own, size, strict=True)]
    return np.asarray(np.clip((np.minimum(*inside) + 0.5) / RIM, 0, 1), np.float32)


def _filled(result: Picture, known: Float, other: Picture, matrix: Matrix) -> tuple[Picture, Float]:
    """``result`` where it is ``known``, elsewhere what ``other`` shows there; and what is known then."""
    size = result.shape[1::-1]
    cover = _cover(matrix, size)
    if not (cover > known).any():
        return result, known
    moved = cv2.warpAffine(other, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    after = np.maximum(known, cover)
    share = known / np.maximum(after, 1e-6)
    mixed = cv2.blendLinear(result, np.asarray(moved), share, 1 - share)
    take = (cover > known)[..., None]
    return np.where(take, mixed, result), after
