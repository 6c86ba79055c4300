"""How mouths are compared across speakers: how far they open, and the shape that opening does not tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipwright.train import data
from lipwright.types import Float

CLOSED = 0.5
"""A mouth is closed where its opening is at most this many of its own spreads above its least."""


@dataclass(frozen=True)
class Space:
    """How mouths are compared, in units of a speaker's own spread of the inner-lip opening.

    ``slope`` float32 (V·3,), movement for a unit of opening; ``basis`` (K, V·3), the principal components of
    what opening does not explain, for each unit coefficient; both in inter-ocular units of a typical
    speaker; ``spread`` and ``least``, that speaker's standard deviation and least of the opening.
    """

    basis: Float
    slope: Float
    spread: float
    least: float


def speaker_units(recordings: list[data.Recording]) -> dict[str, tuple[float, float]]:
    """Each speaker's least (10th percentile) and spread (standard deviation) of the opening."""
    openings: dict[str, list[Float]] = {}
    for recording in recordings:
        openings.setdefault(recording.speaker, []).append(recording.opening[recording.present])
    units = {}
    for speaker, parts in openings.items():
        together = np.concatenate(parts)
        units[speaker] = (float(np.percentile(together, 10)), float(max(together.std(), 0.004)))
    return units


def fit_space(recordings: list[data.Recording], components: int, seed: int = 0) -> Space:
    """Principal components over speakers alike, each recording about its own mean and in its speaker's spread."""
    units, random = speaker_units(recordings), np.random.default_rng(seed)
    spread = float(np.median([unit[1] for unit in units.values()]))
    least = float(np.median([unit[0] for unit in units.values()]))
    rows, openings = [], []
    for recording in recordings:
        own = units[recording.speaker][1]
        moved = recording.motion.astype(np.float32).reshape(len(recording), -1)
        picked = random.permutation(len(recording))[:24]
        rows.append(((moved - moved.mean(0)) * (spread / own))[picked])
        openings.append(((recording.opening - recording.opening.mean()) / own)[picked])
    points, opened = np.concatenate(rows), np.concatenate(openings)
    kept = np.abs(opened) < 6
    points, opened = points[kept], opened[kept]
    slope = (points * opened[:, None]).sum(0) / (opened**2).sum()
    rest = points - opened[:, None] * slope
    _, deviations, directions = np.linalg.svd(rest - rest.mean(0), full_matrices=False)
    scale = deviations[:components] / np.sqrt(len(points))
    return Space((directions[:components] * scale[:, None]).astype(np.float32), slope.astype(np.float32), spread, least)


@dataclass
class Target:
    """A recording in the space: coefficients (T, K) about their mean, opening (T,) in spreads above its least."""

    coefficients: Float
    opening: Float


def target(recording: data.Recording, space: Space, unit: tuple[float, float]) -> Target:
    """Express a recording in the space.

    The closed mouth is the recording's mean shape, brought back along ``slope`` by its mean opening, so
    that it exists also where the mouth never closed.
    """
    low, own = unit
    opened = (recording.opening - low) / own
    moved = recording.motion.astype(np.float32).reshape(len(recording), -1)
    moved = (moved - moved.mean(0)) * (space.spread / own) - space.slope * (opened - opened.mean())[:, None]
    coefficients = moved @ (space.basis / (space.basis**2).sum(1, keepdims=True)).T
    return Target(np.clip(coefficients, -6, 6).astype(np.float32), np.clip(opened, -2, 8).astype(np.float32))
