"""Drawn talkers whose picture and sound disagree: for the tests of what puts that right."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

import drawn
from lipwright import canvas
from lipwright.types import Clip, Int

EARLY = 0.08
"""Seconds by which the expert wants a drawn mouth to move before its voice, as real mouths do."""


def in_sync(length: int = 150, fps: Fraction = Fraction(25), seed: int = 0, delay: float = 0.0) -> Clip:
    """A drawn talker in the eyes of the expert; the sound comes ``delay`` s late."""
    clip = drawn.talking(length, fps, delay=EARLY + delay, seed=seed)
    return replace(clip, key=f"{clip.key}, {delay} s late")


def shuffled(length: int, fps: Fraction = Fraction(25)) -> Int:
    """Which frame is shown at each moment: a second each 2 frames (at 25 fps) late, early, right, early, late ..."""
    step = round(2 * float(fps) / 25)
    shifts = np.resize(np.repeat([0, step, -step], round(float(fps))), length)
    return np.clip(np.arange(length) + shifts, 0, length - 1).astype(np.int64)


def jittered(length: int = 150, fps: Fraction = Fraction(25), seed: int = 0) -> tuple[Clip, Int]:
    """A drawn talker shown as `shuffled` says, with its sound untouched; and that canvas."""
    clip, order = in_sync(length, fps, seed), shuffled(length, fps)
    return replace(
        clip, frames=lambda start, stop: canvas.shown(clip, order[start:stop]), key=f"{clip.key} shuffled"
    ), order
