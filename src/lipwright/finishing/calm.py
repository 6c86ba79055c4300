"""Even out the flicker of the lower face in time: no lag, and no blur where something moves.

Each frame is mixed with its neighbours on both sides, which are carried to it along the optical flow first, and count
less the further they are away in time and the less they look like it there: a bilateral filter along the motion
(after Bennett & McMillan, "Video enhancement using per-pixel virtual exposures", 2005). What that changes is taken
over but for its finest detail, which stays the frame's own: a mouth that trembles less, as sharp as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from lipwright import faces, paint
from lipwright.finishing.around import around
from lipwright.finishing.flow import Flow, carried
from lipwright.finishing.seen import Seen, is_here
from lipwright.types import Clip, Face, Float, Mask, Picture

REACH = 2
SIGMA = 1.2
"""Frames to either side that are mixed in, and the deviation of their weight."""

UNLIKE = 6.0
"""Grey levels between a neighbour, carried here, and the frame at which it counts e^-0.5 as much."""

FINE = 1.0
"""Deviation in pixels of the blur that a change goes through before it is taken over."""

SOFT = 0.04
"""Width of the rim over which the filtered part fades into the frame, in widths of the face."""


@dataclass(frozen=True)
class Calmed:
    """The frames of ``clip``, in which the lower faces of ``people`` flicker less; ``share`` 0-1, how much of the way.

    Pixels outside the lower face stay as they are.
    """

    clip: Clip
    people: tuple[Seen, ...]
    share: float

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        """Frames ``start`` to ``stop``, uint8 (H, W, 3)."""
        flow = Flow()
        meshes = [seen.each(start, stop) for seen in self.people]
        for frame, near in around(self.clip, start, stop, REACH):
            picture = near[frame]
            for mesh in meshes:
                points = next(mesh)
                if is_here(points) and len(near) > 1:
                    picture = self._calmed(picture, near, frame, points[:, :2], flow)
            yield picture.copy() if picture is near[frame] else picture

    def _calmed(self, picture: Picture, near: Mapping[int, Picture], frame: int, points: Float, flow: Flow) -> Picture:
        outline = np.asarray(cv2.convexHull(points[faces.canonical().moving]), np.float32)[:, 0]
        soft = SOFT * float(np.ptp(points[:, 0]))
        region = paint.region_of(outline, (picture.shape[1], picture.shape[0]), 3 * soft)
        parts = {number: np.ascontiguousarray(paint.crop(other, region)) for number, other in near.items()}
        mask: Mask = paint.polygon(parts[frame].shape[1::-1], outline - region[:2], soft) * np.float32(self.share)
        return paint.composite(picture, Face(evened(parts, frame, flow), mask, paint.at_corner(region)))


def evened(parts: Mapping[int, Picture], frame: int, flow: Flow) -> Picture:
    """The part ``frame`` of ``parts``, pictures of one size by their frame, mixed with the others along the motion, but
    for its finest detail."""
    here = parts[frame]
    total, weight = here.astype(np.float32), np.ones(here.shape[:2], np.float32)
    for number, part in parts.items():
        if number == frame:
            continue
        moved = carried(part, flow(here, part))
        gap = cv2.absdiff(moved, here).mean(2, dtype=np.float32)
        unlike = np.asarray(cv2.GaussianBlur(gap, (0, 0), 1.5), np.float32) / UNLIKE
        share = np.exp(-0.5 * unlike**2) * np.float32(np.exp(-0.5 * ((number - frame) / SIGMA) ** 2))
        total += moved * share[..., None]
        weight += share
    change = np.asarray(cv2.GaussianBlur(total / weight[..., None] - here, (0, 0), FINE), np.float32)
    return np.asarray(np.clip(here + change + 0.5, 0, 255), np.uint8)
