"""Whether the mouth trembles from frame to frame, in its pixels and in its shape."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright import faces
from lipwright.likeness import trembling
from lipwright.metrics import UPPER, Case, Measuring, View
from lipwright.types import Float, Measure

LIPS = np.array(faces.OUTER_LIPS + faces.INNER_LIPS)


class Metric(Measuring):
    """Distance of each frame from the middle of its two neighbours, where all three show a face.

    Speech moves, too: compare it with the ceiling's, not with 0.
    """

    needs: ClassVar = frozenset({"face"})
    tells: ClassVar = {"flicker": "trembling of the mouth's pixels", "jitter": "trembling of the lips' outline"}

    def __init__(self, case: Case) -> None:  # noqa: ARG002 - every metric is built from its case
        self._last: list[tuple[int, Float, Float]] = []
        self._sums = np.zeros(2)
        self._seen = 0

    def see(self, view: View, beside: View | None) -> None:  # noqa: ARG002 - it looks at one picture
        """Compare the frame before with its neighbours."""
        self._last.append((view.frame, view.strip[UPPER:].astype(np.float32), view.shape[LIPS, :2]))
        if len(self._last) < 3:
            return
        if self._last[2][0] - self._last[0][0] == 2:
            _, strips, outlines = zip(*self._last, strict=True)
            self._sums += trembling(*strips), trembling(*outlines)
            self._seen += 1
        del self._last[0]

    def result(self) -> tuple[Measure, ...]:
        """Grey levels of the upright mouth, and thousandths of the eye distance."""
        if not self._seen:
            return ()
        pixels, outline = self._sums / self._seen
        flicker = Measure("flicker", float(pixels), "grey levels", "lower")
        return flicker, Measure("jitter", float(1000 * outline), "eye distances / 1000", "lower")
