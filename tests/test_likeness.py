"""Pictures and series beside each other: numbers that are known, or that others make too."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from lipwright import likeness
from lipwright.errors import InputError


def noisy(size: tuple[int, int] = (40, 56), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def test_psnr_of_a_known_difference():
    picture = np.full((8, 8, 3), 100, np.uint8)
    assert likeness.psnr(picture, picture + 5) == pytest.approx(10 * np.log10(255**2 / 25))
    assert likeness.psnr(picture, picture) == 100


def test_ssim_is_the_published_formula():
    a, b = noisy().astype(float), np.clip(noisy() + np.random.default_rng(1).normal(0, 30, (40, 56)), 0, 255)
    mean, mean_b = uniform_filter(a, 7), uniform_filter(b, 7)
    share = 49 / 48
    var, var_b = (share * (uniform_filter(x * x, 7) - uniform_filter(x, 7) ** 2) for x in (a, b))
    both = share * (uniform_filter(a * b, 7) - mean * mean_b)
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    like = (2 * mean * mean_b + one) * (2 * both + two) / ((mean**2 + mean_b**2 + one) * (var + var_b + two))
    assert likeness.ssim(a, b) == pytest.approx(like[3:-3, 3:-3].mean(), abs=1e-4)
    assert likeness.ssim(a, a) == pytest.approx(1)
    assert abs(likeness.ssim(noisy(seed=1), noisy(seed=2))) < 0.1


def test_ssim_is_that_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    a, b = noisy(seed=3), noisy(seed=4) // 2 + noisy(seed=3) // 2
    assert likeness.ssim(a, b) == pytest.approx(metrics.structural_similarity(a, b, data_range=255), abs=1e-4)


@pytest.mark.parametrize("measure", [likeness.psnr, likeness.ssim])
def test_two_sizes_are_refused(measure):
    with pytest.raises(InputError, match="one shape"):
        measure(noisy(), noisy((40, 40)))


def test_a_picture_smaller_than_a_window_is_refused():
    with pytest.raises(InputError, match="7 x 7"):
        likeness.ssim(noisy((6, 40)), noisy((6, 40)))


def test_detail_is_that_of_edges_not_of_ramps():
    ramp = np.tile(np.arange(40, dtype=np.uint8), (40, 1))
    assert likeness.detail(ramp) == 0
    assert likeness.detail(noisy()) > 50
    assert likeness.detail(uniform_filter(noisy().astype(np.float32), 5)) < likeness.detail(noisy()) / 4


def test_trembling_leaves_steady_movement_alone():
    still = [np.full(5, v, np.float32) for v in (1.0, 2.0, 3.0)]
    assert likeness.trembling(*still) == 0
    assert likeness.trembling(still[0], still[2], still[0]) == 2


def test_correlation_knows_when_there_is_nothing_to_say():
    up = np.arange(20.0)
    assert likeness.correlation(up, -3 * up + 2) == pytest.approx(-1)
    assert np.isnan(likeness.correlation(up, np.ones(20)))
    assert np.isnan(likeness.correlation(up[:9], up[:9]))
    holes = np.where(up % 3 == 0, np.nan, up)
    assert likeness.correlation(holes, up) == pytest.approx(1)
