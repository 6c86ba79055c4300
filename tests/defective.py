"""Voices and faces with one defect each, for the tests of what finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np

import drawn
from lipwright import media
from lipwright.types import Audio, Clip, Float, Picture
from scenes import spoken

RATE = 16000
Change = Callable[[int, Picture], Picture]


def voice(seconds: float = 6.0, rate: int = RATE) -> Audio:
    """A clean synthetic voice that begins at once, its pauses not digital silence."""
    said = spoken(seconds, rate).samples
    return Audio((0.5 * said + drawn.noise(seconds, rate, 1e-4).samples[: len(said)]).astype(np.float32), rate)


def with_samples(audio: Audio, samples: np.ndarray) -> Audio:
    return Audio(np.asarray(samples, np.float32), audio.rate)


def higher(audio: Audio, times: float = 1.45) -> Audio:
    """The voice of a smaller throat: the same sound played faster."""
    fast = media.resample(Audio(audio.samples, round(audio.rate * times)), audio.rate).samples
    return Audio(np.resize(fast, len(audio.samples)), audio.rate)


def chords(seconds: float, rate: int = RATE, level: float = 0.1) -> Float:
    """float32 (N,): three notes at a time, another chord each second."""
    time = np.arange(round(seconds * rate)) / rate
    made = np.zeros(len(time))
    for second in range(int(np.ceil(seconds))):
        here = (time >= second) & (time < second + 1)
        for step in ((0, 4, 7), (5, 9, 12), (7, 11, 14))[second % 3]:
            hz = 262 * 2 ** (step / 12)
            for harmonic in (1, 2, 3, 4):
                made[here] += np.sin(2 * np.pi * harmonic * hz * time[here]) / harmonic
    return (level * made / np.abs(made).max()).astype(np.float32)


def changed(clip: Clip, change: Change, start: int = 0, stop: int = 1 << 30) -> Clip:
    """The clip with the frames from ``start`` to ``stop`` changed."""

    def frames(first: int, last: int) -> Iterator[Picture]:
        for number, picture in enumerate(clip.frames(first, last), first):
            yield change(number, picture) if start <= number < stop else picture

    return replace(clip, frames=frames, key="")


def darker(times: float) -> Change:
    return lambda _, picture: (picture * times).astype(np.uint8)


def flatter(times: float) -> Change:
    return lambda _, picture: (128 + times * (picture.astype(np.float32) - 128)).astype(np.uint8)


def brighter(times: float) -> Change:
    return lambda _, picture: np.clip(picture * times, 0, 255).astype(np.uint8)


def blurred(sigma: float) -> Change:
    return lambda _, picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))


def shaded(times: float, centre: float = 0.5) -> Change:
    """The picture darker to the left of ``centre``, a part of its width."""

    def change(_: int, picture: Picture) -> Picture:
        ramp = np.clip((np.arange(picture.shape[1]) / picture.shape[1] - centre) / 0.1 + 0.5, 0, 1)
        return (picture * (times + (1 - times) * ramp)[None, :, None]).astype(np.uint8)

    return change


def shown(clip: Clip, order: Callable[[int], int]) -> Clip:
    """The clip that shows the frame ``order(n)`` as its n-th."""

    def frames(first: int, last: int) -> Iterator[Picture]:
        for number in range(first, last):
            at = order(number)
            yield next(iter(clip.frames(at, at + 1)))

    return replace(clip, frames=frames, key="")


def held(clip: Clip, start: int, stop: int) -> Clip:
    """The clip whose picture stands still from ``start`` to ``stop``."""
    return shown(clip, lambda number: start if start <= number < stop else number)
