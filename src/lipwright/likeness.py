"""How alike two pictures are, how fine one is, how steady a sequence is, and how two series go together."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright.errors import InputError
from lipwright.types import Float, Picture

Grey = NDArray[Any]
"""Grey picture (H, W), uint8 or float, 0-255."""

WINDOW = 7
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
FEWEST = 10
"""Pairs that a correlation is worth saying of."""


def grey(picture: Picture) -> NDArray[np.uint8]:
    """The luminance uint8 (H, W) of uint8 (H, W, 3) RGB."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def psnr(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio of two pictures 0-255 of one shape, dB; 100 for the same picture.

    10·log10(255² / mean squared difference), over all channels, not above 100. Raises InputError for two shapes.
    """
    _alike(one, other)
    error = float(((one.astype(np.float32) - other) ** 2).mean(dtype=np.float64))
    return min(100.0, 10 * float(np.log10(255**2 / max(error, 1e-12))))


def ssim(one: Grey, other: Grey) -> float:
    """Structural similarity of two grey pictures 0-255 of one shape, from 7 x 7 on: 1 for the same, near 0 for others.

    The mean over all windows of 7 x 7 pixels, sample covariance, K1 0.01, K2 0.03: the same numbers as
    scikit-image's ``structural_similarity(data_range=255)``. (Wang et al., "Image quality assessment: from error
    visibility to structural similarity", 2004.) Raises InputError for two shapes and for less than a window.
    """
    _alike(one, other)
    if min(one.shape) < WINDOW:
        raise InputError(f"structural similarity needs pictures of at least 7 x 7 pixels; given {one.shape}")
    a, b = one.astype(np.float32), other.astype(np.float32)
    share = WINDOW**2 / (WINDOW**2 - 1)
    size = (WINDOW, WINDOW)
    mean_a, mean_b = cv2.blur(a, size), cv2.blur(b, size)
    spread = share * (cv2.blur(a * a, size) - mean_a * mean_a + cv2.blur(b * b, size) - mean_b * mean_b)
    common = share * (cv2.blur(a * b, size) - mean_a * mean_b)
    like = (2 * mean_a * mean_b + _C1) * (2 * common + _C2)
    like = like / ((mean_a * mean_a + mean_b * mean_b + _C1) * (spread + _C2))
    rim = WINDOW // 2
    return float(like[rim:-rim, rim:-rim].mean(dtype=np.float64))


def _alike(one: NDArray[Any], other: NDArray[Any]) -> None:
    if one.shape != other.shape or not one.size:
        raise InputError(f"only pictures of one shape can be compared; given {one.shape} and {other.shape}")


def detail(picture: Grey) -> float:
    """Fine detail of a grey picture (H, W): the mean of its second differences along rows and columns, grey levels."""
    values = picture.astype(np.float32)
    return float(np.abs(np.diff(values, 2, axis=1)).mean() + np.abs(np.diff(values, 2, axis=0)).mean()) / 2


def trembling(before: Float, here: Float, after: Float) -> float:
    """How far one of three values in a row (arrays of one shape) lies from the middle of its neighbours, on average."""
    return float(np.abs(here - (before + after) / 2).mean())


def correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Pearson's correlation of two series (T,) over the places where both are known; NaN for fewer than 10 of
    them, or where either stands still."""
    length = min(len(one), len(other))
    a, b = np.asarray(one[:length], np.float64), np.asarray(other[:length], np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < FEWEST:
        return float("nan")
    a, b = a[known] - a[known].mean(), b[known] - b[known].mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / scale if scale > 1e-9 else float("nan")
