"""The Wav2Lip family's networks [Prajwal et al., 2020], so that its checkpoints load name by name.

A `Generator` paints the lower half of a face from 200 ms of sound. `LAYOUTS` holds the published sizes; each is a
chain of `Stage`s down to one point and up again, and its tensors bear the names of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright.errors import InputError

Pair = int | tuple[int, int]
Act = Literal["relu", "prelu", "leaky"]

_ACTS: dict[Act, Callable[[], nn.Module]] = {"relu": nn.ReLU, "prelu": nn.PReLU, "leaky": partial(nn.LeakyReLU, 0.2)}


class Block(nn.Module):
    """Convolution (transposed where ``grow`` is given) and batch norm, the input added where ``residual``; then ReLU,
    PReLU, or leaky ReLU that keeps 0.2."""

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
        act: Act = "relu",
    ) -> None:
        super().__init__()
        layer: nn.Module = (
            nn.Conv2d(inside, outside, kernel, stride, pad)
            if grow is None
            else nn.ConvTranspose2d(inside, outside, kernel, stride, pad, grow)
        )
        self.conv_block = nn.Sequential(layer, nn.BatchNorm2d(outside))
        self.act = _ACTS[act]()
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(B, inside, H, W) to (B, outside, H', W')."""
        out = self.conv_block(x)
        return self.act(out + x if self.residual else out)


class Stage(NamedTuple):
    """A `Block` to ``channels``, then ``residuals`` residual ones, or, on the way down with ``pad`` 0, ``points`` of
    1×1."""

    channels: int
    kernel: int = 3
    stride: Pair = 2
    pad: int = 1
    residuals: int = 2
    grow: int = 1
    """Output padding, on the way up."""
    points: int = 1


_HEARD: tuple[tuple[int, Pair, int], ...] = ((32, 1, 2), (64, (3, 1), 2), (128, 3, 2), (256, (3, 2), 1))
_HEARD_DEEP = (*_HEARD[:3], (256, (3, 2), 2), (512, 1, 2))
"""Channels, stride and residual blocks of each step of hearing, from (80, 16) to (3, 3)."""


@dataclass(frozen=True)
class Layout:
    """A member of the family: pictures of ``size`` px, the stages ``down`` to a point and ``up`` again."""

    size: int
    down: tuple[Stage, ...]
    up: tuple[Stage, ...]
    act: Act = "relu"
    part: int = 1
    """Channels are divided by this: tiny networks have the full one's shape."""
    heard: tuple[tuple[int, Pair, int], ...] = _HEARD
    middle: int = 512
    """Channels of what was heard, at the point."""
    last: int = 32
    """Channels before the picture."""
    refine: Literal["", "used", "idle"] = ""
    """Two blocks after hearing (``audio_refine``): none, used, or with tensors of their own that nothing reads."""
    attentive: bool = False
    """What is painted is weighed by where something is seen (``sam``), before each join."""
    signed: bool = False
    """Inside, values lie between -1 and 1, and the picture comes out of a tanh; else 0 to 1, out of a sigmoid."""
    rim: int = 0
    """Pixels that the hole in the lower half leaves to be seen at the left, right and bottom."""

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
        act="prelu",
    ),
    "wav2lip-384": Layout(
        384,
        (
            Stage(8, 7, 1, 3, 0),
            Stage(16),
            Stage(32),
            Stage(64, residuals=3),
            Stage(128),
            Stage(256),
            Stage(512),
            Stage(1024),
            Stage(1024, 3, 1, 0),
        ),
        (Stage(1024, 3, 1, 0, 1, 0), Stage(1024), Stage(768), Stage(512), *_UP[1:], Stage(32)),
        act="leaky",
        heard=_HEARD_DEEP,
        middle=1024,
        last=16,
        refine="used",
        signed=True,
        rim=8,
    ),
    "wav2lip-sam-384": Layout(
        384,
        (
            Stage(16, 7, 1, 3, 3),
            *(Stage(channels, residuals=3) for channels in (32, 64, 128, 256, 512, 1024)),
            Stage(1024, 3, 1, 0, points=2),
        ),
        (Stage(1024, 3, 1, 0, 1, 0), Stage(1024), Stage(768), Stage(512), *_UP[1:]),
        heard=_HEARD_DEEP,
        middle=1024,
        refine="idle",
        attentive=True,
    ),
}
LAYOUTS["wav2lip-relu-288"] = replace(LAYOUTS["wav2lip-288"], act="relu")
"""The published members: the original [Rudrabha/Wav2Lip], LiveTalking's wav2lip256, primepake's 288, first with
PReLU and later with ReLU, and two of 384: [nghiakvnvsd/wav2lip384] and [langzizhixin/wav2lip384x384]."""

_LEAST, _MOST = 96, 512


def layout(size: int, part: int = 1) -> Layout:
    """The original's layout for pictures of ``size`` px, 96 to 512: halved until 5 or fewer are left, then a point.

    Those of 96 and 256 are the published ones. ``part`` divides the channels.

    Raises:
        InputError: for another size, or an odd one.
    """
    if not _LEAST <= size <= _MOST or size % 2:
        raise InputError(f"the side of the faces must be an even number of {_LEAST} to {_MOST} pixels; given {size}")
    sides = [size]
    while sides[-1] > 5:
        sides.append((sides[-1] + 1) // 2)
    more = (Stage(512, residuals=1),) * (len(sides) - len(_DOWN))
    down = (*_DOWN, *more, Stage(512, sides[-1], 1, 0))
    grown = (
        stage._replace(grow=1 - side % 2) for stage, side in zip((*more, Stage(512), *_UP), sides[-2::-1], strict=True)
    )
    return Layout(size, down, (Stage(512, sides[-1], 1, 0, 1, 0), *grown), part=part)


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
        end = layout.of(layout.last)
        self.output_block = nn.Sequential(
            Block(last, end, act=layout.act), nn.Conv2d(end, 3, 1), nn.Tanh() if layout.signed else nn.Sigmoid()
        )  # fmt: skip
        if layout.refine:
            wide = layout.of(layout.middle)
            self.audio_refine = nn.Sequential(*(Block(wide, wide, 1, pad=0, act=layout.act) for _ in range(2)))
        if layout.attentive:
            self.sam = nn.ModuleDict({"sa": Attention()})

    def forward(self, mel: Tensor, faces: Tensor) -> Tensor:
        """Mel (B, 1, 80, 16) and faces (B, 6, S, S), BGR 0-1 with the lower half black, then whole: (B, 3, S, S), 0-1.

        With time, (B, T, 1, 80, 16) and (B, 6, T, S, S) give (B, 3, T, S, S).
        """
        if faces.ndim == 5:
            flat = self(mel.transpose(0, 1).flatten(0, 1), faces.permute(2, 0, 1, 3, 4).flatten(0, 1))
            return flat.unflatten(0, (faces.shape[2], faces.shape[0])).permute(1, 2, 0, 3, 4)
        seen: list[Tensor] = []
        x = self._as_trained(faces)
        for block in self.face_encoder_blocks:
            x = block(x)
            seen.append(x)
        x = self.audio_encoder(mel)
        if self.layout.refine == "used":
            x = self.audio_refine(x)
        for block in self.face_decoder_blocks:
            x, beside = block(x), seen.pop()
            if self.layout.attentive:
                x = x * (1 + self.sam["sa"](beside))
            x = torch.cat((x, beside), 1)
        painted = self.output_block(x)
        return (painted + 1) / 2 if self.layout.signed else painted

    def _as_trained(self, faces: Tensor) -> Tensor:
        """Faces as this member saw them in training: its range of values, and its hole in the lower half, whose rim is
        that of the whole face."""
        if self.layout.rim:
            rows = torch.arange(faces.shape[-1], device=faces.device)
            side = torch.minimum(rows, rows.flip(0)) < self.layout.rim
            below = rows >= len(rows) // 2
            rim = below[:, None] & (side[None, :] | side[:, None])
            faces = torch.cat((torch.where(rim, faces[:, 3:], faces[:, :3]), faces[:, 3:]), 1)
        return 2 * faces - 1 if self.layout.signed else faces


class Attention(nn.Module):
    """Where something is seen: the mean and the greatest of all channels, to one map [Woo et al., 2018, CBAM]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, seen: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 1, H, W), 0-1."""
        return torch.sigmoid(self.conv1(torch.cat((seen.mean(1, True), seen.amax(1, True)), 1)))


def _down(layout: Layout) -> Iterator[nn.Sequential]:
    inside = 6
    for stage in layout.down:
        outside = layout.of(stage.channels)
        first = Block(inside, outside, stage.kernel, stage.stride, stage.pad, act=layout.act)
        points = (Block(outside, outside, 1, pad=0, act=layout.act) for _ in range(stage.points))
        more = (_same(outside, layout.act) for _ in range(stage.residuals))
        yield nn.Sequential(first, *(more if stage.pad else points))
        inside = outside


def _up(layout: Layout) -> Iterator[nn.Sequential]:
    inside = layout.of(layout.middle)
    yield nn.Sequential(Block(inside, inside, 1, pad=0, act=layout.act))
    for stage, below in zip(layout.up, reversed(layout.down[1:]), strict=True):
        inside += layout.of(below.channels)
        outside = layout.of(stage.channels)
        first = Block(inside, outside, stage.kernel, stage.stride, stage.pad, grow=stage.grow, act=layout.act)
        yield nn.Sequential(first, *(_same(outside, layout.act) for _ in range(stage.residuals)))
        inside = outside


def _same(channels: int, act: Act = "relu") -> Block:
    return Block(channels, channels, residual=True, act=act)


def _hearing(layout: Layout) -> nn.Sequential:
    """Mel (B, 1, 80, 16) to (B, middle, 1, 1); what is heard is never negative where the rest is leaky."""
    blocks: list[nn.Module] = []
    inside = 1
    for channels, stride, residuals in layout.heard:
        outside = layout.of(channels)
        blocks.append(Block(inside, outside, 3, stride, act=layout.act))
        blocks += [_same(outside, layout.act) for _ in range(residuals)]
        inside = outside
    end, act = layout.of(layout.middle), "relu" if layout.act == "leaky" else layout.act
    blocks += [Block(inside, end, 3, pad=0, act=act), Block(end, end, 1, pad=0, act=act)]
    return nn.Sequential(*blocks)


class SyncExpert(nn.Module):
    """Wav2Lip's expert (SyncNet_color): five lower halves and 200 ms of sound to unit vectors of 512, not negative.

    ``part`` divides the channels: tiny networks have the full one's shape.
    """

    def __init__(self, part: int = 1) -> None:
        super().__init__()
        self.part = part
        layout = replace(LAYOUTS["wav2lip-96"], part=part, heard=_HEARD_DEEP[:4])
        self.face_encoder = nn.Sequential(*_watching(layout))
        self.audio_encoder = _hearing(layout)

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
