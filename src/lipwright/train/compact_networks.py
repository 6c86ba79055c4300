"""The networks of the training of `compact`: a generator that redraws a lower face, and the critic it works against.

The generator is a small U-Net. What it draws is a mixture, pixel by pixel, of two pictures of the same person warped to
the wanted mesh and of one that it paints itself, under a smooth correction of colour; so skin keeps its detail, and
what no reference shows (teeth behind closed lips) can still be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright.compact import GAPS, PLANES
from lipwright.train.networks import Norm


@dataclass(frozen=True)
class Size:
    """Channels at a half, a quarter, an eighth and a sixteenth of the side; values of what is heard; of the critic."""

    wide: tuple[int, int, int, int]
    heard: int
    critic: int


SIZES = {
    "tiny": Size((4, 4, 8, 8), 8, 4),
    "small": Size((24, 40, 72, 112), 48, 24),
    "full": Size((48, 80, 144, 224), 96, 48),
}


FINE = 8.0
"""How much fine detail is enlarged for the critic."""


class Block(nn.Module):
    """Two 3 x 3 convolutions, normalised, around which the input goes past."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = (_normed(nn.Conv2d(channels, channels, 3, padding=1)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return x + cast(Tensor, self.two(F.relu(self.one(F.relu(x)))))


def _normed(layer: nn.Conv2d) -> nn.Sequential:
    """A convolution, then batch norm, which costs nothing once it is trained."""
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels))


class Hearing(nn.Module):
    """Normalised log-mel (B, 32, 64) around a frame, and openings (B, 3), to values (B, N)."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.front = nn.Conv1d(64, size.heard, 4, stride=4)
        self.middle = nn.Conv1d(size.heard, size.heard, 3, stride=2, padding=1)
        self.norm = Norm(size.heard)
        self.out = nn.Linear(4 * size.heard + GAPS, size.heard)

    def forward(self, heard: Tensor, gaps: Tensor) -> Tensor:
        """Eight frames of sound, at half their rate, flat."""
        x = F.relu(self.norm(self.middle(F.relu(self.front(heard.transpose(1, 2))))))
        return F.relu(self.out(torch.cat([x.flatten(1), gaps], 1)))


class Generator(nn.Module):
    """Redraws lower faces: see `lipwright.compact` for what goes in.

    ``seen`` (B, 11, S, S), ``heard`` (B, 32, 64), ``gaps`` (B, 3) -> pictures (B, 3, S, S), 0-1, and how much of
    either reference they show, pixel by pixel (B, 2, S, S).
    """

    def __init__(self, size: str = "small") -> None:
        super().__init__()
        shape = SIZES[size]
        a, b, c, d = shape.wide
        self.stem = _normed(nn.Conv2d(PLANES, a, 4, stride=2, padding=1))
        self.fine = Block(a)
        steps = ((a, b), (b, c), (c, d))
        self.down = nn.ModuleList([_normed(nn.Conv2d(x, y, 4, stride=2, padding=1)) for x, y in steps])
        self.deeper = nn.ModuleList([Block(width) for width in (b, c, d)])
        self.hearing = Hearing(shape)
        self.told = nn.Linear(shape.heard, 2 * d)
        self.bottom = nn.Sequential(Block(d), Block(d))
        self.up = nn.ModuleList([_normed(nn.Conv2d(y, x, 1)) for x, y in reversed(steps)])
        self.finer = nn.ModuleList([Block(width) for width in (c, b, a)])
        self.shade = nn.Conv2d(c, 3, 3, padding=1)
        self.last = nn.Conv2d(a, 4 * 6, 3, padding=1)
        nn.init.zeros_(self.shade.weight)
        with torch.no_grad():  # begin with what the references show
            cast(Tensor, self.last.bias)[20:] = -2.0

    def forward(self, seen: Tensor, heard: Tensor, gaps: Tensor) -> tuple[Tensor, Tensor]:
        """The whole square; only what is hidden in ``seen`` is meant to be shown."""
        x = self.fine(self.stem(seen))
        passed = []
        for down, deeper in zip(self.down, self.deeper, strict=True):
            passed.append(x)
            x = deeper(down(x))
        scale, shift = self.told(self.hearing(heard, gaps)).unsqueeze(-1).unsqueeze(-1).chunk(2, 1)
        x = self.bottom(x * (1 + scale) + shift)
        shade = None
        for up, finer, beside in zip(self.up, self.finer, reversed(passed), strict=True):
            x = finer(F.interpolate(up(x), scale_factor=2.0, mode="nearest") + beside)
            shade = self.shade(x) if shade is None else shade
        return self._mixed(seen, F.pixel_shuffle(self.last(F.relu(x)), 2), shade)

    def _mixed(self, seen: Tensor, made: Tensor, shade: Tensor | None) -> tuple[Tensor, Tensor]:
        own, shares = made[:, :3].sigmoid(), made[:, 3:].softmax(1)
        mixed = shares[:, :1] * seen[:, 3:6] + shares[:, 1:2] * seen[:, 6:9] + shares[:, 2:] * own
        if shade is not None:
            light = F.interpolate(0.5 * shade.tanh(), scale_factor=8.0, mode="bilinear", align_corners=False)
            mixed = mixed + light
        return mixed.clamp(0, 1), shares[:, :2]


class Critic(nn.Module):
    """Tells real mouths from painted ones, patch by patch.

    Pictures with their drawn guide (B, 5, H, W) to scores (B, 1, H/8, W/8), and the maps on the way to them. Fine
    detail is shown to it apart, enlarged.
    """

    def __init__(self, size: str = "small") -> None:
        super().__init__()
        wide = SIZES[size].critic
        steps = [(8, wide), (wide, 2 * wide), (2 * wide, 4 * wide)]
        norm = nn.utils.parametrizations.spectral_norm
        self.steps = nn.ModuleList([norm(nn.Conv2d(x, y, 4, stride=2, padding=1)) for x, y in steps])
        self.out = norm(nn.Conv2d(4 * wide, 1, 3, padding=1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores are logits without a bound: above 0 is real."""
        colours = pictures[:, :3]
        fine = colours - F.avg_pool2d(colours, 5, 1, 2, count_include_pad=False)
        maps, x = [], torch.cat([2 * pictures - 1, FINE * fine], 1)
        for step in self.steps:
            x = F.leaky_relu(step(x), 0.2)
            maps.append(x)
        score: Tensor = self.out(x)
        return score, maps


def tiny() -> Generator:
    """An untrained generator, the same every time, for tests; see `SIZES`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator("tiny").eval()
