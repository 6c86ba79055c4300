"""Whether picture and sound are as long as each other, and as the reference."""

from __future__ import annotations

from typing import ClassVar

from lipwright.metrics import Case, Measuring
from lipwright.types import Measure


class Metric(Measuring):
    """Frames more or fewer than the sound, or the reference, asks for."""

    needs: ClassVar[frozenset[str]] = frozenset()
    tells: ClassVar = {
        "frames_off_sound": "frames more or fewer than the sound lasts",
        "frames_off_reference": "frames more or fewer than the reference has",
        "seconds_off_reference": "picture longer or shorter than the reference's",
    }

    def __init__(self, case: Case) -> None:
        self._case = case

    def result(self) -> tuple[Measure, ...]:
        """0 is right; above 0 the picture is longer."""
        case, found = self._case, []
        if case.sound_seconds:
            wanted = round(case.sound_seconds * case.fps)
            found.append(Measure("frames_off_sound", float(case.length - wanted), "frames"))
        if case.reference is not None:
            seconds = float(case.length / case.fps) - case.reference.duration
            found.append(Measure("frames_off_reference", float(case.length - case.reference.length), "frames"))
            found.append(Measure("seconds_off_reference", seconds, "s"))
        return tuple(found)
