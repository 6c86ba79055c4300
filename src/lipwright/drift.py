"""How sure an offset is, how it changes through a recording, and what follows: spans, intervals, drift, verdict.

All of it comes from a `lipwright.sync.Table`. Offsets are as there: **> 0 when the sound comes early**.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from lipwright import sync
from lipwright.errors import InputError
from lipwright.types import Float

Verdict = Literal["in sync", "out of sync", "cannot say"]

EARLY_MS, LATE_MS = 45.0, 125.0
"""Sound that comes earlier, or later, than this is noticed (ITU-R BT.1359)."""
LEVEL = 0.95
DRAWS = 400
BLOCK_SECONDS = 1.0
LEAST_SECONDS, LEAST_BLOCKS = 1.0, 4
MOST_BLOCKS = 600
DRIFT_SPANS, DRIFT_SECONDS = 6, 4.0
MOST_SPANS = 600


@dataclass(frozen=True)
class Span:
    """A stretch of a recording, ``start`` to ``stop`` s: ``offset`` frames, ``peak`` the same in fractions,
    ``contrast`` and ``distance`` of its own curve, ``seen``, the share of it in which a face was judged."""

    start: float
    stop: float
    offset: int
    peak: float
    contrast: float
    distance: float
    seen: float


@dataclass(frozen=True)
class Interval:
    """Where a figure lies with 95 % certainty, from ``low`` to ``high``."""

    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Intervals of the ``offset`` (frames), of LSE-D and of LSE-C."""

    offset: Interval
    lse_d: Interval
    lse_c: Interval


@dataclass(frozen=True)
class Drift:
    """How fast the offset grows: ``ms_per_minute`` and its ``interval``; ``certain`` where that leaves out 0 and
    the offset changes by at least a frame from start to end."""

    ms_per_minute: float
    interval: Interval
    certain: bool


def spans(table: sync.Table, fps: float, seconds: float = 2.0, step: float = 1.0) -> tuple[Span, ...]:
    """Stretches of ``seconds``, one every ``step`` seconds, each judged on its own; all of it where it is shorter.

    Stretches in which no picture was judged have an offset of 0, a contrast of 0 and a distance of NaN.
    """
    wide, hop = min(len(table), round(seconds * fps)), max(1, round(step * fps))
    starts = [*range(0, len(table) - wide, hop), len(table) - wide]
    return tuple(_span(table.rows[at : at + wide], at / fps, (at + wide) / fps) for at in starts)


def _span(rows: Float, start: float, stop: float) -> Span:
    seen = float(np.isfinite(rows).any(1).mean())
    if seen == 0:
        return Span(start, stop, 0, 0.0, 0.0, float("nan"), 0.0)
    curve = sync.judge(rows)
    return Span(start, stop, curve.offset, curve.peak, curve.contrast, curve.distance, seen)


def intervals(table: sync.Table, fps: float, seed: int = 0, level: float = LEVEL) -> Intervals | None:
    """Intervals by the block bootstrap: blocks of about a second are drawn with replacement, 400 times; ``level`` of
    what they say (95 %) lies inside.

    Neighbouring frames say much the same, so whole blocks are drawn (Künsch, "The jackknife and the bootstrap
    for general stationary observations", 1989). None for less than a second, or 4 blocks in which a face was judged.
    """
    found = resampled(table, fps, seed)
    return None if found is None else Intervals(*(within(values, level) for values in found))


def resampled(table: sync.Table, fps: float, seed: int = 0) -> tuple[Float, Float, Float] | None:
    """The offsets, LSE-D and LSE-C (400,) of the draws that `intervals` is about; None where that is."""
    if len(table) < LEAST_SECONDS * fps:
        return None
    length = max(round(BLOCK_SECONDS * fps), -(-len(table) // MOST_BLOCKS))
    length = max(round(0.2 * fps), min(length, len(table) // (2 * LEAST_BLOCKS)))
    edges = np.arange(0, len(table), length)
    known = np.isfinite(table.rows)
    counts = np.add.reduceat(known.astype(np.float64), edges, axis=0)
    sums = np.add.reduceat(np.where(known, table.rows, 0).astype(np.float64), edges, axis=0)
    used = counts.any(1)
    counts, sums = counts[used], sums[used]
    if len(counts) < LEAST_BLOCKS:
        return None
    random = np.random.default_rng(seed)
    weights = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=DRAWS).astype(np.float64)
    drawn = weights @ counts
    curves = sync.mean(weights @ sums, drawn)
    least = np.nanmin(curves, axis=1)
    offset = np.nanargmin(curves, axis=1) - table.reach
    return offset, least, np.nanmedian(curves, axis=1) - least


def within(values: Float, level: float) -> Interval:
    """The middle part of ``values``, ``level`` of them."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return Interval(float(low), float(high))


def drift(table: sync.Table, fps: float, least_contrast: float = 0.0) -> Drift | None:
    """The line through the offsets of 4-second spans: Theil and Sen's median of slopes, with Sen's interval.

    Spans whose contrast is not above ``least_contrast``, or in which less than half was judged, are left out.
    None for less than 6 spans, half-overlapping. (Sen, "Estimates of the regression coefficient based on
    Kendall's tau", 1968.)
    """
    found = spans(table, fps, DRIFT_SECONDS, DRIFT_SECONDS / 2)
    good = [span for span in found if span.contrast > least_contrast and span.seen >= 0.5]
    good = good[:: -(-len(good) // MOST_SPANS) or 1]
    if len(good) < DRIFT_SPANS or len(found) < DRIFT_SPANS:
        return None
    time = np.array([(span.start + span.stop) / 2 for span in good])
    slope, _, low, high = stats.theilslopes([span.peak for span in good], time, LEVEL)
    scale = 60 * 1000 / fps
    moved = abs(slope) * float(time[-1] - time[0])
    certain = bool((low > 0 or high < 0) and moved >= 1)
    return Drift(float(slope) * scale, Interval(float(low) * scale, float(high) * scale), certain)


def accuracy(judged: Sequence[Span], within: int = 1) -> float:
    """Sync accuracy: the share of spans whose offset is within ``within`` frames of nought; NaN where none was seen."""
    found = [abs(span.offset) <= within for span in judged if span.seen >= 0.5]
    return float(np.mean(found)) if found else float("nan")


def verdict(offset: Interval | None, fps: float, contrast: float, least_contrast: float) -> Verdict:
    """Whether a viewer would see it: "in sync" where the whole interval of the offset lies between 45 ms early and
    125 ms late, "out of sync" where all of it lies outside, "cannot say" for the rest, for a contrast that a wrong
    voice reaches (``least_contrast``), and where there is too little for an interval (None).

    Raises InputError for an fps of 0 or less.
    """
    if fps <= 0:
        raise InputError(f"a verdict needs fps above 0; given {fps}")
    if offset is None or not contrast > least_contrast:
        return "cannot say"
    low, high = offset.low * 1000 / fps, offset.high * 1000 / fps
    if low >= -LATE_MS and high <= EARLY_MS:
        return "in sync"
    return "out of sync" if low > EARLY_MS or high < -LATE_MS else "cannot say"
