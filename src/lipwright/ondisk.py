"""Arrays as long as footage is, on the disk instead of in memory.

Rows (frames, samples) are made and read a block at a time. What is longer than `SMALL` lies in a nameless temporary
file, which is gone when nobody holds the array any more, however the process ends; it is mapped, so it is a numpy
array like any other, that cannot be written to. What was read of it counts as memory of the process until `release`.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lipwright.errors import OutputError

SMALL = 2**21
"""Bytes up to which an array stays in memory."""

BLOCK = 500
"""Rows at a time, where a row is a frame."""

PIECE = 2**22
"""Bytes at a time, where it does not matter how many rows."""

AnyArray = NDArray[Any]
T = TypeVar("T", bound=np.generic)


def named(path: str | Path) -> Path:
    """``path`` with ``~`` as a home folder; as it is where there is nobody of that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def content_key(path: Path) -> str:
    """sha256 of the file's bytes, in hex; names the content in caches."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Rows(Protocol):
    """Anything of which rows are taken by a slice: arrays, poses."""

    def __getitem__(self, rows: slice, /) -> Any: ...


class Growing(Generic[T]):
    """An array made row by row, or a few at a time: in memory while it is small, then in a file."""

    def __init__(self) -> None:
        self._held: list[NDArray[T]] = []
        self._size = 0
        self._shape: tuple[int, ...] = ()
        self._dtype: np.dtype[T] | None = None
        self._file: IO[bytes] | None = None

    def add(self, part: NDArray[T]) -> None:
        """Put ``part`` (n, ...) at the end; all parts are alike but for n. Raises OutputError when the disk is full."""
        if self._dtype is None:
            self._dtype, self._shape = part.dtype, part.shape[1:]
        self._held.append(part)
        self._size += part.nbytes
        if self._file is None and self._size > SMALL:
            self._file = _temporary()
        if self._file is not None:
            self._spill(self._file)

    def whole(self) -> NDArray[T]:
        """All that was added, at least one part; nothing is added after."""
        if self._file is None:
            return self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        with self._file as file:
            self._spill(file)
            with _refused():
                file.flush()
            under = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(under, self._dtype).reshape(-1, *self._shape)

    def _spill(self, file: IO[bytes]) -> None:
        with _refused():
            for part in self._held:
                file.write(part.astype(self._dtype, copy=False).tobytes())
        self._held.clear()


def keep(parts: Iterable[NDArray[T]]) -> NDArray[T]:
    """At least one array (n, ...), all alike but for n, put end to end; on the disk where they are long.

    Raises OutputError when the disk is full. Where no temporary file can be made they stay in memory.
    """
    growing = Growing[T]()
    for part in parts:
        growing.add(part)
    return growing.whole()


def by_blocks(
    work: Callable[..., NDArray[T]], length: int, *arrays: Rows, context: int = 0, size: int = 0
) -> NDArray[T]:
    """What ``work`` makes of some rows of the ``arrays``, each ``length`` long, at a time, put end to end.

    ``size`` rows at a time, 0 = `BLOCK`. ``work`` gives a row for each row it is given; it is given ``context`` rows
    more on either side, where there are any, and what it makes of them is dropped.
    """
    size = size or BLOCK

    def made() -> Iterator[NDArray[T]]:
        for start in range(0, max(1, length), size):
            stop = min(start + size, length)
            first = max(0, start - context)
            rows = slice(first, min(length, stop + context))
            yield work(*(array[rows] for array in arrays))[start - first : stop - first]
            release(*arrays)

    return keep(made())


def pieces(array: NDArray[T], size: int = 0) -> Iterator[NDArray[T]]:
    """``size`` rows of an array at a time; 0: as many as are 4 MB."""
    size = size or max(1, PIECE * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), size):
        yield array[start : start + size]
        release(array)


def finite(array: AnyArray, size: int = 0) -> bool:
    """Whether all of an array are numbers."""
    return all(bool(np.isfinite(piece).all()) for piece in pieces(array, size))


def peak(array: AnyArray, size: int = 0) -> float:
    """The largest absolute value of an array; 0 for an empty one."""
    return max((float(np.abs(piece).max()) for piece in pieces(array, size)), default=0.0)


def release(*arrays: object) -> None:
    """Give back the memory of what was read of arrays that lie on the disk; they can be read again."""
    for array in arrays:
        while isinstance(array, np.ndarray):
            array = array.base
        under = array.obj if isinstance(array, memoryview) else array
        if isinstance(under, mmap.mmap) and sys.platform != "win32":
            under.madvise(mmap.MADV_DONTNEED)


def save(path: Path, arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays as `numpy.savez` does, a piece at a time. Raises OSError."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            said = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                npy.write_array_header_1_0(file, said)
                for piece in pieces(array):
                    file.write(piece.tobytes())


def load(path: Path) -> dict[str, AnyArray]:
    """What `save` wrote, on the disk where it is long."""
    found: dict[str, AnyArray] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                found[name.removesuffix(".npy")] = keep(_read(file))
    return found


def _read(file: IO[bytes]) -> Iterator[AnyArray]:
    """The rows of an npy file, some at a time."""
    npy.read_magic(file)
    shape, _, dtype = npy.read_array_header_1_0(file)
    row = dtype.itemsize * int(np.prod(shape[1:]))
    for start in range(0, max(1, shape[0]), size := max(1, PIECE // row)):
        count = min(size, shape[0] - start)
        yield np.frombuffer(file.read(count * row), dtype).reshape(count, *shape[1:])


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise OutputError(
            f"the folder for temporary files, {_folder()}, takes no more ({problem.strerror}); "
            "make room there, or name another in TMPDIR"
        ) from problem


def _temporary() -> IO[bytes] | None:
    try:
        return tempfile.TemporaryFile(dir=_folder(), prefix="lipwright-")
    except OSError:
        return None


def _folder() -> str:
    """Where large temporary files belong: ``TMPDIR``, else /var/tmp, which unlike /tmp is never in memory."""
    large = Path("/var/tmp")  # noqa: S108 - nameless files only
    if "TMPDIR" not in os.environ and large.is_dir() and os.access(large, os.W_OK):
        return str(large)
    return tempfile.gettempdir()
