"""Which visemes are heard in speech whose text is not known, in any language.

::

    timeline = hearing.timeline(speech)     # (Phone("m", 0.31, 0.37), Phone("a", 0.37, 0.52), ...)

A small network gives the probability of each Oculus viseme 50 times a second; the likeliest path through them, on which
every change has its price, gives a timeline in which one phone stands for all of its viseme.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from lipwright import features, lips, registry, runtime
from lipwright.errors import InputError
from lipwright.media import resample
from lipwright.types import Audio, Float, Phone

STEP = 0.02
"""s a step of the network."""

_FIRST = 0.005  # s of its first step
_CHUNK, _REACH = 2000, 100  # steps computed at a time, and those around them that are heard with them
_CHANGE = 2.5  # what a change of viseme costs, in nats
_STANDS_FOR = dict(
    zip(lips.OCULUS, ("", "m", "f", "θ", "t", "k", "ʃ", "s", "n", "ɹ", "a", "ɛ", "i", "o", "u"), strict=True)
)
_LONGEST = 3600.0


def probabilities(audio: Audio) -> Float:
    """The probability of each of `lips.OCULUS` at 0.02·k + 0.005 s: float32 (T, 15), rows that sum to 1.

    Raises InputError for a sound without samples, with values that are not numbers, or of more than an hour.
    """
    if audio.duration > _LONGEST:
        raise InputError(f"visemes are heard in an hour of sound at once; given {audio.duration:.0f} s; cut it")
    sound = resample(audio, features.RATE)
    columns = features.log_mel(features.checked(sound))
    columns = features.normalise(columns, float(features.level(columns)))
    steps = -(-len(columns) // 2)
    found = []
    for start in range(0, steps, _CHUNK):
        first, last = max(0, start - _REACH), min(steps, start + _CHUNK + _REACH)
        piece = columns[2 * first : 2 * last]
        piece = np.pad(piece, ((0, max(8, 2 * (last - first)) - len(piece)), (0, 0)), mode="edge")
        (rows,) = _network()(piece[None])
        found.append(rows[0, start - first : min(start + _CHUNK, steps) - first])
    return np.concatenate(found).astype(np.float32)


def timeline(audio: Audio) -> tuple[Phone, ...]:
    """The visemes of a speech with their times, as phones that stand for them; rests are gaps. Raises as
    `probabilities`."""
    path = likeliest(probabilities(audio))
    found: list[Phone] = []
    at = 0
    for state, run in groupby(path.tolist()):
        length = len(list(run))
        symbol = _STANDS_FOR[lips.OCULUS[state]]
        start, end = max(0.0, (at - 0.5) * STEP + _FIRST), min(audio.duration, (at + length - 0.5) * STEP + _FIRST)
        if symbol and end > start:
            found.append(Phone(symbol, start, end))
        at += length
    return tuple(found)


def likeliest(chances: Float) -> NDArray[np.int64]:
    """The path int64 (T,) through probabilities (T, K) that is likeliest when each change costs `_CHANGE`."""
    cost = -np.log(np.maximum(chances.astype(np.float64), 1e-6))
    came = np.zeros(chances.shape, np.int64)
    best = cost[0].copy()
    states = np.arange(chances.shape[1])
    for t in range(1, len(cost)):
        cheapest = int(best.argmin())
        changes = best[cheapest] + _CHANGE < best
        came[t] = np.where(changes, cheapest, states)
        best = np.where(changes, best[cheapest] + _CHANGE, best) + cost[t]
    path = np.zeros(len(cost), np.int64)
    path[-1] = int(best.argmin())
    for t in range(len(cost) - 1, 0, -1):
        path[t - 1] = came[t, path[t]]
    return path


@cache
def _network() -> runtime.Network:
    return runtime.load(registry.path("visemes"), precision="f32", threads=1)
