"""SyncNet v2 [Chung & Zisserman, "Out of time: automated lip sync in the wild", 2016], as syncnet_python runs it.

What it sees: a square around the face, 1.4 times its larger side wide, reaching further down than up, 224 pixels;
what it hears: 0.2 s of MFCC. Where the original takes the boxes of its face detector, the box of the mesh is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from scipy import signal

from lipwright import crops as cutting, steady
from lipwright.experts import Crop
from lipwright.experts._windows import Windowed
from lipwright.types import AudioSpec, Clip, FaceSpec, FaceTrack, Float, Picture

SCALE = 0.4
"""How far the square reaches beyond the box, in its half side; twice that below."""
MEDIAN = 13
"""Frames over which the boxes are smoothed."""
GREY = 110
"""What is outside the frame."""


class Expert(Windowed):
    """Five pictures and 0.2 s of sound to 1024 values each, compared by their distance (5 to 15 as a rule)."""

    member = "syncnet"
    face = FaceSpec(size=(224, 224), frames=5, fps=25.0, region="face", margin=1 + SCALE)
    audio = AudioSpec("mfcc", 16000, 160, 13, 20)
    TINY: ClassVar[dict[str, str]] = {"weights": "syncnet_tiny"}
    distance = "euclidean"
    lead = 2

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """Squares around the face, uint8 (224, 224, 3) RGB at 25 fps; None where no face is seen."""
        at = cutting.instants(clip, self.face.fps)
        squares = smoothed(cutting.boxes(track, at))

        def crop(row: int, picture: Picture) -> Crop:
            return cutting.boxed(picture, around(squares[row]), self.face.size, GREY)

        return cutting.cut(clip, at, np.isfinite(squares[:, 0]), crop)


def smoothed(boxes: Float) -> Float:
    """Boxes (T, 4) px to half side, centre x and y, float32 (T, 3): a running median over each stretch with a face.

    At a stretch's ends the median is taken with noughts, as the original does.
    """
    left, top, right, bottom = boxes.T
    found = np.stack([np.maximum(bottom - top, right - left) / 2, (left + right) / 2, (top + bottom) / 2], axis=1)
    for start, stop in steady.stretches(np.isfinite(found[:, 0])):
        ends = np.pad(found[start:stop], ((MEDIAN, MEDIAN), (0, 0)))
        found[start:stop] = signal.medfilt(ends, (MEDIAN, 1))[MEDIAN:-MEDIAN]
    return found


def around(square: Float) -> tuple[int, int, int, int]:
    """The box x0 y0 x1 y1 px that is cut out for a half side and a centre, in whole pixels."""
    half, x, y = (float(value) for value in square)
    rim = int(half * (1 + 2 * SCALE))
    left, right = int(x + rim - half * (1 + SCALE)), int(x + rim + half * (1 + SCALE))
    top, bottom = int(y + rim - half), int(y + rim + half * (1 + 2 * SCALE))
    return left - rim, top - rim, right - rim, bottom - rim
