"""Motion from speech: any length, any frame rate, whatever the weights are."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipwright import faces, media, motion, registry  # noqa: E402
from lipwright.errors import InputError, WeightsError  # noqa: E402
from lipwright.types import Audio  # noqa: E402


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """An untrained network of the smallest size, seeded."""
    from lipwright.train import export, networks

    torch.manual_seed(0)
    network = networks.MotionNet(3, 5, "tiny", 0.0)
    network.basis.normal_()
    path = tmp_path_factory.mktemp("tiny") / "motion.onnx"
    export.motion(network, path)
    return path


def speech(seconds: float, seed: int = 0) -> Audio:
    random = np.random.default_rng(seed)
    loud = np.interp(
        np.arange(round(seconds * 16000)),
        np.arange(0, seconds * 16000 + 3200, 1600),
        random.uniform(0, 0.2, len(np.arange(0, seconds * 16000 + 3200, 1600))),
    )
    return Audio((random.normal(0, 1, len(loud)) * loud).astype(np.float32), 16000)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(12), Fraction(60)])
def test_length_is_as_asked_at_any_frame_rate(tiny, fps):
    moved = motion.predict(speech(2.0), fps, 40, weights=tiny)
    assert moved.shape.shape == (40, 5, 3)
    assert moved.shape.dtype == np.float32
    assert len(moved) == len(moved.closed) == 40
    assert (moved.opening >= -moved.spread / 2).all()


def test_pieces_join_without_a_seam(tiny, monkeypatch):
    audio = speech(6.0)
    whole = motion.predict(audio, 25, 150, weights=tiny)
    monkeypatch.setattr(motion, "CHUNK", 40)
    parts = motion.predict(audio, 25, 150, weights=tiny)
    np.testing.assert_allclose(parts.shape, whole.shape, atol=2e-4)


def test_twice_the_frame_rate_passes_through_the_same_shapes(tiny):
    audio = speech(2.0)
    slow, fast = (motion.predict(audio, fps, 25 * fps // 25, weights=tiny) for fps in (25, 50))
    np.testing.assert_allclose(fast.shape[::2], slow.shape[:25], atol=1e-5)


def test_gain_does_not_change_the_mouth(tiny):
    audio = speech(2.0)
    quiet = Audio(audio.samples * 0.2, 16000)
    a, b = (motion.predict(sound, 25, 50, weights=tiny) for sound in (audio, quiet))
    np.testing.assert_allclose(a.shape, b.shape, atol=0.05 * np.abs(a.shape).max())


def test_after_the_sound_comes_silence(tiny):
    moved = motion.predict(speech(1.0), 25, 200, weights=tiny)
    assert np.ptp(moved.shape[80:180], axis=0).max() < 1e-4


@pytest.mark.parametrize(
    ("audio", "fps", "length", "words"),
    [
        (Audio(np.zeros(0, np.float32), 16000), 25, 10, "empty"),
        (Audio(np.zeros(100, np.float32), 44100), 25, 10, "44100"),
        (Audio(np.zeros(100, np.float32), 16000), 0, 10, "fps above 0"),
        (Audio(np.zeros(100, np.float32), 16000), 25, 0, "at least 1 frame"),
    ],
)
def test_what_cannot_be_done_is_said(tiny, audio, fps, length, words):
    with pytest.raises(InputError, match=words):
        motion.predict(audio, fps, length, weights=tiny)


@pytest.fixture
def shipped():
    try:
        return registry.verify("motion")
    except WeightsError as problem:
        pytest.skip(f"no shipped motion weights: {problem}")


def test_shipped_network_knows_the_mesh_and_shuts_up_in_silence(shipped):
    audio = speech(3.0)
    audio = Audio(np.concatenate([audio.samples, np.zeros(32000, np.float32)]), 16000)
    moved = motion.predict(audio, 25, 125, weights=shipped)
    assert moved.shape.shape[1] == len(faces.canonical().moving)
    assert 0.005 < moved.spread < 0.1
    assert moved.opening[90:120].mean() < moved.opening[10:70].mean()


def test_loud_speech_opens_the_mouth_wider_than_the_same_speech_quiet(footage: Path) -> None:
    shares = []
    for name in ("s009_23d736", "s048_6d8159"):
        sound = media.resample(media.open_audio(footage / "clips" / f"{name}.mp4"), 16000).cut(0, 5)
        half = len(sound.samples) // 2
        quiet = sound.samples.copy()
        quiet[half:] *= 10 ** (-10 / 20)
        frames = int(25 * sound.duration)
        loud, less = (
            motion.predict(Audio(x, 16000), 25, frames).opening[frames // 2 :] for x in (sound.samples, quiet)
        )
        shares.append(less.mean() / loud.mean())
    assert max(shares) < 0.95
