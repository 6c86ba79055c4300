"""shards: what lies in few files is what lay in many, and is read when it is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipwright import shards
from lipwright.errors import InputError


def recordings(count: int) -> dict[str, dict[str, np.ndarray]]:
    """So many recordings of different lengths; every third has a gap, every fourth an array of its own."""
    random = np.random.default_rng(0)
    found = {}
    for number in range(count):
        length = 3 + number
        arrays: dict[str, np.ndarray] = {
            "crop": random.integers(0, 255, (length, 4, 5), np.uint8),
            "motion": random.normal(size=(length, 2, 3)).astype(np.float16),
            "present": np.arange(length) != (1 if number % 3 == 0 else -1),
        }
        if number % 3 == 0:
            arrays["motion"][1] = np.nan
        if number % 4 == 0:
            arrays["lower"] = random.integers(0, 255, 7 * number, np.uint8)
        found[f"ann_{number}"] = arrays
    return found


@pytest.mark.parametrize("most", [1, 700, 2**28])
def test_what_is_written_is_read(most: int, tmp_path: Path) -> None:
    wanted = recordings(9)
    assert shards.write(tmp_path, wanted.items(), most) == 9
    packed = shards.read(tmp_path)
    assert packed is not None and len(packed) == 9 and "ben" not in packed
    assert len(list((tmp_path / "shards").glob("*.bin"))) == (9 if most == 1 else 1 if most > 700 else 3)
    for name, arrays in wanted.items():
        assert packed[name].keys() == arrays.keys()
        assert packed.whole(name) == bool(arrays["present"].all())
        for kind, array in arrays.items():
            found = packed[name][kind]
            assert found.dtype == array.dtype and found.shape == array.shape and found.tobytes() == array.tobytes()
            assert not found.flags.writeable and found.ctypes.data % 64 == 0


def test_fewer_take_the_place_of_more(tmp_path: Path) -> None:
    shards.write(tmp_path, recordings(9).items(), 1)
    held = shards.read(tmp_path)
    shards.write(tmp_path, recordings(2).items(), 1)
    packed = shards.read(tmp_path)
    assert packed is not None and held is not None and len(packed) == 2
    assert len(list((tmp_path / "shards").iterdir())) == 3
    assert held["ann_8"]["crop"].tobytes() == recordings(9)["ann_8"]["crop"].tobytes()
    shards.take_away(tmp_path)
    assert shards.read(tmp_path) is None


def test_what_was_cut_off_is_no_folder_of_shards(tmp_path: Path) -> None:
    def stopped() -> object:
        yield from recordings(3).items()
        raise KeyboardInterrupt

    shards.write(tmp_path, recordings(3).items())
    with pytest.raises(KeyboardInterrupt):
        shards.write(tmp_path, stopped())  # type: ignore[arg-type]
    assert shards.read(tmp_path) is None


@pytest.mark.parametrize("how", ["short", "gone", "index"])
def test_damaged_shards_are_a_sentence(how: str, tmp_path: Path) -> None:
    shards.write(tmp_path, recordings(3).items())
    place = tmp_path / "shards" / ("index.npz" if how == "index" else "0000.bin")
    content = place.read_bytes()
    place.unlink()
    if how != "gone":
        place.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"are damaged .*; prepare the folder again"):
        shards.read(tmp_path)


def test_a_kind_that_changes_is_a_sentence(tmp_path: Path) -> None:
    other = {"crop": np.zeros((3, 4, 5), np.float32)}
    with pytest.raises(InputError, match=r"crop of ben is float32 \(3, 4, 5\); in a shard it is uint8"):
        shards.write(tmp_path, [*recordings(1).items(), ("ben", other)])


def test_none_are_none(tmp_path: Path) -> None:
    assert shards.write(tmp_path, []) == 0
    packed = shards.read(tmp_path)
    assert packed is not None and len(packed) == 0
