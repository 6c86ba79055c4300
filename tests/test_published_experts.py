"""The published experts are trained as their authors train them: what is drawn, what is lost, what comes out."""

from __future__ import annotations

import copy
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import spoken  # noqa: E402
from lipwright import features, runtime  # noqa: E402
from lipwright.errors import InputError  # noqa: E402
from lipwright.train import checkpoint, engine, kinds, published, recipes, sync_import  # noqa: E402
from lipwright.train.faces import Faces  # noqa: E402
from lipwright.train.tasks import Outcome  # noqa: E402
from lipwright.types import Audio  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"size": "tiny", "clips": 8, "judged": 16, "heard": 1, "ahead": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return spoken.folder(tmp_path_factory.mktemp("spoken"))


def faces(data: Path, **how) -> Faces:
    return Faces(data, "train", **{"window": 5, "size": 96, "shortest": 16, "scaling": "linear", "memory": 1, **how})


def task(data: Path, network: str = "syncnet_color", **how):
    training, recipe = kinds.chosen("expert", network, {**TINY, **how})
    return training.task(recipe, data, None)


# ------------------------------------------------------------------------------------------- what is read


def test_pictures_and_mel_are_what_the_authors_code_reads(folder: Path) -> None:
    for side in (96, 64):
        found = faces(folder, size=side)
        talk = found.talks[0]
        theirs = [cv2.resize(cv2.imread(str(talk.folder / f"{k}.jpg")), (side, side)) for k in range(7, 12)]
        np.testing.assert_array_equal(found.pictures(talk, 7), theirs)
        np.testing.assert_array_equal(found.pictures(talk, 7), theirs)  # kept, and the same
    rate, samples = spoken.wavfile.read(talk.folder / "audio.wav")
    whole = features.mel(Audio(samples.astype(np.float32) / 32768, rate)).T
    for frame in (0, 1, 31, 54):
        start = int(80.0 * (frame / 25.0))
        np.testing.assert_allclose(found.heard(talk, frame, features.WAV2LIP_MEL), whole[start : start + 16], atol=1e-6)
    assert found.heard(talk, 56, features.WAV2LIP_MEL) is None  # column 179 + 16 of 193


def test_a_window_with_a_gap_or_a_broken_picture_is_none(tmp_path: Path) -> None:
    data = spoken.folder(tmp_path, train=2, val=1, frames=30)
    found = faces(data)
    gapped = found.talks[1]
    assert 15 not in gapped.frames
    rows = {int(frame): row for row, frame in enumerate(gapped.frames)}
    assert [found.pictures(gapped, rows[k]) is None for k in (10, 11, 14, 16)] == [False, True, True, False]
    (gapped.folder / "20.jpg").write_bytes(b"no picture")
    assert faces(data).pictures(gapped, rows[17]) is None


def test_what_does_not_fit_into_memory_is_made_anew(folder: Path) -> None:
    little, much = faces(folder, memory=1e-6), faces(folder)
    np.testing.assert_array_equal(little.pictures(little.talks[0], 3), much.pictures(much.talks[0], 3))
    assert not little._kept._held


def test_sound_of_another_rate_is_heard_too(folder: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(folder, tmp_path / "data"))
    sound = spoken.drawn.voice(60 / 25, 44100, seed=0).samples + spoken.drawn.noise(60 / 25, 44100, 0.001).samples
    spoken.wavfile.write(data / "preprocessed" / "s0" / "v0" / "audio.wav", 44100, np.stack([sound, sound], 1))
    theirs, ours = faces(folder), faces(data)
    heard = [found.heard(found.talks[0], 20, features.WAV2LIP_MEL) for found in (theirs, ours)]
    assert np.abs(heard[0] - heard[1]).mean() < 0.3


def moments(found: Faces) -> tuple[dict[bytes, tuple[str, int]], dict[bytes, tuple[str, int]]]:
    """Where each picture that begins a window, and each sound, of a split comes from."""
    seen, heard = {}, {}
    for talk in found.talks:
        for row, frame in enumerate(talk.frames.tolist()):
            pictures, sound = found.pictures(talk, row), found.heard(talk, frame, features.WAV2LIP_MEL)
            if pictures is not None:
                seen[np.stack(pictures).tobytes()] = (talk.name, frame)
            if sound is not None:
                heard[np.ascontiguousarray(sound.T).tobytes()] = (talk.name, frame)
    return seen, heard


def test_half_of_what_is_drawn_is_in_sync_and_the_rest_another_moment_of_the_recording(folder: Path) -> None:
    made = task(folder, clips=200)
    batch = made.draw(np.random.default_rng(0))
    seen, heard = moments(made.faces)
    assert 70 < batch["same"].sum() < 130
    for pictures, mel, same in zip(batch["pictures"].numpy(), batch["mel"].numpy(), batch["same"].numpy(), strict=True):
        (talk, frame), (other, moment) = seen[pictures.tobytes()], heard[mel[0].tobytes()]
        assert talk == other
        assert (frame == moment) == bool(same)
    again = made.draw(np.random.default_rng(0))
    assert all(torch.equal(batch[name], again[name]) for name in batch)


# --------------------------------------------------------------------------------------------- the loss


def test_losses_and_gradients_of_syncnet_color_are_the_authors(folder: Path) -> None:
    """color_syncnet_train.py: BGR / 255, pictures along the channels, lower half; BCELoss of cosine_similarity."""
    made = task(folder)
    torch.manual_seed(0)
    network = made.network()
    theirs, batch = copy.deepcopy(network), made.draw(np.random.default_rng(1))
    x = np.concatenate(list(batch["pictures"].numpy().transpose(1, 0, 2, 3, 4)), axis=3) / 255.0
    x = torch.FloatTensor(x.transpose(0, 3, 1, 2)[:, :, 48:])
    ours = published.lower(batch["pictures"], signed=False)
    assert torch.equal(ours, x)
    x = torch.empty_like(ours).copy_(x)  # the same place in memory for each value, for the same sums
    audio, video = theirs(batch["mel"], x)
    wanted = torch.nn.BCELoss()(torch.nn.functional.cosine_similarity(audio, video).unsqueeze(1), batch["same"])
    wanted.backward()
    found = made.losses(network, batch)
    found["loss"].backward()
    torch.testing.assert_close(found["loss"], wanted)
    for ours, other in zip(network.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, other.grad, atol=1e-6, rtol=1e-4)


def test_losses_and_gradients_of_stable_syncnet_are_the_authors(tmp_path: Path) -> None:
    """train_syncnet.py: RGB, (x / 255 - 0.5) / 0.5, frame after frame along the channels, lower half."""
    made = task(spoken.folder(tmp_path, 2, 1, 40), "stable_syncnet", clips=2, judged=2)
    torch.manual_seed(0)
    network = made.network()
    theirs, batch = copy.deepcopy(network), made.draw(np.random.default_rng(1))
    assert batch["pictures"].shape == (2, 16, 256, 256, 3)
    assert batch["mel"].shape == (2, 1, 80, 52)
    x = batch["pictures"].flip(-1).permute(0, 1, 4, 2, 3) / 255.0
    x = ((x - 0.5) / 0.5).reshape(2, 48, 256, 256)[:, :, 128:]
    ours = published.lower(batch["pictures"], signed=True)
    assert torch.equal(ours, x)
    x = torch.empty_like(ours).copy_(x)
    video, audio = theirs.visual_encoder(x), theirs.audio_encoder(batch["mel"])
    wanted = torch.nn.BCELoss(reduction="none")(
        torch.cosine_similarity(video, audio).unsqueeze(1), batch["same"]
    ).mean()
    wanted.backward()
    found = made.losses(network, batch)
    found["loss"].backward()
    torch.testing.assert_close(found["loss"], wanted)
    for ours, other in zip(network.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, other.grad, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("syncnet_color", {"optimizer": "adam", "rate": 1e-4, "beta1": 0.9, "beta2": 0.999, "clips": 64, "frames": 5,
                           "every": 10000, "decay": 0, "clip": 0}),
        ("stable_syncnet", {"optimizer": "adamw", "rate": 1e-5, "beta1": 0.9, "beta2": 0.999, "clips": 256,
                            "frames": 16, "every": 2500, "decay": 0.01, "clip": 1, "seed": 42}),
    ],
)  # fmt: skip
def test_recipes_hold_the_authors_numbers(name: str, said: dict[str, object]) -> None:
    _, recipe = kinds.chosen("expert", name, {})
    assert {key: getattr(recipe, key) for key in said} == said
    assert (recipe.size, recipe.schedule, recipe.warmup, recipe.average) == ("full", "constant", 1, 0)


# --------------------------------------------------------------------------------------- what comes of it


def test_the_bce_expert_leaves_chance_on_speakers_it_never_saw(tmp_path: Path) -> None:
    data = spoken.folder(tmp_path / "data", 8, 2, 80)
    made = task(data, clips=16, rate=0.005, judged=96, heard=2, every=90)
    figures = engine.fit(made, tmp_path / "run", steps=90).figures
    assert figures["eval_loss"] < math.log(2) - 0.05
    assert figures["accuracy"] > 0.6
    assert figures["auc"] > 0.65
    assert 0 <= figures["offset"] <= 1


def test_what_comes_of_it_is_read_as_the_authors_checkpoint_and_run_as_an_expert(folder: Path, tmp_path: Path) -> None:
    network = sync_import.tiny("SyncNet_color")
    outcome = Outcome(network, 5, -0.5, {"eval_loss": 0.5, "score": -0.5})
    assert published.export(task(folder), outcome, tmp_path, "recipe syncnet_color") == outcome.figures
    found = checkpoint.read(tmp_path / "syncnet_color.pth")
    assert (found.step, sync_import.expert(found, tmp_path / "x")[0]) == (5, "SyncNet_color, tiny")
    pictures = np.random.default_rng(0).integers(0, 256, (7, 48, 96, 3), dtype=np.uint8)
    seen = runtime.load(tmp_path / "wav2lip_expert_video.onnx", precision="f32")(pictures)[0]
    with torch.no_grad():
        np.testing.assert_allclose(seen, network.seeing(torch.from_numpy(pictures)).numpy(), atol=1e-4)
    card = (tmp_path / "wav2lip_expert_audio.yaml").read_text()
    assert "sha256:" in card
    assert "eval_loss 0.500" in card


# --------------------------------------------------------------------------------------------- bad input


def test_what_cannot_be_read_is_said_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        faces(tmp_path / "nowhere")
    with pytest.raises(InputError, match="has no filelists/train.txt"):
        faces(folder / "preprocessed" / "s0")
    data = Path(shutil.copytree(folder, tmp_path / "data"))
    lists = data / "filelists" / "train.txt"
    assert len(faces(data, shortest=60).talks) == 5
    with pytest.raises(InputError, match="61 pictures, of which 5 follow"):
        faces(data, shortest=61)
    shutil.rmtree(data / "preprocessed" / "s2")
    with pytest.raises(InputError, match="1 of the 6 recordings that train.txt names are not in .*, such as s2/v0"):
        faces(data)
    lists.write_text("\n")
    with pytest.raises(InputError, match="names no recording"):
        faces(data)
    lists.write_text("s0/v0\n")
    (data / "preprocessed" / "s0" / "v0" / "audio.wav").unlink()
    with pytest.raises(InputError, match="draws in a row from"):
        task(data).draw(np.random.default_rng(0))
    (data / "preprocessed" / "s0" / "v0" / "face.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="is not named by the number of its frame"):
        faces(data)


def test_recipes_that_cannot_be_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="syncnet_color sees 5 frames at a time; given 16"):
        task(folder, frames=16)
    with pytest.raises(InputError, match="judged must be at least 1"):
        task(folder, judged=0)
    training, recipe = kinds.chosen("expert", "syncnet_color", TINY)
    with pytest.raises(InputError, match="folders of our own layout"):
        training.task(recipe, folder, folder / "offsets.csv")
    assert isinstance(recipe, published.PublishedRecipe)
    assert recipes.read("syncnet_color")["network"] == "syncnet_color"
