"""ondisk: long arrays are the same arrays, without the memory."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from lipwright import ondisk
from lipwright.errors import OutputError


def parts(count: int = 40, rows: int = 100) -> list[np.ndarray]:
    return [np.random.default_rng(n).random((rows, 300), np.float32) for n in range(count)]


def test_what_is_kept_is_what_was_given_short_or_long() -> None:
    for count in (1, 3, 40):
        kept = ondisk.keep(iter(parts(count)))
        np.testing.assert_array_equal(kept, np.concatenate(parts(count)))
        assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept[1234, 5:9], parts(13)[12][34, 5:9])
    ondisk.release(kept)
    np.testing.assert_array_equal(kept[-100:], parts()[-1])


def test_a_long_array_takes_no_memory() -> None:
    tracemalloc.start()
    kept = ondisk.keep(np.full((1000, 100), n, np.float32) for n in range(50))
    still, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.nbytes == 20_000_000
    assert still < 100_000 and most < 5_000_000


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this system does not say what is mapped")
def test_what_was_read_is_given_back() -> None:
    def resident() -> int:
        return int(next(x for x in Path("/proc/self/status").read_text().splitlines() if "RssFile" in x).split()[1])

    kept = ondisk.keep(np.full((1000, 100), n, np.float32) for n in range(50))
    before = resident()
    assert kept.sum() > 0
    assert resident() > before + 15_000
    ondisk.release(kept[3:, 1:])
    assert resident() < before + 2_000


@pytest.mark.parametrize("size", [7, 50, 1000])
def test_blocks_with_context_are_as_if_done_at_once(size: int) -> None:
    values = np.random.default_rng(0).random((120, 3)).astype(np.float32)

    def around(rows: np.ndarray) -> np.ndarray:
        padded = np.pad(rows, ((2, 2), (0, 0)))
        return padded[:-4] + padded[2:-2] + padded[4:]

    made = ondisk.by_blocks(around, 120, values, context=2, size=size)
    np.testing.assert_array_equal(made, around(values))
    assert ondisk.by_blocks(around, 0, values[:0], size=size).shape == (0, 3)


def test_numbers_and_peaks_of_pieces() -> None:
    sound = np.linspace(-0.5, 0.4, 1001).astype(np.float32)
    assert ondisk.finite(sound, 100) and ondisk.peak(sound, 100) == 0.5
    sound[777] = np.nan
    assert not ondisk.finite(sound, 100)
    assert ondisk.peak(sound[:0]) == 0 and ondisk.finite(sound[:0])


def test_a_full_disk_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full.open("wb", buffering=0))
    with pytest.raises(OutputError, match="takes no more .*TMPDIR"):
        ondisk.keep(iter(parts()))


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    arrays = {"long": np.concatenate(parts()), "short": np.arange(7), "none": np.zeros((0, 3), np.uint8)}
    ondisk.save(tmp_path / "a.npz", arrays)
    for found in (ondisk.load(tmp_path / "a.npz"), np.load(tmp_path / "a.npz")):
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


def test_without_a_place_for_files_all_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    np.testing.assert_array_equal(ondisk.keep(iter(parts())), np.concatenate(parts()))


def test_a_home_folder_is_put_for_its_sign_and_a_strangers_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert ondisk.named("~/a.mp4") == Path("/home/somebody/a.mp4")
    assert ondisk.named("~nobody-of-that-name/a.mp4") == Path("~nobody-of-that-name/a.mp4")
