"""Every output says that it was edited, how, when and from what; signed where that is possible."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import drawn
from lipwright import cli, dub, media, provenance, signing as identities
from lipwright.errors import InputError, OutputError
from lipwright.media.soundfile import write_sound
from lipwright.types import Audio, Clip, Edit

signs = pytest.mark.skipif(
    not pytest.importorskip("importlib.util").find_spec("c2pa"), reason="the extra c2pa is not installed"
)
DUBBED = Edit("lips dubbed by landmark", "composite")


@pytest.fixture
def signing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without a certificate, and signatures switched on."""
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LIPWRIGHT_SIGN")
    for name in ("LIPWRIGHT_CERTIFICATE", "LIPWRIGHT_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "signing"


def edited(talk: Path) -> Clip:
    return replace(media.open(talk), edits=(DUBBED,))


def says(path: Path) -> provenance.Told:
    return provenance.told(path, media.probe(path).metadata)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_video_says_what_was_done_when_and_from_what(talk: Path, tmp_path: Path, suffix: str) -> None:
    told = says(media.write(edited(talk), tmp_path / f"out{suffix}"))
    whole = sha256(talk)
    assert told.comment.startswith("edited with lipwright ")
    assert told.comment.endswith(f": lips dubbed by landmark; video sha256 {whole}; sound sha256 {whole}")
    assert told.created.startswith("2025-06-15T15:06:40")
    assert told.manifest is None


def test_a_sound_says_how_it_was_made(tmp_path: Path) -> None:
    spoken = Audio(drawn.voice(0.5, 16000).samples, 16000, edits=(Edit("speech made by espeak", "synthetic"),))
    assert ": speech made by espeak" in says(write_sound(spoken.cut(0.1).padded(0.1), tmp_path / "a.wav")).comment


def test_a_moved_sound_is_told_with_what_was_done_before(talk: Path, tmp_path: Path) -> None:
    made = media.remux(talk, tmp_path / "a.mp4", delay=0.12, drift=1 / 6000, edits=(DUBBED,))
    assert ": lips dubbed by landmark, sound moved by +120 ms and +10 ms a minute; video sha256 " in says(made).comment


def test_dubbing_and_retiming_are_edits(talk: Path, speech: Path) -> None:
    clip, sound = media.open(talk), media.open_audio(speech)
    twice = dub(dub(clip, sound, dubber="compact", box=(0, 0, 320, 240)), sound)
    assert [edit.what for edit in twice.edits] == ["lips dubbed by compact", "lips dubbed by landmark"]
    assert {edit.made for edit in twice.edits} == {"composite"}
    assert twice.part(0, 5).edits == twice.edits


def test_a_foreign_comment_is_not_taken_for_ours(talk: Path) -> None:
    assert provenance.told(talk, {"comment": "holiday", "CREATION_TIME": "2020"}) == provenance.Told("", "2020", None)
    assert provenance.told(talk, {"COMMENT": "edited with lipwright 9"}).comment == "edited with lipwright 9"


@pytest.mark.parametrize("said", ["99999999999999", "9" * 30, "9" * 5000])
def test_a_time_beyond_any_calendar_is_told(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
    with pytest.raises(InputError, match=r"SOURCE_DATE_EPOCH is 9+, beyond any year"):
        provenance.origin([])


@signs
def test_a_video_is_signed_with_a_certificate_of_this_machine(talk: Path, tmp_path: Path, signing: Path) -> None:
    out = media.write(edited(talk), tmp_path / "out.mp4")
    found = says(out).manifest
    assert found is not None
    assert (found.intact, found.trusted, found.problems) == (True, False, ())
    assert found.signer == "lipwright on this machine"
    assert found.actions == ("c2pa.opened", "c2pa.edited")
    assert (signing / "key.pem").stat().st_mode & 0o777 == 0o600
    assert media.open(out).length == media.open(talk).length
    again = media.write(edited(talk), tmp_path / "again.mp4")
    assert says(again).manifest == found, "the same certificate signs everything"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.mp4", "cache", "out.mp4"]


@signs
def test_processes_that_begin_at_once_sign_with_one_key(signing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others, made = [], identities._secret

    def meanwhile() -> bytes:
        monkeypatch.setattr(identities, "_secret", made)
        others.append(identities.identity())
        return made()

    monkeypatch.setattr(identities, "_secret", meanwhile)
    assert identities.identity().key == others[0].key
    assert sorted(file.name for file in signing.iterdir()) == ["certificate.pem", "key.pem"]
    (signing / "certificate.pem").unlink()
    (signing / "key.pem").write_bytes(b"")
    with pytest.raises(OutputError, match=r"key.pem is damaged; delete it"):
        identities.identity()


@signs
def test_the_manifest_says_what_a_network_made_and_the_inputs(talk: Path, tmp_path: Path, signing: Path) -> None:
    import json

    import c2pa

    out = media.write(edited(talk), tmp_path / "out.mp4")
    with c2pa.Reader(str(out)) as reader:
        found = json.loads(reader.json())
    manifest = found["manifests"][found["active_manifest"]]
    data = {one["label"]: one["data"] for one in manifest["assertions"]}
    action = data["c2pa.actions.v2"]["actions"][-1]
    assert action["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert action["description"] == "lips dubbed by landmark"
    assert data["org.lipwright.inputs"]["inputs"][0] == {"role": "video", "sha256": sha256(talk)}
    assert [one["relationship"] for one in manifest["ingredients"]] == ["parentOf", "componentOf"]
    assert manifest["claim_generator_info"][0]["name"] == "lipwright"


@signs
def test_edits_of_edits_keep_the_manifest_of_what_they_came_from(talk: Path, tmp_path: Path, signing: Path) -> None:
    import c2pa

    once = media.write(edited(talk), tmp_path / "once.mp4")
    twice = media.remux(once, tmp_path / "twice.mp4", delay=0.04)
    assert says(twice).manifest is not None
    with c2pa.Reader(str(twice)) as reader:
        assert reader.json().count('"lips dubbed by landmark"') == 1


@signs
def test_a_changed_byte_is_seen(talk: Path, tmp_path: Path, signing: Path) -> None:
    out = media.write(edited(talk), tmp_path / "out.mp4")
    content = bytearray(out.read_bytes())
    content[content.rindex(b"mdat") + 1000] ^= 1
    out.write_bytes(content)
    found = provenance.manifest(out)
    assert found is not None
    assert not found.intact
    assert found.problems == ("assertion.bmffHash.mismatch",)
    assert "CHANGED since" in says(out).lines()[-1]


@signs
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_a_sound_is_signed_as_made_by_an_algorithm(tmp_path: Path, signing: Path, suffix: str) -> None:
    spoken = Audio(drawn.voice(0.5, 16000).samples, 16000, edits=(Edit("speech made by espeak", "synthetic"),))
    found = says(write_sound(spoken, tmp_path / f"a{suffix}")).manifest
    assert found is not None
    assert (found.intact, found.actions) == (True, ("c2pa.created", "c2pa.edited"))


@signs
def test_kinds_of_file_that_hold_no_manifest_are_tagged(talk: Path, tmp_path: Path, signing: Path) -> None:
    told = says(media.write(edited(talk), tmp_path / "out.mkv"))
    assert told.comment
    assert told.manifest is None
    assert not signing.exists()


@signs
def test_a_certificate_of_the_users_signs(
    talk: Path, tmp_path: Path, signing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media.write(edited(talk), tmp_path / "first.mp4")
    mine = tmp_path / "mine"
    shutil.move(signing, mine)
    monkeypatch.setenv("LIPWRIGHT_CERTIFICATE", str(mine / "certificate.pem"))
    monkeypatch.setenv("LIPWRIGHT_KEY", str(mine / "key.pem"))
    assert provenance.manifest(media.write(edited(talk), tmp_path / "out.mp4")) is not None
    assert not signing.exists()


@signs
@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("certificate.pem", None, "one of them is not set"),
        ("gone.pem", "key.pem", r"gone\.pem cannot be read"),
        ("key.pem", "key.pem", "holds no certificate"),
        ("certificate.pem", "certificate.pem", "holds no key without a password"),
        ("certificate.pem", "other.pem", "is not that of the certificate"),
    ],
)
def test_a_certificate_that_cannot_sign_is_told_before_anything_is_written(
    talk: Path,
    tmp_path: Path,
    signing: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: str,
    key: str | None,
    said: str,
) -> None:
    assert provenance.wanted(tmp_path / "a.mp4")
    first = (signing / "key.pem").read_bytes()
    shutil.copytree(signing, tmp_path / "mine")
    shutil.rmtree(signing)
    assert provenance.wanted(tmp_path / "a.mp4")
    (tmp_path / "mine" / "other.pem").write_bytes((signing / "key.pem").read_bytes())
    assert first != (signing / "key.pem").read_bytes()
    monkeypatch.setenv("LIPWRIGHT_CERTIFICATE", str(tmp_path / "mine" / certificate))
    if key:
        monkeypatch.setenv("LIPWRIGHT_KEY", str(tmp_path / "mine" / key))
    (tmp_path / "out.mp4").write_bytes(b"old")
    with pytest.raises(OutputError, match=said):
        media.write(edited(talk), tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"old"


@signs
def test_models_and_measure_show_it(
    talk: Path, tmp_path: Path, signing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = media.write(edited(talk), tmp_path / "out.mp4")
    assert cli.main(["models", "show", str(out)]) == 0
    said = capsys.readouterr().out
    assert "says of itself: edited with lipwright" in said
    assert "unchanged since it was signed by lipwright on this machine" in said
    assert "for whom no known authority vouches" in said
    assert cli.main(["models", "show", str(talk), "motion"]) == 0
    said = capsys.readouterr().out
    assert "does not say that lipwright edited it" in said
    assert "sha256: " in said


def test_models_show_asks_what(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "show"]) == 1
    assert "lipwright models show NAME|FILE" in capsys.readouterr().err
