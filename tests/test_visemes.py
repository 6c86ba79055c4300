"""The verb visemes: files that other programs read, of a text, a voice, or a face."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import drawn
from lipwright import cli, faces, lips, media
from lipwright.errors import InputError, OutputError
from lipwright.media import resample
from lipwright.types import Audio, Float, Phone
from lipwright.visemes import Found, blendshapes, drawing, visemes, writing
from lipwright.visemes.verb import shapes_of
from portrait import studio  # noqa: F401

TALK = (Phone("m", 0.2, 0.3), Phone("a", 0.3, 0.6), Phone("f", 0.6, 0.7), Phone("uː", 0.7, 1.0))


@pytest.fixture(scope="module")
def found() -> Found:
    return visemes(drawn.silence(1.3), timeline=TALK)


def column(table: Float, name: str) -> Float:
    return table[:, blendshapes.NAMES.index(name)]


def test_a_timeline_gives_cues_curves_and_blendshapes_of_one_length(found: Found) -> None:
    assert found.duration == 1.3
    assert [cue.rhubarb for cue in found.cues] == list("XADGFX")
    assert found.curve.shape == (78, 6)
    assert found.blendshapes.shape == (78, 52)
    assert (found.cues_by, found.curves_by) == ("text", "text")
    jaw, pucker = column(found.blendshapes, "jawOpen"), column(found.blendshapes, "mouthPucker")
    assert jaw[27] > 0.5
    assert jaw[15] < 0.01
    assert pucker[51] > 0.3
    assert pucker[27] < 0.1
    assert column(found.blendshapes, "mouthRollLower")[39] > 0.6


def test_tsv_is_as_rhubarb_writes_it(found: Found, tmp_path: Path) -> None:
    lines = writing.write(found, tmp_path / "a.tsv").read_text().splitlines()
    assert lines == ["0.00\tX", "0.20\tA", "0.30\tD", "0.60\tG", "0.70\tF", "1.00\tX", "1.30\tX"]


def test_json_is_as_rhubarb_writes_it_and_knows_the_phones(found: Found, tmp_path: Path) -> None:
    data = json.loads(writing.write(found, tmp_path / "a.json", sound=Path("talk.wav")).read_text("utf-8"))
    assert data["metadata"] == {"soundFile": "talk.wav", "duration": 1.3}
    assert data["mouthCues"][1] == {"start": 0.2, "end": 0.3, "value": "A"}
    assert [phone["value"] for phone in data["phones"]] == ["m", "a", "f", "uː"]


def test_xml_is_as_rhubarb_writes_it_and_escapes_names(found: Found, tmp_path: Path) -> None:
    root = ElementTree.parse(writing.write(found, tmp_path / "a.xml", sound=Path("a & b.wav"))).getroot()
    assert root.tag == "rhubarbResult"
    assert root.findtext("metadata/soundFile") == "a & b.wav"
    cues = root.findall("mouthCues/mouthCue")
    assert [(cue.get("start"), cue.get("end"), cue.text) for cue in cues][1] == ("0.20", "0.30", "A")


@pytest.mark.parametrize(("shapes", "names"), [("oculus", ["sil", "PP", "aa", "FF", "ou", "sil"]),
                                               ("microsoft", ["0", "21", "2", "18", "7", "0"])])  # fmt: skip
def test_other_names_of_the_shapes(found: Found, tmp_path: Path, shapes: writing.Shapes, names: list[str]) -> None:
    lines = writing.write(found, tmp_path / "a.tsv", shapes=shapes).read_text().splitlines()
    assert [line.split("\t")[1] for line in lines[:-1]] == names


def test_csv_holds_all_52_of_arkit_sixty_times_a_second(found: Found, tmp_path: Path) -> None:
    with writing.write(found, tmp_path / "a.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 78
    assert len(rows[0]) == 53
    assert float(rows[60]["time"]) == 1.0
    assert float(rows[27]["jawOpen"]) == pytest.approx(column(found.blendshapes, "jawOpen")[27], abs=1e-4)
    assert len(set(blendshapes.NAMES)) == 52


def test_neighbours_of_one_shape_are_one_cue(tmp_path: Path) -> None:
    same = visemes(drawn.silence(1.0), timeline=(Phone("t", 0.0, 0.2), Phone("k", 0.2, 0.5), Phone("a", 0.5, 1.0)))
    assert len(same.cues) == 3
    assert writing.write(same, tmp_path / "a.tsv").read_text() == "0.00\tB\n0.50\tD\n1.00\tX\n"


def test_what_cannot_be_written_is_a_sentence(found: Found, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.tsv"):
        writing.write(found, tmp_path / "a.txt")
    with pytest.raises(OutputError):
        writing.write(found, tmp_path / "none" / "a.tsv")
    with pytest.raises(InputError, match="rhubarb, oculus, microsoft; given 'disney'"):
        writing.write(found, tmp_path / "a.tsv", shapes="disney")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def mesh(open_by: float = 0.0, narrower: float = 0.0, corners_up: float = 0.0) -> Float:
    """A mean face (468, 3) whose mouth is opened (eye distances), made narrower (share), with corners lifted."""
    shape = faces.canonical().points.astype(np.float32).copy()
    lower = np.array([*faces.INNER_LOWER, 152, 17, 84, 314])
    shape[lower, 1] += open_by
    for corner in (61, 291):
        shape[corner, 0] *= 1 - narrower
        shape[corner, 1] -= corners_up
    return shape


def test_a_mesh_gives_the_blendshapes_of_what_moved() -> None:
    rest = [mesh()] * 6
    table = blendshapes.of_mesh(np.stack([*rest, mesh(0.2), mesh(0, 0.25), mesh(0.15, 0.25), mesh(0, 0, 0.1)]))
    assert table[:6].max() < 0.05
    assert column(table, "jawOpen")[6] > 0.5
    assert column(table, "mouthPucker")[7] > 0.6
    assert column(table, "mouthFunnel")[8] > 0.5 > column(table, "mouthPucker")[8]
    assert column(table, "mouthSmileLeft")[9] > 0.6
    assert column(table, "mouthSmileRight")[9] > 0.6
    assert column(table, "jawOpen")[[7, 9]].max() < 0.1


def test_left_is_the_person_s_left() -> None:
    lifted = mesh()
    lifted[291, 1] -= 0.1  # the corner on the picture's right
    table = blendshapes.of_mesh(np.stack([mesh()] * 5 + [lifted]))
    assert faces.canonical().points[291, 0] > 0
    assert column(table, "mouthSmileLeft")[5] > 0.6
    assert column(table, "mouthSmileRight")[5] < 0.1


def test_frames_without_a_face_are_at_rest() -> None:
    shape = np.stack([mesh(), mesh(0.2), mesh()])
    shape[1] = np.nan
    assert not blendshapes.of_mesh(shape)[1].any()
    assert not blendshapes.of_mesh(shape[1:2]).any()
    assert np.isfinite(blendshapes.lips_of_mesh(shape)).all()


def test_shapes_of_a_curve_are_steady_and_rest_in_pauses() -> None:
    curve = np.zeros((120, 6), np.float32)
    curve[:40, 0], curve[40:44, 3], curve[44:80, 0], curve[60, 0] = 0.8, 1, 0.3, 0.8
    cues = shapes_of(curve, 2.0, 60.0)
    assert [cue.rhubarb for cue in cues] == list("DACX")
    assert cues[1].start == pytest.approx(40 / 60)
    assert cues[-1].end == 2.0


def test_a_voice_alone_closes_opens_and_rests(speech: Path) -> None:
    sound = media.open_audio(speech)
    padded = Audio(np.concatenate([resample(sound, 16000).samples, np.zeros(16000, np.float32)]), 16000)
    done = visemes(padded)
    assert done.cues_by == done.curves_by == "voice"
    assert len(done.curve) == len(done.blendshapes) == int(np.ceil(padded.duration * 60 - 1e-9))
    assert done.cues[-1].rhubarb == "X"
    assert done.curve[: round(sound.duration * 60), 0].max() > 2 * done.curve[-20:, 0].max()
    assert {cue.rhubarb for cue in done.cues} <= set(lips.RHUBARB)


def test_the_drawn_face_shows_what_the_lips_do() -> None:
    def dark(symbol: str) -> int:
        picture = drawing.face(lips.targets(lips.phones.sounds(symbol)[0]))
        return int((picture[190:, :, 1] < 40).sum())

    def red_columns(symbol: str) -> int:
        picture = drawing.face(lips.targets(lips.phones.sounds(symbol)[0])).astype(int)
        return int(((picture[..., 0] - picture[..., 1] > 90).any(0)).sum())

    assert dark("a") > dark("ɛ") > dark("m")
    assert red_columns("i") > red_columns("a") > red_columns("u")


def test_the_command_writes_shapes_and_a_preview(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["visemes", str(speech), "-o", "out.tsv", "--fps", "25", "--preview", "out.mp4"]
    assert cli.main(given) == 0
    assert "out.tsv: 2.02 s" in capsys.readouterr().out
    preview = media.open(tmp_path / "out.mp4")
    assert (preview.length, preview.size) == (51, (320, 320))
    assert preview.audio is not None
    assert preview.audio.duration == pytest.approx(2.02, abs=0.05)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fps", "0"], "1 to 240 frames a second; given 0"),
        (["--text", "hello", "--language", "xx"], "speaks no language 'xx'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")
    assert cli.main(["visemes", str(speech), "-o", str(tmp_path / "a.tsv"), *options]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_face_of_a_video_gives_its_curves(studio: Path) -> None:
    clip = media.open(studio / "talk.mp4")
    done = visemes(clip)
    assert (done.cues_by, done.curves_by) == ("mesh", "mesh")
    assert len(done.curve) == 60
    assert done.blendshapes.max() < 0.5, "a still picture hardly moves"
    with pytest.raises(InputError, match="this video has none"):
        visemes(replace(clip, audio=None), text="hello")


def test_text_is_laid_on_a_sound_and_spelt_as_its_language_has_it() -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")
    from lipwright import espeak

    sound = espeak.speak("चाय", "hi", variant="f2").audio
    done = visemes(sound, text="चाय", language="hi")
    assert done.phones[0].symbol == "c"
    assert next(cue.oculus for cue in done.cues if cue.phone) == "CH"
