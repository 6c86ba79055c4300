"""Temporal smoothing and stabilisation of points, boxes and pixels, without lag.

Every filter here looks both ways in time (zero phase), never across a break, and never fills an
absent (NaN) row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lipwright import ondisk
from lipwright.types import Float

TRUNCATE = 4.0
"""Deviations after which the bell of a smoothing ends."""


def smooth(values: Float, sigma: float, breaks: Iterable[int] = (), *, twice: bool = False) -> Float:
    """Gaussian smoothing of ``values`` (T, ...) over time with ``sigma`` in frames.

    Stretches of present rows are smoothed one by one; a stretch ends where a row is NaN and before
    each frame named in ``breaks`` (the first frame after a shot cut), and is taken to go on there as it came (odd
    reflection); one that is no longer than four ``sigma`` is too short to tell that, and is taken to stand still there.
    ``sigma`` 0 changes nothing.

    ``twice`` smooths what the first smoothing took away, too, and puts that back (Tukey's twicing, "Exploratory Data
    Analysis", 1977): a swing keeps its width, and trembling goes nearly as well. Short stretches
    are smoothed once.
    """
    reach = int(TRUNCATE * sigma + 0.5) if sigma > 0 else 0
    length, context = len(values), (1 + twice) * (reach + 1) if reach else 0
    return ondisk.by_blocks(
        partial(_smooth, sigma, reach, twice), length, values, _shots(length, breaks), context=context
    )


def _smooth(sigma: float, reach: int, twice: bool, values: Float, shots: NDArray[np.int32]) -> Float:
    result = np.array(values, np.float32)
    if sigma <= 0 or not len(result):
        return result
    for start, stop in stretches(_present(result), _breaks(shots)):
        part = result[start:stop]
        if stop - start <= reach:
            result[start:stop] = gaussian_filter1d(part, sigma, axis=0, mode="nearest", truncate=TRUNCATE)
            continue
        once = _bell(part, sigma, reach)
        result[start:stop] = once + _bell(part - once, sigma, reach) if twice else once
    return result


def _bell(part: Float, sigma: float, reach: int) -> Float:
    """One stretch (T, ...), T > 1, smoothed."""
    rims = ((reach, reach), *[(0, 0)] * (part.ndim - 1))
    longer = np.pad(part, rims, mode="reflect", reflect_type="odd")
    smoothed = gaussian_filter1d(longer, sigma, axis=0, truncate=TRUNCATE)
    return np.asarray(smoothed[reach : reach + len(part)], np.float32)


def _shots(length: int, breaks: Iterable[int]) -> NDArray[np.int32]:
    """For each frame, how many breaks lie before it or at it."""
    return np.searchsorted(np.array(sorted(breaks), np.int64), np.arange(length), side="right").astype(np.int32)


def _breaks(shots: NDArray[np.int32]) -> list[int]:
    found: list[int] = (np.flatnonzero(np.diff(shots)) + 1).tolist()
    return found


def _present(values: Float) -> NDArray[np.bool_]:
    return np.isfinite(values.reshape(len(values), -1)[:, 0]) if len(values) else np.zeros(0, bool)


def stretches(present: NDArray[np.bool_], breaks: Iterable[int] = ()) -> list[tuple[int, int]]:
    """Runs ``(start, stop)`` of True in bool (T,), split before each frame of ``breaks``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    inner = sorted(breaks)
    for start, stop in edges.reshape(-1, 2).tolist():
        marks = [start, *(cut for cut in inner if start < cut < stop), stop]
        runs.extend(itertools.pairwise(marks))
    return runs


def bridge(values: Float, longest: int, breaks: Iterable[int] = ()) -> Float:
    """Linear interpolation over NaN gaps of at most ``longest`` frames; gaps that hold a break stay.

    ``values`` (T, ...); gaps at either end stay, too.
    """
    length = len(values)
    return ondisk.by_blocks(partial(_bridge, longest), length, values, _shots(length, breaks), context=longest + 1)


def _bridge(longest: int, values: Float, shots: NDArray[np.int32]) -> Float:
    result = np.array(values, np.float32)
    cuts = set(_breaks(shots))
    for start, stop in stretches(~_present(result)):
        held = cuts.intersection(range(start, stop + 1))
        if start == 0 or stop == len(result) or stop - start > longest or held:
            continue
        share = np.linspace(0, 1, stop - start + 2, dtype=np.float32)[1:-1].reshape(-1, *[1] * (result.ndim - 1))
        result[start:stop] = result[start - 1] * (1 - share) + result[stop] * share
    return result
