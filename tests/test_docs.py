"""What the pages show is true: help is what the command prints, commands parse, Python runs, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lipwright import cli, media, registry
from lipwright.commands import VERBS
from lipwright.types import Audio, Clip

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of one language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """Every ``$ command`` that a page shows."""
    lines = "\n".join(blocks(page, "console")).replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


PYTHON = [
    (page.name, n, code) for page in PAGES for n, code in enumerate(blocks(page, "python")) if "lipwright" in code
]


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


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with talk.mp4, one second of the portrait, and speech.wav, one second of a synthetic voice."""
    folder = tmp_path_factory.mktemp("footage")
    if not registry.is_here("portrait"):
        pytest.skip("the portrait is not here; `lipwright models pull` brings it")
    picture = next(media.open(registry.path("portrait")).read())
    speech = media.open_audio(registry.WEIGHTS.parent / "assets" / "sentence-1.m4a").cut(0.0, 1.0)
    still = Clip(media.open(registry.path("portrait")).fps, (512, 512), 25, lambda a, b: (picture for _ in range(a, b)))
    media.write(still.with_audio(Audio(np.zeros(16000, np.float32), 16000)), folder / "talk.mp4")
    write_wav(speech, folder / "speech.wav")
    return folder


def write_wav(sound: Audio, path: Path) -> None:
    import wave

    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sound.rate)
        out.writeframes((np.clip(sound.samples, -1, 1) * 32767).astype("<i2").tobytes())


@pytest.mark.parametrize(("page", "number", "code"), PYTHON, ids=[f"{page}-{n}" for page, n, _ in PYTHON])
def test_python_in_the_pages_runs(
    page: str, number: int, code: str, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(footage)
    exec(compile(code, f"{page}, block {number}", "exec"), {"__name__": "page"})
