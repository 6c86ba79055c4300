"""Our own sync expert as a member of its family."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipwright import registry, sync  # noqa: E402
from lipwright.errors import InputError  # noqa: E402
from lipwright.experts import lipsight  # noqa: E402
from lipwright.types import Audio  # noqa: E402


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
    monkeypatch.setattr(lipsight, "CHUNK", 25)
    np.testing.assert_allclose(tiny.embed_video(pictures), whole, atol=1e-4)


def test_pictures_of_another_shape_are_refused(tiny):
    with pytest.raises(InputError, match=r"\(T, 48, 64\)"):
        tiny.embed_video(np.zeros((3, 96, 96), np.uint8))


def test_sound_of_another_rate_is_refused(tiny):
    with pytest.raises(InputError, match="44100"):
        tiny.embed_audio(Audio(np.zeros(100, np.float32), 44100))
