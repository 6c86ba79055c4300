"""Our own sync expert: grey mouth crops and log-mel, one embedding for each 40 ms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from lipwright import crops as cutting, features, registry, runtime
from lipwright.errors import InputError
from lipwright.experts import Crop, Encoders
from lipwright.types import Audio, Clip, FaceSpec, FaceTrack, Float

CHUNK = 500
"""Frames (20 s) embedded at a time."""
REACH = 6
"""Frames to either side that an embedding depends on."""
COLUMNS = 4
SHAPE = (48, 64)


class Expert(Encoders):
    """Two encoders that put a moment's mouth and its sound in the same place, as unit vectors of 128.

    Args:
        weights: the name of other weights, or the two ONNX files, video and audio; nothing for the shipped ones.

    Raises:
        WeightsError: there are no such weights, or they are not a network.
    """

    face = FaceSpec(size=(64, 48), frames=5, fps=25.0, region="mouth")
    audio = features.LOG_MEL
    distance = "euclidean"
    lead = 2

    def __init__(self, weights: str | tuple[Path, Path] = "") -> None:
        if isinstance(weights, str):
            self.name = weights or "lipsight"
            video, audio = registry.path(f"{self.name}_video"), registry.path(f"{self.name}_audio")
        else:
            video, audio = weights
        self._video = runtime.load(video, precision="f32")
        self._audio = runtime.load(audio, precision="f32")

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """Grey upright mouths uint8 (48, 64) at 25 fps; None where no face is seen."""
        return cutting.mouths(clip, track, self.face.fps)

    def video(self, crops: Iterable[Crop | None]) -> Iterator[Float]:
        """Grey mouths uint8 (48, 64) at 25 fps to blocks float32 (n, 128), NaN for None.

        Raises InputError for pictures of another shape.
        """
        waiting: list[Crop | None] = []
        before = 0
        for crop in crops:
            if crop is not None and crop.shape != SHAPE:
                raise InputError(f"lipsight sees grey crops of shape (48, 64); given {crop.shape}")
            waiting.append(crop)
            if len(waiting) == before + CHUNK + REACH:
                yield self._see(waiting)[before : before + CHUNK]
                del waiting[: before + CHUNK - REACH]
                before = REACH
        if len(waiting) > before:
            yield self._see(waiting)[before:]

    def _see(self, crops: list[Crop | None]) -> Float:
        """A stretch of pictures to float32 (T, 128)."""
        blank = np.zeros(SHAPE, np.uint8)
        seen = np.stack([blank if crop is None else crop for crop in crops])
        found: Float = self._video(seen[None].astype(np.float32) / 255)[0][0]
        found[[crop is None for crop in crops]] = np.nan
        return found

    def sound(self, audio: Audio) -> Iterator[Float]:
        """Sound at 16 kHz to blocks float32 (n, 128), together ceil(25 · seconds) rows.

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
