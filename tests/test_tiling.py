"""tiling: several clips in one, each under its name, at its own speed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import drawn
from lipwright import tiling
from lipwright.errors import InputError
from lipwright.types import Clip
from scenes import film


def counting(length: int, fps: int, size: tuple[int, int] = (64, 48), start: int = 0) -> Clip:
    pictures = [drawn.numbered(start + number, size) for number in range(length)]
    return replace(film(pictures, Fraction(fps)), key=f"{length} at {fps} from {start}")


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (1, (640, 480), (1, 1, (640, 480))),
        (4, (256, 256), (2, 2, (256, 256))),
        (2, (1920, 1080), (2, 1, (960, 540))),
        (2, (600, 1000), (2, 1, (600, 1000))),
        (9, (1280, 720), (3, 3, (590, 332))),
    ],
)
def test_tiles_are_as_large_as_they_can_be(count: int, size: tuple[int, int], expected: tuple) -> None:
    plan = tiling.layout(count, size)
    assert (plan.columns, plan.rows, plan.size) == expected
    assert plan.whole[0] <= tiling.WIDEST and plan.whole[1] <= tiling.TALLEST
    assert plan.whole[0] % 2 == plan.whole[1] % 2 == 0


def test_each_clip_runs_at_its_own_speed_and_the_last_picture_stays() -> None:
    slow, fast = counting(4, 10), counting(20, 25, start=100)
    both = tiling.tiled([slow, fast], ["slow", "fast"])
    assert (both.fps, both.length) == (25, 20)
    seen = []
    for picture in both.read():
        tiles = [picture[tiling.BAR : tiling.BAR + 48, x : x + 64] for x in (0, 64)]
        seen.append(tuple(drawn.number_of(tile) for tile in tiles))
    assert [one for one, _ in seen] == [min(3, frame * 10 // 25) for frame in range(20)]
    assert [other for _, other in seen] == list(range(100, 120))
    np.testing.assert_array_equal(next(both.read(13)), list(both.read())[13])


def test_names_stand_above_and_a_long_one_is_cut() -> None:
    clip = counting(1, 25)
    bars = {name: next(tiling.tiled([clip], [name]).read())[: tiling.BAR] for name in ("a", "b", "a" * 80, "é", "")}
    assert len({bar.tobytes() for bar in bars.values()}) == 5
    assert (bars[""] == bars[""][0, 0]).all()
    assert (bars["a" * 80][:, -5:] == bars[""][:, -5:]).all(), "letters must not run into the next tile"


def test_a_smaller_clip_is_shown_whole_with_dark_around_it() -> None:
    white = np.full((20, 64, 3), 255, np.uint8)
    shown = tiling.fitted(white, (64, 48))
    assert (shown[14:34] == 255).all()
    assert (shown[:13].max(), shown[36:].max()) == (max(tiling.GROUND), max(tiling.GROUND))


def test_the_sound_is_the_first_there_is_and_the_key_says_all() -> None:
    one, other = counting(2, 25), counting(2, 25, start=5)
    voice = drawn.tone(0.1)
    assert tiling.tiled([one, other.with_audio(voice)], ["a", "b"]).audio is voice
    keys = {
        tiling.tiled(*pair).key for pair in (([one, other], ["a", "b"]), ([other, one], ["a", "b"]), ([one], ["a"]))
    }
    assert len(keys) == 3
    assert tiling.tiled([one, replace(other, key="")], ["a", "b"]).key == ""
    with pytest.raises(InputError, match="2 clips and 1 names"):
        tiling.tiled([one, other], ["a"])
