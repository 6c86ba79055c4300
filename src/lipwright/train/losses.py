"""What training asks for."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def contrast(video: Tensor, audio: Tensor, sharpness: Tensor) -> dict[str, Tensor]:
    """Contrastive loss of unit vectors (B, P, D) both ways, over time and over recordings.

    ``time``: each picture must find its own moment among the P of its recording; moments one frame
    away count neither for nor against it. ``others``: the same among all B·P. ``accuracy`` is the share
    found over time (chance about 1 / P).
    """
    clips, moments = video.shape[:2]
    place = torch.arange(moments, device=video.device)
    near = (place[:, None] - place[None]).abs() == 1
    scores = (sharpness * video @ audio.transpose(1, 2)).masked_fill(near, -1e4)
    target = place.expand(clips, moments)
    time = _both(scores, target)
    flat = sharpness * video.flatten(0, 1) @ audio.flatten(0, 1).T
    block = torch.block_diag(*[near] * clips)
    others = _both(flat.masked_fill(block, -1e4)[None], torch.arange(clips * moments, device=video.device)[None])
    accuracy = (scores.argmax(-1) == target).float().mean()
    return {"time": time, "others": others, "accuracy": accuracy}


def _both(scores: Tensor, target: Tensor) -> Tensor:
    rows = F.cross_entropy(scores.transpose(1, 2), target)
    return (rows + F.cross_entropy(scores, target)) / 2


def correlation(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Pearson correlation over time, (B, T, …) and mask (B, T) to (B, …)."""
    weight = mask.float()
    while weight.ndim < a.ndim:
        weight = weight.unsqueeze(-1)
    total = weight.sum(1).clamp(min=1)
    a = (a - (a * weight).sum(1, keepdim=True) / total.unsqueeze(1)) * weight
    b = (b - (b * weight).sum(1, keepdim=True) / total.unsqueeze(1)) * weight
    # The small constant keeps still stretches (nothing to correlate with) from dominating.
    scale = torch.sqrt((a.square().sum(1) + 0.05 * total) * (b.square().sum(1) + 0.05 * total))
    return (a * b).sum(1) / scale


def spread(a: Tensor, mask: Tensor) -> Tensor:
    """Standard deviation over all recordings and moments, (B, T, …) and mask (B, T) to (…)."""
    inside = a[mask]
    return torch.sqrt(inside.var(0) + 1e-4)
