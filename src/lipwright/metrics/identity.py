"""Whether it is still the same person: the average upright face beside the source's."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lipwright import likeness
from lipwright.metrics import STRIP, UPPER, Case, Measuring, View
from lipwright.types import Measure


class Metric(Measuring):
    """Correlation of the aligned faces, averaged over all frames: pixels, not a face recognition network.

    It sees a face that was swapped, recoloured, blurred or moved; it does not know people.
    """

    needs: ClassVar = frozenset({"face", "source"})
    tells: ClassVar = {
        "identity_upper": "eyes and nose look as in the source, on average",
        "identity_lower": "mouth and chin look as in the source, on average",
    }

    def __init__(self, case: Case) -> None:  # noqa: ARG002 - every metric is built from its case
        self._mine: NDArray[np.float64] = np.zeros(STRIP[::-1])
        self._other: NDArray[np.float64] = np.zeros(STRIP[::-1])
        self._seen = 0

    def see(self, view: View, beside: View | None) -> None:
        """Add up the faces of a pair."""
        if beside is not None:
            self._mine += view.strip
            self._other += beside.strip
            self._seen += 1

    def result(self) -> tuple[Measure, ...]:
        """1 for the same face; nothing where no frame shows both."""
        if not self._seen:
            return ()
        parts = {"upper": slice(0, UPPER), "lower": slice(UPPER, None)}
        return tuple(
            Measure(f"identity_{name}", likeness.correlation(*pair), "correlation", "higher")
            for name, rows in parts.items()
            for pair in [(self._mine[rows].ravel(), self._other[rows].ravel())]
        )
