"""Subtitles and texts made to fit a video: times to the sample, and what cannot be spoken."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import cli, media, subtitles
from lipwright.errors import InputError
from lipwright.speak import fitted, segments, speak, speak_for, speak_in, stretched
from lipwright.subtitles import Cue
from lipwright.types import Audio, Clip
from portrait import studio  # noqa: F401

SRT = """\ufeff1
00:00:00,500 --> 00:00:02,000
<i>Hello</i> there,
my friend.

2
00:00:02,500 --> 00:00:03,000 X1:40
[a door closes]

3
00:00:03,500 --> 00:00:05,250
{\\an8}- It rains &amp; rains. (sighs)
"""

VTT = """WEBVTT

NOTE a remark

00:01.000 --> 00:02.500 align:start
<v Anna>Hello there.</v>
"""


def clip(seconds: float = 6.0, audio: Audio | None = None) -> Clip:
    made = drawn.talking(25)
    return replace(made, length=round(25 * seconds), audio=audio)


@pytest.fixture
def srt(tmp_path: Path) -> Path:
    (tmp_path / "talk.en.srt").write_text(SRT, encoding="utf-8")
    return tmp_path / "talk.en.srt"


def test_subtitles_are_read_without_marks_and_noises(srt: Path) -> None:
    assert subtitles.read(srt) == (
        Cue(1, 0.5, 2.0, "Hello there, my friend."),
        Cue(3, 3.5, 5.25, "It rains & rains."),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_subtitles_of_any_encoding_and_webvtt(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "a.vtt"
    file.write_bytes(VTT.replace("Hello", "Élan").encode(encoding))
    assert subtitles.read(file) == (Cue(1, 1.0, 2.5, "Élan there."),)


@pytest.mark.parametrize(
    ("name", "language"),
    [("talk.fr.srt", "fr"), ("talk.pt-BR.srt", "pt-BR"), ("talk.srt", ""), ("my.long.name.srt", ""), ("fr.srt", "")],
)
def test_a_name_tells_the_language(name: str, language: str) -> None:
    assert subtitles.language_of(name) == language


BAD = {
    "overlap": ("00:00:01,000 --> 00:00:03,000\na\n\n00:00:02,900 --> 00:00:04,000\nb\n", "overlap"),
    "past the end": ("00:00:05,000 --> 00:00:06,100\nhello\n", "ends at 6.10 s"),
    "backwards": ("00:00:03,000 --> 00:00:02,000\nhello\n", "lasts -1.00 s"),
    "too short a slot": ("00:00:03,000 --> 00:00:03,250\nThis is a long sentence of many words.\n", "shorten its text"),
    "no times": ("00:00:03.000 --> later\nhello\n", "line 1"),
    "none": ("just a text\n", "no subtitles"),
    "another script": ("00:00:01,000 --> 00:00:03,000\nПривет, друг\n", "Cyrillic"),
    "nothing to say": ("00:00:01,000 --> 00:00:03,000\n[music]\n", "nothing to speak"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "word"), BAD.values(), ids=BAD)
def test_subtitles_that_cannot_be_spoken_are_a_sentence(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "bad.srt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=word) as found:
        speak_for(clip(), srt=tmp_path / "bad.srt", like="none")
    assert "\n" not in str(found.value)


def test_a_file_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.srt").write_bytes(b"\0\1\2\3" * 100)
    for name in ("bad.srt", "none.srt", "."):
        with pytest.raises(InputError, match=r"\.srt"):
            subtitles.read(tmp_path / name)


@pytest.mark.parametrize("fill", [False, True])
def test_each_subtitle_is_spoken_in_its_slot_to_the_sample(srt: Path, fill: bool) -> None:
    cues = subtitles.read(srt)
    said = speak_in(cues, 6.0, fill=fill)
    assert len(said.samples) == 6 * said.rate
    loud = np.abs(said.samples) > 1e-3
    for cue in cues:
        first, last = round(cue.start * said.rate), round(cue.stop * said.rate)
        assert loud[first : first + 3].any()
        assert not loud[last:][: said.rate // 3].any()
        if fill:
            assert loud[first : last + 1][-said.rate // 10 :].any()
    assert not loud[: round(0.5 * said.rate)].any()
    assert all(any(cue.start <= p.start < p.end <= cue.stop + 1e-3 for cue in cues) for p in said.phones)


def test_a_long_text_is_spoken_faster_and_that_is_said() -> None:
    text = "This is quite a long sentence to be spoken."
    slow = speak(text).duration
    said = speak_in([Cue(1, 0.0, slow / 1.8, text)], slow)
    assert [issue.code for issue in said.issues] == ["hurried"]
    assert said.phones[-1].end <= slow / 1.8 + 1e-3


def test_a_text_is_spoken_when_the_clip_speaks() -> None:
    voice = speak("This is what was said before, in the first place.")
    quiet = np.zeros(2 * voice.rate, np.float32)
    own = Audio(np.concatenate([quiet, voice.samples, quiet, voice.samples, quiet]), voice.rate)
    spans = segments(own)
    assert [round(start) for start, _ in spans] == [2, round(4 + voice.duration)]
    cues = fitted("One is here. Two is there.", own.duration, own)
    assert [cue.text for cue in cues] == ["One is here.", "Two is there."]
    assert [(cue.start, cue.stop) for cue in cues] == list(spans)
    assert fitted("Only one.", own.duration, own) == (Cue(1, spans[0][0], spans[1][1], "Only one."),)
    assert fitted("Only one.", 9.0, None) == (Cue(1, 0.0, 9.0, "Only one."),)


def test_a_speech_is_stretched_to_the_clip() -> None:
    made = stretched(drawn.voice(4.0, 16000), clip(6.0))
    assert len(made.samples) == 6 * 16000
    with pytest.raises(InputError, match="still sounds like speech"):
        stretched(drawn.voice(1.0, 16000), clip(6.0))
    with pytest.raises(InputError, match="still picture"):
        stretched(drawn.voice(1.0, 16000), replace(clip(), length=1))


def test_where_the_own_voice_is_not_known_it_is_said() -> None:
    said = speak_for(clip(audio=Audio(np.zeros(96000, np.float32), 16000)), text="Hello there.")
    assert [issue.code for issue in said.issues] == ["voice"]
    assert said.measured == ()
    assert speak_for(clip(), text="Hello there.", like="none").issues == ()


def test_dub_takes_a_text_or_subtitles(
    studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(studio, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["dub", "talk.mp4", "--text", "Hello.", "--language", "en", "-o", "text.mp4"]) == 0
    assert "own voice is not known" in capsys.readouterr().out
    assert 8 <= media.open("text.mp4").length <= 40
    Path("talk.srt").write_text("1\n00:00:00,200 --> 00:00:00,900\nHello.\n")
    line = "dub talk.mp4 --srt talk.srt --like none --voice espeak:f2 --voice-with melody=20 -o srt.mp4"
    assert cli.main(line.split()) == 0
    made = media.open("srt.mp4")
    assert made.length == 25
    assert made.audio is not None
    loud = np.flatnonzero(np.abs(made.audio.samples) > 0.02) / made.audio.rate
    assert 0.15 < loud[0] < 0.3
    assert loud[-1] < 0.95


def test_the_speech_may_stand_behind_the_options() -> None:
    for line in ("dub a.mp4 b.wav -o c.mp4", "dub a.mp4 -o c.mp4 b.wav", "dub -o c.mp4 a.mp4 b.wav"):
        known = cli.parser().parse_args(line.split())
        assert (known.video, known.speech) == (Path("a.mp4"), Path("b.wav"))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("dub talk.mp4 -o out.mp4", "--text"),
        ("dub talk.mp4 speech.wav --text Hello -o out.mp4", "speech is given"),
        ("dub talk.mp4 --text Hello --srt talk.srt -o out.mp4", "either a text"),
        ("dub talk.mp4 speech.wav --language fr -o out.mp4", "--language says nothing"),
        ("dub portrait.png --text Hello --fit -o out.mp4", "still picture"),
        ("dub talk.mp4 --text Hello --voice-with colour=red -o out.mp4", "colour"),
        ("dub talk.mp4 --text Hello --like speech.wav -o out.mp4", "of speech are heard"),
    ],
)
def test_what_dub_cannot_say_is_a_sentence(
    line: str, word: str, studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(studio)
    assert cli.main(line.split()) == 1
    told = capsys.readouterr().err
    assert word in told
    assert len(told.splitlines()) == 1
    assert not Path("out.mp4").exists()
