"""Visemes are heard in speech whose text is not known."""

from __future__ import annotations

import numpy as np
import pytest

import drawn
from lipwright import espeak, hearing, lips
from lipwright.errors import InputError
from lipwright.media import resample
from lipwright.types import Audio


@pytest.fixture(scope="module")
def loader() -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")


def named(cues: tuple[lips.Cue, ...], times: np.ndarray) -> np.ndarray:
    """The Oculus viseme at each time."""
    at = np.searchsorted([cue.start for cue in cues], times, side="right") - 1
    return np.array([cues[k].oculus for k in at])


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("language", ["en", "fr", "tr"])
def test_most_visemes_of_a_voice_are_heard(language: str) -> None:
    text = {"en": "Our mother bought four apples for the family at a small shop, and a huge fish.",
            "fr": "La belle femme achetait une pomme rouge et du poisson chez son frère.",
            "tr": "Annem bugün bize büyük bir balık ve taze meyve aldı."}[language]  # fmt: skip
    spoken = espeak.speak(text, language, variant="grandpa", pace=150)
    duration = spoken.audio.duration
    times = np.arange(0.01, duration, 0.01)
    said, heard = (
        named(lips.cues(timeline, duration), times) for timeline in (spoken.phones, hearing.timeline(spoken.audio))
    )
    right, chance = (said == heard).mean(), (said == np.roll(heard, len(heard) // 2)).mean()
    assert right > 0.5
    assert right > chance + 0.25


def test_probabilities_sum_to_one_and_silence_is_a_rest() -> None:
    chances = hearing.probabilities(drawn.silence(1.0))
    assert chances.shape == (50, 15)
    assert chances.sum(1) == pytest.approx(np.ones(50), abs=1e-4)
    assert hearing.timeline(drawn.silence(1.0)) == ()


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.33, 2.02])
def test_any_length_goes(seconds: float) -> None:
    sound = drawn.voice(seconds)
    assert len(hearing.probabilities(sound)) == -(-max(1, -(-len(sound.samples) // 160)) // 2)
    assert all(0 <= phone.start < phone.end <= sound.duration for phone in hearing.timeline(sound))


def test_a_long_sound_in_pieces_is_heard_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = drawn.voice(8.0)
    whole = hearing.probabilities(sound)
    monkeypatch.setattr(hearing, "_CHUNK", 120)
    assert np.abs(hearing.probabilities(sound) - whole).max() < 1e-3


def test_the_path_changes_only_where_it_pays() -> None:
    chances = np.full((20, 3), 0.05, np.float32)
    chances[:, 0] = 0.9
    chances[6] = (0.4, 0.55, 0.05)
    chances[10:15] = (0.05, 0.05, 0.9)
    assert hearing.likeliest(chances).tolist() == [0] * 10 + [2] * 5 + [0] * 5


def test_loudness_and_rate_do_not_matter() -> None:
    sound = drawn.voice(2.0, 48000, seed=2)
    quiet = Audio((resample(sound, 16000).samples * 0.05).astype(np.float32), 16000)
    one, other = hearing.probabilities(sound).argmax(1), hearing.probabilities(quiet).argmax(1)
    assert (one == other).mean() > 0.9


def test_what_cannot_be_heard_is_a_sentence() -> None:
    with pytest.raises(InputError, match="empty"):
        hearing.timeline(Audio(np.zeros(0, np.float32), 16000))
    with pytest.raises(InputError, match="an hour of sound"):
        hearing.timeline(Audio(np.broadcast_to(np.float32(0), (16000 * 3601,)), 16000))
