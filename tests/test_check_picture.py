"""check: what is wrong with a video, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import drawn
from defective import blurred, brighter, changed, darker, flatter, held, shaded, shown
from lipwright import check, faces, media, registry
from lipwright.check import seen
from lipwright.types import Clip, FaceTrack, Picture
from scenes import film, made

LENGTH, FPS = 30, 25.0
CENTRE, LIPS = 334 / 768, 131
"""Where the portrait's face is, as a part of its width, and its lips, px from the top."""
FINE = {"no_sound", "low_resolution"}
"""Said of every clip here: it has no sound, and 512 lines."""


@pytest.fixture(scope="module")
def portrait() -> Picture:
    """A real face, 512 x 512, in the public domain."""
    for name in ("portrait", "face_landmark", "face_detection_full_range"):
        if not registry.is_here(name):
            pytest.skip(f"{name} is not here; `lipwright models pull` brings it")
    return next(media.open(registry.path("portrait")).read())


@pytest.fixture(scope="module")
def clean(portrait: Picture) -> Clip:
    """The portrait, moving a little."""
    return swaying(portrait)


def swaying(picture: Picture, length: int = LENGTH, fps: Fraction = Fraction(25)) -> Clip:
    def draw(number: int) -> Picture:
        move = np.array([[1, 0, 3 * np.sin(number / 5)], [0, 1, 2 * np.cos(number / 7)]], np.float32)
        return np.asarray(cv2.warpAffine(picture, move, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))

    return made(draw, length, fps)


def beside(portrait: Picture, place: tuple[int, int], size: tuple[int, int] = (1280, 720), side: int = 512) -> Picture:
    """The portrait, ``side`` px, with its corner at ``place`` of a grey picture."""
    whole = np.full((size[1], size[0], 3), 110, np.uint8)
    small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    x, y = place
    part = small[: size[1] - y, : size[0] - x]
    whole[y : y + part.shape[0], x : x + part.shape[1]] = part
    return whole


def test_a_clean_video_has_no_issue_and_every_figure(clean: Clip) -> None:
    found = check(clean)
    assert {issue.code for issue in found.issues} == FINE
    assert found.worst == "info"
    assert all(figure.fine and figure.value is not None for figure in found.figures if figure.name != "size")


SPANS: dict[str, Callable[[Clip], Clip]] = {
    "too_dark": lambda clip: changed(clip, darker(0.15), 10, 22),
    "too_bright": lambda clip: changed(clip, brighter(1.7), 10, 22),
    "low_contrast": lambda clip: changed(clip, flatter(0.15), 10, 22),
    "side_lit": lambda clip: changed(clip, shaded(0.2, CENTRE), 10, 22),
    "blurred": lambda clip: changed(clip, blurred(3.0), 10, 22),
    "frozen": lambda clip: held(clip, 9, 22),
    "face_lost": lambda clip: changed(clip, lambda _, picture: np.full_like(picture, 110), 10, 22),
}
CUT = {"shot_cuts", "several_faces"}
BESIDE = {
    "face_lost": {"shot_cuts", "frozen"}, "too_bright": CUT, "too_dark": CUT, "low_contrast": CUT,
    "side_lit": CUT,
}  # fmt: skip
"""What comes with a defect of necessity: a sudden change of light is a cut."""


@pytest.mark.parametrize("code", SPANS)
def test_each_defect_is_told_with_its_times_and_no_other(code: str, clean: Clip) -> None:
    found = check(SPANS[code](clean))
    assert code in found
    assert {issue.code for issue in found.issues} <= {code} | FINE | BESIDE.get(code, set())
    (span,) = found[code].spans
    assert span == (pytest.approx(10 / FPS, abs=0.09), pytest.approx(22 / FPS, abs=0.09))


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("too_dark", darker(0.1)),
        ("low_contrast", flatter(0.2)),
        ("side_lit", shaded(0.2, CENTRE)),
        ("blurred", blurred(3.0)),
    ],
)
def test_what_holds_throughout_is_one_span(code: str, change: Callable[[int, Picture], Picture], clean: Clip) -> None:
    assert check(changed(clean, change))[code].spans == ((0.0, pytest.approx(LENGTH / FPS)),)


def test_a_small_face_counts_by_the_need_of_the_dubber(portrait: Picture) -> None:
    clip = swaying(beside(portrait, (200, 100), side=440))
    assert 80 <= check(clip).figure("face_too_small").value < 96
    assert "is 8" in check(clip, dubber="wav2lip")["face_too_small"].message
    tiny = check(swaying(beside(portrait, (200, 100), side=300)))
    assert tiny["face_too_small"].severity == "warning"


def test_low_resolution_is_a_note_and_below_360_lines_a_warning(portrait: Picture) -> None:
    for side, severity in ((512, "info"), (320, "warning")):
        small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
        assert check(swaying(small, 5))["low_resolution"].severity == severity


def test_two_faces_are_told_while_both_are_seen(portrait: Picture) -> None:
    half = beside(portrait, (40, 100))[:, :640]
    one, both = np.concatenate([half, half * 0 + 20], axis=1), np.concatenate([half, half[:, ::-1]], axis=1)
    clip = shown(film([one, both]), lambda number: int(12 <= number < 36))
    found = check(replace(clip, length=48))["several_faces"]
    assert found.at == (pytest.approx(12 / FPS, abs=0.1), pytest.approx(36 / FPS, abs=0.1))


def test_no_face_is_an_error() -> None:
    found = check(made(lambda number: drawn.numbered(number, (640, 360)), 10))
    assert found.worst == "error" and found["no_face"].remedy


def turned(track: FaceTrack, start: int, stop: int, degrees: float) -> FaceTrack:
    """The track with the average face in place of the real one, turned to the side from ``start`` to ``stop``."""
    frames = np.arange(len(track))
    angle = np.radians(np.where((frames >= start) & (frames < stop), degrees, 0.0))
    turn = np.zeros((len(track), 3, 3), np.float32)
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0], turn[:, 1, 1] = np.sin(angle), -np.sin(angle), 1
    pose = faces.Pose(np.full(len(track), 100, np.float32), turn, np.full((len(track), 3), 300, np.float32))
    shape = np.repeat(faces.canonical().points[None], len(track), 0)
    return replace(track, points=faces.from_canonical(shape, pose))


def test_a_head_that_turns_is_told_while_it_is_turned(clean: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    track = turned(faces.track(clean), 10, 22, 40.0)
    found = seen.face(track, clean.size)
    assert found.yaw[15] == pytest.approx(40, abs=0.5) and abs(found.yaw[5]) < 0.5
    monkeypatch.setattr(faces, "tracks", lambda *_, **__: (track,))
    assert check(clean)["off_frontal"].spans == ((pytest.approx(0.4), pytest.approx(0.88)),)


def test_lips_outside_the_picture_are_told(clean: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    track = faces.track(clean)
    points = track.points.copy()
    points[10:22, :, 1] += clean.size[1] - LIPS
    monkeypatch.setattr(faces, "tracks", lambda *_, **__: (replace(track, points=points),))
    assert check(clean)["mouth_hidden"].spans == ((pytest.approx(0.4), pytest.approx(0.88)),)


def test_the_wall_behind_a_profile_is_no_hand(clean: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    track = turned(faces.track(clean), 18, 27, 50.0)
    assert track.tint is not None
    tint = track.tint.copy()
    tint[18:27, faces.canonical().moving] = (20, 40, 200)
    for points, codes in ((track.points, set()), (faces.track(clean).points, {"occluded", "mouth_hidden"})):
        shown = replace(track, tint=tint, points=points)
        monkeypatch.setattr(faces, "tracks", lambda *_, shown=shown, **__: (shown,))
        assert {issue.code for issue in check(clean).issues} & {"occluded", "mouth_hidden"} == codes


def test_a_hand_before_the_mouth_is_told_while_it_is_there(clean: Clip) -> None:
    points = faces.track(clean).points

    def hand(number: int, picture: Picture) -> Picture:
        x, y = points[number, 13, :2].astype(int)
        picture = picture.copy()
        picture[y - 8 : y + 40, x - 30 : x + 30] = (40, 160, 60)
        return picture

    found = check(changed(shown(clean, lambda number: number % LENGTH), hand, 18, 27))
    assert {"occluded", "mouth_hidden"} & {issue.code for issue in found.issues}
    at = found["occluded"].at
    assert at == (pytest.approx(18 / FPS, abs=0.1), pytest.approx(27 / FPS, abs=0.1))


def test_frames_shown_twice_are_counted(clean: Clip) -> None:
    found = check(shown(clean, lambda number: number - (number % 5 == 4)))
    assert found["duplicate_frames"].severity == "warning" and "6 of 30" in found["duplicate_frames"].message


def test_cuts_have_their_times(clean: Clip, portrait: Picture) -> None:
    other = np.ascontiguousarray(255 - portrait[::-1])
    found = check(changed(clean, lambda _, picture: other, 20))
    assert found["shot_cuts"].spans[0] == (pytest.approx(0.8), pytest.approx(0.8))
    assert found["shot_cuts"].severity == "info"


def test_woven_fields_are_interlaced_and_stripes_are_not(portrait: Picture) -> None:
    def woven(number: int) -> Picture:
        early, late = (np.roll(portrait, 12 * number + shift, axis=1) for shift in (0, 6))
        early = early.copy()
        early[1::2] = late[1::2]
        return early

    assert "interlaced" in check(made(woven, 8))
    assert "interlaced" not in check(made(lambda number: np.roll(portrait, 12 * number, axis=1), 8))


def test_a_still_picture_is_no_standstill(portrait: Picture) -> None:
    found = check(film([portrait] * 10))
    assert found["still_picture"].severity == "info" and "frozen" not in found
    assert "frozen" not in check(film([portrait]))


@pytest.mark.parametrize(
    ("fps", "code"),
    [(Fraction(12), "low_frame_rate"), (Fraction(27), "unusual_frame_rate"), (Fraction(24000, 1001), "")],
)
def test_the_frame_rate_is_told(fps: Fraction, code: str, portrait: Picture) -> None:
    rates = {"low_frame_rate", "unusual_frame_rate", "variable_frame_rate"}
    found = {issue.code for issue in check(swaying(portrait, 6, fps)).issues}
    assert found & rates == ({code} if code else set())


def test_lengths_that_differ_are_told(clean: Clip) -> None:
    for seconds, severity in ((3.0, "warning"), (0.8, "info")):
        found = check(clean, drawn.voice(seconds))["length_mismatch"]
        assert found.severity == severity
        assert found.at == (pytest.approx(min(seconds, 1.2)), pytest.approx(max(seconds, 1.2)))
    assert "length_mismatch" not in check(clean, drawn.voice(1.2))


@pytest.fixture(scope="module")
def unsteady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose frames come at an unsteady rate."""
    times = [0, 40, 80, 200, 240, 280, 400, 440, 480, 520, 640, 680, 720, 760, 800]
    path = tmp_path_factory.mktemp("unsteady") / "talk.mp4"
    pictures = [drawn.face(0.2 + 0.04 * n) for n in range(len(times))]
    return drawn.write(path, pictures, times=[time / 1000 for time in times])


def test_a_variable_rate_is_told(unsteady: Path) -> None:
    assert check(unsteady)["variable_frame_rate"].severity == "info"


def test_memory_does_not_grow_with_length(clean: Clip) -> None:
    """Pictures are looked through one after the other: no more than a few are held."""
    import gc
    import weakref

    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def frames(start: int, stop: int) -> Iterator[Picture]:
        nonlocal most
        for picture in clean.frames(start, stop):
            alive.append(weakref.ref(picture))
            gc.collect(0)
            most = max(most, sum(ref() is not None for ref in alive))
            yield picture

    check(replace(clean, frames=frames))
    assert most <= 8
