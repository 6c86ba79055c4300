"""check: what is wrong with a sound, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

import defective
import drawn
from defective import RATE, voice, with_samples
from lipwright import check, media, registry, voiceprint
from lipwright.errors import PullError
from lipwright.types import Audio

SECONDS = 6.0


@pytest.fixture(scope="module", autouse=True)
def networks() -> None:
    for name in ("silero_vad", "speaker_encoder"):
        if not registry.is_here(name):
            pytest.skip(f"{name} is not here; `lipwright models pull` brings it")


@pytest.fixture(scope="module")
def clean() -> Audio:
    return voice(SECONDS)


def codes(audio: Audio) -> set[str]:
    return {issue.code for issue in check(None, audio).issues}


def test_a_clean_voice_has_no_issue_and_every_figure(clean: Audio) -> None:
    found = check(None, clean)
    assert not found.issues
    assert found.worst is None
    assert all(figure.fine and figure.value is not None for figure in found.figures)
    assert found.figure("snr").value > 30 and found.figure("speech").value > 60
    assert "nothing is wrong" in found.text()


def noisy(audio: Audio, db: float) -> Audio:
    power = float((audio.samples**2).mean())
    return with_samples(
        audio, audio.samples + drawn.noise(audio.duration, RATE, np.sqrt(power / 10 ** (db / 10))).samples
    )


DEFECTS: dict[str, Callable[[Audio], Audio]] = {
    "noisy": lambda audio: noisy(audio, 8),
    "clipped": lambda audio: with_samples(audio, np.clip(audio.samples, -0.06, 0.06)),
    "dc_offset": lambda audio: with_samples(audio, audio.samples + 0.02),
    "too_quiet": lambda audio: with_samples(audio, audio.samples * 0.02),
    "low_sample_rate": lambda audio: media.resample(audio, 8000),
    "narrow_band": lambda audio: media.resample(media.resample(audio, 8000), RATE),
    "silence_at_start": lambda audio: audio.padded(1.5),
    "silence_at_end": lambda audio: audio.padded(0.0, 1.5),
    "mostly_silent": lambda audio: audio.padded(0.0, 20.0),
    "music": lambda audio: with_samples(audio, audio.samples + defective.chords(SECONDS)),
    "several_voices": lambda audio: with_samples(
        audio, np.concatenate([audio.samples, defective.higher(audio).samples])
    ),
    "no_speech": lambda audio: drawn.silence(3.0),
    "not_a_number": lambda audio: with_samples(audio, np.where(np.arange(len(audio.samples)) == 9, np.nan, 0.1)),
}
BESIDE = {"mostly_silent": {"silence_at_end"}, "music": {"noisy"}}
"""What comes with a defect of necessity."""


@pytest.mark.parametrize("code", DEFECTS)
def test_each_defect_is_told_and_no_other(code: str, clean: Audio) -> None:
    found = check(None, DEFECTS[code](clean))
    assert code in found
    assert {issue.code for issue in found.issues} <= {code} | BESIDE.get(code, set())
    assert found[code].remedy and found[code].message


def test_silence_has_its_times(clean: Audio) -> None:
    found = check(None, clean.padded(1.5, 2.0))
    assert found["silence_at_start"].at == (0.0, pytest.approx(1.5, abs=0.15))
    assert found["silence_at_end"].spans[0] == (pytest.approx(SECONDS + 1.5, abs=0.25), pytest.approx(SECONDS + 3.5))


def test_clipping_has_its_times(clean: Audio) -> None:
    samples = clean.samples.copy()
    samples[2 * RATE : 4 * RATE] = np.clip(samples[2 * RATE : 4 * RATE], -0.05, 0.05)
    start, stop = check(None, with_samples(clean, samples))["clipped"].at
    assert 1.75 <= start <= 2.8 and 3.2 <= stop <= 4.25


def test_music_has_its_times(clean: Audio) -> None:
    samples = np.concatenate([clean.samples, clean.samples])
    samples[: round(SECONDS * RATE)] += defective.chords(SECONDS)
    start, stop = check(None, Audio(samples, RATE))["music"].at
    assert start < 1 and stop == pytest.approx(SECONDS, abs=1.0)


def test_the_second_voice_has_its_times(clean: Audio) -> None:
    both = np.concatenate([clean.samples, clean.samples, defective.higher(clean).samples])
    found = check(None, Audio(both, RATE))["several_voices"]
    assert found.spans[0][0] == pytest.approx(2 * SECONDS, abs=1.5)
    assert found.spans[-1][1] == pytest.approx(3 * SECONDS, abs=1.5)


@pytest.mark.parametrize("db", [25, 15, 5])
def test_the_ratio_of_voice_and_noise_is_measured(db: float, clean: Audio) -> None:
    spoken = np.repeat(np.abs(clean.samples).reshape(-1, 160).max(1) > 0.01, 160)
    power = float((clean.samples[spoken] ** 2).mean())
    noise = drawn.noise(SECONDS, RATE, np.sqrt(power / 10 ** (db / 10))).samples
    assert check(None, with_samples(clean, clean.samples + noise)).figure("snr").value == pytest.approx(db, abs=3)


def test_a_bang_in_a_short_pause_is_no_noise(clean: Audio) -> None:
    samples = np.concatenate([clean.samples, drawn.noise(0.25, RATE, 0.1).samples, np.zeros(4000), clean.samples])
    samples += drawn.noise(len(samples) / RATE, RATE, 5e-4, seed=1).samples[: len(samples)]
    assert check(None, with_samples(clean, samples)).figure("snr").value > 20


def test_digital_silence_at_an_end_does_not_hide_noise(clean: Audio) -> None:
    assert "noisy" in check(None, noisy(clean, 8).padded(0.4, 0.4))


def test_a_tone_at_full_scale_is_clipped_and_a_soft_one_is_not() -> None:
    tone = drawn.tone(2.0, level=1.6)
    assert "clipped" in check(None, with_samples(tone, np.clip(tone.samples, -1, 1)))
    assert "clipped" not in check(None, drawn.tone(2.0, level=0.5))


def test_what_goes_beyond_full_scale_is_not_cut_off(clean: Audio) -> None:
    loud = with_samples(clean, clean.samples * (1.3 / np.abs(clean.samples).max()))
    found = check(None, loud)
    assert [issue.code for issue in found.issues] == ["over_full_scale"] and found.worst == "info"


def test_channels_that_cancel_are_told(tmp_path: Path, clean: Audio) -> None:
    whole = (clean.samples * 32767).astype(np.int16)
    for name, other in (("same", whole), ("over", -whole)):
        wavfile.write(tmp_path / f"{name}.wav", RATE, np.stack([whole, other], 1))
    assert "channels_cancel" in check(None, tmp_path / "over.wav")
    assert "channels_cancel" not in check(None, tmp_path / "same.wav")


def test_a_file_of_values_that_are_no_sound_is_told(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "nan.wav", RATE, np.full(RATE, np.nan, np.float32))
    found = check(tmp_path / "nan.wav")
    assert [issue.code for issue in found.issues] == ["not_a_number"]
    assert found.worst == "error"


def test_a_hum_of_mains_or_machines_is_no_music(clean: Audio) -> None:
    hum = sum(0.01 * drawn.tone(SECONDS, hz=hz, level=1.0).samples for hz in (50, 150, 400, 900, 1330, 2100, 2900))
    assert "music" not in check(None, with_samples(clean, clean.samples + hum))


def test_without_the_encoder_voices_are_not_measured_and_it_says_so(
    clean: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise PullError("the encoder could not be brought")

    monkeypatch.setattr(voiceprint, "windows", away)
    figure = check(None, clean).figure("voices")
    assert figure.value is None and "not measured: the encoder" in figure.limit


def test_one_voice_in_one_and_a_half_seconds_is_not_two() -> None:
    found = check(None, voice(1.5))
    assert found.figure("voices").value is None and "several_voices" not in found
