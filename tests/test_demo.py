"""The demonstration makes what it says, with nothing given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lipwright import cli, media
from lipwright.commands import VERBS
from portrait import studio  # noqa: F401

README = Path(__file__).parent.parent / "README.md"


def test_demo(studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = VERBS["demo"].run({}, lambda done, total, what: None)
    told = answer.data
    assert isinstance(told, dict)
    first, second = media.open(told["portrait speaks"]), media.open(told["second sentence"])
    assert (first.length, second.length) == (127, 139)
    assert second.audio is not None
    assert media.open(told["contact sheet"]).size[0] > 800
    measures = told["measures"]
    assert measures["frames more or fewer than the speech has"] == 0
    assert measures["mouth opening follows the voice"] > 0.3
    assert measures["mouth opening follows the voice"] > measures["the same with the voice out of step"] + 0.2
    shown = re.search(r"^\$ lipwright demo\n((?:[^$`].*\n)+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown is not None
    assert numberless(shown[1]) == numberless(answer.text + "\n"), "the README shows what is printed, numbers aside"


def numberless(text: str) -> str:
    return re.sub(r"-?\d+\.\d+", "#", text)


def test_a_folder_that_cannot_be_made_is_told(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["demo", "-o", str(tmp_path / "file" / "demo")]) == 1
    assert "cannot be made" in capsys.readouterr().err
