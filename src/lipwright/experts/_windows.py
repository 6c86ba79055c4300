"""Experts that look at a few pictures at a time and hear the sound that goes with them: published networks.

Each has two ONNX files, ``NAME_video`` and ``NAME_audio``, which `lipwright.train.sync_import` writes. The first takes
pictures uint8 (N, H, W, 3) RGB, one after another, and gives float32 (N - frames + 1, D); the second takes windows
float32 (B, bins, steps) of what is heard and gives float32 (B, D).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from lipwright import features, registry, runtime
from lipwright.errors import InputError, WeightsError
from lipwright.experts import Crop, Encoders
from lipwright.types import Audio, Float


class Windowed(Encoders):
    """An expert of two imported networks, strict about what they take.

    Args:
        weights: the name they were imported under; that of the member unless told.
        precision: as `lipwright.runtime.load` takes it; float32 gives the original's numbers.

    Raises:
        WeightsError: nothing was imported under that name, or it is another network.
    """

    member: ClassVar[str]
    """The public name, which is also that of its weights unless told."""
    at_once: ClassVar[int] = 16
    """Windows in one run of a network; always as many, so that a row is the same in whatever company it is."""

    def __init__(self, weights: str = "", *, precision: runtime.Precision = "f32") -> None:
        self.name = weights or self.member
        wide, tall = self.face.size
        self._video = self._load("video", (None, tall, wide, 3), precision)
        self._audio = self._load("audio", (None, self.audio.bins, self.audio.steps), precision)

    def _load(self, side: str, shape: tuple[int | None, ...], precision: runtime.Precision) -> runtime.Network:
        network = runtime.load(self._path(side), precision=precision)
        fits = [port.shape for port in network.inputs] == [shape] and len(network.outputs) == 1
        if not fits or len(network.outputs[0].shape) != 2 or network.outputs[0].shape[1] is None:
            ours = ", ".join(str(port) for port in network.inputs)
            raise WeightsError(f"{network.name} is not the {side} half of {self.member}: it takes {ours}")
        return network

    def _path(self, side: str) -> Path:
        try:
            return registry.path(f"{self.name}_{side}")
        except WeightsError as problem:
            raise WeightsError(
                f"the expert {self.member} has no weights called {self.name!r} here; its authors publish them, and "
                f"`lipwright models import FILE --name {self.name}` brings them"
            ) from problem

    # ------------------------------------------------------------------------------------------ pictures

    def video(self, crops: Iterable[Crop | None]) -> Iterator[Float]:
        """Pictures uint8 (H, W, 3) RGB of ``face.size`` at ``face.fps``, None without a face, to blocks (n, D).

        Raises InputError for pictures of another shape.
        """
        frames, count, made = self.face.frames, 0, 0
        waiting: list[Crop | None] = []
        for crop in crops:
            if crop is not None and crop.shape != (*self.face.size[::-1], 3):
                raise InputError(f"{self.member} sees pictures of {self.face.size[::-1]} and 3; given {crop.shape}")
            waiting.append(crop)
            count += 1
            if count == frames:
                yield self._unjudged(self.lead)
            if len(waiting) == self.at_once + frames - 1:
                yield self._see(waiting)
                made += self.at_once
                del waiting[: self.at_once]
        if len(waiting) >= frames:
            yield self._see(waiting)
            made += len(waiting) - frames + 1
        if count:
            yield self._unjudged(count - made - (self.lead if count >= frames else 0))

    def _see(self, crops: list[Crop | None]) -> Float:
        """A row for each window of a stretch of pictures, NaN where one of them is missing."""
        frames = self.face.frames
        rows = len(crops) - frames + 1
        absent = np.array([crop is None for crop in crops])
        missing = np.lib.stride_tricks.sliding_window_view(absent, frames).any(1)
        if missing.all():
            return self._unjudged(rows)
        blank = np.zeros((*self.face.size[::-1], 3), np.uint8)
        seen = np.stack([blank if crop is None else crop for crop in crops])
        rest = self.at_once - rows
        found = self._video(np.pad(seen, ((0, rest), (0, 0), (0, 0), (0, 0))))[0][:rows].copy()
        found[missing] = np.nan
        return found

    def _unjudged(self, rows: int) -> Float:
        return np.full((rows, self._video.outputs[0].shape[1] or 0), np.nan, np.float32)

    # --------------------------------------------------------------------------------------------- sound

    def sound(self, audio: Audio) -> Iterator[Float]:
        """Sound at 16 kHz to blocks (n, D), together a row for each whole frame of the sound.

        Raises InputError for a sound of another rate, empty or not finite.
        """
        heard = features.mfcc(audio) if self.audio.feature == "mfcc" else features.mel(audio).T
        rows = int(len(audio.samples) * self.face.fps) // self.audio.rate
        windows = [self.audio.first(frame, self.face.fps) for frame in range(max(0, rows - self.lead))]
        windows = [first for first in windows if first + self.audio.steps <= len(heard)]
        yield self._unjudged(min(rows, self.lead))
        for at in range(0, len(windows), self.at_once):
            some = windows[at : at + self.at_once]
            firsts = some + some[-1:] * (self.at_once - len(some))
            cut = np.stack([np.asarray(heard[first : first + self.audio.steps]).T for first in firsts])
            yield self._audio(cut)[0][: len(some)].copy()
        yield self._unjudged(rows - min(rows, self.lead) - len(windows))
