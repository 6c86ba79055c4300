"""Where the pixels of one picture are in another: dense optical flow, and pictures moved by it."""

from __future__ import annotations

import cv2
import numpy as np

from lipwright.likeness import grey
from lipwright.types import Float, Picture

MOST = 640
"""The longer side, in pixels, at which flow is found; larger pictures are made smaller for it."""


class Flow:
    """Dense inverse search (Kroeger et al., "Fast optical flow using dense inverse search", 2016).

    It keeps buffers of its own: one for each thread.
    """

    def __init__(self) -> None:
        self._engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, one: Picture, other: Picture) -> Float:
        """float32 (H, W, 2) px: the pixel x, y of ``one`` is at x, y + flow of ``other``, a picture of the same size.

        Pictures of less than 16 px a side do not move.
        """
        tall, wide = one.shape[:2]
        if min(tall, wide) < 16:
            return np.zeros((tall, wide, 2), np.float32)
        step = max(1.0, max(tall, wide) / MOST)
        small = (max(16, round(wide / step)), max(16, round(tall / step)))
        here, there = grey(one), grey(other)
        if step > 1:
            here, there = (cv2.resize(side, small, interpolation=cv2.INTER_AREA) for side in (here, there))
        found = np.asarray(self._engine.calc(here, there, None), np.float32)
        if step > 1:
            found = np.asarray(cv2.resize(found, (wide, tall), interpolation=cv2.INTER_LINEAR), np.float32)
            found *= np.array([wide / small[0], tall / small[1]], np.float32)
        return found


def carried(picture: Picture, by: Float) -> Picture:
    """At every pixel what ``picture`` shows ``by`` (H, W, 2) px away from it, the nearest pixel outside it; cubic."""
    tall, wide = picture.shape[:2]
    x = by[..., 0] + np.arange(wide, dtype=np.float32)
    y = by[..., 1] + np.arange(tall, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def between(one: Picture, other: Picture, share: float, flow: Flow) -> Picture:
    """The picture ``share`` (0-1) of the way from ``one`` to ``other``, what moves being moved.

    Both are carried to that moment by flows mixed from those of both ways (Jiang et al., "Super SloMo", 2018, eq. 4),
    and mixed.
    """
    ahead, back = flow(one, other), flow(other, one)
    rest = 1 - share
    to_one = np.asarray(share * share * back - rest * share * ahead, np.float32)
    to_other = np.asarray(rest * rest * ahead - share * rest * back, np.float32)
    return np.asarray(cv2.addWeighted(carried(one, to_one), rest, carried(other, to_other), share, 0), np.uint8)
