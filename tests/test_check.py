"""check as a verb: what it is given, what it tells, what it repairs."""

from __future__ import annotations

import json
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

import defective
import drawn
from lipwright import check, cli, loudness, media, registry
from lipwright.check.found import Notes, joined, when
from lipwright.errors import InputError, MediaError, OutputError
from lipwright.types import Audio, Issue
from scenes import said

RATE = 16000


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """talk.mp4, of an unsteady rate, its channels unlike; speech.wav, a voice with every defect that is mended."""
    for name in ("silero_vad", "speaker_encoder", "face_landmark", "face_detection_full_range"):
        if not registry.is_here(name):
            pytest.skip(f"{name} is not here; `lipwright models pull` brings it")
    folder = tmp_path_factory.mktemp("poor")
    times = np.cumsum([0.0, *([0.04, 0.04, 0.04, 0.12] * 8)])
    pictures = [drawn.face(0.2 + 0.02 * n, centre=(0.45 + 0.002 * n, 0.5)) for n in range(len(times))]
    sound = defective.voice(2.0).samples
    drawn.write(folder / "talk.mp4", pictures, times=times.tolist(), audio=np.stack([sound, -sound]), rate=RATE)
    wavfile.write(folder / "speech.wav", 8000, _worn(media.resample(defective.voice(), 8000)))
    wavfile.write(folder / "fine.wav", RATE, (defective.voice().samples * 32767).astype(np.int16))
    return folder


def _worn(voice: Audio) -> np.ndarray:
    """Noisy, quiet, off zero, with long silence at its ends: int16 (N,)."""
    noise = drawn.noise(voice.duration + 3, voice.rate, 0.01).samples
    silent = np.zeros(round(1.5 * voice.rate), np.float32)
    samples = np.concatenate([silent, voice.samples, silent])
    return ((0.1 * (samples + noise[: len(samples)]) + 0.05) * 32767).astype(np.int16)


def content(folder: Path) -> dict[str, str]:
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


MENDED = {"low_sample_rate", "dc_offset", "noisy", "too_quiet", "silence_at_start", "silence_at_end"}


def test_what_is_repaired_is_gone_and_the_original_stays(poor: Path, tmp_path: Path) -> None:
    before = content(poor)
    found = check(poor / "speech.wav", fix=True, out=tmp_path)
    assert {issue.code for issue in found.issues} >= MENDED
    (repaired,) = found.repaired
    assert repaired.out == tmp_path / "speech.fixed.wav" and set(repaired.codes) >= MENDED
    after = check(repaired.out)
    assert not MENDED & {issue.code for issue in after.issues}
    assert after.figure("sample_rate").value == RATE
    assert after.figure("sound_seconds").value == pytest.approx(6.4, abs=0.5)
    assert loudness.loudness(media.open_audio(repaired.out)) == pytest.approx(-23, abs=0.5)
    assert "narrow_band" in after and set(found.remain) <= {"narrow_band", "several_voices"}
    assert content(poor) == before
    assert any("dB above it before" in sentence for sentence in repaired.done)
    assert after.figure("snr").value > found.figure("snr").value + 8


def test_a_video_is_repaired_beside_it_with_a_constant_rate(poor: Path, tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes((poor / "talk.mp4").read_bytes())
    found = check(video, fix=True)
    assert {"variable_frame_rate", "channels_cancel"} <= {issue.code for issue in found.issues}
    out = tmp_path / "talk.fixed.mp4"
    assert out.is_file() and found.repaired[0].source == video
    after = check(out)
    assert not {"variable_frame_rate", "channels_cancel"} & {issue.code for issue in after.issues}
    assert after.figure("picture_seconds").value == pytest.approx(found.figure("picture_seconds").value, abs=0.05)
    assert loudness.loudness(media.open_audio(out)) == pytest.approx(-23, abs=1)


def test_a_video_whose_sound_alone_is_repaired_keeps_its_pictures(poor: Path, tmp_path: Path) -> None:
    sound = 0.01 * defective.voice(2.0).samples
    pictures = [drawn.face(0.2 + 0.01 * n, centre=(0.45 + 0.002 * n, 0.5)) for n in range(50)]
    video = drawn.write(tmp_path / "talk.mp4", pictures, audio=sound[None], rate=RATE)
    found = check(video, fix=True)
    assert "too_quiet" in found and "the pictures are copied as they are" in found.repaired[0].done
    one, other = (list(media.open(path).read()) for path in (video, tmp_path / "talk.fixed.mp4"))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_nothing_is_written_where_there_is_nothing_to_mend(
    poor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = check(poor / "fine.wav", fix=True, out=tmp_path / "none")
    assert not found.repaired and not list(tmp_path.iterdir())
    assert cli.main(["check", str(poor / "fine.wav"), "--fix", "-q"]) == 0
    assert "no file was written" in capsys.readouterr().out


def test_clipping_is_rounded(tmp_path: Path) -> None:
    voice = defective.voice()
    wavfile.write(tmp_path / "loud.wav", RATE, np.clip(voice.samples * 120000, -32768, 32767).astype(np.int16))
    found = check(tmp_path / "loud.wav", fix=True)
    after = check(found.repaired[0].out)
    assert found["clipped"].spans and ("clipped" not in after or after["clipped"].spans != found["clipped"].spans)
    clean, mended = voice.samples, media.open_audio(found.repaired[0].out).samples
    clipped = np.clip(voice.samples * 120000 / 32767, -1, 1)
    assert _error(mended, clean) < _error(clipped, clean)


def _error(samples: np.ndarray, truth: np.ndarray) -> float:
    """How far samples are from the truth at the best gain, as a part of it."""
    gain = float(samples @ truth / (samples @ samples))
    return float(np.linalg.norm(gain * samples - truth) / np.linalg.norm(truth))


def test_the_speech_given_is_heard_and_not_the_videos_own(poor: Path) -> None:
    found = check(poor / "talk.mp4", poor / "fine.wav")
    assert "channels_cancel" not in found and found.figure("snr").value > 20
    assert found.inputs == (str(poor / "talk.mp4"), str(poor / "fine.wav"))
    assert "length_mismatch" in found


def test_silence_in_a_videos_own_sound_is_a_note(tmp_path: Path) -> None:
    sound = defective.voice(2.0).padded(1.0).samples
    video = drawn.write(tmp_path / "talk.mp4", [drawn.face(0.2)] * 75, audio=sound[None], rate=RATE)
    assert check(video)["silence_at_start"].severity == "info"
    assert check(None, video)["silence_at_start"].severity == "warning"


def test_json_has_stable_keys(poor: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(poor / "talk.mp4"), str(poor / "speech.wav"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"inputs", "worst", "issues", "figures", "repaired", "remain"}
    issue = next(issue for issue in told["issues"] if issue["code"] == "silence_at_start")
    assert set(issue) == {"code", "severity", "message", "remedy", "at", "spans", "subject"}
    assert issue["spans"][0] == pytest.approx([0, 1.5], abs=0.2) and issue["subject"] == "sound"
    assert set(told["figures"]["snr"]) == {"value", "unit", "limit", "fine"}


def test_people_read_figures_findings_and_remedies(poor: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(poor / "speech.wav"), "-q"]) == 0
    told = capsys.readouterr().out
    assert "! voice above noise" in told and "[silence_at_start]" in told and "(at 0.00-1." in told


def test_strict_exits_with_1_for_errors_alone(poor: Path, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "silent.wav", RATE, np.zeros(RATE, np.int16))
    assert cli.main(["check", str(tmp_path / "silent.wav"), "-q"]) == 0
    assert cli.main(["check", str(tmp_path / "silent.wav"), "-q", "--strict"]) == 1
    assert cli.main(["check", str(poor / "speech.wav"), "-q", "--strict"]) == 0


def test_what_cannot_be_checked_is_a_sentence(poor: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("no media")
    assert "there is no file" in said(["check", tmp_path / "none.mp4"], capfd)
    assert "is not a video" in said(["check", tmp_path / "words.txt"], capfd)
    assert "has no picture" in said(["check", poor / "fine.wav", poor / "fine.wav"], capfd)
    assert "among the dubbers" in said(["check", poor / "fine.wav", "--dubber", "nobody"], capfd)
    assert "nothing is written without --fix" in said(["check", poor / "fine.wav", "-o", tmp_path], capfd)
    (tmp_path / "taken").write_text("a file")
    assert "is a file; give a folder" in said(["check", poor / "fine.wav", "--fix", "-o", tmp_path / "taken"], capfd)
    assert "give the VIDEO or SOUND" in said(["check", "--fix"], capfd)


def test_what_lies_in_memory_is_not_repaired() -> None:
    with pytest.raises(InputError, match="only a file can be repaired"):
        check(None, drawn.voice(1.0), fix=True)


def test_a_video_without_sound_is_checked(tmp_path: Path) -> None:
    video = drawn.write(tmp_path / "mute.mp4", [drawn.face(0.01 * n) for n in range(10)])
    assert check(video)["no_sound"].severity == "info"
    with pytest.raises(InputError, match="no sound track"):
        check(None, video)


def test_a_still_picture_is_checked(tmp_path: Path) -> None:
    picture = drawn.still(tmp_path / "face.png", drawn.face(0.2, size=(1280, 720)))
    found = check(picture)
    assert "still_picture" in found and "variable_frame_rate" not in found


def test_a_file_that_is_cut_off_is_refused(poor: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes((poor / "talk.mp4").read_bytes()[:500])
    with pytest.raises(MediaError, match="damaged"):
        check(tmp_path / "cut.mp4")


def test_a_repaired_file_never_replaces_an_input(poor: Path, tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_bytes((poor / "speech.wav").read_bytes())
    (tmp_path / "speech.fixed.wav").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check(tmp_path / "speech.wav", fix=True)


def test_spans_are_joined_and_short_ones_left_out() -> None:
    flags = np.zeros(100, bool)
    flags[[*range(10, 20), *range(22, 30), 60]] = True
    assert joined(flags, 25.0) == ((0.4, 1.2),)
    assert joined(flags, 25.0, brief=0.0) == ((0.4, 1.2), (2.4, 2.44))
    assert joined(~flags, 25.0, end=3.5)[-1][1] == 3.5
    assert when(()) == "" and when(((0.4, 1.2), (3.0, 3.0))) == " (at 0.40-1.20 s, 3.00 s)"
    assert "and 2 more" in when(tuple((float(n), n + 0.5) for n in range(8)))


def test_a_finding_is_an_issue_that_reaches_over_its_spans() -> None:
    notes = Notes("picture")
    notes.issue("too_dark", "warning", "the face is dark", [(1.0, 2.0), (4.0, 5.0)])
    (issue,) = notes.issues
    assert isinstance(issue, Issue) and issue.at == (1.0, 5.0) and issue.remedy
    notes.figure("light", "light", float("nan"))
    assert notes.figures[0].value is None


def test_half_an_hour_of_sound_is_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels, a piece at a time, are those of the whole."""
    from lipwright import ondisk
    from lipwright.check import levels

    voice = defective.voice(4.0)
    loud = Audio(np.clip(voice.samples * 4, -0.3, 0.3).astype(np.float32), RATE)
    whole = levels.levels(loud)
    monkeypatch.setattr(ondisk, "PIECE", 1 << 17)
    pieces = levels.levels(loud)
    assert pieces.clipped == whole.clipped and pieces.peak == whole.peak
    assert pieces.bandwidth == pytest.approx(whole.bandwidth, abs=200)
    assert Fraction(RATE) == loud.rate
