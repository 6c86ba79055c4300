"""paint: warp, mask, colour, grain, blend."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import drawn
from lipwright import paint
from lipwright.types import Face

SQUARE = np.array([[10, 10], [50, 10], [50, 50], [10, 50], [30, 30]], np.float32)
FANS = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]], np.int32)
ALL = np.ones(5, np.float32)


def ramp(size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """A picture whose red is x · 3 and green y · 3."""
    across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return np.stack([across * 3, down * 3, np.full_like(down, 40)], axis=2).astype(np.uint8)


def shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y]], np.float32)


def test_between_pixels_a_picture_is_nearly_cubic_and_at_pixels_itself() -> None:
    random = np.random.default_rng(0)
    picture = cv2.GaussianBlur(random.integers(0, 256, (60, 80, 3)).astype(np.uint8), (0, 0), 0.8)
    y, x = np.mgrid[0:60, 0:80].astype(np.float32)
    assert np.array_equal(paint.pull(picture, paint.Warp(x, y, x)), picture)
    assert np.array_equal(paint.pull(picture, paint.Warp(x + 90, y, x))[:, 0], picture[:, -1])
    x, y = x + 0.3 * np.cos(y / 7), y + 0.6 * np.sin(x / 9)
    seen = paint.pull(picture, paint.Warp(x, y, x)).astype(int)
    cubic, linear = (
        cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REPLICATE) for how in (cv2.INTER_CUBIC, cv2.INTER_LINEAR)
    )
    assert np.abs(seen - cubic).mean() < 0.6 * np.abs(cubic.astype(int) - linear).mean()


def test_a_mesh_that_does_not_move_shows_the_picture_itself() -> None:
    warp = paint.mesh_warp(SQUARE, SQUARE, FANS, ALL, (10, 10, 50, 50))
    seen = paint.pull(ramp(), warp)
    np.testing.assert_allclose(seen[1:-1, 1:-1].astype(int), ramp()[11:49, 11:49].astype(int), atol=1)
    assert warp.alpha[1:-1, 1:-1].min() > 0.99


@pytest.mark.parametrize("detail", [160, 20])
def test_a_moved_mesh_carries_its_pixels_along(detail: int) -> None:
    warp = paint.mesh_warp(SQUARE + np.float32([4, 2]), SQUARE, FANS, ALL, (14, 12, 54, 52), detail)
    seen = paint.pull(ramp(), warp).astype(int)
    np.testing.assert_allclose(seen[4:-4, 4:-4], ramp()[14:46, 14:46].astype(int), atol=3)


def test_outside_the_mesh_and_on_folded_triangles_nothing_shows() -> None:
    folded = SQUARE.copy()
    folded[4] = (30, 80)
    warp = paint.mesh_warp(folded, SQUARE, FANS, ALL, (0, 0, 64, 64))
    assert warp.alpha[:8].max() == 0
    assert warp.alpha[65:].size == 0 or warp.alpha[65:].max() == 0
    flat = paint.mesh_warp(SQUARE * (1, 0), SQUARE, FANS, ALL, (0, 0, 64, 8))
    assert np.isfinite(flat.x).all() and np.isfinite(flat.alpha).all()


def test_a_thin_triangle_never_looks_beyond_its_corners() -> None:
    thin = SQUARE.copy()
    thin[2:4, 1] = 10.6
    thin[4, 1] = 10.3
    warp = paint.mesh_warp(thin, SQUARE, FANS, ALL, (5, 5, 60, 20))
    inside = warp.alpha > 0
    assert warp.y[inside].min() >= 10 and warp.y[inside].max() <= 50


def test_push_moves_what_it_is_told_to_and_nothing_far_away() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[48:53, 48:53] = 255
    at = np.array([[50, 56], [10, 10], [90, 90], [10, 90], [90, 10]], np.float32)
    move = np.array([[0, 6], [0, 0], [0, 0], [0, 0], [0, 0]], np.float32)
    moved = paint.push(picture, at, move, 12.0, (0, 0, 100, 100))
    down = np.argwhere(moved[..., 0] > 128).mean(0)[0]
    assert 54.5 < down < 57.5
    np.testing.assert_array_equal(moved[:5], picture[:5])
    np.testing.assert_array_equal(paint.push(picture, at, 0 * move, 12.0, (0, 0, 100, 100)), picture)


def test_colours_are_brought_together_and_detail_is_not() -> None:
    random = np.random.default_rng(0)
    texture = random.integers(90, 110, (80, 80, 3)).astype(np.uint8)
    beside = np.full((80, 80, 3), (130, 100, 90), np.uint8)
    down, across = np.mgrid[-1:1:80j, -1:1:80j]
    mask = np.clip(1.6 - 1.6 * np.hypot(down, across), 0, 1).astype(np.float32)
    matched = paint.match_colour(texture, beside, mask)
    np.testing.assert_allclose(matched[20:60, 20:60].mean((0, 1)), (130, 100, 90), atol=2)
    assert matched[30:50, 30:50].std() > 0.8 * texture[30:50, 30:50].std()


def test_missing_grain_is_added_and_present_grain_is_not() -> None:
    random = np.random.default_rng(0)
    smooth = np.full((64, 64, 3), 120, np.uint8)
    grainy = np.clip(120 + random.normal(0, 1.6, (64, 64, 1)).repeat(3, 2), 0, 255).astype(np.uint8)
    mask, noise = np.ones((64, 64), np.float32), random.standard_normal((64, 64)).astype(np.float32)
    assert 0.6 < paint.add_grain(smooth, grainy, mask, noise).std() / grainy.std() < 1.6
    np.testing.assert_array_equal(paint.add_grain(grainy, smooth, mask, noise), grainy)


@pytest.mark.parametrize("blend", sorted(paint.BLENDS))
def test_pixels_outside_the_mask_are_the_frames_own(blend: paint.Blend) -> None:
    frame = drawn.face(0.4, (160, 120))
    mask = np.zeros((40, 40), np.float32)
    mask[10:30, 10:30] = 1
    face = Face(np.full((40, 40, 3), 200, np.uint8), mask, shift(50, 40))
    kept = frame.copy()
    result = paint.composite(frame, face, paint.Finish(blend))
    np.testing.assert_array_equal(frame, kept)
    outside = np.ones(frame.shape[:2], bool)
    outside[50:70, 60:80] = False
    np.testing.assert_array_equal(result[outside], frame[outside])
    assert np.abs(result[55:65, 65:75].astype(int) - frame[55:65, 65:75]).mean() > (2 if blend == "poisson" else 20)


def test_a_whole_pixel_place_is_painted_without_resampling_even_over_the_edge() -> None:
    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (20, 20, 3)).astype(np.uint8)
    frame = np.zeros((30, 30, 3), np.uint8)
    result = paint.composite(frame, Face(picture, np.ones((20, 20), np.float32), shift(-5, 15)))
    np.testing.assert_array_equal(result[15:30, :15], picture[:15, 5:])
    assert not result[:15].any()


def test_the_finish_matches_colours_and_an_exact_face_is_left_alone() -> None:
    frame = np.full((60, 60, 3), (150, 120, 100), np.uint8)
    down, across = np.mgrid[-1:1:40j, -1:1:40j]
    mask = np.clip(1.8 - 1.8 * np.hypot(down, across), 0, 1).astype(np.float32)
    blue = np.full((40, 40, 3), (90, 90, 160), np.uint8)
    finish = paint.Finish("multiband", colour=True, grain=True)
    matched = paint.composite(frame, Face(blue, mask, shift(10, 10)), finish)
    np.testing.assert_allclose(matched[30, 30], (150, 120, 100), atol=4)
    exact = paint.composite(frame, Face(blue, mask, shift(10, 10), exact=True), finish)
    np.testing.assert_array_equal(exact[30, 30], (90, 90, 160))


def test_a_turned_and_scaled_face_lands_where_its_place_says() -> None:
    place = np.array([[0, -2, 40], [2, 0, 10]], np.float32)
    face = Face(np.full((10, 10, 3), 250, np.uint8), np.ones((10, 10), np.float32), place)
    result = paint.composite(np.zeros((60, 60, 3), np.uint8), face)
    bright = np.argwhere(result[..., 0] > 200)
    np.testing.assert_allclose(bright.mean(0), [19, 31], atol=1.5)


def test_a_polygon_is_whole_inside_and_gone_outside() -> None:
    outline = np.array([[20, 20], [44, 20], [44, 32], [20, 32]], np.float32)
    mask = paint.polygon((60, 50), outline, 1.0)
    assert mask.shape == (50, 60)
    assert mask[26, 32] > 0.99 and mask[5, 5] == 0
    assert 0.2 < mask[20, 32] < 0.8


def test_a_softened_mask_keeps_what_it_had() -> None:
    mask = np.zeros((40, 40), np.float32)
    mask[18:22, 18:22] = 1
    soft = paint.soften(mask, 3)
    assert soft[20, 20] > 0.8 and soft[20, 23] > 0.3 and soft[20, 34] == 0


def test_a_mixture_lies_between_its_parts() -> None:
    dark, light = np.full((4, 4, 3), 50, np.uint8), np.full((4, 4, 3), 150, np.uint8)
    assert (paint.mix(dark, light, 0.25) == 75).all()


def test_a_region_stays_inside_the_frame_and_counts_from_another() -> None:
    points = np.array([[-5.0, 10.2], [30.0, 70.0]], np.float32)
    assert paint.region_of(points, (40, 60), margin=2) == (0, 8, 33, 60)
    assert paint.within((5, 8, 20, 30), (3, 4, 40, 40)) == (2, 4, 17, 26)
    assert paint.at_corner((3, 4, 40, 40)).tolist() == [[1, 0, 3], [0, 1, 4]]
