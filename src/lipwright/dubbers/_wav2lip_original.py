"""Wav2Lip's own way of cutting faces out and putting them back, written from its published formulas.

A box with pads, averaged with those that follow; the face stretched to a square; a hard rectangle. See
https://github.com/Rudrabha/Wav2Lip, inference.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np

from lipwright import paint, steady
from lipwright.dubbers import Scene
from lipwright.errors import InputError
from lipwright.types import AudioSpec, Face, Float, Int, Picture

PADS = (0, 10, 0, 0)
"""The original's default: top, bottom, left, right."""

OVER = 5
"""Boxes that are averaged."""


class Original:
    """Boxes with pads, averaged over themselves and the four that follow; a hard rectangle."""

    def __init__(
        self,
        scene: Scene,
        size: int,
        pads: tuple[int, int, int, int],
        box: tuple[int, int, int, int] | None,
        nosmooth: bool,
    ) -> None:
        self._size = size
        if box is None:
            self._boxes = padded(scene.track.box, pads, scene.clip.size)
            for start, stop in () if nosmooth else steady.stretches(self._boxes[:, 0] >= 0):
                self._boxes[start:stop] = averaged(self._boxes[start:stop])
        else:
            self._boxes = np.tile(np.array(box, np.int64), (scene.clip.length, 1))

    def why(self, frame: int) -> str:
        """Why a source frame passes through untouched, or ""."""
        left, top, right, bottom = self._boxes[frame]
        return "" if left < right and top < bottom else "no face is seen"

    def cut(self, frame: int, picture: Picture) -> Picture:
        """The box of a source frame, stretched to uint8 (S, S, 3)."""
        left, top, right, bottom = self._boxes[frame]
        return np.asarray(cv2.resize(picture[top:bottom, left:right], (self._size, self._size)))

    def face(self, frame: int, painted: Picture) -> Face:
        """A hard rectangle, painted as it is."""
        left, top, right, bottom = (int(edge) for edge in self._boxes[frame])
        whole = np.ones((bottom - top, right - left), np.float32)
        picture = np.asarray(cv2.resize(painted, (right - left, bottom - top)))
        return Face(picture, whole, paint.at_corner((left, top, right, bottom)), exact=True)


def padded(boxes: Float, pads: tuple[int, int, int, int], size: tuple[int, int]) -> Int:
    """Boxes (T, 4) x0 y0 x1 y1 px in whole pixels, widened by ``pads`` (top, bottom, left, right), inside a frame of
    ``size`` (w, h); int64, -1 where there is no face."""
    top, bottom, left, right = pads
    whole = np.nan_to_num(boxes, nan=0).astype(np.int64)
    whole += np.array([-left, -top, right, bottom])
    whole[:, :2] = np.maximum(0, whole[:, :2])
    whole[:, 2:] = np.minimum(size, whole[:, 2:])
    return np.where(np.isfinite(boxes), whole, -1)


def averaged(boxes: Int, over: int = OVER) -> Int:
    """The original's smoothing of boxes (T, 4): each becomes the mean, cut to whole pixels, of itself and the four
    that follow, in place; the last ones share the last five."""
    result = boxes.copy()
    for k in range(len(result)):
        window = result[len(result) - over :] if k + over > len(result) else result[k : k + over]
        result[k] = window.mean(axis=0)
    return result


def inside(box: Sequence[int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x0 y0 x1 y1 of a box given as top, bottom, left, right; InputError where it does not lie in a frame of
    ``size`` (w, h)."""
    top, bottom, left, right = four(box, "box")
    if not (0 <= top < bottom <= size[1] and 0 <= left < right <= size[0]):
        raise InputError(
            f"box is top, bottom, left, right within the picture of {size[0]} x {size[1]} pixels; given {list(box)}"
        )
    return left, top, right, bottom


def chunks(columns: int, spec: AudioSpec, fps: Fraction) -> int:
    """Frames that the original makes from ``columns`` of mel: it stops with the first window that overruns."""
    if columns < spec.steps:
        raise InputError("with compat=true a speech lasts at least 0.2 s, one window of what the network hears")
    count = 0
    while spec.first(count, fps) + spec.steps <= columns:
        count += 1
    return count + 1


def four(values: Sequence[int], name: str) -> tuple[int, int, int, int]:
    """Top, bottom, left, right, as they were given; InputError for anything else."""
    if not isinstance(values, list | tuple) or len(values) != 4 or not all(isinstance(v, int) for v in values):
        raise InputError(f"{name} is four whole numbers, top, bottom, left, right, such as [0,10,0,0]; given {values}")
    top, bottom, left, right = values
    return top, bottom, left, right
