"""What stands before the face: hands, microphones, cups. There the source is kept.

Nothing is recognised; a vertex of the mesh is covered where the picture's colour at it leaves what that
vertex looks like through the rest of the video, together with its neighbours and for several frames.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.spatial import cKDTree

from lipwright import faces, ondisk
from lipwright.types import FaceTrack, Float, Int

FAR, SPREADS = 45.0, 6.0
"""Grey levels, and robust deviations, beyond which a colour is another thing's."""

DIFFERENT = (22.0, 45.0)
"""Grey levels between which two frames go from the same thing to different things."""

NEIGHBOURS = 6
FRAMES = 3
QUARTERS = 4
ENOUGH = 12
"""Frames that must be known before anything can be called unusual."""


@functools.cache
def _skin() -> tuple[np.ndarray, np.ndarray]:
    """The vertices of jaw, chin and cheeks without the lips, and for each its nearest neighbours among them."""
    canon = faces.canonical()
    lips = set(faces.OUTER_LIPS) | set(faces.INNER_LIPS)
    near_lips = cKDTree(canon.points[sorted(lips)]).query(canon.points[canon.moving])[0] < 0.09
    skin = canon.moving[~near_lips]
    return skin, cKDTree(canon.points[skin]).query(canon.points[skin], NEIGHBOURS)[1]


@functools.cache
def _face() -> Int:
    """`_skin`, then all that speech does not move: most of it is too high for what hides a mouth to hide the light."""
    canon = faces.canonical()
    return np.concatenate([_skin()[0], np.setdiff1d(np.arange(len(canon.points)), canon.moving)])


def covered(track: FaceTrack) -> NDArray[np.bool_]:
    """bool (T, 468): which vertices are hidden; judged on the skin, spread to the rest of the mesh.

    All 0 where the track holds no colours, or fewer than 12 frames of the face. Light that changes for the
    whole face is allowed for. Seen on skin only: lips and mouth change colour by themselves, so they count
    as covered where the skin nearest to them is.
    """
    length, tint, known = len(track), track.tint, np.flatnonzero(track.present)
    if tint is None or len(known) < ENOUGH:
        return ondisk.by_blocks(lambda rows: np.zeros((len(rows), 468), bool), length, range(length))
    usual = _median((_colours(tint, known[rows]) for rows in _blocks(len(known))), 256, 1)
    gaps = (np.abs(_gap(tint, known[rows], usual)) for rows in _blocks(len(known)))
    spread = 1.4826 * _median(gaps, 512 * QUARTERS, QUARTERS) + 1

    def lasting(rows: Int) -> NDArray[np.bool_]:
        gap = np.abs(_gap(tint, rows, usual))
        odd: NDArray[np.bool_] = np.any((gap > FAR) & (gap > SPREADS * spread), axis=2)
        together = odd[:, _skin()[1]].mean(2) > 0.5
        return np.asarray(median_filter(together.astype(np.uint8), size=(FRAMES, 1)), bool)

    seen = ondisk.by_blocks(lasting, len(known), known, context=FRAMES // 2)
    place = np.where(track.present, np.cumsum(track.present) - 1, -1)

    def spread_out(places: Int) -> NDArray[np.bool_]:
        shown = seen[np.maximum(places, 0)][:, _nearest_skin()]
        shown[places < 0] = False
        ondisk.release(seen)
        return shown

    return ondisk.by_blocks(spread_out, length, place)


def _blocks(length: int) -> Iterator[slice]:
    return (slice(start, start + ondisk.BLOCK) for start in range(0, length, ondisk.BLOCK))


def _colours(tint: NDArray[np.uint8], rows: Int) -> Float:
    """float32 (N, F, 3): the colours of the face in some frames."""
    colours = tint[rows][:, _face()].astype(np.float32)
    ondisk.release(tint)
    return colours


def _gap(tint: NDArray[np.uint8], rows: Int, usual: Float) -> Float:
    """How far the skin in some frames is from its usual colours, the light of the whole face taken out."""
    return _lit_alike(_colours(tint, rows) - usual)


def _lit_alike(colours: Float) -> Float:
    """float32 (..., S, 3): of the colours of a face (..., F, 3), or differences of them, those of the skin, the light
    of the whole face taken out."""
    return np.asarray(colours[..., : len(_skin()[0]), :] - np.median(colours, axis=-2, keepdims=True), np.float32)


def _median(blocks: Iterator[Float], bins: int, per_unit: int) -> Float:
    """The exact median over time of values (n, S, 3) that come in blocks: multiples of 1 / ``per_unit``, ``bins`` of
    them from 0 on. It is found by counting, as `numpy.median` gives it."""
    counts, rows = np.zeros(0, np.int32), 0
    shape: tuple[int, ...] = ()
    for block in blocks:
        rows, shape = rows + len(block), block.shape[1:]
        columns = int(np.prod(shape))
        values = (block.reshape(len(block), -1) * per_unit).astype(np.int64) + bins * np.arange(columns)
        found = np.bincount(values.ravel(), minlength=bins * columns).astype(np.int32)
        counts = counts + found if len(counts) else found
    total = counts.reshape(-1, bins).cumsum(1, dtype=np.int32)
    low, high = ((total > place).argmax(1) for place in ((rows - 1) // 2, rows // 2))
    return ((low + high) / (2 * per_unit)).astype(np.float32).reshape(shape)


def look(track: FaceTrack) -> Float:
    """float32 (T, 30, 3): colours on the skin of the lower face, 0-255, the light of the whole face taken out.

    Two frames with the same look are lit alike and covered alike. All 0 where the track holds no colours.
    """
    length, tint = len(track), track.tint
    if tint is None:
        return np.zeros((length, 1, 3), np.float32)
    step = max(1, len(_skin()[0]) // 30)

    def seen(tint: NDArray[np.uint8]) -> Float:
        return _lit_alike(tint[:, _face()].astype(np.float32))[:, ::step].copy()

    return ondisk.by_blocks(seen, length, tint)


def disagreement(track: FaceTrack, frame: int, other: int) -> Float:
    """float32 (468,): where two frames show different things at the same vertex, 0 same to 1 another thing.

    What `covered` cannot tell, because it is there most of the time, shows here: a hand in one of them.
    """
    if track.tint is None or frame == other:
        return np.zeros(468, np.float32)
    neighbours = _skin()[1]
    gap = _lit_alike(track.tint[frame, _face()].astype(np.float32) - track.tint[other, _face()])
    local = np.abs(gap[neighbours].mean(1)).max(1)
    share = np.clip((local - DIFFERENT[0]) / (DIFFERENT[1] - DIFFERENT[0]), 0, 1)
    return np.asarray(share[neighbours].max(1)[_nearest_skin()], np.float32)


@functools.cache
def _nearest_skin() -> np.ndarray:
    """For each vertex of the mesh, the skin vertex nearest to it."""
    points = faces.canonical().points
    return np.asarray(cKDTree(points[_skin()[0]]).query(points)[1])
