"""What a plan holds does not grow with the length of the footage, but for a few numbers a frame."""

from __future__ import annotations

import gc
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

import drawn
from lipwright import canvas, dubbers, faces, features, media, motion, occlusion, ondisk, registry, speech
from lipwright.types import Audio, Clip, FaceTrack

SHORT, LONG = 200, 800
MOST = 400
"""Bytes a frame, of which a face track alone has 7,000."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done a block at a time reaches its largest within the shorter of the two plans."""
    for module, name, value in (
        (ondisk, "SMALL", 2**14), (ondisk, "BLOCK", 50), (ondisk, "PIECE", 2**16), (motion, "CHUNK", 50),
        (motion, "LISTEN", 16000), (features, "_COLUMNS", 100), (speech, "_POINTS", 1000), (speech, "_AT_ONCE", 32),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


def followed(length: int, coloured: bool = False) -> FaceTrack:
    """A face that moves its lips and sways."""

    def meshes(frames: range) -> np.ndarray:
        at = np.asarray(frames)[:, None, None]
        mouth = np.zeros((468, 3))
        mouth[list(faces.INNER_LOWER), 1] = 4
        swaying = faces.canonical().points * 60 + (160, 120, 0) + 5 * np.sin(at / 40)
        return (swaying + (1 + np.sin(at / 3)) * mouth).astype(np.float32)

    points = ondisk.by_blocks(meshes, length, range(length), size=100)
    return FaceTrack(0, faces.boxes(points), points, np.ones(length, np.float32), noisy(length) if coloured else None)


def noisy(length: int) -> np.ndarray:
    """Colours at the vertices of a face, on the disk."""
    random = np.random.default_rng(1)
    colours = random.integers(120, 130, (50, 468, 3)).astype(np.uint8)
    return ondisk.by_blocks(lambda frames: colours[: len(frames)], length, range(length))


def spoken(seconds: float) -> Audio:
    """Two seconds of the drawn voice over and over."""
    voice = drawn.voice(2.0).samples
    return Audio(ondisk.keep(voice for _ in range(round(seconds / 2))), 16000)


def held(name: str, length: int) -> tuple[int, int]:
    """Bytes held by the plan of ``length`` frames, and at most while it was made."""
    picture = drawn.face(0.3)
    clip = Clip(Fraction(25), (320, 240), length, lambda start, stop: iter([picture] * (stop - start)))
    member = registry.load("dubbers", name).Dubber
    gc.collect()
    tracemalloc.start()
    try:
        scene = dubbers.Scene(clip, followed(length), spoken(length / 25), canvas.bounce(length, length))
        planned = member(scene, **getattr(member, "TINY", {}))
        gc.collect()
        assert len(planned.untouched) == len(planned.canvas)
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def test_what_covers_a_face_is_found_without_holding_its_colours() -> None:
    most = []
    for length in (50, 500, 3000):
        track = followed(length, coloured=True)
        tracemalloc.start()
        cover, look = occlusion.covered(track), occlusion.look(track)
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(cover) == len(look) == length
    assert (most[2] - most[1]) / 2500 < MOST


@pytest.mark.parametrize("name", ["landmark", "wav2lip"])
def test_a_plan_holds_little_a_frame(name: str) -> None:
    held(name, 50)  # networks and tables that are loaded once
    short, long = held(name, SHORT), held(name, LONG)
    for kind, one, other in zip(("kept", "at most"), short, long, strict=True):
        assert (other - one) / (LONG - SHORT) < MOST, f"{kind}: {short}, {long} bytes"


def test_sound_is_resampled_and_read_without_being_held() -> None:
    tracemalloc.start()
    sound = media.resample(spoken(200), 48000).padded(3.0, 5.0)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sound.duration == pytest.approx(208)
    assert kept < 200_000 and most < 16_000_000 < sound.samples.nbytes
