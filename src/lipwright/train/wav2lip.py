"""The Wav2Lip family's networks [Prajwal et al., 2020], so that its checkpoints load name by name.

A `Generator` paints the lower half of a face from 200 ms of sound. `LAYOUTS` holds the published sizes; each is a
chain of `Stage`s down to one point and up again, and its tensors bear the names of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Pair = int | tuple[int, int]


class Block(nn.Module):
    """Convolution (transposed where ``grow`` is given) and batch norm, the input added where ``residual``; then ReLU
    or PReLU."""

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: Pair = 3,
        stride: Pair = 1,
        pad: int = 1,
        *,
        residual: bool = False,
        grow: int | None = None,
        prelu: bool = False,
    ) -> None:
        super().__init__()
        layer: nn.Module = (
            nn.Conv2d(inside, outside, kernel, stride, pad)
            if grow is None
            else nn.ConvTranspose2d(inside, outside, kernel, stride, pad, grow)
        )
        self.conv_block = nn.Sequential(layer, nn.BatchNorm2d(outside))
        self.act = nn.PReLU() if prelu else nn.ReLU()
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(B, inside, H, W) to (B, outside, H', W')."""
        out = self.conv_block(x)
        return self.act(out + x if self.residual else out)


class Stage(NamedTuple):
    """A `Block` to ``channels``, then ``residuals`` residual ones; ``pad`` 0 on the way down adds a 1×1 block."""

    channels: int
    kernel: int = 3
    stride: Pair = 2
    pad: int = 1
    residuals: int = 2
    grow: int = 1
    """Output padding, on the way up."""


@dataclass(frozen=True)
class Layout:
    """A member of the family: pictures of ``size`` px, the stages ``down`` to a point and ``up`` again."""

    size: int
    down: tuple[Stage, ...]
    up: tuple[Stage, ...]
    prelu: bool = False
    part: int = 1
    """Channels are divided by this: tiny networks have the full one's shape."""

    def of(self, channels: int) -> int:
        """Channels of this member where the full size has ``channels``."""
        return max(2, channels // self.part)


_DOWN = (
    Stage(16, 7, 1, 3, 0),
    Stage(32),
    Stage(64, residuals=3),
    Stage(128),
    Stage(256),
    Stage(512, residuals=1),
)
_UP = (Stage(384), Stage(256), Stage(128), Stage(64))
_WIDE_DOWN = (
    Stage(16, 7, 1, 3, 0),
    Stage(32, 5, 2, 2, 1),
    Stage(32),
    Stage(64, residuals=3),
    Stage(128),
    Stage(256),
    Stage(512, residuals=1),
)

LAYOUTS = {
    "wav2lip-96": Layout(96, (*_DOWN, Stage(512, 3, 1, 0)), (Stage(512, 3, 1, 0, 1, 0), Stage(512), *_UP)),
    "wav2lip-256": Layout(
        256,
        (*_DOWN, Stage(512, residuals=1), Stage(512, 4, 1, 0)),
        (Stage(512, 4, 1, 0, 1, 0), Stage(512, residuals=1), Stage(512), *_UP),
    ),
    "wav2lip-288": Layout(
        288,
        (*_WIDE_DOWN, Stage(512, 3, 1, 0), Stage(512, 3, 1, 0)),
        (Stage(512, 3, 1, 0, 1, 0), Stage(512, grow=0), Stage(512, grow=0), *_UP, Stage(64)),
        prelu=True,
    ),
}
LAYOUTS["wav2lip-relu-288"] = replace(LAYOUTS["wav2lip-288"], prelu=False)
"""The published members: the original [Rudrabha/Wav2Lip], LiveTalking's wav2lip256, and primepake's 288, first with
PReLU and later with ReLU."""

TINY = replace(LAYOUTS["wav2lip-96"], part=32)
"""The original with a 32nd of its channels: for tests, and for trying things without weights."""


class Generator(nn.Module):
    """Sound and a face to the face with its lower half repainted; the encoder's maps are handed to the decoder."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.face_encoder_blocks = nn.ModuleList(_down(layout))
        self.audio_encoder = _hearing(layout)
        self.face_decoder_blocks = nn.ModuleList(_up(layout))
        last = layout.of(layout.up[-1].channels) + layout.of(layout.down[0].channels)
        end = layout.of(32)
        self.output_block = nn.Sequential(
            Block(last, end, prelu=layout.prelu), nn.Conv2d(end, 3, 1), nn.Sigmoid()
        )  # fmt: skip

    def forward(self, mel: Tensor, faces: Tensor) -> Tensor:
        """Mel (B, 1, 80, 16) and faces (B, 6, S, S), BGR 0-1 with the lower half black, then whole: (B, 3, S, S).

        With time, (B, T, 1, 80, 16) and (B, 6, T, S, S) give (B, 3, T, S, S).
        """
        if faces.ndim == 5:
            flat = self(mel.transpose(0, 1).flatten(0, 1), faces.permute(2, 0, 1, 3, 4).flatten(0, 1))
            return flat.unflatten(0, (faces.shape[2], faces.shape[0])).permute(1, 2, 0, 3, 4)
        seen: list[Tensor] = []
        x = faces
        for block in self.face_encoder_blocks:
            x = block(x)
            seen.append(x)
        x = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            x = torch.cat((block(x), seen.pop()), 1)
        return self.output_block(x)


def _down(layout: Layout) -> Iterator[nn.Sequential]:
    inside = 6
    for stage in layout.down:
        outside = layout.of(stage.channels)
        first = Block(inside, outside, stage.kernel, stage.stride, stage.pad, prelu=layout.prelu)
        points = () if stage.pad else (Block(outside, outside, 1, pad=0, prelu=layout.prelu),)
        more = (_same(outside, layout.prelu) for _ in range(stage.residuals if stage.pad else 0))
        yield nn.Sequential(first, *points, *more)
        inside = outside


def _up(layout: Layout) -> Iterator[nn.Sequential]:
    inside = layout.of(512)
    yield nn.Sequential(Block(inside, inside, 1, pad=0, prelu=layout.prelu))
    for stage, below in zip(layout.up, reversed(layout.down[1:]), strict=True):
        inside += layout.of(below.channels)
        outside = layout.of(stage.channels)
        first = Block(inside, outside, stage.kernel, stage.stride, stage.pad, grow=stage.grow, prelu=layout.prelu)
        yield nn.Sequential(first, *(_same(outside, layout.prelu) for _ in range(stage.residuals)))
        inside = outside


def _same(channels: int, prelu: bool = False) -> Block:
    return Block(channels, channels, residual=True, prelu=prelu)


_HEARD: tuple[tuple[int, Pair, int], ...] = ((32, 1, 2), (64, (3, 1), 2), (128, 3, 2), (256, (3, 2), 1))
"""Channels, stride and residual blocks of each step from (80, 16) to (3, 3)."""


def _hearing(layout: Layout, last: int = 1) -> nn.Sequential:
    """Mel (B, 1, 80, 16) to (B, 512, 1, 1); ``last`` residual blocks in its last step."""
    blocks: list[nn.Module] = []
    inside = 1
    for channels, stride, residuals in _HEARD:
        outside = layout.of(channels)
        blocks.append(Block(inside, outside, 3, stride, prelu=layout.prelu))
        blocks += [_same(outside, layout.prelu) for _ in range(last if channels == 256 else residuals)]
        inside = outside
    end = layout.of(512)
    blocks += [Block(inside, end, 3, pad=0, prelu=layout.prelu), Block(end, end, 1, pad=0, prelu=layout.prelu)]
    return nn.Sequential(*blocks)


class SyncExpert(nn.Module):
    """Wav2Lip's expert (SyncNet_color): five lower halves and 200 ms of sound to unit vectors of 512, not negative.

    ``part`` divides the channels: tiny networks have the full one's shape.
    """

    def __init__(self, part: int = 1) -> None:
        super().__init__()
        layout = replace(LAYOUTS["wav2lip-96"], part=part)
        self.face_encoder = nn.Sequential(*_watching(layout))
        self.audio_encoder = _hearing(layout, last=2)

    def forward(self, mel: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Mel (B, 1, 80, 16) and faces (B, 15, 48, 96), five BGR pictures 0-1: two times (B, 512)."""
        heard, seen = self.audio_encoder(mel).flatten(1), self.face_encoder(faces).flatten(1)
        return F.normalize(heard, dim=1), F.normalize(seen, dim=1)


def _watching(layout: Layout) -> Iterator[Block]:
    inside = layout.of(32)
    yield Block(15, inside, 7, 1, 3)
    for channels, kernel, stride, residuals in ((64, 5, (1, 2), 2), (128, 3, 2, 3), (256, 3, 2, 2), (512, 3, 2, 2)):
        outside = layout.of(channels)
        yield Block(inside, outside, kernel, stride)
        yield from (_same(outside) for _ in range(residuals))
        inside = outside
    yield Block(inside, inside, 3, 2)
    yield Block(inside, inside, pad=0)
    yield Block(inside, inside, 1, pad=0)


def tiny(seed: int = 0) -> Generator:
    """An untrained generator of about 37,000 values whose answers depend on what it sees and hears.

    The same for the same ``seed``. Its batch norms know the statistics of noise, so that nothing dies out.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = Generator(TINY)
        for name, value in network.face_decoder_blocks.named_parameters():
            if name.endswith("conv_block.1.weight"):  # what is heard counts for more than what is seen
                value.mul_(3)
        for _ in range(20):
            blocks = torch.rand(8, 6, 12, 12).repeat_interleave(8, 2).repeat_interleave(8, 3)
            network.train()(4 * torch.randn(8, 1, 80, 16), blocks)
        end = network.output_block[1]
        if isinstance(end, nn.Conv2d):
            end.weight *= 3
    return network.eval()
