"""`models import`: every dialect is read strictly, nothing is run, and what cannot be taken is told in a sentence."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import drawn  # noqa: E402
import lipwright  # noqa: E402
from lipwright import cli, registry, runtime  # noqa: E402
from lipwright.errors import InputError, LipwrightError, MissingExtraError, WeightsError  # noqa: E402
from lipwright.train import checkpoint, foreign, wav2lip  # noqa: E402


@pytest.fixture(scope="module")
def network() -> wav2lip.Generator:
    return wav2lip.tiny()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def wrapped(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {f"module.{key}": value for key, value in network.state_dict().items()}


def training(network: torch.nn.Module) -> dict[str, object]:
    adam = torch.optim.Adam(network.parameters()).state_dict()
    return {"state_dict": network.state_dict(), "optimizer": adam, "global_step": 255_000, "global_epoch": 7}


# -------------------------------------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("make", "dialect", "step"),
    [
        (training, "training checkpoint", 255_000),
        (lambda n: training(n) | {"state_dict": wrapped(n)}, "training checkpoint of a DataParallel network", 255_000),
        (lambda n: {"state_dict": n.state_dict()}, "state_dict", None),
        (lambda n: n.state_dict(), "bare state_dict", None),
        (wrapped, "bare state_dict of a DataParallel network", None),
    ],
)
@pytest.mark.parametrize("old", [False, True])
def test_dialects_of_torch_save(
    network: wav2lip.Generator, tmp_path: Path, make, dialect: str, step: int | None, old: bool
) -> None:
    path = tmp_path / "net.pth"
    torch.save(make(network), path, _use_new_zipfile_serialization=not old)
    found = checkpoint.read(path)
    assert (found.dialect, found.step) == (dialect, step)
    name, again = checkpoint.generator(found, path)
    assert name == "wav2lip-tiny"
    for key, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("how", ["trace", "script"])
def test_torchscript_is_read_without_running_it(network: wav2lip.Generator, tmp_path: Path, how: str) -> None:
    path = tmp_path / "net.pt"
    if how == "trace":
        saved = torch.jit.trace(network, (torch.zeros(1, 1, 80, 16), torch.zeros(1, 6, 96, 96)))
    else:
        saved = torch.jit.script(torch.nn.ModuleDict({"output_block": network.output_block})["output_block"])
    torch.jit.save(saved, str(path))
    found = checkpoint.read(path)
    assert found.dialect == "TorchScript archive"
    wanted = network.state_dict() if how == "trace" else network.output_block.state_dict()
    assert set(found.tensors) == set(wanted)
    assert all(torch.equal(found.tensors[key], value) for key, value in wanted.items())


@pytest.mark.parametrize("name", list(wav2lip.LAYOUTS))
def test_each_published_network_is_told_from_the_others(tmp_path: Path, name: str) -> None:
    with torch.device("meta"):
        keys = wav2lip.Generator(wav2lip.LAYOUTS[name]).state_dict()
    tensors = {key: torch.zeros(()).expand(value.shape) for key, value in keys.items()}
    known, network = checkpoint.generator(checkpoint.Found("bare state_dict", tensors, None), tmp_path / "x.pth")
    assert known == name and network.layout.size == int(name.rpartition("-")[2])


# ---------------------------------------------------------------------------------------------- whole


@pytest.mark.parametrize("name", ["wav2lip-384", "wav2lip-sam-384"])
def test_384_is_imported_strictly_and_dubs_a_second(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = replace(wav2lip.LAYOUTS[name], part=32)
    monkeypatch.setattr(wav2lip, "LAYOUTS", wav2lip.LAYOUTS | {name: layout})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seeded = wav2lip.Generator(layout).eval()
    torch.save(training(seeded) | {"state_dict": wrapped(seeded)}, tmp_path / "large.pth")
    made = foreign.bring(tmp_path / "large.pth", name="large")
    assert (made.architecture, made.size, made.step) == (name, 384, 255_000)
    assert made.difference is not None and made.difference <= 1e-4
    clip = drawn.talking(25)
    dubbed = lipwright.dub(clip, drawn.voice(1.0), dubber="wav2lip", weights="large", box=[100, 60, 220, 200])
    assert min(np.abs(a.astype(int) - b).max() for a, b in zip(dubbed.read(), clip.read(), strict=True)) > 8
    tensors = dict(seeded.state_dict())
    del tensors["audio_refine.1.conv_block.1.bias"]
    torch.save(tensors, tmp_path / "partial.pth")
    with pytest.raises(WeightsError, match=rf"nearest is {name}.*1 missing .audio_refine.1.conv_block.1.bias"):
        foreign.bring(tmp_path / "partial.pth")


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({}, "primepake's network of 512 pixels, which is refused: its code as published cannot be built"),
        ({"sam.sa.conv1.weight": (1, 2, 7, 7)}, "primepake's Wav2Lip_384, which is refused: no script"),
    ],
)
def test_networks_whose_use_nobody_published_are_refused_with_the_reason(
    tmp_path: Path, tensors: dict[str, tuple[int, ...]], sentence: str
) -> None:
    wide = 8 if tensors else 6
    shapes = tensors | {"face_encoder_blocks.0.0.conv_block.0.weight": (wide, 6, 7, 7)}
    torch.save({key: torch.zeros(shape) for key, shape in shapes.items()}, tmp_path / "big.pth")
    with pytest.raises(WeightsError, match=rf"{sentence}.*; where it was trained, write it as ONNX"):
        foreign.bring(tmp_path / "big.pth")


def test_384_with_attention_is_refused_where_its_refining_blocks_were_trained(tmp_path: Path) -> None:
    with torch.device("meta"):
        keys = wav2lip.Generator(wav2lip.LAYOUTS["wav2lip-sam-384"]).state_dict()
    tensors = {key: torch.zeros(()).expand(value.shape) for key, value in keys.items()}
    tensors["audio_refine.0.conv_block.1.num_batches_tracked"] = torch.tensor(5000)
    with pytest.raises(WeightsError, match="audio_refine was trained for 5000 steps, which is refused"):
        checkpoint.generator(checkpoint.Found("bare state_dict", tensors, None), tmp_path / "x.pth")


def test_a_checkpoint_is_imported_once_and_dubs(
    network: wav2lip.Generator, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(training(network), tmp_path / "Wav2Lip GAN.pth")
    assert cli.main(["models", "import", str(tmp_path / "Wav2Lip GAN.pth"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["dialect"], said["step"]) == ("wav2lip-gan", "training checkpoint", 255_000)
    assert (said["architecture"], said["size"]) == ("wav2lip-tiny", 96)
    assert said["difference"] <= 1e-3
    assert Path(said["path"]).is_relative_to(cache)
    card = registry.card("wav2lip-gan")
    assert card in registry.cards() and "step 255000" in card.architecture
    assert registry.path("wav2lip-gan") == registry.verify("wav2lip-gan") == registry.pull("wav2lip-gan")
    assert {p.name for p in (cache / "imported").iterdir()} == {"wav2lip-gan.onnx", "wav2lip-gan.yaml"}
    assert str(Path.cwd()).encode() not in Path(said["path"]).read_bytes()
    speech = drawn.tone(0.4)
    dubbed = lipwright.dub(drawn.talking(10), speech, dubber="wav2lip", weights="wav2lip-gan")
    plain = lipwright.dub(drawn.talking(10), speech, dubber="wav2lip", weights="wav2lip_tiny")
    gap = np.abs(np.stack(list(dubbed.read())).astype(int) - np.stack(list(plain.read())))
    assert gap.max() <= 4  # the same seeded network
    Path(said["path"]).write_bytes(b"x")
    with pytest.raises(WeightsError, match="missing or damaged, and it was imported; import it again"):
        registry.pull("wav2lip-gan")


def test_onnx_is_taken_as_it_is_with_its_own_names_order_and_batch(tmp_path: Path) -> None:
    import onnx

    model = onnx.load(registry.path("wav2lip_tiny"))
    swapped = onnx.compose.add_prefix(model, "other_")
    first, second = swapped.graph.input
    del swapped.graph.input[:]
    swapped.graph.input.extend([second, first])
    for port in (*swapped.graph.input, *swapped.graph.output):
        port.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(swapped, tmp_path / "hq.onnx")
    made = foreign.bring(tmp_path / "hq.onnx", name="hq")
    assert (made.dialect, made.size, made.difference) == ("ONNX", 96, None)
    assert made.path.read_bytes() == (tmp_path / "hq.onnx").read_bytes()
    speech = drawn.tone(0.4)
    ours, theirs = (
        np.stack(list(lipwright.dub(drawn.talking(10), speech, dubber="wav2lip", weights=w, compat=True).read()))
        for w in ("wav2lip_tiny", "hq")
    )
    assert np.abs(ours.astype(int) - theirs).max() <= 1


# --------------------------------------------------------------------------------------------- refused


class Evil:
    """Runs when it is unpickled, if anything does."""

    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


def test_pickled_objects_are_refused_and_not_run(
    network: wav2lip.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": network.state_dict(), "more": Evil()}, "evil.pth")
    torch.save(network, "module.pk1")
    for file, holds in (("evil.pth", "pathlib"), ("module.pk1", "lipwright.train.wav2lip.Generator")):
        with pytest.raises(WeightsError, match=rf"holds pickled objects .*{holds}.*so they are refused"):
            foreign.bring(file)
    assert not Path("was-run").exists()


def test_partial_checkpoints_are_refused_by_name(network: wav2lip.Generator, tmp_path: Path) -> None:
    tensors = dict(network.state_dict())
    del tensors["audio_encoder.0.conv_block.0.weight"]
    tensors["extra.weight"] = torch.zeros(3)
    tensors["output_block.1.bias"] = torch.zeros(4)
    torch.save(tensors, tmp_path / "partial.pth")
    with pytest.raises(WeightsError) as told:
        foreign.bring(tmp_path / "partial.pth")
    assert "1 missing (audio_encoder.0.conv_block.0.weight)" in str(told.value)
    assert "1 that do not belong (extra.weight)" in str(told.value)
    assert "output_block.1.bias (4,) instead of (3,)" in str(told.value)


def test_other_networks_are_told(tmp_path: Path) -> None:
    torch.save({"face_encoder.0.conv_block.0.weight": torch.zeros(1)}, tmp_path / "expert.pth")
    torch.save({"binary_pred.0.weight": torch.zeros(1)}, tmp_path / "disc.pth")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "s3fd.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    for file, sentence in (
        ("expert.pth", "none of the networks known here .SyncNet v2, SyncNet_color.*missing"),
        ("disc.pth", "is Wav2Lip's discriminator"),
        ("s3fd.pth", "none of the networks known here.*that do not belong .conv1.weight"),
        ("list.pth", "holds list, not tensors by name"),
    ):
        with pytest.raises(WeightsError, match=sentence):
            foreign.bring(tmp_path / file)
    with pytest.raises(WeightsError, match="is not of the Wav2Lip family"):
        foreign.bring(registry.path("motion"), name="mine")


def test_damaged_files_are_a_sentence_each(network: wav2lip.Generator, tmp_path: Path, cache: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("a.txt", "nothing")
    for name, content, sentence in (
        ("cut.pth", whole[: len(whole) // 2], "cut short or damaged: the end of the archive is missing"),
        ("noise.pth", b"\x00\x01" * 600, "cannot be read as a PyTorch checkpoint"),
        ("page.pth", b"\n<!DOCTYPE html><html>sign in</html>", r"is a web page \(HTML\), not weights"),
        ("lfs.pth", b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        ("empty.pth", b"", "is empty"),
        ("broken.onnx", b"\x08\x07nonsense", "is not a network that can be run"),
        ("zip.pth", (tmp_path / "pictures.zip").read_bytes(), "cannot be read as a PyTorch checkpoint"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=sentence):
            foreign.bring(tmp_path / name)
    assert not list((cache / "imported").glob("*")) if (cache / "imported").exists() else True


def test_names_and_files_that_cannot_be_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"x")
    for file, name, sentence in (
        ("nowhere.pth", "a", "there is no file"),
        ("x.pth", "../a", "a name is small letters"),
        ("x.pth", "a.onnx", "not ending in .onnx"),
        ("x.pth", "motion", "'motion' is the name of weights that lipwright has itself"),
    ):
        with pytest.raises(InputError, match=sentence):
            foreign.bring(tmp_path / file, name=name)


def test_without_torch_onnx_is_taken_and_the_rest_names_the_extra(
    network: wav2lip.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(network.state_dict(), tmp_path / "net.pth")
    monkeypatch.setattr(foreign, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r'torch is not installed; it comes with: pip install "lipwright\[train\]"'
    ):
        foreign.bring(tmp_path / "net.pth")
    assert foreign.bring(registry.path("wav2lip_tiny"), name="taken").path.is_file()


def test_an_unwritable_cache_is_a_sentence(
    network: wav2lip.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(LipwrightError, match="cannot be filled"):
        foreign.bring(registry.WEIGHTS / "wav2lip_tiny.onnx", name="taken")


def test_the_answer_of_the_command_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "import", str(registry.path("wav2lip_tiny")), "--name", "mine"]) == 0
    out = capsys.readouterr().out
    assert "saved as ONNX" in out and "pictures of 96 px" in out and "--with weights=mine" in out
    assert cli.main(["models", "import"]) == 1
    assert "give the one FILE to import" in capsys.readouterr().err
    assert runtime.load(registry.path("mine")).inputs[0].shape[1:] in {(1, 80, 16), (6, 96, 96)}
