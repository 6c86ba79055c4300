"""From who was preferred to whom to one scale: Bradley and Terry's model."""

from __future__ import annotations

import numpy as np

from lipwright.survey.intervals import Values

PRIOR = 0.5
"""The part of a tie that every two systems are given: without it a system that always won is infinitely strong."""
ROUNDS, CLOSE = 10_000, 1e-10


def strengths(wins: Values, prior: float = PRIOR) -> Values:
    """Log strengths (..., S), mean 0, of systems that were preferred ``wins`` (..., S, S) times, row to column; a
    tie is half a win to each.

    i is preferred to j with probability 1 / (1 + exp(s_j - s_i)). The maximum likelihood, by the minorisation of
    Hunter, "MM algorithms for generalized Bradley-Terry models", Annals of Statistics 32 (2004), equation 3, after
    ``prior`` ties between every two.
    """
    count = wins.shape[-1]
    wins = np.asarray(wins, np.float64) * (1 - np.eye(count)) + prior / 2 * (1 - np.eye(count))
    met, won = wins + np.swapaxes(wins, -1, -2), wins.sum(-1)
    found = np.ones(wins.shape[:-1])
    for _ in range(ROUNDS):
        before = found
        found = won / np.maximum((met / (found[..., :, None] + found[..., None, :])).sum(-1), 1e-300)
        found = found / np.exp(np.log(np.maximum(found, 1e-300)).mean(-1, keepdims=True))
        if np.abs(found - before).max(initial=0.0) < CLOSE * np.abs(found).max(initial=1.0):
            break
    logs = np.log(np.maximum(found, 1e-300))
    return logs - logs.mean(-1, keepdims=True)


def spread(wins: Values, draws: int = 1000, seed: int = 1, prior: float = PRIOR) -> tuple[Values, Values]:
    """The 95 % interval (S,), (S,) of the log strengths: percentiles of ``draws`` resamples of the raters, whose
    ``wins`` are (R, S, S)."""
    count = len(wins)
    taken = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    low, high = np.quantile(strengths(np.tensordot(taken, wins, 1), prior), [0.025, 0.975], axis=0)
    return low, high
