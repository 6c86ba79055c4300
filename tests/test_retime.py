"""Re-timing: what was shown too early or too late comes back, what is right stays, silence plays on."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import drawn
import jittered
from lipwright import canvas, faces, matching
from lipwright.dubbers import Scene, retime
from lipwright.errors import InputError
from lipwright.types import Audio, Clip, Int

LENGTH = 125


def evidence(clip: Clip) -> matching.Evidence:
    assert clip.audio is not None
    return matching.Evidence.of(matching.expert("lipsight"), clip, faces.track(clip), clip.audio)


@pytest.fixture(scope="module")
def uneven() -> tuple[matching.Evidence, Int]:
    """A shuffled talker in the expert's eyes, and how it was shuffled."""
    clip, order = jittered.jittered(LENGTH)
    return evidence(clip), order


def chosen(found: matching.Evidence, length: int = LENGTH, **options: object) -> Int:
    return matching.choose(found, np.arange(length), np.ones(length, bool), **options)  # type: ignore[arg-type]


def left(order: Int, path: Int) -> float:
    """How far the frames shown are from their time, in frames, a common shift not counted."""
    off = order[path] - np.arange(len(path))
    return float(np.abs(off - np.median(off)).mean())


def test_frames_shown_too_early_or_too_late_come_back(uneven: tuple[matching.Evidence, Int]) -> None:
    found, order = uneven
    assert left(order, chosen(found)) < 0.4 * left(order, np.arange(LENGTH))


def test_at_any_rate_of_frames() -> None:
    fps = Fraction(30000, 1001)
    clip, order = jittered.jittered(130, fps)
    assert left(order, chosen(evidence(clip), 130)) < 0.5 * left(order, np.arange(130))


def test_what_is_in_sync_hardly_moves() -> None:
    moved = chosen(evidence(jittered.in_sync(LENGTH))) - np.arange(LENGTH)
    assert np.abs(moved).mean() < 0.5
    assert (np.diff(moved) != 0).mean() < 0.05


def test_dearer_jumps_move_fewer_frames(uneven: tuple[matching.Evidence, Int]) -> None:
    jumps = [int((np.diff(chosen(uneven[0], jump=jump)) != 1).sum()) for jump in (0.0, 0.2, 5.0)]
    assert jumps[0] > jumps[1] > jumps[2] <= 1


def test_greedy_chooses_each_frame_by_itself(uneven: tuple[matching.Evidence, Int]) -> None:
    greedy, path = chosen(uneven[0], greedy=True), chosen(uneven[0])
    assert (np.diff(greedy) != 1).sum() > 2 * (np.diff(path) != 1).sum()
    assert (greedy == chosen(uneven[0], jump=0.0)).mean() > 0.7


def test_silence_plays_on(uneven: tuple[matching.Evidence, Int]) -> None:
    found = uneven[0]
    samples = found.speech.samples.copy()
    samples[round(1.5 * 16000) : 4 * 16000] = 0
    path = chosen(replace(found, speech=Audio(samples, 16000)))
    assert (np.diff(path[44:94]) == 1).all()
    assert (np.diff(path) != 1).any()


def test_frames_without_a_face_play_on_and_are_named() -> None:
    clip, _ = jittered.jittered(LENGTH)
    empty = np.full((240, 320, 3), 90, np.uint8)

    def frames(start: int, stop: int):  # type: ignore[no-untyped-def]
        for frame, picture in enumerate(clip.read(start, stop), start):
            yield empty if 60 <= frame < 90 else picture

    gone = replace(clip, frames=frames, key="")
    assert gone.audio is not None
    dubber = retime.Dubber(Scene(gone, faces.track(gone), gone.audio, np.arange(LENGTH)))
    assert (np.diff(dubber.canvas[64:86]) == 1).all()
    assert set(dubber.untouched[66:84]) == {"no face is seen"} and dubber.untouched[0] == ""
    assert all(take.face is None for _, take in dubber.takes(50, 70))


def test_any_path_shows_the_frames_it_names() -> None:
    clip = Clip(Fraction(25), (64, 48), 60, lambda start, stop: (drawn.numbered(n) for n in range(start, stop)))
    random = np.random.default_rng(0)
    wavering = np.clip(np.arange(60) + random.integers(-3, 4, 60), 0, 59)
    for path in (wavering, wavering[20:33], canvas.bounce(150, 60), np.array([5, 50, 0]), np.zeros(0, np.int64)):
        assert [drawn.number_of(p) for p in matching.shown(clip, path)] == path.tolist()


def test_a_path_that_wavers_decodes_each_frame_once() -> None:
    read: list[int] = []

    def frames(start: int, stop: int):  # type: ignore[no-untyped-def]
        for n in range(start, stop):
            read.append(n)
            yield drawn.numbered(n)

    clip = Clip(Fraction(25), (64, 48), 60, frames)
    path = np.clip(np.arange(60) + np.resize([0, 2, -2], 60), 0, 59)
    assert len(list(matching.shown(clip, path))) == 60
    assert len(read) == len(set(read)) <= 60


def test_costs_are_the_distances_between_rows_of_any_rate() -> None:
    random = np.random.default_rng(2)
    seen, heard = (random.normal(size=(n, 4)).astype(np.float32) for n in (40, 30))
    seen[7] = np.nan

    def rows(fps: int, length: int, frames: int, reach: int) -> np.ndarray:
        found = matching.Evidence(seen, heard, 25, drawn.silence(1), Fraction(fps))
        return matching.Costs(found, np.arange(length), np.ones(frames, bool), reach).block(0, length)

    exact = rows(25, 30, 40, 2)
    for t, d in ((3, 5), (10, 9), (29, 31)):
        assert np.isclose(exact[t, d - t + 2], np.linalg.norm(seen[d] - heard[t]))
    assert np.isinf(exact[0, :2]).all()
    known = [np.linalg.norm(seen[d] - heard[6]) for d in (4, 5, 6, 8)]
    assert np.isclose(exact[6, 3], np.mean(known))
    double = rows(50, 60, 80, 1)
    assert np.isclose(double[20, 1], np.linalg.norm(seen[10] - heard[10]))
    around = [np.linalg.norm(seen[i] - heard[10]) for i in (10, 11)]
    assert np.isclose(double[20, 2], np.mean(around))


def test_the_window_follows_rate_and_loudness_of_the_speech() -> None:
    def said(every: float, level: float) -> Audio:
        time = np.arange(4 * 16000) / 16000
        loud = np.exp(-((((time % every) / every - 0.5) / 0.2) ** 2))
        return Audio((level * loud * np.sin(2 * np.pi * 220 * time)).astype(np.float32), 16000)

    slow, quick = said(0.5, 0.5), said(0.125, 0.5)
    assert abs(float(np.median(matching.syllable_rate(slow))) - 2) < 0.3
    assert abs(float(np.median(matching.syllable_rate(quick))) - 8) < 0.6
    wide, narrow = (np.median(matching.windows(s, Fraction(25), 100)) for s in (slow, quick))
    assert wide > 2 * narrow >= 2
    assert abs(np.median(matching.windows(slow, Fraction(50), 200)) - 2 * wide) <= 1
    faint = Audio(np.concatenate([slow.samples, 0.03 * slow.samples]), 16000)
    found = matching.windows(faint, Fraction(25), 200)
    assert found[:90].mean() > 1.5 * found[110:].mean()


def test_auto_stays_within_its_window(uneven: tuple[matching.Evidence, Int]) -> None:
    found, order = uneven
    path = chosen(found, window="auto")
    assert np.abs(path - np.arange(LENGTH)).max() <= matching.WIDE
    assert left(order, path) < left(order, np.arange(LENGTH))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 0}, "window is 'auto' or a whole number of frames from 1 to 12; given 0"),
        ({"window": "wide"}, "given wide"),
        ({"jump": -1.0}, r"jump is 0 or more; given -1\.0"),
    ],
)
def test_options_out_of_range(uneven: tuple[matching.Evidence, Int], options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        chosen(uneven[0], **options)
