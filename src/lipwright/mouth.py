"""One person's mouth: how it closes and opens, which frame shows it best, and where it goes in a frame.

A *shape* is float32 (177, 3) in canonical units (eye distances): the vertices `faces.canonical().moving`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, ondisk, paint
from lipwright.types import Float, Int, Mask, Picture

CLOSED, READY, CLOSED_LEAST = 0.02, 0.08, 3
"""Shares of the frames, and frames at least, that show a mouth tightly closed, and closed between words."""

TALKING = 0.05
SCALES = (0.5, 2.5)
SHUT, NEARLY = 0.012, 0.022
POSE_COST = 0.0014
LAG_COST = 0.0003
OPENING_COST, CLOSED_MORE = 0.6, 2.0
LOOK_COST, LOOK_MOST = 0.002, 60.0
CENTRE, RADII = (0.0, 0.82), (0.52, 0.44)
TOP = (0.475, 0.60)
YAW_FADE = (30.0, 48.0)
PUSH_REACH = 0.11
RING = 0.45


@dataclass(frozen=True)
class Manner:
    """How people open their mouths, measured on the training speakers: ``direction`` float32 (177, 3), the
    change of shape per eye distance of opening; ``spread`` and ``widest``, deviation and 97th percentile of the
    opening while talking, in eye distances (medians over speakers)."""

    direction: Float
    spread: float
    widest: float


@functools.cache
def manner() -> Manner:
    """The common manner, for a person who is not seen talking."""
    with resources.files("lipwright").joinpath("assets/manner.npz").open("rb") as file:
        data = np.load(file, allow_pickle=False)
        return Manner(data["direction"], float(data["spread"]), float(data["widest"]))


@functools.cache
def _rows(vertices: tuple[int, ...]) -> Int:
    """Positions of mesh vertices in a shape."""
    return np.searchsorted(faces.canonical().moving, np.array(vertices))


def opening(shapes: Float) -> Float:
    """Inner-lip opening (T,) of shapes (T, 177, 3), as `faces.opening` measures it on whole meshes."""
    gap = shapes[:, _rows((82, 13, 312))] - shapes[:, _rows((87, 14, 317))]
    return np.asarray(np.linalg.norm(gap, axis=2).mean(1), np.float32)


def with_opening(shapes: Float, wanted: Float) -> Float:
    """Shapes (T, 177, 3) opened or closed along the common direction until they open by ``wanted`` (T,)."""
    result = shapes
    for _ in range(3):
        result = result + (wanted - opening(result))[:, None, None] * manner().direction
    return np.asarray(result, np.float32)


def sealed(shapes: Float) -> Float:
    """Shapes (T, 177, 3) whose inner lips touch all along where they open by less than `SHUT`, and do not
    quite up to `NEARLY`: a tracked mesh keeps a small gap on a closed mouth, a picture must not. Nowhere does
    the lower lip stand above the upper."""
    upper, lower = _rows(faces.INNER_UPPER), _rows(faces.INNER_LOWER)
    result = np.array(shapes)
    share = (1 - _settled(opening(shapes), SHUT, NEARLY))[:, None, None]
    share = np.where((shapes[:, lower, 1] < shapes[:, upper, 1])[..., None], 1, share)
    middle = (shapes[:, upper] + shapes[:, lower]) / 2
    result[:, upper] += share * (middle - shapes[:, upper])
    result[:, lower] += share * (middle - shapes[:, lower])
    return result


@dataclass(frozen=True)
class Speaker:
    """A person: ``closed`` (177, 3), the mouth as tightly closed as it is seen; ``ready``, closed between words;
    ``spread``, the deviation of its opening while talking, and ``widest``, the 97th percentile, in eye distances."""

    closed: Float
    ready: Float
    spread: float
    widest: float

    @classmethod
    def of(cls, shapes: Float) -> Speaker:
        """Learnt from the shapes (T, 177, 3) of the person's own video, of which one at least is known (not NaN).

        Somebody who does not talk there (opening moves by less than 0.05 eye distances) gets the common
        manner, from their own closed mouth.
        """
        gap = ondisk.by_blocks(opening, len(shapes), shapes)
        order = np.argsort(gap)  # unknown ones come last
        gap = gap[np.isfinite(gap)]
        low = [shapes[order[: max(CLOSED_LEAST, round(share * len(gap)))]].mean(0) for share in (CLOSED, READY)]
        ondisk.release(shapes)
        closed, ready = with_opening(np.stack(low), np.minimum(opening(np.stack(low)), SHUT))
        if np.quantile(gap, 0.97) - np.quantile(gap, 0.03) >= TALKING:
            return cls(closed, ready, float(gap.std()), float(np.quantile(gap, 0.97)))
        return cls(closed, ready, manner().spread, manner().widest)

    def says(self, motion: Float, voiced: Float, strength: float) -> Float:
        """Shapes (T, 177, 3) for a motion (T, 177, 3) away from the closed mouth; ``voiced`` (T,) 0 closes it.

        The motion is scaled until its opening deviates as much as this person's does (by 0.5 to 2.5), times
        ``strength``; beyond a fifth more than their widest it levels off. Nearly closed lips are sealed.
        """
        gap = ondisk.by_blocks(lambda motion: opening(self.ready + motion), len(motion), motion)
        spoken = gap[voiced > 0.5] if (voiced > 0.5).sum() >= 5 else gap
        scale = float(np.clip(self.spread / max(float(spoken.std()), 1e-3), *SCALES)) * strength
        most = self.widest * max(1.0, strength)

        def said(motion: Float, voiced: Float) -> Float:
            shapes = self.closed + voiced[:, None, None] * (self.ready - self.closed + scale * motion)
            gap = opening(shapes)
            beyond = np.maximum(0, gap - most)
            level = np.minimum(gap, most) + 0.2 * most * np.tanh(beyond / (0.2 * most))
            return sealed(with_opening(np.asarray(shapes, np.float32), level.astype(np.float32)))

        return ondisk.by_blocks(said, len(motion), motion, voiced)


def donor_cost(
    wanted: Float,
    shapes: Float,
    pose: faces.Pose,
    look: Float,
    centre: Int,
    usable: NDArray[np.bool_],
    reach: int,
) -> Iterator[Float]:
    """How badly each source frame within ``reach`` of ``centre`` (T,) would show the shapes ``wanted``, row by row.

    Mean distance of the lips plus charges for another opening (a mouth too closed is dearer than one too open: it
    would have to be stretched or painted), another pose and another ``look`` (T, N, 3), colours of the skin
    0-255 from `occlusion.look`, in eye distances; T times float32 (2 reach + 1,),
    infinite where there is no usable frame. See `paths.smooth_path`.
    """
    lips = _rows(faces.OUTER_LIPS + faces.INNER_LIPS)
    have = ondisk.by_blocks(
        lambda shapes, usable: np.where(usable[:, None, None], shapes[:, lips], np.float32(0)),
        len(shapes), shapes, usable,
    )  # fmt: skip
    degrees = np.nan_to_num(pose.degrees)
    gap = ondisk.by_blocks(lambda shapes: opening(np.nan_to_num(shapes)), len(shapes), shapes)
    asked = ondisk.by_blocks(opening, len(wanted), wanted)
    for t, middle in enumerate(centre.tolist()):
        low, high = max(0, middle - reach), min(len(shapes), middle + reach + 1)
        lip = np.sqrt(((have[low:high] - wanted[t, lips]) ** 2).sum(2)).mean(1)
        turn = np.abs(degrees[low:high] - degrees[middle]).sum(1)
        far = np.abs(np.arange(low, high) - middle)
        lack = asked[t] - gap[low:high]
        gape = np.abs(lack) + CLOSED_MORE * np.maximum(lack, 0)
        other = np.minimum(np.abs(look[low:high] - look[middle]), LOOK_MOST).mean((1, 2))
        price = lip + OPENING_COST * gape + POSE_COST * turn + LOOK_COST * other + LAG_COST * np.minimum(far, 50)
        row = np.where(usable[low:high], price, np.inf)
        if not np.isfinite(row).any():
            row = np.where(far == 0, 0.0, np.inf)
        cost = np.full(2 * reach + 1, np.inf, np.float32)
        cost[low - middle + reach : high - middle + reach] = row
        yield cost
        if t % ondisk.BLOCK == 0:
            ondisk.release(wanted, have, look)


def place(shape: Float, points: Float, pose: faces.Pose) -> Float:
    """The mesh (468, 2) px of a frame whose mouth has ``shape``: its own ``points`` (468, 3) elsewhere."""
    canon = faces.canonical()
    wanted = faces.from_canonical(shape[None], pose)[0, :, :2]
    result = np.array(points[:, :2])
    share = _settled(canon.points[canon.moving, 1], *TOP)[:, None]
    result[canon.moving] += share * (wanted - result[canon.moving])
    return result


def push(picture: Picture, here: Float, wanted: Float, scale: float, region: paint.Region) -> Picture:
    """The part of ``picture`` in ``region`` with jaw and cheeks moved from ``here`` to ``wanted`` (468, 2)."""
    canon = faces.canonical()
    still = np.setdiff1d(np.flatnonzero(canon.points[:, 1] > 0.0), canon.moving)[::2]
    ring = surroundings(here)
    neck, follow = _neck(here, wanted)
    at = np.concatenate([wanted[canon.moving], wanted[still], neck, ring])
    move = np.concatenate([(wanted - here)[canon.moving], np.zeros((len(still), 2)), follow, np.zeros((len(ring), 2))])
    return paint.push(picture, at.astype(np.float32), move.astype(np.float32), PUSH_REACH * scale, region)


def _neck(here: Float, wanted: Float) -> tuple[Float, Float]:
    """Points between the outline of the lower face and its surroundings, and moves that die away outward."""
    line, move = wanted[_outline()], (wanted - here)[_outline()]
    out = line - here[1]
    shares = (0.25, 0.5, 0.75)
    return np.concatenate([line + RING * s * out for s in shares]), np.concatenate([(1 - s) * move for s in shares])


@functools.cache
def _outline() -> Int:
    """The lower outline of the face, ear to ear by the chin."""
    return np.array(
        (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
    )


def surroundings(here: Float) -> Float:
    """Points (N, 2) px around the lower face that never move: its outline, widened by 0.45 of its radius."""
    line = here[_outline()]
    middle = here[1]
    return np.concatenate([middle + (line - middle) * (1 + RING), middle + (line - middle) * (1 + RING * 1.25)])


def region(here: Float, wanted: Float, size: tuple[int, int]) -> paint.Region:
    """All of a frame of ``size`` (w, h) that a mouth moving from ``here`` to ``wanted`` (468, 2) can touch."""
    lower = faces.canonical().points[:, 1] > 0
    return paint.region_of(np.concatenate([surroundings(here), here[lower], wanted[lower]]), size, margin=2)


@functools.cache
def triangles() -> NDArray[np.int32]:
    """The triangles of the mesh that the mouth's mask touches."""
    every = faces.canonical().triangles
    touched: NDArray[np.int32] = every[(alpha()[every] > 0).any(1)]
    return touched


@functools.cache
def alpha() -> Float:
    """float32 (468,): how much of the donor each vertex shows; 1 at the lips, 0 from the outline outward."""
    points = faces.canonical().points
    radius = np.hypot((points[:, 0] - CENTRE[0]) / RADII[0], (points[:, 1] - CENTRE[1]) / RADII[1])
    share = 1 - _settled(radius, 0.72, 1.0)
    share *= _settled(points[:, 1], *TOP)
    share[_outline()] = 0
    return np.asarray(share, np.float32)


def rim(region: paint.Region, size: tuple[int, int]) -> Mask:
    """A mask (h, w) for ``region``: 1 inside, falling to 0 at its edges, but not at the frame's own edges."""
    x0, y0, x1, y1 = region
    soft = max(2.0, 0.08 * max(x1 - x0, y1 - y0))
    across = np.arange(x0, x1, dtype=np.float32)
    down = np.arange(y0, y1, dtype=np.float32)
    row = (1.0 if x0 == 0 else _settled(across - x0, 0, soft)) * (
        1.0 if x1 == size[0] else _settled(x1 - 1 - across, 0, soft)
    )
    column = (1.0 if y0 == 0 else _settled(down - y0, 0, soft)) * (
        1.0 if y1 == size[1] else _settled(y1 - 1 - down, 0, soft)
    )
    return np.asarray(np.broadcast_to(column, down.shape)[:, None] * np.broadcast_to(row, across.shape), np.float32)


def shadow(here: Float, cover: NDArray[np.bool_], region: paint.Region) -> Mask:
    """Where in ``region`` the face (468, 2) px is covered by something: ``cover`` bool (468,), softly spread."""
    known = np.asarray(cover, np.float32)
    seen = paint.mesh_warp(here, here, faces.canonical().triangles, known, region, detail=64).alpha
    return paint.soften(seen, 0.04 * (region[2] - region[0]))


def frontal(yaw: Float) -> Float:
    """How much of the dub a head turned by ``yaw`` (T,) degrees shows: 1 up to 35°, 0 from 55° and for NaN."""
    return 1 - _settled(np.nan_to_num(np.abs(yaw), nan=90.0), *YAW_FADE)


def _settled(value: Float, low: float, high: float) -> Float:
    """Smoothstep: 0 below ``low``, 1 above ``high``."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
