"""steady: smoothing without lag, never across a break."""

from __future__ import annotations

import numpy as np
import pytest

from lipwright import ondisk, steady


def test_smoothing_has_no_lag() -> None:
    pulse = np.zeros((41, 1), np.float32)
    pulse[20] = 1
    result = steady.smooth(pulse, 2.0)[:, 0]
    assert result.argmax() == 20
    np.testing.assert_allclose(result, result[::-1], atol=1e-6)
    assert np.isclose(result.sum(), 1, atol=1e-4)


def test_a_cut_and_a_gap_are_never_smoothed_across() -> None:
    values = np.concatenate([np.zeros(10), np.ones(10), [np.nan] * 3, np.full(10, 5.0)]).astype(np.float32)[:, None]
    result = steady.smooth(values, 3.0, breaks=[10])
    np.testing.assert_array_equal(np.nan_to_num(result, nan=-1), np.nan_to_num(values, nan=-1))


def test_what_moves_evenly_is_not_bent_at_its_ends() -> None:
    line = np.linspace(10, 60, 26, dtype=np.float32)[:, None] * [1, -2]
    for twice in (False, True):
        np.testing.assert_allclose(steady.smooth(line, 2.0, twice=twice), line, atol=1e-4)


def test_a_stretch_too_short_to_tell_how_it_goes_on_is_evened_out() -> None:
    two = np.array([[0.0], [1.0]], np.float32)
    for twice in (False, True):
        result = steady.smooth(two, 1.5, twice=twice)
        assert 0 < result[1, 0] - result[0, 0] < 0.3


def test_smoothed_twice_a_swing_keeps_its_width_and_trembling_goes() -> None:
    time = np.arange(100)
    swing = np.sin(2 * np.pi * time / 25).astype(np.float32)[:, None]
    noise = np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    lost = [np.abs(steady.smooth(swing, 1.5, twice=twice) - swing).max() for twice in (False, True)]
    left = [float(steady.smooth(noise, 1.5, twice=twice).std()) for twice in (False, True)]
    assert lost[0] > 0.06 and lost[1] < 0.01
    assert left[0] < left[1] < 0.6


def test_a_long_sequence_is_smoothed_as_if_it_were_one(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32).cumsum(0)
    whole = steady.smooth(values, 2.0, [70], twice=True)
    monkeypatch.setattr(ondisk, "BLOCK", 30)
    np.testing.assert_allclose(steady.smooth(values, 2.0, [70], twice=True), whole, atol=1e-5)


def test_sigma_zero_changes_nothing() -> None:
    values = np.random.default_rng(0).normal(size=(9, 2, 3)).astype(np.float32)
    np.testing.assert_array_equal(steady.smooth(values, 0), values)


def test_short_gaps_are_bridged_and_long_or_cut_ones_stay() -> None:
    values = np.arange(12, dtype=np.float32)[:, None]
    values[[3, 4]] = np.nan
    values[7:11] = np.nan
    result = steady.bridge(values, 3)[:, 0]
    np.testing.assert_allclose(result[:7], np.arange(7), atol=1e-6)
    assert np.isnan(result[7:11]).all()
    assert np.isnan(steady.bridge(values, 3, breaks=[4])[3:5]).all()


def test_stretches_end_at_gaps_and_breaks() -> None:
    present = np.array([1, 1, 1, 0, 1, 1], bool)
    assert steady.stretches(present, breaks=[2]) == [(0, 2), (2, 3), (4, 6)]
    assert steady.stretches(np.zeros(0, bool)) == []
