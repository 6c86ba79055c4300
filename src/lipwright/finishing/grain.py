"""Bring the grain of whole frames to that of the footage they come from: less is added to, more is thinned out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from lipwright import paint
from lipwright.types import Clip, Picture

LOOKS = 16
"""Frames at which the grain of a clip is measured."""

BAND = 0.8
"""Pixels, the deviation of the blur that grain does not outlive."""

SEEN = 0.9
"""`lipwright.paint.grain` of noise of deviation 1."""

ROUNDS, LEAST = 6, 0.15
"""Tries to find by how much grain is thinned, and the grey levels of grain that do not matter."""


def level(clip: Clip) -> float:
    """The grain of a clip in grey levels: the median over 16 of its frames of `lipwright.paint.grain`."""
    frames = np.unique(np.linspace(0, clip.length - 1, min(LOOKS, clip.length)).astype(int)).tolist()
    return float(np.median([paint.grain(next(iter(clip.read(frame, frame + 1)))) for frame in frames]))


@dataclass(frozen=True)
class Grained:
    """The frames of ``clip`` with the grain ``wanted``, in grey levels."""

    clip: Clip
    wanted: float

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        """Frames ``start`` to ``stop``, uint8 (H, W, 3)."""
        for instant, picture in enumerate(self.clip.read(start, stop), start):
            yield grained(picture, self.wanted, instant)


def grained(picture: Picture, wanted: float, instant: int = 0) -> Picture:
    """``picture`` with the grain ``wanted``; ``instant`` makes that which is added another one at every frame."""
    own = paint.grain(picture)
    if abs(own - wanted) < LEAST:
        return picture
    if own < wanted:
        missing = np.float32(np.sqrt(wanted**2 - own**2) / SEEN)
        noise = paint.noise(instant, picture.shape[:2]) * missing
        return np.asarray(cv2.add(picture, cv2.merge([noise] * 3), dtype=cv2.CV_8U), np.uint8)
    return _thinned(picture, wanted)


def _thinned(picture: Picture, wanted: float) -> Picture:
    """Fine detail drawn in by as many grey levels as bring the grain down to ``wanted``: an edge loses no more than
    flat skin does."""
    base = cv2.GaussianBlur(picture, (0, 0), BAND).astype(np.float32)
    fine = picture - base
    low, high = 0.0, 16.0
    for _ in range(ROUNDS):
        by = (low + high) / 2
        result = _rounded(base + np.sign(fine) * np.maximum(np.abs(fine) - by, 0))
        low, high = (by, high) if paint.grain(result) > wanted else (low, by)
    return result


def _rounded(values: np.ndarray) -> Picture:
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)
