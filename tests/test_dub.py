"""dub: a dubbed video is a video; bad input is a sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import drawn
import lipwright
from lipwright import faces, media, mouth
from lipwright.errors import InputError, NoFaceError
from lipwright.types import Audio, Clip


@pytest.fixture(scope="module")
def clip() -> Clip:
    return drawn.talking(50)


def openings(clip: Clip) -> np.ndarray:
    track = faces.track(replace(clip, key=""))
    pose = faces.steady_pose(track.points, 1.5)
    return mouth.opening(faces.to_canonical(track.points, pose)[:, faces.canonical().moving])


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(15)])
def test_the_length_is_that_of_the_speech_to_the_frame(fps: Fraction) -> None:
    clip = drawn.talking(20, fps=fps)
    dubbed = lipwright.dub(clip, drawn.voice(2.02, 44100))
    assert dubbed.length == round(2.02 * fps)
    assert (dubbed.fps, dubbed.size) == (fps, clip.size)
    assert dubbed.audio is not None and dubbed.audio.rate == 44100


def test_a_dubbed_clip_is_written_and_can_be_dubbed_again(clip: Clip, tmp_path: Path) -> None:
    dubbed = lipwright.dub(clip, drawn.voice(1.0, seed=3))
    again = lipwright.dub(media.open(media.write(dubbed, tmp_path / "a.mp4")), drawn.voice(0.6, seed=4))
    path = media.write(again, tmp_path / "b.mp4")
    assert media.open(path).length == 15


def test_the_mouth_moves_with_the_voice_and_closes_in_silence(clip: Clip) -> None:
    speech = drawn.voice(3.0, seed=5)
    silent = Audio(np.concatenate([speech.samples, np.zeros(16000 * 2, np.float32)]), 16000)
    gap = openings(lipwright.dub(clip, silent))
    assert gap[:75].std() > 0.01
    assert gap[85:].max() < 0.35 * np.quantile(gap[:75], 0.97)
    assert gap[85:].std() < 0.2 * gap[:75].std()


def test_digital_silence_is_refused_or_closes_a_talking_mouth(clip: Clip) -> None:
    silence = drawn.silence(2.0)
    with pytest.raises(InputError, match="silent from end to end"):
        lipwright.dub(clip, silence)
    closed = openings(lipwright.dub(clip, silence, silence="close"))
    assert closed.max() < 0.4 * openings(clip).max()


def test_strength_zero_keeps_the_mouth_closed(clip: Clip) -> None:
    assert openings(lipwright.dub(clip, drawn.voice(1.0), strength=0.0)).max() < 0.4 * openings(clip).max()


def test_a_still_picture_speaks() -> None:
    still = Clip(Fraction(25), (320, 240), 1, lambda start, stop: iter([drawn.face(0.0)] * (stop - start)))
    gap = openings(lipwright.dub(still, drawn.voice(2.0, seed=1)))
    assert len(gap) == 50
    assert gap.max() - gap.min() > 0.03


def test_spans_without_a_face_are_untouched_and_named() -> None:
    seen, empty = drawn.face(0.3), np.full((240, 320, 3), 90, np.uint8)
    pictures = [seen] * 15 + [empty] * 25
    clip = Clip(Fraction(25), (320, 240), 40, lambda start, stop: iter(pictures[start:stop]))
    dubbed = lipwright.dub(clip, drawn.voice(1.6))
    assert [(issue.code, issue.at) for issue in dubbed.issues] == [("untouched", (0.6, 1.6))]
    assert "no face is seen" in dubbed.issues[0].message
    np.testing.assert_array_equal(list(dubbed.read(20, 22)), [empty, empty])


def test_a_sound_without_speech_is_named_and_closes_the_mouth(clip: Clip) -> None:
    dubbed = lipwright.dub(clip, drawn.noise(1.0))
    assert [(issue.code, issue.at) for issue in dubbed.issues] == [("no-speech", (0.0, 1.0))]
    assert lipwright.dub(clip, drawn.voice(1.0)).issues == ()
    assert lipwright.dub(clip, drawn.silence(1.0), silence="close").issues == ()


def test_a_preview_is_as_long_as_asked(clip: Clip) -> None:
    dubbed = lipwright.dub(clip, drawn.voice(2.0), preview=0.8)
    assert dubbed.length == 20
    assert dubbed.audio is not None and dubbed.audio.duration == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("mode", "seconds", "length"),
    [("bounce", 3, 75), ("loop", 3, 75), ("remap", 3, 75), ("cut_off", 3, 50), ("silence", 3, 50),
     ("bounce", 1, 25), ("cut_off", 1, 25), ("remap", 1, 25), ("silence", 1, 50)],
)  # fmt: skip
def test_each_mode_has_its_length_and_its_frames(clip: Clip, mode: str, seconds: float, length: int) -> None:
    dubbed = lipwright.dub(clip, drawn.voice(seconds, 22050), sync_mode=mode)  # type: ignore[arg-type]
    assert dubbed.length == length
    assert dubbed.audio is not None and dubbed.audio.duration == pytest.approx(length / 25, abs=1e-3)
    last = next(dubbed.read(length - 1))[:60]  # above the mouth: the source's own pixels
    shown = {"bounce": {75: 23, 25: 24}, "loop": {75: 24, 25: 24}, "remap": {75: 49, 25: 48}}
    frame = shown.get(mode, {}).get(length, length - 1)
    np.testing.assert_array_equal(last, next(clip.read(frame))[:60])


def test_the_speech_starts_when_asked(clip: Clip) -> None:
    dubbed = lipwright.dub(clip, drawn.voice(1.0, seed=3), start=1.0)
    assert dubbed.length == 50
    assert dubbed.audio is not None and not dubbed.audio.samples[:15900].any()
    gap = openings(dubbed)
    assert gap[:18].max() < 0.5 * gap[27:].max()


@pytest.mark.parametrize(("how", "size"), [("side", (640, 240)), ("stack", (320, 480))])
def test_compare_shows_the_source_beside_the_result(clip: Clip, how: str, size: tuple[int, int]) -> None:
    dubbed = lipwright.dub(clip, drawn.voice(0.4, seed=1), compare=how)  # type: ignore[arg-type]
    both, source = next(dubbed.read()), next(clip.read())
    assert dubbed.size == size and both.shape == (size[1], size[0], 3)
    np.testing.assert_array_equal(both[:240, :320], source)


@pytest.mark.parametrize("blend", ["feather", "multiband", "poisson"])
def test_every_blend_leaves_the_rest_of_the_frame_alone(clip: Clip, blend: str) -> None:
    dubbed = lipwright.dub(clip, drawn.voice(0.4, seed=1), blend=blend)  # type: ignore[arg-type]
    source, result = next(clip.read()), next(dubbed.read())
    np.testing.assert_array_equal(result[:60], source[:60])
    assert (result != source).any()


@pytest.mark.parametrize(
    ("speech", "options", "sentence"),
    [
        (drawn.voice(0.05), {}, "lasts 50 ms; give at least 100 ms"),
        (Audio(np.full(16000, np.nan, np.float32), 16000), {}, "not numbers"),
        (drawn.voice(1.0), {"preview": 0.01}, "a preview lasts at least"),
        (drawn.voice(1.0), {"strength": 3.0}, "strength must lie between 0 and 2; given 3"),
        (drawn.voice(1.0), {"smooth": -1.0}, "smooth must lie between 0 and 10"),
        (drawn.voice(1.0), {"blend": "glue"}, "blend is one of feather, multiband, poisson; given glue"),
        (drawn.voice(1.0), {"compare": "over"}, "compare is one of side, stack; given over"),
        (drawn.voice(1.0), {"silence": "loud"}, "silence is one of refuse, close; given loud"),
        (drawn.voice(1.0), {"sync_mode": "freeze"}, "sync_mode is one of bounce, loop, cut_off, silence, remap"),
        (drawn.voice(1.0), {"start": -1.0}, "the speech can start between 0 s and 86400 s"),
        (drawn.voice(1.0), {"strenght": 1.0}, "has no option strenght; it has strength"),
        (drawn.voice(1.0), {"dubber": "puppet"}, "landmark"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    clip: Clip, speech: Audio, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        lipwright.dub(clip, speech, **options)  # type: ignore[arg-type]


def test_no_face_is_a_sentence() -> None:
    empty = Clip(Fraction(25), (64, 48), 3, lambda start, stop: iter([drawn.numbered(1)] * (stop - start)))
    with pytest.raises(NoFaceError, match="no face was found"):
        lipwright.dub(empty, drawn.voice(1.0))


def test_faces_are_looked_for_only_where_the_dubber_asks() -> None:
    empty = Clip(Fraction(25), (64, 48), 12, lambda start, stop: iter([drawn.numbered(1)] * (stop - start)), key="none")
    how = {"dubber": "wav2lip", "weights": "wav2lip_tiny", "compat": True}
    boxed = [lipwright.dub(empty, drawn.voice(0.4, seed=1), **how, box=[8, 4, right, 44]) for right in (48, 50)]
    assert len(list(boxed[0].read())) == boxed[0].length
    assert boxed[0].key and boxed[0].key != boxed[1].key
    with pytest.raises(NoFaceError, match="no face was found"):
        lipwright.dub(empty, drawn.voice(0.4, seed=1), **how)


def pair(length: int = 40, gone: int = 40) -> Clip:
    """Two drawn people side by side, the larger on the right; the one on the left is gone from frame ``gone`` on."""
    small, large = drawn.face(0.3, (240, 240), width=0.4), drawn.face(0.3, (240, 240), width=0.55)
    both = np.concatenate([(small * np.array([0.6, 0.5, 0.45])).astype(np.uint8), large], axis=1)
    alone = both.copy()
    alone[:, :240] = 60
    pictures = [both] * gone + [alone] * (length - gone)
    return Clip(Fraction(25), (480, 240), length, lambda start, stop: iter(pictures[start:stop]))


@pytest.mark.parametrize("how", [{}, {"dubber": "wav2lip", "weights": "wav2lip_tiny"}])
@pytest.mark.parametrize(("face", "sides"), [("auto", "r"), ("1", "l"), (0, "r"), ("120,120@0.2", "l"), ("all", "lr")])
def test_those_speak_who_are_meant(how: dict[str, object], face: str | int, sides: str) -> None:
    clip = pair(10)
    dubbed = lipwright.dub(clip, drawn.voice(0.4, seed=1), face=face, **how)  # type: ignore[arg-type]
    before, after = (np.stack(list(c.read(0, 10))).astype(int) for c in (clip, dubbed))
    changed = (before != after).any((0, 1, 3))
    assert (changed[:240].any(), changed[240:].any()) == ("l" in sides, "r" in sides)
    assert [(p.id, p.dubbed) for p in dubbed.people] == [(0, "r" in sides), (1, "l" in sides)]
    assert [p.box[0] > 240 for p in dubbed.people] == [True, False]


def test_all_together_are_as_each_alone() -> None:
    clip, voice = pair(12), drawn.voice(0.48, seed=1)
    left, right, both = (np.stack(list(lipwright.dub(clip, voice, face=f).read())) for f in (1, 0, "all"))
    np.testing.assert_array_equal(both, np.concatenate([left[:, :, :240], right[:, :, 240:]], axis=2))


def test_what_passes_through_names_the_face() -> None:
    dubbed = lipwright.dub(pair(40, gone=20), drawn.voice(1.6), face="all")
    assert [issue.message.partition(":")[0] for issue in dubbed.issues] == ["face 1"]
    assert dubbed.issues[0].at == (0.8, 1.6)
    assert [round(p.seconds, 2) for p in dubbed.people] == [1.6, 0.8]


def test_a_face_or_a_box_that_is_not_there_is_a_sentence() -> None:
    clip, voice = pair(6), drawn.voice(0.4, seed=1)
    with pytest.raises(InputError, match="there is no face 5; face 0: x 300 to .* face 1: x "):
        lipwright.dub(clip, voice, face=5)
    with pytest.raises(InputError, match="a box is four numbers"):
        lipwright.dub(clip, voice, box=[1, 2, 3])
    assert lipwright.dub(clip, voice, box=[0, 0, 240, 240]).people[0].box[2] < 240


def test_the_key_depends_on_who_speaks(clip: Clip) -> None:
    keyed = replace(pair(6), key="pair")
    keys = {lipwright.dub(keyed, drawn.voice(0.4, seed=1), face=face).key for face in ("auto", 1, "all")}
    assert len(keys) == 3 and "" not in keys


def test_a_real_video_is_dubbed_sharp_and_only_at_the_mouth(footage: Path, tmp_path: Path) -> None:
    source = media.open(footage / "clips" / "s001_ab9468.mp4")
    speech = media.open_audio(footage / "clips" / "s048_6d8159.mp4").cut(0, 2)
    dubbed = lipwright.dub(source, speech)
    assert dubbed.length == 50 and not dubbed.issues
    before, after = (np.stack(list(c.read(0, 50))).astype(int) for c in (source, dubbed))
    assert (before[:, :60] == after[:, :60]).all()
    mouth_rows = slice(130, 200)
    detail = [np.abs(np.diff(x[:, mouth_rows, 90:170], axis=2)).mean() for x in (before, after)]
    assert detail[1] > 0.85 * detail[0]
    gap = openings(media.open(media.write(dubbed, tmp_path / "out.mp4")))
    assert np.isfinite(gap).all() and gap.std() > 0.008
