"""Frames with those around them: read in order, held no longer than needed, never across a cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lipwright.faces.following import CUT
from lipwright.types import Clip, Float, Picture


def glance(picture: Picture) -> Float:
    """Some 32 x 32 pixels of a picture, to tell a new shot by."""
    tall, wide = picture.shape[:2]
    return picture[:: max(1, tall // 32), :: max(1, wide // 32)].astype(np.float32)


def is_cut(before: Float, after: Float) -> bool:
    """Whether two `glance`s that follow each other belong to two shots, as `lipwright.faces` tells them."""
    return bool(np.abs(after - before).mean() > CUT)


class _Held:
    """A picture, and the number of its shot, counted from the first one read."""

    def __init__(self, picture: Picture, before: _Held | None) -> None:
        self.picture, self.glance = picture, glance(picture)
        self.shot: int = 0 if before is None else before.shot + is_cut(before.glance, self.glance)


def around(clip: Clip, start: int, stop: int, reach: int) -> Iterator[tuple[int, dict[int, Picture]]]:
    """Frames ``start`` to ``stop`` of ``clip``: each one's number, and the pictures of its shot from ``reach`` frames
    before it to ``reach`` after it by their numbers, itself among them."""
    first = max(0, start - reach)
    coming = enumerate(clip.read(first, min(clip.length, stop + reach)), first)
    held: dict[int, _Held] = {}
    last = first - 1
    for frame in range(start, stop):
        while last < min(frame + reach, clip.length - 1):
            before = held.get(last)
            last, picture = next(coming)
            held[last] = _Held(picture, before)
        for gone in [number for number in held if number < frame - reach]:
            del held[gone]
        shot = held[frame].shot
        yield frame, {number: one.picture for number, one in held.items() if one.shot == shot}
