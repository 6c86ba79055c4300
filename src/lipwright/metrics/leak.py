"""Whether the mouth keeps still while nothing is said: the source's mouth must not leak through.

After LipLeak (KeySync, 2025): the share of silent frames in which the mouth stands open.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright import mouth
from lipwright.metrics import Case, Measuring, View
from lipwright.types import Float, Measure

OPEN = 0.03
LEAST_SECONDS = 0.4
CLOSED_MOST = 0.05


class Metric(Measuring):
    """A mouth stands open where it is open by 0.03 eye distances more than when it is closed.

    Closed is the mean of the 2 % of frames that open least, not more than 0.05: a face that is
    never seen closed is not excused by that.
    """

    needs: ClassVar = frozenset({"face", "sound"})
    tells: ClassVar = {
        "leak": "share of silence in which the mouth stands open",
        "leak_motion": "movement of the mouth in silence, over that in speech",
    }

    def __init__(self, case: Case) -> None:
        self._case = case
        self._opening = np.full(case.length, np.nan, np.float32)

    def see(self, view: View, beside: View | None) -> None:  # noqa: ARG002 - it looks at one picture
        """Keep the opening."""
        self._opening[view.frame] = view.opening

    def result(self) -> tuple[Measure, ...]:
        """Nothing where less than 0.4 s of silence shows a face."""
        known = np.isfinite(self._opening)
        silent = known & (self._case.voiced[: len(known)] == 0)
        if silent.sum() < max(3, LEAST_SECONDS * float(self._case.fps)):
            return ()
        least = np.sort(self._opening[known])[: max(mouth.CLOSED_LEAST, round(mouth.CLOSED * known.sum()))]
        rest = min(float(least.mean()), CLOSED_MOST)
        found = [Measure("leak", float((self._opening[silent] > rest + OPEN).mean()), "", "lower")]
        still, moving = _moved(self._opening, silent), _moved(self._opening, known & ~silent)
        if moving > 1e-4:
            found.append(Measure("leak_motion", still / moving, "", "lower"))
        return tuple(found)


def _moved(opening: Float, frames: np.ndarray) -> float:
    """Mean change of the opening from frame to frame inside ``frames`` bool (T,); 0 where there are no two."""
    both = frames[1:] & frames[:-1]
    return float(np.abs(np.diff(opening))[both].mean()) if both.any() else 0.0
