"""Frames in which a face was not found, between frames in which it was: whether it is there all the same.

In 82 published clips all ten such gaps showed the face: at the mesh put between its neighbours the look was 4 to 24
grey levels from that of the nearer one, and light and dark lay alike (correlation 0.66 to 0.99).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, steady
from lipwright.faces.looks import Tint, colours, look
from lipwright.types import Clip, Float, Int

UNLIKE, PATTERN = 40.0, 0.4
"""Grey levels between two looks up to which, and correlation from which on, both are of one face."""


def looked_into(
    clip: Clip, points: Float, tint: NDArray[np.uint8], box: Float, longest: int, breaks: Iterable[int]
) -> tuple[list[int], dict[int, Tint]]:
    """The first frame of each gap that shows no face, and for the frames of the others the colours at the mesh.

    ``points`` (T, 468, 3) px, ``tint`` (T, 468, 3) and ``box`` (T, 4) px as the face was seen; gaps of at most
    ``longest`` frames without a break are looked into.
    """
    empty: list[int] = []
    found: dict[int, Tint] = {}
    missing = np.isfinite(steady.bridge(box, longest, breaks)[:, 0]) & ~np.isfinite(box[:, 0])
    for start, stop in steady.stretches(missing):
        meshes = steady.bridge(points[start - 1 : stop + 1], longest)[1:-1]
        pictures = clip.look(start, stop)
        between = [colours(picture, mesh) for picture, mesh in zip(pictures, meshes, strict=True)]
        sides = look(tint[start - 1]), look(tint[stop])
        if all(any(_one_face(look(some), side) for side in sides) for some in between):
            found.update(zip(range(start, stop), between, strict=True))
        else:
            empty.append(start)
    return empty, found


def filled(tint: NDArray[np.uint8], found: Mapping[int, Tint]) -> NDArray[np.uint8]:
    """``tint`` (T, 468, 3) with the colours ``found`` in some of its frames."""
    if not found:
        return tint

    def put(tint: NDArray[np.uint8], rows: Int) -> NDArray[np.uint8]:
        return np.stack([found.get(row, known) for row, known in zip(rows.tolist(), tint, strict=True)])

    return ondisk.by_blocks(put, len(tint), tint, np.arange(len(tint)))


def _one_face(one: Float, other: Float) -> bool:
    """Whether two looks are alike, in their colours and in where it is light and dark."""
    a, b = one - one.mean(0), other - other.mean(0)
    pattern = float((a * b).sum()) / max(1e-6, float(np.sqrt((a * a).sum() * (b * b).sum())))
    return pattern > PATTERN and float(np.sqrt(((one - other) ** 2).mean())) < UNLIKE
