"""A sync expert of ours watches what a generator draws: whether it looks, and moves, like the real mouth.

The small network that finds sync in grey mouths (`lipsight`) has learnt what matters about a mouth. What its layers
find in drawn frames is compared with what they find in the real ones (a perceptual loss [Johnson et al., "Perceptual
Losses for Real-Time Style Transfer", 2016]), and the embedding of the drawn frames with that of the sound.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright import faces
from lipwright.train import kept
from lipwright.train.networks import EDGE, CropEncoder, Expert

GREY = (0.299, 0.587, 0.114)


class Watcher(nn.Module):
    """The expert of a checkpoint, as it is: it does not learn.

    Args:
        path: ``best.pt`` of a training of our own expert.
        size: side of the lower faces it is shown, px.

    Raises:
        WeightsError: the file is none, or another network's.
    """

    def __init__(self, path: Path, size: int) -> None:
        super().__init__()
        state, recipe = kept.part(path, ""), kept.load(path).get("recipe", {})
        expert = Expert("crop", str(recipe.get("size", "small")), 0.0)
        expert.load_state_dict(state)
        expert.eval().requires_grad_(False)
        self.video, self.audio = cast(CropEncoder, expert.video), expert.audio
        down, across = _resampling(size)
        self.register_buffer("down", down)
        self.register_buffer("across", across)

    down: Tensor
    across: Tensor

    def mouths(self, pictures: Tensor) -> Tensor:
        """Grey mouths (N, 48, 64), 0-1, of lower faces (N, 3, S, S), 0-1."""
        grey = (pictures * pictures.new_tensor(GREY)[:, None, None]).sum(1)
        return self.down @ grey @ self.across.T

    def forward(self, painted: Tensor, real: Tensor, around: Tensor, sound: Tensor) -> dict[str, Tensor]:
        """``painted`` and ``real`` (B, L, 3, S, S) 0-1 among the grey mouths ``around`` (B, L + 2·EDGE, 48, 64) 0-1,
        with the log-mel ``sound`` (B, 4·(L + 2·EDGE), 64): ``looks`` and ``sync``."""
        batch, frames = painted.shape[:2]
        sights = []
        for pictures in (painted, real):
            mouths = self.mouths(pictures.flatten(0, 1)).view(batch, frames, *faces.CROP[::-1])
            sights.append(torch.cat([around[:, :EDGE], mouths, around[:, EDGE + frames :]], 1))
        drawn, true = (self.video.maps(sight) for sight in sights)
        looks = torch.stack(
            [F.l1_loss(one, other.detach()) / other.abs().mean() for one, other in zip(drawn, true, strict=True)]
        )
        video = self.video.embedded(drawn[-1], batch)[:, EDGE:-EDGE]
        heard = self.audio(sound)[:, EDGE:-EDGE]
        return {"looks": looks.mean(), "sync": 1 - (video * heard).sum(-1).mean()}


def _resampling(size: int) -> tuple[Tensor, Tensor]:
    """Matrices (48, S) and (64, S): the rows and columns of a mouth crop from those of a lower face, by areas."""
    step = faces.LOWER_SPAN / size
    wide, tall = faces.CROP
    pixel = faces.CROP_SPAN / wide
    left = (faces.LOWER_SPAN - faces.CROP_SPAN) / 2
    across = _areas(left / step, pixel / step, wide, size)
    return _areas((faces.CROP_TOP - faces.LOWER_TOP) / step, pixel / step, tall, size), across


def _areas(first: float, width: float, count: int, size: int) -> Tensor:
    starts = first + width * np.arange(count)[:, None]
    edges = np.arange(size)[None]
    shared = np.clip(np.minimum(starts + width, edges + 1) - np.maximum(starts, edges), 0, None)
    return torch.from_numpy((shared / shared.sum(1, keepdims=True)).astype(np.float32))
