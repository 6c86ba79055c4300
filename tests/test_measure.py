"""Measuring videos: a portrait that was made to speak, whose delays, silences and faults are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

import drawn
import lipwright
from lipwright import cli, media, registry
from lipwright.errors import InputError, NoFaceError, WeightsError
from lipwright.experts import Encoders
from lipwright.measure import Measured, lists, measure, table
from lipwright.types import Audio, Clip, Phone
from portrait import ASSETS, studio  # noqa: F401

KEYS = {
    "offset_frames", "offset_ms", "lse_d", "lse_c", "lse_d_valid", "lse_c_valid", "auc_calibration", "metrics", "floor",
    "ceiling", "spans", "expert", "version", "inputs",
}  # fmt: skip
"""What machines rely on."""


@pytest.fixture(scope="module", autouse=True)
def believed() -> Iterator[None]:
    """A calibration for the shipped expert, where its card has none yet."""
    before = Encoders.calibration
    if registry.card("lipsight_video").calibration is None:
        Encoders.calibration = property(lambda _: registry.Calibration(0.9, 1.1, 5, 1, 1, 1))
    yield
    Encoders.calibration = before


@pytest.fixture(scope="module")
def spoken(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait saying 4 s of a synthetic voice, then silent for 1.2 s: 25 fps, 512 x 512."""
    voice = media.resample(media.open_audio(ASSETS / "sentence-1.m4a"), 16000).samples[: 4 * 16000]
    speech = Audio(np.concatenate([voice, np.zeros(19200, np.float32)]), 16000)
    dubbed = lipwright.dub(media.open(studio / "portrait.png"), speech)
    return media.write(dubbed, tmp_path_factory.mktemp("spoken") / "spoken.mp4")


@pytest.fixture(scope="module")
def found(spoken: Path) -> Measured:
    return measure(media.open(spoken))


def later(clip: Clip, frames: int) -> Clip:
    """The clip with its sound ``frames`` later (< 0: earlier)."""
    assert clip.audio is not None
    return clip.with_audio(drawn.shifted(clip.audio, frames / 25))


def test_what_was_made_in_sync_is_in_sync(found: Measured) -> None:
    assert found["offset_frames"] == 0
    assert found.judged.verdict == "in sync"
    assert found["sync_accuracy"] == 1
    assert found["openness"] > 0.8
    assert found["frames_off_sound"] == 0
    assert found["leak"] == 0


@pytest.mark.parametrize("frames", [-4, 5])
def test_a_known_delay_is_found_with_its_sign(spoken: Path, frames: int) -> None:
    told = measure(later(media.open(spoken), frames))
    assert told["offset_frames"] == -frames, "a sound that was delayed comes late, which is below 0"
    assert told.judged.verdict == "out of sync"
    assert ("late" if frames > 0 else "early") in told.judged.words
    codes = {problem.code for problem in told.judged.spans}
    assert ("late" if frames > 0 else "early") in codes


def test_the_right_voice_stands_out_from_the_floor(found: Measured) -> None:
    data = found.data()
    assert data["lse_d"] < data["floor"]["lse_d"]
    assert data["lse_c"] > data["floor"]["lse_c"]
    assert data["lse_c_valid"] > data["contrast_of_wrong_voice"]
    assert data["metrics"]["openness"] > data["floor"]["openness"]


def test_the_keys_are_stable_and_everything_is_json(found: Measured, spoken: Path) -> None:
    data = json.loads(json.dumps(found.data(), allow_nan=False))
    assert data.keys() >= KEYS
    assert data["inputs"]["video"] == {"file": str(spoken), "sha256": media.open(spoken).key}
    assert data["expert"] == "lipsight"
    assert {"start", "stop", "offset_frames", "problem"} <= data["spans"][0].keys()
    curve = data["curve"]
    least = min(range(len(curve["distance"])), key=curve["distance"].__getitem__)
    assert (curve["offset_ms"][least], curve["distance"][least]) == (data["offset_ms"], data["lse_d_valid"])


def test_silence_is_not_judged(found: Measured) -> None:
    assert found.judged.spans[-1].speech < found.judged.spans[0].speech
    assert all(problem.code in ("", "silence") for problem in found.judged.spans)


def test_a_reference_is_the_ceiling(spoken: Path, found: Measured) -> None:
    clip = media.open(spoken)
    told = measure(clip, reference=clip)
    assert told["lmd"] == told["lve"] == 0
    assert told["psnr_mouth"] == 100
    assert told["identity_upper"] == pytest.approx(1)
    assert told.best is not None
    assert told.best.scores() == pytest.approx(found.judged.scores(), abs=1e-3)
    assert told.data()["ceiling"]["lse_d"] == pytest.approx(found["lse_d"], abs=1e-3)


def test_a_source_that_is_silent_gives_no_ceiling(spoken: Path, studio: Path) -> None:
    told = measure(media.open(spoken), source=media.open(studio / "talk.mp4"))
    assert told["identity_upper"] > 0.98
    assert told["expression_distance"] < 0.02
    assert told.best is None
    assert told.data()["ceiling"] == {}


def test_a_wrong_voice_is_not_called_in_sync(spoken: Path) -> None:
    other = media.resample(media.open_audio(ASSETS / "sentence-2.m4a"), 16000)
    told = measure(media.open(spoken), speech=Audio(other.samples[: 16000 * 5], 16000))
    assert told.judged.verdict != "in sync"
    assert told["openness"] < 0.6


def test_a_text_is_laid_on_the_sound_and_spelt_as_its_language_has_it() -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")
    from lipwright import espeak
    from lipwright.commands.measure import _phones

    sound = espeak.speak("चाय", "hi", variant="f2").audio
    assert _phones(sound, "चाय", "hi")[0].symbol == "tɕ"
    assert _phones(sound, "", "hi") == _phones(None, "चाय", "hi") == ()


def test_phones_are_a_hook_for_timelines(spoken: Path) -> None:
    phones = [Phone("a", at, at + 0.2) for at in (0.5, 1.5, 2.5)]
    assert "vowels_open" in measure(media.open(spoken), phones=phones).data()["metrics"]


def test_a_clip_of_less_than_a_second_is_measured_without_a_verdict(spoken: Path) -> None:
    told = measure(media.open(spoken).part(10, 26))
    assert told.judged.verdict == "cannot say"
    assert np.isfinite(told["lse_d"])


def still(clip: Clip, picture: np.ndarray) -> Clip:
    return replace(clip, frames=lambda start, stop: repeat(picture, stop - start), key="", source=None)


def test_what_cannot_be_measured_is_a_sentence(spoken: Path) -> None:
    clip = media.open(spoken)
    seconds = clip.duration
    grey = np.full((240, 320, 3), 128, np.uint8)
    for bad, error, words in (
        (clip.with_audio(None), InputError, "has no sound"),
        (clip.with_audio(drawn.silence(seconds)), InputError, "silent from end to end"),
        (clip.with_audio(drawn.tone(seconds)), InputError, "s of speech are heard"),
        (clip.with_audio(drawn.noise(seconds)), InputError, "s of speech are heard"),
        (clip.with_audio(drawn.silence(0.2)), InputError, r"lasts 0\.20 s"),
        (clip.with_audio(Audio(np.full(80000, np.nan, np.float32), 16000)), InputError, "not numbers"),
        (clip.part(0, 3), InputError, r"lasts 0\.12 s \(3 frames\)"),
        (replace(still(clip, grey), size=(320, 240)), NoFaceError, "no face"),
    ):
        with pytest.raises(error, match=words):
            measure(bad)


def test_an_expert_that_is_not_calibrated_shows_no_number(spoken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoders, "calibration", None)
    with pytest.raises(WeightsError, match="never calibrated"):
        measure(media.open(spoken))


def test_a_face_nobody_has_is_told_who_is_there(spoken: Path) -> None:
    with pytest.raises(InputError, match="there is no face 7; face 0"):
        measure(media.open(spoken), face="7")
    with pytest.raises(InputError, match="one face is measured at a time"):
        measure(media.open(spoken), face="all")
    assert measure(media.open(spoken), face="225,120")["offset_frames"] == 0


def test_an_expert_nobody_knows_is_told_the_names(spoken: Path) -> None:
    with pytest.raises(InputError, match="lipsight"):
        measure(media.open(spoken), expert="nobody")


def test_the_table_names_every_figure_and_every_problem(found: Measured, spoken: Path) -> None:
    text = table.one(found)
    assert text.splitlines()[0] == f"{spoken.name}: in sync; {table.headline(found.judged).split('; ')[1]}"
    assert all(found.tells[measure.name] in text for measure in found.metrics)
    late = table.one(measure(later(media.open(spoken), 6)))
    assert "out of sync; the sound comes 6 frames (240 ms) late" in late
    assert f"s: {table.WRONG['late']}" in late


def test_several_videos_stand_side_by_side(found: Measured) -> None:
    text = table.several([found, found])
    assert text.count("in sync") == 2
    assert (
        next(line for line in text.splitlines() if line.startswith("LSE-D, as")).split()[-2:]
        == [f"{found['lse_d']:.3f}"] * 2
    )


def test_the_command_answers_people_and_machines(
    spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["measure", str(spoken), "--json", "--report", str(tmp_path / "out.html")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.keys() >= KEYS
    assert "<h1>spoken.mp4</h1>" in Path(told["report"]).read_text(encoding="utf-8")
    assert cli.main(["measure", str(spoken), str(spoken)]) == 0
    assert capsys.readouterr().out.count(str(spoken)) >= 2


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("measure", "--list TXT"),
        ("measure none.mp4", "none.mp4"),
        ("measure a.mp4 b.mp4 --report out.html", "one by one"),
        ("measure a.mp4 --list pairs.txt", "leave out VIDEO"),
        ("measure --list none.txt", "none.txt"),
    ],
)
def test_wrong_orders_are_a_sentence(
    line: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(line.split()) == 1
    told = capsys.readouterr().err
    assert told.startswith("lipwright: ")
    assert word in told
    assert len(told.splitlines()) == 1


def test_a_list_is_scored_and_what_cannot_be_is_counted(
    spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pairs.txt").write_text(f"{spoken.stem} {spoken.stem}\n\nnone.mp4 none.wav\n", encoding="utf-8")
    line = ["measure", "--list", str(tmp_path / "pairs.txt"), "--root", str(spoken.parent)]
    assert cli.main([*line, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["scored"], told["failed"]) == (1, 1)
    assert told["pairs"][0]["lse_d"] == told["mean"]["lse_d"]
    assert "none" in told["pairs"][1]["error"]
    assert cli.main(line) == 0
    assert "mean of 1, 1 not scored: lse_d" in capsys.readouterr().out


def test_lists_name_sound_first_where_they_are_said_to(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("a/1 b/2\n", encoding="utf-8")
    assert lists.read(path, tmp_path, "audio-video") == [(tmp_path / "b/2.mp4", tmp_path / "a/1.mp4")]
    for text, word in (("one two three\n", "line 1 .* names 3"), ("\n", "names no files")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=word):
            lists.read(path)


def test_memory_does_not_hold_pictures(spoken: Path) -> None:
    """Of every frame less is kept than a thousandth of its pixels takes."""
    import tracemalloc

    clip = media.open(spoken)
    measure(clip)
    tracemalloc.start()
    measure(clip)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 512 * 512 * 3, "far less than the 130 frames of the clip"


@pytest.mark.parametrize("frames", [-3, 2])
def test_known_delays_of_real_recordings_are_found(footage: Path, frames: int) -> None:
    clip = media.open(footage / "full" / "s001_ab9468.mp4")
    own = measure(clip)["offset_frames"]
    assert measure(later(clip, frames))["offset_frames"] == pytest.approx(own - frames, abs=1)
