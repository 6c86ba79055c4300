"""A study of drawn faces, raters of known taste, and a server in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright.survey import plan
from lipwright.survey.store import Page, Store
from lipwright.survey.study import Study, read

DELAYS = {"camera": 0.0, "dubbed": 0.1, "shifted": 0.4}
"""The systems of the study, and by how much their sound is late, s."""
TRUTH = {"camera": 4.5, "dubbed": 3.4, "shifted": 1.9}
"""What raters think of them."""


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each system: two clips of 0.8 s."""
    root = tmp_path_factory.mktemp("films")
    for system, delay in DELAYS.items():
        (root / system).mkdir()
        for seed in range(2):
            clip = drawn.talking(20, size=(160, 120), seed=seed, delay=delay)
            assert clip.audio is not None
            path = root / system / f"clip-{seed}.mp4"
            drawn.write(path, clip.read(), audio=clip.audio.samples[None], rate=16000)
    return {system: root / system for system in DELAYS}


@pytest.fixture(scope="session")
def planned(films: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of them, that takes answers at once; only to be copied."""
    folder = tmp_path_factory.mktemp("planned") / "study"
    plan(folder, systems=films, contact="survey@example.org", watch=False)
    return folder


@pytest.fixture
def folder(planned: Path, tmp_path: Path) -> Path:
    """A study of this test's own."""
    return Path(shutil.copytree(planned, tmp_path / "study"))


def opinion(
    study: Study, page: Page, random: np.random.Generator, *, bias: float = 0.0, fair: bool = True
) -> dict[str, str]:
    """What a rater of a certain ``bias`` answers to a page; one who is not ``fair`` answers anything."""
    trial = page.trial()
    asked = study.questions(trial)
    if not fair:
        return {name: str(random.choice(values)) for name, values in asked.items()}
    if trial.expected:
        return {name: trial.expected.get(name, values)[0] for name, values in asked.items()}
    liked = [TRUTH[study.by_name[name].system] + random.normal(0, 0.6) for name in (trial.a, trial.b) if name]
    if trial.kind == "rate":
        values = {name: liked[0] + bias + random.normal(0, 0.4) for name in asked}
        return {name: f"{int(np.clip(round(value), 1, 5))}" for name, value in values.items()}
    lead = liked[0] - liked[1]
    return dict.fromkeys(asked, "same" if abs(lead) < 0.4 else "a" if lead > 0 else "b")


def vote_all(folder: Path, raters: int, seed: int = 0, unfair: int = 0) -> Study:
    """Votes of so many raters, and of ``unfair`` more who answer anything, straight into the store."""
    study, random = read(folder), np.random.default_rng(seed)
    store = Store.open(folder, study)
    for number, token in enumerate(store.invite(raters + unfair)):
        store.agree(token, "en", study)
        rater = store.rater(token)
        assert rater is not None
        bias = random.normal(0, 0.5)
        for page in store.pages(rater):
            store.vote(page, opinion(study, page, random, bias=bias, fair=number < raters))
    store.close()
    return study


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``lipwright survey serve`` at a free port: its address and its process, which is ended."""
    command = [sys.executable, "-m", "lipwright", "survey", "serve", str(folder), "--port", "0", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert "http://" in said, said + process.stdout.read()
        yield next(word for word in said.split() if word.startswith("http://")), process
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
