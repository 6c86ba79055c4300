"""The inside of a mouth that has to open wider than its donor does.

Stretching the donor's mouth would stretch its teeth. So what the donor shows is hung from the upper lip at
its own size, and below it a cavity is painted, drawn by formula: dark behind, a tongue below, and a hint of
upper teeth where the donor's lips are closed and show none.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, paint
from lipwright.types import Float, Picture

STRETCH, STRETCH_OPEN = (1.8, 3.0), (1.6, 2.2)
"""Times the donor's own opening between which the cavity takes over from stretching: for a donor whose lips are
nearly closed, and for one that shows its own inside."""

ROOM = (0.02, 0.045)
"""Openings, in eye distances, from too small to look into to wide enough."""

SHOWS = 0.05
"""A donor opening at least this far shows teeth of its own."""

DARK, TEETH, TONGUE = (np.array(x, np.float32) for x in ((0.30, 0.15, 0.15), (0.86, 0.88, 0.84), (0.58, 0.38, 0.38)))


def paint_inside(patch: Picture, wanted: Float, part: Picture, source: Float, asked: float, there: float) -> Picture:
    """``patch``, a donor's mouth warped to the mesh ``wanted``, with its inside painted where it lacks room.

    ``wanted`` (468, 2) px of the patch; ``part`` the donor's picture and ``source`` (468, 2) its mesh in the pixels
    of that; ``asked`` and ``there`` the openings of the shape and of the donor in eye distances.
    """
    times = asked / max(there, 1e-3)
    ends = ((times, STRETCH_OPEN if there >= SHOWS else STRETCH), (asked, ROOM))
    share = float(np.prod([np.clip((value - low) / (high - low), 0, 1) for value, (low, high) in ends]))
    if share <= 0:
        return patch
    tall, wide = patch.shape[:2]
    warp = paint.mesh_warp(wanted, _hung(source, times), _triangles(), _depth(), (0, 0, wide, tall))
    hung = paint.pull(part, warp)
    depth = paint.mesh_warp(wanted, wanted, _triangles(), _depth(), (0, 0, wide, tall)).alpha
    light = np.median(paint.at(patch, wanted[list(faces.OUTER_LIPS)]), axis=0)
    across = _across(wanted, wide)
    cavity = np.clip(_cavity(depth, across, there < SHOWS) * (0.6 * light + 0.4 * light.mean()), 0, 255)
    reached = np.clip((depth - 0.75 / times) / (0.25 / times), 0, 1) if there >= SHOWS else np.ones_like(depth)
    inside = hung + (cavity - hung) * reached[..., None]
    outline = wanted[list(faces.INNER_LIPS)]
    round_it = paint.polygon((wide, tall), outline, soft=0.08 * float(np.ptp(outline[:, 1])))
    mask = np.clip(2 * round_it - 1, 0, 1) * warp.covered
    return paint.BLENDS["feather"](patch, inside.astype(np.uint8), mask * np.float32(share))


def _hung(source: Float, times: float) -> Float:
    """The donor's mesh with its lower inner lip moved away until the mouth is ``times`` as open."""
    result = np.array(source)
    upper, lower = list(faces.INNER_UPPER), list(faces.INNER_LOWER)
    result[lower] = source[upper] + (source[lower] - source[upper]) * times
    return result


@functools.cache
def _triangles() -> NDArray[np.int32]:
    """Triangles that span the mouth from corner to corner between the inner lips."""
    upper, lower = faces.INNER_UPPER, faces.INNER_LOWER
    strip = [(78, upper[0], lower[0]), (308, lower[-1], upper[-1])]
    for k in range(len(upper) - 1):
        strip += [(upper[k], upper[k + 1], lower[k]), (lower[k], upper[k + 1], lower[k + 1])]
    return np.array(strip, np.int32)


@functools.cache
def _depth() -> Float:
    """float32 (468,): 0 at the upper inner lip, 1 at the lower, half at the corners."""
    depth = np.zeros(468, np.float32)
    depth[list(faces.INNER_LOWER)] = 1
    depth[[78, 308]] = 0.5
    return depth


def _across(wanted: Float, wide: int) -> Float:
    """float32 (1, wide): -1 at the mouth's left corner, 1 at its right."""
    left, right = wanted[78, 0], wanted[308, 0]
    return np.asarray((2 * np.arange(wide)[None] - left - right) / max(1.0, right - left), np.float32)


def _cavity(depth: Float, across: Float, teeth: bool) -> Float:
    """float32 (h, w, 3): the cavity as a share of the light on the lips, at depths (h, w) below the upper lip."""
    middle = np.clip(1 - across**2, 0, 1)
    tongue = np.clip((depth - 0.95 + 0.25 * middle) / 0.25, 0, 1) * np.clip(1.6 * middle, 0, 1)
    shade = (0.6 + 0.7 * depth) * (0.7 + 0.3 * middle)
    picture = shade[..., None] * DARK + tongue[..., None] * (TONGUE - DARK)
    if teeth:
        row = np.clip((0.28 * middle + 0.02 - depth) / 0.08, 0, 1) * np.clip(3 * middle - 0.4, 0, 1)
        picture = picture + (0.75 * row)[..., None] * (TEETH * (0.55 + 0.45 * middle[..., None]) - picture)
    return np.asarray(picture, np.float32)
