"""Where there is speech: silence, noise and tones are not, real voices are, in the right place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import media, registry, speech
from lipwright.errors import InputError, PullError
from lipwright.types import Audio

SENTENCE = Path(speech.__file__).parent / "assets"


@pytest.fixture(scope="module", autouse=True)
def network() -> None:
    try:
        registry.path("silero_vad")
    except PullError as problem:
        pytest.skip(f"the network is not here: {problem}")


@pytest.fixture(scope="module")
def sentence() -> Audio:
    """A synthetic voice that says a sentence."""
    found = sorted(p for p in SENTENCE.iterdir() if p.suffix in {".m4a", ".wav", ".flac"})
    if not found:
        pytest.skip("no sentence is shipped")
    return media.open_audio(found[0])


def between(before: float, audio: Audio, after: float) -> Audio:
    silent = [np.zeros(round(seconds * audio.rate), np.float32) for seconds in (before, after)]
    return Audio(np.concatenate([silent[0], audio.samples, silent[1]]), audio.rate)


@pytest.mark.parametrize("sound", [drawn.silence(3), drawn.noise(3), drawn.tone(3), drawn.noise(3, 44100)])
def test_silence_noise_and_tones_are_not_speech(sound: Audio) -> None:
    heard = speech.activity(sound)
    assert heard.dtype == np.float32
    assert len(heard) == -(-3 * 16000 // 512)
    assert heard.mean() < 0.1
    assert speech.voiced(sound, 25, 75).mean() < 0.05


def test_digital_silence_is_exactly_zero() -> None:
    assert not speech.voiced(drawn.silence(2), 25, 50).any()


def test_a_sentence_is_speech_where_it_is(sentence: Audio) -> None:
    length = round((sentence.duration + 2) * 25)
    share = speech.voiced(between(1, sentence, 1), 25, length)
    end = 1 + sentence.duration
    assert not share[: round(0.7 * 25)].any()
    assert not share[round((end + 0.5) * 25) :].any()
    assert share[round(1.2 * 25) : round((end - 0.4) * 25)].mean() > 0.8
    assert ((share >= 0) & (share <= 1)).all()


def test_it_opens_before_and_closes_after(sentence: Audio) -> None:
    """A ramp of 80 ms at 100 frames a second takes eight frames, and a longer one more."""
    sound = between(1, sentence, 1)
    length = round(sound.duration * 100)
    sharp, soft, slow = (speech.voiced(sound, 100, length, ramp) for ramp in (0, 0.08, 0.2))
    first = int(np.argmax(sharp > 0.5))
    assert first - 9 <= int(np.argmax(soft > 0)) < first
    assert soft[first] > 0.95
    assert (np.diff(soft[first - 8 : first]) > 0).all()
    assert int(np.argmax(slow > 0)) < int(np.argmax(soft > 0))


def test_state_is_carried_over_long_sound(sentence: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    once = speech.activity(sentence)
    monkeypatch.setattr(speech, "_AT_ONCE", 7)
    np.testing.assert_allclose(speech.activity(sentence), once, atol=1e-4)


def test_the_frame_rate_does_not_move_it(sentence: Audio) -> None:
    sound = between(0.5, sentence, 0.5)
    ntsc = Fraction(30000, 1001)
    slow, fast = (
        speech.voiced(sound, 25, int(sound.duration * 25)),
        speech.voiced(sound, ntsc, int(sound.duration * ntsc)),
    )
    assert slow.sum() / 25 == pytest.approx(fast.sum() / float(ntsc), abs=0.05)
    assert np.argmax(slow > 0.5) / 25 == pytest.approx(np.argmax(fast > 0.5) / float(ntsc), abs=0.05)


def test_short_sound_goes_by_its_level() -> None:
    short = speech.voiced(between(0.05, drawn.tone(0.1), 0.05), 25, 10, ramp=0)
    assert short[2] == 1
    assert not short[5:].any()
    assert not speech.voiced(drawn.silence(0.05), 25, 4).any()
    assert not speech.voiced(drawn.silence(0), 25, 4).any()
    assert len(speech.activity(drawn.silence(0))) == 0


def test_a_sentence_for_what_cannot_be() -> None:
    with pytest.raises(InputError, match="not numbers"):
        speech.voiced(Audio(np.full(16000, np.nan, np.float32), 16000), 25, 25)
    with pytest.raises(InputError, match="ramp and pause of speech"):
        speech.voiced(drawn.silence(1), 25, 25, ramp=-1)


def test_real_voices_are_speech(footage: Path) -> None:
    for name in ("s009_23d736", "s048_6d8159", "s204_3fbd2c"):
        sound = media.open_audio(footage / "full" / f"{name}.mp4")
        share = speech.voiced(sound, 25, int(sound.duration * 25))
        assert share.mean() > 0.5, name
