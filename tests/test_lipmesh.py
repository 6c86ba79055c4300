"""Our sync expert on mesh points as a member of its family."""

from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import crops as cutting, faces, media, registry, sync
from lipwright.experts import lipmesh
from lipwright.types import FaceTrack

FOOTAGE = Path(__file__).parents[2] / "shared" / "data" / "full" / "s009_23d736.mp4"


def talking(frames: int) -> FaceTrack:
    """A frontal mesh whose lower lip moves, while the head sways and grows."""
    model = faces.canonical().points
    move = np.zeros_like(model)
    move[list(faces.INNER_LOWER), 1] = 0.05
    phase = np.sin(np.arange(frames, dtype=np.float32))[:, None, None]
    points = (model + move * phase) * (50 + np.arange(frames, dtype=np.float32)[:, None, None] / 5)
    points = (points + np.array([160, 100, 0]) + 3 * phase).astype(np.float32)
    return FaceTrack(0, faces.boxes(points), points, np.ones(frames, np.float32))


def test_it_sees_how_the_mouth_moves_and_not_the_head():
    clip, track = drawn.talking(50), talking(50)
    seen = list(cutting.shapes(clip, track, 25.0))
    assert {shape.shape for shape in seen} == {(177, 3)}
    np.testing.assert_allclose(np.mean(seen, axis=0), 0, atol=1e-4)
    where = list(faces.canonical().moving)
    lower = [where.index(vertex) for vertex in faces.INNER_LOWER]
    moved = np.array([shape[lower, 1].mean() for shape in seen])
    assert np.corrcoef(moved, np.sin(np.arange(50)))[0, 1] > 0.9


def test_a_prepared_recording_is_seen_as_the_clip_is():
    track = talking(40)
    pose = faces.steady_pose(track.points, cutting.POSE_SECONDS * 25)
    motion = faces.to_canonical(track.points[:, faces.canonical().moving], pose)
    present = np.ones(40, bool)
    present[7] = False
    seen = list(lipmesh.Expert().prepared({"motion": motion, "present": present}))
    assert seen[7] is None
    whole = list(cutting.shapes(drawn.talking(40), track, 25.0))
    assert max(np.abs(a - b).max() for a, b in zip(seen, whole, strict=True) if a is not None) < 0.1


def test_it_may_be_believed():
    assert lipmesh.Expert().calibrated().auc > 0.75


@pytest.mark.skipif(not FOOTAGE.is_file(), reason="../shared/data is not here")
def test_a_real_voice_moved_by_known_frames_is_found():
    clip = media.open(FOOTAGE)
    clip = clip.part(0, round(6 * clip.fps))
    expert, track = registry.load("experts", "lipmesh").Expert(), faces.track(clip)
    heard = media.resample(clip.audio, 16000)
    video = expert.embed_video(expert.crops(clip, track))
    own = sync.compare(video, expert.embed_audio(heard)).offset
    late = sync.compare(video, expert.embed_audio(heard.padded(5 / 25))).offset
    assert abs(own) <= 1
    assert late == own - 5
