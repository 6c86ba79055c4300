"""The networks' definitions: two encoders that meet in one space, and speech to mouth motion.

All are fully convolutional in time: any length in, the same length out at 25 fps. Time is padded, so the
outermost ``EDGE`` frames of a window know where they are; training never looks at those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EDGE = 6
"""Frames to either side that an embedding depends on: ±2 by the front, ±1 and ±3 by the two time layers."""
COLUMNS = 4
"""Log-mel columns a frame."""


@dataclass(frozen=True)
class Size:
    """Channels of both fronts, of the picture's and the sound's middle, of the time layers; values of an embedding."""

    front: int
    sight: int
    hearing: int
    wide: int
    embedding: int = 128


SIZES = {"tiny": Size(4, 8, 8, 16, 16), "small": Size(24, 48, 64, 192), "full": Size(32, 96, 96, 256)}


class Norm(nn.Module):
    """Normalise each position over its channels, scale and shift: works for (B, C, …) of any rank."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, …) to the same shape."""
        x = x - x.mean(1, keepdim=True)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-5)
        shape = [1, -1] + [1] * (x.ndim - 2)
        return x * self.weight.view(shape) + self.bias.view(shape)


class TimeLayer(nn.Module):
    """A residual 1-D convolution over time, dilated: (B, C, T) to (B, C, T)."""

    def __init__(self, channels: int, dilation: int, drop: float, kernel: int = 3) -> None:
        super().__init__()
        self.norm = Norm(channels)
        self.conv = nn.Conv1d(channels, channels, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """One step of context."""
        return x + self.drop(self.mix(F.gelu(self.conv(self.norm(x)))))


def conv2d(inside: int, outside: int, kernel: int | tuple[int, int], stride: int | tuple[int, int]) -> nn.Sequential:
    """Convolution, batch norm, ReLU; padded so that stride 1 keeps the size."""
    size = (kernel, kernel) if isinstance(kernel, int) else kernel
    steps = (stride, stride) if isinstance(stride, int) else stride
    pad = tuple((k - s + 1) // 2 for k, s in zip(size, steps, strict=True))
    layer = nn.Conv2d(inside, outside, size, steps, pad, bias=False)  # type: ignore[arg-type]
    return nn.Sequential(layer, nn.BatchNorm2d(outside), nn.ReLU())


class AudioTrunk(nn.Module):
    """Log-mel (B, 4·T, 64), normalised, to features (B, wide, T)."""

    def __init__(self, size: Size, drop: float) -> None:
        super().__init__()
        a, b = size.front, size.hearing
        self.front = nn.Sequential(
            conv2d(1, a, 3, (1, 2)),
            conv2d(a, b, 4, 2),
            conv2d(b, b, 3, (1, 2)),
            conv2d(b, 2 * b, 4, 2),
            nn.Dropout2d(drop),
        )
        self.flat = nn.Conv1d(2 * b * 4, size.wide, 1)
        self.time = nn.Sequential(TimeLayer(size.wide, 1, drop), TimeLayer(size.wide, 3, drop))

    def forward(self, columns: Tensor) -> Tensor:
        """Every frame's features hear ±6 frames."""
        x = self.front(columns.unsqueeze(1))
        return self.time(self.flat(x.transpose(1, 2).flatten(2).transpose(1, 2)))


class Head(nn.Module):
    """Features (B, wide, T) to unit vectors (B, T, D)."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.norm = Norm(size.wide)
        self.out = nn.Conv1d(size.wide, size.embedding, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised to length 1."""
        x = self.out(F.gelu(self.norm(x))).transpose(1, 2)
        return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-8)


class AudioEncoder(nn.Module):
    """Normalised log-mel (B, 4·T, 64) to unit vectors (B, T, D)."""

    def __init__(self, size: Size, drop: float) -> None:
        super().__init__()
        self.trunk = AudioTrunk(size, drop)
        self.head = Head(size)

    def forward(self, columns: Tensor) -> Tensor:
        """One embedding a frame."""
        return self.head(self.trunk(columns))


class CropEncoder(nn.Module):
    """Grey mouth crops (B, T, 48, 64) in [0, 1] to unit vectors (B, T, D)."""

    def __init__(self, size: Size, drop: float) -> None:
        super().__init__()
        a, b = size.front, size.sight
        self.front = conv2d(5, a, 5, 2)  # five pictures as channels: a 3-D convolution of depth 5
        self.middle = nn.Sequential(conv2d(a, b, 3, 2), conv2d(b, 2 * b, 3, 2))
        self.last = nn.Sequential(conv2d(2 * b, 2 * b, 3, 2), nn.Dropout2d(drop))
        self.flat = nn.Conv1d(2 * b * 12, size.wide, 1)
        self.time = nn.Sequential(TimeLayer(size.wide, 1, drop), TimeLayer(size.wide, 3, drop))
        self.head = Head(size)

    def forward(self, crops: Tensor) -> Tensor:
        """One embedding a frame; each picture's brightness and contrast are taken out first."""
        return self.embedded(self.maps(crops)[-1], crops.shape[0])

    def embedded(self, maps: Tensor, batch: int) -> Tensor:
        """The embeddings (B, T, D) of the last of its `maps`."""
        return self.head(self.time(self.flat(maps.reshape(batch, maps.shape[0] // batch, -1).transpose(1, 2))))

    def maps(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is found on the way, coarser and coarser (B·T, C, H, W): each sees five pictures."""
        frames = crops.shape[1]
        x = crops - crops.mean((2, 3), keepdim=True)
        x = x * torch.rsqrt(x.square().mean((2, 3), keepdim=True) + 1e-3)
        x = torch.cat([x[:, :1], x[:, :1], x, x[:, -1:], x[:, -1:]], 1)
        five = torch.stack([x[:, k : k + frames] for k in range(5)], 2).flatten(0, 1)
        first = self.front(five)
        second = self.middle(first)
        return first, second, self.last(second)


class PointsEncoder(nn.Module):
    """Pose-free mouth points (B, T, V·3), relative to their mean, to unit vectors (B, T, D)."""

    def __init__(self, size: Size, values: int, drop: float) -> None:
        super().__init__()
        widen = nn.Conv1d(values, size.wide, 1)
        self.front = nn.Sequential(widen, nn.GELU(), nn.Dropout1d(drop), nn.Conv1d(size.wide, size.wide, 5, padding=2))
        self.time = nn.Sequential(TimeLayer(size.wide, 1, drop), TimeLayer(size.wide, 3, drop))
        self.head = Head(size)

    def forward(self, points: Tensor) -> Tensor:
        """One embedding a frame."""
        return self.head(self.time(self.front(points.transpose(1, 2))))


SIDES = ("video", "audio")
"""The encoders of an expert."""


class Expert(nn.Module):
    """Two encoders and how sharply they compare."""

    def __init__(self, sees: str, size: str = "small", drop: float = 0.1, values: int = 0) -> None:
        super().__init__()
        shape = SIZES[size]
        self.video = CropEncoder(shape, drop) if sees == "crop" else PointsEncoder(shape, values, drop)
        self.audio = AudioEncoder(shape, drop)
        self.sharpness = nn.Parameter(torch.tensor(2.3))

    def forward(self, seen: Tensor, heard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings of both (B, T, D), and 1 / temperature, between 1 and 50."""
        return self.video(seen), self.audio(heard), self.sharpness.exp().clamp(1, 50)


class Together(nn.Module):
    """Encoders of several trainings as one: their embeddings side by side, so that its distances are the root mean
    squares of theirs."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, given: Tensor) -> Tensor:
        """Unit vectors (B, T, D · members)."""
        said = [member(given) for member in self.members]
        return torch.cat(said, -1) / math.sqrt(len(said))


class Experts(nn.Module):
    """Experts of several trainings, asked and answering as one :class:`Expert`."""

    def __init__(self, members: list[Expert]) -> None:
        super().__init__()
        self.video, self.audio = (Together([getattr(member, side) for member in members]) for side in SIDES)


class MotionNet(nn.Module):
    """Normalised log-mel (B, 4·T, 64) to mouth motion (B, T, K) and opening, closed score (B, T).

    The expert's trunk (±6 frames), then dilated time layers; in all it hears ``reach`` frames to either
    side. Outputs are in units of the speaker's own spread: how far the mouth is open moves the points
    along ``slope``, and K coefficients along ``basis`` move them as opening does not (see :meth:`points`).
    """

    def __init__(self, components: int, vertices: int, size: str = "small", drop: float = 0.1) -> None:
        super().__init__()
        shape = SIZES[size]
        self.trunk = AudioTrunk(shape, drop)
        self.time = nn.Sequential(*(TimeLayer(shape.wide, dilation, drop) for dilation in (1, 2, 4)))
        self.norm = Norm(shape.wide)
        self.out = nn.Conv1d(shape.wide, components + 2, 1)
        self.register_buffer("basis", torch.zeros(components, vertices * 3))
        self.register_buffer("slope", torch.zeros(vertices * 3))
        self.register_buffer("spread", torch.ones(2))

    basis: Tensor
    slope: Tensor
    spread: Tensor

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coefficients (B, T, K), opening (B, T) as z-values, and the logit of "closed" (B, T)."""
        x = self.norm(self.time(self.trunk(columns)))
        x = self.out(F.gelu(x)).transpose(1, 2)
        return x[..., :-2], x[..., -2], x[..., -1]

    def points(self, coefficients: Tensor, opening: Tensor) -> Tensor:
        """Coefficients (B, T, K) and opening (B, T) to displacements (B, T, V, 3) in inter-ocular units."""
        flat = coefficients @ self.basis + opening.unsqueeze(-1) * self.slope
        return flat.view(*flat.shape[:2], -1, 3)


class MotionNets(nn.Module):
    """Motion networks of one space whose answers are averaged: asked and answering as one :class:`MotionNet`."""

    def __init__(self, members: list[MotionNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def first(self) -> MotionNet:
        """The first of the members, for what they share."""
        return cast(MotionNet, self.members[0])

    @property
    def basis(self) -> Tensor:
        """As of the members."""
        return self.first.basis

    @property
    def slope(self) -> Tensor:
        """As of the members."""
        return self.first.slope

    @property
    def spread(self) -> Tensor:
        """As of the members."""
        return self.first.spread

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The means of the members' coefficients, openings and logits of "closed"."""
        said = [member(columns) for member in self.members]
        coefficients, opening, closed = (torch.stack(parts).mean(0) for parts in zip(*said, strict=True))
        return coefficients, opening, closed

    def points(self, coefficients: Tensor, opening: Tensor) -> Tensor:
        """As :meth:`MotionNet.points`."""
        return self.first.points(coefficients, opening)


def count(module: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in module.parameters())
