"""Whether the mouth opens when the voice asks for it, and closes at p, b and m."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright import features
from lipwright.likeness import correlation
from lipwright.metrics import Case, Measuring, View
from lipwright.types import Float, Measure

QUIET_DB = -50.0
LIPS_MEET = frozenset("pbmɓ")
WIDE_OPEN = frozenset("aɑɒæɐ")
CLOSED = 0.03
FEWEST_PHONES = 3


class Metric(Measuring):
    """Correlation of the inner-lip opening with what the motion network expects of this speech, and with its level.

    Where the speech sounds and their times are known (``Case.phones``): how often the lips meet at p, b, m, and how
    much wider the mouth is at open vowels.
    """

    needs: ClassVar = frozenset({"face", "sound"})
    tells: ClassVar = {
        "openness": "mouth opening follows what the speech asks for",
        "openness_level": "mouth opening follows the level of the voice",
        "lips_meet": "share of p, b, m at which the lips meet",
        "vowels_open": "opening at open vowels, over the mean",
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
        return (*self._follows(0), *self._phones())

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

    def _phones(self) -> tuple[Measure, ...]:
        found = []
        meet = [np.nanmin(part) < CLOSED for part in self._at(LIPS_MEET, 1)]
        if len(meet) >= FEWEST_PHONES:
            found.append(Measure("lips_meet", float(np.mean(meet)), "", "higher"))
        wide = [np.nanmax(part) for part in self._at(WIDE_OPEN, 0)]
        if len(wide) >= FEWEST_PHONES:
            found.append(Measure("vowels_open", float(np.mean(wide) / np.nanmean(self._opening)), "", "none"))
        return tuple(found)

    def _at(self, symbols: frozenset[str], around: int) -> list[Float]:
        """The opening during each of the speech sounds that begin with one of ``symbols``, where a face is seen."""
        fps = float(self._case.fps)
        parts = [
            self._opening[max(0, int(phone.start * fps) - around) : int(np.ceil(phone.end * fps)) + around]
            for phone in self._case.phones
            if phone.symbol[:1] in symbols
        ]
        return [part for part in parts if np.isfinite(part).any()]
