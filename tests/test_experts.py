"""The family of sync experts: what every member promises, and the published ones against their authors' formulas."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import crops, faces, features, media, registry, sync
from lipwright.errors import InputError, WeightsError
from lipwright.experts import Encoders, stable_syncnet, syncnet, wav2lip_expert
from lipwright.experts._ours import Ours
from lipwright.types import Audio, Clip, FaceTrack

PUBLISHED = [syncnet, wav2lip_expert]
"""Those that have a tiny size in the package."""


def mesh(size: float = 50.0, centre: tuple[float, float] = (160.0, 100.0)) -> np.ndarray:
    """A frontal mesh about where the drawn face is."""
    return (faces.canonical().points * size + np.array([*centre, 0])).astype(np.float32)


def track(length: int, missing: slice = slice(0, 0)) -> FaceTrack:
    points = np.repeat(mesh()[None], length, axis=0) + np.arange(length, dtype=np.float32)[:, None, None] / 8
    points[missing] = np.nan
    return FaceTrack(0, faces.boxes(points), points, np.ones(length, np.float32))


def built(name: str) -> Encoders:
    """A member that works without weights of anybody else."""
    member = registry.load("experts", name).Expert
    if name in {"lipsight", "lipmesh"}:
        return member()
    if not hasattr(member, "TINY"):
        pytest.skip(f"{name} has no tiny size in the package; it is tested below")
    return member(**member.TINY)


@pytest.fixture(params=registry.members("experts"))
def member(request: pytest.FixtureRequest) -> Encoders:
    return built(request.param)


def as_seen(member: Encoders, pictures: np.ndarray) -> np.ndarray:
    """Pictures (T, H, W, 3) as the member takes them: ours see one value where others see a colour."""
    return pictures[..., 0] if isinstance(member, Ours) else pictures


# ------------------------------------------------------------------------------------ what all promise


def test_a_member_embeds_a_clip_and_its_sound_row_by_row(member: Encoders) -> None:
    clip = drawn.talking(40)
    seen = list(member.crops(clip, track(40, slice(20, 22))))
    assert [k for k, crop in enumerate(seen) if crop is None] == [20, 21]
    assert {crop.shape[:2] for crop in seen if crop is not None} == {member.face.size[::-1]}
    video, audio = member.embed_video(seen), member.embed_audio(clip.audio)
    assert video.dtype == audio.dtype == np.float32
    assert len(video) == len(audio) == 40
    assert video.shape[1] == audio.shape[1]
    assert np.isnan(video[20:22]).all()
    assert np.isfinite(video[8:12]).all() and np.isfinite(audio[8:30]).all()
    if member.distance == "cosine":
        np.testing.assert_allclose(np.linalg.norm(video[8:12], axis=1), 1, atol=1e-3)


def test_blocks_put_together_are_the_whole(member: Encoders) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (45, *member.face.size[::-1], 3), dtype=np.uint8)
    seen = list(as_seen(member, pictures))
    assert sum(len(block) for block in member.video(iter(seen))) == 45
    later = member.embed_video(seen[10:])
    np.testing.assert_allclose(later[8:-8], member.embed_video(seen)[18:-8], atol=1e-4)


def test_sound_that_is_moved_by_frames_moves_the_rows(member: Encoders) -> None:
    samples = drawn.voice(2.0).samples
    rows, later = member.embed_audio(Audio(samples, 16000)), member.embed_audio(Audio(samples[640 * 5 :], 16000))
    if isinstance(member, Ours):
        pytest.skip("our experts hear the level of the whole recording")
    good = np.isfinite(later).all(1)
    assert good.sum() > 30
    np.testing.assert_allclose(later[good][5:], rows[5:][good][5:], atol=2e-3)


def test_an_impulse_of_picture_and_sound_meets_in_one_row(member: Encoders) -> None:
    """What is seen at frame t and heard at t / 25 s changes rows around t alike: the middle of both is t."""
    still = np.full((48, *member.face.size[::-1], 3), 90, np.uint8)
    still = as_seen(member, still)
    flash = still.copy()
    flash[24] = np.random.default_rng(1).integers(0, 255, flash[24].shape)
    seen = np.abs(member.embed_video(flash) - member.embed_video(still)).max(1)
    quiet = np.random.default_rng(2).normal(0, 0.01, 640 * 48).astype(np.float32)
    click = quiet.copy()
    click[640 * 24 + 160 : 640 * 24 + 480] += 0.5
    heard = np.abs(member.embed_audio(Audio(click, 16000)) - member.embed_audio(Audio(quiet, 16000))).max(1)
    for changed in (seen, heard):
        rows = np.flatnonzero(changed > 0.02 * np.nanmax(changed))
        assert abs((rows[0] + rows[-1]) / 2 - 24) <= 1.5, rows


def test_what_cannot_be_embedded_is_a_sentence(member: Encoders) -> None:
    with pytest.raises(InputError, match=r"given \(10, 10, 3\)"):
        member.embed_video([np.zeros((10, 10, 3), np.uint8)])
    with pytest.raises(InputError, match="44100 Hz"):
        member.embed_audio(Audio(np.zeros(44100, np.float32), 44100))
    with pytest.raises(InputError, match="empty"):
        member.embed_audio(Audio(np.zeros(0, np.float32), 16000))
    assert np.isnan(member.embed_video([None, None])).all()


# ------------------------------------------------------------------------------- the published networks


@pytest.mark.parametrize("module", PUBLISHED)
def test_a_window_is_the_network_on_those_pictures_and_that_sound_alone(module) -> None:
    expert = module.Expert(**module.Expert.TINY)
    frames, lead = expert.face.frames, expert.lead
    pictures = np.random.default_rng(0).integers(0, 255, (40, *expert.face.size[::-1], 3), dtype=np.uint8)
    rows = expert.embed_video(pictures)
    assert np.isnan(rows[:lead]).all() and np.isnan(rows[lead + 40 - frames + 1 :]).all()
    one = expert._video(pictures[17 : 17 + frames])[0][0]
    np.testing.assert_allclose(rows[17 + lead], one, atol=1e-5)
    sound = drawn.voice(1.6)
    heard = features.mfcc(sound) if expert.audio.feature == "mfcc" else features.mel(sound).T
    first = 17 * 4 if expert.audio.feature == "mfcc" else int(17 * 3.2)
    one = expert._audio(heard[None, first : first + expert.audio.steps].transpose(0, 2, 1))[0][0]
    np.testing.assert_allclose(expert.embed_audio(sound)[17 + lead], one, atol=1e-5)


def test_syncnet_has_as_many_windows_as_its_authors_take() -> None:
    expert = syncnet.Expert(**syncnet.Expert.TINY)
    rows = expert.embed_audio(drawn.voice(2.0))
    judged = np.flatnonzero(np.isfinite(rows[:, 0]))
    assert len(rows) == 50
    assert (judged[0], len(judged)) == (2, 50 - 5)  # min(frames, samples / 640) - 5


def test_short_clips_have_rows_of_nothing() -> None:
    expert = syncnet.Expert(**syncnet.Expert.TINY)
    picture = np.zeros((224, 224, 3), np.uint8)
    for count in (1, 3, 4, 5, 20, 21):
        rows = expert.embed_video([picture] * count)
        assert len(rows) == count and np.isfinite(rows[:, 0]).sum() == max(0, count - 4)
    assert np.isnan(expert.embed_audio(Audio(np.full(640 * 3, 0.1, np.float32), 16000))).all()


def test_syncnets_square_is_that_of_its_pipeline() -> None:
    """run_pipeline.py, written out: the frame padded by grey, a slice, cv2.resize."""
    import cv2

    picture = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    clip = Clip(Fraction(25), (320, 240), 30, lambda start, stop: iter([picture] * (stop - start)))
    box = np.tile(np.array([200.3, 60.2, 310.9, 190.7], np.float32), (30, 1))
    found = list(syncnet.Expert.crops(syncnet.Expert(**syncnet.Expert.TINY), clip, _boxed(box)))
    half, x, y = (190.7 - 60.2) / 2, (200.3 + 310.9) / 2, (60.2 + 190.7) / 2
    rim = int(half * 1.8)
    padded = np.pad(picture, ((rim, rim), (rim, rim), (0, 0)), constant_values=110)
    top, left = y + rim, x + rim
    cut = padded[int(top - half) : int(top + half * 1.8), int(left - half * 1.4) : int(left + half * 1.4)]
    np.testing.assert_array_equal(found[15], cv2.resize(cut, (224, 224)))


def _boxed(box: np.ndarray) -> FaceTrack:
    return FaceTrack(0, box, np.repeat(mesh()[None], len(box), axis=0), np.ones(len(box), np.float32))


def test_a_box_that_jumps_for_a_few_frames_is_smoothed_away() -> None:
    box = np.tile(np.array([100, 60, 200, 190], np.float32), (40, 1))
    box[20:23] += 30
    squares = syncnet.smoothed(box)
    np.testing.assert_allclose(squares[8:32], np.tile([65, 150, 125], (24, 1)))
    box[10] = np.nan
    assert np.isnan(syncnet.smoothed(box)[10]).all() and np.isfinite(syncnet.smoothed(box)[11]).all()


def test_wav2lips_crop_is_the_lower_half_of_the_box() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[125:, :, 0] = 200
    clip = Clip(Fraction(25), (320, 240), 6, lambda start, stop: iter([picture] * (stop - start)))
    box = np.tile(np.array([100.9, 60.9, 200.2, 190.2], np.float32), (6, 1))
    box[3] = (-50, -50, -5, -5)
    found = list(wav2lip_expert.Expert(**wav2lip_expert.Expert.TINY).crops(clip, _boxed(box)))
    assert found[3] is None
    assert found[0].shape == (48, 96, 3)
    assert (found[0][2:, :, 0] == 200).all() and not found[0][..., 1:].any()


def test_latentsync_brings_brows_and_nose_to_their_place() -> None:
    upright = stable_syncnet.three(mesh()[None])[0]
    turned = np.array([[0.8, -0.6], [0.6, 0.8]]) @ (upright * 1.7).T + np.array([[30.0], [-20.0]])
    for landmarks in (upright, turned.T.astype(np.float32)):
        matrix = stable_syncnet.alignment(landmarks)
        placed = landmarks @ matrix[:, :2].T + matrix[:, 2]
        np.testing.assert_allclose(placed.mean(0), stable_syncnet.TEMPLATE.mean(0), atol=1e-3)
        assert np.abs(placed - stable_syncnet.TEMPLATE).max() < 20  # faces differ; 210 x 280 in all
        np.testing.assert_allclose(np.linalg.det(matrix[:, :2]), np.linalg.norm(matrix[:, 0]) ** 2, rtol=1e-4)


def test_without_weights_the_sentence_says_how_to_bring_them() -> None:
    with pytest.raises(WeightsError, match="no weights called 'nothing' here.*models import FILE --name nothing"):
        syncnet.Expert("nothing")
    with pytest.raises(WeightsError, match="is not the video half of wav2lip_expert: it takes pictures uint8"):
        wav2lip_expert.Expert("syncnet_tiny")


def test_the_published_self_test_of_syncnet() -> None:
    """data/example.avi of syncnet_python: offset 3, min dist 5.353, confidence 10.021 (its README)."""
    weights, clip = os.environ.get("LIPWRIGHT_SYNCNET"), os.environ.get("LIPWRIGHT_SYNCNET_CLIP")
    if not weights or not clip:
        pytest.skip(
            "LIPWRIGHT_SYNCNET (the name of imported weights) and LIPWRIGHT_SYNCNET_CLIP (example.avi) are not set"
        )
    opened = media.open(Path(clip))
    expert = syncnet.Expert(weights)
    sound = media.resample(opened.audio, 16000)
    # The clip is a face already, and the authors' evaluation takes it whole.
    at = crops.instants(opened, 25)
    whole = (crops.boxed(p, (0, 0, p.shape[1], p.shape[0]), (224, 224), 110) for p in crops.pictures(opened, at))
    table = sync.stream(expert.video(whole), expert.sound(sound))
    windows = min(len(at), len(sound.samples) // 640) - 5
    found = sync.classic(table, windows, expert.lead)
    assert found.offset == 3
    assert found.lse_d == pytest.approx(5.353, abs=0.02)
    assert found.lse_c == pytest.approx(10.021, abs=0.05)
