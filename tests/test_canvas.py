"""canvas: which frame is shown, and reading frames in that order."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

import drawn
from lipwright import canvas
from lipwright.errors import InputError
from lipwright.types import Clip, Picture


class Counted:
    """A clip of numbered pictures that counts what is decoded."""

    def __init__(self, length: int) -> None:
        self.decoded = 0
        self.clip = Clip(Fraction(25), (64, 48), length, self.frames)

    def frames(self, start: int, stop: int) -> Iterator[Picture]:
        for number in range(start, stop):
            self.decoded += 1
            yield drawn.numbered(number)


def test_bounce_never_stands_still_and_ends_when_asked() -> None:
    assert canvas.bounce(9, 4).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert canvas.bounce(3, 10).tolist() == [0, 1, 2]
    assert canvas.bounce(4, 1).tolist() == [0, 0, 0, 0]
    assert canvas.bounce(0, 5).tolist() == []
    with pytest.raises(InputError, match="0"):
        canvas.bounce(3, 0)


@pytest.mark.parametrize(
    "order", [[0, 1, 2, 3], [3, 2, 1, 0], [5, 5, 5, 6], [9, 0, 4, 4, 3, 2], list(canvas.bounce(150, 60))]
)
def test_pictures_are_shown_in_the_order_of_the_canvas(order: list[int]) -> None:
    shown = canvas.shown(Counted(60).clip, np.array(order, np.int64))
    assert [drawn.number_of(picture) for picture in shown] == list(order)


def test_a_still_picture_is_decoded_once() -> None:
    still = Counted(1)
    assert len(list(canvas.shown(still.clip, canvas.bounce(100, 1)))) == 100
    assert still.decoded == 1


def test_parts_are_right_in_any_order_and_decoded_once_in_rising_order() -> None:
    counted = Counted(100)
    parts = canvas.Parts(counted.clip, lambda frame, picture: picture, keep=50)
    assert [drawn.number_of(parts[frame]) for frame in (3, 50, 20, 99)] == [3, 50, 20, 99]
    counted.decoded = 0
    again = canvas.Parts(counted.clip, lambda frame, picture: picture, keep=50)
    for frame in range(100):
        assert drawn.number_of(again[frame]) == frame
    assert counted.decoded == 100
    again.close()
