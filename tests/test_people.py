"""faces.tracks and faces.choose: people keep their ids, and who is meant is found."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import drawn
from lipwright import faces, media, registry
from lipwright.errors import InputError, NoFaceError
from lipwright.types import Clip, FaceTrack, Picture

SHADES = ((1.0, 1.0, 1.0), (0.5, 0.42, 0.4), (0.8, 0.9, 1.15))
"""What the colours of the drawn face are multiplied by for each person."""

Spots = Callable[[int], Sequence[tuple[int, float, float, float]]]
"""Of each person seen in a frame: number, middle x, y, and width from ear to ear, px; the last stands before all."""


def paste(canvas: Picture, who: int, x: float, y: float, width: float) -> None:
    """Draw a person on a picture."""
    side = round(2 * width)
    own = drawn.face(0.3, (side, side), width=0.5).astype(np.float32) * SHADES[who]
    mask = np.zeros((side, side), np.uint8)
    cv2.ellipse(mask, (side // 2, round(side * 0.46)), (round(side * 0.27), round(side * 0.36)), 0, 0, 360, 255, -1)
    left, top = round(x - side / 2), round(y - side / 2)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(canvas.shape[1], left + side), min(canvas.shape[0], top + side)
    if x0 < x1 and y0 < y1:
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        np.copyto(canvas[y0:y1, x0:x1], own.clip(0, 255).astype(np.uint8)[part], where=mask[part][..., None] > 0)


def people(spots: Spots, length: int, size: tuple[int, int] = (640, 320)) -> Clip:
    def frames(start: int, stop: int) -> Iterator[Picture]:
        for frame in range(start, stop):
            canvas = np.full((size[1], size[0], 3), (70, 90, 110), np.uint8)
            for spot in spots(frame):
                paste(canvas, *spot)
            yield canvas

    return Clip(Fraction(25), size, length, frames)


def who_is_where(found: Sequence[FaceTrack], spots: Spots, length: int) -> list[dict[int, int]]:
    """For each frame the id of the track at each person's place."""
    result: list[dict[int, int]] = []
    for frame in range(length):
        result.append({})
        for who, x, y, width in spots(frame):
            for face in found:
                middle = (face.box[frame, :2] + face.box[frame, 2:]) / 2
                if np.linalg.norm(middle - (x, y)) < width / 2:
                    result[-1][who] = face.id
    return result


def ids(found: Sequence[FaceTrack], spots: Spots, length: int, who: int) -> list[int]:
    """The ids that one person has, wherever a track is at their place and nobody stands before them."""
    named = who_is_where(found, spots, length)
    clear = [
        all(o == who or abs(x - mine[1]) > 0.7 * mine[3] for o, x, _, _ in spots(f))
        for f in range(length)
        for mine in [next((s for s in spots(f) if s[0] == who), (who, 1e9, 0, 1))]
    ]
    return [named[f][who] for f in range(length) if clear[f] and who in named[f]]


def test_two_side_by_side_are_told_apart_and_the_larger_is_the_first() -> None:
    spots: Spots = lambda f: [(0, 150 + f % 7, 160, 90), (1, 470, 160, 120)]  # noqa: E731
    found = faces.tracks(people(spots, 30))
    assert [face.id for face in found] == [0, 1]
    assert all(face.present.all() for face in found)
    assert set(ids(found, spots, 30, 1)) == {0} and set(ids(found, spots, 30, 0)) == {1}


def test_two_who_cross_keep_their_ids_and_the_hidden_one_is_nowhere() -> None:
    spots: Spots = lambda f: [(1, 540 - 6 * f, 150, 100), (0, 100 + 6 * f, 165, 110)]  # noqa: E731
    found = faces.tracks(people(spots, 74))
    assert len(found) == 2
    for who in (0, 1):
        named = ids(found, spots, 74, who)
        assert len(set(named)) == 1 and len(named) > 44
    behind = found[ids(found, spots, 74, 1)[0]]
    assert not behind.present[35:39].any()
    assert found[1 - behind.id].present.mean() > 0.9


@pytest.mark.parametrize("noticed", [True, False])
def test_two_who_swap_sides_at_a_cut_keep_their_ids(noticed: bool) -> None:
    """A cut is noticed by the picture as a whole, or only by the faces."""
    at = (150.0, 470.0)
    spots: Spots = lambda f: [(0, at[f // 20 % 2], 160, 110), (1, at[1 - f // 20 % 2], 160, 100)]  # noqa: E731
    clip = people(spots, 60)
    if noticed:
        plain = clip.frames
        dark = lambda start, stop: (  # noqa: E731
            np.where(p == (70, 90, 110), 200 * (f // 20 % 2), p).astype(np.uint8)
            for f, p in zip(range(start, stop), plain(start, stop), strict=True)
        )
        clip = replace(clip, frames=dark)
    found = faces.tracks(clip)
    assert len(found) == 2
    assert set(ids(found, spots, 60, 0)) == {0} and set(ids(found, spots, 60, 1)) == {1}
    jump = np.abs(np.diff(found[0].box[:, 0]))
    assert (jump[[19, 39]] > 250).all() and np.delete(jump, [19, 39]).max() < 3  # nothing is smoothed across


def test_who_leaves_and_comes_back_has_the_id_of_before() -> None:
    def spots(frame: int) -> list[tuple[int, float, float, float]]:
        away = 10.0 * min(max(frame - 15, 0), max(85 - frame, 0), 30)
        return [(0, 150, 160, 110), (1, 450 + away, 160, 110)]

    found = faces.tracks(people(spots, 110))
    assert len(found) == 2
    assert len(set(ids(found, spots, 110, 1))) == 1
    assert found[1].present[:20].all() and found[1].present[-12:].all() and not found[1].present[40:65].any()


def test_a_third_who_comes_later_is_new() -> None:
    spots: Spots = lambda f: [(0, 110, 160, 100), (1, 320, 160, 90), (2, 530, 160, 80)][: 2 + (f >= 30)]  # noqa: E731
    found = faces.tracks(people(spots, 75))
    assert [int(face.present.argmax()) for face in found] == [0, 0, 50]


def test_a_small_face_beside_a_large_one_is_found() -> None:
    spots: Spots = lambda _: [(0, 320, 360, 300), (1, 1000, 180, 80)]  # noqa: E731
    found = faces.tracks(people(spots, 3, (1280, 720)))
    assert len(found) == 2
    assert who_is_where(found, spots, 3) == [{0: 0, 1: 1}] * 3


def test_people_in_a_turned_portrait_video_stand_upright(tmp_path: Path) -> None:
    upright = people(lambda _: [(0, 180, 150, 110), (1, 180, 460, 110)], 8, (360, 640))
    turned = (np.ascontiguousarray(np.rot90(p)) for p in upright.read())
    clip = media.open(drawn.write(tmp_path / "portrait.mp4", turned, rotation=-90))
    assert clip.size == (360, 640)
    found = faces.tracks(replace(clip, key=""))
    assert len(found) == 2
    roll = np.concatenate([faces.fit_pose(face.points).degrees[:, 2] for face in found])
    assert np.abs(roll).max() < 10


def test_only_what_is_inside_a_box_counts() -> None:
    clip = people(lambda _: [(0, 150, 160, 90), (1, 470, 160, 120)], 5)
    (only,) = faces.tracks(clip, inside=(0, 0, 320, 320))
    assert only.box[0, 2] < 320
    with pytest.raises(NoFaceError, match="inside the box 250, 0, 350, 320"):
        faces.tracks(clip, inside=(250, 0, 350, 320))
    with pytest.raises(InputError, match="within the picture of 640 x 320 pixels; given 0, 0, 700, 20"):
        faces.tracks(clip, inside=(0, 0, 700, 20))


def test_tracks_are_kept_by_content_and_by_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "cache_dir", lambda: tmp_path)
    clip = replace(people(lambda _: [(0, 150, 160, 90), (1, 470, 160, 120)], 4), key="two")
    first = faces.tracks(clip)
    gone = replace(clip, frames=lambda start, stop: iter(()))
    for old, new in zip(first, faces.tracks(gone), strict=True):
        assert old.id == new.id
        np.testing.assert_array_equal(old.points, new.points)
    with pytest.raises(NoFaceError):
        faces.tracks(gone, inside=(0, 0, 320, 320))


def still(left: float, frames: Sequence[int], width: float, number: int, length: int = 50) -> FaceTrack:
    """A track of someone who does not move and is seen in ``frames``."""
    box = np.full((length, 4), np.nan, np.float32)
    box[frames] = (left, 100, left + width, 200)
    points = np.full((length, 468, 3), np.nan, np.float32)
    return FaceTrack(0, box, points, np.isfinite(box[:, 0]).astype(np.float32), None, number)


TWO = (still(10, range(50), 60, 0), still(200, range(30), 100, 1), still(400, range(40, 50), 20, 2))


@pytest.mark.parametrize(
    ("who", "meant"),
    [("auto", 1), ("0", 0), (2, 2), ("30,150", 0), ("250,150@0.4", 1), ("410.5,110@1.9", 2), (" 410,110 ", 2)],
)
def test_who_is_meant(who: str | int, meant: int) -> None:
    assert [face.id for face in faces.choose(TWO, who)] == [meant]


def test_all_are_meant_or_whom_another_rule_prefers() -> None:
    assert faces.choose(TWO, "all") == TWO
    assert faces.choose(TWO, best=lambda found: found[2]) == (TWO[2],)


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("3", "there is no face 3; face 0: x 10 to 70, y 100 to 200 at 0.00 s, seen for 2.00 s; face 1: .* face 2: "),
        ("250,150@1.5", "no face is at 250,150 at 1.5 s; face 0"),
        ("600,10", "no face is at 600,10; face 0"),
        ("left", "auto, all, an id, or X,Y or X,Y@SECONDS in pixels; given left"),
        ("1,2,3", "given 1,2,3"),
        ("-1", "given -1"),
        ("10,20@99", "no face is at 10,20 at 99 s"),
    ],
)
def test_nobody_is_meant(who: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        faces.choose(TWO, who)


@pytest.mark.parametrize("sliding", [False, True])
def test_real_people_keep_their_ids(footage: Path, sliding: bool) -> None:
    two = [media.open(footage / "clips" / name) for name in ("s001_ab9468.mp4", "s048_6d8159.mp4")]
    pictures = [list(clip.read(0, 100)) for clip in two]
    left = [[round(256 * (0.5 - 0.5 * np.cos(2 * np.pi * f / 100))) if sliding else 0 for f in range(100)]]
    left.append([256 - x for x in left[0]])

    def frames(start: int, stop: int) -> Iterator[Picture]:
        for f in range(start, stop):
            canvas = np.zeros((256, 512, 3), np.uint8)
            for who in (1, 0):
                canvas[:, left[who][f] : left[who][f] + 256] = pictures[who][f]
            yield canvas

    found = faces.tracks(Clip(Fraction(25), (512, 256), 100, frames))
    assert len(found) == 2
    own = [faces.track(clip.part(0, 100)).box[:, 0] for clip in two]
    for who, other in itertools.permutations((0, 1)):
        apart = [f for f in range(100) if abs(left[0][f] - left[1][f]) > 200]
        near = np.array([[abs(face.box[f, 0] - left[who][f] - own[who][f]) < 40 for face in found] for f in apart])
        assert near.any(1).mean() > 0.9
        assert len(set(near[near.any(1)].argmax(1).tolist())) == 1, other


def test_a_mesh_between_two_who_meet_is_nobody_new(footage: Path) -> None:
    """The one behind comes past quickly, close to the other one's face: meshes lie between the two for some frames."""
    two = [media.open(footage / "clips" / name) for name in ("s001_ab9468.mp4", "s048_6d8159.mp4")]
    pictures = [[cv2.resize(p, (512, 512), interpolation=cv2.INTER_AREA) for p in clip.read(0, 40)] for clip in two]
    left = [round(512 * (0.5 - 0.5 * np.cos(2 * np.pi * f / 75))) for f in range(40)]

    def frames(start: int, stop: int) -> Iterator[Picture]:
        for f in range(start, stop):
            canvas = np.full((512, 1024, 3), (60, 70, 80), np.uint8)
            canvas[:, 512 - left[f] : 1024 - left[f]] = pictures[1][f]
            canvas[:, left[f] + 102 : left[f] + 410] = pictures[0][f][:, 102:410]
            yield canvas

    found = faces.tracks(Clip(Fraction(25), (1024, 512), 40, frames))
    assert len(found) == 2
    assert found[0].present.mean() > 0.9
