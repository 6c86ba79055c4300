"""Smooth paths through candidate frames: the best frame for every instant, jumps charged.

Shared by every way of dubbing that shows other frames of the same video.
"""

from __future__ import annotations

import numpy as np

from lipwright.types import Float, Int


def smooth_path(cost: Float, centre: Int, *, jump: float, cap: int) -> Int:
    """The cheapest path (Viterbi) through a band of candidates.

    ``cost`` float32 (T, 2W + 1): cost[t, k] of showing frame ``centre[t] - W + k`` at t; infinite where
    there is no such frame. Going from frame d to frame e costs ``jump · min(|e - d - 1|, |e - d + 1|, cap)``:
    running forward or backward is free, standing still costs one jump. Returns frames int64 (T,).
    """
    steps, width = cost.shape
    reach = width // 2
    total = cost[0].astype(np.float64)
    came = np.zeros((steps, width), np.int16)
    for t in range(1, steps):
        best, source = _arrive(total, int(centre[t] - centre[t - 1]), jump, cap)
        came[t] = source
        total = best + cost[t]
    path = np.empty(steps, np.int64)
    at = int(np.argmin(total))
    for t in range(steps - 1, -1, -1):
        path[t] = centre[t] - reach + at
        at = int(came[t, at])
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


def _arrive(total: Float, shift: int, jump: float, cap: int) -> tuple[Float, Int]:
    """Cheapest arrival at every candidate, and from which; the band moved by ``shift`` frames."""
    width = len(total)
    low = int(np.argmin(total))
    best = np.full(width, total[low] + jump * cap)
    source = np.full(width, low, np.int64)
    room = cap + 1 + abs(shift)
    padded = np.pad(total, room, constant_values=np.inf)
    index = np.arange(width)
    for step in range(-cap - 1, cap + 2):
        price = jump * min(abs(step - 1), abs(step + 1), cap)
        if price >= jump * cap:
            continue
        move = shift - step
        value = padded[room + move : room + move + width] + price
        better = value < best
        np.copyto(best, value, where=better)
        np.copyto(source, index + move, where=better)
    return best, source
