"""Whether the lips do what each kind of speech sound asks of them, where the sounds and their times are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lipwright import phones
from lipwright.metrics import Case, Measuring, View
from lipwright.types import Float, Measure, Phone

CLOSED = 0.03
"""Eye distances; an inner-lip opening below this shows lips that meet, as a tracked mesh has it."""
AROUND = 0.04
"""s around p, b, m in which the lips may meet, and around f, v."""
NEAR = 0.15
"""Share of the way from the mouth at its most shut to its widest (3rd and 97th percentile) that counts as nearly shut;
people's lips meet without the mesh's doing so, but a mouth that never closes is near its own least, too."""
ROUND, PLAIN = 0.7, 0.1
FEWEST = 3
"""Sounds of a kind that are needed for a figure."""
_CORNERS = (61, 291)


class Metric(Measuring):
    """Lips that meet at p, b, m; a mouth that narrows at u, o, w and opens at a; a low lip at f, v.

    The floor is the same face beside the same sounds half a recording later; the ceiling a real recording.
    """

    needs: ClassVar = frozenset({"face", "sound"})
    tells: ClassVar = {
        "lips_meet": "share of p, b, m at which the lips meet",
        "lips_near": "share of p, b, m at which the mouth is nearly as shut as it gets",
        "lips_round": "how much narrower the mouth is at u, o, w than at other vowels, in its own deviations",
        "vowels_open": "opening at open vowels, over the mean",
        "teeth_near": "opening at f, v, over the mean",
    }

    def __init__(self, case: Case) -> None:
        self._case = case
        self._opening = np.full(case.length, np.nan, np.float32)
        self._width = np.full(case.length, np.nan, np.float32)

    def see(self, view: View, beside: View | None) -> None:  # noqa: ARG002 - it looks at one picture
        """Keep the opening and the width of the mouth."""
        self._opening[view.frame] = view.opening
        self._width[view.frame] = np.linalg.norm(view.shape[_CORNERS[0]] - view.shape[_CORNERS[1]])

    def result(self) -> tuple[Measure, ...]:
        """A measure for each kind of which there are three sounds or more."""
        return self._told(self._case.phones)

    def floor(self) -> tuple[Measure, ...]:
        """The same with the sounds half a recording later, those beyond the end at its beginning."""
        return self._told(shifted(self._case.phones, self._case.length / float(self._case.fps)))

    def _told(self, timeline: Sequence[Phone]) -> tuple[Measure, ...]:
        better = {
            "lips_meet": "higher",
            "lips_near": "higher",
            "lips_round": "higher",
            "vowels_open": "higher",
            "teeth_near": "lower",
        }
        found = figures(self._opening, self._width, timeline, float(self._case.fps))
        return tuple(Measure(name, value, "", better[name]) for name, value in found.items())  # type: ignore[arg-type]


def shifted(timeline: Sequence[Phone], duration: float) -> tuple[Phone, ...]:
    """The phones half of ``duration`` s later, those beyond the end at its beginning: a wrong voice."""
    later = [
        replace(phone, start=(phone.start + duration / 2) % duration, end=(phone.start + duration / 2) % duration
                + phone.end - phone.start)
        for phone in timeline
    ]  # fmt: skip
    return tuple(sorted(later, key=lambda phone: phone.start))


def figures(opening: Float, width: Float, timeline: Sequence[Phone], fps: float) -> dict[str, float]:
    """By kind of sound, from the inner-lip ``opening`` and the ``width`` of the mouth (T,), eye distances, NaN where
    no face is seen: the figures named in ``Metric.tells``; kinds of fewer than three sounds are left out."""
    if not np.isfinite(opening).any():
        return {}
    usual = float(np.nanmean(opening)) or 1e-6
    parts = phones.split(tuple(timeline))
    meet = _during(opening, [p for p, sound in parts if sound.closes_lips], fps, AROUND, np.nanmin)
    teeth = _during(opening, [p for p, sound in parts if sound.lips_to_teeth], fps, 0.0, np.nanmean)
    open_wide = _during(opening, [p for p, s in parts if s.vowel and s.height > 0.8], fps, 0.0, np.nanmax)
    narrow = _during(width, [p for p, s in parts if s.rounded >= ROUND], fps, 0.0, np.nanmean)
    plain = _during(width, [p for p, s in parts if s.vowel and s.rounded <= PLAIN], fps, 0.0, np.nanmean)
    spread = max(float(np.nanstd(width)), 1e-6)
    least, widest = np.nanpercentile(opening, (3, 97))
    near = least + NEAR * (widest - least)
    found = {
        "lips_meet": (len(meet), _mean(meet < CLOSED)),
        "lips_near": (len(meet), _mean(meet < near)),
        "lips_round": (min(len(narrow), len(plain)), (_mean(plain) - _mean(narrow)) / spread),
        "vowels_open": (len(open_wide), _mean(open_wide) / usual),
        "teeth_near": (len(teeth), _mean(teeth) / usual),
    }
    return {name: value for name, (count, value) in found.items() if count >= FEWEST}


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _during(track: Float, sounds: Sequence[Phone], fps: float, around: float, of: Callable[[Float], Any]) -> Float:
    """``of`` the track during each of the sounds, where it is known; frame n stands for n / fps s."""
    found = []
    for phone in sounds:
        first = int(np.ceil((phone.start - around) * fps - 1e-6))
        part = track[max(0, first) : max(first + 1, int((phone.end + around) * fps - 1e-6) + 1)]
        if np.isfinite(part).any():
            found.append(float(of(part)))
    return np.array(found, np.float32)
