"""An adversary that owns its network and optimizer: it learns to tell real lower faces from painted ones.

Hinge loss [Lim & Ye, "Geometric GAN", 2017] on patches [Isola et al., "Image-to-Image Translation with Conditional
Adversarial Networks", 2017] around the mouth, which it sees with the drawn lips; what it finds on the way is compared,
too (feature matching [Wang et al., "High-Resolution Image Synthesis ... with Conditional GANs", 2018]).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lipwright.train.compact_networks import Critic

PART = (0.1875, 0.8125, 0.3125, 0.9375)
"""Left, right, top and bottom of what it sees, as shares of the side."""


class Adversary:
    """A part of a training (`lipwright.train.tasks.Part`).

    Args:
        size: of its network.
        rate: of its learning.
        first: the step of the training at which it begins to learn and to be heard.
        seed: of its first weights.
    """

    def __init__(self, size: str, rate: float, first: int, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Critic(size)
        self._first, self._rate, self._step = first, rate, 0
        self._kept: tuple[Tensor, Tensor] | None = None
        self._optimizer: Any = torch.optim.Adam(self.network.parameters(), lr=rate, betas=(0.5, 0.9))
        self._fabric: Any = None

    def setup(self, fabric: Any) -> None:
        """Go to the device of the training."""
        self._fabric = fabric
        self.network, self._optimizer = fabric.setup(self.network, self._optimizer)

    def losses(self, painted: Tensor, real: Tensor, guide: Tensor) -> dict[str, Tensor]:
        """What it says of pictures (B, 3, S, S), 0-1, beside the real ones; ``guide`` (B, 2, S, S), the drawn lips.

        ``fooled``: how far they are from being taken for real; ``alike``: how far from the real ones in what it sees.
        Both are 0 before its first step.
        """
        if self._step < self._first:
            zero = painted.new_zeros(())
            return {"fooled": zero, "alike": zero}
        made, true = (_part(torch.cat([pictures, guide], 1)) for pictures in (painted, real))
        self._kept = made.detach(), true.detach()
        self.network.requires_grad_(False)
        score, maps = self.network(made)
        with torch.no_grad():
            _, wanted = self.network(true)
        self.network.requires_grad_(True)
        alike = torch.stack([F.l1_loss(one.float(), other.float()) for one, other in zip(maps, wanted, strict=True)])
        return {"fooled": -score.float().mean(), "alike": alike.mean()}

    def after_step(self, step: int) -> dict[str, float]:
        """Its own descent on what `losses` saw."""
        self._step = step
        if self._kept is None:
            return {}
        made, true = self._kept
        self._kept = None
        real, painted = self.network(true)[0].float(), self.network(made)[0].float()
        loss = F.relu(1 - real).mean() + F.relu(1 + painted).mean()
        self._optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        self._optimizer.step()
        return {"critic": float(loss.detach())}

    def after_validation(self, figures: dict[str, float]) -> None:
        """Nothing changes with them."""

    def state_dict(self) -> dict[str, Any]:
        """Network, optimizer and step."""
        return {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict(), "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate
        self._step = state["step"]


def _part(pictures: Tensor) -> Tensor:
    left, right, top, bottom = (round(share * pictures.shape[-1]) for share in PART)
    return pictures[..., top:bottom, left:right]
