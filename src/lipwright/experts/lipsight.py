"""Our own sync expert: grey mouth crops and log-mel, one embedding for each 40 ms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipwright import features, registry, runtime
from lipwright.errors import InputError
from lipwright.types import Audio, AudioSpec, FaceSpec, Float

CHUNK = 500
"""Frames (20 s) embedded at a time."""
REACH = 6
"""Frames to either side that an embedding depends on."""
COLUMNS = 4


class Expert:
    """Two encoders that put a moment's mouth and its sound in the same place, as unit vectors of 128."""

    face = FaceSpec(size=(64, 48), frames=5, fps=25.0, region="mouth")
    audio: AudioSpec = features.LOG_MEL

    def __init__(self, weights: tuple[Path, Path] | None = None) -> None:
        video, audio = weights or (registry.path("lipsight_video"), registry.path("lipsight_audio"))
        self._video = runtime.load(video, precision="f32")
        self._audio = runtime.load(audio, precision="f32")

    def embed_video(self, crops: NDArray[np.uint8]) -> Float:
        """Grey mouth crops uint8 (T, 48, 64) at 25 fps to float32 (T, 128).

        Raises InputError for pictures of another shape.
        """
        if crops.ndim != 3 or crops.shape[1:] != (48, 64) or len(crops) == 0:
            raise InputError(f"lipsight sees grey crops of shape (T, 48, 64); given {crops.shape}")
        return _stretches(len(crops), lambda a, b: self._video(crops[None, a:b].astype(np.float32) / 255)[0][0])

    def embed_audio(self, audio: Audio) -> Float:
        """Sound at 16 kHz to float32 (ceil(25 · seconds), 128).

        Raises InputError for a sound of another rate, empty or not finite.
        """
        columns = features.log_mel(features.checked(audio))
        missing = -len(columns) % COLUMNS
        level = features.level(columns)
        heard = features.normalise(np.pad(columns, ((0, missing), (0, 0)), constant_values=-100), level)
        frames = len(heard) // COLUMNS
        return _stretches(frames, lambda a, b: self._audio(heard[None, a * COLUMNS : b * COLUMNS])[0][0])


def _stretches(frames: int, embed: Callable[[int, int], Float]) -> Float:
    """Embed a stretch at a time, each with its context, so that the result is as if done at once."""
    found = []
    for start in range(0, frames, CHUNK):
        stop = min(start + CHUNK, frames)
        first, last = max(0, start - REACH), min(frames, stop + REACH)
        found.append(embed(first, last)[start - first : stop - first])
    return np.concatenate(found)
