"""Wav2Lip's generator is trained as its authors train it: what it is given, what is lost, what is kept."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")


from torch.nn import functional as F  # noqa: E402

import drawn  # noqa: E402
import lipwright  # noqa: E402
import spoken  # noqa: E402
from lipwright import features, registry  # noqa: E402
from lipwright.dubbers.wav2lip import NOW, Painter  # noqa: E402
from lipwright.errors import InputError, WeightsError  # noqa: E402
from lipwright.train import adversary, checkpoint, engine, generator, kept, kinds, train, wav2lip  # noqa: E402
from lipwright.types import Audio  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"size": "tiny", "clips": 2, "judged": 4, "ahead": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return spoken.folder(tmp_path_factory.mktemp("spoken"), 3, 1, 40)


@pytest.fixture(scope="module")
def expert(tmp_path_factory) -> Path:
    """A sync expert with the shape of the published one, seeded, as our training keeps it."""
    path = tmp_path_factory.mktemp("expert") / "best.pt"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        kept.save(path, {"network": wav2lip.SyncExpert(32).state_dict()})
    return path


def task(data: Path, expert: Path, recipe: str = "wav2lip_gan", **how) -> generator.Wav2LipTask:
    training, told = kinds.chosen("generator", recipe, {**TINY, "expert": str(expert), **how})
    made = training.task(told, data, None)
    assert isinstance(made, generator.Wav2LipTask)
    return made


# ----------------------------------------------------------------------------------------------- networks


def test_layouts_of_any_size_are_those_published_where_there_are_any() -> None:
    assert wav2lip.layout(96) == wav2lip.LAYOUTS["wav2lip-96"]
    assert wav2lip.layout(256) == wav2lip.LAYOUTS["wav2lip-256"]
    for size in (128, 162, 192, 288, 384, 512):
        with torch.device("meta"):
            network = wav2lip.Generator(wav2lip.layout(size, 32)).eval()
            painted = network(torch.empty(2, 1, 80, 16), torch.empty(2, 6, size, size))
            told = adversary.Discriminator(size, 32)(torch.empty(2, 3, size, size))
        assert (painted.shape, told.shape) == ((2, 3, size, size), (2, 1))
    for size in (95, 97, 514):
        with pytest.raises(InputError, match="an even number of 96 to 512 pixels"):
            wav2lip.layout(size)


def test_the_discriminator_is_the_published_one() -> None:
    network = adversary.Discriminator()
    assert sum(p.numel() for p in network.parameters()) == 14_113_793
    assert len(network.state_dict()) == 28
    assert {"face_encoder_blocks.6.1.conv_block.0.bias", "binary_pred.0.weight"} <= set(network.state_dict())
    pictures = torch.rand(2, 3, 96, 96)
    other = torch.cat((torch.rand(2, 3, 48, 96), pictures[:, :, 48:]), 2)
    with torch.no_grad():
        assert torch.equal(network(pictures), network(other))  # only the lower half is looked at


# -------------------------------------------------------------------------------------- what it is given


@pytest.mark.parametrize("corrected", [False, True])
def test_frame_f_is_painted_to_the_sound_of_the_frame_before_unless_corrected(
    folder: Path, expert: Path, corrected: bool
) -> None:
    made = task(folder, expert, corrected=corrected, clips=12)
    batch = made.draw(np.random.default_rng(0))
    places = {}
    for talk in made.faces.talks:
        for row, frame in enumerate(talk.frames.tolist()):
            if (pictures := made.faces.pictures(talk, row)) is not None:
                places[np.stack(pictures).tobytes()] = (talk, frame)
    for window, other, mels, mel in zip(*(batch[k].numpy() for k in ("window", "other", "mels", "mel")), strict=True):
        (talk, frame), (elsewhere, moment) = places[window.tobytes()], places[other.tobytes()]
        assert (elsewhere, moment == frame) == (talk, False)
        whole = features.mel(generator_sound(talk)).T
        for k in range(5):
            start = int(80.0 * ((frame + k - (not corrected)) / 25.0))
            np.testing.assert_array_equal(mels[k, 0], whole[start : start + 16].T)
        start = int(80.0 * (frame / 25.0))
        np.testing.assert_array_equal(mel[0], whole[start : start + 16].T)


def generator_sound(talk):
    rate, samples = spoken.wavfile.read(talk.folder / "audio.wav")
    return Audio(samples.astype(np.float32) / 32768, rate)


# ------------------------------------------------------------------------------------------- what is lost


def as_the_authors(made: generator.Wav2LipTask, network, disc, judge, batch):
    """hq_wav2lip_train.py on the same batch: the losses, with gradients, and the discriminator's gradients."""
    y = batch["window"].numpy().transpose(0, 4, 1, 2, 3) / 255.0
    masked = y.copy()
    masked[:, :, :, 48:] = 0.0
    wrong = batch["other"].numpy().transpose(0, 4, 1, 2, 3) / 255.0
    x, y = torch.from_numpy(np.concatenate([masked, wrong], axis=1)), torch.from_numpy(y)
    g = network(batch["mels"], x)
    lower = g[:, :, :, 48:]
    audio, video = judge(batch["mel"], torch.cat([lower[:, :, i] for i in range(5)], dim=1))
    bce, ones = torch.nn.BCELoss(), torch.ones(5 * len(x), 1, dtype=torch.float64)
    sync = bce(F.cosine_similarity(audio, video).clamp(0, 1).unsqueeze(1), ones[: len(x)])

    def flat(faces):
        return torch.cat([faces[:, :, i] for i in range(5)], dim=0)

    opinion, l1 = bce(disc(flat(g)), ones), torch.nn.L1Loss()(g, y)
    w, d = made.weight.value, made.recipe.adversary
    loss = w * sync + d * opinion + (1.0 - w - d) * l1
    loss.backward()
    disc.zero_grad()
    real = bce(disc(flat(y)), ones)
    real.backward()
    fake = bce(disc(flat(g.detach())), torch.zeros_like(ones))
    fake.backward()
    return {"loss": loss, "l1": l1, "sync": sync, "perceptual": opinion}, {"real": real, "fake": fake}


@pytest.mark.parametrize("twice", [False, True])
def test_losses_gradients_and_the_discriminators_step_are_the_authors(folder: Path, expert: Path, twice: bool) -> None:
    """In double precision, for a network with so few channels is badly conditioned."""
    made = task(folder, expert, clips=3)
    made.weight.value, made.adversary.twice = 0.03, twice
    network, disc, judge = wav2lip.tiny().train().double(), made.adversary.network.double(), made.judge.network.double()
    assert judge.training  # as published: it is never switched to eval()
    theirs, other, same = (copy.deepcopy(each) for each in (network, disc, judge))
    batch = made.draw(np.random.default_rng(2))
    batch |= {name: batch[name].double() for name in ("mel", "mels")}
    wanted, learnt = as_the_authors(made, theirs, other, same, batch)
    found = made.losses(network, batch)
    found["loss"].backward()
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, msg=lambda text, name=name: f"{name}: {text}")
    largest = max(float(p.grad.abs().max()) for p in theirs.parameters())
    assert largest > 0
    for ours, their in zip(network.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, their.grad, atol=1e-9 * largest, rtol=1e-6)
    assert all(p.grad is None for p in disc.parameters())
    told = made.adversary.after_step(1)
    assert told == pytest.approx({name: float(value.detach()) for name, value in learnt.items()})
    torch.optim.Adam(other.parameters(), lr=1e-4, betas=(0.5, 0.999)).step()
    for ours, their in zip(disc.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, their.grad)
        torch.testing.assert_close(ours, their)
    assert made.adversary.after_step(2) == {}  # what was learnt from once is gone


def test_without_a_discriminator_and_before_the_sync_counts_the_loss_is_l1(folder: Path, expert: Path) -> None:
    made = task(folder, expert, "wav2lip")
    assert set(made.parts()) == {"judge", "sync_weight"}
    network, batch = made.network(), made.draw(np.random.default_rng(2))
    found = made.losses(network, batch)
    assert set(found) == {"loss", "l1"}
    assert torch.equal(found["loss"], found["l1"])


def test_the_expert_may_use_what_it_learnt_and_sees_larger_faces_made_smaller(folder: Path, expert: Path) -> None:
    batch, kept_norms = task(folder, expert, "wav2lip", norms="kept"), task(folder, expert, "wav2lip")
    heard, faces = torch.randn(2, 1, 80, 16), torch.rand(10, 3, 96, 96)
    assert not torch.equal(batch.judge.loss(heard, faces), kept_norms.judge.loss(heard, faces))
    larger = faces.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(batch.judge.loss(heard, larger), batch.judge.loss(heard, faces), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wav2lip", {"beta1": 0.9, "sync": 0.01, "adversary": 0}),
        ("wav2lip_gan", {"beta1": 0.5, "sync": 0.03, "adversary": 0.07}),
    ],
)
def test_recipes_hold_the_authors_numbers(name: str, said: dict[str, float]) -> None:
    _, recipe = kinds.chosen("generator", name, {})
    said = {**said, "rate": 1e-4, "beta2": 0.999, "clips": 16, "frames": 5, "every": 3000, "below": 0.75, "face": 96}
    assert {key: getattr(recipe, key) for key in said} == said
    assert (recipe.size, recipe.optimizer, recipe.schedule, recipe.decay) == ("full", "adam", "constant", 0)
    assert (recipe.clip, recipe.average, recipe.norms, recipe.corrected) == (0, 0, "batch", False)


# ------------------------------------------------------------------------------------------ how it goes on


def test_the_weight_of_sync_comes_late_and_survives_a_stop(folder: Path, expert: Path, tmp_path: Path) -> None:
    how = {"every": 2, "steps": 5, "below": 100.0, "rate": 0.001}
    whole = engine.fit(task(folder, expert, **how), tmp_path / "whole")
    stopped = task(folder, expert, **how)
    draw, calls = stopped.losses, []

    def interrupted(network, batch):
        calls.append(stopped.weight.value)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return draw(network, batch)

    stopped.losses = interrupted
    with pytest.raises(KeyboardInterrupt):
        engine.fit(stopped, tmp_path / "cut")
    assert calls == [0, 0, 0.03, 0.03]
    again = task(folder, expert, **how)
    rest = engine.fit(again, tmp_path / "cut")
    assert again.weight.value == 0.03
    assert rest.curve == whole.curve
    assert len(whole.curve) == 5


def test_the_weight_of_sync_stays_nought_while_the_expert_is_not_convinced(
    folder: Path, expert: Path, tmp_path: Path
) -> None:
    made = task(folder, expert, "wav2lip", every=1, steps=1, below=0.0)
    figures = engine.fit(made, tmp_path).figures
    assert made.weight.value == 0
    assert figures["score"] == pytest.approx(-(0.99 * figures["l1"] + 0.01 * figures["sync"]))


def test_only_the_first_of_several_processes_exports(folder: Path, expert: Path, tmp_path: Path, monkeypatch) -> None:
    assert engine.first()
    monkeypatch.setattr(engine, "first", lambda: False)
    how = {**TINY, "steps": 1, "every": 1, "expert": str(expert)}
    figures = train("generator", recipe="wav2lip", data=folder, out=tmp_path, **how)
    assert "l1" in figures
    assert not (tmp_path / "wav2lip.onnx").exists()


def test_it_learns_to_paint_drawn_faces_and_its_onnx_dubs(folder: Path, expert: Path, tmp_path: Path) -> None:
    how = {**TINY, "clips": 3, "rate": 0.01, "every": 30, "expert": str(expert)}
    with torch.no_grad():
        before = task(folder, expert).validate(task(folder, expert).network().eval())
    figures = train("generator", recipe="wav2lip", data=folder, out=tmp_path, steps=30, corrected=True, **how)
    assert figures["l1"] < 0.8 * before["l1"]
    name, network = checkpoint.generator(checkpoint.read(tmp_path / "wav2lip.pth"), tmp_path / "wav2lip.pth")
    assert name == "wav2lip-tiny"
    assert checkpoint.gap(network, tmp_path / "wav2lip.onnx") < 1e-3
    assert "at its own moment" in (tmp_path / "wav2lip.yaml").read_text()
    assert Painter(tmp_path / "wav2lip.onnx").early == 0
    clip, weights = drawn.talking(25), str(tmp_path / "wav2lip.onnx")
    dubbed = lipwright.dub(clip, drawn.voice(1.0), dubber="wav2lip", weights=weights, box=[100, 60, 220, 200])
    changed = [np.abs(a.astype(int) - b).max() for a, b in zip(dubbed.read(), clip.read(), strict=True)]
    assert min(changed) > 8
    clips = task(folder, expert).samples(network)
    assert {shown.shape for shown in clips.values()} == {(5, 96, 4 * 96, 3)}


def test_a_dub_takes_the_sound_at_its_own_moment_where_the_network_was_trained_so(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(registry.path("wav2lip_tiny"))
    for named in (*model.graph.input, *model.graph.node):
        if hasattr(named, "input"):
            named.input[:] = [NOW if name == "mel" else name for name in named.input]
        elif named.name == "mel":
            named.name = NOW
    onnx.save(model, tmp_path / "now.onnx")
    assert (Painter(registry.path("wav2lip_tiny")).early, Painter(tmp_path / "now.onnx").early) == (1, 0)
    clip, sound = drawn.talking(25), drawn.voice(1.0)

    def dubbed(weights: str, said: Audio) -> np.ndarray:
        made = lipwright.dub(clip, said, dubber="wav2lip", weights=weights, box=[100, 60, 220, 200])
        return np.stack(list(made.read()))[3:22].astype(int)

    early, now = dubbed("wav2lip_tiny", sound), dubbed(str(tmp_path / "now.onnx"), sound)
    later = dubbed(str(tmp_path / "now.onnx"), drawn.shifted(sound, 0.04))
    assert np.abs(early - later).mean() < 0.5 * np.abs(early - now).mean()


# ---------------------------------------------------------------------------------------------- bad input


def test_experts_that_are_none_are_refused_in_a_sentence(folder: Path, expert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expert must name a sync expert's checkpoint"):
        task(folder, Path())
    with pytest.raises(InputError, match="there is no such file"):
        task(folder, tmp_path / "none.pt")
    torch.save({"state_dict": wav2lip.tiny().state_dict()}, tmp_path / "generator.pth")
    with pytest.raises(WeightsError, match="is none of the networks known here .*SyncNet_color"):
        task(folder, tmp_path / "generator.pth")
    torch.save({"state_dict": {f"module.{k}": v for k, v in kept.load(expert)["network"].items()}}, tmp_path / "a.pth")
    assert task(folder, tmp_path / "a.pth").judge.network.part == 32  # an authors' checkpoint is as good as ours


def test_a_training_begins_with_what_it_is_told(folder: Path, expert: Path, tmp_path: Path) -> None:
    published = {f"module.{name}": value for name, value in wav2lip.tiny().state_dict().items()}
    torch.save({"state_dict": published, "global_step": 7}, tmp_path / "wav2lip_gan.pth")
    found = task(folder, expert, begin=str(tmp_path / "wav2lip_gan.pth")).network().state_dict()
    assert all(torch.equal(value, found[name]) for name, value in wav2lip.tiny().state_dict().items())
    with pytest.raises(WeightsError, match="none of the networks known here .Wav2Lip, face 128, size tiny"):
        task(folder, expert, begin=str(tmp_path / "wav2lip_gan.pth"), face=128).network()
    with pytest.raises(InputError, match="begin names .*nothing.pth, and there is no such file"):
        task(folder, expert, begin="nothing.pth").network()


def test_recipes_that_cannot_be_are_refused_in_a_sentence(folder: Path, expert: Path) -> None:
    for how, said in (
        ({"face": 97}, "an even number of 96 to 512 pixels; given 97"),
        ({"frames": 6}, "windows of 5 frames; given 6"),
        ({"norms": "none"}, "norms must be batch or kept; given 'none'"),
        ({"sync": 0.5, "adversary": 0.5}, "together below 1; given 0.5 and 0.5"),
        ({"judged": 0}, "judged is at least 1"),
    ):
        with pytest.raises(InputError, match=said):
            task(folder, expert, **how)
    training, recipe = kinds.chosen("generator", "wav2lip", {**TINY, "expert": str(expert)})
    with pytest.raises(InputError, match="folders of our own layout"):
        training.task(recipe, folder, folder / "offsets.csv")
