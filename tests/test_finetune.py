"""Going on from trained weights: what learns, which recordings judge, and what is refused."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import speaking
import spoken

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from lipwright.cli import main  # noqa: E402
from lipwright.errors import InputError, RefusedError, WeightsError  # noqa: E402
from lipwright.train import (  # noqa: E402
    adapters,
    choosing,
    finetune,
    gate,
    kept,
    languages,
    motion,
    networks,
    recipes,
    train,
    wav2lip,
)

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"size": "tiny", "clips": 4, "frames": 24, "warmup": 2, "drop": 0.0}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Two languages; in yy the mouth is open where it is quiet."""
    rows = [(f"x{k}", f"sx{k // 2}", "train" if k < 8 else "val", "xx", 60) for k in range(10)]
    rows += [(f"y{k}", f"sy{k // 2}", "train" if k < 10 else "val", "yy", 60) for k in range(14)]
    return speaking.folder(tmp_path_factory.mktemp("drawn") / "prepared", rows)


@pytest.fixture(scope="module")
def start(prepared, tmp_path_factory) -> Path:
    """A motion network that has learnt xx."""
    folder = tmp_path_factory.mktemp("start")
    rows = [row for row in choosing.rows(prepared) if row["language"] == "xx"]
    view = choosing.view(prepared, folder / "xx", rows[:8], rows[8:])
    train("motion", data=view, out=folder / "run", steps=40, every=20, components=3, rate=0.02, hold=0.0, **TINY)
    return folder / "run" / "best.pt"


@pytest.fixture(params=[torch.nn.Linear, torch.nn.Conv1d, torch.nn.ConvTranspose2d])
def layer(request) -> torch.nn.Module:
    torch.manual_seed(0)
    return request.param(12, 10) if request.param is torch.nn.Linear else request.param(12, 10, 3)


def test_adapters_change_nothing_at_first_and_are_folded_into_the_weights(layer):
    network = torch.nn.Sequential(layer)
    seen = torch.randn({2: (4, 12), 3: (4, 12, 9), 4: (4, 12, 9, 9)}[layer.weight.ndim])
    before, names = network(seen).detach(), list(network.state_dict())
    adapters.prepare(network, "adapters", 2)
    assert torch.equal(network(seen), before)
    learning = {name: p for name, p in network.named_parameters() if p.requires_grad}
    assert sorted(name.rpartition(".")[2] for name in learning) == ["down", "up"]
    with torch.no_grad():
        for value in learning.values():
            value.normal_()
    after, state = network(seen).detach(), network.state_dict()
    assert not torch.allclose(after, before)
    adapters.fold(network)
    torch.testing.assert_close(network(seen), after)
    assert set(network.state_dict()) == set(names)
    for name, value in adapters.folded(state).items():
        torch.testing.assert_close(value, network.state_dict()[name])


def test_only_the_last_layers_learn_and_batch_norms_keep_their_statistics():
    network = networks.Expert("crop", "tiny")
    adapters.prepare(network, "last", 8)
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {f"{side}.head.{name}" for side in ("video", "audio")
                        for name in ("norm.weight", "norm.bias", "out.weight", "out.bias")}  # fmt: skip
    kept_, norm = dict(network.named_buffers()), next(m for m in network.modules() if isinstance(m, adapters.NORMS))
    before = {name: value.clone() for name, value in kept_.items()}
    network.train()(torch.rand(2, 16, 48, 64), torch.randn(2, 64, 64))
    assert not norm.training
    assert all(torch.equal(value, before[name]) for name, value in kept_.items())
    motion_ = networks.MotionNet(3, 7, "tiny")
    assert list(adapters.last(motion_)) == [motion_.out]


def rows(*groups: tuple[str, str, str, int]) -> list[choosing.Row]:
    """Recordings: speaker, split, language, how many."""
    return [
        {"id": f"{speaker}{k}", "speaker": speaker, "split": split, "language": language, "frames": "50"}
        for speaker, split, language, count in groups
        for k in range(count)
    ]


def test_val_recordings_judge_and_speakers_are_kept_aside_to_say_when_to_stop():
    found = rows(*((f"a{k}", "train", "en", 2) for k in range(10)), ("v", "val", "en", 3), ("t", "test", "en", 3))
    choice = choosing.choose(found + rows(("o", "train", "fr", 5)), "en")
    assert {row["speaker"] for row in choice.gate} == {"v"}
    assert len(choice.learn) + len(choice.stop) == 20
    assert not {row["speaker"] for row in choice.learn} & {row["speaker"] for row in choice.stop}
    assert len({row["speaker"] for row in choice.stop}) == 2
    assert choice.words("en", "") == "3 held-out recordings of 1 speaker in en"


def test_without_val_recordings_others_are_kept_aside_and_it_is_said():
    choice = choosing.choose(rows(*((f"a{k}", "train", "ar", 2) for k in range(20))), "ar")
    parts = [{row["id"] for row in part} for part in (choice.learn, choice.stop, choice.gate)]
    assert [len(part) for part in parts] == [26, 6, 8]
    assert len(set.union(*parts)) == 40
    assert choice.words("ar", "").endswith(
        "8 held-out recordings of 4 speakers in ar, which the start may have learnt from"
    )
    alone = choosing.choose(rows(("a", "train", "en", 10), ("b", "val", "en", 9)), speaker="a")
    assert {row["speaker"] for row in alone.learn + alone.stop + alone.gate} == {"a"}
    assert "of whom other recordings were learnt from" in alone.words("", "a")


@pytest.mark.parametrize(
    ("language", "speaker", "words"),
    [
        ("fr", "", "no recordings of fr outside of split test; there are: en"),
        ("", "b", "of speaker b"),
        ("en", "", "too few"),
    ],
)
def test_what_is_not_there_is_a_sentence(language, speaker, words):
    with pytest.raises(InputError, match=words):
        choosing.choose(rows(("a", "train", "en", 2), ("t", "test", "fr", 9)), language, speaker)


def test_a_result_that_is_worse_is_refused_and_nothing_is_exported(prepared, start, tmp_path, capsys):
    words = ["train", "motion", "--from", str(start), "--language", "xx", "--data", str(prepared), "-o", str(tmp_path)]
    assert main([*words, "--steps", "3", "--every", "3", "--rate", "0.3", "--warmup", "1", "--average", "0"]) == 1
    said = capsys.readouterr().err
    told = json.loads((tmp_path / "gate.json").read_text())
    assert told["passed"] is False
    assert told["result"]["score"] < told["start"]["score"]
    assert f"score {told['result']['score']:.4f} in place of {told['start']['score']:.4f}" in said
    assert "is worse than its start on 2 held-out recordings of 1 speaker in xx" in said
    assert "nothing was exported" in said
    assert not list(tmp_path.glob("*.onnx"))


@pytest.mark.parametrize("adapt", ["all", "adapters"])
def test_another_language_is_learnt_judged_exported_and_reported(prepared, start, tmp_path, adapt):
    out = tmp_path / "run"
    settings = {"steps": 40, "every": 20, "rate": 0.02, "adapt": adapt, "rank": 2, "seed": 3}
    figures = train("motion", start=start, language="yy", data=prepared, out=out, **settings)
    assert figures["score"] > figures["start"] + 0.2
    assert figures["untrained"] < 0.5
    assert (out / "motion.onnx").is_file()
    by = {line["language"]: line for line in json.loads((out / "languages.json").read_text())}
    assert by["yy"]["figures"]["score"] == pytest.approx(figures["score_yy"])
    assert by["yy"]["start"]["score"] == pytest.approx(figures["start"])
    assert (by["yy"]["recordings"], by["yy"]["speakers"], by["yy"]["minutes"]) == (4, 2, 0.16)
    assert by["xx"]["start"]["score"] > 0.5
    assert "| language | recordings | speakers | minutes | score | start |" in (out / "languages.md").read_text()
    again = finetune.read(out / "best.pt")  # adapters are folded in
    blank = networks.MotionNet(3, speaking.VERTICES, "tiny")
    blank.load_state_dict(again.weights)


def test_a_start_keeps_its_movements_and_its_size_and_a_tenth_of_its_rate(prepared, start):
    began = finetune.read(start)
    training, told = finetune.recipe_for("motion", began, "", {"steps": 7})
    assert (told.size, told.components, told.rate, told.steps, told.hold) == ("tiny", 3, 0.002, 7, 0.0)
    task = finetune.Tuned(training.task(told, prepared, None), began)
    network = task.network()
    assert torch.equal(network.basis, torch.from_numpy(task.inner.space.basis))
    assert torch.equal(network.basis, began.weights["basis"])


def test_starts_that_do_not_fit_are_sentences(prepared, start, tmp_path):
    def tried(path: Path, kind: str = "motion", **more: object) -> str:
        with pytest.raises((WeightsError, InputError)) as caught:
            train(kind, start=path, data=prepared, out=tmp_path / "run", **more)
        return str(caught.value)

    assert "there is no file" in tried(tmp_path / "none.pt")
    (tmp_path / "a.onnx").write_bytes(b"x")
    assert "is ONNX, in which batch norms are folded into the weights" in tried(tmp_path / "a.onnx")
    kept.save(tmp_path / "b.pt", {"state_dict": {}})
    assert "is no checkpoint of this project's trainings" in tried(tmp_path / "b.pt")
    assert "none of the networks known here (motion, size small)" in tried(start, size="small")
    assert "a fine-tuning uses one device" in tried(start, devices=2)
    state = kept.load(start)
    del state["network"]["slope"], state["network"]["out.bias"]
    kept.save(tmp_path / "c.pt", {**state, "averaged": state["network"]})
    assert "2 missing (slope, out.bias)" in tried(tmp_path / "c.pt")
    with pytest.raises(InputError, match=r"adapt last needs weights to begin with: --from best\.pt"):
        train("motion", adapt="last", data=prepared, out=tmp_path / "run")
    with pytest.raises(InputError, match=r"give weights to begin with: --from best\.pt"):
        train("motion", language="xx", data=prepared, out=tmp_path / "run")


def test_every_training_tells_its_figures_by_language(prepared, tmp_path, capsys):
    words = [
        "train",
        "expert",
        "--sees",
        "points",
        "--data",
        str(prepared),
        "-o",
        str(tmp_path),
        "--steps",
        "2",
        "--json",
    ]
    words += [word for name, value in TINY.items() for word in (f"--{name}", str(value))]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    by = {line["language"]: line for line in json.loads((tmp_path / "languages.json").read_text())}
    assert {name: line["recordings"] for name, line in by.items()} == {"yy": 4, "xx": 2}
    assert {f"score_{name}": line["figures"]["score"] for name, line in by.items()}.items() <= told.items()
    assert by["xx"]["start"] == {}


def test_a_report_of_one_recording_has_no_floor(prepared):
    task = motion.MotionTask(recipes.build(motion.MotionRecipe, {**TINY, "components": 3, "hold": 0.0}, "here"),
                             motion.data.read(prepared))  # fmt: skip
    found = choosing.rows(prepared)
    found[-1]["language"] = "zz"
    lines = languages.report(task, task.network().eval(), found)
    assert [(line.language, line.recordings, "floor" in line.figures) for line in lines] == [
        ("yy", 3, True), ("xx", 2, True), ("zz", 1, False),
    ]  # fmt: skip


def test_a_gate_lets_through_what_is_as_good():
    figures = {"score": 0.5}
    assert gate.Gate(figures, figures, {"score": 0.0}, {"score": 0.9}, "two recordings").passed
    worse = gate.Gate({"score": 0.49}, figures, {"score": 0.0}, {"score": 0.9}, "two recordings")
    assert not worse.passed
    assert "worse than its start on two recordings: score 0.4900 in place of 0.5000" in worse.words()
    assert issubclass(RefusedError, WeightsError)


class Held:
    """A task whose recordings are figures: a network scores each by itself."""

    def __init__(self, *gains: float, speakers: int = 100) -> None:
        self.held = [SimpleNamespace(id=str(k), speaker=str(k % speakers), gain=gain) for k, gain in enumerate(gains)]

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        own = [network.weight.item() * each.gain for each in self.held]
        return {"score": sum(own) / len(own)}


def test_how_far_chance_goes_is_told_by_speaker():
    result, start = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(result.weight)
    torch.nn.init.zeros_(start.weight)
    low, high = gate.chance(Held(0.1, 0.1, 0.1, 0.1), result, start)
    assert (low, high) == pytest.approx((0.1, 0.1))
    low, high = gate.chance(Held(0.3, -0.2, 0.4, -0.3, 0.1), result, start)
    assert low < 0 < high
    low, high = gate.chance(Held(*[0.5, -0.5] * 2 * 4, speakers=4), result, start)
    assert low < -0.2
    assert gate.chance(Held(0.1, 0.1, float("nan"), 0.1), result, start) is None
    assert gate.chance(object(), result, start) is None
    figures = {"score": 0.5}
    said = gate.Gate(figures, {"score": 0.4}, figures, figures, "some", (-0.1, 0.3)).words()
    assert said.endswith("; the gain lies between -0.1000 and +0.3000 (95 %), which may be chance")


def test_a_view_names_only_what_was_chosen(prepared, tmp_path):
    found = choosing.rows(prepared)
    folder = choosing.view(prepared, tmp_path / "view", found[:2], found[2:3])
    with (folder / "manifest.csv").open(newline="") as lines:
        assert [(row["id"], row["split"]) for row in csv.DictReader(lines)] == [
            ("x0", "train"),
            ("x1", "train"),
            ("x2", "val"),
        ]
    assert (folder / "clips" / "x0.npz").is_file()
    assert choosing.view(prepared, tmp_path / "view", found[:1], found[1:2]) == folder
    assert re.findall(r"^x\d", (folder / "manifest.csv").read_text(), re.MULTILINE) == ["x0", "x1"]


def test_generators_go_through_the_same_gate(tmp_path):
    data = spoken.folder(tmp_path / "data", 3, 1, 40)
    with (data / "manifest.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["id", "speaker", "split", "language", "frames"])
        writer.writerows([f"s{k}_v0", f"s{k}", "train" if k < 3 else "val", "xx", 40] for k in range(4))
    with torch.random.fork_rng(devices=[]):
        kept.save(tmp_path / "expert.pt", {"network": wav2lip.SyncExpert(32).state_dict()})
    how = {"recipe": "wav2lip", "size": "tiny", "clips": 2, "judged": 4, "steps": 2, "every": 1}
    train("generator", data=data, out=tmp_path / "start", expert=str(tmp_path / "expert.pt"), **how)
    begun = {"start": tmp_path / "start" / "best.pt", "language": "xx", "data": data, "out": tmp_path / "run"}
    try:
        figures = train("generator", **begun, adapt="adapters", rank=1, rate=0.01, steps=4, every=2)
        assert figures["score"] >= figures["start"]
        assert list((tmp_path / "run").glob("*.onnx"))
    except RefusedError:
        assert not list((tmp_path / "run").glob("*.onnx"))
    told = json.loads((tmp_path / "run" / "gate.json").read_text())
    assert told["result"]["score"] != told["start"]["score"] != told["floor"]["score"]
    assert told["on"] == "1 held-out recording of 1 speaker in xx"
    assert (tmp_path / "run" / "recordings" / "gate" / "filelists" / "val.txt").read_text() == "s3/v0\n"
