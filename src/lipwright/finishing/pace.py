"""Show a clip at other moments: another frame rate, or a smooth curve of times, frames in between being made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipwright.errors import InputError
from lipwright.finishing.around import glance, is_cut
from lipwright.finishing.flow import Flow, between
from lipwright.media.timeline import snap
from lipwright.types import Clip, Picture

SLOWEST, FASTEST = Fraction(1), Fraction(240)
NEAR = 1 / 16
"""A moment nearer to a frame than this part of a frame shows the frame itself."""

Times = NDArray[np.float64]
"""float64 (T,): for each output frame the frame of the source that is shown, in fractions."""


def rate(text: str | float | Fraction, source: Fraction) -> Fraction:
    """A frame rate as people write it: ``30``, ``29.97``, ``60000/1001``, or ``source`` for that of ``source``.

    Raises InputError for anything else and outside 1 to 240.
    """
    if text == "source":
        return source
    try:
        found = snap(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise InputError(f"fps is a number such as 30, a ratio such as 60000/1001, or 'source'; given {text}") from None
    if not SLOWEST <= found <= FASTEST:
        raise InputError(f"fps goes from {SLOWEST} to {FASTEST}; given {text}")
    return found


def at_rate(clip: Clip, fps: Fraction) -> Clip:
    """``clip`` at ``fps``: round(length · fps / its own) frames, at least one, so it lasts as long as it did.

    Output frame n shows the moment n / fps: the frame of that moment, or one made between its two neighbours (see
    `lipwright.finishing.flow.between`); at a cut, and past the last frame, the nearest there is.
    """
    if fps == clip.fps:
        return clip
    length = max(1, round(clip.length * fps / clip.fps))
    return replace(clip, fps=fps, length=length, frames=_Paced(clip, _Steady(clip.fps / fps)), key="")


def at_times(clip: Clip, times: Times) -> Clip:
    """The frames of ``clip`` at ``times``, which run forward but for a few frames, at its own rate."""
    frames = np.clip(times, 0, clip.length - 1)
    return replace(clip, length=len(times), frames=_Paced(clip, _Given(frames)), key="")


@dataclass(frozen=True)
class _Steady:
    """Moments ``step`` frames apart, exact."""

    step: Fraction

    def __call__(self, start: int, stop: int) -> list[float]:
        return [float(number * self.step) for number in range(start, stop)]


@dataclass(frozen=True, eq=False)
class _Given:
    times: Times

    def __call__(self, start: int, stop: int) -> list[float]:
        return [float(time) for time in self.times[start:stop]]


@dataclass(frozen=True)
class _Paced:
    """The frames of a clip at other moments."""

    clip: Clip
    times: _Steady | _Given

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        reader, flow = _Reader(self.clip), Flow()
        for time in self.times(start, stop):
            whole = int(time)
            share = time - whole
            if whole >= self.clip.length - 1:
                whole, share = self.clip.length - 1, 0.0
            if share < NEAR:
                yield reader[whole].copy()
            elif share > 1 - NEAR:
                yield reader[whole + 1].copy()
            else:
                yield _made(reader[whole], reader[whole + 1], share, flow)


def _made(one: Picture, other: Picture, share: float, flow: Flow) -> Picture:
    if is_cut(glance(one), glance(other)):
        return (one if share < 0.5 else other).copy()
    return between(one, other, share, flow)


class _Reader:
    """Pictures of a clip by number, asked for in rising order but for a few frames; holds `_Reader.KEEP` of them."""

    KEEP = 8

    def __init__(self, clip: Clip) -> None:
        self._clip, self._next = clip, -self.KEEP - 1
        self._coming: Iterator[Picture] = iter(())
        self._held: dict[int, Picture] = {}

    def __getitem__(self, number: int) -> Picture:
        if number not in self._held:
            if not self._next <= number < self._next + self.KEEP:
                self._coming, self._next = self._clip.read(number), number
                self._held.clear()
            while self._next <= number:
                self._held[self._next] = next(self._coming)
                self._next += 1
            for gone in [held for held in self._held if held < self._next - self.KEEP]:
                del self._held[gone]
        return self._held[number]
