"""Loudness as broadcasters measure it."""

from __future__ import annotations

import numpy as np
import pytest

import drawn
from lipwright import loudness, ondisk
from lipwright.types import Audio


def test_loudness_is_what_the_standard_says() -> None:
    for rate in (16000, 48000):
        time = np.arange(rate * 4) / rate
        full = np.sin(2 * np.pi * 997 * time).astype(np.float32)
        assert loudness.loudness(Audio(full, rate)) == pytest.approx(-3.01, abs=0.1)
        assert loudness.loudness(Audio(full / 10, rate)) == pytest.approx(-23.01, abs=0.1)
    assert loudness.loudness(drawn.silence(1.0)) == float("-inf")


def test_levelling_never_clips() -> None:
    spiky = np.where(np.arange(32000) == 5, 1.0, 0.001).astype(np.float32)
    assert np.abs(loudness.levelled(spiky, -60)).max() <= 1.0


def test_pauses_do_not_count() -> None:
    loud = drawn.tone(4.0)
    quiet = np.concatenate([loud.samples, np.zeros(10 * 16000, np.float32)])
    assert loudness.loudness(Audio(quiet, 16000)) == pytest.approx(loudness.loudness(loud), abs=0.2)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3, 0.41])
def test_a_sound_shorter_than_a_block_has_a_loudness(seconds: float) -> None:
    found = loudness.loudness(drawn.tone(seconds, level=0.5))
    assert found == (float("-inf") if seconds == 0 else pytest.approx(-9.5, abs=1.5))


def test_piece_by_piece_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = drawn.voice(5.0)
    whole = loudness.loudness(voice)
    monkeypatch.setattr(ondisk, "PIECE", 12345)
    assert loudness.loudness(voice) == pytest.approx(whole, abs=1e-6)
