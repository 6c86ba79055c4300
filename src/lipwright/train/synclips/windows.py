"""What the layout `synclips` is trained and judged on: windows of recordings, with a reference of another time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipwright import crops, features
from lipwright.train import augment, data, lowerfaces
from lipwright.train.lowerfaces import AWAY, NEAR, Lower
from lipwright.train.networks import EDGE
from lipwright.types import Audio, Float, Int

Random = np.random.Generator
STEADY = 0.4
"""Strength of moving and lighting what is to be painted, as a share of what is done to what the encoders see: the mouth
must stay within what is hidden."""

BEFORE, AFTER = 120, 280
"""Samples added around a sound, so that MFCC columns lie where log-mel's do: four for each frame."""
LOUD, ROUGH = 4.0, 14.0
"""How far cepstra of speech spread: log energy, and the twelve others (as measured on speech, rounded)."""


def heard(samples: Float, hears: str) -> Tensor:
    """Sound (B, 640·T) at 16 kHz to float32 (B, 4·T, F): normalised log-mel (``mel``, 64) or cepstra (``mfcc``, 13).

    Of both, how loud the recording is as a whole drops out.
    """
    if hears == "mel":
        columns = features.log_mel(samples)
        return torch.from_numpy(features.normalise(columns, features.level(columns)))
    count = samples.shape[1] // features.COLUMN
    padded = np.pad(samples, [(0, 0), (BEFORE, AFTER)])
    cepstra = np.stack([features.mfcc(Audio(row, features.RATE))[:count] for row in padded])
    loud = np.percentile(cepstra[:, :, :1], 90, axis=1, keepdims=True)
    first = np.clip((cepstra[:, :, :1] - loud) / LOUD + 1, -2.5, 1.5)
    return torch.from_numpy(np.concatenate([first, cepstra[:, :, 1:] / ROUGH], 2).astype(np.float32))


def pictures(lower: Lower, rows: Int, face: int) -> NDArray[np.uint8]:
    """Lower faces of rows of a recording, uint8 (T, 3, S, S), brought to ``face`` px."""
    found = [lower.picture(row) for row in rows.tolist()]
    if lower.size != face:
        found = [crops.resized(picture, (face, face)) for picture in found]
    return np.ascontiguousarray(np.stack(found).transpose(0, 3, 1, 2))


def elsewhere(lower: Lower, rows: Int) -> Int:
    """Rows that may be a reference for ``rows``: of another time where the recording allows, else any."""
    for away in (AWAY, NEAR):
        others = lower.usable[(lower.usable < rows[0] - away) | (lower.usable > rows[-1] + away)]
        if len(others):
            return others
    return lower.usable


@dataclass(frozen=True)
class Spoiling:
    """Strengths of what is done to sounds and to pictures, 0 = nothing (see `lipwright.train.augment`)."""

    sound: float
    picture: float


class Draw:
    """Draws batches: speakers evenly but for the many-clip ones, then a recording, a place, and a reference.

    A batch has ``heard`` (B, 4·L, F), ``seen`` (B, L, 3, S, S), what the encoders see, ``truth`` (B, L, 3, S, S), what
    is to be painted, less spoilt, ``reference`` (B, 3, S, S) of another time, and ``sound`` (B, 4·L, 64), log-mel of
    the sound as it is. Pictures are float32, 0-1.
    """

    def __init__(self, lowers: list[Lower], frames: int, face: int, hears: str, temper: float, spoil: Spoiling) -> None:
        self.face, self.hears, self.spoil = face, hears, spoil
        self._draw = data.Draw([lower.recording for lower in lowers], frames, temper, 0.0)
        self._by_id = {lower.recording.id: lower for lower in lowers}

    def __call__(self, random: Random, clips: int) -> dict[str, Tensor]:
        """A batch of ``clips`` windows."""
        drawn = self._draw(random, clips)
        windows = data.Windows(drawn.clips, np.floor(drawn.at), drawn.speed)
        samples = data.sounds(self._draw.recordings, windows)
        columns = heard(augment.sound(samples, random, self.spoil.sound), self.hears)
        if self.hears == "mel":
            columns = torch.from_numpy(augment.columns(columns.numpy(), random, self.spoil.sound))
        stacks = [self._stack(random, int(clip), at) for clip, at in zip(windows.clips, windows.at, strict=True)]
        shown, strength = torch.from_numpy(np.stack(stacks)).float() / 255, self.spoil.picture
        shown = augment.lit(augment.placed(shown, random, STEADY * strength), random, STEADY * strength)
        truth, reference = shown[:, :-1], shown[:, -1]
        seen = augment.pictures(truth, random, strength)
        return {
            "heard": columns, "seen": seen, "truth": truth, "reference": reference, "sound": heard(samples, "mel"),
        }  # fmt: skip

    def _stack(self, random: Random, clip: int, at: NDArray[np.float64]) -> NDArray[np.uint8]:
        """A window's pictures, and its reference after them."""
        lower = self._by_id[self._draw.recordings[clip].id]
        rows = lowerfaces.nearest(lower.usable, at.astype(np.int64))
        reference = random.choice(elsewhere(lower, rows))
        return pictures(lower, np.append(rows, reference), self.face)


@dataclass(frozen=True)
class Whole:
    """A val recording from its start: ``rows`` (T,); ``frames`` (1, T, 3, S, S) and ``reference`` (1, 3, S, S) 0-1;
    ``heard`` (1, 4·T, F) and ``sound`` (1, 4·T, 64); ``other`` (T,), which frames are not near the reference."""

    lower: Lower
    rows: Int
    frames: Tensor
    reference: Tensor
    heard: Tensor
    sound: Tensor
    other: NDArray[np.bool_]


def whole(lower: Lower, longest: int, face: int, hears: str) -> Whole:
    """The first ``longest`` frames of a recording, nothing done to them; its most closed mouth is the reference."""
    length = min(len(lower.recording), longest)
    rows = lowerfaces.nearest(lower.usable, np.arange(length))
    still = int(lower.usable[lower.gaps[lower.usable].argmin()])
    windows = data.Windows(np.zeros(1, np.int64), np.arange(length, dtype=np.float64)[None], np.ones(1))
    samples = data.sounds([lower.recording], windows)
    shown = torch.from_numpy(pictures(lower, np.append(rows, still), face)).float() / 255
    other = np.abs(rows - still) > NEAR
    return Whole(
        lower, rows, shown[None, :-1], shown[-1:], heard(samples, hears), heard(samples, "mel"),
        other if other.any() else np.ones(length, bool),
    )  # fmt: skip


MOMENTS = 2 * EDGE
"""Frames of a window that know how near its ends they are, and are not compared."""
