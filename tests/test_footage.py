"""Any footage: what cameras, phones, editors and the web make, each read as it is meant, and dubbed by the command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import drawn
from counting import numbers
from lipwright import cli, media
from lipwright.types import Picture
from scenes import apart, said, spoken

VP9 = {"cpu-used": "8", "deadline": "realtime"}
KINDS = {
    "hevc.mp4": {"codec": "libx265", "options": {"preset": "ultrafast", "x265-params": "log-level=none"}},
    "av1.mkv": {"codec": "libsvtav1", "options": {"preset": "10", "crf": "20", "svtav1-params": "lp=1"}},
    "vp8.webm": {"codec": "libvpx", "options": {"crf": "10", "b": "1M"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"b": "2M"}},
    "mpeg2.mxf": {"codec": "mpeg2video", "options": {"b": "2M"}},
    "old.avi": {"codec": "mpeg4", "options": {"b": "2M"}},
    "old.wmv": {"codec": "wmv2", "options": {"b": "2M"}},
    "old.flv": {"codec": "flv", "options": {"b": "2M"}},
    "phone.3gp": {"codec": "mpeg4", "options": {"b": "2M"}},
    "camera.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "options": {}},
    "edit.mov": {"codec": "dnxhd", "pix_fmt": "yuv422p", "options": {"profile": "dnxhr_sq"}},
    "screen.avi": {"codec": "rawvideo", "pix_fmt": "bgr24", "options": {}},
    "archive.mkv": {"codec": "ffv1", "pix_fmt": "yuv444p", "options": {}},
    "grey.mkv": {"codec": "ffv1", "pix_fmt": "gray", "options": {}},
    "film.m4v": {},
    "web.gif": {"codec": "gif", "pix_fmt": "rgb8", "options": {}},
}
DEPTHS = {
    "8 bit 4:2:2": {"pix_fmt": "yuv422p", "options": {"crf": "4"}},
    "8 bit 4:4:4": {"pix_fmt": "yuv444p", "options": {"crf": "4"}},
    "10 bit": {"pix_fmt": "yuv420p10le", "options": {"crf": "4"}},
    "10 bit 4:4:4": {"pix_fmt": "yuv444p10le", "options": {"crf": "4"}},
    "10 bit HEVC": {
        "codec": "libx265",
        "pix_fmt": "yuv420p10le",
        "options": {"crf": "4", "preset": "ultrafast", "x265-params": "log-level=none"},
    },
}


@contextmanager
def at_ordinary_priority() -> Iterator[None]:
    """SVT-AV1, where root runs it, makes the thread that calls it a realtime one (SCHED_FIFO), and so all that this
    process starts from then on: they starve everything else on the machine. Set it back."""
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler"):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def drawing(size: tuple[int, int] = (320, 240)) -> list[Picture]:
    return [drawn.numbered(number, size) for number in range(12)]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_its_frames(tmp_path: Path, name: str) -> None:
    how = KINDS[name]
    if how.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this PyAV cannot make {how['codec']}")
    with at_ordinary_priority():
        path = drawn.write(tmp_path / name, drawing(), **how)
    clip = media.open(path)
    assert (clip.fps, clip.length, clip.size) == (25, 12, (320, 240))
    assert numbers(clip.read()) == list(range(12))
    assert numbers(clip.read(5, 8)) == [5, 6, 7]


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth_of_colour_is_seen_as_it_is(tmp_path: Path, depth: str) -> None:
    face = drawn.face(0.4)
    clip = media.open(drawn.write(tmp_path / "a.mkv", [face] * 3, **DEPTHS[depth]))
    again = media.open(media.write(clip, tmp_path / "b.mp4"))
    for opened in (clip, again):
        assert np.abs(next(opened.read()).astype(int) - face).mean() < 2


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("a.mov", "png", "rgba"), ("b.mov", "prores_ks", "yuva444p10le"), ("c.webm", "libvpx-vp9", "yuva420p")],
)
def test_alpha_is_left_out_of_account(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    """What is clear in an editor's file has its colours all the same."""
    face = drawn.face(0.4)
    with av.open(str(tmp_path / name), "w") as output:
        stream = output.add_stream(codec, rate=25, options=VP9 if codec == "libvpx-vp9" else {})
        stream.width, stream.height, stream.pix_fmt = 320, 240, pix_fmt
        for opaque in (0, 128, 255):
            picture = np.dstack([face, np.full(face.shape[:2], opaque, np.uint8)])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format=pix_fmt)))
        output.mux(stream.encode(None))
    for picture in media.open(tmp_path / name).read():
        assert np.abs(picture.astype(int) - face).mean() < 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("fps", [Fraction(48), Fraction(60000, 1001), Fraction(60), Fraction(120), Fraction(10)])
def test_fast_and_slow_rates_are_exact_too(tmp_path: Path, fps: Fraction, suffix: str) -> None:
    clip = media.open(drawn.write(tmp_path / f"a{suffix}", drawing((64, 48)), fps))
    assert (clip.fps, clip.length) == (fps, 12)
    again = media.open(media.write(clip, tmp_path / "b.mp4"))
    assert (again.fps, again.length) == (fps, 12)


@pytest.mark.parametrize("as_speech", [False, True])
def test_of_several_sound_tracks_the_first_is_heard(tmp_path: Path, as_speech: bool) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        picture = output.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        tracks = [output.add_stream("aac", rate=48000, layout="stereo"), output.add_stream("flac", rate=48000)]
        tracks[1].layout, tracks[1].format = "mono", "s16"
        for frame in drawing((64, 48)):
            output.mux(picture.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(picture.encode(None))
        for track, hertz in zip(tracks, (440, 1200), strict=True):
            tone = drawn.tone(0.48, 48000, hertz).samples
            drawn._encode_sound(output, track, np.stack([tone] * track.layout.nb_channels), 48000)
    heard = media.open_audio(path) if as_speech else media.open(path).audio
    assert heard is not None
    samples = heard.samples[4800:19200]
    assert np.abs(np.fft.rfft(samples)).argmax() * 48000 / len(samples) == pytest.approx(440, abs=5)


# the command -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """talk.mp4, 10 frames of a drawn face without sound; speech.wav, 0.4 s of a voice."""
    folder = tmp_path_factory.mktemp("desk")
    drawn.write(folder / "talk.mp4", drawn.talking(10).read())
    drawn.write_sound(folder / "speech.wav", spoken(0.4).samples, 16000)
    return folder


@pytest.fixture
def here(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(desk, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("name", ["me.v2.final.PNG", "Me.JPG", "a b.jpeg", "été.WebP", "shot%03d.png", "[1].bmp"])
def test_a_still_of_any_name_speaks(here: Path, name: str) -> None:
    kind = Path(name).suffix.lower()
    drawn.still(here / f"plain{kind}", drawn.face(0.1)).rename(here / name)
    assert cli.main(["dub", name, "speech.wav", "-o", "out.mp4"]) == 0
    assert media.open("out.mp4").length == 10


@pytest.mark.parametrize("how", ["16 bit", "clear", "grey"])
def test_a_still_of_any_depth_speaks(here: Path, how: str) -> None:
    face = cv2.cvtColor(drawn.face(0.1), cv2.COLOR_RGB2BGR)
    clear = np.dstack([face, np.zeros(face.shape[:2], np.uint8)])
    cv2.imwrite("me.png", {"16 bit": face.astype(np.uint16) * 257, "clear": clear, "grey": face[..., 1]}[how])
    assert cli.main(["dub", "me.png", "speech.wav", "-o", "out.mp4"]) == 0
    picture = next(media.open("out.mp4").read())
    expected = drawn.face(0.1) if how != "grey" else np.repeat(drawn.face(0.1)[..., 1:2], 3, axis=2)
    assert apart(picture, expected)[:100].mean() < 4


@pytest.mark.parametrize(
    "name", ["my talk", "ünï çödé 日本", 'it\'s "x" $HOME `ls` $(id); &', "a:b|c", "new\nline", "-o"]
)
def test_paths_of_any_characters_work(here: Path, name: str) -> None:
    folder = here / name
    folder.mkdir()
    video, speech = (folder / f"{name}{suffix}" for suffix in (".mp4", ".wav"))
    shutil.move(here / "talk.mp4", video)
    shutil.move(here / "speech.wav", speech)
    out = folder / f"{name} out.mp4"
    assert cli.main(["dub", str(video), str(speech), "-o", str(out)]) == 0
    assert media.open(out).length == 10
    assert {path.name for path in here.rglob("*")} == {name, video.name, speech.name, out.name}


@pytest.mark.parametrize(
    ("video", "speech", "out", "sentence"),
    [
        ("talk.mp4", "talk.mp4", "out.mp4", "talk.mp4 has no sound track; give a file with speech in it"),
        ("speech.wav", "speech.wav", "out.mp4", "speech.wav has no picture, only sound"),
        ("sound.mp4", "speech.wav", "out.mp4", "sound.mp4 has no picture, only sound"),
        ("talk.mp4", "picture.wav", "out.mp4", "picture.wav has no sound track"),
        ("page.mp4", "speech.wav", "out.mp4", "page.mp4 is not a video, a picture or a sound (its content is text)"),
        ("talk.mp4", "page.mp4", "out.mp4", "page.mp4 is not a video, a picture or a sound (its content is text)"),
        ("empty.mp4", "speech.wav", "out.mp4", "empty.mp4 is empty (0 bytes)"),
        ("talk.mp4", "head.wav", "out.mp4", "head.wav"),
        ("broken.mp4", "speech.wav", "out.mp4", "there is no file"),
        ("/dev/zero", "speech.wav", "out.mp4", "/dev/zero is not an ordinary file"),
        ("pipe", "speech.wav", "out.mp4", "pipe is not an ordinary file"),
        (".", "speech.wav", "out.mp4", "is a folder; give a video"),
        ("talk.mp4", "speech.wav", "talk.mp4", "talk.mp4 is an input; give the output another name"),
        ("talk.mp4", "speech.wav", "link.mp4", "link.mp4 is an input; give the output another name"),
        ("talk.mp4", "speech.wav", "hard.mp4", "hard.mp4 is an input; give the output another name"),
        ("talk.mp4", "speech.wav", "speech.wav", "end its name in .mp4, .m4v, .mov, .mkv, .webm"),
        ("talk.mp4", "speech.wav", "out", "end its name in .mp4, .m4v, .mov, .mkv, .webm"),
        ("talk.mp4", "speech.wav", "none/out.mp4", "there is no folder"),
        ("talk.mp4", "speech.wav", "..", "is a folder; give the name of a file"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_written(
    here: Path, video: str, speech: str, out: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("speech.wav", "sound.mp4")
    shutil.copy("talk.mp4", "picture.wav")
    Path("page.mp4").write_text("<html><body>404</body></html>")
    Path("empty.mp4").touch()
    Path("head.wav").write_bytes(Path("speech.wav").read_bytes()[:44])
    Path("broken.mp4").symlink_to("nowhere")
    Path("link.mp4").symlink_to("talk.mp4")
    Path("hard.mp4").hardlink_to("talk.mp4")
    os.mkfifo("pipe")
    before = {path.name: path.lstat().st_mtime_ns for path in here.iterdir()}
    assert sentence in said(["dub", video, speech, "-o", out], capfd)
    assert {path.name: path.lstat().st_mtime_ns for path in here.iterdir()} == before


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--quality", "99"], "quality goes from 0 (best) to 51 (worst); given 99"),
        (["--preview", "nan"], "a preview lasts at least 0.1 s; given nan"),
        (["--start", "inf"], "can start between 0 s and 86400 s (a day); given inf"),
        (["--strength", "nan"], "strength must lie between 0 and 2; given nan"),
        (["--smooth", "nan"], "smooth must lie between 0 and 10 frames; given nan"),
        (["--dubber", "nobody"], "there is no 'nobody' among the dubbers; there are: compact, landmark"),
        (["--with", "glue=1"], "the dubber 'landmark' has no option glue; it has strength"),
        (["--dubber", "wav2lip"], "needs weights; bring a checkpoint with `lipwright models import FILE"),
    ],
)
def test_options_out_of_range_are_one_sentence(
    here: Path, more: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sentence in said(["dub", "talk.mp4", "speech.wav", "-o", "out.mp4", *more], capfd)
    assert {path.name for path in here.iterdir()} == {"talk.mp4", "speech.wav"}
