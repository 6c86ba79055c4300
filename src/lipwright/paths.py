"""Smooth paths through candidate frames: the best frame for every instant, jumps charged.

Shared by every way of dubbing that shows other frames of the same video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk
from lipwright.types import Float, Int

_ROWS = 4000  # rows of the way back read at a time


def smooth_path(cost: Iterable[Float], centre: Int, *, jump: float | Float, cap: int, backward: bool = True) -> Int:
    """The cheapest path (Viterbi) through a band of candidates.

    ``cost``, T rows float32 (2W + 1,), taken one by one: in row t the k-th is the cost of showing frame
    ``centre[t] - W + k``, infinite where there is no such frame. Going from frame d to frame e costs
    ``jump · min(|e - d - 1|, |e - d + 1|, cap)``: running forward or backward is free, standing still costs one
    jump; without ``backward``, ``jump · min(|e - d - 1|, cap)``. ``jump`` may be float32 (T,), the price of going
    to each row. Returns frames int64 (T,).
    """
    rows = iter(cost)
    jumps = np.broadcast_to(jump, len(centre))
    total: NDArray[np.floating] = next(rows).astype(np.float64)

    def arrivals() -> Iterator[NDArray[np.int16]]:
        nonlocal total
        yield np.zeros((1, len(total)), np.int16)
        for t, row in enumerate(rows, 1):
            best, source = _arrive(total, int(centre[t] - centre[t - 1]), float(jumps[t]), cap, backward)
            total = best + row
            yield source.astype(np.int16)[None]

    came = ondisk.keep(arrivals())
    path = np.empty(len(came), np.int64)
    at = int(np.argmin(total))
    for t in range(len(came) - 1, -1, -1):
        path[t] = centre[t] - len(total) // 2 + at
        at = int(came[t, at])
        if t % _ROWS == 0:
            ondisk.release(came)
    return path


def across_jumps(path: Int, frames: int, longest: int = 3) -> Int:
    """At the two frames either side of a jump of ``path``, the frame the other side would have shown; else -1.

    Mixing a little of it in takes the edge off a jump longer than ``longest``. ``frames`` is the number there are;
    -1 in ``path`` is an absence, not a jump.
    """
    other = np.full(len(path), -1, np.int64)
    before, after = path[:-1], path[1:]
    jumps = np.flatnonzero((np.abs(after - before) > longest) & (before >= 0) & (after >= 0))
    other[jumps] = np.maximum(path[jumps + 1] - 1, 0)
    other[jumps + 1] = np.minimum(path[jumps] + 1, frames - 1)
    return other


def _arrive(
    total: NDArray[np.floating], shift: int, jump: float, cap: int, backward: bool
) -> tuple[NDArray[np.floating], Int]:
    """Cheapest arrival at every candidate, and from which; the band moved by ``shift`` frames."""
    width = len(total)
    low = int(np.argmin(total))
    best = np.full(width, total[low] + jump * cap)
    source = np.full(width, low, np.int64)
    room = cap + 1 + abs(shift)
    padded = np.pad(total, room, constant_values=np.inf)
    index = np.arange(width)
    for step in range(-cap - 1, cap + 2):
        price = jump * min(abs(step - 1), abs(step + 1) if backward else cap, cap)
        if price >= jump * cap:
            continue
        move = shift - step
        value = padded[room + move : room + move + width] + price
        better = value < best
        np.copyto(best, value, where=better)
        np.copyto(source, index + move, where=better)
    return best, source
