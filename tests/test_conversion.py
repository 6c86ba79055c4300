"""One voice made to sound like another's: how close it comes, how clear it stays, and what cannot be a target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import conversion, features, media, registry, vocoder, voiceprint
from lipwright.errors import InputError
from lipwright.loudness import loudness
from lipwright.speak import speak
from lipwright.types import Audio
from lipwright.voices import Spoken

TEXT = "The quick brown fox jumps over the lazy dog, and we wait for the weather to change before we travel home."
OTHER = (
    "Please call Stella. Ask her to bring these things with her from the store: six spoons of fresh snow peas, five \
thick slabs of blue cheese, and maybe a snack for her brother Bob."
)

pytestmark = pytest.mark.skipif(
    not (registry.is_here("speaker_encoder") and registry.is_here("silero_vad")),
    reason="the speaker encoder is not here; `lipwright models pull` brings it",
)


@pytest.fixture(scope="module")
def woman() -> Spoken:
    """Another voice of the same machine, saying something else."""
    return speak(OTHER, voice="espeak:f4")


@pytest.fixture(scope="module")
def converted(woman: Spoken) -> Spoken:
    return speak(TEXT, voice="espeak:m3", like=woman)


def found(spoken: Spoken) -> dict[str, float]:
    return {measure.name: measure.value for measure in spoken.measured}


def test_the_voice_comes_closer_and_stays_clear() -> None:
    measured = found(speak(TEXT, voice="espeak:f5", like=speak(OTHER, voice="espeak:m7")))
    assert measured["similarity"] > measured["similarity_floor"] + 0.1
    assert measured["similarity_floor"] < measured["similarity_ceiling"] <= 1
    assert measured["clarity"] >= 0.65


def test_pitch_and_loudness_become_the_targets(converted: Spoken, woman: Spoken) -> None:
    theirs, now = (np.nanmedian(features.pitch(media.resample(sound, 16000))) for sound in (woman, converted))
    assert now == pytest.approx(theirs, rel=0.1)
    assert loudness(converted) == pytest.approx(loudness(woman), abs=2)


def test_times_stay(converted: Spoken) -> None:
    plain = speak(TEXT, voice="espeak:m3")
    assert converted.duration == pytest.approx(plain.duration, abs=0.05)
    assert [p.symbol for p in converted.phones] == [p.symbol for p in plain.phones]


def test_a_vocoder_gives_back_what_it_took_apart(woman: Spoken) -> None:
    sound = media.resample(woman.cut(0, 3), 16000)
    frames = vocoder.analyse(sound)
    again = vocoder.synthesise(frames)
    assert len(again.samples) == len(sound.samples)
    assert conversion.clarity(sound, again) > 0.9
    assert 120 < np.median(frames.pitch[frames.voiced]) < 300


def test_a_voice_is_told_from_another(woman: Spoken) -> None:
    first, second = (voiceprint.embedding(woman.cut(*span)) for span in ((0, 5), (5, None)))
    other = voiceprint.embedding(speak(OTHER, voice="espeak:m3"))
    assert first.shape == (256,)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert voiceprint.similarity(first, second) > voiceprint.similarity(first, other) + 0.1


def test_a_voice_is_the_same_at_any_rate_and_a_little_softer(woman: Spoken) -> None:
    soft = Audio(media.resample(woman, 44100).samples * np.float32(0.7), 44100)
    assert voiceprint.similarity(voiceprint.embedding(woman), voiceprint.embedding(soft)) > 0.97


@pytest.mark.parametrize("samples", [np.zeros(16000 * 6), np.random.default_rng(0).normal(0, 0.1, 16000 * 6)])
def test_what_is_no_speech_has_no_voice(samples: np.ndarray) -> None:
    with pytest.raises(InputError, match="of speech are heard"):
        conversion.listen(Audio(samples.astype(np.float32), 16000))


def test_too_little_speech_is_refused(woman: Spoken) -> None:
    with pytest.raises(InputError, match="takes 3 s"):
        conversion.listen(woman.cut(0, 2))


def test_two_voices_are_refused_and_one_is_not(footage: Path) -> None:
    one, other = (media.resample(media.open_audio(footage / "full" / name), 16000).samples[: 16000 * 10]
                  for name in ("s009_23d736.mp4", "s031_d10ad5.mp4"))  # fmt: skip
    with pytest.raises(InputError, match="two voices"):
        conversion.listen(Audio(np.concatenate([one, other]), 16000))
    assert conversion.listen(Audio(one, 16000)).pitch > 150


def test_a_hundred_milliseconds_are_converted_too(woman: Spoken) -> None:
    convert = conversion.Conversion(speak(TEXT), conversion.listen(woman))
    assert len(convert(drawn.voice(0.1, 22050)).samples) == pytest.approx(0.1 * convert.rate, abs=2)
