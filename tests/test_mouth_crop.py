"""A crop of a mouth is the same whether all of the frame is blurred for it or only what is needed."""

import cv2
import numpy as np

from lipwright import faces


def of_the_whole(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    grey, step = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if step > 1.5:
        grey = cv2.GaussianBlur(grey, (0, 0), 0.4 * step)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grey, matrix, faces.CROP, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def test_only_the_part_around_a_mouth_is_looked_at():
    random = np.random.default_rng(0)
    picture = cv2.resize(random.integers(0, 255, (45, 80, 3), dtype=np.uint8), (320, 180))
    for _ in range(200):
        scale, turn, at = random.uniform(0.3, 4), random.normal(0, 0.4), random.uniform(-90, 330, 2)
        turned = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        matrix = np.hstack([turned, at[:, None]]).astype(np.float32)
        np.testing.assert_array_equal(faces.mouth_crop(picture, matrix), of_the_whole(picture, matrix))
