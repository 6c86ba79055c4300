"""Whether the mouth is as sharp as the face around it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright.likeness import detail
from lipwright.metrics import UPPER, Case, Measuring, View
from lipwright.types import Measure


class Metric(Measuring):
    """Fine detail of mouth and chin over that of eyes and nose, in the upright face.

    Faces differ (beards, brows): compare it with the same face's in the ceiling, not with 1.
    """

    needs: ClassVar = frozenset({"face"})
    tells: ClassVar = {"sharpness": "fine detail of the mouth over that of eyes and nose"}

    def __init__(self, case: Case) -> None:  # noqa: ARG002 - every metric is built from its case
        self._found: list[tuple[float, float]] = []

    def see(self, view: View, beside: View | None) -> None:  # noqa: ARG002 - it looks at one picture
        """Keep the detail of both halves."""
        self._found.append((detail(view.strip[UPPER:]), detail(view.strip[:UPPER])))

    def result(self) -> tuple[Measure, ...]:
        """The ratio of the two sums; nothing for a face without any detail."""
        lower, upper = np.array(self._found, np.float32).reshape(-1, 2).sum(0)
        return (Measure("sharpness", float(lower / upper), "", "none"),) if upper > 0 else ()
