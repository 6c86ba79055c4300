"""Mouth transplants: the mouth changes and follows the sound, the head and all around it stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import jittered
from lipwright import faces, paint
from lipwright.dubbers import Scene, retime, transplant
from lipwright.types import Clip, Picture

LENGTH = 75


@pytest.fixture(scope="module")
def talker() -> Clip:
    return jittered.jittered(LENGTH)[0]


@pytest.fixture(scope="module")
def planned(talker: Clip) -> transplant.Dubber:
    return transplant.Dubber(scene(talker))


def scene(clip: Clip) -> Scene:
    assert clip.audio is not None
    return Scene(clip, faces.track(clip), clip.audio, np.arange(clip.length))


def pictures(dubber: transplant.Dubber, start: int, stop: int) -> list[Picture]:
    return [paint.composite(p, take.face) if take.face else p for p, take in dubber.takes(start, stop)]


def test_the_mouth_is_that_of_the_frame_that_retiming_would_show(talker: Clip, planned: transplant.Dubber) -> None:
    dubber = planned
    again = retime.Dubber(scene(talker))
    assert (dubber.canvas == np.arange(LENGTH)).all()
    assert (dubber.donors == again.canvas).mean() > 0.9


def test_the_opening_is_the_donor_s_and_the_rest_is_untouched(talker: Clip, planned: transplant.Dubber) -> None:
    dubber = planned
    track, source = faces.track(talker), list(talker.read())
    moved = np.flatnonzero(dubber.donors != np.arange(LENGTH))
    gap = faces.opening(track.points[:, :, :2])
    rows = moved[np.argsort(-np.abs(gap[dubber.donors[moved]] - gap[moved]))][:12]
    made = {int(t): pictures(dubber, int(t), int(t) + 1)[0] for t in rows}
    again = faces.track(Clip(talker.fps, talker.size, len(rows), lambda a, b: iter([made[int(t)] for t in rows][a:b])))
    found = faces.opening(again.points[:, :, :2])
    assert np.abs(found - gap[dubber.donors[rows]]).mean() < 0.6 * np.abs(found - gap[rows]).mean()
    for t in rows:
        changed = np.argwhere((made[int(t)] != source[t]).any(2))
        x0, y0, x1, y1 = track.box[t]
        assert changed[:, 0].min() > y0 + 0.35 * (y1 - y0) and changed[:, 0].max() < y1 + 0.3 * (y1 - y0)
        assert changed[:, 1].min() > x0 - 0.2 * (x1 - x0) and changed[:, 1].max() < x1 + 0.2 * (x1 - x0)


def test_a_frame_that_keeps_its_mouth_is_the_source_s(talker: Clip, planned: transplant.Dubber) -> None:
    dubber = planned
    kept = int(np.flatnonzero(dubber.donors == np.arange(LENGTH))[0])
    ((picture, take),) = dubber.takes(kept, kept + 1)
    assert take.face is None
    np.testing.assert_array_equal(picture, next(talker.read(kept, kept + 1)))


def test_compat_changes_the_mouth_alone(talker: Clip) -> None:
    dubber = transplant.Dubber(scene(talker), compat=True)
    mouth = faces.track(talker).points68[:, 48:]
    changed = 0
    for t, (picture, take) in enumerate(dubber.takes(0, LENGTH)):
        if take.face is not None:
            (low, high), where = (
                (mouth[t].min(0), mouth[t].max(0)),
                np.argwhere((paint.composite(picture, take.face) != picture).any(2)),
            )
            wide = 0.5 * (high - low) + 12
            assert (where[:, ::-1] > low - wide).all() and (where[:, ::-1] < high + wide).all()
            changed += len(where)
    assert changed


def test_compat_masks_are_the_source_report_s() -> None:
    square = np.array([[30, 30], [70, 30], [70, 70], [30, 70]], np.float32)
    mask = transplant._hulls(square, (100, 100))
    assert mask[50, 50] == 255 and mask[10, 10] == 0
    unblurred = np.zeros((100, 100), np.uint8)
    unblurred[27:74, 27:74] = 128
    unblurred[30:71, 30:71] = 255
    assert np.array_equal(mask, cv2.GaussianBlur(unblurred, (15, 15), 0))
