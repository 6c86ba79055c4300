"""Put a face back: warp, mask, colour match, grain, blend.

Positions are pixels, (x, y), of the whole frame unless said otherwise. A *region* is (x0, y0, x1, y1) in
whole pixels.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright.types import Face, Float, Mask, Picture

Region = tuple[int, int, int, int]
Pixel = TypeVar("Pixel", bound=np.generic)
Blend = Literal["feather", "multiband", "poisson"]

OUTSIDE = -1e4
"""Where a pixel outside a mesh is said to come from."""

FIELD = 24
"""Side of the grid on which a spreading move is computed."""

STILL = 0.05
"""A move of less than this many pixels is none."""

HALFWAY = np.array([-0.09375, 0.59375, 0.59375, -0.09375], np.float32)
"""Weights of four pixels in a row for the place in the middle of them: cubic convolution, as OpenCV's."""

COARSE = 12
"""Side of the grid on which colours are matched: coarse, so that no detail is carried over."""


@dataclass(frozen=True)
class Warp:
    """Where each pixel of a region comes from: ``x``, ``y`` float32 (h, w) px of the source picture, and
    ``alpha`` float32 (h, w), 0 outside the mesh."""

    x: Float
    y: Float
    alpha: Mask

    @property
    def covered(self) -> Mask:
        """float32 (h, w): 1 where a triangle of the mesh lies."""
        return np.asarray(self.x > OUTSIDE / 2, np.float32)


def region_of(points: Float, size: tuple[int, int], margin: float = 0.0) -> Region:
    """The region around ``points`` (N, 2), widened by ``margin`` px, inside a frame of ``size`` (w, h)."""
    low = np.floor(points.min(0) - margin)
    high = np.ceil(points.max(0) + margin) + 1
    x0, y0 = int(np.clip(low[0], 0, size[0] - 1)), int(np.clip(low[1], 0, size[1] - 1))
    return x0, y0, int(np.clip(high[0], x0 + 1, size[0])), int(np.clip(high[1], y0 + 1, size[1]))


def within(inner: Region, outer: Region) -> Region:
    """``inner`` counted from the corner of ``outer``."""
    return inner[0] - outer[0], inner[1] - outer[1], inner[2] - outer[0], inner[3] - outer[1]


def at_corner(region: Region) -> Float:
    """The place of a picture whose first pixel lies at the corner of ``region``."""
    return np.array([[1, 0, region[0]], [0, 1, region[1]]], np.float32)


def at(picture: Picture, points: Float) -> Float:
    """Colours (N, 3) of a picture at ``points`` (N, 2), the nearest pixel inside it."""
    tall, wide = picture.shape[:2]
    x, y = np.clip(np.round(points).astype(int), 0, (wide - 1, tall - 1)).T
    return np.asarray(picture[y, x], np.float32)


def crop(picture: NDArray[Pixel], region: Region) -> NDArray[Pixel]:
    """The part of a picture or mask in ``region`` (a view)."""
    x0, y0, x1, y1 = region
    return picture[y0:y1, x0:x1]


def mesh_warp(
    target: Float, source: Float, triangles: NDArray[np.int32], weight: Float, region: Region, detail: int = 160
) -> Warp:
    """Piecewise-linear warp of a mesh: which source position is shown at each pixel of ``region``.

    ``target`` and ``source`` (V, 2) px, ``weight`` (V,) 0-1 becomes the alpha. A triangle that the target
    turns away or squeezes to an edge (under a tenth of the source's relative area) gets alpha 0. The map is
    made at no more than ``detail`` px a side and enlarged.
    """
    x0, y0, x1, y1 = region
    step = max(1.0, max(x1 - x0, y1 - y0) / detail)
    wide, tall = int(np.ceil((x1 - x0) / step)), int(np.ceil((y1 - y0) / step))
    local = (target - (x0, y0)) / step
    planes = _planes(local, source, triangles, weight)
    owner = np.full((tall, wide), len(triangles), np.int32)
    corners = np.round(local[triangles] * 16).astype(np.int32)
    edges = local[triangles[:, 1:]] - local[triangles[:, :1]]
    area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    for index in np.argsort(area):
        cv2.fillConvexPoly(owner, corners[index], int(index), cv2.LINE_8, 4)
    across = np.arange(wide, dtype=np.float32)
    down = np.arange(tall, dtype=np.float32)[:, None]
    values = [planes[0, k].take(owner) * across + planes[1, k].take(owner) * down for k in range(3)]
    for k in range(3):
        values[k] += planes[2, k].take(owner)
    for k in range(2):  # a thin triangle's pixels lie a little outside it: never look beyond its own corners
        ends = source[triangles, k]
        low, high = (np.append(end, np.float32(OUTSIDE)).astype(np.float32) for end in (ends.min(1), ends.max(1)))
        np.minimum(np.maximum(values[k], low.take(owner), out=values[k]), high.take(owner), out=values[k])
    if step > 1.0:
        values = [_enlarge(value, (x1 - x0, y1 - y0), step) for value in values]
    return Warp(values[0], values[1], np.clip(values[2], 0, 1))


def _planes(local: Float, source: Float, triangles: NDArray[np.int32], weight: Float) -> Float:
    """float32 (3, 3, N + 1): for each triangle the affine coefficients (x, y, 1) of source x, y and alpha."""
    corner, origin = local[triangles].astype(np.float64), source[triangles].astype(np.float64)
    (across1, down1), (across2, down2) = ((corner[:, k] - corner[:, 0]).T for k in (1, 2))
    area = across1 * down2 - across2 * down1
    flat = np.abs(area) < 1e-6
    values = np.concatenate([origin, weight[triangles][..., None]], axis=2)
    first, one, two = values[:, 0], values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    share = np.where(flat, 0, 1 / np.where(flat, 1, area))[:, None]
    right = (one * down2[:, None] - two * down1[:, None]) * share
    below = (two * across1[:, None] - one * across2[:, None]) * share
    planes = np.stack([right, below, first - right * corner[:, 0, :1] - below * corner[:, 0, 1:]], axis=1)
    edge1, edge2 = origin[:, 1] - origin[:, 0], origin[:, 2] - origin[:, 0]
    hidden = area * (edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]) < 0
    planes[hidden | flat, :, 2] = 0
    empty = np.array([[0.0, 0, 0], [0, 0, 0], [OUTSIDE, OUTSIDE, 0]])
    return np.concatenate([planes, empty[None]]).transpose(1, 2, 0).astype(np.float32)


def _enlarge(value: Float, size: tuple[int, int], step: float) -> Float:
    """A map made at one value every ``step`` px, at full size (values stand at multiples of ``step``)."""
    matrix = np.array([[1 / step, 0, 0], [0, 1 / step, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(value, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def pull(picture: Picture, warp: Warp, origin: tuple[float, float] = (0.0, 0.0)) -> Picture:
    """The picture seen through ``warp``; ``origin`` is the frame position of the picture's first pixel."""
    return _seen(picture, warp.x - np.float32(origin[0]), warp.y - np.float32(origin[1]))


def _seen(picture: Picture, x: Float, y: Float) -> Picture:
    """``picture`` at the positions ``x``, ``y`` (h, w) px, the nearest pixel outside it.

    Halfway between pixels it is cubic, elsewhere linear between these: as sharp as cubic to the eye, exact at whole
    positions, and made in a third of the time.
    """
    tall, wide = picture.shape[:2]
    left, top = (int(np.clip(low.min() - 2, 0, side - 1)) for low, side in ((x, wide), (y, tall)))
    right, bottom = (int(np.clip(high.max() + 4, 1, side)) for high, side in ((x, wide), (y, tall)))
    finer = _doubled(picture[top : max(bottom, top + 1), left : max(right, left + 1)])
    at = 2 * (x - np.float32(left)), 2 * (y - np.float32(top))
    return np.asarray(cv2.remap(finer, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _doubled(picture: Picture) -> Picture:
    """A picture (h, w, 3) as (2h, 2w, 3): its own pixels at even places, cubic ones between."""
    tall, wide = picture.shape[:2]
    beside = cv2.filter2D(picture, -1, HALFWAY[None], anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)
    rows = cv2.merge([picture, beside]).reshape(tall, 2 * wide, 3)
    below = cv2.filter2D(rows, -1, HALFWAY[:, None], anchor=(0, 1), borderType=cv2.BORDER_REPLICATE)
    return np.stack([rows, below], axis=1).reshape(2 * tall, 2 * wide, 3)


def push(picture: Picture, at: Float, move: Float, reach: float, region: Region) -> Picture:
    """The part of ``picture`` in ``region``, its content moved by ``move`` (N, 2) px at ``at`` (N, 2).

    Moves spread as the Gaussian-weighted mean of width ``reach`` px: smooth, still where points that do
    not move are near. Used for jaw and neck, where no mesh reaches beyond the face.
    """
    x0, y0, x1, y1 = region
    result = crop(picture, region).copy()
    across = np.linspace(x0, x1 - 1, FIELD, dtype=np.float32)
    down = np.linspace(y0, y1 - 1, FIELD, dtype=np.float32)
    field = _spread(at, move, reach, across, down)
    active = np.argwhere(np.abs(field).max(2) > STILL)
    if not len(active):
        return result
    full = cv2.resize(field, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    step = np.array([(y1 - y0) / (FIELD - 1), (x1 - x0) / (FIELD - 1)])
    top, left = np.maximum(0, np.floor((active.min(0) - 1) * step)).astype(int)
    bottom, right = np.ceil((active.max(0) + 1) * step).astype(int) + 1
    part = full[top:bottom, left:right]
    x = np.arange(x0 + left, x0 + left + part.shape[1], dtype=np.float32)[None] - part[..., 0]
    y = np.arange(y0 + top, y0 + top + part.shape[0], dtype=np.float32)[:, None] - part[..., 1]
    moved = _seen(picture, x, y)
    result[top : top + part.shape[0], left : left + part.shape[1]] = moved
    return result


def _spread(at: Float, move: Float, reach: float, across: Float, down: Float) -> Float:
    """float32 (len(down), len(across), 2): the Gaussian-weighted mean of the moves, in two factors, x and y."""
    x, y = (
        np.exp((side[:, None] - at[:, k]) ** 2 * np.float32(-0.5 / reach**2)) for k, side in enumerate((across, down))
    )
    parts = np.concatenate([move, np.ones((len(move), 1), np.float32)], axis=1)
    least = np.float32(1e-6) * parts.sum(0)
    sums = np.stack([(y * part) @ x.T for part in parts.T], axis=2) + least
    return np.asarray(sums[..., :2] / sums[..., 2:], np.float32)


def match_colour(picture: Picture, beside: Picture, mask: Mask) -> Picture:
    """``picture`` with its large-scale colours brought to those of ``beside`` on the rim of ``mask``.

    The difference is measured where 0.02 < mask < 0.7 and carried inward smoothly, as Poisson blending
    does, at a small part of the cost.
    """
    detail = (4 * COARSE, 4 * COARSE)
    small = cv2.resize(mask, detail, interpolation=cv2.INTER_AREA)
    rim = ((small > 0.02) & (small < 0.7)).astype(np.float32)
    if rim.sum() < 4:
        return picture
    here, there = (cv2.resize(x, detail, interpolation=cv2.INTER_AREA).astype(np.float32) for x in (picture, beside))
    gap = cv2.resize((there - here) * rim[..., None], (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    weight = cv2.resize(rim, (COARSE, COARSE), interpolation=cv2.INTER_AREA) + 1e-6
    gap = cv2.GaussianBlur(gap, (0, 0), COARSE / 4) / cv2.GaussianBlur(weight, (0, 0), COARSE / 4)[..., None]
    full = cv2.resize(gap, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(picture, full, dtype=cv2.CV_8U))


def mix(picture: Picture, other: Picture, share: float) -> Picture:
    """``picture`` with ``share`` (0-1) of ``other`` of the same shape."""
    return np.asarray(cv2.addWeighted(picture, 1 - share, other, share, 0))


def soften(mask: Mask, reach: float) -> Mask:
    """A mask grown by about ``reach`` px and blurred as far: whole where it was, fading around."""
    side = 2 * max(1, round(reach)) + 1
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), max(0.5, reach / 2)))


def polygon(size: tuple[int, int], outline: Float, soft: float) -> Mask:
    """A mask of ``size`` (w, h), 1 inside the polygon ``outline`` (N, 2) px, its rim ``soft`` px wide."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.5, soft)), np.float32) / np.float32(255)


def add_grain(picture: Picture, beside: Picture, mask: Mask, noise: Float) -> Picture:
    """``picture`` with as much fine grain as ``beside`` has where ``mask`` > 0.5, at most 2 grey levels.

    ``noise`` float32 (h, w), deviation 1.
    """
    inside = mask[::2, ::2] > 0.5
    if inside.sum() < 64:
        return picture
    missing = np.sqrt(np.clip(grain(beside, inside) ** 2 - grain(picture, inside) ** 2, 0.0, 4.0))
    if missing < 0.3:
        return picture
    return np.asarray(cv2.add(picture, cv2.merge([noise * np.float32(missing)] * 3), dtype=cv2.CV_8U))


def grain(picture: Picture, inside: NDArray[np.bool_] | None = None) -> float:
    """Robust deviation of the finest detail of a picture, in grey levels, seen at every other pixel: at those where
    ``inside`` is true, all unless told."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    fine = cv2.absdiff(grey, cv2.medianBlur(grey, 3))[::2, ::2]
    return float((fine if inside is None else fine[inside]).mean()) * 1.25


@dataclass(frozen=True)
class Finish:
    """How a face meets the frame: ``blend`` feather, multiband or poisson; ``colour`` and ``grain``, whether they are
    brought to those of the frame."""

    blend: Blend = "feather"
    colour: bool = False
    grain: bool = False


def composite(frame: Picture, face: Face, finish: Finish | None = None, instant: int = 0) -> Picture:
    """``frame`` with ``face`` painted on it; the frame given is not changed, pixels outside the mask are kept.

    Without a ``finish``, or where the face asks to be painted as it is, it is only feathered by its mask.
    ``instant``, the output frame's number, makes the grain another one at every frame and the same at every run.
    """
    finish = Finish() if finish is None or face.exact else finish
    result = frame.copy()
    region, picture, mask = _placed(face, frame)
    under = crop(result, region)
    if not mask.size or mask.max() <= 0:
        return result
    if finish.colour:
        picture = match_colour(picture, under, mask)
    if finish.grain:
        picture = add_grain(picture, under, mask, noise(instant, mask.shape))
    under[:] = BLENDS[finish.blend](under, picture, mask)
    return result


@functools.cache
def _noise_tile() -> Float:
    return np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)


def noise(instant: int, size: tuple[int, ...]) -> Float:
    """Noise (h, w) of deviation 1, another one at every ``instant`` and the same at every run."""
    tile = _noise_tile()
    down, across = ((np.arange(side) + instant * prime) % len(tile) for side, prime in zip(size, (61, 37), strict=True))
    made: Float = tile[np.ix_(down, across)]
    return made


def _placed(face: Face, frame: Picture) -> tuple[Region, Picture, Mask]:
    """The face in the frame's own pixels: its region, picture and mask there."""
    height, width = frame.shape[:2]
    tall, wide = face.mask.shape
    place = face.place
    shift = np.round(place[:, 2]).astype(int)
    if np.array_equal(place[:, :2], np.eye(2)) and np.allclose(place[:, 2], shift, atol=1e-4):
        x0, y0 = max(0, int(shift[0])), max(0, int(shift[1]))
        x1, y1 = min(width, int(shift[0]) + wide), min(height, int(shift[1]) + tall)
        part = slice(y0 - shift[1], y1 - shift[1]), slice(x0 - shift[0], x1 - shift[0])
        return (x0, y0, x1, y1), face.picture[part], face.mask[part]
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) @ place[:, :2].T + place[:, 2]
    region = region_of(corners, (width, height))
    local = place - np.array([[0, 0, region[0]], [0, 0, region[1]]], np.float32)
    size = (region[2] - region[0], region[3] - region[1])
    picture = cv2.warpAffine(face.picture, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return region, picture, cv2.warpAffine(face.mask, local, size, flags=cv2.INTER_LINEAR)


def _feather(under: Picture, picture: Picture, mask: Mask) -> Picture:
    weight = np.ascontiguousarray(mask)
    return np.asarray(cv2.blendLinear(np.ascontiguousarray(picture), np.ascontiguousarray(under), weight, 1 - weight))


def _multiband(under: Picture, picture: Picture, mask: Mask) -> Picture:
    """Laplacian pyramids of both, blended level by level [Burt & Adelson, 1983]; exact where mask is 0."""
    levels = max(1, min(4, int(np.log2(max(2, min(mask.shape) // 8)))))
    low, high, weight = under.astype(np.float32), picture.astype(np.float32), mask
    bands: list[Float] = []
    for _ in range(levels):
        half = (max(1, low.shape[1] // 2), max(1, low.shape[0] // 2))
        full = (low.shape[1], low.shape[0])
        low_half, high_half = (cv2.resize(x, half, interpolation=cv2.INTER_AREA) for x in (low, high))
        low_band, high_band = low - cv2.resize(low_half, full), high - cv2.resize(high_half, full)
        bands.append(low_band + (high_band - low_band) * weight[..., None])
        low, high, weight = low_half, high_half, cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    result = low + (high - low) * weight[..., None]
    for band in reversed(bands):
        result = cv2.resize(result, (band.shape[1], band.shape[0])) + band
    inside = np.clip(mask * 8, 0, 1)[..., None]
    return np.clip(under + (result - under) * inside + 0.5, 0, 255).astype(np.uint8)


def _poisson(under: Picture, picture: Picture, mask: Mask) -> Picture:
    """Gradient-domain blend [Pérez et al., 2003], feathered at the rim so that other pixels stay exact."""
    solid = (mask > 0.5).astype(np.uint8) * 255
    solid[[0, -1]] = 0
    solid[:, [0, -1]] = 0
    x, y, wide, tall = cv2.boundingRect(solid)
    if wide < 4 or tall < 4:
        return _feather(under, picture, mask)
    centre = (x + wide // 2, y + tall // 2)
    cloned = cv2.seamlessClone(picture, under, solid, centre, cv2.NORMAL_CLONE)
    return _feather(under, np.asarray(cloned), np.clip(mask * 2, 0, 1))


BLENDS = {"feather": _feather, "multiband": _multiband, "poisson": _poisson}
"""How a face meets the frame, by name."""
