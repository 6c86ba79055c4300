"""Recordings that are there twice: cut elsewhere, coded anew or louder, they sound the same.

After Haitsma and Kalker, "A highly robust audio fingerprinting system", 2002: 15 bits for each 40 ms, the signs of how
the differences between neighbouring bands of 0.32 s change in time. Two recordings are near-duplicates where at least a
second of the one lies over the other with fewer than a quarter of its bits different (half of them do by chance).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lipwright import features
from lipwright.types import Float

Prints = NDArray[np.uint32]
"""uint32 (T,), 25 a second; 0 where nothing is heard, else bit 16 is set."""

LEAST = 25
MOST_APART = 0.25
COMMON = 40
"""Two prints that so many places share say nothing."""
NEXT = 8
"""Frames between two prints that are looked up together: they do not overlap."""

_COLUMNS, _WIDE, _BANDS = 4, 32, 16
_QUIET = 40.0
"""dB below the loudest from which on nothing counts as heard."""


def prints(samples: Float) -> Prints:
    """The prints of a sound at 16 kHz, float (N,) in [-1, 1]."""
    if len(samples) < features.COLUMN * _WIDE:
        return np.zeros(0, np.uint32)
    power = 10 ** (features.log_mel(np.asarray(samples, np.float32)).astype(np.float64) / 10)
    edges = np.linspace(0, power.shape[1], _BANDS + 1).astype(int)
    bands = np.add.reduceat(power, edges[:-1], axis=1)
    bell = np.hanning(_WIDE)
    smooth = np.stack([np.convolve(band, bell, "same") for band in bands.T], axis=1)
    level = 10 * np.log10(smooth.sum(1) + 1e-12)
    change = np.diff(np.log(smooth + 1e-12), axis=1)[::_COLUMNS]
    bits = np.diff(change, axis=0, prepend=change[:1]) > 0
    found = (bits * (np.uint64(1) << np.arange(_BANDS - 1, dtype=np.uint64))).sum(1) + (1 << _BANDS)
    return np.where(level[::_COLUMNS] > level.max() - _QUIET, found, 0).astype(np.uint32)


def duplicates(heard: Mapping[str, Prints]) -> dict[str, str]:
    """For each recording that sounds like one before it in ``heard``, the first of those; others are left out."""
    places: dict[int, list[tuple[str, int]]] = defaultdict(list)
    found: dict[str, str] = {}
    for name, own in heard.items():
        keys = np.where(
            (own[:-NEXT] > 0) & (own[NEXT:] > 0), own[:-NEXT].astype(np.int64) << 32 | own[NEXT:], 0
        ).tolist()
        tried: set[tuple[str, int]] = set()
        for at, value in enumerate(keys):
            for other, there in places[value] if value and name not in found else ():
                if (other, at - there) not in tried:
                    tried.add((other, at - there))
                    if _same(heard[other], own, at - there):
                        found[name] = found.get(other, other)
                        break
        for at, value in enumerate(keys):
            if value and len(places[value]) < COMMON:
                places[value].append((name, at))
    return found


def _same(one: Prints, other: Prints, shift: int) -> bool:
    """Whether row t of the one sounds like row t + shift of the other."""
    first, last = max(0, -shift), min(len(one), len(other) - shift)
    a, b = one[first:last], other[first + shift : last + shift]
    both = (a != 0) & (b != 0)
    if both.sum() < LEAST:
        return False
    return bool(np.bitwise_count(a[both] ^ b[both]).mean() / (_BANDS - 1) < MOST_APART)
