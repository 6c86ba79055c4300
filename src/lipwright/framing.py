"""A clip seen smaller, turned or cut out: geometry that every frame goes through alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lipwright.errors import InputError
from lipwright.types import Clip, Frames, Picture

WHOLE = (0, -1, 0, -1)


@dataclass(frozen=True)
class Framing:
    """What is done to a frame, in this order: shrunk, turned, cut out.

    ``shrunk`` (width, height) px, ``turned`` by 90 degrees clockwise or not, ``part`` left, top, right, bottom px.
    """

    shrunk: tuple[int, int]
    turned: bool
    part: tuple[int, int, int, int]

    def __call__(self, picture: Picture) -> Picture:
        """One frame uint8 (H, W, 3), framed."""
        if picture.shape[1::-1] != self.shrunk:
            picture = np.asarray(cv2.resize(picture, self.shrunk), np.uint8)
        if self.turned:
            picture = np.rot90(picture, -1)
        left, top, right, bottom = self.part
        return np.ascontiguousarray(picture[top:bottom, left:right])


@dataclass(frozen=True)
class _Framed:
    """The frames of a clip, framed."""

    clip: Clip
    framing: Framing

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        return map(self.framing, self.clip.read(start, stop))

    def look(self, start: int, stop: int) -> Iterator[Picture]:
        return map(self.framing, self.clip.look(start, stop))


def framed(clip: Clip, *, shrink: int = 1, turn: bool = False, crop: Sequence[int] = WHOLE) -> Clip:
    """``clip`` with its frames shrunk, then turned, then cut out, as Wav2Lip's ``resize_factor``, ``rotate`` and
    ``crop`` do.

    Args:
        clip: the source; its sound, rate and length stay.
        shrink: width and height are divided by this whole number, at least 1, rounded down; bilinear.
        turn: by 90 degrees clockwise.
        crop: top, bottom, left, right px, of the picture that is shrunk and turned; -1 for bottom or right is its end.

    Raises:
        InputError: nothing would be left, or the crop does not lie within the picture.
    """
    wide, tall = clip.size
    if not 1 <= shrink <= min(wide, tall):
        raise InputError(f"a picture of {wide} x {tall} pixels can be shrunk by 1 to {min(wide, tall)}; given {shrink}")
    shrunk = (wide // shrink, tall // shrink)
    wide, tall = shrunk[::-1] if turn else shrunk
    if len(crop) != 4:
        raise InputError(f"crop is four whole numbers, top, bottom, left, right; given {list(crop)}")
    top, bottom, left, right = crop
    bottom, right = tall if bottom == -1 else bottom, wide if right == -1 else right
    if not (0 <= top < bottom <= tall and 0 <= left < right <= wide):
        raise InputError(
            f"crop is top, bottom, left, right within the picture of {wide} x {tall} pixels; given {list(crop)}"
        )
    framing = Framing(shrunk, turn, (left, top, right, bottom))
    if framing == Framing(clip.size, False, (0, 0, *clip.size)):
        return clip
    frames: Frames = _Framed(clip, framing)
    key = f"{clip.key}-{'-'.join(map(str, (*shrunk, int(turn), *framing.part)))}" if clip.key else ""
    return replace(clip, size=(right - left, bottom - top), frames=frames, key=key)
