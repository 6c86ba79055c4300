"""Clips seen smaller, turned and cut out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

import drawn
from lipwright import framing
from lipwright.errors import InputError


def test_the_order_is_shrink_turn_crop() -> None:
    clip = drawn.talking(3)
    picture = next(clip.read())
    wanted = cv2.rotate(cv2.resize(picture, (106, 80)), cv2.ROTATE_90_CLOCKWISE)[10:100, 5:70]
    made = framing.framed(clip, shrink=3, turn=True, crop=(10, 100, 5, 70))
    assert made.size == (65, 90) and made.length == 3 and made.fps == clip.fps
    np.testing.assert_array_equal(next(made.read()), wanted)
    np.testing.assert_array_equal(next(made.look(1)), next(made.read(1)))


def test_the_end_is_minus_one_and_nothing_asked_is_nothing_done() -> None:
    clip = drawn.talking(3)
    assert framing.framed(clip) is clip
    lower = framing.framed(clip, crop=(100, -1, 0, -1))
    assert lower.size == (320, 140)
    np.testing.assert_array_equal(next(lower.read(2)), next(clip.read(2))[100:])


def test_the_key_says_what_was_done() -> None:
    clip = replace(drawn.talking(3), key="abc")
    keys = {framing.framed(clip, **how).key for how in ({}, {"shrink": 2}, {"turn": True}, {"crop": (1, -1, 0, -1)})}
    assert len(keys) == 4
    assert framing.framed(replace(clip, key=""), shrink=2).key == ""


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"shrink": 0}, "shrunk by 1 to 240; given 0"),
        ({"shrink": 241}, "shrunk by 1 to 240; given 241"),
        ({"crop": (0, 500, 0, -1)}, r"within the picture of 320 x 240 pixels; given \[0, 500, 0, -1\]"),
        ({"crop": (0, 10, 50, 50)}, "crop is top, bottom, left, right"),
        ({"crop": (0, -1, 0)}, "four whole numbers"),
        ({"turn": True, "crop": (0, 300, 0, 300)}, "within the picture of 240 x 320"),
    ],
)
def test_what_cannot_be_is_a_sentence(how: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        framing.framed(drawn.talking(2), **how)
