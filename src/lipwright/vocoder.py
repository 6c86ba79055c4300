"""A voice as pitch, spectral envelope and noisiness, and back (WORLD: Morise et al., 2016; D4C: Morise, 2016).

Needs the extra ``voices``; the only importer of pyworld.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lipwright.errors import MissingExtraError
from lipwright.features import checked
from lipwright.types import Audio

STEP = 0.005
"""Seconds a frame."""
BANDS = 36
"""Numbers that an envelope is coded in."""

Array = NDArray[np.float64]

_LOW, _HIGH = 60.0, 500.0


@dataclass(frozen=True)
class Frames:
    """A voice, 200 frames a second, of a sound at ``rate`` Hz of ``length`` samples.

    ``pitch`` float64 (T,) Hz, 0 where there is none; ``envelope`` float64 (T, 36), the power spectrum as mel-cepstrum
    (the first is the level, natural logarithm); ``noise`` float64 (T, bands), the share of noise in each band, dB.
    """

    pitch: Array
    envelope: Array
    noise: Array
    rate: int
    length: int

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """bool (T,): where the voice has a pitch."""
        return self.pitch > 0

    @property
    def loud(self) -> NDArray[np.bool_]:
        """bool (T,): where it is not much softer than where it is loudest, by 35 dB."""
        level = self.envelope[:, 0]
        return level > np.percentile(level, 95) - 8 if len(level) else np.zeros(0, bool)


def analyse(audio: Audio, *, noise: bool = True) -> Frames:
    """The frames of a sound of any rate from 16 kHz; without ``noise``, which takes half of the time, that is 0 dB.

    Raises:
        MissingExtraError: pyworld is not installed.
        InputError: an empty sound, or one with values that are not numbers.
    """
    world, rate = _world(), audio.rate
    samples = checked(audio, rate).astype(np.float64)
    rough, times = world.dio(samples, rate, f0_floor=_LOW, f0_ceil=_HIGH, frame_period=1000 * STEP)
    pitch = world.stonemask(samples, rough, times, rate)
    envelope = world.code_spectral_envelope(world.cheaptrick(samples, pitch, times, rate), rate, BANDS)
    bands = np.zeros((len(pitch), world.get_num_aperiodicities(rate)))
    if noise:
        bands = world.code_aperiodicity(world.d4c(samples, pitch, times, rate), rate)
    return Frames(pitch, envelope, bands, rate, len(samples))


def synthesise(frames: Frames) -> Audio:
    """The sound of the frames, as many samples as the one that they came from."""
    world, size = _world(), _world().get_cheaptrick_fft_size(frames.rate)
    envelope = world.decode_spectral_envelope(np.ascontiguousarray(frames.envelope), frames.rate, size)
    noise = world.decode_aperiodicity(np.ascontiguousarray(frames.noise), frames.rate, size)
    made = world.synthesize(frames.pitch, envelope, noise, frames.rate, 1000 * STEP)[: frames.length]
    return Audio(np.pad(made, (0, frames.length - len(made))).astype(np.float32), frames.rate)


@cache
def _world() -> ModuleType:
    try:
        import pyworld
    except ImportError as problem:
        raise MissingExtraError("voices", "pyworld-prebuilt") from problem
    found: ModuleType = pyworld
    return found
