"""mouth: one person's closed mouth and range, the cost of a donor, the place in a frame."""

from __future__ import annotations

import numpy as np
import pytest

from lipwright import faces, mouth
from lipwright.types import Float

PLAIN = np.zeros((20, 1, 3), np.float32)
REST = faces.canonical().points[faces.canonical().moving]


def saying(openings: Float) -> Float:
    return mouth.with_opening(np.repeat(REST[None], len(openings), 0), np.asarray(openings, np.float32))


def test_shapes_open_as_asked() -> None:
    asked = np.array([0.02, 0.1, 0.25])
    np.testing.assert_allclose(mouth.opening(saying(asked)), asked, atol=2e-3)


def test_opening_is_the_same_on_a_shape_and_on_the_whole_mesh() -> None:
    whole = faces.canonical().points[None]
    assert mouth.opening(whole[:, faces.canonical().moving]) == pytest.approx(faces.opening(whole))


def test_a_talker_keeps_their_own_range_and_closes_tightly() -> None:
    life = np.abs(np.sin(np.linspace(0, 30, 300))) * 0.16 + 0.015
    speaker = mouth.Speaker.of(saying(life))
    assert speaker.widest == pytest.approx(np.quantile(life, 0.97), abs=5e-3)
    timid = saying(0.052 + 0.04 * np.sin(np.linspace(0, 40, 200))) - saying(np.full(1, 0.012))
    said = mouth.opening(speaker.says(timid, np.ones(200, np.float32), 1.0))
    assert said.std() == pytest.approx(life.std(), rel=0.15)
    assert said.min() < 0.02
    assert said.max() < 1.2 * speaker.widest + 1e-3


def test_strength_scales_the_opening_and_zero_closes() -> None:
    speaker = mouth.Speaker.of(saying(np.linspace(0.01, 0.2, 100)))
    motion = saying(np.linspace(0.01, 0.2, 50)) - saying(np.full(1, 0.01))
    voiced = np.ones(50, np.float32)
    full, half, none = (mouth.opening(speaker.says(motion, voiced, s)).max() for s in (1.0, 0.5, 0.0))
    assert half == pytest.approx(full / 2, rel=0.1)
    assert none <= mouth.SHUT + 1e-3


def test_silence_closes_the_mouth() -> None:
    speaker = mouth.Speaker.of(saying(np.linspace(0.03, 0.2, 100)))
    motion = saying(np.full(20, 0.2)) - saying(np.full(1, 0.01))
    said = speaker.says(motion, np.zeros(20, np.float32), 1.0)
    assert mouth.opening(said).max() < 0.003


def test_somebody_who_never_talks_gets_the_common_range() -> None:
    speaker = mouth.Speaker.of(saying(np.full(30, 0.011)))
    assert (speaker.spread, speaker.widest) == (mouth.manner().spread, mouth.manner().widest)
    smiling = mouth.Speaker.of(saying(np.full(1, 0.1)))
    assert mouth.opening(smiling.closed[None])[0] <= mouth.SHUT + 1e-3


def test_lips_touch_all_along_when_the_mouth_is_sealed() -> None:
    lips = mouth.sealed(saying(np.array([0.005, 0.1])))
    upper, lower = (
        lips[:, np.searchsorted(faces.canonical().moving, x)] for x in (faces.INNER_UPPER, faces.INNER_LOWER)
    )
    gaps = np.linalg.norm(upper - lower, axis=2)
    assert gaps[0].max() < 1e-6
    assert gaps[1, 4] > 0.08


def still_pose(frames: int) -> faces.Pose:
    points = np.repeat(faces.canonical().points[None] * 100, frames, 0)
    return faces.fit_pose(points)


def costs(*how: object) -> np.ndarray:
    return np.stack(list(mouth.donor_cost(*how)))  # type: ignore[arg-type]


def test_the_cheapest_donor_shows_the_mouth_asked_for() -> None:
    shapes = saying(np.linspace(0.01, 0.2, 20))
    cost = costs(saying(np.array([0.15])), shapes, still_pose(20), PLAIN[:20], np.array([10]), np.ones(20, bool), 10)
    best = int(np.argmin(cost[0]))
    assert mouth.opening(shapes)[best] == pytest.approx(0.15, abs=0.012)


def test_a_donor_too_closed_is_dearer_than_one_too_open() -> None:
    shapes = saying(np.array([0.06, 0.14]))
    asked = saying(np.array([0.1]))
    cost = costs(asked, shapes, still_pose(2), PLAIN[:2], np.array([0]), np.ones(2, bool), 2)
    assert cost[0, 3] < cost[0, 2]  # the frame 0.04 too open, one frame away, and the one 0.04 too closed, at hand


def test_a_donor_in_the_same_light_is_preferred() -> None:
    shapes, look = saying(np.full(20, 0.1)), PLAIN.copy()
    look[10:16] = 40
    cost = costs(saying(np.array([0.1])), shapes, still_pose(20), look, np.array([15]), np.ones(20, bool), 10)
    best = 5 + int(np.argmin(cost[0]))
    assert 10 <= best < 16


def test_unusable_and_missing_frames_cost_everything() -> None:
    shapes, usable = saying(np.full(10, 0.1)), np.ones(10, bool)
    usable[4] = False
    cost = costs(saying(np.full(1, 0.1)), shapes, still_pose(10), PLAIN[:10], np.array([1]), usable, 5)
    assert np.isinf(cost[0, [0, 1, 2, 3, 8]]).all() and np.isfinite(cost[0, [4, 5, 6, 7, 9]]).all()
    nothing = costs(saying(np.full(1, 0.1)), shapes, still_pose(10), PLAIN[:10], np.array([1]), np.zeros(10, bool), 5)
    assert nothing[0].argmin() == 5


def test_only_the_mouth_moves_in_the_frame() -> None:
    points = faces.canonical().points * 100 + (200, 150, 0)
    pose = faces.fit_pose(points[None].astype(np.float32))
    wanted = mouth.place(saying(np.array([0.25]))[0], points, pose)
    upper = faces.canonical().points[:, 1] < 0.47
    np.testing.assert_array_equal(wanted[upper], points[upper, :2])
    assert wanted[14, 1] - wanted[13, 1] == pytest.approx(25, rel=0.15)


def test_the_mask_is_whole_at_the_lips_and_gone_at_the_outline() -> None:
    alpha = mouth.alpha()
    assert alpha[list(faces.OUTER_LIPS)].min() > 0.9
    assert alpha[152] == 0 and alpha[10] == 0 and alpha[4] == 0


def test_the_rim_fades_inside_the_frame_but_not_at_its_edge() -> None:
    inside = mouth.rim((10, 10, 60, 60), (100, 100))
    assert inside[0].max() == 0 and inside[25, 25] == 1
    cut_off = mouth.rim((10, 60, 60, 100), (100, 100))
    assert cut_off[-1, 25] == 1 and cut_off[0].max() == 0


def test_a_turned_head_fades_out() -> None:
    share = mouth.frontal(np.array([0, 25, 40, 70, np.nan], np.float32))
    np.testing.assert_allclose(share[[0, 1, 3, 4]], [1, 1, 0, 0])
    assert 0.2 < share[2] < 0.8


def test_a_moving_mouth_stays_inside_its_region_and_what_surrounds_it_stands_still() -> None:
    points = (faces.canonical().points * 100 + (200, 150, 0))[:, :2].astype(np.float32)
    ring = mouth.surroundings(points)
    x0, _, x1, y1 = mouth.region(points, points, (400, 400))
    assert x0 <= ring[:, 0].min() and x1 >= ring[:, 0].max() and y1 >= min(400, ring[:, 1].max())
    assert ring[:, 1].max() > points[152, 1] + 20


def test_a_shadow_lies_where_the_cover_is() -> None:
    points = (faces.canonical().points * 100 + (200, 150, 0))[:, :2].astype(np.float32)
    cover = np.zeros(468, np.float32)
    cover[faces.canonical().points[:, 0] > 0.2] = 1
    seen = mouth.shadow(points, cover, (100, 100, 300, 300))
    assert seen[150, 150] > 0.9 and seen[150, 60] == 0
