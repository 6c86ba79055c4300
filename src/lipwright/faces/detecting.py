"""What a detector does, and looking for faces with it."""

from __future__ import annotations

import functools
from typing import Protocol

import numpy as np

from lipwright import registry
from lipwright.types import Float, Picture

PRESENT = 0.5
"""From this certainty on a mesh is that of a face."""

Box = tuple[float, float, float, float]
"""x0 y0 x1 y1 px."""


class Detector(Protocol):
    """What the ``Detector`` of every member of the family ``detectors`` does."""

    points: int
    """Vertices of the mesh."""

    def find(self, picture: Picture, small: bool = False) -> Float:
        """Faces of a picture, float32 (N, 9), best first: x0 y0 x1 y1 px, score 0-1, right eye x y, left
        eye x y px (the person's right: on the picture's left). ``small``: also those beside larger ones that are
        seen only from near; slower."""
        ...

    def roi_of_face(self, face: Float) -> Float:
        """Region float32 (4,) to search for the mesh of a row of ``find``: centre x, y, side px, angle rad."""
        ...

    def mesh(self, picture: Picture, roi: Float) -> tuple[Float, float]:
        """The mesh float32 (points, 3) px of the face in ``roi``, and the certainty 0-1 that a face is there."""
        ...

    def roi(self, points: Float) -> Float:
        """Region to search for the mesh of the next frame, given the mesh of this one."""
        ...


@functools.cache
def detector(name: str) -> Detector:
    """A member of ``detectors``, its networks compiled once."""
    found: Detector = registry.load("detectors", name).Detector()
    return found


def find(detector: Detector, picture: Picture, inside: Box | None, small: bool = False) -> Float:
    """As `Detector.find`, in the part ``inside`` of the picture only; positions are those of the whole picture."""
    if inside is None:
        return detector.find(picture, small)
    height, width = picture.shape[:2]
    left, top = (int(np.clip(inside[k], 0, side - 1)) for k, side in ((0, width), (1, height)))
    right, bottom = (int(np.clip(np.ceil(inside[k]), 1, side)) for k, side in ((2, width), (3, height)))
    found = detector.find(np.ascontiguousarray(picture[top : max(bottom, top + 1), left : max(right, left + 1)]), small)
    found[:, [0, 2, 5, 7]] += left
    found[:, [1, 3, 6, 8]] += top
    return found


def settle(detector: Detector, picture: Picture, roi: Float, rounds: int) -> tuple[Float | None, float]:
    """The mesh found from ``roi``, looked at again from where it landed; None where it is no face."""
    mesh, certainty = detector.mesh(picture, roi)
    for _ in range(rounds - 1):
        mesh, certainty = detector.mesh(picture, detector.roi(mesh))
    return (mesh, certainty) if certainty > PRESENT else (None, certainty)
