"""How near the picture is to the real recording's: PSNR and SSIM of mouth, face and frame."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright import faces, likeness
from lipwright.metrics import Case, Measuring, View, box
from lipwright.types import Measure

LIPS = np.array(faces.OUTER_LIPS)
PLACES = ("mouth", "face", "frame")


class Metric(Measuring):
    """Means over all frames in which both have a face; the places are those of the reference's face."""

    needs: ClassVar = frozenset({"face", "reference"})
    tells: ClassVar = {
        **{f"psnr_{place}": f"{place}: signal to noise against the reference" for place in PLACES},
        **{f"ssim_{place}": f"{place}: structural similarity to the reference" for place in PLACES},
    }

    def __init__(self, case: Case) -> None:
        self._fits = case.reference is not None and case.reference.size == case.size
        self._sums = np.zeros((2, len(PLACES)))
        self._seen = 0

    def see(self, view: View, beside: View | None) -> None:
        """Add up the likeness of a pair."""
        if beside is None or not self._fits:
            return
        size = (view.picture.shape[1], view.picture.shape[0])
        whole = slice(0, size[1]), slice(0, size[0])
        places = (box(beside.points, size, 0.3, LIPS), box(beside.points, size, 0.05), whole)
        if any(rows.stop - rows.start < likeness.WINDOW or columns.stop - columns.start < likeness.WINDOW
               for rows, columns in places):  # fmt: skip
            return
        for n, place in enumerate(places):
            self._sums[0, n] += likeness.psnr(view.picture[place], beside.picture[place])
            self._sums[1, n] += likeness.ssim(view.grey[place], beside.grey[place])
        self._seen += 1

    def result(self) -> tuple[Measure, ...]:
        """Nothing where the reference has another size: a resized picture has other detail."""
        if not self._seen:
            return ()
        peak, alike = self._sums / self._seen
        return (
            *(
                Measure(f"psnr_{place}", float(value), "dB", "higher")
                for place, value in zip(PLACES, peak, strict=True)
            ),
            *(Measure(f"ssim_{place}", float(value), "", "higher") for place, value in zip(PLACES, alike, strict=True)),
        )
