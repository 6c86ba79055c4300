"""A drawn face whose mouth does what curves say: to look at mouth shapes before a character is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipwright.types import Audio, Clip, Float, Picture

SIDE = 320
"""px, width and height of the picture."""

_BACK, _SKIN, _LIP, _DARK = (58, 74, 92), (236, 188, 160), (190, 84, 84), (64, 18, 24)
_TEETH, _TONGUE, _EYE, _BROW = (246, 244, 238), (214, 110, 110), (40, 34, 34), (110, 78, 58)
_Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Drawn:
    """Frames of the curve float32 (T, 6) of `lips.CHANNELS`."""

    curve: Float

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        for frame in range(start, stop):
            yield face(self.curve[frame])


def clip(curve: Float, fps: Fraction, audio: Audio | None) -> Clip:
    """The curve (T, 6) of `lips.CHANNELS` as a video of a drawn face, 320 px, with ``audio`` beside it."""
    return Clip(fps, (SIDE, SIDE), len(curve), _Drawn(curve), audio)


def face(channels: Float) -> Picture:
    """One picture uint8 (320, 320, 3) of a face whose lips do what ``channels`` (6,) of `lips.CHANNELS` say."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2) / (SIDE / 2)  # -1 to 1
    canvas = np.empty((SIDE, SIDE, 3))
    canvas[:] = _BACK
    opening = float(channels[0])
    _fill(canvas, _ellipse(x, y, 0, 0.02 * opening, 0.74, 0.92 + 0.04 * opening), _SKIN)
    for side in (-1, 1):
        _fill(canvas, _ellipse(x, y, 0.27 * side, -0.26, 0.13, 0.085), (250, 250, 250))
        _fill(canvas, _ellipse(x, y, 0.27 * side, -0.26, 0.06, 0.07), _EYE)
        _fill(canvas, _ellipse(x, y, 0.27 * side, -0.45, 0.16, 0.03), _BROW)
    _fill(canvas, _ellipse(x, y, 0, 0.06, 0.06, 0.1), (222, 168, 140))
    _mouth(canvas, x, y - 0.46, channels)
    return np.asarray(np.round(canvas), np.uint8)


def _mouth(canvas: _Array, x: _Array, y: _Array, channels: Float) -> None:
    """Lips, and what stands between them, around the origin."""
    opening, rounding, spread, closed, teeth, tongue = (float(c) for c in channels)
    wide = 0.30 * (1 - 0.45 * rounding + 0.18 * spread)
    up, down = 0.05 * opening, 0.26 * opening + 0.02 * (1 - closed)
    if teeth > 0:
        down = down * (1 - teeth) + 0.035 * teeth
        up = up + 0.025 * teeth
    lip = 0.06 * (1 + 0.35 * rounding) * (1 - 0.35 * closed)
    arch = np.sqrt(np.clip(1 - (x / wide) ** 2, 0, 1))
    full = wide + 0.04 + 0.03 * rounding
    outer = np.sqrt(np.clip(1 - (x / full) ** 2, 0, 1))
    bow = 1 - 0.25 * np.exp(-((x / (0.25 * wide)) ** 2))
    _fill(canvas, _between(y, -(up + lip * bow) * outer, (down + lip * 1.25) * outer), _LIP)
    inside = _between(y, -up * arch, down * arch) * (np.abs(x) < wide)
    _fill(canvas, inside, _DARK)
    if max(opening, teeth) > 0.01:
        _fill(canvas, inside * _ellipse(x, y, 0, down * (1 - 0.6 * tongue), 0.7 * wide, 0.5 * (up + down)), _TONGUE)
        edge = -up + (up + down) * max(0.28 * (1 - 0.7 * rounding), teeth)
        _fill(canvas, inside * _between(y, -1 + 0 * x, edge + 0 * x) * (np.abs(x) < 0.85 * wide), _TEETH)
    _fill(canvas, _between(np.abs(y), 0 * x, 0.008 + 0 * x) * (np.abs(x) < wide) * closed, (110, 40, 44))


def _between(y: _Array, top: _Array, bottom: _Array) -> _Array:
    """How much of each pixel lies between two lines."""
    soft = SIDE / 2
    return np.clip((y - top) * soft + 0.5, 0, 1) * np.clip((bottom - y) * soft + 0.5, 0, 1) * (bottom > top)


def _ellipse(x: _Array, y: _Array, cx: float, cy: float, rx: float, ry: float) -> _Array:
    distance = np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / max(ry, 1e-3)) ** 2)
    return np.clip((1 - distance) * min(rx, max(ry, 1e-3)) * SIDE / 2 + 0.5, 0, 1)


def _fill(canvas: _Array, share: _Array, colour: tuple[int, int, int]) -> None:
    canvas += share[..., None] * (np.array(colour, float) - canvas)
