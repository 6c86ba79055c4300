"""A known text is laid on a recording: other voices, other paces, noise, pauses, other languages."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import drawn
from lipwright import aligning, espeak, languages
from lipwright.errors import InputError
from lipwright.media import resample
from lipwright.types import Audio

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")

TEXT = "Mary bought five big sheep from the farm, and her brother put them on a boat."


def other_voice(text: str, language: str, pace: int, snr: float, gap: float = 0.0) -> tuple[Audio, np.ndarray]:
    """Another speaker at another pace in noise, half a second later, with a pause before the fourth word."""
    spoken = espeak.speak(text, language, variant="f3", pace=pace, pitch=70)
    samples = resample(spoken.audio, 16000).samples
    starts = np.array([phone.start for phone in spoken.phones])
    if gap:
        at = spoken.words[3][1]
        samples = np.concatenate(
            [samples[: round(at * 16000)], np.zeros(round(gap * 16000), np.float32), samples[round(at * 16000) :]]
        )
        starts = starts + gap * (starts >= at - 1e-6)
    samples = np.concatenate([np.zeros(8000, np.float32), samples])
    power = np.sqrt((samples**2).mean()) * 10 ** (-snr / 20)
    noise = np.random.default_rng(0).normal(0, power, len(samples))
    return Audio((samples + noise).astype(np.float32), 16000), starts + 0.5


@pytest.mark.parametrize(
    ("language", "pace", "snr", "gap"),
    [("en", 140, 40, 0.0), ("en", 230, 15, 0.0), ("en", 175, 20, 0.8), ("fr", 140, 20, 0.6), ("ar", 210, 20, 0.0)],
)
def test_phones_are_found_where_another_voice_says_them(language: str, pace: int, snr: float, gap: float) -> None:
    text = TEXT if language == "en" else languages.find(language).sample
    sound, starts = other_voice(text, language, pace, snr, gap)
    found = aligning.align(sound, text, language)
    assert [phone.symbol for phone in found] == list(espeak.phones(text, language))
    errors = np.abs([phone.start for phone in found] - starts)
    assert np.median(errors) < 0.03
    assert np.percentile(errors, 85) < 0.1


def test_times_are_in_order_and_within_the_sound() -> None:
    sound, _ = other_voice(TEXT, "en", 200, 20, 0.8)
    found = aligning.align(sound, TEXT)
    times = [time for phone in found for time in (phone.start, phone.end)]
    assert times == sorted(times)
    assert times[-1] <= sound.duration + 0.011
    assert all(phone.end - phone.start > 0.009 for phone in found)
    gaps = [b.start - a.end for a, b in pairwise(found)]
    assert 0.6 < max(gaps) < 1.0, "the pause is a gap"


def test_another_text_fits_worse() -> None:
    sound, _ = other_voice(TEXT, "en", 175, 30)
    right = aligning.fit(sound, TEXT).doubt
    wrong = aligning.fit(
        sound, "Nobody knew which of these seventeen rivers was named so long ago by their king."
    ).doubt
    assert wrong > 1.2 * right


def test_a_long_recording_takes_the_band_around_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    sound, starts = other_voice(TEXT, "en", 160, 30)
    monkeypatch.setattr(aligning, "_WIDE", 120)
    found = aligning.align(sound, TEXT)
    assert np.median(np.abs([phone.start for phone in found] - starts)) < 0.03


@pytest.mark.parametrize(
    ("sound", "text", "said"),
    [
        (drawn.silence(2.0), "hello", "nothing is heard"),
        (drawn.voice(1.0), "word " * 60, "the text takes"),
        (drawn.voice(1.0), "", "the text to speak is empty"),
        (Audio(np.broadcast_to(np.float32(0), (16000 * 1801,)), 16000), "hello", "1800 s of speech can be aligned"),
    ],
    ids=["silence", "too-much-text", "no-text", "too-long"],
)
def test_what_cannot_be_aligned_is_a_sentence(sound: Audio, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        aligning.align(sound, text)
