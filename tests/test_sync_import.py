"""Published sync experts: told from their tensors, strict, converted without a change of their numbers."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import drawn  # noqa: E402
from lipwright import cli, registry, runtime  # noqa: E402
from lipwright.errors import WeightsError  # noqa: E402
from lipwright.experts import wav2lip_expert  # noqa: E402
from lipwright.train import checkpoint, foreign, sync_import, syncnets  # noqa: E402


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


tiny = functools.cache(sync_import.tiny)


def random_pictures(kind: sync_import.Kind, more: int = 2) -> np.ndarray:
    wide, tall = kind.size
    return np.random.default_rng(0).integers(0, 256, (kind.frames + more, tall, wide, 3), dtype=np.uint8)


# -------------------------------------------------------------------------------------- as published


@pytest.mark.parametrize(
    ("name", "values", "tensors"),
    [
        ("SyncNet v2", 13_631_616, 102),
        ("SyncNet_color", 16_435_072, 217),
        ("StableSyncNet with attention", 401_306_080, 266),
        ("StableSyncNet without attention", 371_766_496, 178),
    ],
)
def test_the_networks_are_as_large_as_those_published(name: str, values: int, tensors: int) -> None:
    with torch.device("meta"):
        network = sync_import.KINDS[name].make()
    assert sum(value.numel() for value in network.parameters()) == values
    assert len(network.state_dict()) == tensors


@pytest.mark.parametrize("name", list(sync_import.KINDS))
def test_each_is_told_from_the_others(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)  # the large ones stay on paper
    with torch.device("meta"):
        tensors = sync_import.KINDS[name].make().state_dict()
    assert sync_import.is_expert(tensors)
    assert sync_import.expert(checkpoint.Found("bare state_dict", tensors, None), tmp_path / "x.pth")[0] == name


def test_names_of_tensors_are_the_published_ones() -> None:
    with torch.device("meta"):
        syncnet, stable = set(syncnets.SyncNet().state_dict()), set(syncnets.StableSync().state_dict())
    places = {0, 1, 4, 5, 8, 9, 11, 12, 14, 15, 18, 19}
    assert {int(key.split(".")[1]) for key in syncnet if key.startswith("netcnnaud")} == places
    assert {int(key.split(".")[1]) for key in syncnet if key.startswith("netcnnlip")} == places
    assert {
        "audio_encoder.down_blocks.4.attn.to_out.0.bias",  # attention is an entry of its own, after level 3
        "audio_encoder.down_blocks.6.ff.net.0.proj.weight",
        "visual_encoder.down_blocks.5.conv_in.weight",
        "visual_encoder.down_blocks.7.norm3.bias",
        "visual_encoder.down_blocks.9.downsample_conv.weight",
        "visual_encoder.norm_out.weight",
    } <= stable


# ---------------------------------------------------------------------------------------- their formulas


def test_syncnets_one_pass_is_its_windows_one_by_one() -> None:
    network = tiny("SyncNet v2")
    pictures = torch.from_numpy(random_pictures(sync_import.KINDS["SyncNet v2"], 3))
    bgr = pictures.flip(3).permute(3, 0, 1, 2).float()
    with torch.no_grad():
        alone = torch.cat([network.lips(bgr[None, :, start : start + 5]) for start in range(4)])
        torch.testing.assert_close(network.seeing(pictures), alone, atol=1e-5, rtol=1e-4)


def test_windows_stand_picture_after_picture_and_bgr_as_wav2lip_stacks_them() -> None:
    network = tiny("SyncNet_color")
    pictures = random_pictures(sync_import.KINDS["SyncNet_color"])
    stacked = [np.concatenate(list(pictures[k : k + 5, ..., ::-1]), axis=2) / 255.0 for k in range(3)]
    faces = torch.from_numpy(np.stack(stacked)).permute(0, 3, 1, 2).float()
    mel = torch.randn(3, 1, 80, 16)
    with torch.no_grad():
        heard, seen = network(mel, faces)
        torch.testing.assert_close(network.seeing(torch.from_numpy(pictures)), seen, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(network.hearing(mel[:, 0]), heard)
    assert float(seen.std(0).max()) > 1e-3  # it does look


def test_stable_syncnet_pads_on_the_sides_its_authors_pad() -> None:
    pads = [level.pad for level in syncnets.StableSync(part=64).audio_encoder.down_blocks if hasattr(level, "pad")]
    assert pads == [[1, 1, 0, 1], [0, 1, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0], *[[0, 1, 0, 1]] * 3]
    visual = syncnets.StableSync(part=64).visual_encoder.down_blocks
    assert next(level.pad for level in visual) == [0, 1, 1, 1]


@pytest.mark.parametrize("name", ["SyncNet v2", "SyncNet_color"])
def test_the_tiny_ones_of_the_package_answer_as_the_networks_they_were_made_from(name: str) -> None:
    kind, network = sync_import.KINDS[name], tiny(name)
    pictures = random_pictures(kind)
    heard = np.random.default_rng(1).normal(0, 2, (3, *kind.heard)).astype(np.float32)
    with torch.no_grad():
        seeing, hearing = network.seeing(torch.from_numpy(pictures)), network.hearing(torch.from_numpy(heard))
    for side, given, wanted in (("video", pictures, seeing), ("audio", heard, hearing)):
        found = runtime.load(registry.path(f"{kind.member}_tiny_{side}"), precision="f32")(given)[0]
        np.testing.assert_allclose(found, wanted.numpy(), atol=1e-3 * float(wanted.abs().max()))


# --------------------------------------------------------------------------------------------- the import


def test_an_expert_is_imported_under_its_own_name_and_embeds(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tiny("SyncNet_color")
    torch.save({"state_dict": network.state_dict(), "global_step": 7, "optimizer": {}}, tmp_path / "lipsync_expert.pth")
    assert cli.main(["models", "import", str(tmp_path / "lipsync_expert.pth"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["member"], said["step"]) == ("wav2lip_expert", "wav2lip_expert", 7)
    assert said["difference"] <= sync_import.CLOSE
    names = {f"wav2lip_expert_{side}.{kind}" for side in ("video", "audio") for kind in ("onnx", "yaml")}
    assert {path.name for path in (cache / "imported").iterdir()} == names
    assert registry.card("wav2lip_expert_audio").member == "wav2lip_expert"
    ours, shipped = wav2lip_expert.Expert(), wav2lip_expert.Expert("wav2lip_expert_tiny")
    np.testing.assert_allclose(
        ours.embed_audio(drawn.voice(1.0)), shipped.embed_audio(drawn.voice(1.0)), atol=1e-4, equal_nan=True
    )
    with pytest.raises(WeightsError, match="wav2lip_expert was never calibrated"):
        ours.calibrated()


def test_stable_syncnet_stacks_rgb_pictures_in_order_and_is_converted_without_a_change(tmp_path: Path) -> None:
    name = "StableSyncNet with attention"
    kind, network = sync_import.KINDS[name], tiny(name)
    pictures = torch.from_numpy(random_pictures(kind, 1))
    stacked = torch.stack([pictures[k : k + 16].permute(0, 3, 1, 2).flatten(0, 1) for k in range(2)])
    with torch.no_grad():
        wanted = network.visual_encoder((stacked / 255 - 0.5) / 0.5)
        torch.testing.assert_close(network.seeing(pictures), wanted, atol=1e-4, rtol=1e-3)
    assert sync_import.to_onnx(network, kind, "audio", tmp_path / "x.onnx") <= sync_import.CLOSE


def test_partial_experts_are_refused_by_name(tmp_path: Path) -> None:
    tensors = dict(tiny("SyncNet v2").state_dict())
    del tensors["netcnnlip.8.weight"]
    tensors["head.weight"] = torch.zeros(3)
    tensors["netfclip.3.bias"] = torch.zeros(4)
    torch.save(tensors, tmp_path / "partial.model")
    with pytest.raises(WeightsError) as told:
        foreign.bring(tmp_path / "partial.model")
    assert "1 missing (netcnnlip.8.weight)" in str(told.value)
    assert "1 that do not belong (head.weight)" in str(told.value)
    assert "netfclip.3.bias (4,) instead of (16,)" in str(told.value)


def test_the_linear_heads_that_others_add_to_stable_syncnet_are_refused(tmp_path: Path) -> None:
    """dfadeeff/LipSync loads 112 of 180 tensors and scores with random heads; here nothing is loaded."""
    with torch.device("meta"):
        tensors = dict(syncnets.StableSync(attention=False).state_dict())
    tensors = {key: value for key, value in tensors.items() if "visual_encoder.down_blocks.7" not in key}
    tensors |= {"audio_head.weight": torch.zeros(1), "visual_head.weight": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"nearest is StableSyncNet without attention.*missing.*audio_head.weight"):
        sync_import.expert(checkpoint.Found("state_dict", tensors, None), tmp_path / "x.pt")


def test_batch_norms_of_2017_may_lack_their_count(tmp_path: Path) -> None:
    network = tiny("SyncNet v2")
    old = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    assert len(old) == 88
    name, again = sync_import.expert(checkpoint.Found("bare state_dict", old, None), tmp_path / "x.model")
    assert name == "SyncNet v2, tiny"
    cepstra = torch.randn(2, 13, 20)
    with torch.no_grad():
        torch.testing.assert_close(again.hearing(cepstra), network.hearing(cepstra))
