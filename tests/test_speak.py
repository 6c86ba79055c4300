"""The verb speak: what it says, what it takes and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import cli, features, media, speak as verb
from lipwright.errors import InputError, MissingExtraError
from lipwright.media.stretch import shift, stretch
from lipwright.speak import speak
from lipwright.types import Audio
from test_voices import WRITES

TEXT = "Hello there. How are you today?"


def test_speak_gives_a_sound_with_its_phones() -> None:
    said = speak(TEXT, language="en")
    assert 1 < said.duration < 4
    assert np.abs(said.samples).max() > 0.05
    assert len(said.phones) >= 14
    assert all(0 <= phone.start < phone.end <= said.duration + 1e-6 for phone in said.phones)
    assert [p.start for p in said.phones] == sorted(p.start for p in said.phones)
    assert said.measured == ()


def test_ten_thousand_characters_are_spoken_in_pieces() -> None:
    told: list[tuple[int, int, str]] = []
    text = ("It rains. " * 1000)[:10_000]
    said = speak(text, pace=2.5, progress=lambda *now: told.append(now))
    assert said.duration > 200
    assert said.phones[-1].end > said.duration - 2
    assert sum(1 for _, _, what in told if what == "speaking") >= 10


def test_a_voice_that_knows_no_manner_is_made_slower_and_higher() -> None:
    voice = f"command:{WRITES}"
    plain, slow = speak("Hello", voice=voice), speak("Hello", voice=voice, pace=0.5)
    assert slow.duration == pytest.approx(2 * plain.duration, abs=0.001)
    louder = speak("Hello", voice=voice, volume=6)
    assert np.abs(louder.samples).max() == pytest.approx(2 * np.abs(plain.samples).max(), rel=0.01)


@pytest.mark.parametrize("seconds", [0.6, 1.3, 1.9, 5.0])
def test_stretching_keeps_the_pitch_and_is_exact(seconds: float) -> None:
    tone = drawn.voice(2.0, 16000, seed=3)
    made = stretch(tone, seconds)
    assert len(made.samples) == round(16000 * seconds)
    assert np.nanmedian(features.pitch(made)) == pytest.approx(np.nanmedian(features.pitch(tone)), rel=0.05)


def test_shifting_moves_the_pitch_and_keeps_the_length() -> None:
    time = np.arange(16000) / 16000
    tone = Audio((sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 9)) * 0.3).astype(np.float32), 16000)
    made = shift(tone, 4.0)
    assert len(made.samples) == 16000
    assert np.nanmedian(features.pitch(made)) == pytest.approx(150 * 2 ** (4 / 12), rel=0.01)


def test_a_sound_cannot_be_stretched_without_end() -> None:
    with pytest.raises(InputError, match="times as fast"):
        stretch(drawn.voice(1.0, 16000), 9.0)


BAD = {
    "no text": (["", "-o", "out.wav"], "empty"),
    "nothing but marks": (["?! ...", "-o", "out.wav"], "empty"),
    "no such language": (["hello", "--language", "xx", "-o", "out.wav"], "'xx'"),
    "another script": (["Привет, как дела?", "--language", "fr", "-o", "out.wav"], "Cyrillic"),
    "Latin for Arabic": (["Good morning", "--language", "ar", "-o", "out.wav"], "Arabic"),
    "no such voice": (["hello", "--voice", "nobody", "-o", "out.wav"], "espeak"),
    "no such variant": (["hello", "--voice", "espeak:nobody", "-o", "out.wav"], "f3"),
    "no such option": (["hello", "--with", "colour=red", "-o", "out.wav"], "colour"),
    "an option of another kind": (["hello", "--with", "melody=soft", "-o", "out.wav"], "melody"),
    "an option of speak itself": (["hello", "--with", "pace=2", "-o", "out.wav"], "pace"),
    "too fast": (["hello", "--pace", "9", "-o", "out.wav"], "0.4 to 2.5"),
    "a server that is down": (["hello", "--voice", "openai:x", "--with", "url=http://127.0.0.1:9/v1", "-o", "a.wav"],
                              "cannot be reached"),
    "SSML for one that cannot": (["<speak/>x", "--ssml", "--voice", "command:x {out}", "-o", "out.wav"], "SSML"),
    "no kind of sound": (["hello", "-o", "out.txt"], "out.txt"),
    "no folder": (["hello", "-o", "no/out.wav"], "no"),
    "no such recording": (["hello", "--like", "none.wav", "-o", "out.wav"], "none.wav"),
    "a silent recording": (["hello", "--like", "silent.wav", "-o", "out.wav"], "0.0 s of speech"),
    "a recording that is too short": (["hello", "--like", "short.wav", "-o", "out.wav"], "3 s"),
    "the output is the recording": (["hello", "--like", "short.wav", "-o", "short.wav"], "short.wav"),
    "too long a text": (["a " * 100_001, "-o", "out.wav"], "200,000"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "word"), BAD.values(), ids=BAD)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    words: list[str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn.write_sound(tmp_path / "silent.wav", np.zeros(16000 * 5, np.float32), 16000)
    short = speak("Hello there.")
    drawn.write_sound(tmp_path / "short.wav", short.samples, short.rate)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert cli.main(["speak", *words]) == 1
    told = capfd.readouterr()
    assert told.err.startswith("lipwright: ")
    assert word in told.err
    assert len(told.err.splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("name", ["out.wav", "out.flac", "out.mp3", "out.m4a", "out.ogg"])
def test_the_command_writes_a_sound(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["speak", TEXT, "--language", "en", "-o", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["phones"][0]["symbol"] == "h"
    assert media.open_audio(tmp_path / name).duration == pytest.approx(told["seconds"], abs=0.12)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyworld", None)
    from lipwright import vocoder

    vocoder._world.cache_clear()
    with pytest.raises(MissingExtraError, match=r"lipwright\[voices\]"):
        vocoder.analyse(drawn.voice(1.0, 16000))


def test_the_verb_is_a_function_of_the_package() -> None:
    import lipwright

    assert lipwright.speak is speak
    assert verb is lipwright.speak or verb.speak is speak
