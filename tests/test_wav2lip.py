"""The Wav2Lip family: its networks are the published ones, and the dubber does what the original's formulas say."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from lipwright.train import wav2lip  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# ------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(
    ("name", "values", "tensors"),
    [("wav2lip-96", 36_298_035, 352), ("wav2lip-256", 53_605_683, 380), ("wav2lip-288", 48_520_815, 482)],
)
def test_generators_have_the_published_numbers_of_values_and_tensors(name: str, values: int, tensors: int) -> None:
    with torch.device("meta"):
        network = wav2lip.Generator(wav2lip.LAYOUTS[name])
        size = wav2lip.LAYOUTS[name].size
        shape = network.eval()(torch.empty(2, 1, 80, 16), torch.empty(2, 6, size, size)).shape
    assert sum(p.numel() for p in network.parameters()) == values
    assert len(network.state_dict()) == tensors
    assert shape == (2, 3, size, size)


def test_the_groups_of_the_original_hold_as_many_tensors_as_published() -> None:
    with torch.device("meta"):
        keys = list(wav2lip.Generator(wav2lip.LAYOUTS["wav2lip-96"]).state_dict())
    groups = ("face_encoder_blocks", "audio_encoder", "face_decoder_blocks", "output_block")
    assert [sum(key.startswith(f"{group}.") for key in keys) for group in groups] == [126, 91, 126, 9]
    assert {"face_encoder_blocks.0.0.conv_block.0.weight", "output_block.1.weight"} <= set(keys)


def test_the_expert_is_the_published_one() -> None:
    network = wav2lip.SyncExpert().eval()
    assert sum(p.numel() for p in network.parameters()) == 16_435_072
    assert len(network.state_dict()) == 217
    with torch.no_grad():
        for vectors in network(torch.randn(2, 1, 80, 16), torch.rand(2, 15, 48, 96)):
            assert vectors.shape == (2, 512) and (vectors >= 0).all()
            torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_windows_of_time_are_folded_as_the_original_does() -> None:
    network = wav2lip.tiny()
    mel, faces = torch.randn(2, 5, 1, 80, 16), torch.rand(2, 6, 5, 96, 96)
    with torch.no_grad():
        both = network(mel, faces)
        one = network(mel[1, 3][None], faces[1, :, 3][None])[0]
    assert both.shape == (2, 3, 5, 96, 96)
    torch.testing.assert_close(both[1, :, 3], one, atol=1e-5, rtol=0)


def test_the_tiny_one_is_the_same_each_time_and_hears_and_sees() -> None:
    network, again = wav2lip.tiny(), wav2lip.tiny()
    faces = torch.rand(2, 6, 12, 12).repeat_interleave(8, 2).repeat_interleave(8, 3)
    mel = 4 * torch.randn(2, 1, 80, 16)
    with torch.no_grad():
        here = network(mel, faces)
        torch.testing.assert_close(here, again(mel, faces))
        assert (here - network(mel.flip(0), faces)).abs().mean() > 1 / 255
        assert (here - network(mel, faces.flip(0))).abs().mean() > 4 / 255
