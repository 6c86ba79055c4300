"""One person who was taken for two is one again; two people stay two."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lipwright import faces, media
from lipwright.faces.joining import Seen, joined

CLIP = Path(__file__).parents[2] / "shared" / "data" / "clips" / "s043_c09ec5.mp4"


def seen(frames: range, length: int = 40, x: float = 100.0, colour: int = 120) -> Seen:
    """A face that stands still at ``x``, in some frames."""
    there = np.isin(np.arange(length), frames)
    mesh = faces.canonical().points * 50 + (x, 100, 0)
    points = np.where(there[:, None, None], mesh, np.nan).astype(np.float32)
    tint = np.where(there[:, None, None], colour, 0) * np.ones((1, 468, 3))
    return Seen(points, there.astype(np.float32), tint.astype(np.uint8), 50.0 * len(frames), (frames.start,))


def test_a_face_that_goes_over_into_another_is_one():
    first, second = seen(range(20)), seen(range(20, 40), x=105.0, colour=125)
    (one,) = joined([first, second], cuts=[])
    assert np.isfinite(one.points).all() and (one.score == 1).all()
    assert np.array_equal(one.points[:20], first.points[:20]) and np.array_equal(one.tint[20:], second.tint[20:])
    assert one.wide == first.wide + second.wide
    assert one.breaks == (0, 20)


def test_changing_places_with_oneself_is_no_break():
    first, second = replace(seen(range(20)), breaks=(20, 7)), replace(seen(range(20, 40)), breaks=(20,))
    (one,) = joined([first, second], cuts=[])
    assert one.breaks == (7,)


@pytest.mark.parametrize(
    ("second", "cuts"),
    [
        (seen(range(20, 40)), [20]),
        (seen(range(20, 40), x=130.0), []),
        (seen(range(20, 40), colour=160), []),
        (seen(range(24, 40)), []),
        (seen(range(19, 40)), []),
    ],
    ids=["after a cut", "elsewhere", "of other colours", "later", "seen at once"],
)
def test_two_people_stay_two(second: Seen, cuts: list[int]):
    assert len(joined([seen(range(20)), second], cuts)) == 2


def test_three_names_of_one_person_are_one():
    names = [seen(range(12)), seen(range(28, 40)), seen(range(12, 28))]
    (one,) = joined(names, cuts=[])
    assert np.isfinite(one.points).all()


@pytest.mark.skipif(not CLIP.is_file(), reason="../shared/data is not here")
def test_a_head_that_turns_far_stays_one_person():
    (one,) = faces.tracks(media.open(CLIP))
    assert one.present.mean() > 0.9
