"""From speech to the mouth's movement, by the motion network: any length, any frame rate, flat memory.

::

    moved = motion.predict(speech, fps=Fraction(25), length=clip.length)
    moved.shape      # (length, V, 3), how far each mouth vertex lies from the closed mouth

The network speaks for a typical speaker; multiply by ``own_spread / moved.spread`` for a speaker whose
inner-lip opening has another standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from lipwright import features, ondisk, registry, runtime
from lipwright.errors import InputError
from lipwright.types import Audio, Float

FPS = 25
FRAME = features.COLUMN * 4
"""Samples a frame of the network: 640 at 16 kHz."""
CHUNK = 500
"""Frames (20 s) computed at a time."""
LISTEN = 60 * features.RATE
"""Samples heard at a time for the level of the whole."""
REACH = 13
"""Frames to either side that the network depends on (0.52 s)."""


@dataclass(frozen=True)
class Motion:
    """The mouth's movement at a video's own frame rate.

    ``shape`` float32 (T, V, 3): displacement of the vertices ``faces.canonical().moving`` from the closed mouth,
    in inter-ocular distances, x right, y down, z away; ``opening`` float32 (T,), the inner-lip opening in
    the same unit, 0 at the closed mouth, a little below where lips are pressed; ``closed`` float32 (T,), how sure
    it is that the lips touch, 0-1; ``spread``, the standard deviation of the opening of the typical speaker that
    all this is meant for. Of a long sound ``shape`` lies on the disk (`lipwright.ondisk`).
    """

    shape: Float
    opening: Float
    closed: Float
    spread: float

    def __len__(self) -> int:
        return len(self.opening)


def predict(audio: Audio, fps: Fraction | float, length: int, *, weights: Path | None = None) -> Motion:
    """What the mouth does while ``audio`` (16 kHz) sounds, at frames 0 to ``length`` of ``fps`` a second.

    Frames after the sound's end hear silence. ``weights`` replaces the shipped network. Raises InputError
    for a sound of another rate, empty or not finite, and for an impossible fps or length.
    """
    if not fps > 0 or length < 1:
        raise InputError(f"motion needs fps above 0 and at least 1 frame; given {float(fps):g} fps and {length} frames")
    samples = features.checked(audio)
    network = runtime.load(weights or registry.path("motion"), precision="f32")
    level = _level(samples)
    frames = math.ceil(length * FPS / Fraction(fps)) + 2
    small: list[list[Float]] = []

    def shapes() -> Iterator[Float]:
        for columns in _chunks(samples, level, frames):
            shape, *others = network(columns[None])
            small.append(others)
            yield _inner(shape[0])

    shape = ondisk.keep(shapes())
    opening, closed = (np.concatenate([_inner(part[k][0]) for part in small]) for k in range(2))
    if Fraction(fps) != FPS:
        at = np.arange(length) * float(FPS / Fraction(fps))
        shape, opening, closed = (
            ondisk.by_blocks(partial(between, track), length, at) for track in (shape, opening, closed)
        )
    spread = float(small[0][2].flat[0])
    opening, closed = np.maximum(opening[:length], -spread / 2), np.clip(closed[:length], 0, 1)
    return Motion(shape[:length], opening, closed, spread)


def _level(samples: Float) -> float:
    """The level of the whole sound, `LISTEN` samples at a time."""
    pieces = [features.loudness(features.log_mel(piece)) for piece in ondisk.pieces(samples, LISTEN)]
    return float(features.level_of(np.concatenate(pieces)))


def _chunks(samples: Float, level: float, frames: int) -> Iterator[Float]:
    """Normalised log-mel (4·(frames + 2·REACH), 64) of each stretch with its context; silence outside."""
    for start in range(0, frames, CHUNK):
        stop = min(start + CHUNK, frames)
        first, last = (start - REACH) * FRAME, (stop + REACH) * FRAME
        piece = np.array(samples[max(first, 0) : max(last, 0)])
        ondisk.release(samples)
        before = max(0, -first)
        padded = np.pad(piece, (before, last - first - before - len(piece)))
        yield features.normalise(features.log_mel(padded), level)


def _inner(track: Float) -> Float:
    return track[REACH:-REACH]


def between(track: Float, at: Float) -> Float:
    """Values (T, …) at fractional places ``at`` (N,): cubic (Catmull-Rom), the ends held. float32 (N, …)."""
    first = np.clip(np.floor(at).astype(np.int64), 0, len(track) - 1)
    t = np.clip(at - first, 0, 1).astype(np.float32).reshape(-1, *[1] * (track.ndim - 1))
    a, b, c, d = (track[np.clip(first + step, 0, len(track) - 1)] for step in (-1, 0, 1, 2))
    ondisk.release(track)
    return np.asarray(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))), np.float32)
