"""What is heard in a sound: speech and pauses, how far the voice stands out, music, several voices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from lipwright import ondisk, speech, voiceprint
from lipwright.check.found import Spans, joined
from lipwright.types import Audio, Float

RATE = speech.RATE
STEP = speech.STEP / RATE
"""Seconds a probability of speech stands for."""

SURE, NONE = 0.7, 0.15
"""Probabilities above which a step is speech for certain, and below which it is none."""
NEAR = 3
"""Steps on either side of speech that are not counted as pauses: breath, reverberation."""
PAUSES = 1.0
"""Seconds of pauses of which the median is taken as it is; a breath may fill fewer of them."""
SILENT = -75.0
"""dB; below this a step is digital silence, of which no noise can be measured."""


@dataclass(frozen=True)
class Heard:
    """``speech`` float32 (T,), its probability every 32 ms; ``power`` dB (T,) of the same steps."""

    speech: Float
    power: Float

    @property
    def spoken(self) -> NDArray[np.bool_]:
        """bool (T,): steps with speech, pauses of up to 0.1 s included."""
        return np.asarray(np.convolve(self.speech > 0.5, np.ones(3), "same") > 0.5)


def listen(audio: Audio) -> Heard:
    """Speech and level of a sound at 16 kHz."""
    activity = speech.activity(audio)
    length = len(activity)

    def powers(steps: range) -> Float:
        piece = audio.samples[steps.start * speech.STEP : steps.stop * speech.STEP].astype(np.float64)
        piece = np.pad(piece, (0, len(steps) * speech.STEP - len(piece))).reshape(-1, speech.STEP)
        ondisk.release(audio.samples)
        power = ((piece - piece.mean(1, keepdims=True)) ** 2).mean(1)
        return (10 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)

    return Heard(activity, ondisk.by_blocks(powers, length, range(length)))


def snr(heard: Heard) -> float:
    """How far the voice lies above the noise, dB: mean power where speech is certain against the median of the pauses;
    with less than 1 s of them against the quietest twentieth of all, if that is quieter. Digital silence at the ends
    does not count; 80 where pauses are digital silence, NaN without speech."""
    voice = heard.power[heard.speech > SURE]
    if len(voice) * STEP < 0.2:
        return float("nan")
    sounding = np.flatnonzero(heard.power > SILENT)
    inner = slice(sounding[0], sounding[-1] + 1)
    power, quiet = heard.power[inner], maximum_filter1d(heard.speech, 2 * NEAR + 1)[inner] < NONE
    noise = _mean(np.sort(power)[: max(3, len(power) // 20)])
    if quiet.any():
        pauses = float(np.median(power[quiet]))
        noise = pauses if quiet.sum() * STEP >= PAUSES else min(noise, pauses)
    if noise <= SILENT:
        return 80.0
    signal = _mean(voice)
    return float(np.clip(10 * np.log10(max(10 ** (signal / 10) - 10 ** (noise / 10), 1e-12)) - noise, -10, 80))


def _mean(power: Float) -> float:
    """The level of mean power, dB."""
    return 10 * float(np.log10((10.0 ** (power.astype(np.float64) / 10)).mean()))


# music -------------------------------------------------------------------------------------------------

SIZE, HOP = 2048, 512
"""A column of 128 ms every 32 ms: partials of a note stay in their band, those of a voice do not."""
LOW, HIGH = 200.0, 4000.0
STANDS = 10.0
"""dB by which a partial stands above the bands around it."""
HELD = 10
"""Columns, 0.32 s, for which it stays."""
HUM = 0.5
"""The share of the time from which on a partial in one band is no note."""
PARTIALS = 2.0
"""Held partials a column, on average over a second, from which on it is music."""


def partials(audio: Audio) -> Float:
    """float32 (T,), one per 32 ms: how many partials, between 200 and 4000 Hz, stay in their band for 0.32 s.

    A band with a partial most of the time is a hum, of a fan or a transformer, and is left out; it
    may waver into the next band.
    """
    columns = max(0, (len(audio.samples) - SIZE) // HOP + 1)
    low, high = (round(hz * SIZE / RATE) for hz in (LOW, HIGH))
    taper = np.hanning(SIZE).astype(np.float32)

    def peaks(some: range) -> NDArray[np.bool_]:
        piece = audio.samples[some.start * HOP : (some.stop - 1) * HOP + SIZE]
        frames = np.lib.stride_tricks.sliding_window_view(piece, SIZE)[::HOP] * taper
        ondisk.release(audio.samples)
        power = 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)) + 1e-5)
        around = np.stack([np.roll(power, shift, 1) for shift in (-6, -5, -4, 4, 5, 6)]).mean(0)
        top = (power >= np.roll(power, 1, 1)) & (power > np.roll(power, -1, 1))
        found = top & (power > around + STANDS) & (power > power.max(1, keepdims=True) - 50)
        return np.asarray(found[:, low:high])

    if not columns:
        return np.zeros(0, np.float32)
    seen = ondisk.by_blocks(peaks, columns, range(columns), size=500)
    often = sum(maximum_filter1d(rows, 3, axis=1).sum(0) for rows in ondisk.pieces(seen)) / columns
    notes = np.asarray(often) < HUM

    def held(rows: NDArray[np.bool_]) -> Float:
        rows = rows[:, notes]
        sums = np.concatenate([np.zeros((1, rows.shape[1]), np.int32), rows.cumsum(0, dtype=np.int32)])
        run = np.zeros(rows.shape, bool)
        for start in range(len(rows) - HELD + 1):
            run[start : start + HELD] |= sums[start + HELD] - sums[start] >= HELD - 1
        return run.sum(1).astype(np.float32)

    return ondisk.by_blocks(held, columns, seen, context=HELD)


def music(audio: Audio) -> tuple[float, Spans]:
    """The held partials a column in the second that has most of them, and the spans in which there is music."""
    found = partials(audio)
    if not len(found):
        return 0.0, ()
    wide = min(len(found), round(RATE / HOP))
    mean = np.convolve(found, np.ones(wide) / wide, "same")
    return float(mean.max()), joined(mean > PARTIALS, RATE / HOP, gap=1.0, brief=1.0)


# voices ------------------------------------------------------------------------------------------------


MOST = 120.0
"""Seconds of speech in which several voices are looked for."""


@dataclass(frozen=True)
class Company:
    """How alike the two most different groups of a sound's voices are (``alike``, cosine; NaN with too little speech),
    and the spans of the one heard less, where they are two."""

    alike: float
    other: Spans


def company(audio: Audio, heard: Heard) -> Company:
    """Whether one or two voices speak in a 16 kHz sound, from up to 120 s of its speech.

    Raises PullError when the encoder is not here and cannot be brought.
    """
    kept = np.flatnonzero(np.convolve(heard.speech > 0.5, np.ones(2 * NEAR + 1), "same") > 0.5)[: round(MOST / STEP)]
    if len(kept) * STEP < 3 * voiceprint.LEAST:
        return Company(float("nan"), ())
    pieces = [audio.samples[step * speech.STEP : (step + 1) * speech.STEP] for step in kept.tolist()]
    prints = voiceprint.windows(Audio(np.concatenate(pieces, dtype=np.float32), RATE))
    group, alike = voiceprint.parted(prints)
    if group is None:
        return Company(alike, ())
    lesser = int(group.mean() < 0.5)
    flags = np.zeros(len(heard.speech), bool)
    for number in np.flatnonzero(group == lesser):
        begin = float(number) * voiceprint.EVERY
        first, last = round(begin / STEP), round((begin + voiceprint.LENGTH) / STEP)
        middle = slice(first + (last - first) // 4, last - (last - first) // 4)
        flags[kept[middle]] = True
    return Company(alike, joined(flags, 1 / STEP, gap=1.0))
