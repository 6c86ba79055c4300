"""Mouth shapes and curves from a timeline of speech sounds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lipwright import lips, phones
from lipwright.errors import InputError
from lipwright.types import Phone

TALK = (
    Phone("m", 0.3, 0.4), Phone("a", 0.4, 0.6), Phone("p", 0.6, 0.68), Phone("uː", 0.68, 0.9), Phone("f", 0.9, 1.0),
    Phone("iː", 1.05, 1.25), Phone("h", 1.6, 1.65), Phone("ɔ", 1.65, 1.9),
)  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "oculus", "microsoft", "rhubarb"),
    [
        ("p", "PP", 21, "A"), ("f", "FF", 18, "G"), ("θ", "TH", 17, "B"), ("t", "DD", 19, "B"), ("k", "kk", 20, "B"),
        ("ʃ", "CH", 16, "B"), ("s", "SS", 15, "B"), ("n", "nn", 19, "B"), ("l", "nn", 14, "H"), ("ɹ", "RR", 13, "B"),
        ("ɑ", "aa", 2, "D"), ("ɛ", "E", 4, "C"), ("i", "ih", 6, "B"), ("o", "oh", 8, "F"), ("ɔ", "oh", 3, "E"),
        ("u", "ou", 7, "F"), ("w", "ou", 7, "F"), ("ə", "E", 1, "C"), ("ɜ", "E", 5, "C"), ("h", "kk", 12, "B"),
        ("y", "ou", 7, "F"), ("β", "FF", 18, "G"), ("j", "ih", 6, "B"),
    ],
)  # fmt: skip
def test_each_set_names_the_same_mouth(symbol: str, oculus: str, microsoft: int, rhubarb: str) -> None:
    sound = phones.sounds(symbol)[0]
    assert (lips.oculus(sound), lips.microsoft(sound), lips.rhubarb(sound)) == (oculus, microsoft, rhubarb)


def test_cues_fill_the_whole_time_and_rest_in_pauses() -> None:
    cues = lips.cues(TALK, 2.2)
    assert [cue.rhubarb for cue in cues] == list("XADAFGBXEEX")
    assert cues[0].start == 0
    assert cues[-1].end == 2.2
    assert all(a.end == b.start for a, b in pairwise(cues))
    assert cues[5].end == 1.05, "a gap of 50 ms belongs to the sound before it"


def test_what_lies_beyond_the_end_is_cut() -> None:
    assert lips.cues(TALK, 0.5)[-1].end == 0.5
    assert [cue.phone for cue in lips.cues(TALK, 0.5)] == ["", "m", "a"]


@pytest.mark.parametrize(
    "wrong", [(Phone("a", 0.2, 0.2),), (Phone("a", 0.2, 0.4), Phone("b", 0.3, 0.5)), (Phone("a", -0.1, 0.2),)]
)
def test_a_timeline_out_of_order_is_a_sentence(wrong: tuple[Phone, ...]) -> None:
    with pytest.raises(InputError, match="does not follow the one before it"):
        lips.cues(wrong, 1.0)


def at(curve: np.ndarray, seconds: float, channel: str) -> float:
    return float(curve[round(seconds * 60), lips.CHANNELS.index(channel)])


def test_curves_close_round_and_open_when_the_sounds_ask_for_it() -> None:
    curve = lips.curves(TALK, 2.2)
    assert curve.shape == (132, 6)
    assert curve.min() >= 0
    assert curve.max() <= 1
    assert all(at(curve, t, "opening") == 0 for t in (0.31, 0.35, 0.39, 0.62, 0.66)), "lips stay shut through m and p"
    assert all(at(curve, t, "closed") == 1 for t in (0.31, 0.39, 0.62, 0.66))
    assert at(curve, 0.5, "opening") > 0.8
    assert at(curve, 0.8, "rounding") > 0.7
    assert at(curve, 0.5, "rounding") < 0.2
    assert at(curve, 0.95, "teeth") == 1
    assert at(curve, 1.15, "spread") > 0.7
    assert at(curve, 0.05, "opening") < 0.05
    assert at(curve, 2.15, "opening") < 0.05


def test_rounding_comes_early_and_the_jaw_does_not_jump() -> None:
    curve = lips.curves((Phone("s", 0.2, 0.3), Phone("t", 0.3, 0.35), Phone("u", 0.35, 0.5)), 0.8)
    assert at(curve, 0.3, "rounding") > 0.15
    assert at(curve, 0.45, "rounding") > at(curve, 0.38, "rounding") > at(curve, 0.3, "rounding")
    assert np.abs(np.diff(curve[:, 1])).max() < 0.2


def test_curves_of_nothing_are_at_rest() -> None:
    assert not lips.curves((), 1.0, 30).any()
    assert lips.curves((), 1.0, 30).shape == (30, 6)
    with pytest.raises(InputError, match="frames a second above 0"):
        lips.curves((), 1.0, 0)
