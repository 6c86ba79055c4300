"""Several clips beside each other in one, each with its name above it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from lipwright import matching
from lipwright.errors import InputError
from lipwright.types import Clip, Int, Picture

WIDEST, TALLEST = 1920, 1080
"""The largest picture made, in pixels."""

BAR = 28
"""Height in pixels of the bar that holds a name."""

INK, PAPER, GROUND = (245, 246, 248), (29, 36, 51), (10, 12, 16)
FONT, SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.55


@dataclass(frozen=True)
class Layout:
    """``columns`` tiles in a row, each ``size`` (width, height) px without its bar."""

    columns: int
    rows: int
    size: tuple[int, int]

    @property
    def whole(self) -> tuple[int, int]:
        """Width and height of all of it, both even."""
        wide, tall = self.columns * self.size[0], self.rows * (self.size[1] + BAR)
        return wide + wide % 2, tall + tall % 2


def layout(count: int, size: tuple[int, int]) -> Layout:
    """The rows and columns in which ``count`` pictures of ``size`` are shown largest within 1920 x 1080 px; none is
    enlarged."""

    def scale(columns: int) -> float:
        rows = math.ceil(count / columns)
        return min(1.0, WIDEST / columns / size[0], (TALLEST / rows - BAR) / size[1])

    columns = max(
        range(1, count + 1), key=lambda number: (round(scale(number), 6), -abs(number - math.ceil(math.sqrt(count))))
    )
    wide, tall = (max(16, int(side * scale(columns)) // 2 * 2) for side in size)
    return Layout(columns, math.ceil(count / columns), (wide, tall))


def tiled(clips: Sequence[Clip], names: Sequence[str]) -> Clip:
    """One lazy clip of all ``clips``, at the highest of their rates, as long as the longest; the last picture of a
    shorter one stays. It has the sound of the first that has one, and a key where all have.

    Raises InputError for no clip, and where there is not a name for each.
    """
    if not clips or len(clips) != len(names):
        raise InputError(
            f"{len(clips)} clips and {len(names)} names were given; give at least one, and a name for each"
        )
    fps = max(clip.fps for clip in clips)
    length = max(1, *(round(clip.length * fps / clip.fps) for clip in clips))
    size = max((clip.size for clip in clips), key=lambda side: side[0] * side[1])
    plan = layout(len(clips), size)
    sound = next((clip.audio for clip in clips if clip.audio is not None), None)
    keys = [clip.key for clip in clips]
    said = repr((keys, list(names), fps, length, plan)).encode()
    key = hashlib.sha256(said).hexdigest() if all(keys) else ""
    return Clip(fps, plan.whole, length, _Tiles(tuple(clips), tuple(names), plan, fps), sound, key=key)


@dataclass(frozen=True)
class _Tiles:
    """Makes the pictures of several clips into one."""

    clips: tuple[Clip, ...]
    names: tuple[str, ...]
    plan: Layout
    fps: Fraction

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        coming = [matching.shown(clip, self._order(clip, start, stop)) for clip in self.clips]
        bars = [_bar(name, self.plan.size[0]) for name in self.names]
        for _ in range(start, stop):
            wide, tall = self.plan.whole
            whole = np.full((tall, wide, 3), GROUND, np.uint8)
            for number, (bar, pictures) in enumerate(zip(bars, coming, strict=True)):
                self._put(whole, number, bar, next(pictures))
            yield whole

    def _order(self, clip: Clip, start: int, stop: int) -> Int:
        """The frame of a clip shown at each of the frames ``start`` to ``stop``."""
        at = np.arange(start, stop, dtype=np.int64) * (clip.fps / self.fps).numerator
        return np.minimum(at // (clip.fps / self.fps).denominator, clip.length - 1)

    def _put(self, whole: Picture, number: int, bar: Picture, picture: Picture) -> None:
        """Lay one clip's picture and its bar where they belong."""
        wide, tall = self.plan.size
        x, y = number % self.plan.columns * wide, number // self.plan.columns * (tall + BAR)
        whole[y : y + BAR, x : x + wide] = bar
        whole[y + BAR : y + BAR + tall, x : x + wide] = fitted(picture, (wide, tall))


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """The whole of a picture, as large as fits into ``size`` (width, height) px, dark around it."""
    scale = min(size[0] / picture.shape[1], size[1] / picture.shape[0])
    wide, tall = (max(1, round(side * scale)) for side in (picture.shape[1], picture.shape[0]))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = picture if scale == 1 else cv2.resize(picture, (wide, tall), interpolation=kind)
    result = np.full((size[1], size[0], 3), GROUND, np.uint8)
    x, y = (size[0] - wide) // 2, (size[1] - tall) // 2
    result[y : y + tall, x : x + wide] = small
    return result


def _bar(name: str, wide: int) -> Picture:
    """A bar with a name, cut where it is too long; letters that the font lacks become question marks."""
    text = name.encode("ascii", "replace").decode()
    if _width(text) > wide - 12:
        while text and _width(f"{text}...") > wide - 12:
            text = text[:-1]
        text = f"{text}..."
    bar = np.full((BAR, wide, 3), PAPER, np.uint8)
    cv2.putText(bar, text, (6, BAR - 9), FONT, SCALE, INK, 1, cv2.LINE_AA)
    return bar


def _width(text: str) -> int:
    """Pixels that a text takes."""
    return int(cv2.getTextSize(text, FONT, SCALE, 1)[0][0])
