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

from lipwright import ondisk
from lipwright.types import Audio, Float

TARGET = -23.0
"""LUFS, the level of EBU R128."""
SILENT = -70.0
"""LUFS; what is not louder is not a sound."""
MOST_GAIN = 30.0
PEAK = 0.99

Filter = tuple[list[float], list[float]]

_BLOCK, _STEP, _BELOW = 4, 0.1, 10.0  # steps, s, dB


def loudness(audio: Audio) -> float:
    """The loudness of a mono sound in LUFS; -inf for silence, and for no sound at all."""
    step = round(_STEP * audio.rate)
    sums = np.concatenate([[0.0], np.cumsum(_powers(audio, step))])
    wide, count = min(_BLOCK, len(audio.samples) // step), len(audio.samples)
    if wide < _BLOCK:  # less than a block in all
        power = np.array([sums[-1] / max(1, count)])
    else:
        power = (sums[wide : count // step + 1] - sums[: count // step + 1 - wide]) / (wide * step)
    loud = power[_lufs(power) > SILENT]
    if len(loud):
        loud = loud[_lufs(loud) > _lufs(loud.mean()) - _BELOW]
    return float(_lufs(loud.mean())) if len(loud) else float("-inf")


def _powers(audio: Audio, step: int) -> NDArray[np.float64]:
    """The weighted sound's energy in every ``step`` samples, the last of them fewer; a piece at a time."""
    filters = [(filter_, signal.lfilter_zi(*filter_) * 0) for filter_ in (_shelf(audio.rate), _high_pass(audio.rate))]
    rest, found = np.zeros(0), [np.zeros(0)]
    for piece in ondisk.pieces(audio.samples):
        heard = np.asarray(piece, np.float64)
        for number, ((b, a), state) in enumerate(filters):
            heard, state = signal.lfilter(b, a, heard, zi=state)
            filters[number] = ((b, a), state)
        rest = np.concatenate([rest, heard**2])
        whole = len(rest) // step * step
        found.append(rest[:whole].reshape(-1, step).sum(1))
        rest = rest[whole:]
    return np.concatenate([*found, [rest.sum()] if len(rest) else []])


def levelled(samples: Float, found: float, target: float = TARGET) -> Float:
    """``samples`` (N,) of loudness ``found`` LUFS brought to ``target``: 30 dB louder at most, and never clipped."""
    if not np.isfinite(found):
        return samples
    return np.asarray(samples * gain(float(np.abs(samples).max(initial=0.0)), found, target), np.float32)


def gain(peak: float, found: float, target: float = TARGET) -> float:
    """What a sound of that peak and of loudness ``found`` LUFS is multiplied with to be at ``target``; silence: 1."""
    if not np.isfinite(found):
        return 1.0
    wanted = float(10 ** (min(target - found, MOST_GAIN) / 20))
    return min(wanted, max(PEAK / peak, min(1.0, wanted))) if peak else wanted


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
