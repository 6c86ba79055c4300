"""JPEG's losses without its files: pictures as they are after they were compressed and opened again.

Everything that JPEG loses, it loses in three places [ITU-T T.81, 1992; JFIF]: colour is kept at half the size, the
cosine transform of each 8 x 8 block is divided by a table and rounded, and the result is rounded to whole values. The
tables are those of annex K, made coarser or finer by a quality 1-100 as libjpeg does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 8
"""Of a block, px."""
HALF = 50
"""The quality of the tables as they are printed."""

LIGHT = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
COLOUR = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    *[99] * 38,
)  # fmt: skip
"""Rows of 8, one after the other."""

TO_COLOURS = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Red, green and blue to brightness, blueness and redness (JFIF)."""


def compressed(pictures: Tensor, quality: Tensor) -> Tensor:
    """Pictures (N, 1 or 3, H, W), 0-1, as JPEG files of a ``quality`` (N,), 1-100, give them back: the same shape, 0-1.

    Grey pictures have one plane, of colour ones the three are red, green and blue; quality 100 loses next to nothing.
    """
    high, wide = pictures.shape[2:]
    step = SIDE * (2 if pictures.shape[1] == 3 else 1)
    rim = (0, -wide % step, 0, -high % step)
    planes = F.pad(pictures.clamp(0, 1) * 255, rim, mode="replicate")
    planes = _in_colour(planes, quality) if pictures.shape[1] == 3 else _rounded(planes - 128, LIGHT, quality) + 128
    return (planes[..., :high, :wide].round() / 255).clamp(0, 1)


def _in_colour(planes: Tensor, quality: Tensor) -> Tensor:
    turn = planes.new_tensor(TO_COLOURS)
    split = torch.einsum("ij,njhw->nihw", turn, planes).round()
    light = _rounded(split[:, :1] - 128, LIGHT, quality).round() + 128
    colour = _rounded(F.avg_pool2d(split[:, 1:], 2).round(), COLOUR, quality).round()
    colour = F.interpolate(colour, scale_factor=2.0, mode="bilinear", align_corners=False)
    return torch.einsum("ij,njhw->nihw", torch.linalg.inv(turn), torch.cat([light, colour], 1))


def _rounded(planes: Tensor, table: tuple[int, ...], quality: Tensor) -> Tensor:
    """Planes (N, C, H, W) about nought, each block's frequencies rounded to steps of the table."""
    count, depth, high, wide = planes.shape
    shape = (count, depth, high // SIDE, SIDE, wide // SIDE, SIDE)
    cosines = _cosines().to(planes)
    found = torch.einsum("ui,ncyixj,vj->ncyuxv", cosines, planes.reshape(shape), cosines)
    steps = _steps(table, quality.to(planes)).view(count, 1, 1, SIDE, 1, SIDE)
    found = (found.abs() / steps + 0.5 + 1e-4).floor() * steps * found.sign()  # halves go away from nought
    return torch.einsum("ui,ncyuxv,vj->ncyixj", cosines, found, cosines).reshape(planes.shape)


def _steps(table: tuple[int, ...], quality: Tensor) -> Tensor:
    """The table (N, 8, 8) for each quality (N,), as libjpeg scales it."""
    percent = torch.where(quality < HALF, 100 * HALF / quality.clamp(min=1), 200 - 2 * quality.clamp(max=100))
    plain = quality.new_tensor(table).view(1, SIDE, SIDE)
    return ((plain * percent.view(-1, 1, 1) + 50) / 100).floor().clamp(1, 255)


def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values, float64 (8, 8)."""
    rows = torch.arange(SIDE, dtype=torch.float64)
    found = torch.cos((2 * rows[None] + 1) * rows[:, None] * math.pi / (2 * SIDE)) * math.sqrt(2 / SIDE)
    found[0] /= math.sqrt(2)
    return found
