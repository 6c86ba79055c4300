"""Finished segments of a video that is being written, so that an interrupted write goes on from there.

They lie in a hidden folder beside the target, named by a hash of all that the video depends on, and hold the
encoder's packets as they came. A segment is written beside its place, synced and renamed: one that is there is
whole. One writer at a time holds the folder; the lock ends with its process, however that ends.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.packet import Packet
from av.stream import Stream

from lipwright import locks
from lipwright.media.target import refused

_HEAD = struct.Struct("<qqqqB")  # pts, dts, duration, bytes, whether it is a key frame


@dataclass(frozen=True)
class Work:
    """The folder of one writer, for ``target``; ``done`` segments, from the first on, were there when it was opened."""

    folder: Path
    target: Path
    done: int

    def stored(self, number: int, unit: Fraction) -> Iterator[Packet[Stream]]:
        """The packets of a finished segment, times in ``unit`` s."""
        with self._place(number).open("rb") as file:
            while head := file.read(_HEAD.size):
                pts, dts, duration, size, key = _HEAD.unpack(head)
                packet: Packet[Stream] = Packet(file.read(size))
                packet.pts, packet.dts, packet.duration, packet.time_base = pts, dts, duration, unit
                packet.is_keyframe = bool(key)
                yield packet

    def storing(self, number: int, packets: Iterator[Packet[Stream]]) -> Iterator[Packet[Stream]]:
        """The same packets, stored on their way as segment ``number``, which is finished with the last of them."""
        place = self._place(number)
        beside = place.with_suffix(".part")
        with refused(self.target), beside.open("wb") as file:
            for packet in packets:
                _append(file, packet)
                yield packet
            file.flush()
            os.fsync(file.fileno())
        with refused(self.target):
            beside.replace(place)

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:06d}.segment"


def _append(file: BinaryIO, packet: Packet[Stream]) -> None:
    data = bytes(packet)
    pts, dts = packet.pts or 0, packet.dts or 0
    file.write(_HEAD.pack(pts, dts, packet.duration or 0, len(data), packet.is_keyframe))
    file.write(data)


@contextmanager
def work_beside(target: Path, content: str) -> Iterator[Work | None]:
    """The work folder for ``target`` and the ``content`` it is to have, removed once the file is complete.

    After a failure it stays if a segment is finished. None where there can be no such folder, or another
    writer holds it: that is no reason not to write.
    """
    folder = target.with_name(f"{_prefix(target)}{_hash(content)}")
    with _claimed(folder) as claimed:
        if not claimed:
            yield None
            return
        _tidy(folder)
        done = _count(folder)
        try:
            yield Work(folder, target, done)
        except BaseException:
            _tidy(folder)
            if not _count(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
    _forget(target)


def _prefix(target: Path) -> str:
    return f".lipwright-{_hash(target.name)}-"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _count(folder: Path) -> int:
    """How many segments there are without a gap, from the first on."""
    names = {path.name for path in folder.glob("*.segment")}
    return next(number for number in range(len(names) + 1) if f"{number:06d}.segment" not in names)


def _tidy(folder: Path) -> None:
    """Remove what was half-written when its writer was stopped."""
    for path in folder.glob("*.part*"):
        with suppress(OSError):
            path.unlink()


def _forget(target: Path) -> None:
    """Remove the segments of other contents that this target was once meant to have."""
    for folder in target.parent.glob(f"{_prefix(target)}*"):
        with _claimed(folder) as claimed:
            if claimed:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _claimed(folder: Path) -> Iterator[bool]:
    """Whether the folder, made if need be, is this writer's alone from here on."""
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / locks.NAME).open("ab")
    except OSError:
        yield False
        return
    with lock:
        yield locks.take(lock) and _still_there(folder, lock)


def _still_there(folder: Path, lock: BinaryIO) -> bool:
    """Whether the lock is still the folder's: another writer may have removed both before it was taken."""
    try:
        return os.path.samestat((folder / locks.NAME).stat(), os.fstat(lock.fileno()))
    except OSError:
        return False
