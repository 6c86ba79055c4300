"""What the pages show is true: help is what the command prints, commands parse, Python runs, links lead somewhere."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lipwright
from lipwright import cli, dubbers, media, registry
from lipwright.commands import VERBS
from portrait import ASSETS, studio  # noqa: F401
from restorers import network

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of one language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """Every ``$ command`` that a page shows."""
    lines = "\n".join(blocks(page, "console")).replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


PYTHON = [(f"{page.name}-{n}", code) for page in PAGES for n, code in enumerate(blocks(page, "python"))]

SHOWN = {tuple(command) for page in PAGES for command in commands(page)}
VERBS_RUN = {"check", "compare", "dub", "finish", "measure", "models", "repair", "speak", "visemes", "wav2lip"}
RUN = sorted(command for command in SHOWN if command[0] == "lipwright" and command[1] in VERBS_RUN)
"""Commands that are run here; the others need a dataset, serve until stopped, or are run by tests of their own."""


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other versions of argparse break lines elsewhere")
def test_help_in_the_pages_is_what_the_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/write_help.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}; `make docs` brings them up to date"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_page(verb: str) -> None:
    assert f"<!-- help {verb} -->" in (ROOT / "docs" / f"{verb}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_pages_are_right(page: Path) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in commands(page):
        if command[0] == "lipwright" and "--help" not in command:
            cli.parser().parse_args(command[1:])
        elif command[0] == "make":
            assert set(command[1:]) <= set(targets)
        elif command[0] not in {"lipwright", "python"}:
            assert command[:2] in (["pip", "install"], ["git", "clone"]), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize(("name", "code"), PYTHON, ids=[name for name, _ in PYTHON])
def test_python_in_the_pages_runs(name: str, code: str, studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studio)
    exec(compile(code, name, "exec"), {"__name__": "page"})


def test_the_readme_shows_what_dub_prints(
    studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = re.findall(r"^\$ lipwright (dub .*)\n(.*\n)", "".join(blocks(PAGES[0], "console")), re.MULTILINE)
    assert shown
    monkeypatch.chdir(studio)
    for command, output in shown:
        assert cli.main(command.split()) == 0
        assert capsys.readouterr().out == output


@pytest.fixture(scope="module")
def stage(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands of the pages name: a talk that is heard, dubs, what was trained."""
    folder = tmp_path_factory.mktemp("stage")
    for name in ("portrait.png", "speech.wav"):
        shutil.copy(studio / name, folder)
    voice = media.open_audio(ASSETS / "sentence-1.m4a").cut(0.0, 4.5)
    media.write(lipwright.dub(media.open(studio / "portrait.png"), voice), folder / "talk.mp4")
    for name in ("out.mp4", "ours.mp4", "theirs.mp4"):
        shutil.copy(folder / "talk.mp4", folder / name)
    (folder / "runs" / "wav2lip").mkdir(parents=True)
    (folder / "studies" / "measure").mkdir(parents=True)
    (folder / "studies" / "measure" / "best.yaml").write_text("sure: 0.02\n", encoding="utf-8")
    for name in ("runs/wav2lip/wav2lip.onnx", "gan.onnx", "nogan.onnx"):
        shutil.copy(registry.path("wav2lip_tiny"), folder / name)
    return folder


@pytest.mark.parametrize("command", RUN, ids=lambda command: " ".join(command[1:]))
def test_commands_in_the_pages_run(
    command: tuple[str, ...], stage: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stage)
    monkeypatch.setattr(sys, "stdin", io.StringIO("A short chapter."))
    if "codeformer.onnx" in command:
        network(stage / "codeformer.onnx", "fidelity")
    assert cli.main(list(command[1:])) == 0, capsys.readouterr().err


def test_the_dubber_of_the_page_is_a_member_at_once(
    studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = next(code for code in blocks(ROOT / "docs" / "extend.md", "python") if "class Dubber" in code)
    (tmp_path / "asis.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(dubbers, "__path__", [*dubbers.__path__, str(tmp_path)])
    monkeypatch.chdir(studio)
    assert cli.main(["dub", "talk.mp4", "speech.wav", "-o", "asis.mp4", "--dubber", "asis"]) == 0
    source, same = next(media.open("talk.mp4").read()), next(media.open("asis.mp4").read())
    assert np.abs(source.astype(int) - same).mean() < 2
    sys.modules.pop("lipwright.dubbers.asis")
