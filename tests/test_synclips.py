"""The layout synclips on drawn lower faces whose mouths open as loud as a noise is."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import speaking  # noqa: E402
from lipwright import compact, faces  # noqa: E402
from lipwright.errors import InputError  # noqa: E402
from lipwright.train import data, engine, kept, recipes, synclips, train  # noqa: E402
from lipwright.train.networks import Expert  # noqa: E402
from lipwright.train.synclips import export as exporting  # noqa: E402
from lipwright.train.synclips.encoders import SIZES, Layer  # noqa: E402
from lipwright.train.synclips.networks import Layout, Synclips  # noqa: E402
from lipwright.train.synclips.windows import heard  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 48


def mesh(opening: float) -> np.ndarray:
    """The average face in pixels of a lower face, its lower lip moved down."""
    points = faces.canonical().points[:, :2].copy()
    points[list(faces.INNER_LOWER), 1] += opening
    return (points - (-faces.LOWER_SPAN / 2, faces.LOWER_TOP)) * SIDE / faces.LOWER_SPAN - 0.5


def drawn(opening: float, skin: tuple[int, int, int]) -> np.ndarray:
    """A lower face that is nothing but skin and a dark mouth."""
    picture = np.full((SIDE, SIDE, 3), skin, np.uint8)
    centre = mesh(0)[list(faces.INNER_LIPS)].mean(0)
    axes = (round(0.18 * SIDE), max(1, round(opening * SIDE)))
    return cv2.ellipse(picture, tuple(np.round(centre).astype(int).tolist()), axes, 0, 0, 360, (40, 10, 20), -1)


def draw(path: Path, frames: int, seed: int, way: int = 1) -> None:
    random = np.random.default_rng(seed)
    steps = np.convolve(random.uniform(0, 1, frames + 6), np.ones(3) / 3, "same")[3:-3]
    opening = (0.02 + 0.2 * steps).astype(np.float32)
    loud = np.interp(np.arange(frames * 640), np.arange(frames) * 640 + 320, opening - 0.02)
    samples = (random.normal(0, 1, frames * 640) * loud * 30000).clip(-32767, 32767).astype(np.int16)
    skin = tuple(random.integers(120, 230, 3).tolist())
    files = [bytes(cv2.imencode(".jpg", drawn(each, skin)[..., ::-1])[1]) for each in opening]
    ends = np.cumsum([len(file) for file in files])
    present = np.ones(frames, bool)
    present[frames // 2] = False
    np.savez(
        path, crop=np.zeros((frames, 48, 64), np.uint8), opening=opening,
        motion=np.zeros((frames, 7, 3), np.float16), pose=np.zeros((frames, 3), np.float32), present=present,
        samples=samples, lower=np.frombuffer(b"".join(files), np.uint8),
        places=np.stack([np.append(0, ends[:-1]), ends], 1),
        mesh=np.stack([mesh(each) for each in opening]).astype(np.float16),
    )  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    rows = [(f"c{k}", f"s{k}", "train" if k < 4 else "val", "xx", 40 if k < 4 else 60) for k in range(6)]
    return speaking.folder(tmp_path_factory.mktemp("drawn") / "prepared", rows, draw)


TINY = {
    "size": "tiny", "face": 48, "clips": 2, "frames": 16, "paint": 2, "warmup": 2, "every": 100, "drop": 0.0,
    "judged": 1, "average": 0.0, "alone": 1, "steps": 2, "ahead": 0,
}  # fmt: skip


def task(folder: Path, kind: type[synclips.SynclipsTask] = synclips.SynclipsTask, **how) -> synclips.SynclipsTask:
    recipe = recipes.build(synclips.SynclipsRecipe, {**TINY, **how}, "here")
    return kind(recipe, data.read(folder), folder)


COMBINATIONS = list(itertools.product(*synclips.SWITCHES.values()))


@pytest.mark.parametrize("chosen", COMBINATIONS, ids="-".join)
def test_every_combination_learns_alone_and_jointly(prepared, tmp_path, chosen):
    done = engine.fit(task(prepared, **dict(zip(synclips.SWITCHES, chosen, strict=True))), tmp_path)
    assert done.step == 2
    assert done.figures["score"] == done.figures["psnr"] > 0
    assert done.figures["ssim"] < 1


def test_alone_the_encoders_change_and_nothing_that_paints_does(prepared, tmp_path):
    made = task(prepared, decay=0.1)
    torch.manual_seed(made.recipe.seed)
    before = made.network().state_dict()
    first = engine.fit(made, tmp_path, steps=1).network.state_dict()
    changed = {name.split(".")[0] for name, value in first.items() if not value.equal(before[name])}
    assert {"audio", "video", "heads"} <= changed
    assert not {"decoder", "align", "join"} & changed
    second = engine.fit(task(prepared, decay=0.1), tmp_path, steps=2).network.state_dict()
    changed = {name.split(".")[0] for name, value in second.items() if not value.equal(before[name])}
    assert {"decoder", "align", "join"} <= changed


def test_it_resumes_exactly_across_the_stages_border(prepared, tmp_path):
    how = {"alone": 3, "steps": 6, "every": 2, "average": 0.9, "drop": 0.1, "adversary": 0.1, "ahead": 1}
    whole = engine.fit(task(prepared, **how), tmp_path / "whole")
    stages = []

    class Cut(synclips.SynclipsTask):
        calls, last = 0, 0

        def losses(self, network, batch):
            Cut.calls += 1
            if Cut.calls > Cut.last:
                raise KeyboardInterrupt
            found = super().losses(network, batch)
            stages.append("alike" in found)
            return found

    for last in (2, 4):  # before the border and behind it
        Cut.last, Cut.calls = last, len(stages)
        with pytest.raises(KeyboardInterrupt):
            engine.fit(task(prepared, Cut, **how), tmp_path / "cut")
    rest = engine.fit(task(prepared, **how), tmp_path / "cut")
    assert stages == [False, False, False, True]
    assert rest.curve == whole.curve
    for name, value in rest.network.state_dict().items():
        assert value.equal(whole.network.state_dict()[name]), name


def test_encoders_learn_to_find_the_sound_and_then_all_learn_to_paint(prepared, tmp_path):
    how = {"clips": 4, "alone": 40, "steps": 80, "rate": 0.005, "every": 40, "picture": 0.2, "sound": 0.2, "judged": 2,
           "adversary": 0.0, "warmup": 5, "schedule": "constant"}  # fmt: skip
    told, made = [], task(prepared, **how)
    trained = engine.fit(made, tmp_path, watch=lambda step, figures: told.append(figures))
    alone, joint = told
    assert alone["score"] == 0
    assert alone["accuracy"] > 0.4, "chance is 0.25"
    assert joint["score"] == joint["psnr"] == trained.figures["psnr"]
    begun = made.validate(made.network().eval())
    assert joint["psnr"] > begun["psnr"] + 1
    assert joint["lips"] < begun["lips"]


def test_nothing_of_the_mouth_that_was_there_is_seen_and_only_the_mouth_is_painted():
    torch.manual_seed(0)
    network = Synclips(Layout(face=32, size="tiny")).eval()
    alpha = torch.from_numpy(compact.alpha(32))
    frames, reference, sound = torch.rand(1, 5, 3, 32, 32), torch.rand(1, 3, 32, 32), torch.randn(1, 20, 64)
    other = torch.where(alpha == 1, torch.rand(1, 5, 3, 32, 32), frames)
    with torch.no_grad():
        one, two = network.paint(frames, sound, reference), network.paint(other, sound, reference)
        spoken = network.paint(frames, torch.randn(1, 20, 64), reference)
        looked = network.paint(frames, sound, torch.rand(1, 3, 32, 32))
    assert torch.equal(one, two)
    assert torch.equal(one[..., alpha == 0], frames[..., alpha == 0])
    assert not torch.equal(one, spoken)
    assert not torch.equal(one, looked)


def test_attention_over_time_reaches_as_far_as_it_says_wherever_it_is():
    torch.manual_seed(0)
    layer = Layer(SIZES["tiny"], 0.0, 3).eval()
    torch.nn.init.normal_(layer.attention.away)
    x = torch.randn(1, 40, 16)
    changed = x.clone()
    changed[:, 20] = torch.randn(16)
    with torch.no_grad():
        moved = (layer(changed) - layer(x)).abs().sum((0, 2)) > 1e-6
        assert torch.allclose(layer(x)[:, 10:20], layer(x[:, 5:])[:, 5:15], atol=1e-5)
    assert moved.nonzero().flatten().tolist() == list(range(17, 24))


@pytest.mark.parametrize("hears", ["mel", "mfcc"])
def test_what_is_heard_of_a_frame_is_in_its_four_columns_and_loudness_drops_out(hears):
    samples = np.random.default_rng(0).normal(0, 0.001, (1, 20 * 640)).astype(np.float32)
    samples[:, 10 * 640 : 13 * 640] += np.random.default_rng(1).normal(0, 0.2, 3 * 640)
    columns = heard(samples, hears)
    assert columns.shape == (1, 80, {"mel": 64, "mfcc": 13}[hears])
    loud = (columns[0] if hears == "mel" else columns[0, :, :1]).mean(1)
    assert set(loud.topk(12).indices.tolist()) == set(range(40, 52))
    assert torch.allclose(columns, heard(samples * 0.5, hears), atol=0.1)


def test_the_export_says_the_same(tmp_path):
    torch.manual_seed(1)
    layout = Layout("mel", "conv1d", "cnn", "lstm", 48, "tiny")
    assert exporting.write(Synclips(layout), tmp_path / "s.onnx", layout) <= 1e-3


def test_a_training_by_its_recipe_judges_sync_too_and_writes_its_network_with_a_card(prepared, tmp_path):
    expert = tmp_path / "expert.pt"
    torch.manual_seed(0)
    kept.save(expert, {"network": Expert("crop", "tiny").state_dict(), "recipe": {"size": "tiny"}})
    how = {**TINY, "expert": str(expert), "looks": 0.1, "sync": 0.01, "judged": 2, "frames": 20, "align": "gru"}
    figures = train("generator", recipe="synclips_transformer", data=prepared, out=tmp_path / "run", **how)
    assert {"accuracy", "psnr", "ssim", "lips", "copied", "sync", "sync_real"} <= set(figures)
    assert 0 <= figures["ssim"] <= 1 and 0 <= figures["sync"] <= 15
    assert "score_xx" not in figures  # its validation does not part recordings by language
    card = (tmp_path / "run" / "synclips.yaml").read_text()
    assert "mfcc, transformer, vit, gru" in card and "sha256:" in card
    assert (tmp_path / "run" / "synclips.onnx").is_file()


def test_a_training_that_ends_before_anything_paints_is_told(prepared, tmp_path):
    with pytest.raises(InputError, match="ended at step 2, while only the encoders learn"):
        train("generator", recipe="synclips", data=prepared, out=tmp_path, **{**TINY, "alone": 4})


def test_patience_does_not_end_a_training_while_the_encoders_are_alone(prepared, tmp_path):
    done = engine.fit(task(prepared, alone=4, steps=6, every=1, patience=1, rate=1e-7), tmp_path)
    assert done.step >= 5
    assert done.best > 0


def test_clips_are_shown(prepared):
    made = task(prepared)
    torch.manual_seed(0)
    (clip,) = made.samples(made.network().eval()).values()
    assert clip.shape == (60, 48, 4 * 48, 3)
    assert clip.dtype == np.uint8
    assert (clip[:, :, :48] == clip[:1, :, :48]).all(), "the reference stands still"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hears": "noise"}, "hears must be mel or mfcc; given 'noise'"),
        ({"align": "cnn"}, "align must be gru or lstm or transformer"),
        ({"face": 40}, "face must be a multiple of 16 from 48 to 512; given 40"),
        ({"adversary": -1.0}, "adversary must be 0 or more; given -1.0"),
        ({"frames": 15}, "frames must be at least 16"),
        ({"paint": 5}, "paint from 1 to frames - 12"),
        ({"sync": 0.1}, "looks and sync are the expert's"),
    ],
)
def test_recipes_that_cannot_be_used_are_refused_in_a_sentence(change, words):
    with pytest.raises(InputError, match=words):
        recipes.build(synclips.SynclipsRecipe, {**TINY, **change}, "here")


def test_a_folder_prepared_without_lower_faces_is_refused(prepared, tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "manifest.csv").write_bytes((prepared / "manifest.csv").read_bytes())
    for path in (prepared / "clips").iterdir():
        with np.load(path) as arrays:
            np.savez(tmp_path / "clips" / path.name, **{name: arrays[name] for name in arrays if name != "lower"})
    with pytest.raises(InputError, match="lower faces: lipwright prepare"):
        task(tmp_path)


TWO = """
import json, sys
from pathlib import Path
import torch
from lipwright.train import data, engine, recipes, synclips
folder, out, how = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
recipe = recipes.build(synclips.SynclipsRecipe, {**how, "devices": 2}, "here")
torch.set_num_threads(1)
done = engine.fit(synclips.SynclipsTask(recipe, data.read(folder), folder), out)
assert done.step == 4
"""


def test_two_processes_cross_the_border_together(prepared, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    how = json.dumps({**TINY, "alone": 2, "steps": 4})
    ran = subprocess.run(
        [*launch, str(prepared), str(tmp_path / "run"), how], check=False, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert kept.load(tmp_path / "run" / "latest.pt")["parts"]["stage"] == {"step": 4}


def test_what_paints_goes_on_learning_where_all_it_found_is_below_nought():
    network = Synclips(Layout(face=SIDE, size="tiny"))
    with torch.no_grad():
        network.decoder.finer[-1].two.bias.fill_(-100)
    sounds, frames, reference = (
        torch.randn(2, 4 * 20, 64),
        torch.rand(2, 2, 3, SIDE, SIDE),
        torch.rand(2, 3, SIDE, SIDE),
    )
    network.paint(frames, sounds, reference).square().sum().backward()
    assert network.join.weight.grad.abs().max() > 0
