"""A picture is written as it is, or not at all."""

from pathlib import Path

import numpy as np
import pytest

from lipwright import media
from lipwright.errors import OutputError
from lipwright.media.picture import write_picture


def test_a_png_gives_back_every_pixel(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    written = write_picture(picture, tmp_path / "noise.png")
    np.testing.assert_array_equal(next(media.open(written).read()), picture)
    assert [file.name for file in tmp_path.iterdir()] == ["noise.png"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        write_picture(np.zeros((8, 8, 3), np.uint8), tmp_path / "no" / "a.png")
