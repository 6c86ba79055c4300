"""Means, differences and correlations with 95 % intervals, and what is left of a test among many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

EXACT = 50
FEWEST = 4
"""Items that a correlation needs, for its interval to exist."""


@dataclass(frozen=True)
class Estimate:
    """A figure, its 95 % interval (None where there is too little for one), and what it is made of: ``count``."""

    value: float
    low: float | None
    high: float | None
    count: int


def mean(values: Values) -> Estimate:
    """The mean of values (N,), NaN left out, with Student's interval; each value is a rater's own mean, so that many
    votes of one rater do not count as many raters."""
    from scipy import stats

    known = values[np.isfinite(values)]
    if not len(known):
        return Estimate(float("nan"), None, None, 0)
    value = float(known.mean())
    if len(known) < 2:
        return Estimate(value, None, None, len(known))
    reach = float(stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Estimate(value, value - reach, value + reach, len(known))


def unlike(differences: Values) -> float:
    """The two-sided p of Wilcoxon's signed-rank test that differences (N,), one a rater, lie around 0; 1 where none is
    known, or all are 0.

    Exact, also where some are alike, for up to 50 that are not 0; beyond, by the normal distribution.
    """
    from scipy import stats

    known = np.round(differences[np.isfinite(differences)], 9)  # means that are alike differ by a rounding
    known = known[known != 0]
    if not len(known):
        return 1.0
    if len(known) > EXACT:
        return float(stats.wilcoxon(known, method="approx").pvalue)
    ranks = np.round(2 * stats.rankdata(np.abs(known))).astype(int)  # whole: ranks shared by two end in a half
    ways = np.ones(1)
    for rank in ranks:
        ways = np.append(ways, np.zeros(rank)) + np.append(np.zeros(rank), ways)
    ways /= ways.sum()
    reached = int(ranks[known > 0].sum())
    return float(min(1.0, 2 * min(ways[: reached + 1].sum(), ways[reached:].sum())))


def holm(chances: Sequence[float]) -> list[float]:
    """p values of several tests, corrected for their number (Holm, Scandinavian Journal of Statistics 6, 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, worst = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        worst = max(worst, min(1.0, chances[place] * (len(chances) - rank)))
        corrected[place] = round(worst, 12)
    return corrected


def pearson(one: Values, other: Values) -> Estimate:
    """Pearson's correlation of two series (N,), NaN left out, with Fisher's interval (standard error
    1 / sqrt(n - 3))."""
    return _correlation(one, other, 0.0)


def spearman(one: Values, other: Values) -> Estimate:
    """Spearman's, with Fisher's interval and the standard error of Bonett and Wright, Psychometrika 65 (2000):
    sqrt((1 + r^2 / 2) / (n - 3))."""
    from scipy import stats

    known = np.isfinite(one) & np.isfinite(other)
    return _correlation(stats.rankdata(one[known]), stats.rankdata(other[known]), 0.5)


def _correlation(one: Values, other: Values, wider: float) -> Estimate:
    """The correlation; its variance on Fisher's scale is (1 + ``wider`` r^2) / (n - 3)."""
    known = np.isfinite(one) & np.isfinite(other)
    a, b = one[known].astype(np.float64), other[known].astype(np.float64)
    count = len(a)
    if count < FEWEST or not (np.ptp(a) > 0 and np.ptp(b) > 0):
        return Estimate(float("nan"), None, None, count)
    value = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if abs(value) > 1 - 1e-12:
        return Estimate(value, value, value, count)
    reach = 1.959964 * float(np.sqrt((1 + wider * value**2) / (count - 3)))
    at = float(np.arctanh(value))
    return Estimate(value, float(np.tanh(at - reach)), float(np.tanh(at + reach)), count)
