"""Whether brows and eyes still say what they said: the upper face beside the source's, frame by frame."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright.likeness import correlation
from lipwright.metrics import Case, Measuring, View
from lipwright.types import Float, Measure

BROWS = np.array((70, 63, 105, 66, 107, 336, 296, 334, 293, 300))
UPPER_LIDS, LOWER_LIDS = np.array((160, 159, 158, 385, 386, 387)), np.array((144, 145, 153, 380, 374, 373))
UPPER = np.concatenate([BROWS, UPPER_LIDS, LOWER_LIDS])


class Metric(Measuring):
    """Distance of brows and eyelids from the source's in the same frame, and how their movement goes together."""

    needs: ClassVar = frozenset({"face", "source"})
    tells: ClassVar = {
        "expression_distance": "brows and eyelids from the source's, 2-D",
        "expression_brows": "raising of the brows follows the source's",
        "expression_eyes": "opening of the eyes follows the source's",
    }

    def __init__(self, case: Case) -> None:  # noqa: ARG002 - every metric is built from its case
        self._far: list[float] = []
        self._brows: list[tuple[float, float]] = []
        self._eyes: list[tuple[float, float]] = []

    def see(self, view: View, beside: View | None) -> None:
        """Keep distance, brows and eyes of a pair."""
        if beside is None:
            return
        gap = (view.shape - beside.shape)[UPPER, :2]
        self._far.append(float(np.linalg.norm(gap, axis=1).mean()))
        self._brows.append((_brow(view.shape), _brow(beside.shape)))
        self._eyes.append((_eye(view.shape), _eye(beside.shape)))

    def result(self) -> tuple[Measure, ...]:
        """A correlation is left out where the source's brows, or eyes, hardly move: there is nothing to follow."""
        if not self._far:
            return ()
        track = np.array(self._far, np.float32)
        found = [Measure("expression_distance", float(track.mean()), "eye distances", "lower", track)]
        for name, pairs in (("brows", self._brows), ("eyes", self._eyes)):
            mine, real = np.array(pairs, np.float32).T
            if real.std() > 0.003 and np.isfinite(value := correlation(mine, real)):
                found.append(Measure(f"expression_{name}", value, "correlation", "higher"))
        return tuple(found)


def _brow(shape: Float) -> float:
    """How far the brows stand above the eyes' corners, in eye distances."""
    return -float(shape[BROWS, 1].mean())


def _eye(shape: Float) -> float:
    return float(np.linalg.norm(shape[UPPER_LIDS, :2] - shape[LOWER_LIDS, :2], axis=1).mean())
