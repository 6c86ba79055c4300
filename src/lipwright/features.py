"""What networks hear: mel, log-mel, MFCC, energy, pitch, and windows cut from them.

Every function takes 16 kHz sound unless it says otherwise, and returns float32 with time first, except
:func:`mel`, which keeps Wav2Lip's (bins, columns) layout.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from lipwright import ondisk
from lipwright.errors import InputError
from lipwright.types import Audio, AudioSpec, Float

RATE = 16000
COLUMN = 160
"""Samples a log-mel column: 100 columns a second, exactly 4 a frame at 25 fps."""
BANDS = 64
WINDOW = 400
QUIETEST = -45.0
"""dB; sound whose loud parts are below this counts as silence rather than as faint speech."""

_COLUMNS = 1000  # columns made at a time

LOG_MEL = AudioSpec("logmel", RATE, COLUMN, BANDS, 4)
WAV2LIP_MEL = AudioSpec("mel", RATE, 200, 80, 16)

Array = NDArray[np.floating]


def checked(audio: Audio, rate: int = RATE) -> Float:
    """The samples of a sound that features can be made of; InputError for another rate, empty or NaN."""
    if audio.rate != rate:
        raise InputError(f"this feature is defined at {rate} Hz and the sound has {audio.rate} Hz; resample it first")
    if len(audio.samples) == 0:
        raise InputError("the sound is empty (0 samples); give a recording with something in it")
    if not ondisk.finite(audio.samples):
        raise InputError("the sound holds values that are not numbers (NaN or infinite); decode or record it again")
    return audio.samples


# ---------------------------------------------------------------- mel banks


def _slaney(hz: Array) -> Array:
    """Hz to Slaney's mel scale (linear to 1 kHz, logarithmic above), as librosa with htk=False."""
    linear = hz * 3 / 200
    log = 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4)
    return np.where(hz < 1000, linear, log)


def _slaney_hz(mels: Array) -> Array:
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))


@lru_cache(maxsize=8)
def mel_bank(rate: int, size: int, bins: int, low: float, high: float) -> Float:
    """Triangles of equal area on Slaney's mel scale: float32 (bins, size // 2 + 1).

    The same numbers as ``librosa.filters.mel(sr=rate, n_fft=size, n_mels=bins, fmin=low, fmax=high)``.
    """
    bottom, top = _slaney(np.array([low, high]))
    edges = _slaney_hz(np.linspace(bottom, top, bins + 2))
    slopes = edges[:, None] - np.fft.rfftfreq(size, 1 / rate)[None]
    widths = np.diff(edges)
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def mel(audio: Audio) -> Float:
    """Wav2Lip's mel spectrogram: float32 (80, columns) in [-4, 4], exactly 80 columns a second.

    Pre-emphasis 0.97, 800-point centred Hann STFT every 200 samples, magnitude, 80 Slaney bands of
    55-7600 Hz, 20·log10 − 20 dB, (dB + 100) / 100 scaled to ±4 and clipped. 1 + N // 200 columns.
    """
    samples = checked(audio)
    columns = range(1 + len(samples) // 200)
    return ondisk.by_blocks(lambda some: _mel(samples, some), len(columns), columns, size=_COLUMNS).T


def _mel(samples: Float, columns: range) -> Float:
    """Some columns of `mel`: float32 (columns, 80)."""
    begin, end = 200 * columns.start - 400, 200 * columns.stop + 400
    heard = samples[max(0, begin - 1) : max(0, end)].astype(np.float64)
    ondisk.release(samples)
    before = np.zeros(1) if begin <= 0 else heard[:1]
    heard = heard if begin <= 0 else heard[1:]
    emphasised = heard - 0.97 * np.concatenate([before, heard[:-1]])
    emphasised = np.pad(emphasised, (max(0, -begin), end - max(0, begin) - len(emphasised)))
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, 800)[::200][: len(columns)]
    magnitude = np.abs(np.fft.rfft(windows * signal.get_window("hann", 800), axis=-1))
    level = 20 * np.log10(np.maximum(1e-5, magnitude @ mel_bank(RATE, 800, 80, 55, 7600).T)) - 20
    return np.clip(8 * (level + 100) / 100 - 4, -4, 4).astype(np.float32)


# ---------------------------------------------------------------- log-mel, 100 columns a second


def log_mel(samples: Array, first: int = 0, last: int | None = None) -> Float:
    """Log-mel of 16 kHz sound: (..., N) in [-1, 1] to float32 (..., ceil(N / 160), 64) dB.

    ``first`` and ``last`` (not included) give some of the columns only, the same numbers as among all.

    Column c covers samples 160·c − 120 to 160·c + 280 (a 400-sample Hann window centred on its own 160
    samples), so that columns 4·f to 4·f + 3 belong to frame f at 25 fps. Power per Slaney band of
    60-7600 Hz, 10·log10, floor −100 dB. Any leading shape is kept.
    """
    last = -(-samples.shape[-1] // COLUMN) if last is None else last
    count, begin, end = last - first, first * COLUMN - 120, last * COLUMN + 120
    piece = samples[..., max(0, begin) : end]
    rim = (max(0, -begin), end - max(0, begin) - piece.shape[-1])
    padded = np.pad(piece, [(0, 0)] * (samples.ndim - 1) + [rim]).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=-1)[..., ::COLUMN, :][..., :count, :]
    spectrum = fft.rfft(windows * np.hanning(WINDOW).astype(np.float32), 512, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    return 10 * np.log10(power @ mel_bank(RATE, 512, BANDS, 60, 7600).T + np.float32(1e-10))


def loudness(columns: Float) -> Float:
    """How loud each log-mel column is: (..., 64) dB to (...) dB, the sum of the bands' powers."""
    return 10 * np.log10((10 ** (columns / 10)).sum(-1))


def level(columns: Float) -> Float:
    """The level of the loud parts of a recording: log-mel (..., C, 64) to (...) dB, not below QUIETEST.

    The 90th percentile over time; one number a recording is what :func:`normalise` needs, also when the
    recording is then heard piece by piece.
    """
    return level_of(loudness(columns))


def level_of(loud: Float) -> Float:
    """:func:`level` from the loudness (..., C) dB of all columns."""
    return np.maximum(np.percentile(loud, 90, axis=-1), QUIETEST).astype(np.float32)


def normalise(columns: Float, level_db: Array | float) -> Float:
    """Log-mel relative to the recording's own level: unitless, about -2.5 (silence) to 1.5; gain drops out."""
    relative = (columns - np.asarray(level_db, np.float32)[..., None, None]) / 20 + 1
    return np.clip(relative, -2.5, 1.5).astype(np.float32)


# ---------------------------------------------------------------- MFCC as python_speech_features


@lru_cache(maxsize=1)
def _psf_bank() -> Array:
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, 28) / 2595) - 1)
    edges = np.floor(513 * hertz / RATE)
    at = np.arange(257)[None]
    rising = (at - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - at) / (edges[2:] - edges[1:-1])[:, None]
    up = (at >= edges[:-2, None]) & (at < edges[1:-1, None])
    down = (at >= edges[1:-1, None]) & (at < edges[2:, None])
    return np.where(up, rising, 0) + np.where(down, falling, 0)


def mfcc(audio: Audio) -> Float:
    """Mel-frequency cepstra as ``python_speech_features.mfcc`` with its defaults: float32 (columns, 13).

    100 columns a second of 25 ms at 16 kHz; the sound is taken as int16 values, as SyncNet does. The
    first cepstrum is the log energy. Column c covers samples 160·c to 160·c + 400, silence after the end.
    """
    samples = checked(audio)
    count = 1 if len(samples) <= 400 else 1 + -(-(len(samples) - 400) // 160)
    return np.concatenate([_mfcc(samples, at, min(at + 1000, count)) for at in range(0, count, 1000)])


def _mfcc(samples: Float, first: int, last: int) -> Float:
    """Columns ``first`` to ``last`` of `mfcc`; pre-emphasis needs the one sample before them."""
    begin = max(0, 160 * first - 1)
    values = np.asarray(samples[begin : 160 * last + 240], np.float64)
    values = np.clip(np.round(values * 32768), -32768, 32767)
    emphasised = np.append(values[:1], values[1:] - 0.97 * values[:-1])[160 * first - begin :]
    padded = np.pad(emphasised, (0, 160 * (last - first) + 240 - len(emphasised)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160]
    power = np.abs(np.fft.rfft(windows, 512)) ** 2 / 512
    eps = np.finfo(float).eps
    energy_sum, bands = power.sum(1), power @ _psf_bank().T
    cepstra = fft.dct(np.log(np.where(bands == 0, eps, bands)), type=2, axis=1, norm="ortho")[:, :13]
    cepstra = cepstra * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))
    cepstra[:, 0] = np.log(np.where(energy_sum == 0, eps, energy_sum))
    return cepstra.astype(np.float32)


# ---------------------------------------------------------------- prosody


def energy(audio: Audio, hop: float = 0.01, window: float = 0.025) -> Float:
    """Level of short pieces: float32 (ceil(duration / hop),) dB below full scale, floor −100.

    The n-th value is the RMS of ``window`` seconds around (n + ½)·hop.
    """
    samples = checked(audio, audio.rate)
    pieces = _pieces(samples, round(hop * audio.rate), round(window * audio.rate))
    power = (pieces.astype(np.float64) ** 2).mean(-1)
    return (10 * np.log10(power + 1e-10)).astype(np.float32)


def pitch(audio: Audio, hop: float = 0.01, low: float = 50.0, high: float = 500.0) -> Float:
    """Pitch of the voice: float32 (ceil(duration / hop),) Hz, NaN where there is no voice.

    Peak of the normalised autocorrelation of 40 ms pieces between ``low`` and ``high`` Hz, refined by a
    parabola; voiced where the peak exceeds 0.5 and the piece is louder than −60 dB.
    """
    samples = checked(audio, audio.rate)
    size = round(0.04 * audio.rate)
    pieces = _pieces(samples, round(hop * audio.rate), size)
    pieces = pieces - pieces.mean(-1, keepdims=True)
    length = fft.next_fast_len(2 * size)
    spectrum = fft.rfft(pieces * np.hanning(size), length, axis=-1)
    raw = fft.irfft(np.abs(spectrum) ** 2, length, axis=-1)[:, :size]
    bias = fft.irfft(np.abs(fft.rfft(np.hanning(size), length)) ** 2, length)[:size]
    correlation = raw / (np.maximum(raw[:, :1], 1e-12) * np.maximum(bias / bias[0], 1e-3))
    first, last = max(2, int(audio.rate / high)), min(size - 2, int(audio.rate / low) + 1)
    return _peak_pitch(correlation, first, last, (pieces**2).mean(-1) > 1e-6, audio.rate)


def _peak_pitch(correlation: Array, first: int, last: int, loud: NDArray[np.bool_], rate: int) -> Float:
    """Prefer the shortest lag whose peak is within 0.9 of the best, against octave errors."""
    span = correlation[:, first:last]
    peaks = (span >= correlation[:, first - 1 : last - 1]) & (span >= correlation[:, first + 1 : last + 1])
    good = peaks & (span >= 0.9 * span.max(-1, keepdims=True))
    lag = first + np.where(good.any(-1), good.argmax(-1), 0)
    rows = np.arange(len(lag))
    before, here, after = (correlation[rows, lag + step] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (before - after) / np.where(bend == 0, 1, bend), 0)
    voiced = good.any(-1) & (here > 0.5) & loud
    return np.where(voiced, rate / (lag + np.clip(shift, -0.5, 0.5)), np.nan).astype(np.float32)


def _pieces(samples: Float, hop: int, size: int) -> Float:
    """Pieces of ``size`` samples centred on each hop's own samples: (ceil(N / hop), size)."""
    count = -(-len(samples) // hop)
    before = max(0, (size - hop) // 2)
    after = max(0, (count - 1) * hop + size - before - len(samples))
    return np.lib.stride_tricks.sliding_window_view(np.pad(samples, (before, after)), size)[::hop][:count]


# ---------------------------------------------------------------- windows


def windows(columns: Float, spec: AudioSpec, frames: int, fps: Fraction | float) -> Float:
    """The window of each of ``frames`` frames: columns (C, bins) to float32 (frames, steps, bins).

    ``spec.first`` says where a window begins; past the end the last column is repeated.
    """
    if columns.ndim != 2 or columns.shape[1] != spec.bins or len(columns) == 0:
        raise InputError(f"windows need columns of shape (C, {spec.bins}); given {columns.shape}")
    first = np.array([spec.first(frame, fps) for frame in range(frames)], dtype=np.int64)
    at = np.minimum(first[:, None] + np.arange(spec.steps), len(columns) - 1)
    return columns[at]
