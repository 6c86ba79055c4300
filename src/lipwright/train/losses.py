"""What training asks for."""

from __future__ import annotations

import torch
from torch import Tensor


def contrast(video: Tensor, audio: Tensor, sharpness: Tensor) -> dict[str, Tensor]:
    """Contrastive loss of unit vectors (B, P, D) both ways, over time and over recordings.

    ``time``: each picture must find its own moment among the P of its recording; a moment one frame
    away is a tenth as right. (Were it left out of account, the peak would drift to one side.)
    ``others``: the same among all B·P. ``accuracy`` is the share found over time (chance 1 / P).
    """
    clips, moments = video.shape[:2]
    place = torch.arange(moments, device=video.device)
    gap = (place[:, None] - place[None]).abs()
    wanted = 0.8 * (gap == 0) + 0.1 * (gap == 1)
    wanted = wanted / wanted.sum(1, keepdim=True)
    scores = sharpness * video @ audio.transpose(1, 2)
    time = _both(scores, wanted.expand_as(scores))
    flat = sharpness * video.flatten(0, 1) @ audio.flatten(0, 1).T
    others = _both(flat[None], torch.kron(torch.eye(clips, device=video.device), wanted)[None])
    accuracy = (scores.argmax(-1) == place).float().mean()
    return {"time": time, "others": others, "accuracy": accuracy}


def _both(scores: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy with soft targets, along the rows and along the columns."""
    rows = -(wanted * scores.log_softmax(2)).sum(2).mean()
    return (rows - (wanted * scores.log_softmax(1)).sum(1).mean()) / 2


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
