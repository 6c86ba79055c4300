"""Where in a sound there is speech."""

from __future__ import annotations

from fractions import Fraction
from functools import cache, partial
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, registry, runtime
from lipwright.errors import InputError
from lipwright.media import resample
from lipwright.types import Audio, Float

RATE = 16000
STEP = 512
"""Samples a probability stands for: 32 ms at 16 kHz."""

_BEFORE = 64  # samples before its own that the network hears with each step
_STATE = (1, 1, 128)
_AT_ONCE = 1024  # steps a call of the network
_ON, _OFF = 0.5, 0.35  # speech begins above the one and lasts until below the other, as Silero advises
_WARM = 16  # steps heard backward first, about half a second
_SHORT = 0.25  # s; below this the network has too little to go by, and the level decides
_SILENT = 1e-4  # -80 dB; what never rises above this is silence whatever the network makes of it
_FLOOR, _BELOW = 10 ** (-50 / 20), 10 ** (-30 / 20)  # the level that counts as speech: absolute, below the peak
_GRID = 1000  # points a second on which masks are drawn
_POINTS = 60 * _GRID  # of them at a time


def activity(audio: Audio) -> Float:
    """The probability of speech, float32 (T,) in [0, 1], one per 32 ms: T = ceil(seconds / 0.032).

    Silero's network, heard in one pass with its state carried from block to block, so that memory beside
    the sound stays small. Raises PullError when the network is not here and cannot be brought.
    """
    samples = _checked(resample(audio, RATE))
    steps = -(-len(samples) // STEP)
    h = c = np.zeros(_STATE, np.float32)
    heard: list[Float] = []
    for start in range(0, steps, _AT_ONCE):
        probability, h, c = _network()(_windows(samples, start, min(steps, start + _AT_ONCE)), h, c)
        heard.append(probability)
    return np.concatenate(heard, dtype=np.float32) if heard else np.zeros(0, np.float32)


def _windows(samples: Float, start: int, stop: int) -> Float:
    """What the network hears with steps ``start`` to ``stop``: float32 (stop - start, 576)."""
    begin, end = start * STEP - _BEFORE, stop * STEP
    piece = samples[max(0, begin) : end]
    padded = np.pad(piece, (max(0, -begin), end - max(0, begin) - len(piece)))
    ondisk.release(samples)
    return np.lib.stride_tricks.sliding_window_view(padded, _BEFORE + STEP)[::STEP]


def voiced(audio: Audio, fps: Fraction | float, length: int, ramp: float = 0.16, pause: float = 0.6) -> Float:
    """How much of each frame is speech: float32 (length,) in [0, 1], for frames n / fps to (n + 1) / fps.

    It rises from 0 to 1 in the ``ramp`` seconds before speech begins and falls in those after it ends, so
    that a mouth has opened when the voice starts. Pauses of up to ``pause`` seconds inside speech count as
    speech: people do not close their mouths in them. Other silence, noise and what lies beyond the sound are
    0, digital silence exactly. Below a quarter of a second the level decides instead of the network.
    Raises InputError for a ramp below 0 or samples that are not numbers.
    """
    if ramp < 0 or pause < 0:
        raise InputError(f"ramp and pause of speech must not be below 0 s; given {ramp} and {pause}")
    speech = _loud(audio) if audio.duration < _SHORT else _spoken(audio)
    speech = _bridged(speech, round(pause * _GRID))
    shares = partial(_shares, speech, max(1, round(ramp * _GRID)), float(fps))
    return ondisk.by_blocks(shares, length, range(length))


def _shares(speech: NDArray[np.bool_], wide: int, fps: float, frames: range) -> Float:
    """`voiced` of some frames, ``speech`` and the ramp ``wide`` in points."""
    first, last = int(frames.start / fps * _GRID) - 2 * wide - 1, int(frames.stop / fps * _GRID) + 2 * wide + 2
    piece = speech[max(0, first) : max(0, last)]
    before = min(last - first, max(0, -first))
    padded = np.pad(piece.astype(np.float64), (before, last - first - before - len(piece)))
    # Speech grows by half a ramp at either end and is then averaged over one: it is whole where it was.
    grown = np.convolve(padded, np.ones(2 * (wide // 2) + 1), "same") > 0.5
    soft = np.convolve(grown, np.ones(wide) / wide, "same")
    total = np.concatenate([[0.0], np.cumsum(soft)]) / _GRID
    at = (np.arange(len(total)) + first) / _GRID
    edges = np.arange(frames.start, frames.stop + 1) / fps
    share = np.diff(np.interp(edges, at, total)) * fps
    return np.where(share < 1e-6, 0, np.minimum(share, 1)).astype(np.float32)


def _bridged(speech: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Speech with its inner pauses of at most ``longest`` points filled."""
    edges = np.flatnonzero(np.diff(speech.astype(np.int8)))
    result = speech.copy()
    for end, start in pairwise(edges.tolist()):
        if speech[end] and start - end <= longest:
            result[end + 1 : start + 1] = True
    return result


def _spoken(audio: Audio) -> NDArray[np.bool_]:
    """bool, 1000 a second: the network hears speech, and there is a sound.

    The network needs a moment to believe in a voice that is there from the first sample, so it hears the
    first half second backward before.
    """
    sound = resample(audio, RATE)
    warm = sound.samples[: _WARM * STEP][::-1]
    warm = warm[len(warm) % STEP :]
    both = ondisk.keep(chain([warm], ondisk.pieces(sound.samples)))
    probability = activity(Audio(both, RATE))[len(warm) // STEP :]
    speech = np.zeros(len(probability), bool)
    on = False
    for step, p in enumerate(probability):
        on = p >= (_OFF if on else _ON)
        speech[step] = on
    loudest = _level(audio)

    def heard(level: Float, points: range) -> NDArray[np.bool_]:
        return speech[np.asarray(points) * RATE // (STEP * _GRID)] & (level > _SILENT)

    return ondisk.by_blocks(heard, len(loudest), loudest, range(len(loudest)), size=_POINTS)


def _loud(audio: Audio) -> NDArray[np.bool_]:
    """bool, 1000 a second: as loud as speech."""
    loudest = _level(audio)
    return loudest > max(_FLOOR, float(loudest.max(initial=0)) * _BELOW)


def _level(audio: Audio) -> Float:
    """The largest sample within 10 ms of each point, 1000 points a second."""
    samples = _checked(audio)
    points = int(audio.duration * _GRID)
    if points == 0:
        return np.zeros(0, np.float32)

    def peaks(some: range) -> Float:
        starts = np.asarray(some) * audio.rate // _GRID
        end = len(samples) if some.stop == points else some.stop * audio.rate // _GRID
        found = np.maximum.reduceat(np.abs(samples[starts[0] : end]), starts - starts[0])
        ondisk.release(samples)
        return found

    highest = ondisk.by_blocks(peaks, points, range(points), size=_POINTS)
    return ondisk.by_blocks(_around, points, highest, context=10, size=_POINTS)


def _around(peaks: Float) -> Float:
    """The highest of each value and the ten on either side."""
    highest: Float = np.lib.stride_tricks.sliding_window_view(np.pad(peaks, 10), 21).max(axis=1)
    return highest


def _checked(audio: Audio) -> Float:
    if not ondisk.finite(audio.samples):
        raise InputError("the sound holds values that are not numbers (NaN or infinite); decode or record it again")
    return audio.samples


@cache
def _network() -> runtime.Network:
    return runtime.load(registry.path("silero_vad"), precision="f32", threads=1)
