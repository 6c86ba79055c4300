"""Clips and files whose frames show their numbers, and what is counted in a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

import drawn
from lipwright.types import Clip, Picture


def numbers(pictures: Iterator[Picture]) -> list[int]:
    """The numbers drawn on pictures."""
    return [drawn.number_of(picture) for picture in pictures]


def counted(path: Path, length: int = 60, **how: object) -> Path:
    """A video whose frames show their numbers; ``how`` as `drawn.write` takes it."""
    return drawn.write(path, (drawn.numbered(n) for n in range(length)), **how)


def drawn_clip(length: int, size: tuple[int, int] = (64, 48), fps: Fraction = Fraction(25)) -> Clip:
    """A clip, in memory, whose frames show their numbers."""
    return Clip(fps, size, length, lambda start, stop: (drawn.numbered(n, size) for n in range(start, stop)))


def counted_frames(path: Path) -> int:
    """How many frames a file gives when it is decoded."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def packets(path: Path) -> list[bytes]:
    """The packets of a file's sound."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def streams() -> list[threading.Thread]:
    """The threads of `media.stream` that are at work."""
    return [t for t in threading.enumerate() if t.name == "lipwright-stream" and t.is_alive()]
