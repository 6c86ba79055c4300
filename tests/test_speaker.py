"""Who speaks: two drawn people and their voices, and the decision on distances that are known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import drawn
import lipwright
from lipwright import faces, media, speaker, speech, sync
from lipwright.measure import Measured, measure, report, table
from lipwright.types import Audio, Clip, Float, Picture

SECONDS = 8
LEFT, RIGHT = 7, 8
"""Seeds of the voices of the person on the left, and of the larger one on the right."""


def talkers(sound: Audio | None, seconds: float = SECONDS) -> Clip:
    """Two drawn people side by side who both speak all the time, each their own voice; the right one is larger."""
    length = round(25 * seconds)
    time = np.arange(length) / 25
    open_ = [drawn.loudness(time, SECONDS, seed) for seed in (LEFT, RIGHT)]
    dark = np.array([0.6, 0.5, 0.45])

    def frames(start: int, stop: int) -> Iterator[Picture]:
        for frame in range(start, stop):
            left = drawn.face(float(open_[0][frame]), (240, 240), width=0.5) * dark
            right = drawn.face(float(open_[1][frame]), (240, 240), width=0.56)
            yield np.concatenate([left.astype(np.uint8), right], axis=1)

    return Clip(Fraction(25), (480, 240), length, frames, audio=sound)


def in_turn() -> Audio:
    """The voice of the left one for 5 s, then that of the right one."""
    left, right = (drawn.voice(SECONDS, seed=seed).samples for seed in (LEFT, RIGHT))
    return Audio(np.concatenate([left[: 5 * 16000], right[5 * 16000 :]]), 16000)


def every_sound(audio: Audio, fps: float, length: int, ramp: float = 0.16, pause: float = 0.6) -> Float:
    """All of a sound is speech: the network that finds speech does not always take drawn voices for one."""
    assert fps > 0 and ramp >= 0 and pause >= 0
    return np.full(length, float(audio.samples.any()), np.float32)


@pytest.fixture(autouse=True)
def heard_as_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "voiced", every_sound)


@pytest.fixture(scope="module")
def people() -> tuple[faces.FaceTrack, ...]:
    return faces.tracks(talkers(None))


def where(people: tuple[faces.FaceTrack, ...]) -> tuple[int, int]:
    """The ids of the one on the left and the one on the right."""
    left, right = sorted(people, key=lambda face: float(face.box[0, 0]))
    return left.id, right.id


def test_each_speaks_in_their_own_time(people: tuple[faces.FaceTrack, ...]) -> None:
    left, right = where(people)
    clip = talkers(in_turn())
    heard = speaker.active(clip, people)
    assert heard.between(0.5, 2.5) == heard.between(1.5, 3.5) == left
    assert heard.between(5.6, 7) == heard.between(6, 8) == right
    assert abs(heard.offset) <= 3
    alone = speaker.active(clip, people, drawn.voice(SECONDS, seed=RIGHT))
    assert alone.most == alone.between(0.5, 3) == alone.between(5, 7) == right


def test_who_speaks_most_is_dubbed_though_the_other_is_larger(people: tuple[faces.FaceTrack, ...]) -> None:
    left, right = where(people)
    assert faces.largest(people).id == right
    for seed, meant in ((LEFT, left), (RIGHT, right)):
        dubbed = lipwright.dub(talkers(drawn.voice(SECONDS, seed=seed).cut(0, 3), 3), drawn.voice(0.4, seed=1))
        assert [person.id for person in dubbed.people if person.dubbed] == [meant]
        assert not [issue for issue in dubbed.issues if issue.code == "speaker-unknown"]
        said = {person.id: person.speaks for person in dubbed.people}
        assert said[meant] is not None and said[meant] > 2 * (said[left + right - meant] or 0)


@pytest.mark.parametrize(
    ("sound", "why"),
    [(None, "the clip has no sound"), (drawn.silence(1), "no voice is heard"), (drawn.voice(0.3), "no voice is heard")],
)
def test_the_largest_is_dubbed_where_the_sound_does_not_tell(sound: Audio | None, why: str) -> None:
    dubbed = lipwright.dub(talkers(sound, 1), drawn.voice(0.4, seed=1))
    assert [person.id for person in dubbed.people if person.dubbed] == [0]
    assert [person.speaks for person in dubbed.people] == [None, None]
    issue = next(issue for issue in dubbed.issues if issue.code == "speaker-unknown")
    assert why in issue.message and "of 2 people the largest was taken" in issue.message
    assert "--face" in issue.remedy


def test_one_face_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("nobody is to be told apart")

    monkeypatch.setattr(speaker, "listen", never)
    dubbed = lipwright.dub(replace(drawn.talking(25), key=""), drawn.voice(0.4, seed=1))
    assert [person.dubbed for person in dubbed.people] == [True]
    assert "speaker-unknown" not in [issue.code for issue in dubbed.issues]


def test_a_face_that_is_named_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "listen", lambda *_: pytest.fail("who speaks was not asked"))
    dubbed = lipwright.dub(talkers(drawn.voice(1, seed=LEFT), 1), drawn.voice(0.4, seed=1), face=1)
    assert [person.dubbed for person in dubbed.people] == [False, True]


# on distances that are known --------------------------------------------------------------------------


def distances(fits: np.ndarray, offset: int = 0, seed: int = 0) -> Float:
    """Distances (T, 31) of a face that is near to its sound, at ``offset``, in the frames in which it ``fits``."""
    found = np.random.default_rng(seed).normal(1.3, 0.1, (len(fits), 2 * sync.REACH + 1)).astype(np.float32)
    found[fits, sync.REACH + offset] -= 0.3
    return found


def halves(length: int = 200) -> np.ndarray:
    return np.arange(length) < length // 2


@pytest.mark.parametrize("offset", [-7, 0, 5])
def test_turns_begin_and_end_where_the_other_fits_at_the_offset_of_both(offset: int) -> None:
    first = halves()
    heard = speaker.speakers([distances(first, offset), distances(~first, offset, 1)], np.ones(200), [4, 2], 25.0)
    assert heard.offset == offset
    assert [turn.face for turn in heard.turns] == [4, 2]
    assert heard.turns[0].stop == heard.turns[1].start == pytest.approx(4, abs=0.41)
    assert all(0.2 < turn.contrast < 0.4 for turn in heard.turns)
    assert heard.seconds(4) + heard.seconds(2) == pytest.approx(8)


def test_a_voice_that_fits_nobody_is_nobodys() -> None:
    never = np.zeros(200, bool)
    heard = speaker.speakers([distances(never), distances(never, seed=1)], np.ones(200), [0, 1], 25.0)
    assert [turn.face for turn in heard.turns] == [None]
    assert heard.most is None and heard.between(0, 8) is None


def test_nobody_speaks_in_silence_and_turns_do_not_reach_into_it() -> None:
    voiced = np.ones(200)
    voiced[80:120] = 0
    heard = speaker.speakers([distances(~np.zeros(200, bool)), distances(np.zeros(200, bool))], voiced, [0, 1], 25.0)
    assert [(turn.start, turn.stop, turn.face) for turn in heard.turns] == [(0, 3.2, 0), (4.8, 8, 0)]
    assert heard.between(3.4, 4.6) is None


def test_who_is_not_seen_does_not_speak() -> None:
    first = halves()
    gone = distances(~np.zeros(200, bool))
    gone[100:] = np.nan
    heard = speaker.speakers([gone, distances(~first, seed=1)], np.ones(200), [0, 1], 25.0)
    assert [turn.face for turn in heard.turns] == [0, 1]
    alone = speaker.speakers([gone, np.full_like(gone, np.nan)], np.ones(200), [0, 1], 25.0)
    assert [turn.face for turn in alone.turns] == [0, None]


def test_a_moment_that_fits_another_is_no_turn() -> None:
    brief = np.zeros(200, bool)
    brief[90:98] = True
    heard = speaker.speakers([distances(~brief), distances(brief, seed=1)], np.ones(200), [0, 1], 25.0)
    assert [turn.face for turn in heard.turns] == [0]


def test_the_path_is_the_best_of_all() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        gains = random.normal(0, 1, (3, 6))
        ways = np.stack(np.meshgrid(*[range(3)] * 6), -1).reshape(-1, 6)
        worth = gains[ways, np.arange(6)].sum(1) - 1.5 * (np.diff(ways, axis=1) != 0).sum(1)
        np.testing.assert_array_equal(speaker.path(gains, 1.5), ways[worth.argmax()])


# measuring --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured() -> Measured:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speech, "voiced", every_sound)
        return measure(talkers(in_turn()))


def test_measure_says_who_speaks_in_each_span_and_judges_one_face_in_its_own_time(
    measured: Measured, people: tuple[faces.FaceTrack, ...]
) -> None:
    left, right = where(people)
    assert (measured.face, measured.faces) == (left, 2), "the left one speaks for 5 s of the 8"
    told = {(problem.span.start, problem.span.stop): problem for problem in measured.judged.spans}
    assert [told[at, at + 2].speaker for at in (0.0, 2.0, 3.0, 6.0)] == [left, left, left, right]
    assert [told[at, at + 2].code == "other" for at in (0.0, 2.0, 6.0)] == [False, False, True]
    seen = np.isfinite(measured.judged.table.rows).any(1)
    assert seen[:110].all() and not seen[150:].any()
    assert "others-speak" in [issue.code for issue in measured.issues]


def test_what_measure_says_of_speakers_is_json_and_text(measured: Measured) -> None:
    data = json.loads(json.dumps(measured.data(), allow_nan=False))
    assert (data["face"], data["faces"]) == (1, 2)
    assert [span["speaker"] for span in data["spans"]][:2] == [1, 1]
    assert data["turns"][0].keys() == {"start", "stop", "face", "contrast"}
    assert [turn["face"] for turn in data["turns"]] == [1, 0]
    text = table.one(measured)
    assert "2 faces, face 1 is measured" in text
    assert re.search(r"face 1 speaks for \d\.\d s: 0\.0 to ", text) and "face 0 speaks for" in text


def test_the_page_shows_who_speaks(measured: Measured) -> None:
    page = report.page(measured, talkers(in_turn()))
    assert "<h2>Who speaks</h2>" in page and page.count('class="turn own"') == 1 and page.count('class="turn"') == 1


def test_a_face_that_is_named_is_measured_though_it_never_speaks() -> None:
    clip = talkers(drawn.voice(SECONDS, seed=LEFT).cut(0, 3), 3)
    told = measure(clip, face=0)
    assert told.face == 0
    assert np.isfinite(told.judged.table.rows).any()
    assert any("face 0 is hardly heard to speak" in issue.message for issue in told.issues)


def test_the_right_one_of_two_real_people_is_found(footage: Path) -> None:
    """Both move all the time; the sound is that of the left one for 3 s, then that of the right one."""
    clips = [media.open(footage / "clips" / name).part(0, 150) for name in ("s052_2e5465.mp4", "s005_cf6ff5.mp4")]
    sounds = [media.resample(clip.audio, 16000).samples[: 6 * 16000] for clip in clips if clip.audio is not None]

    def frames(start: int, stop: int) -> Iterator[Picture]:
        return (np.concatenate(both, axis=1) for both in zip(*(c.read(start, stop) for c in clips), strict=True))

    sound = Audio(np.concatenate([sounds[0][: 3 * 16000], sounds[1][3 * 16000 :]]), 16000)
    clip = Clip(Fraction(25), (512, 256), 150, frames, audio=sound)
    people = faces.tracks(clip)
    left, right = where(people)
    heard = speaker.active(clip, people)
    assert (heard.between(0.5, 2.5), heard.between(3.5, 5.5)) == (left, right)
    assert abs(heard.offset) <= 1
