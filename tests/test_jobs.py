"""Many dubs: a table of them, in processes, tried again, taken up again."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import drawn
from lipwright import cli, jobs, media
from lipwright.errors import InputError, OutputError
from lipwright.jobs import Job

HERE = Path(__file__).parent


@pytest.fixture
def folder(talk: Path, speech: Path, tmp_path: Path) -> Path:
    """A folder with a talk of 3 s and a speech of 0.6 s."""
    shutil.copy(talk, tmp_path / "talk.mp4")
    drawn.write_sound(tmp_path / "speech.wav", drawn.voice(0.6, 16000, seed=1).samples, 16000)
    return tmp_path


def table(folder: Path, *rows: str, heads: str = "video,speech,out,dubber,box") -> Path:
    place = folder / "jobs.csv"
    place.write_text("\n".join([heads, *rows]) + "\n", encoding="utf-8")
    return place


def row(out: str, video: str = "talk.mp4", how: str = "wav2lip") -> str:
    return f'{video},speech.wav,{out},{how},"60,30,260,220"'


def report(folder: Path) -> list[dict[str, str]]:
    with (folder / "jobs.report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dub(folder: Path, *words: str) -> int:
    return cli.main(["dub", "--jobs", str(folder / "jobs.csv"), *words, "--with", "weights=wav2lip_tiny", "-q"])


def test_a_table_is_dubbed_and_told_line_by_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(folder, row("a.mp4"), row("b.mp4", video="gone.mp4"), row("c.mp4"))
    assert dub(folder, "--workers", "2") == 1
    said = capsys.readouterr().out
    assert said.startswith("2 dubbed, 1 failed; report: ")
    assert "there is no file" in said
    assert [media.open(folder / name).length for name in ("a.mp4", "c.mp4")] == [15, 15]
    assert [(line["state"], line["tries"], line["frames"]) for line in report(folder)] == [
        ("done", "1", "15"), ("failed", "1", "0"), ("done", "1", "15"),
    ]  # fmt: skip
    assert sorted(path.name for path in folder.iterdir()) == [
        "a.mp4", "c.mp4", "jobs.csv", "jobs.report.csv", "speech.wav", "talk.mp4",
    ]  # fmt: skip


def test_what_is_done_is_kept_and_what_changed_is_made_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(folder, row("a.mp4"), row("b.mp4"))
    assert dub(folder, "--workers", "1") == 0
    times = [(folder / name).stat().st_mtime_ns for name in ("a.mp4", "b.mp4")]
    table(folder, row("a.mp4"), row("b.mp4") + ",0.4", row("c.mp4"), heads="video,speech,out,dubber,box,preview")
    (folder / "jobs.csv").write_text(
        (folder / "jobs.csv").read_text("utf-8").replace('"60,30,260,220"\n', '"60,30,260,220",\n'), "utf-8"
    )
    capsys.readouterr()
    assert dub(folder, "--workers", "1", "--json") == 0
    states = [job["state"] for job in json.loads(capsys.readouterr().out)["jobs"]]
    assert states == ["kept", "done", "done"]
    assert (folder / "a.mp4").stat().st_mtime_ns == times[0]
    assert (folder / "b.mp4").stat().st_mtime_ns > times[1]
    assert media.open(folder / "b.mp4").length == 10


def test_a_job_whose_process_is_lost_is_tried_again_and_then_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_tried", killed)
    made = [Job(folder / "talk.mp4", folder / "speech.wav", folder / f"{n}.mp4", {"n": n}) for n in range(3)]
    found = jobs.many(made, folder / "jobs.report.csv", workers=2)
    assert [(one.state, one.tries) for one in found] == [("done", 1), ("failed", 3), ("done", 2)]
    assert "was ended from outside (SIGKILL)" in found[1].message


def killed(numbered: tuple[int, Job], attempt: int) -> tuple[int, jobs.Outcome]:
    """Job 1 always ends its process, job 2 the first time."""
    number, job = numbered
    if number == 1 or (number == 2 and attempt == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return number, jobs.Outcome(str(job.out), "done", attempt, 0.0, 1, "", "", "x")


def test_a_full_disk_is_tried_again_and_a_fault_of_ours_stops_nobody(folder: Path) -> None:
    job = Job(folder / "talk.mp4", folder / "speech.wav", folder / "none" / "a.mp4", {})
    _, outcome = jobs._tried((0, job), 1)
    assert outcome.signature == ""
    assert "there is no folder" in outcome.message
    _, outcome = jobs._tried((0, Job(folder / "talk.mp4", folder / "speech.wav", folder / "a.mp4", {"smooth": "x"})), 2)
    assert (outcome.state, outcome.tries) == ("failed", 2)
    assert outcome.message.startswith("TypeError: ")


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(folder: Path) -> None:
    table(folder, *(row(f"{n}.mp4") for n in range(6)))
    words = [sys.executable, "-m", "lipwright", "dub", "--jobs", "jobs.csv", "--workers", "1", "-q"]
    words += ["--with", "weights=wav2lip_tiny"]
    running = subprocess.Popen(words, cwd=folder)
    while not (folder / "1.mp4").exists() and running.poll() is None:
        time.sleep(0.02)
    running.kill()
    running.wait()
    done = [line["out"] for line in report(folder) if line["state"] == "done"]
    assert 1 <= len(done) < 6
    times = {out: Path(out).stat().st_mtime_ns for out in done}
    again = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    assert again.stdout.startswith(f"{6 - len(done)} dubbed, {len(done)} kept from before; report: jobs.report.csv")
    assert all(Path(out).stat().st_mtime_ns == time for out, time in times.items())


@pytest.mark.parametrize(
    ("heads", "line", "said"),
    [
        ("video,out,colr", "a,b,c", r"has the columns colr, unknown here; it may have: video, speech, out"),
        ("video,speech", "a,b", "it needs video and out"),
        ("video,out", "a", "line 2, has fewer fields"),
        ("video,out", "a,b,c", "line 2, has more fields"),
        ("video,out,smooth", "a,b,much", r"line 2: argument --smooth: invalid float value: 'much'"),
        ("video,out,grain", "a,b,perhaps", r"line 2: argument --grain: 'perhaps' is neither yes nor no"),
        ("video,out,blend", "a,b,glue", r"line 2: argument --blend: invalid choice: 'glue'"),
        ("video,out", '"a,b', "is no CSV"),
        ("video,out", "", "has no line under its heads"),
        ("video,out,more", "a,b,strength=2", "has the columns more, unknown here"),
        ("video;speech;out", "a;b;c", "part the columns by commas"),
        ("video,out,out", "a,b,c", "has two columns called out"),
        ("video,speech,out", ",b,c", "line 2, has no video; each line names both"),
        ("video,speech,out", "a,b,", "line 2, has no out; each line names both"),
        ("video,out,smooth", "\na,b,1\n\na,b,much", "line 5: argument --smooth"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], heads: str, line: str, said: str
) -> None:
    import re

    table(tmp_path, line, heads=heads)
    assert cli.main(["dub", "--jobs", str(tmp_path / "jobs.csv")]) == 1
    assert re.search(said, capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.csv"]


def test_switches_and_files_of_a_table(tmp_path: Path) -> None:
    from lipwright.commands import dub as command, table as tables

    place = table(tmp_path, "a.mp4,b.mp4,no,yes,own,hello, world".replace("hello, world", '"hello, world"'),
                  heads="video,out,grain,fit,like,text")  # fmt: skip
    assert tables.lines(place, command._options) == [
        {"video": tmp_path / "a.mp4", "speech": None, "out": tmp_path / "b.mp4", "grain": False, "fit": True,
         "like": "own", "text": "hello, world"},
    ]  # fmt: skip


def test_columns_are_options_in_any_order(tmp_path: Path) -> None:
    from lipwright.commands import dub as command, table as tables

    place = table(tmp_path, "x=1,a.wav,loop,b.mp4,c.mp4,y=2", heads="with, speech,sync-mode,out, video,voice-with")
    assert tables.lines(place, command._options) == [
        {"video": tmp_path / "c.mp4", "speech": tmp_path / "a.wav", "out": tmp_path / "b.mp4", "sync_mode": "loop",
         "more": [("x", 1)], "voice_more": [("y", 2)]},
    ]  # fmt: skip


def test_what_was_typed_holds_for_every_line_and_files_may_not_be(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(folder, row("a.mp4"))
    assert cli.main(["dub", str(folder / "talk.mp4"), "--jobs", str(folder / "jobs.csv")]) == 1
    assert "--jobs brings its own video" in capsys.readouterr().err
    assert dub(folder, "--preview", "0.2") == 0
    assert media.open(folder / "a.mp4").length == 5


def test_without_a_table_the_files_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dub", "talk.mp4"]) == 1
    assert "give --out, or --jobs CSV" in capsys.readouterr().err
    assert cli.main(["dub", "talk.mp4", "speech.wav", "-o", "out.mp4", "--workers", "2"]) == 1
    assert "--workers is for many videos; give --jobs CSV" in capsys.readouterr().err


def test_jobs_that_cannot_be_done_together_are_told(tmp_path: Path) -> None:
    job = Job(tmp_path / "a.mp4", None, tmp_path / "b.mp4", {})
    with pytest.raises(InputError, match="two jobs write"):
        jobs.many([job, job], tmp_path / "r.csv")
    (tmp_path / "b.mp4").write_bytes(b"footage")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "b.mp4")
    other = Job(tmp_path / "link.mp4", None, tmp_path / "c.mp4", {})
    with pytest.raises(InputError, match=r"link\.mp4 is read by a job and would be written by one"):
        jobs.many([job, other], tmp_path / "r.csv")
    assert (tmp_path / "b.mp4").read_bytes() == b"footage"
    with pytest.raises(InputError, match="there are no jobs"):
        jobs.many([], tmp_path / "r.csv")
    with pytest.raises(InputError, match="tried once at least"):
        jobs.many([job], tmp_path / "r.csv", tries=0)
    with pytest.raises(OutputError, match="there is no folder"):
        jobs.many([job], tmp_path / "none" / "r.csv")
    (tmp_path / "r.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(OutputError, match="is no report of jobs"):
        jobs.many([job], tmp_path / "r.csv")


@pytest.mark.slow
def test_a_ray_cluster_does_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    table(folder, row("a.mp4"), row("b.mp4", video="gone.mp4"))
    assert dub(folder, "--ray", "local", "--workers", "1") == 1
    assert capsys.readouterr().out.startswith("1 dubbed, 1 failed")
