"""Every metric on faces whose movement is drawn, so that what it should find is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest

from lipwright import faces, metrics, registry
from lipwright.metrics import Case, View
from lipwright.types import Clip, FaceTrack, Measure, Phone

SIZE, EYES = (320, 300), 120.0
LENGTH, FPS = 100, Fraction(25)
TALK = (0.05 + 0.05 * np.sin(np.arange(LENGTH) * 0.7)).astype(np.float32)
NAMES = registry.members("metrics")
Change = Callable[[np.ndarray], object]


def picture(seed: int = 0) -> np.ndarray:
    rough = np.random.default_rng(seed).integers(40, 220, (75, 80, 3), dtype=np.uint8)
    return cv2.resize(rough, SIZE, interpolation=cv2.INTER_CUBIC)


def meshes(opening: np.ndarray, change: Change | None = None) -> np.ndarray:
    """Frontal meshes (T, 468, 3) px whose inner lips open by ``opening`` eye distances."""
    shape = np.repeat(faces.canonical().points[None], len(opening), axis=0)
    low, up = np.array(faces.INNER_LOWER), np.array(faces.INNER_UPPER)
    shape[:, low] = shape[:, up] + np.array([0, 1, 0]) * opening[:, None, None]
    if change is not None:
        change(shape)
    return (shape * EYES + np.array([160, 90, 0])).astype(np.float32)


def seen(opening: np.ndarray = TALK, change: Change | None = None, shown: np.ndarray | None = None) -> list[View]:
    points = meshes(opening, change)
    count = len(points)
    track = FaceTrack(0, faces.boxes(points), points, np.ones(count, np.float32))
    pictures = [picture()] * count if shown is None else list(shown)
    return list(metrics.views(pictures, track, np.arange(count), 25.0))


def clip(size: tuple[int, int] = SIZE, length: int = LENGTH) -> Clip:
    return Clip(FPS, size, length, lambda start, stop: iter(()))


def found(name: str, mine: list[View], beside: list[View] | None = None, **case: object) -> dict[str, Measure]:
    """What a metric makes of views, each name told."""
    given = Case(FPS, SIZE, len(mine), **case)
    metric = registry.load("metrics", name).Metric(given)
    for n, view in enumerate(mine):
        metric.see(view, None if beside is None else beside[n])
    result = {measure.name: measure for measure in metric.result()}
    assert result.keys() <= metric.tells.keys()
    assert {measure.name for measure in metric.floor()} <= metric.tells.keys()
    assert all(np.isfinite(measure.value) for measure in result.values())
    return result


HEARD = {"voiced": np.ones(LENGTH, np.float32), "asked": TALK}


@pytest.mark.parametrize("name", NAMES)
def test_a_member_says_what_it_needs_and_what_it_tells(name):
    metric = registry.load("metrics", name).Metric
    assert metric.needs <= {"face", "sound", "reference", "source"}
    assert metric.tells
    assert metric.__doc__
    assert all(what and key.isidentifier() and key.islower() for key, what in metric.tells.items())


def test_no_two_metrics_give_one_name_two_meanings():
    names = [key for name in NAMES for key in registry.load("metrics", name).Metric.tells]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_that_saw_nothing_says_nothing_or_of_length_alone(name):
    assert not found(name, [])


def test_views_take_the_pose_out_and_number_the_frames():
    views = seen()
    assert [view.frame for view in views] == list(range(LENGTH))
    assert [view.opening for view in views] == pytest.approx(TALK.tolist(), abs=1e-3)
    assert views[0].strip.shape == (192, 128)
    assert all(view.seen for view in views)


def test_a_frame_without_a_face_is_not_seen():
    points = meshes(TALK)
    points[10:13] = np.nan
    track = FaceTrack(0, faces.boxes(points), points, np.ones(LENGTH, np.float32))
    views = list(metrics.views([picture()] * LENGTH, track, np.arange(LENGTH), 25.0))
    assert [view.frame for view in views if not view.seen] == [10, 11, 12]


def test_views_follow_an_order_that_runs_backward():
    points = meshes(TALK)
    track = FaceTrack(0, faces.boxes(points), points, np.ones(LENGTH, np.float32))
    order = np.arange(LENGTH)[::-1]
    views = list(metrics.views([picture()] * LENGTH, track, order, 25.0))
    assert [view.opening for view in views] == pytest.approx(TALK[::-1].tolist(), abs=1e-3)


def test_the_same_movement_is_no_distance_and_a_wrong_one_is():
    same = found("landmarks", seen(), seen())
    assert same["lmd"].value == same["lve"].value == 0
    assert same["opening_reference"].value == pytest.approx(1)
    assert same["opening_amplitude"].value == pytest.approx(1)
    wider = found("landmarks", seen(TALK * 1.5), seen())
    assert wider["opening_amplitude"].value == pytest.approx(1.5, abs=0.01)
    assert 0 < wider["lmd"].value < wider["lve"].value < 0.06
    shifted = found("landmarks", seen(TALK + 0.03), seen())
    assert shifted["lmd_motion"].value < 1e-4 < shifted["lmd"].value


def test_the_floor_of_landmarks_is_the_wrong_moment():
    metric = registry.load("metrics", "landmarks").Metric(Case(FPS, SIZE, LENGTH))
    for view in seen():
        metric.see(view, view)
    floor = {measure.name: measure.value for measure in metric.floor()}
    assert floor["lmd"] > 0.005
    assert floor["opening_reference"] < 0.95


def test_fidelity_sees_where_pictures_differ():
    other = picture()
    rows, columns = metrics.box(meshes(TALK[:1])[0], SIZE, 0.0, np.array(faces.OUTER_LIPS))
    other[rows, columns] //= 2
    told = found("fidelity", seen(shown=np.stack([other] * LENGTH)), seen(), reference=clip())
    assert told["psnr_mouth"].value < told["psnr_face"].value < told["psnr_frame"].value < 100
    assert told["ssim_mouth"].value < told["ssim_face"].value < told["ssim_frame"].value < 1
    same = found("fidelity", seen(), seen(), reference=clip())
    assert same["psnr_mouth"].value == 100
    assert same["ssim_face"].value == pytest.approx(1)


def test_fidelity_compares_no_pictures_of_two_sizes():
    assert not found("fidelity", seen(), seen(), reference=clip((640, 600)))


def test_a_blurred_mouth_is_less_sharp():
    blurred = picture()
    rows = slice(int(90 + 0.45 * EYES), None)
    blurred[rows] = cv2.GaussianBlur(blurred[rows], (0, 0), 4)
    plain = found("sharpness", seen())["sharpness"].value
    assert found("sharpness", seen(shown=np.stack([blurred] * LENGTH)))["sharpness"].value < 0.5 * plain


def test_trembling_pixels_and_outlines_are_told_apart():
    calm = found("steadiness", seen(np.full(LENGTH, 0.05, np.float32)))
    assert calm["flicker"].value < 0.1
    assert calm["jitter"].value < 0.1
    pictures = [np.clip(picture().astype(int) + (n % 2) * 10, 0, 255).astype(np.uint8) for n in range(LENGTH)]
    flickering = found("steadiness", seen(np.full(LENGTH, 0.05, np.float32), shown=np.stack(pictures)))
    assert flickering["flicker"].value == pytest.approx(10, abs=0.5)
    assert flickering["jitter"].value == pytest.approx(calm["jitter"].value, abs=0.01)
    trembling = found("steadiness", seen(0.05 + 0.02 * (np.arange(LENGTH, dtype=np.float32) % 2)))
    assert trembling["jitter"].value > 2


def test_another_face_is_another_identity():
    same = found("identity", seen(), seen())
    assert same["identity_upper"].value == pytest.approx(1)
    other = found("identity", seen(shown=np.stack([picture(7)] * LENGTH)), seen())
    assert other["identity_upper"].value < 0.5
    assert other["identity_lower"].value < 0.5


def brows(amount: np.ndarray) -> Change:
    def raised(shape: np.ndarray) -> None:
        shape[:, np.array((70, 63, 105, 66, 107, 336, 296, 334, 293, 300)), 1] -= amount[:, None]

    return raised


def test_brows_that_move_as_the_sources_keep_the_expression():
    wave = 0.02 * np.sin(np.arange(LENGTH) * 0.3)
    source = seen(change=brows(wave))
    same, against = found("expression", source, source), found("expression", seen(change=brows(-wave)), source)
    assert same["expression_distance"].value == 0
    assert same["expression_brows"].value == pytest.approx(1)
    assert against["expression_brows"].value == pytest.approx(-1, abs=0.01)
    assert against["expression_distance"].value > 0.005
    assert "expression_brows" not in found("expression", seen(), seen()), (
        "brows that stand still have nothing to follow"
    )


def test_an_open_mouth_in_silence_is_a_leak():
    voiced = np.repeat(np.array([1, 0], np.float32), LENGTH // 2)
    shut = np.where(voiced > 0, TALK, 0.01).astype(np.float32)
    assert found("leak", seen(shut), voiced=voiced)["leak"].value == 0
    held = np.where(voiced > 0, TALK, 0.12).astype(np.float32)
    assert found("leak", seen(held), voiced=voiced)["leak"].value == 1
    going = found("leak", seen(TALK), voiced=voiced)
    assert going["leak_motion"].value == pytest.approx(1, abs=0.1)
    assert going["leak"].value > 0.4
    assert not found("leak", seen(TALK), voiced=np.ones(LENGTH, np.float32)), "no silence, nothing to say"


def test_a_mouth_that_does_what_is_asked_correlates(monkeypatch):
    from drawn import voice

    given = HEARD | {"speech": voice(4.0)}
    told = found("openness", seen(), **given)
    assert told["openness"].value == pytest.approx(1, abs=0.01)
    assert "openness_level" in told
    assert "openness" not in found("openness", seen(np.full(LENGTH, 0.05, np.float32)), **given)


def timeline(symbols: str) -> tuple[Phone, ...]:
    """A sound every ten frames from the tenth on, each of two frames."""
    return tuple(Phone(symbol, at / 25, (at + 2) / 25) for symbol, at in zip(symbols, range(10, 100, 10), strict=False))


def test_lips_that_meet_at_p_b_m_are_counted():
    opening = np.full(LENGTH, 0.08, np.float32)
    opening[[10, 20]] = 0.0
    opening[40:62] = 0.2
    told = found("articulation", seen(opening), **HEARD, phones=timeline("pbmaaa"))
    assert told["lips_meet"].value == pytest.approx(2 / 3)
    assert told["lips_near"].value == 1, "0.08 is as shut as this mouth gets"
    assert told["vowels_open"].value > 1.5
    assert "lips_round" not in told, "there are no rounded vowels"


def test_rounded_lips_and_teeth_are_found_and_a_wrong_voice_finds_less():
    opening = np.full(LENGTH, 0.1, np.float32)
    opening[[*range(69, 73), *range(79, 83), *range(89, 93)]] = 0.02
    narrow = np.zeros(LENGTH)
    narrow[[*range(9, 14), *range(19, 24), *range(29, 34)]] = 0.2

    def rounded(shape: np.ndarray) -> None:
        shape[:, [61, 291], 0] *= 1 - narrow[:, None]

    given = Case(FPS, SIZE, LENGTH, **HEARD, phones=timeline("uowiiifvf"))
    metric = registry.load("metrics", "articulation").Metric(given)
    for view in seen(opening, rounded):
        metric.see(view, None)
    told = {measure.name: measure.value for measure in metric.result()}
    wrong = {measure.name: measure.value for measure in metric.floor()}
    assert told["lips_round"] > 2
    assert told["teeth_near"] < 0.4
    assert wrong["lips_round"] < 1 < told["lips_round"]
    assert wrong["teeth_near"] > 0.9


def test_diphthongs_count_in_their_parts():
    figures = registry.load("metrics", "articulation").figures
    opening, width = np.full(LENGTH, 0.1, np.float32), np.full(LENGTH, 0.5, np.float32)
    for at in (10, 20, 30):
        opening[at : at + 5] = 0.3
        width[at + 5 : at + 10] = 0.3
    phones = tuple(Phone("aʊ", at / 25, (at + 10) / 25) for at in (10, 20, 30))
    told = figures(opening, width, phones, 25.0)
    assert told["lips_round"] > 1.5
    assert told["vowels_open"] > 1.5


def test_length_is_told_in_frames_and_seconds():
    told = found("length", seen(), sound_seconds=4.2, reference=clip(length=90))
    assert told["frames_off_sound"].value == -5
    assert told["frames_off_reference"].value == 10
    assert told["seconds_off_reference"].value == pytest.approx(0.4)
    assert not found("length", seen()), "without a sound or a reference there is nothing to compare with"


def test_a_box_stays_inside_the_picture():
    rows, columns = metrics.box(meshes(TALK[:1])[0] + 500, SIZE, 0.5)
    assert 0 <= rows.start < rows.stop <= SIZE[1]
    assert 0 <= columns.start < columns.stop <= SIZE[0]


def test_a_case_without_sound_is_empty_not_missing():
    case = replace(Case(FPS, SIZE, 5), sound_seconds=0.0)
    assert len(case.voiced) == len(case.speech.samples) == 0
