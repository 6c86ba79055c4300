"""What happens to sounds, pictures and points while training, so that small data goes a long way.

Everything takes its own random generator, keeps time as it is, and works on whole batches where it can.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft
from torch import Tensor
from torch.nn import functional

from lipwright.train import compression, occluders
from lipwright.types import Float

Random = np.random.Generator
RATE = 16000


def sound(samples: Float, random: Random, strength: float = 1.0) -> Float:
    """Noise, other voices, room, telephone and tone control: float32 (B, N) to the same.

    ``strength`` 0 leaves the sound alone, 1 is for training; even then a third stays as it is, but for gain.
    """
    if strength <= 0:
        return samples
    heard = samples.copy()
    size = fft.next_fast_len(heard.shape[1] + RATE // 4)
    for row in range(len(heard)):
        spectrum = fft.rfft(heard[row], size) * _response(size, random, strength)
        heard[row] = fft.irfft(spectrum, size)[: heard.shape[1]]
    level = np.sqrt((heard**2).mean(1, keepdims=True)) + 1e-4
    if random.random() < 0.9:
        heard += level * _noise(heard.shape, random) * _ratios(len(heard), random, strength, 5, 45)
    others = np.roll(heard, 1, axis=0)
    others_level = np.sqrt((others**2).mean(1, keepdims=True)) + 1e-4
    talked_over = random.random((len(heard), 1)) < 0.3 * strength
    heard = heard + talked_over * others * level / others_level * _ratios(len(heard), random, strength, 5, 25)
    heard = np.where(random.random((len(heard), 1)) < 0.33, samples, heard)
    return (heard * 10 ** random.uniform(-0.6, 0.3, (len(heard), 1))).astype(np.float32)


def _ratios(count: int, random: Random, strength: float, low: float, high: float) -> Float:
    return (10 ** (-random.uniform(low, high, (count, 1)) / 20) * strength).astype(np.float32)


def _noise(shape: tuple[int, ...], random: Random) -> Float:
    """White noise tilted by a random slope, of power 1."""
    spectrum = fft.rfft(random.standard_normal(shape, np.float32), axis=-1)
    slope = random.uniform(-1.0, 0.3, (shape[0], 1))
    spectrum *= (np.arange(spectrum.shape[1]) + 8.0)[None] ** slope
    noise = fft.irfft(spectrum, shape[1], axis=-1)
    return (noise / (noise.std(-1, keepdims=True) + 1e-9)).astype(np.float32)


def _response(size: int, random: Random, strength: float) -> NDArray[np.complex64]:
    """The frequency response of one recording's way: a tone curve, sometimes a band limit, sometimes a room."""
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    knots = np.geomspace(60, 8000, 6)
    tone = np.interp(np.log(hertz + 30), np.log(knots), random.normal(0, 4 * strength, 6))
    response = 10 ** (tone / 20)
    if random.random() < 0.3 * strength:
        low, high = random.uniform(60, 300), random.uniform(2800, 7500)
        response = response / np.sqrt((1 + (low / (hertz + 1)) ** 4) * (1 + (hertz / high) ** 8))
    if random.random() < 0.4 * strength:
        return (response * fft.rfft(_room(random), size)).astype(np.complex64)
    return response.astype(np.complex64)


def _room(random: Random) -> Float:
    """An impulse response: the direct sound and an exponentially dying noise of 0.1-0.6 s."""
    time = np.arange(RATE // 4) / RATE
    tail = random.standard_normal(len(time)) * np.exp(-6.9 * time / random.uniform(0.1, 0.6))
    tail[: RATE // 500] = 0
    tail *= random.uniform(0.1, 0.6) / np.sqrt((tail**2).sum())
    tail[0] = 1
    return tail.astype(np.float32)


def columns(heard: Float, random: Random, strength: float = 1.0) -> Float:
    """Log-mel, normalised (B, C, 64): voices of other sizes (bands warped), level, hidden bands."""
    if strength <= 0:
        return heard
    batch, _, bands = heard.shape
    changed = np.empty_like(heard)
    for row in range(batch):
        factor = np.exp(random.uniform(-0.12, 0.12) * strength)
        at = np.clip(np.arange(bands) * factor + random.uniform(-1, 1) * strength, 0, bands - 1.001)
        first = at.astype(int)
        part = (at - first).astype(np.float32)
        changed[row] = heard[row][:, first] * (1 - part) + heard[row][:, first + 1] * part
        if random.random() < 0.5 * strength:
            start, width = random.integers(0, bands), random.integers(1, 10)
            changed[row][:, start : start + width] = changed[row].mean()
    return changed + random.normal(0, 0.12 * strength, (batch, 1, 1)).astype(np.float32)


def points(shapes: Float, random: Random, strength: float = 1.0) -> Float:
    """Mouth points (B, L, V, 3): size, a lasting small tilt and shear, tracking noise, left and right."""
    if strength <= 0:
        return shapes
    batch = len(shapes)
    matrix = np.eye(3)[None] * np.exp(random.normal(0, 0.15, (batch, 1, 1)) * strength)
    matrix = matrix + random.normal(0, 0.08 * strength, (batch, 3, 3))
    changed = np.einsum("blvc,bcd->blvd", shapes, matrix.astype(np.float32))
    scale = changed.std((1, 2, 3), keepdims=True)
    shaking = random.standard_normal((*changed.shape[:2], 1, 3), np.float32) * 0.15 * scale
    return changed + strength * (shaking + random.standard_normal(changed.shape, np.float32) * 0.1 * scale)


def crops(seen: Float, random: Random, strength: float = 1.0) -> Tensor:
    """Mouth crops (B, L, 48, 64) 0-255, changed as :func:`pictures` does. Returns float32 (B, L, 48, 64), 0-1."""
    grey = torch.from_numpy(np.ascontiguousarray(seen, np.float32)) / 255
    return pictures(grey.unsqueeze(2), random, strength).squeeze(2)


def pictures(seen: Tensor, random: Random, strength: float = 1.0) -> Tensor:
    """Grey or colour pictures (B, L, 1 or 3, H, W), 0-1, as a worse camera would have taken and sent them.

    Place, size, tilt and mirror (:func:`placed`), something before the mouth (`lipwright.train.occluders`), light
    (:func:`lit`), blur, noise, and compression (`lipwright.train.compression`). Every picture of a recording is changed
    alike, but for the noise. ``strength`` 0 leaves them alone, 1 is for training. The same shape, 0-1.
    """
    if strength <= 0:
        return seen
    shown = placed(seen, random, strength)
    for row in np.flatnonzero(random.random(len(shown)) < 0.3 * strength):
        shown[row] = occluders.hidden(shown[row], random)
    shown = _blurred(lit(shown, random, strength), random, strength)
    noise = random.uniform(0, 0.03 * strength, (len(shown), 1, 1, 1, 1)).astype(np.float32)
    grain = noise * random.standard_normal(shown.shape, np.float32)
    return _sent((shown + torch.from_numpy(grain)).clamp(0, 1), random, strength)


def placed(seen: Tensor, random: Random, strength: float = 1.0) -> Tensor:
    """Pictures (B, L, C, H, W) moved, scaled, tilted and mirrored, all of a recording alike; 0 leaves them alone."""
    if strength <= 0:
        return seen
    batch, length, depth, high, wide = seen.shape
    turn = torch.from_numpy(np.stack([_affine(random, strength) for _ in range(batch)]).astype(np.float32))
    grid = functional.affine_grid(turn, [batch, 1, high, wide], align_corners=False)
    moved = functional.grid_sample(seen.flatten(1, 2), grid, padding_mode="border", align_corners=False)
    return moved.view(batch, length, depth, high, wide)


def lit(seen: Tensor, random: Random, strength: float = 1.0) -> Tensor:
    """Pictures (B, L, C, H, W), 0-1, in another light, all of a recording alike: darker or lighter, and in colour
    warmer or colder; 0 leaves them alone."""
    if strength <= 0:
        return seen
    batch, _, depth = seen.shape[:3]
    gamma = random.normal(0, 0.25 * strength, (batch, 1, 1, 1, 1))
    if depth > 1:
        gamma = gamma + random.normal(0, 0.06 * strength, (batch, 1, depth, 1, 1))
    return seen.clamp(1e-3, 1) ** torch.from_numpy(np.exp(gamma).astype(np.float32))


def _blurred(seen: Tensor, random: Random, strength: float) -> Tensor:
    batch, wide = len(seen), 2 * (seen.shape[-2] // 32) + 1
    soft = random.uniform(0, strength, batch) * (random.random(batch) < 0.4)
    blurred = functional.avg_pool2d(seen.flatten(1, 2), wide, 1, wide // 2, count_include_pad=False).view_as(seen)
    return seen + torch.from_numpy(soft.astype(np.float32)).view(-1, 1, 1, 1, 1) * (blurred - seen)


def _sent(seen: Tensor, random: Random, strength: float) -> Tensor:
    """Some recordings as JPEG gives them back, of a quality of 100 - 85 · strength and more."""
    batch, length = seen.shape[:2]
    quality = 100 - random.uniform(5, 85, batch) * min(strength, 1.0)
    rows = np.flatnonzero(random.random(batch) < 0.4 * strength)
    if not len(rows):
        return seen
    shown, chosen = seen.clone(), torch.from_numpy(rows)
    qualities = torch.from_numpy(quality[rows].astype(np.float32)).repeat_interleave(length)
    shown[chosen] = compression.compressed(seen[chosen].flatten(0, 1), qualities).view(len(rows), *seen.shape[1:])
    return shown


def _affine(random: Random, strength: float) -> NDArray[np.float64]:
    """Scale, stretch, tilt, shift and mirror, as :func:`torch.nn.functional.affine_grid` wants it: (2, 3)."""
    scale, stretch = np.exp(random.normal(0, 0.08 * strength)), np.exp(random.normal(0, 0.04 * strength))
    angle, mirror = random.normal(0, 0.07 * strength), random.choice([-1, 1])
    turn = scale * np.array(
        [[np.cos(angle) * stretch * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle) / stretch]]
    )
    return np.concatenate([turn, random.normal(0, 0.07 * strength, (2, 1))], axis=1)
