"""Which source frame is shown at each output instant, and reading frames in that order.

A *canvas* is int64 (T,): the source frame shown at output frame t.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from lipwright.errors import InputError
from lipwright.types import Clip, Int, Picture

CHUNK = 24


def bounce(length: int, frames: int) -> Int:
    """``length`` output frames from ``frames`` source frames: forward, then backward, and so on.

    The end frames are not shown twice, so the picture never stands still.

    >>> bounce(7, 3).tolist()
    [0, 1, 2, 1, 0, 1, 2]
    """
    _check(length, frames)
    period = max(1, 2 * (frames - 1))
    at = np.arange(length, dtype=np.int64) % period
    return np.where(at < frames, at, period - at)


def _check(length: int, frames: int) -> None:
    if frames < 1 or length < 0:
        raise InputError(f"{length} frames cannot be shown from a video of {frames}")


def loop(length: int, frames: int) -> Int:
    """``length`` output frames from ``frames`` source frames, over and over from the first.

    >>> loop(5, 3).tolist()
    [0, 1, 2, 0, 1]
    """
    _check(length, frames)
    return np.arange(length, dtype=np.int64) % frames


def remap(length: int, frames: int) -> Int:
    """All ``frames`` source frames spread evenly over ``length`` output frames: the video runs slower or faster.

    >>> remap(5, 3).tolist()
    [0, 0, 1, 1, 2]
    """
    _check(length, frames)
    return np.minimum(np.arange(length, dtype=np.int64) * frames // max(1, length), frames - 1)


def shown(clip: Clip, canvas: Int) -> Iterator[Picture]:
    """The pictures of ``clip`` in the order of ``canvas``; holds at most `CHUNK` of them."""
    for start, stop in _runs(canvas):
        if canvas[start] <= canvas[stop - 1]:
            yield from _forward(clip, canvas[start:stop])
        else:
            yield from _backward(clip, canvas[start:stop])


def _runs(canvas: Int) -> list[tuple[int, int]]:
    """Stretches in which the canvas only rises by 0 or 1, or only falls by 1."""
    step = np.diff(canvas)
    kind = np.where((step == 0) | (step == 1), 1, np.where(step == -1, -1, 0))
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(canvas):
        stop = start + 1
        if stop < len(canvas) and kind[start]:
            while stop < len(canvas) and kind[stop - 1] == kind[start]:
                stop += 1
        runs.append((start, stop))
        start = stop
    return runs


def _forward(clip: Clip, canvas: Int) -> Iterator[Picture]:
    pictures = clip.read(int(canvas[0]), int(canvas[-1]) + 1)
    at, picture = int(canvas[0]) - 1, np.zeros((0, 0, 3), np.uint8)
    for wanted in canvas.tolist():
        while at < wanted:
            at, picture = at + 1, next(pictures)
        yield picture


def _backward(clip: Clip, canvas: Int) -> Iterator[Picture]:
    high, low = int(canvas[0]) + 1, int(canvas[-1])
    for stop in range(high, low, -CHUNK):
        yield from reversed(list(clip.read(max(low, stop - CHUNK), stop)))


class Parts:
    """Parts of a clip's pictures by frame number, decoded a chunk at a time.

    ``cut(frame, picture)`` says what to keep of a picture. About ``keep`` frames' parts are held; asking
    for frames in rising order decodes each of them once. The pictures are those of `Clip.look`.
    """

    def __init__(self, clip: Clip, cut: Callable[[int, Picture], Picture], keep: int) -> None:
        self._clip, self._cut = clip, cut
        self._room = max(2, -(-keep // CHUNK) + 2)
        self._chunks: OrderedDict[int, list[Picture]] = OrderedDict()
        self._next = -1
        self._reader: Iterator[Picture] = iter(())

    def __getitem__(self, frame: int) -> NDArray[np.uint8]:
        chunk = frame // CHUNK
        if chunk not in self._chunks:
            self._chunks[chunk] = self._load(chunk)
            while len(self._chunks) > self._room:
                self._chunks.popitem(last=False)
        self._chunks.move_to_end(chunk)
        return self._chunks[chunk][frame - chunk * CHUNK]

    def _load(self, chunk: int) -> list[Picture]:
        start, stop = chunk * CHUNK, min(self._clip.length, (chunk + 1) * CHUNK)
        if start != self._next:
            self.close()
            self._reader = self._clip.look(start)
        self._next = stop
        return [self._cut(frame, next(self._reader)) for frame in range(start, stop)]

    def close(self) -> None:
        """Stop decoding."""
        self._reader, self._next = iter(()), -1


class Stills:
    """Parts of a few frames of a clip by frame number, each decoded when it is first asked for and then kept.

    ``cut(frame, picture)`` says what to keep of a picture; at most ``keep`` of them are held.
    """

    def __init__(self, clip: Clip, cut: Callable[[int, Picture], Picture], keep: int = 64) -> None:
        self._clip, self._cut, self._keep = clip, cut, keep
        self._held: OrderedDict[int, Picture] = OrderedDict()

    def __getitem__(self, frame: int) -> Picture:
        if frame not in self._held:
            self._held[frame] = self._cut(frame, next(self._clip.read(frame, frame + 1)))
            while len(self._held) > self._keep:
                self._held.popitem(last=False)
        return self._held[frame]
