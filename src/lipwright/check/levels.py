"""Levels of a sound, a piece at a time: peak, offset, flat tops, how high its spectrum reaches, unlike channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, steady
from lipwright.check.found import Spans, joined
from lipwright.media import sound
from lipwright.types import Audio, Float

BLOCK = 0.25
"""Seconds within which a top is compared with its shoulders."""
TOP, SHOULDER = 0.97, 0.90
"""Parts of a block's peak: what lies above the first is its top, between the two its shoulders."""
FLAT, LEAST, QUIET = 1.5, 0.004, 0.01
"""A top of more samples than the shoulders, of so many of all, in blocks above this peak, was cut off."""
FULL = (0.9985, 1.0)
"""Between these a sample stands at the end of the scale; above, it was decoded from a lossy file and not cut off."""
WINDOW = 2048
REACH = 62.0
"""dB below the loudest band at which the spectrum ends."""
_MOST_BLOCKS = 4096


@dataclass(frozen=True)
class Levels:
    """``peak`` and ``offset`` (mean) in parts of full scale, ``clipped`` spans s, ``bandwidth`` Hz."""

    peak: float
    offset: float
    clipped: Spans
    bandwidth: float


def levels(audio: Audio) -> Levels:
    """Those of a mono sound of numbers, at its own rate, which is not resampled for it."""
    peak = ondisk.peak(audio.samples)
    total = sum(float(piece.sum(dtype=np.float64)) for piece in ondisk.pieces(audio.samples))
    offset = total / max(1, len(audio.samples))
    return Levels(peak, offset, _clipped(audio, offset), bandwidth(audio))


def _blocks(audio: Audio, size: int) -> Iterator[Float]:
    """float32 (n, size): the sound in blocks, at most `_MOST_BLOCKS` at a time; what is left at its end is left out."""
    for piece in ondisk.pieces(audio.samples, size * max(1, min(_MOST_BLOCKS, ondisk.PIECE // (4 * size)))):
        whole = len(piece) // size * size
        if whole:
            yield np.asarray(piece[:whole], np.float32).reshape(-1, size)


def _clipped(audio: Audio, offset: float) -> Spans:
    """Where the tops of the waves are cut off: many samples at the peak and few just below it, or at full scale."""
    size = max(1, round(BLOCK * audio.rate))
    cut = np.concatenate([np.zeros(0, bool), *(_cut_off(block, offset) for block in _blocks(audio, size))])
    return joined(cut, audio.rate / size)


def _cut_off(blocks: Float, offset: float) -> NDArray[np.bool_]:
    """bool (n,): whether the waves of each block (n, size) are cut off, above or below."""
    high = np.abs(blocks)
    found = (high.max(1) <= FULL[1]) & ((high >= FULL[0]).sum(1) >= 3)
    for way in (1, -1):
        values = way * (blocks - np.float32(offset))
        peak = values.max(1, keepdims=True)
        top = (values >= TOP * peak).sum(1)
        shoulder = ((values >= SHOULDER * peak) & (values < TOP * peak)).sum(1)
        found |= (top > FLAT * shoulder) & (top >= LEAST * blocks.shape[1]) & (peak[:, 0] > QUIET)
    return np.asarray(found)


def bandwidth(audio: Audio) -> float:
    """The highest frequency, Hz, that is heard in the louder half of a sound: above it lies 62 dB less than in the
    loudest band. 0 for a sound of less than 2048 samples, or of silence."""
    powers = np.zeros(WINDOW // 2 + 1)
    taper = np.hanning(WINDOW)
    for blocks in _blocks(audio, WINDOW):
        power = np.abs(np.fft.rfft(blocks * taper, axis=1)) ** 2
        loud = power.sum(1) >= np.median(power.sum(1))
        powers += power[loud].sum(0)
    if not powers.max() > 0:
        return 0.0
    smooth = np.convolve(powers, np.ones(9) / 9, "same")
    heard = np.flatnonzero(smooth > smooth.max() * 10 ** (-REACH / 10))
    return float(heard[-1] * audio.rate / WINDOW)


def cancelling(path: Path) -> float:
    """The share of the sound that is lost when a file's first two channels are added: 0 none, 0.5 what unlike channels
    lose, 1 all; 0 for one channel and for silence."""
    both = mixed = 0.0
    for block in sound.blocks(path):
        if len(block) < 2:
            return 0.0
        pair = block[:2].astype(np.float64)
        both += float((pair**2).sum())
        mixed += float((pair.sum(0) ** 2).sum())
    return 1 - mixed / (2 * both) if both > 0 else 0.0


def level_db(samples: Float) -> float:
    """Mean level of samples in dB of full scale; -120 for silence."""
    power = float((samples.astype(np.float64) ** 2).mean()) if len(samples) else 0.0
    return 10 * float(np.log10(max(power, 1e-12)))


def runs(flags: NDArray[np.bool_], rate: float) -> list[tuple[float, float]]:
    """The runs of ``flags`` (T,), ``rate`` a second, in seconds."""
    return [(start / rate, stop / rate) for start, stop in steady.stretches(flags)]
