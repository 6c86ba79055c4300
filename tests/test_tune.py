"""Searches: what they may change, how they go on, and what they write."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

import lipwright
import speaking
from lipwright import features
from lipwright.cli import main
from lipwright.errors import InputError, OutputError
from lipwright.experts import Encoders
from lipwright.measure import measure, settings
from lipwright.measure.settings import Settings
from lipwright.tune import space as spaces, study as studies, training, tune, verb, verdicts
from lipwright.types import FaceSpec

optuna = pytest.importorskip("optuna")
pytest.importorskip("plotly")

TINY = {"size": "tiny", "clips": 4, "frames": 24, "warmup": 2, "every": 5, "drop": 0.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate: {low: 1e-3}", "rate lacks high"),
        ("rate: {low: 0.1, high: 0.01}", "low must be below high; given 0.1 and 0.01"),
        ("rate: {low: 0, high: 1, log: true}", "with log, low must be above 0; given 0"),
        ("rate: {low: 1, high: 2, log: yes please}", "log must be true or false; given 'yes please'"),
        ("rate: {low: few, high: 1}", "rate: low must be a number; given 'few'"),
        ("rate: {low: 1, high: 2, steps: 1}", "rate has no steps; there are: low, high, log, step"),
        ("steps: {low: 1, high: 3, step: 5}", "step 5 is longer than the range from 1 to 3"),
        ("steps: {low: 1, high: 3, step: 0}", "step must be above 0; given 0"),
        ("steps: {low: 1, high: 3, step: 1, log: true}", "give step or log, not both"),
        ("clips: []", "clips is an empty list"),
        ("clips: [8, 8]", "clips names a value twice: 8, 8"),
        ("clips: [[1], 2]", "every value must be a number, a word, true or false; given [1]"),
        ("clips: 8", "must be a list of values or {low: .., high: ..}; given 8"),
        ("- a", "must hold lines such as"),
        ("", "must hold lines such as"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_space_that_cannot_be_searched_is_a_sentence(text, words):
    with pytest.raises(InputError, match=re.escape(words)):
        spaces.parse(text, "here.yaml")


def test_a_space_says_what_may_change():
    space = spaces.parse(
        "rate: {low: 1e-4, high: 1e-2, log: true}\nclips: [8, 16]\nsteps: {low: 10, high: 35, step: 10}", "x"
    )
    assert space["rate"] == spaces.Range(1e-4, 1e-2, True)
    assert space["steps"].high == 30
    assert spaces.own(space, {"rate": 0.002, "clips": 16, "steps": 20, "drop": 0.1}) == {
        "rate": 0.002,
        "clips": 16,
        "steps": 20,
    }
    assert spaces.own(space, {"rate": 0.002, "clips": 16, "steps": 25}) is None
    assert spaces.own(space, {"rate": 0.02, "clips": 16, "steps": 20}) is None
    trial = optuna.trial.FixedTrial({"rate": 0.003, "clips": 8, "steps": 30})
    assert spaces.chosen(space, trial) == {"rate": 0.003, "clips": 8, "steps": 30}


@pytest.mark.parametrize("kind", ["expert", "generator", "motion", "measure"])
def test_every_space_that_is_shipped_can_be_read(kind):
    assert len(spaces.read(None, kind)) > 1


def test_a_kind_without_a_space_asks_for_one():
    with pytest.raises(InputError, match="there is no space of dancer yet; write one"):
        spaces.read(None, "dancer")


def test_the_spaces_that_are_shipped_fit_the_shipped_recipes(tmp_path):
    pytest.importorskip("lightning")
    from lipwright.train import kinds, recipes

    for kind, networks in kinds.KINDS.items():
        for name in recipes.shipped():
            if recipes.read(name)["network"] in networks:
                (tmp_path / "manifest.csv").touch()
                search = training.Trainings(kind, name, tmp_path, None, {})
                space = verb._space(None, kind, search, {"clips"})
                assert "rate" in space
                assert "clips" not in space


@pytest.fixture
def plan(tmp_path) -> studies.Plan:
    return studies.Plan(tmp_path / "study", about={"what": "a test"})


def once(plan, objective):
    studies.once(plan, objective)
    return studies.begin(plan).trials[-1]


def test_a_trial_that_fails_keeps_its_sentence_and_three_end_a_search(plan):
    def fails(trial):
        raise InputError("it diverged; lower rate")

    for left in (3, 2, 1):
        assert studies.missing(studies.begin(plan), 3) == left
        assert once(plan, fails).user_attrs["problem"] == "it diverged; lower rate"
    with pytest.raises(InputError, match="3 trials failed and none succeeded; the last: it diverged; lower rate"):
        studies.missing(studies.begin(plan), 9)


def test_a_trial_that_is_stopped_is_done_again_with_its_values_in_its_folder(plan):
    def stopped(trial):
        trial.suggest_float("rate", 0, 1)
        trial.report(0.5, 10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studies.once(plan, stopped)
    study = studies.begin(plan)
    rate = study.trials[0].params["rate"]
    assert (studies.missing(study, 1), studies.finished(study)) == (1, [])
    again = once(plan, lambda trial: trial.suggest_float("rate", 0, 1))
    assert (again.value, again.intermediate_values) == (rate, {10: 0.5})
    assert studies.folder(plan, again) == studies.folder(plan, study.trials[0])
    assert studies.missing(studies.begin(plan), 1) == 0


KILLED = """
import sys, time
from pathlib import Path
from lipwright.tune import study as studies
plan = studies.Plan(Path(sys.argv[1]), about={"what": "a test"})
def objective(trial):
    trial.suggest_float("rate", 0, 1)
    print("begun", flush=True)
    time.sleep(600)
studies.once(plan, objective)
"""


def test_a_trial_whose_process_was_killed_is_failed_and_done_again(plan, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", KILLED, str(plan.folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"begun\n"
        os.kill(process.pid, signal.SIGKILL)
    monkeypatch.setattr(studies, "GRACE", 1)
    time.sleep(2)
    study = studies.begin(plan)
    assert studies.missing(study, 2) == 2
    assert [trial.state.name for trial in study.trials] == ["FAIL", "WAITING"]
    assert once(plan, lambda trial: trial.suggest_float("rate", 0, 1)).value == study.trials[0].params["rate"]


def test_a_study_of_something_else_or_a_damaged_one_is_a_sentence(plan):
    studies.begin(plan)
    other = studies.Plan(plan.folder, about={"what": "another"})
    with pytest.raises(InputError, match='was begun with what "a test", and this is "another"; give another --out'):
        studies.begin(other)
    (plan.folder / "study.db").write_bytes(b"not a database" * 100)
    with pytest.raises(OutputError, match=r"study\.db cannot be used as a study: file is not a database"):
        studies.begin(plan)


def test_a_trial_that_does_worse_than_others_did_is_ended_early(plan):
    def objective(trial):
        for step in (10, 20, 30):
            trial.report(-trial.number, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return -trial.number

    states = [once(plan, objective).state.name for _ in range(6)]
    assert states == ["COMPLETE"] * 4 + ["PRUNED"] * 2


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    rows = [(f"c{k}", f"s{k // 2}", "train" if k < 12 else "val", "xx", 60) for k in range(14)]
    return speaking.folder(tmp_path_factory.mktemp("drawn") / "prepared", rows)


@pytest.fixture(scope="module")
def searched(prepared, tmp_path_factory) -> tuple[Path, dict]:
    pytest.importorskip("lightning")
    out = tmp_path_factory.mktemp("study")
    (out / "space.yaml").write_text("rate: {low: 1e-4, high: 1e-2, log: true}\ndecay: [0.05, 0.2]\n")
    told = tune(
        "motion", data=prepared, out=out / "study", space=out / "space.yaml", trials=3, steps=10, components=3,
        threads=1, **TINY,
    )  # fmt: skip
    return out, told


def test_the_best_of_a_search_is_a_recipe_and_its_page_asks_nobody(searched, prepared):
    from lipwright.train import kinds

    out, told = searched
    assert [row["state"] for row in told["trials"]] == ["done"] * 3
    assert told["trials"][0]["settings"] == {"rate": 0.002, "decay": 0.05}
    assert told["start"] == told["trials"][0]["score"]
    assert told["best"]["score"] == max(row["score"] for row in told["trials"])
    _, recipe = kinds.chosen("motion", told["file"], {})
    assert {name: getattr(recipe, name) for name in ("rate", "decay")} == told["best"]["settings"]
    assert (recipe.size, recipe.steps, recipe.hold) == ("tiny", 10, 0.1)
    page = Path(told["page"]).read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=.(?:https?:)?//", page)
    assert "fetch(" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert [path.parent.name for path in (out / "study").glob("trials/*/best.pt")] == [f"{told['best']['trial']:04d}"]


def test_a_search_goes_on_and_does_only_what_is_missing(searched, prepared):
    out, told = searched
    same = {"data": prepared, "out": out / "study", "space": out / "space.yaml", "steps": 10, "components": 3, **TINY}
    again = tune("motion", trials=4, threads=1, **same)
    assert [row["score"] for row in again["trials"]][:3] == [row["score"] for row in told["trials"]]
    assert len(again["trials"]) == 4
    with pytest.raises(InputError, match=r"was begun with recipe .* give another --out"):
        tune("motion", trials=4, **{**same, "steps": 20})


def test_a_search_that_cannot_be_is_a_sentence(prepared, tmp_path, capsys):
    pytest.importorskip("lightning")
    space = tmp_path / "space.yaml"
    base = ["tune", "motion", "--data", str(prepared), "-o", str(tmp_path / "study"), "--space", str(space)]

    def said(text: str, *more: str) -> str:
        space.write_text(text)
        assert main([*base, *more]) == 1
        return capsys.readouterr().err

    assert "there is no setting speed_of_light" in said("speed_of_light: [1, 2]")
    assert "clips must be at least 1; given 0" in said("clips: [0, 8]")
    assert "clips must be of type int; given 8.5" in said("clips: {low: 8.5, high: 9.5}")
    assert "drop must lie in 0 (included) to 1 (excluded); given 1.5" in said("drop: {low: 0.1, high: 1.5}")
    assert "rate is both set for all trials and part of the space" in said("rate: [0.1, 0.2]", "--rate", "0.1")
    assert "there must be at least one trial; given 0" in said("rate: [0.1, 0.2]", "--trials", "0")
    assert not (tmp_path / "study").exists()


def test_several_processes_do_the_trials_that_are_asked_for(prepared, tmp_path, capsys):
    pytest.importorskip("lightning")
    (tmp_path / "space.yaml").write_text("rate: {low: 1e-4, high: 1e-2, log: true}\n")
    arguments = ["tune", "motion", "--data", str(prepared), "-o", str(tmp_path / "study"), "--trials", "3"]
    arguments += ["--space", str(tmp_path / "space.yaml"), "--steps", "5", "--components", "3", "--workers", "2"]
    arguments += [word for name, value in TINY.items() for word in (f"--{name}", str(value))]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(row["trial"] for row in told["trials"]) == [0, 1, 2]
    assert yaml.safe_load(Path(told["file"]).read_text())["rate"] == told["best"]["settings"]["rate"]


def case(speaker: str, truth: str, ratio: float, low: int, high: int) -> verdicts.Case:
    offsets = np.linspace(low, high, 100).round().astype(np.int8)
    return verdicts.Case(speaker, truth, ratio, offsets, 25.0)


def test_a_verdict_is_worth_one_where_it_is_right_and_dear_where_it_is_wrong():
    sure = Settings(sure=1.3, level=0.95)
    assert case("a", "in sync", 2.0, 0, 1).worth(sure) == 1
    assert case("a", "in sync", 1.2, 0, 1).worth(sure) == 0
    assert case("a", "in sync", 1.2, 0, 1).worth(Settings(sure=1.1)) == 1
    assert case("a", "in sync", 2.0, 4, 5).worth(sure) == -5
    assert case("a", "out of sync", 2.0, 0, 6).worth(sure) == 0
    assert case("a", "cannot say", 2.0, 0, 0).worth(sure) == -5
    assert case("a", "cannot say", 1.0, 0, 0).worth(sure) == 1
    assert verdicts.Case("a", "in sync", 9.0, None, 25.0).worth(sure) == 0


@pytest.mark.parametrize(("others", "better"), [(1.5, True), (2.5, False)])
def test_speakers_kept_aside_say_whether_tuned_settings_are_kept(tmp_path, others, better):
    # Where the voices of others reach 1.5 times the limit, asking for 2 helps; where they reach 2.5, it only costs.
    right = [("in sync", 3.0 if better else 1.8), ("cannot say", others)]
    search = verdicts.Verdicts(tmp_path, None)
    search.cases = ([], [case(who, truth, ratio, 0, 0) for who in "abcd" for truth, ratio in right])
    told = search.conclude({"sure": 2.0, "level": 0.9}, tmp_path)
    assert told["better"] is better
    assert settings.read(tmp_path / "best.yaml") == (Settings(2.0, 0.9) if better else Settings())
    assert (told["held"]["gain"][0] > 0) is better


@pytest.fixture
def known(tmp_path, monkeypatch) -> Path:
    """A folder of eight recordings, each of somebody else, whose sound an expert finds where it is said to be."""

    class Sure(Encoders):
        face, audio, distance, lead = FaceSpec(1, 1, 25.0), features.LOG_MEL, "euclidean", 0
        reads_prepared = True

        def crops(self, clip, track):
            raise NotImplementedError

        def prepared(self, recording):
            return iter(recording["opening"][:, None])

        def video(self, crops):
            rows = np.stack(list(crops))
            yield np.concatenate([rows, np.roll(rows, 1), np.roll(rows, 2), np.roll(rows, 3)], 1).astype(np.float32)

        def sound(self, audio):
            loud = np.sqrt((audio.samples.reshape(-1, 640) ** 2).mean(1))[:, None] * 32768 / 60000
            yield np.concatenate([loud, np.roll(loud, 1), np.roll(loud, 2), np.roll(loud, 3)], 1).astype(np.float32)

    monkeypatch.setattr(verdicts.calibrate, "load", lambda name: Sure())
    rows = [(f"c{k}", f"s{k}", "val", "xx", 120) for k in range(8)]
    return speaking.folder(tmp_path / "known", rows)


def test_the_measurement_is_tuned_on_recordings_of_known_offsets(known, tmp_path, capsys):
    words = ["tune", "measure", "--data", str(known), "-o", str(tmp_path / "study"), "--trials", "5", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["settings"] for row in told["trials"] if row["start"]] == [{"sure": 1.3, "level": 0.95}]
    assert told["held"]["before"]["right"] > 0.95
    assert told["best"]["score"] >= told["start"]
    settings.read(Path(told["file"]))


def test_offsets_that_cannot_be_read_are_a_sentence(known, tmp_path):
    with pytest.raises(InputError, match="for videos give their offsets, too: --offsets CSV"):
        tune("measure", data=known / "clips", out=tmp_path / "study")
    (tmp_path / "offsets.csv").write_text("clip,offset\nc0,early\n")
    with pytest.raises(InputError, match=r"must have the columns clip and offset \(whole frames\); one line is"):
        tune("measure", data=known, offsets=tmp_path / "offsets.csv", out=tmp_path / "study")
    with pytest.raises(InputError, match="has no recipe and no steps"):
        tune("measure", data=known, steps=5, out=tmp_path / "study")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sure: high", "sure must be a number between 0 and 100; given 'high'"),
        ("level: 1.0", "level must be a number between 0 and 1; given 1.0"),
        ("margin: 3", "there is no setting margin; there are: sure, level"),
        ("- 3", "must hold lines such as 'sure: 1.3'; it holds [3]"),
        ("a: [", "is not YAML"),
    ],
)
def test_settings_that_cannot_be_used_are_a_sentence(tmp_path, text, words):
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(InputError, match=re.escape(words)):
        settings.read(tmp_path / "settings.yaml")


def test_a_measurement_asked_to_be_surer_says_less(talk):
    clip = lipwright.open(talk)
    plain, strict = measure(clip), measure(clip, settings=Settings(sure=90.0))
    assert strict.judged.least == pytest.approx(plain.judged.least * 90 / 1.3)
    assert strict.judged.verdict == "cannot say"
    assert strict.judged.intervals == plain.judged.intervals
