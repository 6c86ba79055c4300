"""The demonstration makes what it says, with nothing given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lipwright import cli, media
from portrait import studio  # noqa: F401


def test_demo(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "-o", str(tmp_path / "demo"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    first, second = media.open(told["portrait speaks"]), media.open(told["second sentence"])
    assert (first.length, second.length) == (127, 139)
    assert second.audio is not None
    assert media.open(told["contact sheet"]).size[0] > 800
    measures = told["measures"]
    assert measures["frames more or fewer than the speech has"] == 0
    assert measures["mouth opening follows this sentence"] > 0.3
    assert measures["mouth opening follows this sentence"] > measures["the same against the other sentence"] + 0.2


def test_a_folder_that_cannot_be_made_is_told(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["demo", "-o", str(tmp_path / "file" / "demo")]) == 1
    assert "cannot be made" in capsys.readouterr().err
