"""Faults of the world around: each ends in a sentence or in a correct file, and nothing is lost or half-written."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import drawn
import lipwright
from lipwright import cli, media, registry
from lipwright.commands import VERBS
from lipwright.errors import NoFaceError
from lipwright.media import videotrack
from lipwright.types import Audio, Clip, Picture
from portrait import ASSETS

SEGMENT = 25
MAIN = f"""
import sys
from lipwright import cli
from lipwright.media import encode, videotrack
videotrack.SEGMENT = encode.SEGMENT = {SEGMENT}
sys.exit(cli.main(sys.argv[1:]))
"""
PATIENCE = 300


def voice(seconds: float, rate: int = 16000) -> np.ndarray:
    """The voice of the demonstration, over and over."""
    said = media.resample(media.open_audio(ASSETS / "sentence-1.m4a"), rate).samples
    return np.resize(said, round(seconds * rate))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """talk.mp4, a drawn face that talks for 2 s; speech.wav, a synthetic voice for 6 s."""
    folder = tmp_path_factory.mktemp("faults")
    clip = drawn.talking(50)
    drawn.write(folder / "talk.mp4", clip.read())
    drawn.write_sound(folder / "speech.wav", voice(6.0), 16000)
    return folder


@pytest.fixture
def here(studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a copy of the studio, where segments are short."""
    shutil.copytree(studio, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(videotrack, "SEGMENT", SEGMENT)
    monkeypatch.setattr(media.encode, "SEGMENT", SEGMENT)
    return tmp_path


@pytest.fixture(scope="module")
def whole(studio: Path) -> bytes:
    """What an undisturbed dub of talk.mp4 with speech.wav is."""
    with running("whole.mp4", studio) as process:
        assert process.wait(PATIENCE) == 0
    made = studio / "whole.mp4"
    content = made.read_bytes()
    made.unlink()
    return content


def running(out: str, folder: Path) -> subprocess.Popen[str]:
    """`lipwright dub` at work."""
    command = [sys.executable, "-c", MAIN, "dub", "talk.mp4", "speech.wav", "-o", out]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )


def at_segment(number: int, folder: Path, process: subprocess.Popen[str]) -> Path:
    """Wait until that segment is finished; gives the folder that holds it."""
    for _ in range(100 * PATIENCE):
        if found := next(folder.glob(f".lipwright-*/{number:06d}.segment"), None):
            return found.parent
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.01)
    raise AssertionError(f"segment {number} did not come in {PATIENCE} s")


def first_written(out: str) -> int:
    """Dub as the command does; the number of the first frame that was encoded."""
    seen: list[int] = []
    asked = {"video": Path("talk.mp4"), "speech": Path("speech.wav"), "out": Path(out)}
    VERBS["dub"].run(asked, lambda done, total, what: seen.append(done) if what == "write" else None)
    return seen[0]


def outputs(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"talk.mp4", "speech.wav"}


# stopped -----------------------------------------------------------------------------------------------


def test_killed_in_the_middle_then_the_same_command_gives_the_same_file(here: Path, whole: bytes) -> None:
    with running("out.mp4", here) as process:
        kept = at_segment(2, here, process)
        process.kill()
    assert not (here / "out.mp4").exists()
    assert outputs(here) == {kept.name}
    assert first_written("out.mp4") > 3 * SEGMENT
    assert (here / "out.mp4").read_bytes() == whole
    assert outputs(here) == {"out.mp4"}


def test_ctrl_c_is_a_sentence_and_leaves_only_what_can_be_resumed(here: Path, whole: bytes) -> None:
    (here / "out.mp4").write_bytes(b"old")
    with running("out.mp4", here) as process:
        kept = at_segment(1, here, process)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert told[0] == ""
    assert told[1].startswith("stopped") and len(told[1].splitlines()) == 1
    assert (here / "out.mp4").read_bytes() == b"old"
    assert outputs(here) == {"out.mp4", kept.name}
    assert {path.suffix for path in kept.iterdir()} == {".segment", ""}
    assert first_written("out.mp4") > 2 * SEGMENT
    assert (here / "out.mp4").read_bytes() == whole


@pytest.mark.parametrize("outs", [("a.mp4", "b.mp4"), ("same.mp4", "same.mp4")])
def test_two_dubs_at_once_in_one_folder(here: Path, whole: bytes, outs: tuple[str, str]) -> None:
    with running(outs[0], here) as one, running(outs[1], here) as two:
        assert [one.wait(PATIENCE), two.wait(PATIENCE)] == [0, 0]
    assert outputs(here) == set(outs)
    assert all((here / out).read_bytes() == whole for out in outs)


# places ------------------------------------------------------------------------------------------------


def sentence(line: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What a dub that cannot be done says."""
    assert cli.main(["dub", *line.split()]) == 1
    told = capfd.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1
    return told.err


@pytest.mark.parametrize("out", ["/proc/out.mp4", "/dev/null/out.mp4", "speech.wav/out.mp4"])
def test_an_output_that_cannot_be_written_is_a_sentence(
    here: Path, capfd: pytest.CaptureFixture[str], out: str
) -> None:
    assert str(Path(out).parent) in sentence(f"talk.mp4 speech.wav -o {out}", capfd)
    assert outputs(here) == set()


def test_a_full_disk_is_a_sentence_and_keeps_the_old_file(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import resource

    (here / "out.mp4").write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    cli.main(["dub", "talk.mp4", "speech.wav", "-o", "first.mp4", "--preview", "0.4"])  # the faces are cached now
    capfd.readouterr()
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        assert "free some space" in sentence("talk.mp4 speech.wav -o out.mp4", capfd)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (here / "out.mp4").read_bytes() == b"old"
    assert not list(here.rglob("*.part*"))


def test_a_cache_that_takes_nothing_is_no_fault(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks are there, tracks cannot be kept."""
    cache = here / "cache"
    shutil.copytree(registry.cache_dir(), cache, ignore=shutil.ignore_patterns("faces", "imported"))
    (cache / "faces").touch()
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(cache))
    assert cli.main(["dub", "talk.mp4", "speech.wav", "-o", "out.mp4", "--preview", "0.4"]) == 0
    assert media.open("out.mp4").length == 10


def test_a_cache_that_cannot_be_made_is_a_sentence(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIPWRIGHT_CACHE", "/proc/none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lipwright.faces.detecting.detector", lipwright.faces.detecting.detector.__wrapped__)
        assert "/proc/none" in sentence("talk.mp4 speech.wav -o out.mp4", capfd)
    assert outputs(here) == set()


# sounds and pictures -----------------------------------------------------------------------------------


def dubbed(video: str, speech: str, *more: str) -> Clip:
    assert cli.main(["dub", video, speech, "-o", "out.mp4", "--json", *more]) == 0
    return media.open("out.mp4")


@pytest.mark.parametrize(("out", "codec"), [("out.mp4", "aac"), ("out.mov", "mp3float"), ("out.mkv", "mp3float")])
def test_an_mp3_of_8_khz_stereo_stays_so(here: Path, out: str, codec: str) -> None:
    """MP4 takes no MP3 of less than 16 kHz: there it is encoded, at its own rate."""
    sound = voice(1.0, 8000)
    drawn.write_sound(here / "phone.mp3", np.stack([sound, sound / 2]), 8000, "libmp3lame")
    assert cli.main(["dub", "talk.mp4", "phone.mp3", "-o", out]) == 0
    assert media.open(out).length == round(media.open_audio("phone.mp3").duration * 25)
    with av.open(out) as container:
        track = container.streams.audio[0]
        assert (track.codec_context.name, track.rate, track.channels) == (codec, 8000, 2)


def test_a_clipped_speech_is_spoken(here: Path) -> None:
    loud = np.clip(40 * voice(1.0), -1, 1)
    drawn.write_sound(here / "loud.wav", loud, 16000)
    assert dubbed("talk.mp4", "loud.wav").length == 25


@pytest.mark.parametrize("far", [2e3, 1e30])
def test_a_sound_far_beyond_full_scale_is_a_sentence(
    here: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder, far: float
) -> None:
    sound = voice(1.0)
    drawn.write_sound(here / "huge.wav", (far / np.abs(sound).max()) * sound, 16000)
    told = sentence("talk.mp4 huge.wav -o out.mp4", capfd)
    assert re.search(r"huge\.wav has samples of [1-9][^ ]* times full scale; export it again", told)
    assert not recwarn.list and not (here / "out.mp4").exists()


def test_a_sound_beyond_full_scale_is_spoken(here: Path) -> None:
    drawn.write_sound(here / "high.wav", 40 * voice(1.0), 16000)
    assert dubbed("talk.mp4", "high.wav").length == 25


@pytest.mark.parametrize("mode", ["bounce", "loop", "remap"])
def test_a_video_of_one_frame_speaks(here: Path, mode: str) -> None:
    drawn.write(here / "one.mp4", [drawn.face(0.2)])
    pictures = list(dubbed("one.mp4", "speech.wav", "--preview", "1", "--sync-mode", mode).read())
    assert len(pictures) == 25
    mouth = np.stack(pictures)[:, 130:190, 120:200].astype(int)
    assert np.abs(np.diff(mouth, axis=0)).max() > 20


def test_a_drawn_face_speaks_and_a_smiley_is_a_sentence() -> None:
    smiley = np.full((240, 320, 3), 255, np.uint8)
    cv2.circle(smiley, (160, 120), 60, (255, 220, 0), -1)
    for x in (140, 180):
        cv2.circle(smiley, (x, 105), 6, (0, 0, 0), -1)
    cv2.ellipse(smiley, (160, 130), (30, 20), 0, 0, 180, (0, 0, 0), 3)
    for picture, seen in ((drawn.face(0.1), True), (smiley, False)):
        clip = Clip(Fraction(25), (320, 240), 1, repeated(picture))
        if seen:
            assert len(list(lipwright.dub(clip, drawn.voice(0.4, seed=1)).read())) == 10
        else:
            with pytest.raises(NoFaceError, match="no face was found"):
                lipwright.dub(clip, drawn.voice(0.4, seed=1))


def repeated(picture: Picture) -> Callable[[int, int], Iterator[Picture]]:
    return lambda start, stop: iter([picture] * (stop - start))


def test_a_still_and_a_long_speech_are_streamed() -> None:
    """What three hours go through, with three minutes: reading holds a few pictures, wherever it starts."""
    clip = Clip(Fraction(25), (320, 240), 1, repeated(drawn.face(0.1)))
    made = lipwright.dub(clip, Audio(voice(200.0), 16000))
    assert made.length == 5000
    kept = resident()
    for at in (0, 2000, 4900):
        assert len(list(made.read(at, at + 50))) == 50
    assert resident() - kept < 60e6


def resident() -> int:
    """Bytes of memory in use now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
