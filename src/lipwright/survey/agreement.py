"""How much raters agree: Krippendorff's alpha for answers that stand in an order."""

from __future__ import annotations

import numpy as np

from lipwright.survey.intervals import Values


def alpha(ratings: Values, draws: int = 0, seed: int = 1) -> tuple[float, tuple[float, float] | None]:
    """Krippendorff's alpha, ordinal, of ``ratings`` (raters, items), NaN where there is none: 1 is agreement, 0 is
    chance, below 0 is worse than chance; NaN where no item has two ratings, or all ratings are one value.

    Also its 95 % interval, percentiles of ``draws`` resamples of the items (None without draws). From Krippendorff,
    "Computing Krippendorff's Alpha-Reliability" (2011); resampling of items after Zapf et al., BMC Med. Res. Methodol.
    16:93 (2016).
    """
    values = np.unique(ratings[np.isfinite(ratings)])
    counts = np.stack([(ratings == value).sum(0) for value in values], axis=1) if len(values) else np.zeros((0, 0))
    counts = counts[counts.sum(1) > 1].astype(np.float64)
    if not len(counts):
        return float("nan"), None
    pairs = counts[:, :, None] * (counts[:, None, :] - np.eye(len(values))) / (counts.sum(1) - 1)[:, None, None]
    found = float(_ordinal(pairs.sum(0)[None])[0])
    if not draws:
        return found, None
    taken = np.random.default_rng(seed).multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=draws)
    low, high = np.nanquantile(_ordinal(np.tensordot(taken, pairs, 1)), [0.025, 0.975])
    return found, (float(low), float(high))


def _ordinal(coincidences: Values) -> Values:
    """Alpha (B,) of coincidence matrices (B, V, V), their values in order."""
    margins = coincidences.sum(2)
    reached = np.cumsum(margins, axis=1)
    middle = reached - margins / 2
    apart = (middle[:, :, None] - middle[:, None, :]) ** 2
    total = margins.sum(1)
    observed = (coincidences * apart).sum((1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * apart).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan)
