"""Many recordings in few files, mapped into memory: 100,000 are open at once, and take no memory of their own.

::

    shards/0000.bin ...    arrays one after the other, each from a multiple of 64 bytes on, in C order, little endian
    shards/index.npz       id (N,), name (A,), kind (A,): which recordings, which arrays, and their dtypes
                           shard (N,), place int64 (N, A), shape int64 (N, A, 4): where each lies, -1 where it is not
                           whole bool (N,): every float is finite and every bool is true
                           bytes (S,): how long each shard is

What is read is shared with other processes that read it, and the system takes it back where it needs room.
`benchmarks/loader_speed.py` holds it against a file for each recording and against tars.
"""

from __future__ import annotations

import mmap
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from lipwright.errors import InputError
from lipwright.ondisk import AnyArray

FOLDER = "shards"
MOST = 2**28
"""Bytes from which on a shard is full."""

_EDGE, _DIMENSIONS = 64, 4


def write(folder: Path, recordings: Iterable[tuple[str, Mapping[str, AnyArray]]], most: int = MOST) -> int:
    """Write recordings, each (id, arrays by name), into ``folder / "shards"``, in the place of what is there.

    An array of a name is of the same dtype in every recording, and has 4 dimensions at most. The index is written last:
    a folder whose writing was cut off has none. Returns how many recordings there are; without any, nothing is written.

    Raises:
        InputError: an array is of another dtype than those of its name before it.
        OSError: the folder cannot be written.
    """
    take_away(folder)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    written = _Written()
    sizes = []
    for number, part in enumerate(_parts(recordings, most)):
        place = folder / FOLDER / f"{number:04}.bin"
        with place.open("wb") as file:
            for name, arrays in part:
                written.begin(name, number)
                for kind, array in arrays.items():
                    file.write(b"\0" * (-file.tell() % _EDGE))
                    written.add(kind, array, file.tell())
                    file.write(np.asarray(array, array.dtype.newbyteorder("<")).tobytes())
            sizes.append(file.tell())
    beside = folder / FOLDER / "index.part.npz"
    np.savez(beside, bytes=sizes, **written.arrays())  # type: ignore[arg-type]
    beside.replace(folder / FOLDER / "index.npz")
    return len(written.ids)


def take_away(folder: Path) -> None:
    """Remove the shards of a folder; what maps them keeps them, where the system can do that."""
    for path in (folder / FOLDER / "index.npz", *(folder / FOLDER).glob("*.bin")):
        path.unlink(missing_ok=True)


def read(folder: Path) -> Shards | None:
    """The shards of a folder; None where it has none.

    Raises:
        InputError: they are damaged, or not all there.
    """
    index = folder / FOLDER / "index.npz"
    return Shards(folder / FOLDER) if index.is_file() else None


class Shards:
    """Recordings by id, the arrays of each, which cannot be written to: ``shards["ann"]["crop"]``."""

    def __init__(self, place: Path) -> None:
        try:
            with np.load(place / "index.npz", allow_pickle=False) as index:
                self._names, self._kinds = index["name"].tolist(), [np.dtype(kind) for kind in index["kind"].tolist()]
                self._shard, self._place, self._shape = index["shard"], index["place"], index["shape"]
                self._whole = index["whole"]
                self._row = {name: row for row, name in enumerate(index["id"].tolist())}
                self._maps = [_mapped(place / f"{n:04}.bin", size) for n, size in enumerate(index["bytes"].tolist())]
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"the shards in {place} are damaged ({error}); prepare the folder again") from error

    def __contains__(self, name: str) -> bool:
        return name in self._row

    def __len__(self) -> int:
        return len(self._row)

    def __getitem__(self, name: str) -> dict[str, AnyArray]:
        row = self._row[name]
        content, shapes = self._maps[self._shard[row]], self._shape[row].tolist()
        return {
            kind: np.ndarray([n for n in shape if n >= 0], dtype, content, place)
            for kind, dtype, place, shape in zip(
                self._names, self._kinds, self._place[row].tolist(), shapes, strict=True
            )
            if place >= 0
        }

    def whole(self, name: str) -> bool:
        """Whether every float of a recording is finite and every bool is true."""
        return bool(self._whole[self._row[name]])


class _Written:
    """What the index will say."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._shards: list[int] = []
        self._whole: list[bool] = []
        self._kinds: dict[str, np.dtype] = {}
        self._places: list[dict[str, tuple[int, tuple[int, ...]]]] = []

    def begin(self, name: str, shard: int) -> None:
        self.ids.append(name)
        self._shards.append(shard)
        self._whole.append(True)
        self._places.append({})

    def add(self, kind: str, array: AnyArray, at: int) -> None:
        if self._kinds.setdefault(kind, array.dtype) != array.dtype or array.ndim > _DIMENSIONS:
            raise InputError(
                f"{kind} of {self.ids[-1]} is {array.dtype} {array.shape}; in a shard it is {self._kinds[kind]} "
                f"of {_DIMENSIONS} dimensions at most"
            )
        self._whole[-1] &= bool(array.all()) if array.dtype == bool else array.dtype.kind != "f" or _finite(array)
        self._places[-1][kind] = at, array.shape

    def arrays(self) -> dict[str, AnyArray]:
        names = list(self._kinds)
        place = np.full((len(self.ids), len(names)), -1, np.int64)
        shape = np.full((len(self.ids), len(names), _DIMENSIONS), -1, np.int64)
        for row, found in enumerate(self._places):
            for kind, (at, size) in found.items():
                place[row, names.index(kind)], shape[row, names.index(kind), : len(size)] = at, size
        return {
            "id": np.array(self.ids, str),
            "name": np.array(names, str),
            "kind": np.array([kind.newbyteorder("<").str for kind in self._kinds.values()], str),
            "shard": np.array(self._shards, np.int64),
            "place": place,
            "shape": shape,
            "whole": np.array(self._whole, bool),
        }


def _parts(
    recordings: Iterable[tuple[str, Mapping[str, AnyArray]]], most: int
) -> Iterator[Iterator[tuple[str, Mapping[str, AnyArray]]]]:
    """The recordings of each shard; one is over before the next begins."""
    left = iter(recordings)
    held = 0

    def part(first: tuple[str, Mapping[str, AnyArray]]) -> Iterator[tuple[str, Mapping[str, AnyArray]]]:
        nonlocal held
        held = sum(array.nbytes for array in first[1].values())
        yield first
        while held < most and (following := next(left, None)) is not None:
            held += sum(array.nbytes for array in following[1].values())
            yield following

    while (first := next(left, None)) is not None:
        yield part(first)


def _finite(array: AnyArray) -> bool:
    return bool(np.isfinite(array).all())


def _mapped(path: Path, size: int) -> mmap.mmap | bytes:
    if path.stat().st_size != size:
        raise ValueError(f"{path.name} is {path.stat().st_size} bytes long, not {size}")
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
