"""Arrays as long as footage is, on the disk instead of in memory.

Rows (frames, samples) are made and read a block at a time. What is longer than `SMALL` lies in a nameless temporary
file, which is gone when nobody holds the array any more, however the process ends; it is mapped, so it is a numpy
array like any other, that cannot be written to. What was read of it counts as memory of the process until `release`.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import numpy as np
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


class Rows(Protocol):
    """Anything of which rows are taken by a slice: arrays, poses."""

    def __getitem__(self, rows: slice, /) -> Any: ...


def keep(parts: Iterable[NDArray[T]]) -> NDArray[T]:
    """At least one array (n, ...), all alike but for n, put end to end; on the disk where they are long.

    Raises OutputError when the disk is full. Where no temporary file can be made they stay in memory.
    """
    held: list[NDArray[T]] = []
    rest = iter(parts)
    size = 0
    for part in rest:
        held.append(part)
        size += part.nbytes
        if size > SMALL and (file := _temporary()) is not None:
            with file:
                return _mapped(held, rest, file)
    return held[0] if len(held) == 1 else np.concatenate(held)


def by_blocks(
    work: Callable[..., NDArray[T]], length: int, *arrays: Rows, context: int = 0, size: int = BLOCK
) -> NDArray[T]:
    """What ``work`` makes of ``size`` rows of the ``arrays`` (each ``length`` long) at a time, put end to end.

    ``work`` gives a row for each row it is given; it is given ``context`` rows more on either side, where there are
    any, and what it makes of them is dropped.
    """

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


def _mapped(held: list[NDArray[T]], rest: Iterator[NDArray[T]], file: IO[bytes]) -> NDArray[T]:
    """All parts, written to ``file`` and mapped."""
    dtype, shape, rows = held[0].dtype, held[0].shape[1:], 0
    try:
        for parts in (held, rest):
            for part in parts:
                file.write(part.astype(dtype, copy=False).tobytes())
                rows += len(part)
            held.clear()
        file.flush()
    except OSError as problem:
        raise OutputError(
            f"the folder for temporary files, {_folder()}, takes no more ({problem.strerror}); "
            "make room there, or name another in TMPDIR"
        ) from problem
    under = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(under, dtype).reshape(rows, *shape)


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
