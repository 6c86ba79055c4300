"""How loud a recording is, as broadcasters measure it, and how to bring all to one level.

ITU-R BS.1770-4: the sound is weighted as the ear hears it (a shelf and a high pass), its power taken in blocks of 0.4 s
that overlap by three quarters; the mean of those that are neither below -70 LUFS nor 10 dB below the mean of the rest.
The filters are made for any rate from the same analog ones (De Man, "Evaluation of implementations of the EBU R128
loudness measurement", 2018).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from lipwright.types import Audio, Float

TARGET = -23.0
"""LUFS, the level of EBU R128."""
SILENT = -70.0
"""LUFS; what is not louder is not a sound."""
MOST_GAIN = 30.0
PEAK = 0.99

Filter = tuple[list[float], list[float]]

_BLOCK, _STEP, _BELOW = 0.4, 0.1, 10.0


def loudness(audio: Audio) -> float:
    """The loudness of a mono sound in LUFS; -inf for silence, and for no sound at all."""
    samples = np.asarray(audio.samples, np.float64)
    for b, a in (_shelf(audio.rate), _high_pass(audio.rate)):
        samples = signal.lfilter(b, a, samples)
    wide, step = round(_BLOCK * audio.rate), round(_STEP * audio.rate)
    total = np.concatenate([[0.0], np.cumsum(samples**2)])
    starts = np.arange(0, max(1, len(samples) - wide + 1), step)
    stops = np.minimum(starts + wide, len(samples))
    power = (total[stops] - total[starts]) / np.maximum(1, stops - starts)
    loud = power[_lufs(power) > SILENT]
    if len(loud):
        loud = loud[_lufs(loud) > _lufs(loud.mean()) - _BELOW]
    return float(_lufs(loud.mean())) if len(loud) else float("-inf")


def levelled(samples: Float, found: float, target: float = TARGET) -> Float:
    """``samples`` (N,) of loudness ``found`` LUFS brought to ``target``: 30 dB louder at most, and never clipped."""
    if not np.isfinite(found):
        return samples
    gain = 10 ** (min(target - found, MOST_GAIN) / 20)
    highest = float(np.abs(samples).max(initial=0.0))
    return np.asarray(samples * min(gain, max(PEAK / highest, min(1.0, gain)) if highest else gain), np.float32)


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-12)))


def _shelf(rate: int) -> Filter:
    """4 dB more above 1.5 kHz: the head before the ear."""
    k, q = float(np.tan(np.pi * 1681.974450955533 / rate)), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    b = [high + middle * k / q + k * k, 2 * (k * k - high), high - middle * k / q + k * k]
    return b, [1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k]


def _high_pass(rate: int) -> Filter:
    """Less below 38 Hz; the gain is that of the standard's own filter, for 48 kHz."""
    k, q = float(np.tan(np.pi * 38.13547087602444 / rate)), 0.5003270373238773
    return [1.00499, -2 * 1.00499, 1.00499], [1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k]
