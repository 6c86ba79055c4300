"""occlusion: what stands before the mouth survives a dub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lipwright
from lipwright import faces, media, occlusion
from lipwright.types import Clip, FaceTrack, Picture

HAND = slice(40, 52)


@pytest.fixture(scope="module")
def covered(footage: Path) -> Clip:
    """A real clip over whose right cheek and mouth corner a green card is held in frames 40 to 51."""
    clip = media.open(footage / "clips" / "s001_ab9468.mp4")
    track = faces.track(clip)

    def frames(start: int, stop: int) -> Iterator[Picture]:
        for frame, picture in enumerate(clip.read(start, stop), start):
            if HAND.start <= frame < HAND.stop:
                picture = picture.copy()
                x, y = np.nan_to_num(track.points[frame, 291, :2]).astype(int)
                picture[y - 20 : y + 40, x - 4 : x + 60] = (40, 160, 60)
            yield picture

    return replace(clip, frames=frames, key="")


def test_a_card_before_the_cheek_is_noticed_while_it_is_there(covered: Clip) -> None:
    hidden = occlusion.covered(faces.track(covered)).mean(1)
    assert hidden[42:50].min() > 0.01
    assert hidden[:38].max() == 0 and hidden[54:].max() == 0


def test_the_card_survives_the_dub(covered: Clip, footage: Path) -> None:
    speech = media.open_audio(footage / "clips" / "s048_6d8159.mp4").cut(0, 2.4)
    dubbed = lipwright.dub(covered, speech)
    track = faces.track(covered)
    for frame, (before, after) in enumerate(zip(covered.read(42, 50), dubbed.read(42, 50), strict=True), 42):
        x, y = track.points[frame, 291, :2].astype(int)
        card = (slice(y, y + 25), slice(x + 20, x + 45))
        assert np.abs(before[card].astype(int) - after[card]).mean() < 6


def test_nothing_is_covered_without_colours_or_with_too_few_frames() -> None:
    points = np.zeros((20, 468, 3), np.float32)
    box, score = np.zeros((20, 4), np.float32), np.ones(20, np.float32)
    assert occlusion.covered(FaceTrack(0, box, points, score)).max() == 0
    tint = np.random.default_rng(0).integers(0, 255, (5, 468, 3)).astype(np.uint8)
    assert occlusion.covered(FaceTrack(0, box[:5], points[:5], score[:5], tint)).max() == 0


def test_light_that_changes_for_the_whole_face_is_no_cover() -> None:
    light = np.linspace(60, 200, 40).astype(np.uint8)
    tint = np.repeat(np.repeat(light[:, None, None], 468, 1), 3, 2)
    track = FaceTrack(
        0, np.zeros((40, 4), np.float32), np.zeros((40, 468, 3), np.float32), np.ones(40, np.float32), tint
    )
    assert occlusion.covered(track).max() == 0


def test_two_frames_disagree_only_where_something_is_in_the_way() -> None:
    random = np.random.default_rng(0)
    tint = np.repeat(random.integers(90, 140, (1, 468, 3)), 2, 0).astype(np.uint8)
    tint[1] += 20  # brighter as a whole: the same thing
    zeros = np.zeros((2, 468, 3), np.float32)
    track = FaceTrack(0, zeros[:, 0, [0, 1, 0, 1]], zeros, np.ones(2, np.float32), tint)
    assert occlusion.disagreement(track, 0, 1).max() == 0
    chin = np.argsort(np.linalg.norm(faces.canonical().points - faces.canonical().points[152], axis=1))[:12]
    tint[1, chin] = (40, 160, 60)
    parts = occlusion.disagreement(track, 0, 1)
    assert parts[152] == 1 and parts[10] == 0
    assert occlusion.look(track).shape[0] == 2


@pytest.mark.parametrize("rows", [12, 13, 1300])
def test_the_median_found_by_counting_is_the_median(rows: int) -> None:
    values = np.random.default_rng(rows).integers(0, 4 * 255, (rows, 5, 3)).astype(np.float32) / 4
    counted = occlusion._median((values[k : k + 100] for k in range(0, rows, 100)), 4 * 256, 4)
    np.testing.assert_array_equal(counted, np.median(values, axis=0))
