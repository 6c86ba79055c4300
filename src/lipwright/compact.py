"""What the generator `compact` is shown of a face, and how it is run.

It redraws the lower face (`faces.lower_crop`) of a frame, of which the part that speech moves is hidden. It is shown
what is left, two other pictures of the same person, each warped over the face mesh to the wanted one (a mouth that is
closed and one that is open, or the same twice), the wanted lips, drawn, how far the three mouths open, and the sound
around the frame. Nothing of the mouth that was there reaches it, unless the frame itself is given as such a picture.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, features, ondisk, paint, runtime
from lipwright.errors import WeightsError
from lipwright.types import Float, Mask, Picture

PLANES = 11
"""Hidden face, closed and open reference, three colours each; the wanted mouth's inside, and its lips."""
GAPS = 3
"""Inner-lip openings of the wanted mouth and of both references, in tenths of an eye distance."""
COLUMNS = 32
"""Log-mel columns heard, 100 a second: from 0.16 s before the frame's start on."""
LEAD = 16
AT_ONCE = 6000
"""Columns computed at a time."""
SILENCE = -2.5
"""Of normalised log-mel."""

CENTRE, RADII, POWER = (0.0, 1.02), (0.66, 0.53), 3.0
"""What is hidden: a rounded square in eye distances from between the eyes, from below the nose downward."""
SOFT = 0.1
"""Over how much of its radius it fades in."""
ABOVE = 0.35
RING, RING_CENTRE = 1.15, (0.0, 0.75)
"""Around the face, in eye distances, points that never move."""
OUTLINE = (
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454,
)  # fmt: skip
"""The lower outline of the face, ear to ear by the chin."""


@functools.cache
def alpha(size: int) -> Mask:
    """float32 (size, size): how much of what was drawn is shown; 0 where the frame itself is."""
    at = (np.arange(size) + 0.5) * faces.LOWER_SPAN / size
    across = np.abs(at - faces.LOWER_SPAN / 2 - CENTRE[0]) / RADII[0]
    down = np.abs(at + faces.LOWER_TOP - CENTRE[1]) / RADII[1]
    radius = (across[None] ** POWER + down[:, None] ** POWER) ** (1 / POWER)
    share = np.clip((1 - radius) / SOFT, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def hidden(picture: Picture) -> Picture:
    """A lower face uint8 (S, S, 3) with what will be redrawn made grey."""
    return np.where(alpha(len(picture))[..., None] > 0, np.uint8(128), picture)


def warped(picture: Picture, mesh: Float, wanted: Float) -> Picture:
    """A lower face uint8 (S, S, 3) whose ``mesh`` (468, 2) px is moved to ``wanted``; its surroundings follow."""
    size = len(picture)
    ring, region = _ring(size), _region(size)
    source, target = (np.concatenate([one, ring]).astype(np.float32) for one in (mesh, wanted))
    warp = paint.mesh_warp(target, source, _triangles(), _shown(), region)
    result = picture.copy()
    paint.crop(result, region)[:] = np.where(
        warp.covered[..., None] > 0, paint.pull(picture, warp), paint.crop(picture, region)
    )
    return result


def guide(wanted: Float, size: int) -> Picture:
    """The wanted mouth uint8 (S, S, 2), drawn from its mesh (468, 2) px: the inside, and the inside with the lips."""
    drawn = [
        paint.polygon((size, size), wanted[list(line)], 0.006 * size) for line in (faces.INNER_LIPS, faces.OUTER_LIPS)
    ]
    return np.asarray(255 * np.stack(drawn, axis=2) + 0.5, np.uint8)


def opening(mesh: Float, size: int) -> float:
    """How far the mouth of a mesh (468, 2) px opens, in tenths of an eye distance."""
    return float(faces.opening(mesh[None])[0]) * 10 * faces.LOWER_SPAN / size


@functools.cache
def _region(size: int) -> paint.Region:
    """All that is redrawn, in whole pixels."""
    down, across = (np.flatnonzero(alpha(size).max(axis)) for axis in (1, 0))
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1


@functools.cache
def _ring(size: int) -> Float:
    """Points (21, 2) px around the face, one for each of `OUTLINE`, in its direction."""
    line = faces.canonical().points[list(OUTLINE), :2] - RING_CENTRE
    round_it = RING_CENTRE + RING * line / np.linalg.norm(line, axis=1, keepdims=True)
    corner = (-faces.LOWER_SPAN / 2, faces.LOWER_TOP)
    return np.asarray((round_it - corner) * size / faces.LOWER_SPAN - 0.5, np.float32)


@functools.cache
def _triangles() -> NDArray[np.int32]:
    """The triangles of the lower face, and those between its outline and the ring."""
    canon = faces.canonical()
    inside = canon.triangles[(canon.points[canon.triangles, 1] > ABOVE).any(1)]
    count = len(canon.points)
    strip = []
    for k in range(len(OUTLINE) - 1):
        strip += [(OUTLINE[k], OUTLINE[k + 1], count + k), (OUTLINE[k + 1], count + k + 1, count + k)]
    return np.concatenate([inside, np.array(strip, np.int32)])


@functools.cache
def _shown() -> Float:
    return np.ones(len(faces.canonical().points) + len(OUTLINE), np.float32)


def heard(columns: Float, frame: float) -> Float:
    """What is heard at a ``frame`` (of 25 a second) of a sound's normalised log-mel (C, 64): float32 (32, 64).

    Silence before and after.
    """
    first = round(4 * frame) - LEAD + 2
    window = np.full((COLUMNS, columns.shape[1]), SILENCE, np.float32)
    low, high = max(0, first), min(len(columns), first + COLUMNS)
    if high > low:
        window[low - first : high - first] = columns[low:high]
    return window


def columns(samples: Float) -> Float:
    """Normalised log-mel (C, 64) of a sound (N,) at 16 kHz, 100 columns a second; of a long one on the disk."""
    count = -(-len(samples) // features.COLUMN)
    parts = [(start, min(start + AT_ONCE, count)) for start in range(0, count, AT_ONCE)]
    loud = np.concatenate([features.loudness(features.log_mel(samples, *part)) for part in parts])
    level = float(features.level_of(loud))
    return ondisk.keep(features.normalise(features.log_mel(samples, *part), level) for part in parts)


def planes(picture: Picture, closed: Picture, opened: Picture, drawn: Picture) -> NDArray[np.uint8]:
    """What the generator sees: uint8 (11, S, S) of `hidden`, twice `warped`, and `guide`."""
    return np.ascontiguousarray(np.concatenate([picture, closed, opened, drawn], axis=2).transpose(2, 0, 1))


@dataclass(frozen=True)
class Asked:
    """One picture to draw: ``seen`` uint8 (11, S, S), ``heard`` float32 (32, 64), ``gaps`` float32 (3,)."""

    seen: NDArray[np.uint8]
    heard: Float
    gaps: Float


class Painter:
    """A generator, ready to draw; ``size`` is the side of its pictures, in pixels.

    Args:
        path: an ONNX file of `lipwright train generator --recipe compact`.
        precision: as `lipwright.runtime.load` takes it.

    Raises:
        WeightsError: when it is another network.
    """

    def __init__(self, path: Path, precision: runtime.Precision = "auto") -> None:
        self._network = runtime.load(path, precision=precision)
        shapes = {port.name: port.shape for port in self._network.inputs}
        seen = shapes.get("seen", ())
        if list(shapes) != ["seen", "heard", "gaps"] or len(seen) != 4 or seen[1] != PLANES or seen[2] is None:
            ours = ", ".join(str(port) for port in self._network.inputs)
            raise WeightsError(f"{path} is not a compact generator, which takes seen, heard and gaps; it takes {ours}")
        self.size: int = seen[2]

    def __call__(self, asked: Asked) -> tuple[Float, Float]:
        """The lower face, float32 (S, S, 3) 0-255, and how much of either reference it shows, float32 (S, S, 2)."""
        seen = asked.seen[None].astype(np.float32) / np.float32(255)
        picture, shares = self._network(seen, asked.heard[None], asked.gaps[None])
        return picture[0].transpose(1, 2, 0) * np.float32(255), shares[0].transpose(1, 2, 0)
