"""What is known of the people in a clip whose frames come from another: their meshes, in the order of the clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lipwright import ondisk
from lipwright.types import FaceTrack, Float, Int


@dataclass(frozen=True, eq=False)
class Seen:
    """A face: ``track`` through the frames of a source, and ``order`` int64 (T,), the source frame of each frame."""

    track: FaceTrack
    order: Int

    def each(self, start: int, stop: int) -> Iterator[Float]:
        """The mesh float32 (468, 3) px of frames ``start`` to ``stop``; NaN where the face is not seen."""
        for first in range(start, stop, ondisk.BLOCK):
            rows = self.order[first : min(stop, first + ondisk.BLOCK)] - self.track.start
            known = (rows >= 0) & (rows < len(self.track))
            block = np.full((len(rows), *self.track.points.shape[1:]), np.nan, np.float32)
            block[known] = self.track.points[rows[known]]
            ondisk.release(self.track.points)
            yield from block


def is_here(points: Float) -> bool:
    """Whether a mesh is that of a face that is seen."""
    return bool(np.isfinite(points[0, 0]))
