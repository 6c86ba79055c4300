"""Our own sync expert as a member of its family."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import drawn  # noqa: E402
from lipwright import faces, registry, sync  # noqa: E402
from lipwright.errors import InputError, WeightsError  # noqa: E402
from lipwright.experts import _ours, lipsight  # noqa: E402
from lipwright.types import Audio, FaceTrack  # noqa: E402


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    from lipwright.train import export, networks

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    export.expert(networks.Expert("crop", "tiny", 0.0), folder / "v.onnx", folder / "a.onnx")
    return lipsight.Expert((folder / "v.onnx", folder / "a.onnx"))


def crops(frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (frames, 48, 64), dtype=np.uint8)


def test_it_is_a_member():
    assert "lipsight" in registry.members("experts")


def test_embeddings_are_unit_vectors_one_a_frame(tiny):
    video = tiny.embed_video(crops(30))
    audio = tiny.embed_audio(Audio(np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32), 16000))
    assert video.shape[0] == 30
    assert audio.shape[0] == 25
    np.testing.assert_allclose(np.linalg.norm(video, axis=1), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(audio, axis=1), 1, atol=1e-3)
    assert -15 <= sync.compare(video, audio).offset <= 15


def test_long_pictures_are_seen_in_stretches_without_a_seam(tiny, monkeypatch):
    pictures = crops(90)
    whole = tiny.embed_video(pictures)
    monkeypatch.setattr(_ours, "CHUNK", 25)
    np.testing.assert_allclose(tiny.embed_video(pictures), whole, atol=1e-4)


def test_pictures_of_another_shape_are_refused(tiny):
    with pytest.raises(InputError, match=r"\(48, 64\); given \(96, 96\)"):
        tiny.embed_video(np.zeros((3, 96, 96), np.uint8))
    with pytest.raises(InputError, match="at least one picture"):
        tiny.embed_video([])


def test_where_no_face_is_nothing_is_judged(tiny):
    pictures = list(crops(30))
    pictures[12] = None
    rows = tiny.embed_video(pictures)
    assert list(np.flatnonzero(np.isnan(rows).any(1))) == [12]


def test_long_sounds_are_heard_in_stretches_without_a_seam(tiny, monkeypatch):
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, 640 * 90 + 77).astype(np.float32), 16000)
    whole = tiny.embed_audio(sound)
    monkeypatch.setattr(_ours, "CHUNK", 25)
    assert len(whole) == 91
    assert [len(block) for block in tiny.sound(sound)] == [25, 25, 25, 16]
    np.testing.assert_allclose(tiny.embed_audio(sound), whole, atol=1e-4)


def test_its_crops_are_those_it_was_trained_on():
    clip = drawn.talking(40, fps=Fraction(30))
    points = np.repeat(portrait_mesh()[None], 40, axis=0) + np.arange(40, dtype=np.float32)[:, None, None] / 8
    points[20:24] = np.nan
    track = FaceTrack(0, faces.boxes(points), points, np.ones(40, np.float32))
    cut = list(lipsight.Expert.crops(lipsight.Expert.__new__(lipsight.Expert), clip, track))
    assert len(cut) == 33  # 40 frames at 30 a second are 33 whole frames at 25
    assert [k for k, crop in enumerate(cut) if crop is None] == [16, 17, 18, 19]  # frames 19.2 to 22.8, and neighbours
    assert {crop.shape for crop in cut if crop is not None} == {(48, 64)}


def portrait_mesh() -> np.ndarray:
    """A frontal mesh where the drawn face is."""
    model = faces.canonical().points
    return (model * 50 + np.array([160, 100, 0])).astype(np.float32)


def test_an_expert_without_calibration_shows_no_number(tiny):
    with pytest.raises(WeightsError, match="was never calibrated, so its numbers mean nothing yet; .*models calibrate"):
        tiny.calibrated()


def test_an_expert_that_cannot_tell_shows_no_number(tiny, monkeypatch):
    poor = registry.Calibration(auc=0.55, threshold=1.0, shift=5, near=10, far=10, clips=1)
    monkeypatch.setattr(lipsight.Expert, "calibration", poor)
    with pytest.raises(WeightsError, match=r"5 frames off and more: its AUC is 0\.55, chance is 0\.50"):
        tiny.calibrated()
    good = replace(poor, auc=0.61)
    monkeypatch.setattr(lipsight.Expert, "calibration", good)
    assert tiny.calibrated() == good


def test_sound_of_another_rate_is_refused(tiny):
    with pytest.raises(InputError, match="44100"):
        tiny.embed_audio(Audio(np.zeros(100, np.float32), 44100))
