"""What the speech sounds ask of the lips, where they are known: p, b and m close them, u and o round them, f lifts the
lower one to the teeth, a opens the mouth.

::

    asked = articulation.asked(phones, fps=25, length=clip.length)
    shapes = articulation.shaped(shapes, asked, widest=speaker.widest)

Sounds overlap: each one's lips begin before it is heard and end after, vowels carry over the consonants whose lips are
free (Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993: dominance-weighted means).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, mouth, ondisk, phones as sounds
from lipwright.types import Float, Phone

BEFORE, AFTER = 0.05, 0.06
"""Seconds in which lips close before a sound that closes them, and open after it."""
HELD = 0.7
"""Share of such a sound during which they are closed; its release is heard in the rest."""
CARRY = 0.045
"""Standard deviation, in seconds, of how far a sound's lips reach into its neighbours."""
FREE = 0.15
"""Weight of a sound whose lips are free, beside 1 of a vowel."""
NARROWER, FORWARD = 0.24, 0.06
"""What the most rounded lips lose of their width, and how far they come forward, in eye distances."""
WIDER = 0.05
"""What spread lips gain of their width."""
TEETH = 0.22
"""Opening of lips at f and v, as a share of the widest."""
OPEN, LIFT = 0.5, 0.5
"""Opening that the openest vowel asks for at least, as a share of the widest, and how much of the way is gone."""


@dataclass(frozen=True)
class Asked:
    """What the lips are asked for at each frame, all float32 (T,), 0-1: to be ``closed``; to meet the ``teeth``; to be
    ``rounded``; to be ``spread``; and how far the jaw is ``down`` for a vowel (0 where there is none)."""

    closed: Float
    teeth: Float
    rounded: Float
    spread: Float
    down: Float


def asked(phones: Sequence[Phone], fps: Fraction | float, length: int) -> Asked:
    """What ``phones``, in seconds, ask of the lips at frames 0 to ``length`` of ``fps`` a second.

    Raises:
        InputError: a symbol is no IPA.
    """
    at = (np.arange(length, dtype=np.float64) + 0.5) / float(fps)
    closed, teeth = (np.zeros(length, np.float32) for _ in range(2))
    weights, means = np.full(length, 1e-3), np.zeros((3, length))
    for phone, sound in sounds.split(tuple(phones)):
        if sound.closes_lips or sound.lips_to_teeth:
            target = closed if sound.closes_lips else teeth
            np.maximum(target, _held(at, phone, float(fps)), out=target)
        near = _near(at, phone) * (1.0 if sound.vowel or sound.rounded or sound.spread else FREE)
        weights += near
        means += near * np.array([[sound.rounded], [sound.spread], [sound.height if sound.vowel else 0.0]])
    rounded, spread, down = np.asarray(means / weights, np.float32)
    return Asked(closed, teeth, rounded, spread, down)


def _held(at: NDArray[np.float64], phone: Phone, fps: float) -> Float:
    """1 while lips are held closed for a sound, on one frame at least; falling to 0 before and after."""
    end = phone.start + HELD * (phone.end - phone.start)
    middle = (phone.start + end) / 2
    start, end = min(phone.start, middle - 0.5 / fps), max(end, middle + 0.5 / fps)
    away = np.maximum((start - at) / BEFORE, (at - end) / AFTER)
    share = np.clip(1 - away, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _near(at: NDArray[np.float64], phone: Phone) -> NDArray[np.float64]:
    """How much of a moment's lips is a sound's: 1 within it, a Gaussian's fall outside."""
    away = np.maximum(0, np.maximum(phone.start - at, at - phone.end))
    return np.asarray(np.exp(-0.5 * (away / CARRY) ** 2))


def shaped(shapes: Float, asked: Asked, widest: float) -> Float:
    """Shapes (T, 177, 3) of a mouth that opens to ``widest`` eye distances, brought to what is ``asked``; canonical
    units, see `lipwright.mouth`. Of a long sound they lie on the disk."""
    gain = _direction()

    def done(shapes: Float, closed: Float, teeth: Float, rounded: Float, spread: Float, down: Float) -> Float:
        width = (1 - NARROWER * rounded + WIDER * spread)[:, None]
        moved = np.array(shapes, np.float32)
        moved[..., 0] *= 1 + (width - 1) * gain
        moved[..., 2] -= FORWARD * rounded[:, None] * gain
        gap = mouth.opening(moved)
        gap = gap + LIFT * np.maximum(0, OPEN * widest * down - gap)
        gap = np.where(teeth > 0, gap + teeth * np.minimum(0, TEETH * widest - gap), gap) * (1 - closed)
        return mouth.sealed(mouth.with_opening(moved, gap.astype(np.float32)))

    parts = (asked.closed, asked.teeth, asked.rounded, asked.spread, asked.down)
    return ondisk.by_blocks(done, len(shapes), shapes, *parts)


def _direction() -> Float:
    """float32 (177,): how much each vertex of a shape goes with the lips, 1 at them, 0 from the mouth's rim outward."""
    return mouth.alpha()[faces.canonical().moving]
