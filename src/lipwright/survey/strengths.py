"""From who was preferred to whom to one scale: Bradley and Terry's model."""

from __future__ import annotations

import numpy as np

from lipwright.survey.intervals import Values

PRIOR = 0.5
"""The part of a tie that every two systems are given: without it a system that always won is infinitely strong."""
ROUNDS, CLOSE, LEAST = 1000, 1e-9, 1e-12


def strengths(wins: Values, prior: float = PRIOR) -> Values:
    """Log strengths (..., S), mean 0, of systems that were preferred ``wins`` (..., S, S) times, row to column; a
    tie is half a win to each.

    i is preferred to j with probability 1 / (1 + exp(s_j - s_i)). The maximum likelihood (Hunter, "MM algorithms for
    generalized Bradley-Terry models", Annals of Statistics 32, 2004) after ``prior`` ties between every two, reached by
    the faster iteration of Newman, "Efficient computation of rankings from pairwise comparisons", Journal of Machine
    Learning Research 24 (2023), equation 10, one system after the other.
    """
    count = wins.shape[-1]
    counted = (np.asarray(wins, np.float64) + prior / 2) * (1 - np.eye(count))
    found = np.ones(counted.shape[:-1])
    for _ in range(ROUNDS):
        before = found.copy()
        for i in range(count):
            both = found[..., i, None] + found
            won, lost = counted[..., i, :] * found / both, counted[..., :, i] / both
            found[..., i] = won.sum(-1) / np.maximum(lost.sum(-1), LEAST)
            found[..., i] = np.where((won + lost).sum(-1) > 0, np.maximum(found[..., i], LEAST), 1.0)
        found /= np.exp(np.log(found).mean(-1, keepdims=True))
        if np.abs(found - before).max(initial=0.0) < CLOSE * np.abs(found).max(initial=1.0):
            break
    return np.log(found)


def spread(wins: Values, draws: int = 1000, seed: int = 1, prior: float = PRIOR) -> tuple[Values, Values]:
    """The 95 % interval (S,), (S,) of the log strengths: percentiles of ``draws`` resamples of the raters, whose
    ``wins`` are (R, S, S)."""
    count = len(wins)
    taken = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    low, high = np.quantile(strengths(np.tensordot(taken, wins, 1), prior), [0.025, 0.975], axis=0)
    return low, high
