"""Wobbling sync smoothed: a curve of times on which frames are shown, taken from what a sync expert says of them."""

from __future__ import annotations

import numpy as np

from lipwright import matching, steady
from lipwright.errors import InputError
from lipwright.finishing.pace import Times
from lipwright.types import Clip, FaceTrack

EXPERT = "lipsight"

SECONDS = 0.08
"""Over how long the curve is smoothed; away from where it bends it runs through whole frames."""


def curve(clip: Clip, track: FaceTrack) -> Times:
    """The frame of ``clip`` to show at each of its instants: the path of `lipwright.matching.choose`, as the dubber
    ``retime`` and ``repair`` take it, its jumps rounded off.

    Raises InputError for a clip without sound.
    """
    if clip.audio is None:
        raise InputError(f"{clip.source or 'the clip'} has no sound by which its frames could be re-timed")
    every = np.arange(clip.length)
    evidence = matching.Evidence.of(matching.expert(EXPERT), clip, track, clip.audio)
    chosen = matching.choose(evidence, every, np.ones(clip.length, bool))
    moved = (chosen - every).astype(np.float32)[:, None]
    smooth = steady.smooth(moved, SECONDS * float(clip.fps))[:, 0]
    return np.clip(every + smooth.astype(np.float64), 0, clip.length - 1)
