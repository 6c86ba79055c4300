"""Feelings: where corners and brows go, how gently, and what a voice is taken to say."""

from __future__ import annotations

import numpy as np
import pytest

from lipwright import expression, faces
from lipwright.errors import InputError
from lipwright.types import Audio

NAMES = [name for name in expression.EMOTIONS if name not in {"neutral", "auto"}]


def voice(semitones: float, seconds: float = 3.0) -> Audio:
    """A buzzing voice around 120 Hz whose pitch swings by so many semitones to either side."""
    at = np.arange(round(16000 * seconds)) / 16000
    hertz = 120 * 2 ** (semitones / 12 * np.sin(2 * np.pi * 1.5 * at))
    phase = 2 * np.pi * np.cumsum(hertz) / 16000
    return Audio((0.2 * sum(np.sin(k * phase) / k for k in range(1, 8))).astype(np.float32), 16000)


def corner(name: str) -> np.ndarray:
    row = int(np.searchsorted(faces.canonical().moving, 291))
    return expression.corners({name: 1.0})[row]


def test_corners_rise_in_joy_and_sink_in_sorrow() -> None:
    assert corner("happy")[0] > 0.02
    assert corner("happy")[1] < -0.02
    assert corner("sad")[1] > 0.02
    assert corner("angry")[0] < -0.01


@pytest.mark.parametrize("name", NAMES)
def test_both_sides_go_alike_and_no_point_goes_far(name: str) -> None:
    moving = faces.canonical().moving
    added = expression.corners({name: 1.0})
    left, right = added[np.searchsorted(moving, 61)], added[np.searchsorted(moving, 291)]
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-6)
    assert np.abs(added).max() < 0.05
    np.testing.assert_allclose(expression.corners({name: 0.5}), added / 2, atol=1e-6)


def striped(tilt: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A picture of lines across, and a mesh in it, tilted by radians."""
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    mesh = (faces.canonical().points[:, :2] @ turn * 150 + [200, 150]).astype(np.float32)
    rows = (127 + 100 * np.sin(np.arange(400) / 6)).astype(np.uint8)
    return np.broadcast_to(rows[:, None, None], (400, 400, 3)).copy(), mesh


@pytest.mark.parametrize(("name", "down"), [("surprised", -1), ("angry", 1)])
def test_brows_go_up_and_down_while_eyes_and_mouth_stay(name: str, down: int) -> None:
    picture, mesh = striped()
    moved = expression.brows(picture, mesh, 150.0, {name: 1.0})
    x, y = mesh[107].round().astype(int)
    before, after = (shown[y - 14 : y + 15, x, 0].astype(float) for shown in (picture, moved))
    shifts = range(-8, 9)
    match = [np.corrcoef(np.roll(before, shift)[9:-9], after[9:-9])[0, 1] for shift in shifts]
    assert np.sign(shifts[int(np.argmax(match))]) == down
    for still in (159, 386, 13, 152):
        x, y = mesh[still].round().astype(int)
        assert np.abs(moved[y, x].astype(int) - picture[y, x]).max() < 25


def test_nothing_asked_changes_nothing() -> None:
    picture, mesh = striped(0.3)
    assert expression.brows(picture, mesh, 150.0, {}) is picture
    assert not expression.corners({}).any()
    assert expression.shares("neutral", voice(1)) == {}
    assert expression.shares("happy", voice(1)) == {"happy": 1.0}


def test_auto_hears_how_lively_a_voice_is() -> None:
    lively, still = expression.shares("auto", voice(8)), expression.shares("auto", voice(0.3))
    assert set(lively) == {"surprised"}
    assert set(still) == {"sad"}
    assert 0 < lively["surprised"] <= 0.5
    assert 0 < still["sad"] <= 0.5
    assert expression.shares("auto", Audio(np.zeros(16000, np.float32), 16000)) == {}


def test_a_feeling_nobody_knows_is_a_sentence() -> None:
    with pytest.raises(InputError, match="emotion is one of neutral, happy.*given 'hungry'"):
        expression.checked("hungry")
