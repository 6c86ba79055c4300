"""faces: find, follow, pose, crops — on drawn and on real faces."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import drawn
from lipwright import faces, media, registry
from lipwright.errors import NoFaceError
from lipwright.types import Clip


@pytest.fixture(scope="module")
def spoken() -> Clip:
    return replace(drawn.talking(50), key="")


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation matrix of the three angles in degrees, in the order `Pose.degrees` reads them."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def test_the_canonical_face_is_as_wide_between_the_eyes_as_its_unit() -> None:
    points = faces.canonical().points
    assert points.shape == (468, 3)
    assert np.linalg.norm(points[33] - points[263]) == pytest.approx(1, abs=1e-4)
    assert (points[faces.canonical().moving, 1] > 0.4).all()


def test_pose_is_taken_out_and_put_back() -> None:
    shape = faces.canonical().points[None] + np.random.default_rng(0).normal(0, 0.0, (1, 468, 3))
    seen = 80 * shape @ turned(20, -10, 5).T + np.array([300, 200, 0])
    pose = faces.fit_pose(seen.astype(np.float32))
    assert pose.scale[0] == pytest.approx(80, rel=1e-3)
    assert pose.degrees[0] == pytest.approx([20, -10, 5], abs=0.1)
    np.testing.assert_allclose(faces.to_canonical(seen, pose), shape, atol=1e-3)
    np.testing.assert_allclose(faces.from_canonical(shape, pose), seen, atol=0.05)


def test_pose_of_an_absent_face_is_nan_and_does_not_stop_the_rest() -> None:
    seen = np.stack([np.full((468, 3), np.nan), faces.canonical().points * 50]).astype(np.float32)
    pose = faces.fit_pose(seen)
    assert np.isnan(pose.scale[0])
    assert pose.scale[1] == pytest.approx(50, rel=1e-3)


def test_the_drawn_mouth_is_followed(spoken: Clip) -> None:
    track = faces.track(spoken)
    assert track.present.all()
    pose = faces.fit_pose(track.points)
    gap = faces.opening(faces.to_canonical(track.points, pose))
    truth = drawn.loudness(np.arange(50) / 25, 2.0, 0)
    assert np.corrcoef(gap, truth)[0, 1] > 0.8
    assert track.points68.shape == (50, 68, 2)


def test_a_small_face_in_a_720p_picture_is_found() -> None:
    picture = np.full((720, 1280, 3), (70, 90, 110), np.uint8)
    picture[100:260, 900:1060] = drawn.face(0.3, (160, 160), width=0.5)  # 80 px wide
    clip = Clip(Fraction(25), (1280, 720), 3, lambda start, stop: iter([picture] * (stop - start)))
    box = faces.track(clip).box[0]
    assert 900 < box[:3:2].mean() < 1060
    assert 40 < box[2] - box[0] < 130


def test_the_largest_of_two_faces_is_taken() -> None:
    picture = np.concatenate([drawn.face(0.2, width=0.3), drawn.face(0.2, width=0.55)], axis=1)
    clip = Clip(Fraction(25), (640, 240), 2, lambda start, stop: iter([picture] * (stop - start)))
    assert faces.track(clip).box[0, 0] > 320


def test_frames_without_a_face_are_nan_and_the_face_is_found_again() -> None:
    seen = drawn.face(0.4)
    empty = np.full_like(seen, 90)
    pictures = [seen] * 10 + [empty] * 15 + [seen] * 10
    clip = Clip(Fraction(25), (320, 240), 35, lambda start, stop: iter(pictures[start:stop]))
    track = faces.track(clip)
    assert track.present[:10].all() and track.present[25:].all()
    assert not track.present[10:25].any()
    assert (track.score[10:25] < 0.5).all()


def test_no_face_at_all_is_a_sentence() -> None:
    clip = Clip(Fraction(25), (64, 48), 3, lambda start, stop: iter([drawn.numbered(1)] * (stop - start)))
    with pytest.raises(NoFaceError, match="no face was found in any of the 3 frames"):
        faces.track(clip)


def test_a_track_is_kept_by_content_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "cache_dir", lambda: tmp_path)
    clip = replace(drawn.talking(5), key="abc")
    first = faces.track(clip)
    unreadable = replace(clip, frames=lambda start, stop: iter(()))
    np.testing.assert_array_equal(faces.track(unreadable).points, first.points)


def test_a_mouth_crop_is_upright_and_holds_the_mouth() -> None:
    tilted = drawn.face(1.0, tilt=0.4)
    clip = Clip(Fraction(25), (320, 240), 2, lambda start, stop: iter([tilted] * (stop - start)))
    track = faces.track(clip)
    crop = faces.mouth_crop(tilted, faces.mouth_matrices(track.points)[0])
    assert crop.shape == (48, 64)
    dark = np.argwhere(crop < 80)
    assert len(dark) > 50
    across = np.ptp(np.percentile(dark[:, 1], [5, 95]))
    assert across > np.ptp(np.percentile(dark[:, 0], [5, 95]))
    assert abs(np.polyfit(dark[:, 1], dark[:, 0], 1)[0]) < 0.2


def test_every_frame_of_a_real_clip_has_its_mesh(footage: Path) -> None:
    clip = media.open(footage / "clips" / "s001_ab9468.mp4")
    track = faces.track(replace(clip, key=""))
    assert track.present.mean() > 0.98
    inside = track.points[:, :, :2] / np.array(clip.size)
    assert inside.min() > -0.2 and inside.max() < 1.2
    jitter = np.diff(track.points[:, list(faces.STABLE), :2], 2, axis=0)
    assert np.abs(cv2.mean(np.abs(jitter).reshape(-1, 1))[0]) < 0.5
