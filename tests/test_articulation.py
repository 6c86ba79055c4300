"""Lips that know the speech sounds: closed at p, round at u, at the teeth at f, open at a."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import drawn
from lipwright import articulation, dub, faces, mouth
from lipwright.errors import InputError
from lipwright.types import Phone

LENGTH = 50


def resting(gap: float = 0.12) -> np.ndarray:
    """A mouth that stands a little open for two seconds at 25 fps."""
    shape = faces.canonical().points[faces.canonical().moving][None].repeat(LENGTH, 0)
    return mouth.with_opening(shape.astype(np.float32), np.full(LENGTH, gap, np.float32))


def said(symbol: str, start: float = 0.8, end: float = 0.92) -> np.ndarray:
    asked = articulation.asked((Phone(symbol, start, end),), Fraction(25), LENGTH)
    return articulation.shaped(resting(), asked, widest=0.3)


def width(shapes: np.ndarray) -> np.ndarray:
    corners = np.searchsorted(faces.canonical().moving, (61, 291))
    return shapes[:, corners[1], 0] - shapes[:, corners[0], 0]


@pytest.mark.parametrize("symbol", ["p", "b", "m", "pʰ"])
def test_lips_meet_at_bilabials_and_nowhere_else(symbol: str) -> None:
    gap = mouth.opening(said(symbol))
    assert gap[20:22].max() < 0.004
    np.testing.assert_allclose(np.delete(gap, range(17, 26)), 0.12, atol=1e-3)


@pytest.mark.parametrize("start", [0.8, 0.81, 0.82, 0.83])
def test_lips_meet_on_a_frame_however_short_the_sound(start: float) -> None:
    assert mouth.opening(said("p", start, start + 0.01)).min() < 0.004


def test_rounded_sounds_narrow_the_lips_and_spread_ones_widen_them() -> None:
    plain = width(resting())
    assert width(said("u"))[21] < 0.85 * plain[21]
    assert plain[21] < width(said("i"))[21] < 1.1 * plain[21]
    assert width(said("a"))[21] == pytest.approx(plain[21], rel=0.02)
    assert said("u")[21, :, 2].min() < resting()[21, :, 2].min() - 0.01, "rounded lips come forward"


def test_open_vowels_open_and_lips_go_to_the_teeth() -> None:
    closed = resting(0.02)
    asked = articulation.asked((Phone("a", 0.8, 1.0),), 25, LENGTH)
    gap = mouth.opening(articulation.shaped(closed, asked, widest=0.3))
    assert gap[22] > 0.07
    assert gap[5] < 0.021
    assert 0.03 < mouth.opening(said("f"))[21] < 0.09


def test_vowels_carry_over_consonants_whose_lips_are_free() -> None:
    row = [Phone("u", 0.4, 0.6), Phone("t", 0.6, 0.68), Phone("u", 0.68, 0.9)]
    assert articulation.asked(row, 25, LENGTH).rounded[10:22].min() > 0.8
    row[0], row[2] = Phone("i", 0.4, 0.6), Phone("i", 0.68, 0.9)
    assert articulation.asked(row, 25, LENGTH).rounded.max() < 0.05


def test_without_sounds_nothing_changes() -> None:
    shapes = resting()
    np.testing.assert_allclose(articulation.shaped(shapes, articulation.asked((), 25, LENGTH), 0.3), shapes, atol=2e-3)


def test_a_symbol_that_is_no_ipa_is_a_sentence() -> None:
    with pytest.raises(InputError, match="no letter of the IPA"):
        articulation.asked((Phone("7", 0.0, 0.1),), 25, 5)


def test_dubbed_lips_meet_where_the_sounds_say_so() -> None:
    clip, voice = drawn.talking(30), drawn.voice(1.2, seed=2)
    open_ = faces.opening(faces.track(dub(clip, voice, start=5 / 25)).points)
    widest = int(np.argmax(open_))
    sounds = (Phone("m", (widest - 5) / 25, (widest - 3.5) / 25),)
    told = faces.opening(faces.track(dub(clip, voice, phones=sounds, start=5 / 25)).points)
    assert told[widest] < 0.55 * open_[widest]
    np.testing.assert_allclose(told[: widest - 6], open_[: widest - 6], atol=1.5)
