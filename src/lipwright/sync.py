"""How picture and sound lie to each other in time, from two sequences of embeddings.

Offset, in frames: **> 0 when the sound comes early and must be delayed** (SyncNet's convention).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipwright.errors import InputError
from lipwright.types import Float

REACH = 15
"""Frames searched to either side."""


@dataclass(frozen=True)
class SyncCurve:
    """What a comparison of picture and sound found.

    ``offset`` frames; ``distances`` float32 (2·reach + 1,), the mean distance if the offset were
    −reach … +reach (NaN where nothing overlaps); ``contrast``, their median minus their least (0 = no
    idea); ``track`` float32 (T,), the same difference for each picture at the found offset.
    """

    offset: int
    distances: Float
    contrast: float
    track: Float

    @property
    def reach(self) -> int:
        """Frames searched to either side."""
        return len(self.distances) // 2

    def words(self, fps: float) -> str:
        """The offset as people say it.

        >>> SyncCurve(2, np.zeros(31, np.float32), 0.4, np.zeros(1, np.float32)).words(25)
        'the sound comes 2 frames (80 ms) early'
        """
        if self.offset == 0:
            return "picture and sound agree"
        side, count = ("early" if self.offset > 0 else "late"), abs(self.offset)
        return f"the sound comes {count} frame{'s' * (count > 1)} ({1000 * count / fps:.0f} ms) {side}"


def band(video: Float, audio: Float, reach: int = REACH) -> Float:
    """Euclidean distance of each picture to the sounds around it: float32 (T, 2·reach + 1).

    ``video`` float32 (T, D), ``audio`` float32 (U, D). Column k holds the distance of picture t to the
    sound at t − (k − reach), which is its partner if the offset is k − reach. NaN outside the sound and
    wherever either is NaN (no face).
    """
    if video.ndim != 2 or audio.ndim != 2 or video.shape[1] != audio.shape[1]:
        raise InputError(f"embeddings must be (T, D) and (U, D) with one D; given {video.shape} and {audio.shape}")
    found = np.full((len(video), 2 * reach + 1), np.nan, np.float32)
    for k in range(2 * reach + 1):
        shift = k - reach
        first, last = max(0, shift), min(len(video), len(audio) + shift)
        if first < last:
            found[first:last, k] = np.linalg.norm(video[first:last] - audio[first - shift : last - shift], axis=1)
    return found


def compare(video: Float, audio: Float, reach: int = REACH) -> SyncCurve:
    """Find the offset between two sequences of embeddings, one row a frame; see :func:`band`.

    Means are over the pairs that exist, never over padding. Raises InputError where no pair exists.
    """
    return judge(band(video, audio, reach))


def judge(distances: Float) -> SyncCurve:
    """The curve of a banded distance (T, 2·reach + 1): also of several recordings' rows put together."""
    counts = np.isfinite(distances).sum(0)
    if not counts.any():
        raise InputError("no picture has a sound to be compared with: no face was found, or the sound is empty")
    sums = np.nansum(distances, axis=0)
    enough = counts >= max(1, 0.25 * counts.max())
    curve = np.where(enough, sums / np.maximum(counts, 1), np.nan).astype(np.float32)
    best = int(np.nanargmin(curve))
    middle = float(np.nanmedian(curve))
    own = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in distances])
    track = (own - distances[:, best]).astype(np.float32)
    return SyncCurve(best - len(curve) // 2, curve, middle - float(curve[best]), track)
