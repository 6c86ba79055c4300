"""The dub command, from files to a file: what comes out, and what is refused without leaving anything behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import cli, media
from portrait import studio  # noqa: F401


@pytest.fixture
def here(studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a copy of the studio."""
    shutil.copytree(studio, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_dub_writes_a_video_as_long_as_the_speech(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dub", "talk.mp4", "speech.wav", "-o", "out.mp4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(face["id"], face["dubbed"]) for face in told.pop("faces")] == [(0, True)]
    assert told == {"out": str(here / "out.mp4"), "seconds": 1.04, "frames": 26, "size": [512, 512], "issues": []}
    made = media.open("out.mp4")
    assert (made.length, made.fps, made.size) == (26, 25, (512, 512))


def test_preview_compare_and_quality(here: Path) -> None:
    line = "dub portrait.png speech.wav -o look.mkv --preview 0.4 --compare side --quality 30 --strength 0.5 --no-grain"
    assert cli.main(line.split()) == 0
    assert (media.open("look.mkv").length, media.open("look.mkv").size) == (10, (1024, 512))


def empty(path: str) -> None:
    Path(path).touch()


def words(path: str) -> None:
    Path(path).write_text("this is no video\n" * 100)


def cut_short(path: str) -> None:
    whole = Path("talk.mp4").read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 3])


def grey(path: str) -> None:
    drawn.still(Path(path), np.full((240, 320, 3), 128, np.uint8))


def sound(samples: np.ndarray) -> Callable[[str], None]:
    return lambda path: drawn.write_sound(Path(path), samples.astype(np.float32), 16000) and None


BAD = {
    "no such video": ("none.mp4 speech.wav -o out.mp4", None, "none.mp4"),
    "no such speech": ("talk.mp4 none.wav -o out.mp4", None, "none.wav"),
    "an empty video": ("bad.mp4 speech.wav -o out.mp4", empty, "bad.mp4"),
    "text as a video": ("bad.mp4 speech.wav -o out.mp4", words, "bad.mp4"),
    "half a video": ("bad.mp4 speech.wav -o out.mp4", cut_short, "bad.mp4"),
    "text as a speech": ("talk.mp4 bad.wav -o out.mp4", words, "bad.wav"),
    "no face": ("bad.png speech.wav -o out.mp4", grey, "face"),
    "a silent speech": ("talk.mp4 bad.wav -o out.mp4", sound(np.zeros(16000)), "silent"),
    "a speech of 50 ms": ("talk.mp4 bad.wav -o out.mp4", sound(np.ones(800) / 2), "50 ms"),
    "a speech that is no number": ("talk.mp4 bad.wav -o out.mp4", sound(np.full(16000, np.nan)), "bad.wav"),
    "the output is the input": ("talk.mp4 speech.wav -o talk.mp4", None, "talk.mp4"),
    "no folder to write to": ("talk.mp4 speech.wav -o no/out.mp4", None, "no"),
    "no kind of video": ("talk.mp4 speech.wav -o out.txt", None, "out.txt"),
    "no such detector": ("talk.mp4 speech.wav -o out.mp4 --detector nobody", None, "mediapipe"),
    "no calm beyond 1": ("talk.mp4 speech.wav -o out.mp4 --calm 2", None, "calm goes from 0 to 1"),
    "no such dubber": ("talk.mp4 speech.wav -o out.mp4 --dubber nobody", None, "landmark"),
    "no such option": ("talk.mp4 speech.wav -o out.mp4 --with colour=red", None, "colour"),
    "a strength of 9": ("talk.mp4 speech.wav -o out.mp4 --strength 9", None, "9"),
    "a quality of 99": ("talk.mp4 speech.wav -o out.mp4 --quality 99", None, "99"),
    "a setting that is no number": ("talk.mp4 speech.wav -o out.mp4 --with strength=soft", None, "number; given soft"),
    "a setting that is dub's own": ("talk.mp4 speech.wav -o out.mp4 --with speech=1", None, "'speech' is none of them"),
    "a folder as the output": ("talk.mp4 speech.wav -o .", None, "is a folder"),
    "a name too long": (f"talk.mp4 speech.wav -o {'n' * 300}.mp4", None, "too long"),
    "a preview that is no number": ("talk.mp4 speech.wav -o out.mp4 --preview nan", None, "preview"),
    "a preview of nothing": ("talk.mp4 speech.wav -o out.mp4 --preview 0", None, "preview"),
}


@pytest.mark.parametrize(("line", "make", "word"), BAD.values(), ids=BAD)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    line: str, make: Callable[[str], None] | None, word: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if make is not None:
        make(next(name for name in line.split() if name.startswith("bad")))
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    assert cli.main(["dub", *line.split()]) == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("lipwright: ")
    assert word in told.err
    assert len(told.err.splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before
