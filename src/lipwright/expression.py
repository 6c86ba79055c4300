"""Feelings that show in a face while it speaks: the corners of the mouth and the brows, gently.

Directions after the action units of the Facial Action Coding System (Ekman and Friesen, 1978): happy AU 12; sad AU 1,
4, 15; angry AU 4, 23; surprised AU 1, 2. ``auto`` takes what can be heard, which is how lively a voice is and no more:
it goes a little toward surprise where the pitch moves much, toward sadness where it hardly moves.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, features, paint
from lipwright.errors import InputError
from lipwright.types import Audio, Float, Picture

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "auto")

_LEFT, _RIGHT = (61,), (291,)
_INNER, _OUTER = ((107, 55, 66, 65), (336, 285, 296, 295)), ((70, 46, 63, 53), (300, 276, 293, 283))
_MIDDLE = ((105, 52), (334, 282))
_STILL = (
    33,
    133,
    159,
    145,
    160,
    158,
    263,
    362,
    386,
    374,
    387,
    385,
    6,
    168,
    10,
    109,
    338,
    67,
    297,
    103,
    332,
    54,
    284,
    127,
    356,
)
"""Eyes, bridge of the nose and hairline."""

_MOUTHS = MappingProxyType(
    {
        "happy": (0.030, -0.030),
        "sad": (-0.004, 0.026),
        "angry": (-0.016, 0.010),
        "surprised": (-0.006, 0.0),
    }
)
"""Where the corners of the mouth go: outward and down, in eye distances."""

_BROWS = MappingProxyType(
    {
        "happy": (0.0, -0.006, -0.008, -0.006),
        "sad": (0.004, -0.030, -0.010, 0.010),
        "angry": (0.012, 0.034, 0.020, 0.004),
        "surprised": (0.0, -0.045, -0.050, -0.040),
    }
)
"""Where brows go: their inner ends inward; inner ends, middle and outer ends down, in eye distances."""

CORNER_REACH, BROW_REACH = 0.13, 0.09
AROUSED = (2.0, 4.0)
"""Spread of the pitch, in semitones as a standard deviation, of a voice that hardly moves and of a lively one."""
QUIET_SHARE = 0.5
"""How much of a feeling ``auto`` shows at most."""


def checked(emotion: str) -> str:
    """The name of a feeling.

    Raises:
        InputError: there is no such.
    """
    if emotion not in EMOTIONS:
        raise InputError(f"emotion is one of {', '.join(EMOTIONS)}; given {emotion!r}")
    return emotion


def shares(emotion: str, speech: Audio) -> Mapping[str, float]:
    """How much of each feeling shows, 0-1 by name; ``auto`` listens to the ``speech`` (16 kHz)."""
    if checked(emotion) == "neutral":
        return {}
    if emotion != "auto":
        return {emotion: 1.0}
    lively = (_liveliness(speech) - AROUSED[0]) / (AROUSED[1] - AROUSED[0])
    share = QUIET_SHARE * float(np.clip(2 * lively - 1, -1, 1))
    return {"surprised": share} if share > 0 else {"sad": -share} if share < 0 else {}


def _liveliness(speech: Audio) -> float:
    """Standard deviation of the pitch in semitones; that between a still and a lively voice where no pitch is heard."""
    pitch = features.pitch(speech)
    heard = pitch[np.isfinite(pitch) & (pitch > 0)]
    if len(heard) < 10:
        return sum(AROUSED) / 2
    low, high = np.quantile(12 * np.log2(heard), (0.05, 0.95))
    return float((high - low) / 3.29)


def corners(shares: Mapping[str, float]) -> Float:
    """float32 (177, 3): what is added to every shape of a mouth (`lipwright.mouth`)."""
    canon = faces.canonical()
    points = canon.points[canon.moving]
    added = np.zeros_like(points)
    for name, share in shares.items():
        out, down = _MOUTHS[name]
        for corner, side in ((_LEFT[0], -1.0), (_RIGHT[0], 1.0)):
            away = np.linalg.norm((points - canon.points[corner])[:, :2], axis=1)
            near = np.exp(-0.5 * (away / CORNER_REACH) ** 2)[:, None]
            added += share * near * np.array([side * out, down, 0.0])
    return np.asarray(added, np.float32)


def brows(picture: Picture, mesh: Float, scale: float, shares: Mapping[str, float]) -> Picture:
    """A picture whose brows are moved: ``mesh`` float32 (468, 2) px where the face is, ``scale`` px an eye distance."""
    vertices, moves = _brow_moves()
    move = sum((share * moves[name] for name, share in shares.items()), np.zeros((len(vertices), 2), np.float32))
    if not np.any(move):
        return picture
    across = mesh[263] - mesh[33]
    across = across / max(float(np.hypot(*across)), 1e-6)
    turned = move[:, :1] * across + move[:, 1:] * np.array([-across[1], across[0]])
    at = np.concatenate([mesh[vertices], mesh[list(_STILL)]])
    still = np.zeros((len(_STILL), 2), np.float32)
    size = picture.shape[1], picture.shape[0]
    region = paint.region_of(at, size, margin=round(0.15 * scale))
    moved = np.concatenate([turned * scale, still]).astype(np.float32)
    shown = picture.copy()
    x0, y0, x1, y1 = region
    shown[y0:y1, x0:x1] = paint.push(picture, at.astype(np.float32), moved, BROW_REACH * scale, region)
    return shown


@functools.cache
def _brow_moves() -> tuple[NDArray[np.int64], dict[str, Float]]:
    """The vertices of both brows, and where each feeling takes them: float32 (N, 2), right and down."""
    rows: list[int] = []
    moves: dict[str, list[tuple[float, float]]] = {name: [] for name in _BROWS}
    for side, sign in ((0, 1.0), (1, -1.0)):
        for part, vertices in enumerate((_INNER[side], _MIDDLE[side], _OUTER[side])):
            rows += vertices
            for name, (inward, *down) in _BROWS.items():
                moves[name] += [(sign * inward * (part == 0), down[part])] * len(vertices)
    return np.array(rows), {name: np.array(moved, np.float32) for name, moved in moves.items()}
