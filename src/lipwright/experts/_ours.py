"""What our own experts share: two ONNX files that are convolutional in time, run a stretch at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from lipwright import features, registry, runtime
from lipwright.errors import InputError
from lipwright.experts import Crop, Encoders
from lipwright.types import Audio, Float

CHUNK = 500
"""Frames (20 s) embedded at a time."""
REACH = 6
"""Frames to either side that an embedding depends on."""
COLUMNS = 4


class Ours(Encoders):
    """An expert of ours: unit vectors for each 40 ms of pictures and of log-mel, D = 128 for each training in it.

    Args:
        weights: the name of other weights, or the two ONNX files, video and audio; nothing for the shipped ones.

    Raises:
        WeightsError: there are no such weights, or they are not a network.
    """

    member: ClassVar[str]
    """The public name, which is also that of its weights unless told."""
    shape: ClassVar[tuple[int, ...]]
    """Of what it sees of one frame."""
    what: ClassVar[str]
    """What it sees, as a sentence says it."""

    audio = features.LOG_MEL
    distance = "euclidean"
    lead = 2
    reads_prepared = True

    def __init__(self, weights: str | tuple[Path, Path] = "") -> None:
        if isinstance(weights, str):
            self.name = weights or self.member
            video, audio = registry.path(f"{self.name}_video"), registry.path(f"{self.name}_audio")
        else:
            video, audio = weights
        self._video = runtime.load(video, precision="f32")
        self._audio = runtime.load(audio, precision="f32")

    def video(self, crops: Iterable[Crop | None]) -> Iterator[Float]:
        """What `crops` cut, at 25 fps, to blocks float32 (n, D), NaN for None.

        Raises InputError for pictures of another shape.
        """
        waiting: list[Crop | None] = []
        before = 0
        for crop in crops:
            if crop is not None and crop.shape != self.shape:
                raise InputError(f"{self.member} sees {self.what} of shape {self.shape}; given {crop.shape}")
            waiting.append(crop)
            if len(waiting) == before + CHUNK + REACH:
                yield self._rows(waiting)[before : before + CHUNK]
                del waiting[: before + CHUNK - REACH]
                before = REACH
        if len(waiting) > before:
            yield self._rows(waiting)[before:]

    def _rows(self, crops: list[Crop | None]) -> Float:
        """A stretch of pictures to float32 (T, D)."""
        absent = [crop is None for crop in crops]
        found: Float = self._video(self._seen(crops)[None])[0][0]
        found[absent] = np.nan
        return found

    @abstractmethod
    def _seen(self, crops: list[Crop | None]) -> Float:
        """A stretch as the network takes it, float32 (T, ...), with something in place of None."""

    def sound(self, audio: Audio) -> Iterator[Float]:
        """Sound at 16 kHz to blocks float32 (n, D), together ceil(25 · seconds) rows.

        Raises InputError for a sound of another rate, empty or not finite.
        """
        samples = features.checked(audio)
        columns = -(-len(samples) // features.COLUMN)
        spans = [(at, min(at + CHUNK * COLUMNS, columns)) for at in range(0, columns, CHUNK * COLUMNS)]
        loud = [features.loudness(features.log_mel(samples, *span)) for span in spans]
        level = float(features.level_of(np.concatenate(loud)))
        for first, last in spans:
            begin, end = max(0, first - REACH * COLUMNS), min(columns, last + REACH * COLUMNS)
            missing = -(end - begin) % COLUMNS
            heard = np.pad(features.log_mel(samples, begin, end), ((0, missing), (0, 0)), constant_values=-100)
            found: Float = self._audio(features.normalise(heard, level)[None])[0][0]
            yield found[(first - begin) // COLUMNS : -(-(last - begin) // COLUMNS)]
