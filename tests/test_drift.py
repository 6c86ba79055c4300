"""Spans, intervals, drift and the verdict, on embeddings whose delays are known."""

import numpy as np
import pytest

from lipwright import drift, sync
from lipwright.errors import InputError

FPS = 25.0


def walk(frames: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(frames, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def delayed(frames: int, offset: object, noise: float = 0.3) -> sync.Table:
    """The table of ``frames`` pictures whose sound comes ``offset(t)`` frames early, blurred by noise."""
    both = walk(frames + 60)
    audio = np.zeros((frames, 16), np.float32)
    for t in range(frames):
        audio[t] = both[30 + t + round(float(offset(t) if callable(offset) else offset))]
    rough = np.random.default_rng(1).normal(0, noise, audio.shape).astype(np.float32)
    return sync.stream([both[30 : 30 + frames]], [audio + rough])


def test_spans_find_where_the_offset_changes():
    found = drift.spans(delayed(500, lambda t: 0 if t < 250 else 6), FPS)
    assert (found[0].start, found[0].stop, found[-1].stop) == (0, 2, 20)
    assert {span.offset for span in found if span.stop <= 10} == {0}
    assert {span.offset for span in found if span.start >= 10} == {6}
    assert drift.accuracy(found) == pytest.approx(9 / 19, abs=0.06)
    assert all(span.seen == 1 and span.contrast > 0.2 for span in found)


def test_a_clip_shorter_than_a_span_is_one_span():
    found = drift.spans(delayed(15, 1), FPS)
    assert [(span.start, span.stop, span.offset) for span in found] == [(0, 0.6, 1)]


def test_spans_without_a_face_have_no_say():
    table = delayed(200, 0)
    table.rows[:100] = np.nan
    found = drift.spans(table, FPS)
    assert found[0].seen == 0
    assert np.isnan(found[0].distance)
    assert drift.accuracy(found) == 1
    assert np.isnan(drift.accuracy(found[:1]))


def test_the_interval_holds_the_truth_and_narrows_with_contrast():
    clear = drift.intervals(delayed(250, 3, noise=0.1), FPS)
    assert (clear.offset.low, clear.offset.high) == (3, 3)
    blurred = drift.intervals(delayed(250, 3, noise=1.5), FPS)
    assert blurred.offset.high - blurred.offset.low > 0
    assert clear.lse_d.low < clear.lse_d.high < blurred.lse_d.low
    assert drift.intervals(delayed(15, 3), FPS) is None


def test_intervals_are_the_same_every_time():
    table = delayed(250, 3, noise=1.5)
    assert drift.intervals(table, FPS) == drift.intervals(table, FPS)


def test_a_long_table_takes_a_bounded_number_of_blocks():
    table = sync.Table(np.tile(delayed(250, 2).rows, (80, 1)), np.zeros(20000, np.float32), 20000)
    assert drift.intervals(table, FPS).offset == drift.Interval(2, 2)


@pytest.mark.parametrize("per_minute", [-120.0, 0.0, 240.0])
def test_drift_is_found_in_ms_a_minute(per_minute):
    frames = 1500
    found = drift.drift(delayed(frames, lambda t: per_minute / 40 * t / 1500 - per_minute / 80), FPS)
    assert found.ms_per_minute == pytest.approx(per_minute, abs=25)
    assert found.interval.low <= found.ms_per_minute <= found.interval.high
    assert found.certain == (per_minute != 0)


def test_a_few_seconds_say_nothing_of_drift():
    assert drift.drift(delayed(250, 0), FPS) is None


def test_a_wrong_voice_has_no_drift_to_speak_of():
    table = sync.stream([walk(1500, 1)], [walk(1500, 2)])
    assert drift.drift(table, FPS, least_contrast=2.0) is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 0, "in sync"), (-3, 1, "in sync"), (1, 1, "in sync"), (2, 2, "out of sync"), (-9, -4, "out of sync"),
        (1, 2, "cannot say"), (-4, 0, "cannot say"), (-15, 15, "cannot say"),
    ],
)  # fmt: skip
def test_verdicts_at_25_frames_a_second(low, high, said):
    assert drift.verdict(drift.Interval(low, high), FPS, 0.4, 0.2) == said
    assert drift.verdict(drift.Interval(low, high), FPS, 0.2, 0.2) == "cannot say"
    assert drift.verdict(None, FPS, 0.4, 0.2) == "cannot say"


def test_a_verdict_needs_a_rate():
    with pytest.raises(InputError, match="given 0"):
        drift.verdict(drift.Interval(0, 0), 0, 0.4, 0.2)
