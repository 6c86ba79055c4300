"""Other people's sync experts as PyTorch networks, so that their checkpoints load name by name.

`SyncNet` is SyncNet v2 [Chung & Zisserman, 2016; joonson/syncnet_python], `StableSync` is LatentSync's StableSyncNet
[Li et al., 2024; bytedance/LatentSync], `Wav2LipExpert` is Wav2Lip's SyncNet_color [Prajwal et al., 2020]. Each has
``seeing`` and ``hearing``, the two halves that are written as ONNX and run by the members of `lipwright.experts`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright.train.wav2lip import SyncExpert

Pair = int | tuple[int, int]


class Halves(nn.Module, ABC):
    """A network of two encoders."""

    @abstractmethod
    def seeing(self, pictures: Tensor) -> Tensor:
        """Pictures uint8 (N, H, W, 3) RGB, one after another, to (N - frames + 1, D)."""

    @abstractmethod
    def hearing(self, windows: Tensor) -> Tensor:
        """Windows (B, bins, steps) of what is heard to (B, D)."""


# ------------------------------------------------------------------------------------------ SyncNet v2


def _block(kind: type[nn.Module], norm: type[nn.Module], inside: int, outside: int, *shape: object) -> list[nn.Module]:
    """Convolution (kernel, stride, padding), batch norm, ReLU."""
    return [kind(inside, outside, *shape), norm(outside), nn.ReLU()]


class SyncNet(Halves):
    """SyncNet v2: five pictures of a face and 200 ms of MFCC to 1024 values each, not normalised.

    ``part`` divides the channels: tiny networks have the full one's shape.
    """

    def __init__(self, part: int = 1) -> None:
        super().__init__()
        a, b, c, d, e, f, g = (max(2, n // part) for n in (64, 192, 384, 256, 512, 1024, 96))
        flat, deep = nn.BatchNorm2d, nn.BatchNorm3d
        self.netcnnaud = nn.Sequential(
            *_block(nn.Conv2d, flat, 1, a, 3, 1, 1),
            nn.MaxPool2d(1, 1),
            *_block(nn.Conv2d, flat, a, b, 3, 1, 1),
            nn.MaxPool2d(3, (1, 2)),
            *_block(nn.Conv2d, flat, b, c, 3, 1, 1),
            *_block(nn.Conv2d, flat, c, d, 3, 1, 1),
            *_block(nn.Conv2d, flat, d, d, 3, 1, 1),
            nn.MaxPool2d(3, 2),
            *_block(nn.Conv2d, flat, d, e, (5, 4)),
        )
        self.netfcaud = nn.Sequential(nn.Linear(e, e), nn.BatchNorm1d(e), nn.ReLU(), nn.Linear(e, f))
        self.netfclip = nn.Sequential(nn.Linear(e, e), nn.BatchNorm1d(e), nn.ReLU(), nn.Linear(e, f))
        self.netcnnlip = nn.Sequential(
            *_block(nn.Conv3d, deep, 3, g, (5, 7, 7), (1, 2, 2)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block(nn.Conv3d, deep, g, d, (1, 5, 5), (1, 2, 2), (0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_block(nn.Conv3d, deep, d, d, (1, 3, 3), 1, (0, 1, 1)),
            *_block(nn.Conv3d, deep, d, d, (1, 3, 3), 1, (0, 1, 1)),
            *_block(nn.Conv3d, deep, d, d, (1, 3, 3), 1, (0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block(nn.Conv3d, deep, d, e, (1, 6, 6)),
        )

    def lips(self, faces: Tensor) -> Tensor:
        """BGR faces (B, 3, 5, 224, 224) 0-255 to (B, 1024)."""
        out: Tensor = self.netfclip(self.netcnnlip(faces).flatten(1))
        return out

    def sound(self, cepstra: Tensor) -> Tensor:
        """MFCC (B, 1, 13, 20) to (B, 1024)."""
        out: Tensor = self.netfcaud(self.netcnnaud(cepstra).flatten(1))
        return out

    def seeing(self, pictures: Tensor) -> Tensor:
        """Pictures uint8 (N, 224, 224, 3) RGB, one after another, to (N - 4, 1024): a row for each five of them.

        Only the first layer looks along time, so all windows are made in one pass with the same numbers.
        """
        out: Tensor = self.netfclip(self.netcnnlip(pictures.flip(3).permute(3, 0, 1, 2)[None].float())[0, :, :, 0, 0].T)
        return out

    def hearing(self, windows: Tensor) -> Tensor:
        """MFCC (B, 13, 20) to (B, 1024)."""
        return self.sound(windows[:, None])


# --------------------------------------------------------------------------------------- StableSyncNet


@dataclass(frozen=True)
class Tower:
    """One half of a `StableSync`: ``channels`` and ``factors`` (how much each level shrinks height and width), and the
    levels that attention ``follows``."""

    inside: int
    channels: tuple[int, ...]
    factors: tuple[Pair, ...]
    follows: tuple[int, ...] = ()


def _layout(part: int, attention: bool) -> tuple[Tower, Tower]:
    """What is heard and what is seen; ``part`` divides the channels, but leaves enough for norms over 32 groups."""
    heard, seen = (
        (*(max(32, n // part) for n in channels), max(128, 2048 // part))
        for channels in ((32, 64, 128, 256, 512, 1024), (64, 128, 256, 256, 512, 1024, 2048))
    )
    return (
        Tower(1, heard, ((2, 1), 2, 2, 1, 2, 2, (2, 3)), (3, 4) if attention else ()),
        Tower(48, seen, ((1, 2), *(2,) * 7), (4, 5) if attention else ()),
    )


class _Level(nn.Module):
    """Two convolutions with group norm and SiLU, the input added; then a convolution that shrinks, unless ``factor`` is
    1. Unlike most, it pads on one side only, and which side depends on the factor."""

    def __init__(self, inside: int, outside: int, factor: Pair) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, inside, 1e-6)
        self.conv1 = nn.Conv2d(inside, outside, 3, 1, 1)
        self.norm2 = nn.GroupNorm(32, outside, 1e-6)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1)
        self.conv_shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        self.downsample_conv = nn.Conv2d(outside, outside, 3, factor) if factor != 1 else nn.Identity()
        down, across = factor if isinstance(factor, tuple) else (factor, factor)
        shrinks = factor != 1
        self.pad = [0, 0, 0, 0] if not shrinks else [int(across == 1), 1, int(down == 1), 1]

    def forward(self, x: Tensor) -> Tensor:
        """(B, inside, H, W) to (B, outside, H / factor, W / factor)."""
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y))) + self.conv_shortcut(x)
        out: Tensor = self.downsample_conv(F.pad(y, self.pad))
        return out


class _Gated(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        out: Tensor = value * F.gelu(gate)
        return out


class _Heads(nn.Module):
    """Attention of 8 heads over all places of a map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part(x).unflatten(2, (8, -1)).transpose(1, 2) for part in (self.to_q, self.to_k, self.to_v)
        )
        found = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out[0](found.transpose(1, 2).flatten(2))
        return out


class _Feed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([_Gated(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.net:
            x = layer(x)
        return x


class _Attention(nn.Module):
    """A transformer block over the places of a map, between two 1x1 convolutions, the input added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, width, 1e-6)
        self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ff = _Feed(width)
        self.conv_in, self.conv_out = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.attn = _Heads(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same shape."""
        y = self.conv_in(self.norm1(x)).flatten(2).transpose(1, 2)
        y = self.attn(self.norm2(y)) + y
        y = self.ff(self.norm3(y)) + y
        out: Tensor = self.conv_out(y.transpose(1, 2).unflatten(2, x.shape[2:])) + x
        return out


class _Half(nn.Module):
    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(tower.inside, tower.channels[0], 3, 1, 1)
        self.down_blocks = nn.ModuleList(_levels(tower))
        self.norm_out = nn.GroupNorm(32, tower.channels[-1], 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """To unit vectors (B, D), none of their values negative."""
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return F.normalize(F.relu(self.norm_out(x)).flatten(1), dim=1)


def _levels(tower: Tower) -> Iterator[nn.Module]:
    inside = tower.channels[0]
    for k, (outside, factor) in enumerate(zip(tower.channels, tower.factors, strict=True)):
        yield _Level(inside, outside, factor)
        if k in tower.follows:
            yield _Attention(outside)
        inside = outside


class StableSync(Halves):
    """StableSyncNet: the lower halves of 16 aligned faces and 0.65 s of mel to unit vectors of 2048, not negative.

    ``attention``: the layout of ``stable_syncnet.pt`` (266 tensors), else the older one (178). ``part`` divides the
    channels: tiny networks have the full one's shape.
    """

    def __init__(self, attention: bool = True, part: int = 1) -> None:
        super().__init__()
        heard, seen = _layout(part, attention)
        self.audio_encoder, self.visual_encoder = _Half(heard), _Half(seen)

    def forward(self, mel: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Mel (B, 1, 80, 52) and faces (B, 48, 128, 256), 16 RGB pictures -1 to 1: two times (B, 2048)."""
        return self.audio_encoder(mel), self.visual_encoder(faces)

    def seeing(self, pictures: Tensor) -> Tensor:
        """Lower halves uint8 (N, 128, 256, 3) RGB, one after another, to (N - 15, 2048)."""
        out: Tensor = self.visual_encoder(windows(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1, 16))
        return out

    def hearing(self, windows: Tensor) -> Tensor:
        """Mel (B, 80, 52) to (B, 2048)."""
        out: Tensor = self.audio_encoder(windows[:, None])
        return out


def windows(pictures: Tensor, frames: int) -> Tensor:
    """Pictures (N, C, H, W) to (N - frames + 1, frames · C, H, W): each with those that follow it, as channels."""
    count = pictures.shape[0] - frames + 1
    return torch.cat([pictures[k : k + count] for k in range(frames)], 1)


# ------------------------------------------------------------------------------------ Wav2Lip's expert


class Wav2LipExpert(SyncExpert, Halves):
    """SyncNet_color with the two halves that are written as ONNX."""

    def seeing(self, pictures: Tensor) -> Tensor:
        """Lower halves uint8 (N, 48, 96, 3) RGB, one after another, to (N - 4, 512)."""
        faces = windows(pictures.flip(3).permute(0, 3, 1, 2).float() / 255, 5)
        return F.normalize(self.face_encoder(faces).flatten(1), dim=1)

    def hearing(self, windows: Tensor) -> Tensor:
        """Mel (B, 80, 16) to (B, 512)."""
        return F.normalize(self.audio_encoder(windows[:, None]).flatten(1), dim=1)
