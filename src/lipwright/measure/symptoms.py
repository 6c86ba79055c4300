"""Which symptoms of `lipwright.symptoms` a measurement shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from lipwright import symptoms
from lipwright.measure.found import Measured
from lipwright.symptoms import Symptom


def applying(found: Measured) -> Iterator[Symptom]:
    """The symptoms that a measurement shows."""
    return (symptoms.of(code) for code, shows in SHOWS.items() if shows(found))


def _has(*codes: str) -> Callable[[Measured], bool]:
    """At least a fifth of the spans with speech, or one where there are few, have one of these problems."""

    def shows(found: Measured) -> bool:
        spoken = [problem for problem in found.judged.spans if problem.code not in ("silence", "other")]
        return sum(problem.code in codes for problem in spoken) > 0.2 * len(spoken)

    return shows


def _figure(name: str, test: Callable[[float], bool]) -> Callable[[Measured], bool]:
    """A metric's value passes a test."""

    def shows(found: Measured) -> bool:
        values = {measure.name: measure.value for measure in found.metrics}
        return name in values and test(values[name])

    return shows


def _beside(name: str, factor: float) -> Callable[[Measured], bool]:
    """A metric lies beyond ``factor`` times the ceiling's: above it for a factor above 1, below it for one below."""

    def shows(found: Measured) -> bool:
        mine = {measure.name: measure.value for measure in found.metrics}.get(name, math.nan)
        best = {measure.name: measure.value for measure in found.ceiling}.get(name, math.nan)
        return mine > factor * best if factor > 1 else mine < factor * best

    return shows


SHOWS: dict[str, Callable[[Measured], bool]] = {
    "out_of_sync": lambda found: found.judged.verdict == "out of sync",
    "drift": lambda found: found.judged.drift is not None and found.judged.drift.certain,
    "early": _has("early"),
    "late": _has("late"),
    "still": _has("still"),
    "weak": lambda found: _has("weak")(found) or not found.judged.curve.contrast > found.judged.least,
    "off_in_places": lambda found: _has("weak")(found) and found.judged.verdict == "in sync",
    "leaks": lambda found: (
        _figure("leak", lambda v: v > 0.3)(found) or _figure("leak_motion", lambda v: v > 0.6)(found)
    ),
    "jittery": lambda found: _beside("jitter", 1.5)(found) or _beside("flicker", 1.5)(found),
    "mouth_blurred": _beside("sharpness", 0.8),
    "hardly_opens": _figure("opening_amplitude", lambda v: v < 0.6),
    "gapes": _figure("opening_amplitude", lambda v: v > 1.6),
    "another_person": _figure("identity_lower", lambda v: v < 0.8),
    "brows_off": _figure("expression_brows", lambda v: v < 0.5),
    "end_cut_off": _figure("frames_off_sound", lambda v: abs(v) > 2),
    "not_judged": lambda found: any(problem.code == "no-face" for problem in found.judged.spans),
}
"""Whether a measurement shows a symptom, by its code."""
