"""steady: smoothing without lag, never across a break."""

from __future__ import annotations

import numpy as np

from lipwright import steady


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
