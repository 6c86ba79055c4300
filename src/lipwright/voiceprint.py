"""Whose voice is heard: a voice as 256 numbers, and how alike two voices are.

The encoder is Resemblyzer's (Wan et al., "Generalized end-to-end loss for speaker verification", 2018): three LSTM
layers over a mel spectrogram in windows of 1.6 s, the mean of all windows, of length 1. It runs in numpy; its file is
pulled once, and its numbers are read from where they lie in it: the card's sha256 says that it is that very file.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import signal

from lipwright import registry, speech
from lipwright.errors import InputError
from lipwright.features import RATE, checked, mel_bank
from lipwright.media import resample
from lipwright.types import Audio, Float, Int

LEAST = 1.0
"""Seconds of speech that an embedding needs."""

_AT_ONCE = 16  # windows
_ALONE = 1 << 18  # multiplications below which OpenBLAS starts no threads: for steps as short as these they only wait
_WINDOW, _STEP, _COLUMN, _BANDS, _SIZE = 160, 77, 160, 40, 256
LENGTH, EVERY = _WINDOW * _COLUMN / RATE, _STEP * _COLUMN / RATE
"""Seconds that a window lasts, and from one to the next."""
_LEVEL = 10 ** (-30 / 20)
_KEPT = 3
_MOST = 120.0
_APART, _SHARE = 0.7, 0.2  # two voices: as unlike as this, the lesser heard for this share

_PLACES = {
    "linear": (7731, (256, 256)), "linear_bias": (6699, (256,)),
    "in0": (269883, (1024, 40)), "in1": (1482299, (1024, 256)), "in2": (3579451, (1024, 256)),
    "own0": (433723, (1024, 256)), "own1": (2530875, (1024, 256)), "own2": (4628027, (1024, 256)),
    "in0_bias": (5676603, (1024,)), "in1_bias": (5684795, (1024,)), "in2_bias": (5692987, (1024,)),
    "own0_bias": (5680699, (1024,)), "own1_bias": (5688891, (1024,)), "own2_bias": (5697083, (1024,)),
}  # fmt: skip
"""Where each array begins in the file, in bytes, and its shape; float32, little-endian."""


def embedding(audio: Audio) -> Float:
    """The voice in a sound, float32 (256,) of length 1, from up to 120 s of its speech; silence does not count.

    Raises:
        InputError: there is less than a second of speech.
        PullError: the encoder is not here and cannot be brought.
    """
    return _unit(windows(spoken(audio)).mean(0))


def similarity(one: Float, other: Float) -> float:
    """The cosine of two embeddings: 1 the same voice; two halves of one recording reach some 0.9."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def spoken(audio: Audio, most: float = _MOST, rate: int = RATE, least: float = LEAST) -> Audio:
    """The speech of a sound at ``rate`` Hz, up to ``most`` seconds of it, without its longer pauses.

    Raises InputError where it is less than ``least`` seconds.
    """
    sound = resample(audio, rate)
    heard = np.convolve(speech.activity(sound) > 0.5, np.ones(2 * _KEPT + 1), "same") > 0.5
    step = speech.STEP * rate // RATE
    samples = checked(sound, rate)[np.repeat(heard, step)[: len(sound.samples)]][: round(most * rate)]
    if len(samples) < least * rate:
        name = str(audio.source) if audio.source else "the sound"
        raise InputError(
            f"{len(samples) / rate:.1f} s of speech are heard in {name}, and to know a voice takes {least:g} s; "
            "give a longer recording in which one person speaks clearly"
        )
    return Audio(samples, rate)


def windows(audio: Audio) -> Float:
    """The voice in each window of 1.6 s, one every 0.77 s, of a 16 kHz sound: float32 (windows, 256), of length 1."""
    columns = _mel(checked(audio))
    count = max(1, 1 + -(-(len(columns) - _WINDOW - _WINDOW // 4) // _STEP))
    columns = np.pad(columns, ((0, max(0, (count - 1) * _STEP + _WINDOW - len(columns))), (0, 0)))
    heard = np.stack([columns[n * _STEP : n * _STEP + _WINDOW] for n in range(count)], 1)
    return np.concatenate([_heard(heard[:, n : n + _AT_ONCE]) for n in range(0, count, _AT_ONCE)])


def parted(prints: Float) -> tuple[Int | None, float]:
    """Whether one or two voices are among float32 (windows, 256), and how alike the means of the two groups are into
    which they fall (NaN with fewer than 4 windows).

    Two where that is less than 0.7 and the smaller group is a fifth of all: then the group of each window, int64
    (windows,) of 0 and 1; else None.
    """
    if len(prints) < 4:
        return None, float("nan")
    first = prints[np.argmin(prints @ prints.mean(0))]
    means = np.stack([first, prints[np.argmin(prints @ first)]])
    for _ in range(10):
        nearest = (prints @ means.T).argmax(1)
        if len(set(nearest.tolist())) < 2:
            return None, 1.0
        means = np.stack([prints[nearest == k].mean(0) for k in (0, 1)])
    share, alike = float((nearest == 0).mean()), similarity(*means)
    two = min(share, 1 - share) >= _SHARE and alike < _APART
    return (nearest.astype(np.int64) if two else None), alike


def _heard(state: Float) -> Float:
    """float32 (160, windows, 40) of mel columns -> (windows, 256)."""
    weights = _weights()
    for layer in range(3):
        state = _lstm(state, *(weights[name.format(layer)] for name in ("in{}", "own{}", "in{}_bias", "own{}_bias")))
    return _unit(np.maximum(state[-1] @ weights["linear"].T + weights["linear_bias"], 0))


def _mel(samples: Float) -> Float:
    """Power mel spectrogram as librosa's of 400-sample windows every 160: float32 (columns, 40); -30 dBFS at least."""
    level = float(np.sqrt((samples.astype(np.float64) ** 2).mean()))
    loud = samples * max(1.0, _LEVEL / max(level, 1e-6))
    pieces = np.lib.stride_tricks.sliding_window_view(np.pad(loud, 200), 400)[::_COLUMN]
    spectrum = np.fft.rfft(pieces * signal.get_window("hann", 400), axis=-1)
    return np.asarray(np.abs(spectrum) ** 2 @ mel_bank(RATE, 400, _BANDS, 0, RATE / 2).T, np.float32)


def _lstm(columns: Float, into: Float, own: Float, bias: Float, own_bias: Float) -> Float:
    """One layer over float32 (T, B, n) -> (T, B, 256); gates in torch's order: in, forget, cell, out."""
    driven = (columns.reshape(-1, columns.shape[2]) @ into.T + (bias + own_bias)).reshape(*columns.shape[:2], -1)
    hidden = cell = np.zeros((columns.shape[1], _SIZE), np.float32)
    made = np.empty((*columns.shape[:2], _SIZE), np.float32)
    wide = max(8, _ALONE // (columns.shape[1] * _SIZE))
    blocks = [(n, np.ascontiguousarray(own[n : n + wide].T)) for n in range(0, len(own), wide)]
    for at, gates in enumerate(driven):
        for start, block in blocks:
            gates[:, start : start + block.shape[1]] += hidden @ block
        enter, forget, leave = (_sigmoid(gates[:, k * _SIZE : (k + 1) * _SIZE]) for k in (0, 1, 3))
        cell = forget * cell + enter * np.tanh(gates[:, 2 * _SIZE : 3 * _SIZE])
        hidden = made[at] = leave * np.tanh(cell)
    return made


def _sigmoid(values: Float) -> Float:
    return 0.5 * (1 + np.tanh(0.5 * values))


def _unit(values: Float) -> Float:
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-9), np.float32)


@cache
def _weights() -> dict[str, Float]:
    content = registry.path("speaker_encoder").read_bytes()
    return {
        name: np.frombuffer(content, "<f4", int(np.prod(shape)), start).reshape(shape)
        for name, (start, shape) in _PLACES.items()
    }
