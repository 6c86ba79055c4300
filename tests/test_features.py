"""Features against their formulas, written out slowly, and against the words they must say."""

from fractions import Fraction

import numpy as np
import pytest

from lipwright import features
from lipwright.errors import InputError
from lipwright.types import Audio, AudioSpec


def tone(hertz: float, seconds: float = 1.0, size: float = 0.3, rate: int = 16000) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    return Audio((size * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def noise(seconds: float = 1.0, seed: int = 0) -> Audio:
    return Audio(np.random.default_rng(seed).normal(0, 0.1, round(16000 * seconds)).astype(np.float32), 16000)


def test_mel_column_follows_the_formula():
    audio = noise()
    samples = audio.samples.astype(np.float64)
    emphasised = np.concatenate([[samples[0]], samples[1:] - 0.97 * samples[:-1]])
    column = 31
    piece = emphasised[column * 200 - 400 : column * 200 + 400]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(800) / 800)
    magnitude = np.abs(np.fft.rfft(piece * hann))
    decibels = 20 * np.log10(np.maximum(1e-5, features.mel_bank(16000, 800, 80, 55, 7600) @ magnitude)) - 20
    wanted = np.clip(8 * (decibels + 100) / 100 - 4, -4, 4)
    np.testing.assert_allclose(features.mel(audio)[:, column], wanted, atol=1e-5)


@pytest.mark.parametrize(("first", "last"), [(0, 5), (3, 40), (61, 63), (-2, 64)])
def test_a_few_log_mel_columns_are_the_same_as_among_all(first: int, last: int):
    samples = noise(0.627).samples
    whole = features.log_mel(np.pad(samples, (320, 320)))[2:]
    np.testing.assert_allclose(
        features.log_mel(samples, first, last)[max(0, -first) :], whole[max(0, first) : last], atol=1e-5
    )


def test_mel_has_eighty_columns_a_second_and_one():
    assert features.mel(noise(2.0)).shape == (80, 161)


def test_mel_bank_triangles_have_equal_area_and_peak_in_order():
    bank = features.mel_bank(16000, 800, 80, 55, 7600)
    assert (np.diff(bank.argmax(1)) >= 0).all()
    np.testing.assert_allclose(bank[40:].sum(1) * 20, 1, atol=0.03)


def test_mel_bank_equals_librosa():
    librosa = pytest.importorskip("librosa")
    wanted = librosa.filters.mel(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    np.testing.assert_allclose(features.mel_bank(16000, 800, 80, 55, 7600), wanted, atol=1e-7)


def test_mfcc_column_follows_the_formula():
    audio = noise()
    samples = np.round(audio.samples.astype(np.float64) * 32768)
    emphasised = np.append(samples[0], samples[1:] - 0.97 * samples[:-1])
    column = 17
    power = np.abs(np.fft.rfft(emphasised[column * 160 : column * 160 + 400], 512)) ** 2 / 512
    hertz = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28) / 2595) - 1)
    edges = np.floor(513 * hertz / 16000).astype(int)
    bands = np.zeros(26)
    for j in range(26):
        for i in range(edges[j], edges[j + 1]):
            bands[j] += power[i] * (i - edges[j]) / (edges[j + 1] - edges[j])
        for i in range(edges[j + 1], edges[j + 2]):
            bands[j] += power[i] * (edges[j + 2] - i) / (edges[j + 2] - edges[j + 1])
    logs, n = np.log(bands), np.arange(26)
    cepstra = np.array([(logs * np.cos(np.pi * k * (2 * n + 1) / 52)).sum() * np.sqrt(2 / 26) for k in range(13)])
    cepstra *= 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    cepstra[0] = np.log(power.sum())
    np.testing.assert_allclose(features.mfcc(audio)[column], cepstra, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("samples", "columns"), [(100, 1), (400, 1), (401, 2), (16000, 99)])
def test_mfcc_counts_columns_as_python_speech_features(samples, columns):
    assert len(features.mfcc(Audio(np.full(samples, 0.1, np.float32), 16000))) == columns


@pytest.mark.parametrize("seconds", [9.9, 10.0025, 10.01, 20.3])
def test_long_mfcc_is_made_in_pieces_without_a_seam(seconds: float):
    whole = features.mfcc(noise(seconds))
    for column in (0, 998, 999, 1000, 1001, len(whole) - 1):
        if column < len(whole):
            piece = noise(seconds).samples[160 * column - 1 if column else 0 :][: 401 if column else 400]
            alone = features.mfcc(Audio(np.pad(piece, (159 if column else 0, 0)), 16000))[1 if column else 0]
            np.testing.assert_allclose(whole[column], alone, atol=1e-3)


def test_log_mel_gives_four_columns_a_frame_and_sees_a_click_in_its_own():
    samples = np.zeros(640 * 10, np.float32)
    samples[640 * 5 + 80 : 640 * 5 + 90] = 0.5
    columns = features.log_mel(samples)
    assert columns.shape == (40, 64)
    assert features.loudness(columns).argmax() == 20


def test_log_mel_of_a_batch_is_that_of_each():
    batch = np.stack([noise(seed=1).samples, noise(seed=2).samples])
    np.testing.assert_allclose(features.log_mel(batch)[1], features.log_mel(batch[1]), atol=1e-4)


def test_gain_drops_out_of_normalised_log_mel():
    columns = features.log_mel(noise().samples)
    quieter = features.log_mel(noise().samples * 0.1)
    same = features.normalise(columns, features.level(columns))
    np.testing.assert_allclose(features.normalise(quieter, features.level(quieter)), same, atol=0.02)


def test_silence_is_not_made_loud():
    columns = features.log_mel(np.zeros(16000, np.float32))
    assert features.normalise(columns, features.level(columns)).max() < -1


def test_energy_is_in_decibels_below_full_scale():
    assert np.median(features.energy(tone(200, size=1.0))) == pytest.approx(-3.01, abs=0.1)
    assert features.energy(Audio(np.zeros(1000, np.float32), 16000)).max() == pytest.approx(-100)


@pytest.mark.parametrize("hertz", [60, 110, 220, 450])
def test_pitch_of_a_buzz(hertz):
    time = np.arange(16000) / 16000
    buzz = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 6)) * 0.1
    found = features.pitch(Audio(buzz.astype(np.float32), 16000))[5:-5]
    assert np.nanmedian(found) == pytest.approx(hertz, rel=0.02)
    assert np.isfinite(found).mean() > 0.9


def test_noise_and_silence_have_no_pitch():
    assert np.isfinite(features.pitch(noise())).mean() < 0.1
    assert np.isnan(features.pitch(Audio(np.zeros(8000, np.float32), 16000))).all()


def test_windows_are_cut_where_the_spec_says():
    columns = np.arange(400, dtype=np.float32)[:, None].repeat(80, 1)
    cut = features.windows(columns, features.WAV2LIP_MEL, 100, Fraction(25))
    assert cut.shape == (100, 16, 80)
    assert cut[10, 0, 0] == int(10 * 80 / 25)
    assert cut[10, -1, 0] == cut[10, 0, 0] + 15


def test_windows_past_the_end_repeat_the_last_column():
    spec = AudioSpec("logmel", 16000, 160, 64, 20)
    cut = features.windows(np.arange(10, dtype=np.float32)[:, None].repeat(64, 1), spec, 5, 25)
    assert cut.shape == (5, 20, 64)
    assert cut[-1, -1, 0] == 9


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (Audio(np.zeros(0, np.float32), 16000), "empty"),
        (Audio(np.array([0, np.nan], np.float32), 16000), "not numbers"),
        (Audio(np.zeros(100, np.float32), 44100), "44100 Hz"),
    ],
)
@pytest.mark.parametrize("feature", [features.mel, features.mfcc])
def test_sound_that_cannot_be_used_is_refused_in_a_sentence(audio, words, feature):
    with pytest.raises(InputError, match=words):
        feature(audio)


def test_windows_refuse_columns_of_another_kind():
    with pytest.raises(InputError, match=r"\(C, 80\)"):
        features.windows(np.zeros((10, 64), np.float32), features.WAV2LIP_MEL, 3, 25)
