"""How picture and sound lie to each other in time, from two sequences of embeddings.

Offset, in frames: **> 0 when the sound comes early and must be delayed** (SyncNet's convention).

The embeddings of any expert become a `Table` of distances (`stream`, in constant memory: 128 bytes a frame are
kept, 12 MB an hour), and everything else comes from it: `judge` (the curve over the pairs that exist), `classic` (as
published, over zero padding), and, in `lipwright.drift`, spans, intervals and the verdict.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lipwright.errors import InputError
from lipwright.types import Float

How = Literal["euclidean", "cosine"]
"""How two embeddings are compared: the length of their difference, or 1 minus the cosine of their angle."""

REACH = 15
"""Frames searched to either side."""
BLOCK = 500
"""Rows compared at a time."""


@dataclass(frozen=True)
class SyncCurve:
    """What a comparison of picture and sound found.

    ``offset`` frames; ``distances`` float32 (2·reach + 1,), the mean distance if the offset were
    −reach … +reach (NaN where nothing overlaps); ``contrast``, their median minus their least (0 = no
    idea); ``track`` float32 (T,), the same difference for each picture at the found offset.
    """

    offset: int
    distances: Float
    contrast: float
    track: Float

    @property
    def reach(self) -> int:
        """Frames searched to either side."""
        return len(self.distances) // 2

    @property
    def distance(self) -> float:
        """The least mean distance: LSE-D over the pairs that exist; ``contrast`` is LSE-C over them."""
        return float(np.nanmin(self.distances))

    @property
    def peak(self) -> float:
        """The offset in fractions of a frame: the foot of a parabola through the least distance and its neighbours."""
        best = self.offset + self.reach
        if not 0 < best < len(self.distances) - 1:
            return float(self.offset)
        before, here, after = (float(self.distances[best + step]) for step in (-1, 0, 1))
        bend = before - 2 * here + after
        return self.offset + (0.5 * (before - after) / bend if bend > 0 and np.isfinite(bend) else 0.0)

    def words(self, fps: float) -> str:
        """The offset as people say it.

        >>> SyncCurve(2, np.zeros(31, np.float32), 0.4, np.zeros(1, np.float32)).words(25)
        'the sound comes 2 frames (80 ms) early'
        """
        return words(self.offset, fps)


def words(offset: int, fps: float) -> str:
    """An offset in frames at ``fps`` as people say it.

    >>> words(-1, 25)
    'the sound comes 1 frame (40 ms) late'
    """
    if offset == 0:
        return "picture and sound agree"
    side, count = ("early" if offset > 0 else "late"), abs(offset)
    return f"the sound comes {count} frame{'s' * (count > 1)} ({1000 * count / fps:.0f} ms) {side}"


@dataclass(frozen=True)
class Table:
    """The distances of each picture to the sounds around it.

    ``rows`` float32 (T, 2·reach + 1), see `band`; ``padding`` float32 (T,), the distance to a sound of zeros
    (needed by `classic` alone); ``sounds``, how many rows of sound there were.
    """

    rows: Float
    padding: Float
    sounds: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def reach(self) -> int:
        """Frames searched to either side."""
        return self.rows.shape[1] // 2


@dataclass(frozen=True)
class Classic:
    """SyncNet's published answer: ``offset`` frames, ``lse_d`` (its "min dist"), ``lse_c`` (its "confidence")."""

    offset: int
    lse_d: float
    lse_c: float


def band(video: Float, audio: Float, reach: int = REACH) -> Float:
    """Euclidean distance of each picture to the sounds around it: float32 (T, 2·reach + 1).

    ``video`` float32 (T, D), ``audio`` float32 (U, D). Column k holds the distance of picture t to the
    sound at t − (k − reach), which is its partner if the offset is k − reach. NaN outside the sound and
    wherever either is NaN (no face).
    """
    if video.ndim != 2 or audio.ndim != 2 or video.shape[1] != audio.shape[1]:
        raise InputError(f"embeddings must be (T, D) and (U, D) with one D; given {video.shape} and {audio.shape}")
    return _band(video, audio, reach, 0)


def _band(video: Float, audio: Float, reach: int, lead: int, how: How = "euclidean") -> Float:
    """`band` where picture 0 belongs to row ``lead`` of ``audio``."""
    found = np.full((len(video), 2 * reach + 1), np.nan, np.float32)
    for k in range(2 * reach + 1):
        shift = k - reach - lead
        first, last = max(0, shift), min(len(video), len(audio) + shift)
        if first < last:
            found[first:last, k] = _apart(video[first:last], audio[first - shift : last - shift], how)
    return found


def _apart(one: Float, other: Float, how: How) -> Float:
    """The distance of each row (T, D) of the one to that of the other: (T,)."""
    if how == "euclidean":
        return np.asarray(np.linalg.norm(one - other, axis=1))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray(1 - (one * other).sum(1) / np.maximum(lengths, 1e-8))


def stream(video: Iterable[Float], audio: Iterable[Float], reach: int = REACH, how: How = "euclidean") -> Table:
    """The table of two sequences of embeddings that come block by block, (n, D) each, of any lengths n.

    No more of either is held than a block and ``reach`` rows. A row of NaN is one in which nothing was judged.
    Raises InputError for other values that are not numbers, for two widths D, and where either has no row at all.
    """
    sounds = _Sounds(audio, reach)
    rows, padding, done = [], [], 0
    for block in video:
        for start in range(0, len(block), BLOCK):
            part = _checked(np.asarray(block[start : start + BLOCK], np.float32), "the pictures", done)
            around, lead = sounds.around(done, done + len(part))
            if around.shape[1] != part.shape[1]:
                wide = (part.shape[1], around.shape[1])
                raise InputError(f"embeddings must be (T, D) and (U, D) with one D; given D of {wide[0]} and {wide[1]}")
            rows.append(_band(part, around, reach, lead, how))
            padding.append(_apart(part, np.zeros_like(part), how).astype(np.float32))
            done += len(part)
    if not done:
        raise InputError("there is no picture to be compared with the sound: the video holds no frame")
    return Table(np.concatenate(rows), np.concatenate(padding), sounds.rest())


class _Sounds:
    """The rows of sound around a stretch of pictures, taken from blocks as they are needed."""

    def __init__(self, blocks: Iterable[Float], reach: int) -> None:
        self._blocks: Iterator[Float] = iter(blocks)
        self._reach = reach
        self._first = 0  # the number of the first row held
        self._held: Float | None = None

    def around(self, start: int, stop: int) -> tuple[Float, int]:
        """The rows held for pictures ``start`` to ``stop``, and which of them belongs to picture ``start``."""
        while self._first + self._count() < stop + self._reach and self._more():
            pass
        if self._held is None:
            raise InputError("there is no sound to be compared with the pictures: it holds no sample")
        drop = min(max(0, start - self._reach - self._first), len(self._held))
        self._held, self._first = self._held[drop:], self._first + drop
        return self._held, start - self._first

    def _count(self) -> int:
        return 0 if self._held is None else len(self._held)

    def _more(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        part = _checked(np.asarray(block, np.float32), "the sound", self._first + self._count())
        self._held = part if self._held is None else np.concatenate([self._held, part])
        return True

    def rest(self) -> int:
        """The number of all rows, the rest being read and dropped."""
        return self._first + self._count() + sum(len(block) for block in self._blocks)


def _checked(block: Float, what: str, done: int) -> Float:
    """A block that is (n, D) and holds numbers, or whole rows of NaN."""
    if block.ndim != 2:
        raise InputError(f"embeddings must be (T, D) and (U, D) with one D; given {block.shape} for {what}")
    odd = ~np.isfinite(block)
    broken = odd.any(1) & ~np.isnan(block).all(1)
    if broken.any():
        raise InputError(
            f"the expert's embeddings of {what} hold values that are not numbers, first in row "
            f"{done + int(broken.argmax())}; its weights may be damaged: `lipwright models verify` tells"
        )
    return block


def compare(video: Float, audio: Float, reach: int = REACH) -> SyncCurve:
    """Find the offset between two sequences of embeddings, one row a frame; see :func:`band`.

    Means are over the pairs that exist, never over padding. Raises InputError where no pair exists.
    """
    return judge(band(video, audio, reach))


def judge(distances: Float) -> SyncCurve:
    """The curve of a banded distance (T, 2·reach + 1): also of several recordings' rows put together."""
    known = np.isfinite(distances)
    counts = known.sum(0)
    if not counts.any():
        raise InputError("no picture has a sound to be compared with: no face was found, or the sound is empty")
    curve = mean(np.nansum(distances, axis=0, dtype=np.float64), counts)
    best = int(np.nanargmin(curve))
    middle = float(np.nanmedian(curve))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without a face have no median
        own = np.nanmedian(distances, axis=1)
    track = (own - distances[:, best]).astype(np.float32)
    return SyncCurve(best - len(curve) // 2, curve, middle - float(curve[best]), track)


def mean(sums: NDArray[np.float64], counts: NDArray[Any]) -> Float:
    """A curve float32 (..., 2·reach + 1) from sums of distances; NaN where less than a quarter as many as elsewhere."""
    enough = counts >= np.maximum(1, 0.25 * counts.max(-1, keepdims=True))
    return np.where(enough, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def classic(table: Table, windows: int | None = None, lead: int = 0) -> Classic:
    """Offset, LSE-D and LSE-C exactly as SyncNet's published evaluation computes them.

    The sound is padded with ``reach`` rows of zeros at either end and every picture is compared with all
    2·reach + 1; the curve is the mean over ``windows`` pictures, offset = reach − its least column, LSE-D its
    least value, LSE-C its median minus that (joonson/syncnet_python, ``SyncNetInstance.evaluate``). ``windows`` is
    min(frames, samples / 640) − 5 there; None takes as many as both have. The first window is row ``lead`` of the
    table. Rows without a face take no part. Short clips are judged too well or too badly by the padding: that is
    what the valid-only curve of `judge` is for.
    """
    have = min(len(table), table.sounds) - lead
    count = have if windows is None else min(windows, have)
    if count < 1:
        raise InputError(f"SyncNet's way needs at least one window; {len(table)} pictures, {table.sounds} sounds given")
    at = np.arange(count)[:, None] - np.arange(-table.reach, table.reach + 1)
    rows, padding = table.rows[lead : lead + count], table.padding[lead : lead + count, None]
    padded = np.where((at < 0) | (at >= count), padding, rows)
    known = np.isfinite(padded).all(1)
    if not known.any():
        raise InputError("no picture has a sound to be compared with: no face was found, or the sound is empty")
    curve = padded[known].mean(0, dtype=np.float64)
    best = int(curve.argmin())
    least = float(curve[best])
    return Classic(best - table.reach, least, float(np.median(curve)) - least)
