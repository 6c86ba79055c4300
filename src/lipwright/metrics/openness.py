"""Whether the mouth opens when the voice asks for it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright import features
from lipwright.likeness import correlation
from lipwright.metrics import Case, Measuring, View
from lipwright.types import Measure

QUIET_DB = -50.0


class Metric(Measuring):
    """Correlation of the inner-lip opening with what the motion network expects of this speech, and with its level."""

    needs: ClassVar = frozenset({"face", "sound"})
    tells: ClassVar = {
        "openness": "mouth opening follows what the speech asks for",
        "openness_level": "mouth opening follows the level of the voice",
    }

    def __init__(self, case: Case) -> None:
        self._case = case
        self._opening = np.full(case.length, np.nan, np.float32)

    def see(self, view: View, beside: View | None) -> None:  # noqa: ARG002 - it looks at one picture
        """Keep the opening."""
        self._opening[view.frame] = view.opening

    def result(self) -> tuple[Measure, ...]:
        """Correlations over the frames that show a face; those that mean nothing (a mouth that stands still) are left
        out."""
        return self._follows(0)

    def floor(self) -> tuple[Measure, ...]:
        """The same with the voice half a recording later."""
        return self._follows(self._case.length // 2) if self._case.length >= 20 else ()

    def _follows(self, later: int) -> tuple[Measure, ...]:
        if not np.isfinite(self._opening).any():
            return ()
        level = features.energy(self._case.speech, hop=float(1 / self._case.fps), window=0.08)
        loud = np.maximum(np.pad(level, (0, max(0, self._case.length - len(level))), constant_values=-100), QUIET_DB)
        found = []
        for name, series in (("openness", self._case.asked), ("openness_level", loud[: self._case.length])):
            value = correlation(self._opening, np.roll(series, -later))
            track = self._opening if name == "openness" and not later else None
            if np.isfinite(value):
                found.append(Measure(name, value, "correlation", "higher", track))
        return tuple(found)
