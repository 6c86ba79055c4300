"""Wav2Lip's own command line: its names, defaults and meanings."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import drawn
import lipwright
from lipwright import cli, media, registry
from lipwright.errors import LipwrightError
from portrait import studio  # noqa: F401

TINY = "wav2lip_tiny"


def pictures(clip: lipwright.Clip) -> np.ndarray:
    return np.stack(list(clip.read()))


def test_strict_is_the_dubber_with_compat_and_the_originals_defaults(studio: Path) -> None:
    clip, speech = media.open(studio / "talk.mp4"), media.open_audio(studio / "speech.wav")
    plain = lipwright.dub(clip, speech, dubber="wav2lip", weights=TINY, compat=True)
    named = lipwright.wav2lip(TINY, studio / "talk.mp4", studio / "speech.wav", compat="strict")
    np.testing.assert_array_equal(pictures(plain), pictures(named))
    assert named.length < round(speech.duration * clip.fps)
    better = lipwright.wav2lip(TINY, studio / "talk.mp4", studio / "speech.wav")
    assert better.length == round(speech.duration * clip.fps)


def test_every_option_reaches_the_work(
    studio: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    line = (
        f"wav2lip --checkpoint_path {TINY} --face {studio / 'talk.mp4'} --audio {studio / 'speech.wav'} --static True "
        "--pads 0 10 0 0 --face_det_batch_size 8 --wav2lip_batch_size 64 --resize_factor 2 --crop 20 -1 0 -1 "
        "--box 60 200 60 200 --rotate --nosmooth --compat strict --json"
    )
    assert cli.main(line.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["out"] == str(tmp_path / "results" / "result_voice.mp4") and told["size"] == [256, 236]
    made = pictures(media.open(told["out"])).astype(int)
    outside = np.ones(made.shape[1:3], bool)
    outside[56:204, 56:204] = False
    assert np.abs(made[1:, outside] - made[0, outside]).mean() < 1  # the first frame stands still
    source = np.rot90(next(media.open(studio / "talk.mp4").read())[::2, ::2], -1)[20:]
    assert np.abs(made[0] - source)[outside].mean() < 6
    assert np.abs(made[0] - source)[120:200, 70:190].mean() > 12


def test_static_false_is_false(studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The original's bool("False") is True."""
    seen: list[object] = []
    monkeypatch.setattr(
        import_module("lipwright.wav2lip"), "dub", lambda *_, **options: seen.append(options["static"]) or 1 / 0
    )
    start = f"wav2lip --checkpoint_path {TINY} --face {studio / 'talk.mp4'} --audio {studio / 'speech.wav'} "
    for words in ("--static False", "--static True", "--static", ""):
        with pytest.raises(ZeroDivisionError):
            cli.main([*(start + words).split(), "--outfile", str(tmp_path / "out.mp4")])
    assert seen == [False, True, True, False]


@pytest.mark.parametrize("name", ["a.b.PNG", "still.webp"])
def test_a_picture_by_any_name_is_static_at_its_own_rate(tmp_path: Path, name: str) -> None:
    drawn.still(tmp_path / name, drawn.face(0.2))
    drawn.write_sound(tmp_path / "voice.wav", drawn.voice(0.6).samples, 16000)
    made = lipwright.wav2lip(TINY, tmp_path / name, tmp_path / "voice.wav", fps=20, resize_factor=2)
    assert (made.fps, made.length, made.size) == (Fraction(20), 12, (160, 120))
    same = lipwright.wav2lip(TINY, tmp_path / name, tmp_path / "voice.wav", fps=20, resize_factor=2, compat="strict")
    assert same.size == (320, 240)


def test_a_checkpoint_is_imported_once(
    studio: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = pytest.importorskip("torch")
    from lipwright.train import wav2lip as networks

    monkeypatch.setattr(registry, "imported_dir", lambda: tmp_path / "imported")
    torch.save({"state_dict": networks.tiny().state_dict()}, tmp_path / "My GAN.pth")
    given = (tmp_path / "My GAN.pth", studio / "talk.mp4", studio / "speech.wav")
    made = lipwright.wav2lip(*given, box=(60, 400, 60, 400))
    cards = sorted(path.name for path in (tmp_path / "imported").iterdir())
    assert len(cards) == 2 and cards[0].startswith("my-gan-") and made.length
    monkeypatch.setattr(import_module("lipwright.wav2lip"), "bring", lambda *_, **__: pytest.fail("imported again"))
    assert lipwright.wav2lip(*given, box=(60, 400, 60, 400)).length == made.length


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"checkpoint_path": "nowhere.pth"}, "there is no checkpoint nowhere.pth"),
        ({"checkpoint_path": "nobody"}, "there are no weights called 'nobody'"),
        ({"compat": "loose"}, "compat is strict or left out; given loose"),
        ({"resize_factor": 0}, "can be shrunk by 1 to"),
        ({"pads": [1, 2]}, "pads is four whole numbers"),
        ({"wav2lip_batch_size": 0}, "wav2lip_batch_size is at least 1; given 0"),
        ({"box": [0, 9999, 0, 10]}, "box is top, bottom, left, right within"),
    ],
)
def test_what_cannot_be_is_a_sentence(studio: Path, options: dict[str, object], sentence: str) -> None:
    given = {"checkpoint_path": TINY, "face": studio / "talk.mp4", "audio": studio / "speech.wav", **options}
    with pytest.raises(LipwrightError, match=sentence):
        lipwright.wav2lip(**given)


def test_a_rate_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    drawn.still(tmp_path / "face.png", drawn.face(0.2))
    drawn.write_sound(tmp_path / "voice.wav", drawn.voice(0.6).samples, 16000)
    with pytest.raises(LipwrightError, match="1 to 240 frames a second; given 0"):
        lipwright.wav2lip(TINY, tmp_path / "face.png", tmp_path / "voice.wav", fps=0)
