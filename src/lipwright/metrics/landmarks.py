"""How near the mouth's movement is to the real recording's: lip landmarks and mesh vertices."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lipwright import faces
from lipwright.likeness import correlation
from lipwright.metrics import Case, Measuring, View
from lipwright.types import Float, Measure

LIPS = np.array(faces.OUTER_LIPS + faces.INNER_LIPS)


class Metric(Measuring):
    """LMD, LVE, and how the opening follows the reference's; 480 bytes a frame are kept."""

    needs: ClassVar = frozenset({"face", "reference"})
    tells: ClassVar = {
        "lmd": "lip landmarks from the reference's, 2-D",
        "lmd_motion": "the same, each about its own mean",
        "lve": "farthest lip vertex from the reference's, 3-D",
        "opening_reference": "mouth opening follows the reference's",
        "opening_amplitude": "movement of the opening, over the reference's",
    }

    def __init__(self, case: Case) -> None:  # noqa: ARG002 - every metric is built from its case
        self._mine: list[Float] = []
        self._other: list[Float] = []
        self._opening: list[tuple[float, float]] = []

    def see(self, view: View, beside: View | None) -> None:
        """Keep the lips of a pair."""
        if beside is not None:
            self._mine.append(view.shape[LIPS].astype(np.float16))
            self._other.append(beside.shape[LIPS].astype(np.float16))
            self._opening.append((view.opening, beside.opening))

    def result(self) -> tuple[Measure, ...]:
        """Distances in eye distances, the pose taken out of both."""
        return self._against(0)

    def floor(self) -> tuple[Measure, ...]:
        """The same against the reference half a recording later: the right mouth, the wrong words."""
        return self._against(len(self._other) // 2) if len(self._other) >= 20 else ()

    def _against(self, later: int) -> tuple[Measure, ...]:
        if not self._mine:
            return ()
        mine = np.stack(self._mine).astype(np.float32)
        other = np.roll(np.stack(self._other), -later, axis=0).astype(np.float32)
        gap = mine - other
        far = np.linalg.norm(gap[..., :2], axis=2).mean(1)
        moved = np.linalg.norm((gap - gap.mean(0))[..., :2], axis=2).mean(1)
        most = np.linalg.norm(gap, axis=2).max(1)
        own, real = np.array(self._opening, np.float32).T
        unit, still = "eye distances", float(real.std())
        found = [
            Measure("lmd", float(far.mean()), unit, "lower", far),
            Measure("lmd_motion", float(moved.mean()), unit, "lower", moved),
            Measure("lve", float(most.mean()), unit, "lower", most),
            Measure("opening_reference", correlation(own, np.roll(real, -later)), "correlation", "higher"),
        ]
        if still > 1e-3 and not later:
            found.append(Measure("opening_amplitude", float(own.std()) / still, "", "none"))
        return tuple(found)
