"""Less of a steady noise: a gate for every band of the spectrum, opened by what stands above the noise of the pauses.

The gain of a band is that of Wiener's filter for its ratio of voice to noise, smoothed over bands and time so that it
does not warble (Boll, "Suppression of acoustic noise in speech using spectral subtraction", 1979), and never below
15 dB less: a light gate takes less of the voice with it than a deep one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter

from lipwright import ondisk
from lipwright.check.voices import NEAR, NONE, STEP, Heard
from lipwright.types import Audio, Float

MOST = 15.0
"""dB by which noise is lowered at most."""
OVER = 2.0
"""Times the noise's power that count as noise: its bands rise and fall."""
_WINDOW = 0.032
_PIECE, _CONTEXT = 1 << 19, 1 << 13
_ENOUGH = 0.2


def denoised(audio: Audio, heard: Heard) -> Audio | None:
    """The sound, as long and at the same rate, with its steady noise lowered; None where its pauses, 0.2 s at least, do
    not tell what the noise is like. ``heard`` is of the same sound."""
    size = 2 * round(_WINDOW * audio.rate / 2)
    noise = _noise(audio, heard, size)
    if noise is None:
        return None
    samples = ondisk.by_blocks(
        lambda piece: _gated(piece, noise, size), len(audio.samples), audio.samples, context=_CONTEXT, size=_PIECE
    )
    return Audio(samples, audio.rate)


def _noise(audio: Audio, heard: Heard, size: int) -> NDArray[np.float64] | None:
    """The mean power (size / 2 + 1,) of the pauses' spectrum."""
    pause = maximum_filter1d(heard.speech, 2 * NEAR + 1) < NONE
    if pause.sum() * STEP < _ENOUGH:
        pause = heard.power <= np.partition(heard.power, len(heard.power) // 20)[len(heard.power) // 20]
    total, count = np.zeros(size // 2 + 1), 0
    for step in np.flatnonzero(pause):
        start = round(float(step) * STEP * audio.rate)
        piece = audio.samples[start : start + size]
        if len(piece) == size:
            total += np.abs(np.fft.rfft(piece * np.hanning(size))) ** 2
            count += 1
    return total / count if count * STEP >= _ENOUGH else None


def _gated(samples: Float, noise: NDArray[np.float64], size: int) -> Float:
    """float32 (N,) with the noise of power (size / 2 + 1,) lowered."""
    hop = size // 4
    padded = np.pad(samples.astype(np.float64), (size, size + hop - len(samples) % hop))
    taper = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * taper
    spectrum = np.fft.rfft(frames, axis=1)
    ratio = uniform_filter(np.abs(spectrum) ** 2, (3, 3)) / np.maximum(noise, 1e-12)
    gain = uniform_filter(np.maximum(1 - OVER / np.maximum(ratio, 1e-9), 10 ** (-MOST / 20)), (5, 3))
    back = np.fft.irfft(spectrum * gain, size, axis=1) * taper
    made, weight = np.zeros(len(padded)), np.zeros(len(padded))
    for number, frame in enumerate(back):
        made[number * hop : number * hop + size] += frame
        weight[number * hop : number * hop + size] += taper**2
    return (made / np.maximum(weight, 1e-6))[size : size + len(samples)].astype(np.float32)
