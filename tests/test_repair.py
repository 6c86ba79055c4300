"""Repair: sound that comes early or late is moved, frames are re-timed, what is in sync is left alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

import drawn
import jittered
import lipwright
from lipwright import cli, drift, experts, media, registry, sync
from lipwright.errors import InputError, NoFaceError, OutputError
from lipwright.experts import Encoders
from lipwright.repair import delay_of, repair
from lipwright.types import Clip

LENGTH = 125


@pytest.fixture(scope="module", autouse=True)
def believed() -> Iterator[None]:
    """A calibration for the shipped expert, where its card has none yet."""
    before = Encoders.calibration
    if registry.card("lipsight_video").calibration is None:
        Encoders.calibration = property(lambda _: registry.Calibration(0.9, 1.1, 5, 1, 1, 1))  # type: ignore[assignment]
    yield
    Encoders.calibration = before  # type: ignore[method-assign]


def saved(clip: Clip, path: Path) -> Path:
    assert clip.audio is not None
    return drawn.write(path, clip.read(), clip.fps, audio=clip.audio.samples[None], rate=clip.audio.rate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """late.mp4, whose sound comes 240 ms late; right.mp4; uneven.mp4, with a steady sound and shuffled pictures."""
    folder = tmp_path_factory.mktemp("repair")
    saved(jittered.in_sync(LENGTH, delay=0.24), folder / "late.mp4")
    saved(jittered.in_sync(LENGTH), folder / "right.mp4")
    saved(jittered.jittered(LENGTH)[0], folder / "uneven.mp4")
    return folder


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second expert, called another: the shipped one under another name."""
    (tmp_path / "another.py").write_text("from lipwright.experts.lipsight import Expert\n", encoding="utf-8")
    monkeypatch.setattr(experts, "__path__", [*experts.__path__, str(tmp_path)])
    yield
    sys.modules.pop("lipwright.experts.another", None)


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(getattr(container.streams, kind)[0]) if packet.size]


def test_a_late_sound_is_moved_and_no_picture_encoded(
    folder: Path, tmp_path: Path, judged: None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    line = ["repair", str(folder / "late.mp4"), "-o", str(out), "--judge", "another", "--json", "--quiet"]
    assert cli.main(line) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["done"] == ["offset"] and told["independent"]
    assert abs(told["delay"] + 0.24) < 0.04
    assert packets(out, "video") == packets(folder / "late.mp4", "video")
    assert [one["expert"] for one in told["after"]] == ["lipsight", "another"]
    assert told["after"][1]["distance"] < told["before"][1]["distance"] - 0.05
    again = repair(out, tmp_path / "again.mp4", judge="another")
    assert again.done == () and again.out is None and abs(again.before[0].offset) <= 1


def test_what_is_in_sync_is_left_alone(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, out = folder / "right.mp4", tmp_path / "out.mp4"
    assert cli.main(["repair", str(right), "-o", str(out), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "picture and sound agree; nothing was written" in said and not out.exists()
    assert cli.main(["repair", str(right), "-o", str(out), "--quiet", "--copy"]) == 0
    assert out.read_bytes() == right.read_bytes()


def test_retiming_keeps_the_sound_and_tells_what_moved(folder: Path, tmp_path: Path) -> None:
    uneven = folder / "uneven.mp4"
    done = repair(uneven, tmp_path / "out.mkv", how="retime", judge="lipsight")
    assert done.done == ("retime",) and len(done.moved) == LENGTH
    assert sum(done.histogram.values()) == LENGTH and len(done.histogram) > 1
    assert packets(tmp_path / "out.mkv", "audio") == packets(uneven, "audio")
    assert media.open(tmp_path / "out.mkv").length == LENGTH
    assert done.after[0].distance < done.before[0].distance
    assert [issue.code for issue in done.issues] == ["one-expert"]
    assert "frames re-timed" in done.text() and "+" in done.text()


def test_auto_retimes_what_no_delay_mends(folder: Path, tmp_path: Path, judged: None) -> None:
    done = lipwright.repair(folder / "uneven.mp4", tmp_path / "out.mp4", judge="another")
    assert "retime" in done.done and done.out == tmp_path / "out.mp4"
    assert done.after[1].distance < done.before[1].distance


def test_nobody_proves_their_own_choice(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.members
    monkeypatch.setattr(registry, "members", lambda family: ["lipsight"] if family == "experts" else known(family))
    done = repair(folder / "uneven.mp4", tmp_path / "out.mp4")
    assert "retime" not in done.done and not done.independent
    assert "judges its own choice" in done.text()


def test_a_judge_that_disagrees_stops_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backward = (
        "from lipwright.experts import lipsight\n"
        "class Expert(lipsight.Expert):\n"
        "    def sound(self, audio):\n"
        "        for block in super().sound(audio):\n"
        "            yield -block\n"
    )
    (tmp_path / "contrary.py").write_text(backward, encoding="utf-8")
    monkeypatch.setattr(experts, "__path__", [*experts.__path__, str(tmp_path)])
    done = repair(folder / "late.mp4", tmp_path / "out.mp4", judge="contrary")
    sys.modules.pop("lipwright.experts.contrary", None)
    assert done.done == () and done.out is None and not (tmp_path / "out.mp4").exists()
    assert any("does not help" in issue.message for issue in done.issues)


@pytest.mark.parametrize("slope", [0.008, -0.008])
def test_a_drift_is_a_delay_and_its_growth(slope: float) -> None:
    time = np.arange(30 * 25) / 25
    off = (0.12 + slope * time) * 25
    rows = np.minimum(np.abs(np.arange(-15, 16)[None] - off[:, None]) * 0.1, 0.5).astype(np.float32) + 1
    table = sync.Table(rows, np.ones(len(rows), np.float32), len(rows))
    found = SimpleNamespace(curve=sync.judge(rows), fps=25.0, table=table, drift=drift.drift(table, 25))
    delay, growth = delay_of(found)  # type: ignore[arg-type]
    assert abs(delay - 0.12) < 0.01 and abs(growth - slope) < 0.0005
    steady = SimpleNamespace(curve=sync.judge(rows[:100]), fps=25.0, table=table, drift=None)
    assert delay_of(steady)[1] == 0.0  # type: ignore[arg-type]


def test_bad_input_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    mute = drawn.write(tmp_path / "mute.mp4", (drawn.face(0.2) for _ in range(25)))
    silent = drawn.write(
        tmp_path / "silent.mp4", (drawn.face(0.2) for _ in range(25)), audio=np.zeros((1, 44100), np.float32)
    )
    grey = (np.full((240, 320, 3), 90, np.uint8) for _ in range(25))
    empty = drawn.write(tmp_path / "empty.mp4", grey, audio=drawn.voice(1, 44100).samples[None])
    still = drawn.still(tmp_path / "still.png", drawn.face(0.2))
    for path, error, said in (
        (mute, InputError, "has no sound"),
        (silent, InputError, "silent from end to end"),
        (empty, NoFaceError, "no face was found"),
        (still, InputError, "is a still picture"),
    ):
        with pytest.raises(error, match=said):
            repair(path, out)
    with pytest.raises(InputError, match="how is one of auto, offset, retime, transplant; given magic"):
        repair(folder / "right.mp4", out, how="magic")  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="is an input"):
        repair(folder / "right.mp4", folder / "right.mp4")
    assert not out.exists()


def test_a_sound_that_tells_nothing_moves_nothing(folder: Path, tmp_path: Path) -> None:
    other = replace(media.open(folder / "right.mp4"), audio=drawn.noise(5, 16000))
    path = saved(other, tmp_path / "noise.mp4")
    with pytest.raises(InputError, match="no better at any delay"):
        repair(path, tmp_path / "out.mp4", how="offset")
    done = repair(path, tmp_path / "out.mp4")
    assert done.done == () and "unclear" in [issue.code for issue in done.issues]
    assert "left as it is" in done.text()
