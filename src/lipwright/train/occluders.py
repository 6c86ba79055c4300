"""What comes between a camera and a mouth: hands, microphones, cups and bars, soft-edged, drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lipwright.types import Float

Random = np.random.Generator
Place = tuple[Float, Float]
"""Across and down from the middle of the picture, in units of its height: float32 (H, W) each."""

SKIN = ((0.29, 0.18, 0.13), (0.95, 0.78, 0.68))
"""The darkest and the lightest skin that hands have, red, green and blue, 0-1."""


def hidden(pictures: Tensor, random: Random) -> Tensor:
    """A recording's pictures (L, 1 or 3, H, W), 0-1, with one thing before all of them, in the same place.

    A hand, a microphone, a cup (an ellipse) or a bar; its size, place, colour and shading are drawn with ``random``.
    """
    high, wide = pictures.shape[-2:]
    mask, colour = drawn(random, (high, wide))
    if pictures.shape[1] == 1:
        colour = colour.mean(0, keepdims=True)
    cover = torch.from_numpy(mask).to(pictures)
    return pictures * (1 - cover) + torch.from_numpy(colour).to(pictures) * cover


def drawn(random: Random, size: tuple[int, int]) -> tuple[Float, Float]:
    """Something of (H, W) px: how much of each pixel it hides, float32 (H, W) 0-1, and its colour (3, H, W) 0-1."""
    kinds: tuple[Callable[[Place, Random], Float], ...] = (_hand, _microphone, _cup, _bar)
    high, wide = size
    down, across = np.mgrid[:high, :wide].astype(np.float32)
    place = ((across + 0.5 - wide / 2) / high, (down + 0.5) / high - 0.5)
    kind = kinds[random.integers(len(kinds))]
    outside = kind(place, random)
    soft = random.uniform(0.01, 0.05)
    mask = np.clip(0.5 - outside / (2 * soft), 0, 1)
    return np.asarray(mask * mask * (3 - 2 * mask), np.float32), _shaded(place, kind is _hand, random)


def _shaded(place: Place, skin: bool, random: Random) -> Float:
    """A colour that grows lighter towards one side."""
    share = random.random()
    base = np.array(SKIN[0]) * (1 - share) + np.array(SKIN[1]) * share if skin else random.uniform(0.03, 0.97, 3)
    angle, much = random.uniform(0, 2 * np.pi), random.uniform(0, 0.6)
    light = 1 + much * (np.cos(angle) * place[0] + np.sin(angle) * place[1])
    return np.asarray(np.clip(base[:, None, None] * light, 0, 1), np.float32)


def _hand(place: Place, random: Random) -> Float:
    """A palm that comes in from an edge, and three to five fingers side by side, of unlike lengths."""
    angle = random.uniform(0, 2 * np.pi)
    far = random.uniform(0.3, 0.55)
    along, beside = _turned(_moved(place, far * np.cos(angle), far * np.sin(angle)), angle + random.normal(0, 0.3))
    count, thick = int(random.integers(3, 6)), random.uniform(0.04, 0.07)
    width = 1.1 * thick * count
    palm = _ellipse((along - 1.2 * width, beside), 1.4 * width, width)
    fingers = [
        _rod((along, beside - (2 * k - count + 1) * thick * 1.05), -random.uniform(0.1, 0.35), 0.0, thick)
        for k in range(count)
    ]
    return np.minimum.reduce([palm, *fingers])


def _microphone(place: Place, random: Random) -> Float:
    """A ball on a rod that leaves the picture downward or to a side."""
    centre = random.uniform(-0.45, 0.45), random.uniform(-0.1, 0.5)
    along, beside = _turned(_moved(place, *centre), random.uniform(0.1, np.pi - 0.1))
    ball = random.uniform(0.07, 0.2)
    rod = _rod((along, beside), 0.0, 3.0, ball * random.uniform(0.3, 0.7))
    return np.minimum(_ellipse((along, beside), ball * random.uniform(1, 1.4), ball), rod)


def _cup(place: Place, random: Random) -> Float:
    """An ellipse anywhere."""
    moved = _moved(place, random.uniform(-0.5, 0.5), random.uniform(-0.4, 0.5))
    return _ellipse(_turned(moved, random.uniform(0, np.pi)), random.uniform(0.08, 0.3), random.uniform(0.06, 0.2))


def _bar(place: Place, random: Random) -> Float:
    """A rectangle that stands upright."""
    x, y = _moved(place, random.uniform(-0.5, 0.5), random.uniform(-0.4, 0.5))
    return np.maximum(np.abs(x) - random.uniform(0.04, 0.22), np.abs(y) - random.uniform(0.04, 0.18))


# -- how far outside a shape each place is: below 0 within


def _moved(place: Place, across: float, down: float) -> Place:
    return place[0] - np.float32(across), place[1] - np.float32(down)


def _turned(place: Place, angle: float) -> Place:
    """Along a direction, and beside it."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * place[0] + s * place[1], c * place[1] - s * place[0]


def _ellipse(place: Place, along: float, beside: float) -> Float:
    found = (np.hypot(place[0] / along, place[1] / beside) - 1) * min(along, beside)
    return np.asarray(found, np.float32)


def _rod(place: Place, start: float, stop: float, thick: float) -> Float:
    """A line from ``start`` to ``stop`` with round ends."""
    return np.asarray(np.hypot(place[0] - np.clip(place[0], start, stop), place[1]) - thick, np.float32)
