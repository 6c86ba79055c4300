"""The layout `synclips`: what hears, what sees, what brings both together, and what paints the mouth.

After Vishal-Padia/synclips, whose parts it has (audio encoder, video encoder, alignment, generator), and none of whose
code; there one still frame stands for the video and one picture for all moments, here each moment has its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright import compact
from lipwright.train.networks import TimeLayer
from lipwright.train.synclips.encoders import AUDIO, HEARS, SIZES, VIDEO, Size, aligner, neighbours

LEVELS = 4
"""Halvings of what paints: the side of a face is a multiple of 16 px."""


@dataclass(frozen=True)
class Layout:
    """Which kind of each part; see `lipwright.train.synclips.SynclipsRecipe`."""

    hears: str = "mel"
    audio: str = "conv1d"
    video: str = "cnn"
    align: str = "gru"
    face: int = 96
    size: str = "small"
    drop: float = 0.1


class Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input goes past."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.two.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        changed: Tensor = self.two(_bent(self.one(_bent(x))))
        return x + changed


def _bent(x: Tensor) -> Tensor:
    """Never flat: with a ReLU a training on footage ended in a decoder whose last layer saw nothing but noughts, so
    that the reference was shown all the time and nothing was learnt any more."""
    return F.leaky_relu(x, 0.1)


class Decoder(nn.Module):
    """Paints faces: hidden ones and references (N, 6, S, S), 0-1, with codes (N, C) to (N, 3, S, S), 0-1.

    A U-Net whose deeper half is scaled and shifted by the code [Perez et al., "FiLM", 2018]. It paints what
    differs from the reference.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        wide = size.paint
        inside = (6, *wide[:-1])
        self.down = nn.ModuleList(nn.Conv2d(x, y, 4, stride=2, padding=1) for x, y in zip(inside, wide, strict=True))
        self.deeper = nn.ModuleList(Residual(width) for width in wide)
        upward = wide[::-1]
        self.told = nn.ModuleList(nn.Linear(size.wide, 2 * width) for width in upward)
        self.up = nn.ModuleList(nn.Conv2d(x, y, 1) for x, y in pairwise(upward))
        self.finer = nn.ModuleList(Residual(width) for width in upward)
        self.last = nn.Conv2d(wide[0], 4 * 3, 3, padding=1)
        with torch.no_grad():
            self.last.weight.mul_(0.1)

    def forward(self, shown: Tensor, code: Tensor) -> Tensor:
        """Whole squares."""
        passed, x = list[Tensor](), shown
        for down, deeper in zip(self.down, self.deeper, strict=True):
            x = deeper(down(x))
            passed.append(x)
        x = self._told(0, x, code)
        for number, up in enumerate(self.up, 1):
            x = F.interpolate(up(x), scale_factor=2.0, mode="nearest") + passed[-1 - number]
            x = self._told(number, x, code)
        return (shown[:, 3:] + F.pixel_shuffle(self.last(_bent(x)), 2).tanh()).clamp(0, 1)

    def _told(self, number: int, x: Tensor, code: Tensor) -> Tensor:
        scale, shift = self.told[number](code).unsqueeze(-1).unsqueeze(-1).chunk(2, 1)
        found: Tensor = self.finer[number](x * (1 + scale) + shift)
        return found


class Synclips(nn.Module):
    """All parts of a `Layout`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        size = SIZES[layout.size]
        self.audio = AUDIO[layout.audio](size, HEARS[layout.hears], layout.drop)
        self.video = VIDEO[layout.video](size, layout.face, layout.drop)
        self.time = nn.Sequential(TimeLayer(size.wide, 1, layout.drop), TimeLayer(size.wide, 3, layout.drop))
        self.heads = nn.ModuleDict(
            {side: nn.Sequential(nn.LayerNorm(size.wide), nn.GELU(), nn.Linear(size.wide, size.embedding))
             for side in ("audio", "video")}
        )  # fmt: skip
        self.sharpness = nn.Parameter(torch.tensor(2.3))
        self.join = nn.Linear(2 * size.wide, size.wide)
        self.align = aligner(layout.align, size, layout.drop)
        self.decoder = Decoder(size)
        self.register_buffer("alpha", torch.from_numpy(compact.alpha(layout.face)), persistent=False)

    alpha: Tensor

    def encoders(self) -> list[nn.Parameter]:
        """What learns while the encoders are alone."""
        parts = (self.audio, self.video, self.time, self.heads)
        return [parameter for part in parts for parameter in part.parameters()] + [self.sharpness]

    def forward(
        self, heard: Tensor, seen: Tensor | None, frames: Tensor | None = None, reference: Tensor | None = None
    ) -> dict[str, Tensor]:
        """All that a training asks for, in one call.

        ``heard`` (B, 4·T, F); ``seen`` (B, T, 3, S, S) gives ``video`` and ``audio``, unit vectors (B, T, D), and
        ``sharpness``, how sharply they compare; ``frames`` (B, P, 3, S, S), the P in the middle of the T, and a
        ``reference`` (B, 3, S, S) give ``painted`` (B, P, 3, S, S). Pictures are 0-1.
        """
        sounds, found = self.audio(heard), dict[str, Tensor]()
        if seen is not None:
            sights = self.video(neighbours(seen)).view(*seen.shape[:2], -1)
            sights = self.time(sights.transpose(1, 2)).transpose(1, 2)
            found = {"video": self._unit("video", sights), "audio": self._unit("audio", sounds)}
            found["sharpness"] = self.sharpness.exp().clamp(1, 50)
        if frames is not None and reference is not None:
            found["painted"] = self._painted(sounds, frames, reference)
        return found

    def paint(self, frames: Tensor, heard: Tensor, reference: Tensor) -> Tensor:
        """Frames (B, T, 3, S, S) with the mouths that go with what is heard (B, 4·T, F), painted after a
        ``reference`` (B, 3, S, S). What is painted of each frame is hidden first: nothing of its own mouth is seen."""
        return self._painted(self.audio(heard), frames, reference)

    def _painted(self, sounds: Tensor, frames: Tensor, reference: Tensor) -> Tensor:
        look = self.video(neighbours(reference[:, None]))[:, None].expand(-1, sounds.shape[1], -1)
        codes = self.align(self.join(torch.cat([sounds, look], 2)))
        first = (sounds.shape[1] - frames.shape[1]) // 2
        codes = codes[:, first : first + frames.shape[1]].flatten(0, 1)
        beside = reference[:, None].expand(-1, frames.shape[1], -1, -1, -1)
        hidden = torch.where(self.alpha > 0, 0.5, frames)
        made = self.decoder(torch.cat([hidden, beside], 2).flatten(0, 1), codes).view(frames.shape)
        return self.alpha * made + (1 - self.alpha) * frames

    def _unit(self, side: str, features: Tensor) -> Tensor:
        values: Tensor = self.heads[side](features)
        return values * torch.rsqrt(values.square().sum(-1, keepdim=True) + 1e-8)


class Painting(nn.Module):
    """What is exported: frames, what is heard, and a reference in; frames with painted mouths out."""

    def __init__(self, network: Synclips) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, heard: Tensor, reference: Tensor) -> Tensor:
        """(1, T, 3, S, S), (1, 4·T, F) and (1, 3, S, S) to (1, T, 3, S, S)."""
        return self.network.paint(frames, heard, reference)
