"""compare: all videos made, told and shown; what fails stops nothing; what is there is kept."""

from __future__ import annotations

import json
import re
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import cli, compare, media
from lipwright.compare import Compared, Entry, entrants, page
from lipwright.compare.kept import Kept, signature
from lipwright.errors import InputError, MediaError
from portrait import ASSETS, studio  # noqa: F401


@pytest.fixture(scope="module")
def stage(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small talk and 1.4 s of a voice."""
    folder = tmp_path_factory.mktemp("stage")
    picture = next(media.open(studio / "talk.mp4").read())[::2, ::2]
    drawn.write(folder / "talk.mp4", [np.ascontiguousarray(picture)] * 20)
    voice = media.open_audio(ASSETS / "sentence-1.m4a").cut(0.0, 1.4)
    drawn.write_sound(folder / "speech.wav", voice.samples, voice.rate)
    return folder


@pytest.fixture(scope="module")
def done(stage: Path) -> Compared:
    return compare(
        stage / "talk.mp4", stage / "speech.wav", stage / "out", dubbers=["landmark", "nobody", "wav2lip:none.onnx"]
    )


def test_videos_grid_page_and_data_are_written(done: Compared) -> None:
    assert [entry.name for entry in done.entries] == ["landmark", "nobody", "wav2lip none"]
    files = {path.name for path in done.folder.iterdir()}
    assert files == {"landmark.mp4", "grid.mp4", "compare.html", "compare.json", ".compare.json"}
    grid, made = media.open(done.folder / "grid.mp4"), media.open(done.folder / "landmark.mp4")
    assert (grid.length, grid.fps) == (made.length, made.fps) == (35, 25)
    assert grid.audio is not None and grid.audio.duration == pytest.approx(1.4, abs=0.1)
    told = json.loads((done.folder / "compare.json").read_text())
    assert told["entries"]["landmark"]["figures"]["lse_d"] == done.entries[0].figures["lse_d"]


def test_the_grid_shows_the_source_first_running_to_and_fro(done: Compared) -> None:
    picture = next(media.open(str(done.grid)).read())
    assert picture.shape == (256 + 28, 512, 3)
    tile = next(media.open(done.folder.parent / "talk.mp4").read())
    assert np.abs(picture[28:, :256].astype(int) - tile).mean() < 6


def test_what_fails_is_told_and_stops_nothing(done: Compared) -> None:
    landmark, nobody, nowhere = done.entries
    assert landmark.figures is not None and not landmark.problem
    assert nobody.file is None and "there is no 'nobody' among the dubbers" in nobody.problem
    assert "none.onnx" in nowhere.problem
    text = done.text()
    assert "nobody: there is no 'nobody'" in text
    assert re.search(r"LSE-D, as published.*\d\.\d{3} +- +-", text)


def test_floor_stands_beside_and_the_upper_face_is_measured(done: Compared) -> None:
    rows = {key: values for key, _, values in done.rows()}
    assert done.heads() == ["wrong voice", "landmark", "nobody", "wav2lip none", "ceiling"]
    assert rows["lse_d"][0] is not None
    assert rows["expression_distance"][1] < 0.02
    assert rows["lse_d"][2:4] == [None, None]
    assert done.better("lse_c") == "higher" and done.better("flicker") == "lower"


def test_the_page_loads_nothing_but_its_videos(done: Compared) -> None:
    html = done.page.read_text(encoding="utf-8")
    links = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert {link for link in links if not link.startswith("data:")} == {"grid.mp4", "landmark.mp4"}
    assert "<script" not in html and "http" not in re.sub(r"data:[^\"]+", "", html)
    assert html.count("<img") == 12
    assert "no &#x27;nobody&#x27; among" in html


def test_the_same_call_makes_nothing_again_and_a_change_only_what_it_touches(
    done: Compared, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    verb = import_module("lipwright.compare.verb")
    for name in ("made", "measure"):
        whole = getattr(verb, name)
        monkeypatch.setattr(verb, name, lambda *a, n=name, w=whole, **k: (called.append(n), w(*a, **k))[1])
    stamps = {path.name: path.stat().st_mtime_ns for path in done.folder.glob("*.mp4")}
    again = compare(
        stage / "talk.mp4", stage / "speech.wav", stage / "out", dubbers=["landmark", "nobody", "wav2lip:none.onnx"]
    )
    assert again.entries[0].figures == json.loads(json.dumps(done.entries[0].figures))
    assert called == ["made", "made"], "only those that failed are tried again"
    assert {path.name: path.stat().st_mtime_ns for path in done.folder.glob("*.mp4")} == stamps
    (done.folder / "landmark.mp4").write_bytes(b"damaged")
    called.clear()
    mended = compare(stage / "talk.mp4", stage / "speech.wav", stage / "out", dubbers=["landmark"])
    assert called == ["made"], "made anew, and the same to the bit: its figures still hold"
    assert mended.entries[0].figures == again.entries[0].figures


def test_existing_videos_are_compared(done: Compared, stage: Path, tmp_path: Path) -> None:
    one, other, text = tmp_path / "one.mp4", tmp_path / "two.mp4", tmp_path / "text.mp4"
    shutil.copy(done.folder / "landmark.mp4", one)
    shutil.copy(stage / "talk.mp4", other)
    text.write_text("no video")
    both = compare(videos=[one, other, text], names=["ours", "silent", "text"], out=tmp_path / "both")
    ours, silent, broken = both.entries
    assert ours.figures is not None
    assert "has no sound" in silent.problem and silent.file == other
    assert "not a video" in broken.problem
    assert media.open(str(both.grid)).length == 35
    assert not (both.folder / "one.mp4").exists(), "videos that are there are not copied"


def test_what_cannot_be_compared_is_a_sentence(stage: Path, tmp_path: Path) -> None:
    talk, speech = stage / "talk.mp4", stage / "speech.wav"
    for wrong in ({}, {"video": talk}, {"videos": [talk]}, {"video": talk, "speech": speech, "videos": [talk, talk]}):
        with pytest.raises(InputError, match="give a video and a speech"):
            compare(out=tmp_path / "none", **wrong)
    with pytest.raises(InputError, match="none of landmark has an option colou"):
        compare(talk, speech, tmp_path / "none", dubbers=["landmark"], colou=1)
    with pytest.raises(InputError, match="2 videos are compared; 1 names"):
        compare(videos=[talk, talk], names=["a"], out=tmp_path / "none")
    with pytest.raises(InputError, match="no two videos"):
        compare(videos=[talk, talk], names=["a b", "a-b"], out=tmp_path / "none")
    with pytest.raises(MediaError, match="no file"):
        compare(stage / "none.mp4", speech, tmp_path / "none")


def test_entrants_have_names_of_their_own() -> None:
    found = entrants.entrants(["wav2lip:a/gan.onnx", "wav2lip:b/gan.onnx", "landmark"], ["mediapipe", "mine"])
    assert [one.name for one in found] == [
        "wav2lip gan (mediapipe)", "wav2lip gan (mine)", "wav2lip gan (mediapipe) 2", "wav2lip gan (mine) 2",
        "landmark (mediapipe)", "landmark (mine)",
    ]  # fmt: skip
    assert len({one.stem for one in found}) == 6
    assert (found[0].dubber, found[0].weights, found[0].detector) == ("wav2lip", "a/gan.onnx", "mediapipe")
    assert entrants.entrants(["landmark"], ["mediapipe"])[0].name == "landmark"


def test_options_go_to_those_who_know_them() -> None:
    takers = entrants.entrants(["landmark", "retime", "nobody"])
    each = entrants.shared({"strength": 1.2, "calm": 1.0, "window": 2, "blend": "poisson"}, takers)
    assert each == [
        {"strength": 1.2, "calm": 1.0, "blend": "poisson"}, {"calm": 1.0, "window": 2, "blend": "poisson"},
        {"calm": 1.0, "blend": "poisson"},
    ]  # fmt: skip


def test_the_best_of_a_row_stands_out() -> None:
    assert page._best("lse_d", [1.2, None, 1.0, 1.0004], "lower") == {2, 3}
    assert page._best("lse_c", [0.2, 0.5], "higher") == {1}
    assert page._best("offset_frames", [-3.0, 1.0, -1.0], "none") == {1, 2}
    assert page._best("sharpness", [0.2, 0.5], "none") == set()
    assert page._best("lse_c", [0.5, 0.5], "higher") == set()


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    found = Compared(tmp_path, (Entry("<b>&", None, "</p><script>"),), None, None)
    clip = drawn.talking(10)
    html = page.page(found, {"<i>": clip})
    assert "<script>" not in html and "<b>" not in html and "<i>" not in html


def test_a_state_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    for text in ("{", "[1]", '{"video a": 3}', '{"video a": {"signature": "x"}}'):
        (tmp_path / ".compare.json").write_text(text)
        assert Kept(tmp_path)("video", "a", "x") is None
    Kept(tmp_path).add("video", "a", "x", {"b": 1})
    assert Kept(tmp_path)("video", "a", "x") == {"b": 1}
    assert Kept(tmp_path)("video", "a", "y") is None
    assert signature("a", files=(None,)) != signature("b", files=(None,))


def test_the_command_says_where_all_of_it_is(
    stage: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stage)
    line = "compare talk.mp4 speech.wav --dubbers landmark retime --preview 0.8 --with calm=1 -o quick"
    assert cli.main(line.split()) == 0
    told = capsys.readouterr().out
    assert "grid: quick/grid.mp4\npage: quick/compare.html\n" in told
    assert "LSE-C" in told
    assert cli.main([*line.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"].keys() == {"landmark", "retime"}
    assert cli.main(["compare", "talk.mp4", "speech.wav", "--with", "speech=2"]) == 1
    capsys.readouterr()
    assert cli.main([*line.replace("retime", "nobody").split(), "-q"]) == 1
    assert "nobody: there is no 'nobody'" in capsys.readouterr().out, "what could be done is told all the same"
