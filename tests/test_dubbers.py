"""The contract of every dubber: pictures and takes for the frames asked for, the rest untouched."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import drawn
from lipwright import canvas, dubbers, faces, paint, registry
from lipwright.types import Clip

LENGTH = 40


@pytest.fixture(scope="module", params=registry.members("dubbers"))
def planned(request: pytest.FixtureRequest) -> tuple[Clip, dubbers.Dubber]:
    clip = drawn.talking(30)
    scene = dubbers.Scene(clip, faces.track(clip), drawn.voice(LENGTH / 25, seed=2), canvas.bounce(LENGTH, 30))
    member = registry.load("dubbers", request.param).Dubber
    return clip, member(scene, **options(member))


def options(member: type) -> dict[str, object]:
    """What a member needs to work in tests."""
    return getattr(member, "TINY", {})


def passes(dubber: dubbers.Dubber) -> bool:
    """Whether a dubber shows a face as it is where that fits the sound."""
    return getattr(dubber, "PASSES", False)


def test_every_output_frame_has_a_canvas_of_the_clip(planned: tuple[Clip, dubbers.Dubber]) -> None:
    clip, dubber = planned
    assert len(dubber.canvas) == len(dubber.untouched) == LENGTH
    assert dubber.canvas.min() >= 0 and dubber.canvas.max() < clip.length


def test_any_stretch_gives_the_same_pictures_as_the_whole(planned: tuple[Clip, dubbers.Dubber]) -> None:
    _, dubber = planned
    whole = [paint.composite(p, t.face) if t.face else p for p, t in dubber.takes(0, LENGTH)]
    part = [paint.composite(p, t.face) if t.face else p for p, t in dubber.takes(25, 33)]
    assert len(whole) == LENGTH
    np.testing.assert_array_equal(part, whole[25:33])


def test_only_the_neighbourhood_of_the_face_changes(planned: tuple[Clip, dubbers.Dubber]) -> None:
    clip, dubber = planned
    box = np.nanmean(faces.track(clip).box, axis=0)
    high = box[3] - box[1]
    painted = [(picture, take.face) for picture, take in dubber.takes(0, 10) if take.face is not None]
    assert len(painted) == 10 or passes(dubber)
    for picture, face in painted:
        changed = np.argwhere((paint.composite(picture, face) != picture).any(2))
        assert len(changed)
        assert changed[:, 0].min() > box[1] + 0.25 * high
        assert changed[:, 0].max() < box[3] + 0.6 * high


def test_a_face_that_is_not_there_passes_through(planned: tuple[Clip, dubbers.Dubber]) -> None:
    _, dubber = planned
    seen, empty = drawn.face(0.3), np.full((240, 320, 3), 90, np.uint8)
    pictures = [seen] * 15 + [empty] * 15
    clip = Clip(Fraction(25), (320, 240), 30, lambda start, stop: iter(pictures[start:stop]))
    scene = dubbers.Scene(clip, faces.track(clip), drawn.voice(1.2), np.arange(30))
    gone = type(dubber)(scene, **options(type(dubber)))  # type: ignore[call-arg]
    assert [bool(why) for why in gone.untouched] == [False] * 15 + [True] * 15
    plain = [take.face is None for _, take in gone.takes(0, 30)]
    assert all(plain[15:])
    assert passes(dubber) or not any(plain[:15])
