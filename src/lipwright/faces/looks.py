"""What a person looks like: colours of the upper face, cheap enough to be asked at every frame.

A *look* is float32 (48, 3), 0-255: the mean colours of 48 patches of the mesh that speech does not move. Between
two frames of one video the looks of one person differ by some 6 grey levels (root mean square), those of two by 40.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lipwright.faces import geometry
from lipwright.types import Float, Picture

PATCHES, PATCH = 48, 12
NEW, KNOWN = 4.0, 18.0
"""A look nearer than the first changes a known one a little, one up to the second is kept beside it."""
MOST = 8
BLEND = 0.1

Tint = NDArray[np.uint8]
"""uint8 (468, 3): the picture's colours at the vertices of a mesh."""


def colours(picture: Picture, mesh: Float) -> Tint:
    """The colours of ``picture`` at the vertices of ``mesh`` (468, 3) px; at its rim for those outside."""
    height, width = picture.shape[:2]
    column, row = np.clip(np.round(mesh[:, :2]).astype(int), 0, (width - 1, height - 1)).T
    tint: Tint = picture[row, column]
    return tint


def look(tint: NDArray[np.uint8]) -> Float:
    """The look of a face whose colours at the vertices are ``tint`` (..., 468, 3)."""
    return np.asarray(tint[..., _patches(), :].astype(np.float32).mean(-2), np.float32)


@functools.cache
def _patches() -> NDArray[np.int64]:
    """int64 (48, 12): the vertices of each patch."""
    points = geometry.canonical().points
    still = np.setdiff1d(np.arange(len(points)), geometry.canonical().moving)
    chosen = [0]
    gap = np.linalg.norm(points[still] - points[still[0]], axis=1)
    while len(chosen) < PATCHES:  # one by one the vertex farthest from those chosen
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, np.linalg.norm(points[still] - points[still[chosen[-1]]], axis=1))
    return np.asarray(still[cKDTree(points[still]).query(points[still[chosen]], PATCH)[1]])


class Looks:
    """The looks of one person so far, at most `MOST`: turned to one side, in another light."""

    def __init__(self, first: Float) -> None:
        self._known = first[None].copy()

    def distance(self, other: Float) -> float:
        """Grey levels, root mean square, between ``other`` and the known look that is nearest to it."""
        return float(self._gaps(other).min())

    def add(self, other: Float) -> None:
        """Know one more look; one unlike all others is not this person's and is left out."""
        gaps = self._gaps(other)
        nearest = int(gaps.argmin())
        if gaps[nearest] > KNOWN:
            return
        if gaps[nearest] > NEW and len(self._known) < MOST:
            self._known = np.concatenate([self._known, other[None]])
        else:
            self._known[nearest] += BLEND * (other - self._known[nearest])

    def _gaps(self, other: Float) -> Float:
        return np.asarray(np.sqrt(((self._known - other) ** 2).mean((1, 2))), np.float32)
