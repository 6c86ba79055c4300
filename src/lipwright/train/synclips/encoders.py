"""What hears and what sees in the layout `synclips`, and what brings both together in time; each in several kinds.

All give `Size.wide` numbers a frame, for any number of frames. Attention reaches ``REACH`` frames to either side and
knows how far away what it looks at is, not where in the recording: so it works on recordings longer than the windows it
has learnt from [Shaw et al., "Self-Attention with Relative Position Representations", 2018].

Batch norms take out what all frames of all people share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright.train.networks import COLUMNS, TimeLayer, conv2d

REACH = 12
"""Frames to either side that attention over time looks at."""
SMALLEST = 6
"""Side, px, down to which a face is halved before it is looked at as a whole."""
SEEN = 5
"""Pictures that are looked at together, their colours beside each other as in SyncNet: that shows movement."""
PATCHES = 8
"""Of a ViT, across and down."""


@dataclass(frozen=True)
class Size:
    """Channels of the first convolution; values a frame; heads and layers of attention; values of an embedding; and
    channels of what paints, at a half, a quarter, an eighth and a sixteenth of the side."""

    front: int
    wide: int
    heads: int
    layers: int
    embedding: int
    paint: tuple[int, int, int, int]


SIZES = {
    "tiny": Size(4, 16, 2, 1, 16, (4, 4, 8, 8)),
    "small": Size(24, 128, 4, 2, 64, (24, 40, 72, 112)),
    "full": Size(48, 256, 8, 4, 128, (48, 80, 144, 224)),
}


class Attention(nn.Module):
    """Self-attention of (N, T, C); with a ``reach``, of neighbours in time only, else of all."""

    def __init__(self, wide: int, heads: int, drop: float, reach: int = 0) -> None:
        super().__init__()
        self.heads, self.drop, self.reach = heads, drop, reach
        self.into, self.out = nn.Linear(wide, 3 * wide), nn.Linear(wide, wide)
        self.away = nn.Parameter(torch.zeros(heads, 2 * reach + 1)) if reach else None

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        count, length, wide = x.shape
        split = self.into(x).view(count, length, 3, self.heads, wide // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        drop = self.drop if self.training else 0.0
        found = F.scaled_dot_product_attention(query, key, value, self._near(x), drop)
        mixed: Tensor = self.out(found.transpose(1, 2).reshape(count, length, wide))
        return mixed

    def _near(self, x: Tensor) -> Tensor | None:
        """What is added for how far away each is (heads, T, T)."""
        if self.away is None:
            return None
        at = torch.arange(x.shape[1], device=x.device)
        gap = at[None] - at[:, None]
        worth = self.away[:, gap.clamp(-self.reach, self.reach) + self.reach]
        return worth.masked_fill(gap.abs() > self.reach, -math.inf).to(x.dtype)


class Layer(nn.Module):
    """A layer of a transformer [Vaswani et al., 2017], normalised first: (N, T, C) to the same."""

    def __init__(self, size: Size, drop: float, reach: int = 0) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(size.wide), nn.LayerNorm(size.wide)
        self.attention = Attention(size.wide, size.heads, drop, reach)
        wider = nn.Linear(size.wide, 2 * size.wide)
        self.mix = nn.Sequential(wider, nn.GELU(), nn.Dropout(drop), nn.Linear(2 * size.wide, size.wide))

    def forward(self, x: Tensor) -> Tensor:
        """Each looks at the others, then thinks."""
        x = x + self.attention(self.first(x))
        thought: Tensor = self.mix(self.second(x))
        return x + thought


# -- hearing: (B, 4·T, F) to (B, T, C)


class Conv1dAudio(nn.Module):
    """Convolutions over time."""

    def __init__(self, size: Size, values: int, drop: float) -> None:
        super().__init__()
        wide = size.wide
        first, second = (nn.Conv1d(n, wide, 4, stride=2, padding=1) for n in (values, wide))
        self.front = nn.Sequential(first, nn.BatchNorm1d(wide), nn.GELU(), second, nn.BatchNorm1d(wide))
        self.time = nn.Sequential(TimeLayer(wide, 1, drop), TimeLayer(wide, 3, drop))

    def forward(self, heard: Tensor) -> Tensor:
        """What is heard at each frame, ±6 frames around it."""
        found: Tensor = self.time(self.front(heard.transpose(1, 2)))
        return found.transpose(1, 2)


class TransformerAudio(nn.Module):
    """The columns of a frame are a word; words look at each other."""

    def __init__(self, size: Size, values: int, drop: float) -> None:
        super().__init__()
        words = nn.Conv1d(values, size.wide, COLUMNS, stride=COLUMNS)
        self.front = nn.Sequential(words, nn.BatchNorm1d(size.wide))
        self.layers = nn.Sequential(*(Layer(size, drop, REACH) for _ in range(size.layers)))

    def forward(self, heard: Tensor) -> Tensor:
        """What is heard at each frame, and up to ``layers`` · ``REACH`` frames around it."""
        found: Tensor = self.layers(self.front(heard.transpose(1, 2)).transpose(1, 2))
        return found


# -- seeing: pictures, each with its neighbours, (N, 3 · SEEN, S, S), 0-1, to (N, C)


class CnnVideo(nn.Module):
    """Convolutions that halve the picture until it is small enough to be looked at as a whole."""

    def __init__(self, size: Size, face: int, drop: float) -> None:
        super().__init__()
        steps, inside, outside = list[nn.Module](), 3 * SEEN, size.front
        while face > SMALLEST:
            steps.append(conv2d(inside, outside, 4 if steps else 6, 2))
            inside, outside, face = outside, min(2 * outside, size.wide), face // 2
        self.front = nn.Sequential(*steps, nn.Dropout2d(drop))
        self.flat = nn.Sequential(nn.Linear(inside * face * face, size.wide), nn.BatchNorm1d(size.wide))

    def forward(self, pictures: Tensor) -> Tensor:
        """Whatever their brightness and contrast."""
        found: Tensor = self.flat(self.front(_even(pictures)).flatten(1))
        return found


class VitVideo(nn.Module):
    """8 x 8 patches that look at each other [Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021]; their mean."""

    def __init__(self, size: Size, face: int, drop: float) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3 * SEEN, size.wide, face // PATCHES, stride=face // PATCHES)
        self.place = nn.Parameter(0.02 * torch.randn(1, PATCHES**2, size.wide))
        self.layers = nn.Sequential(*(Layer(size, drop) for _ in range(size.layers)))
        self.out = nn.Sequential(nn.Linear(size.wide, size.wide), nn.BatchNorm1d(size.wide))

    def forward(self, pictures: Tensor) -> Tensor:
        """Whatever their brightness and contrast."""
        words = self.patches(_even(pictures)).flatten(2).transpose(1, 2) + self.place
        found: Tensor = self.out(self.layers(words).mean(1))
        return found


def neighbours(pictures: Tensor) -> Tensor:
    """Each picture (B, T, 3, S, S) between those before and after it, (B · T, 3 · SEEN, S, S); the ends stand still."""
    frames, more = pictures.shape[1], SEEN // 2
    before, after = (end.expand(-1, more, -1, -1, -1) for end in (pictures[:, :1], pictures[:, -1:]))
    longer = torch.cat([before, pictures, after], 1)
    return torch.cat([longer[:, k : k + frames] for k in range(SEEN)], 2).flatten(0, 1)


def _even(pictures: Tensor) -> Tensor:
    x = pictures - pictures.mean((1, 2, 3), keepdim=True)
    return x * torch.rsqrt(x.square().mean((1, 2, 3), keepdim=True) + 1e-3)


# -- bringing both together in time: (B, T, C) to the same


class Recurrent(nn.Module):
    """A GRU or an LSTM that goes both ways."""

    def __init__(self, size: Size, kind: type[nn.GRU | nn.LSTM]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.wide)
        self.both = kind(size.wide, size.wide // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """What went before and what comes is known."""
        found: Tensor = self.both(self.norm(x))[0]
        return x + found


def aligner(kind: str, size: Size, drop: float) -> nn.Module:
    """Gru, lstm or transformer."""
    if kind == "transformer":
        return nn.Sequential(*(Layer(size, drop, REACH) for _ in range(size.layers)))
    return Recurrent(size, {"gru": nn.GRU, "lstm": nn.LSTM}[kind])


AUDIO: dict[str, Callable[[Size, int, float], nn.Module]] = {"conv1d": Conv1dAudio, "transformer": TransformerAudio}
VIDEO: dict[str, Callable[[Size, int, float], nn.Module]] = {"cnn": CnnVideo, "vit": VitVideo}
ALIGN = ("gru", "lstm", "transformer")
HEARS = {"mel": 64, "mfcc": 13}
"""Values of a column of what is heard."""
