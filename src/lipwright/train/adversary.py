"""A loss that learns: a discriminator that tells painted faces from real ones, with its own optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright.train.tasks import N
from lipwright.train.wav2lip import Pair

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class _Block(nn.Module):
    """Convolution and leaky ReLU that keeps 0.01."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: Pair, pad: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(nn.Conv2d(inside, outside, kernel, stride, pad))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv_block(x), 0.01)


class Discriminator(nn.Module):
    """Wav2Lip's discriminator of quality [Prajwal et al., 2020]: is a lower half real, as a chance.

    The tensors bear the names of the published checkpoints. Pictures of more than 96 px are halved more often.
    ``part`` divides the channels.
    """

    def __init__(self, size: int = 96, part: int = 1) -> None:
        super().__init__()
        self.face_encoder_blocks = nn.ModuleList(_looking(size, part))
        self.binary_pred = nn.Sequential(nn.Conv2d(max(2, 512 // part), 1, 1), nn.Sigmoid())

    def forward(self, pictures: Tensor) -> Tensor:
        """Whole faces (N, 3, S, S) 0-1, of which the lower halves are looked at, to (N, 1), 0-1."""
        x = pictures[:, :, pictures.shape[2] // 2 :]
        for block in self.face_encoder_blocks:
            x = block(x)
        return self.binary_pred(x).flatten(1)


def _looking(size: int, part: int) -> Iterator[nn.Sequential]:
    wide = [max(2, n // part) for n in (32, 64, 128, 256, 512)]
    yield nn.Sequential(_Block(3, wide[0], 7, 1, 3))
    inside, side = wide[0], size // 2
    halvings: list[tuple[int, int, Pair]] = [(wide[1], 5, (1, 2)), (wide[2], 5, 2), (wide[3], 5, 2)]
    side = (((side + 1) // 2) + 1) // 2
    while side > 5:
        halvings.append((wide[4], 3, 2))
        side = (side + 1) // 2
    for outside, kernel, stride in halvings:
        pad = kernel // 2
        yield nn.Sequential(_Block(inside, outside, kernel, stride, pad), _Block(outside, outside, kernel, 1, pad))
        inside = outside
    yield nn.Sequential(_Block(inside, inside, side, 1, 0), _Block(inside, inside, 1, 1, 0))


class Adversary:
    """The discriminator as a part of a training; its optimizer is Adam.

    A step of the generator asks it for `loss`, and hands it what it must learn from (`keep`). After the generator's
    step it makes its own. What it learns from was painted before the generator's step, as in the original.

    The original lets it look at painted faces twice, to say how real they are and to learn that they are not. Here one
    look does for both: nothing in it mixes pictures, so the gradients of both losses to a picture differ by a factor,
    (p - 1) / p where p is the chance that it is real. Gradients that are scaled (16-mixed) or averaged over several
    processes are got in the original's way; ``twice`` asks for it.
    """

    def __init__(
        self, size: int, part: int, rate: float, betas: tuple[float, float], seed: int, *, twice: bool = False
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = laid_out(Discriminator(size, part), part)
        self.optimizer: torch.optim.Optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, betas=betas)
        self.twice = twice
        self._fabric: Fabric | None = None
        self._wrapped: nn.Module = self.network
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._learnt: list[tuple[Tensor, ...]] = []
        self._refused = 0.0

    def setup(self, fabric: Fabric) -> None:
        """Go to the device of the training."""
        self._fabric = fabric
        self._wrapped, self.optimizer = fabric.setup(self.network, self.optimizer)
        self.twice = self.twice or fabric.world_size > 1

    def loss(self, painted: Tensor) -> Tensor:
        """How far faces (N, 3, S, S) are from being taken for real: BCE with 1. The discriminator gets no gradient."""
        if not self.twice and torch.is_grad_enabled():
            return self._at_once(painted)
        self.network.requires_grad_(False)
        try:
            with self._precision():
                found = self.network(painted)
        finally:
            self.network.requires_grad_(True)
        return against(found, 1)

    def _at_once(self, painted: Tensor) -> Tensor:
        """The same, while what is to be learnt from these faces is kept."""
        seen = painted.detach().requires_grad_()
        with self._precision():
            found = precise(self.network(seen))
        refused = against(found, 0)
        slope, *learnt = torch.autograd.grad(refused, [seen, *self.network.parameters()])
        self._learnt.append(tuple(learnt))
        self._refused = float(refused.detach())
        chance = found.detach()
        slope = slope * ((chance - 1) / chance.clamp(min=1e-12))[:, :, None, None].to(slope)
        along = (painted * slope).sum()
        return against(chance, 1) + along - along.detach()

    def keep(self, real: Tensor, painted: Tensor) -> None:
        """Learn from these (N, 3, S, S) after the generator's step; ``painted`` are those that `loss` was asked of."""
        self._seen.append((real, painted.detach()))

    def after_step(self, step: int) -> dict[str, float]:  # noqa: ARG002
        """One step of the discriminator: BCE of real faces with 1 and of painted ones with 0, added."""
        if not self._seen:
            return {}
        seen, learnt, self._seen, self._learnt = self._seen, self._learnt, [], []
        self.optimizer.zero_grad(set_to_none=True)
        for real, painted in seen:
            figures = self._learn(real, None if learnt else painted, len(seen))
        for gradients in learnt:
            for value, gradient in zip(self.network.parameters(), gradients, strict=True):
                value.grad = gradient / len(seen) + (0 if value.grad is None else value.grad)
        self.optimizer.step()
        return figures

    def _learn(self, real: Tensor, painted: Tensor | None, batches: int) -> dict[str, float]:
        """Gradients of a batch; with ``painted`` None only of the real faces."""
        found = self._wrapped(real if painted is None else torch.cat((real, painted)))
        taken = against(found[: len(real)], 1)
        refused = None if painted is None else against(found[len(real) :], 0)
        loss = (taken if refused is None else taken + refused) / batches
        if self._fabric is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self._fabric.backward(loss)
        return {"real": float(taken.detach()), "fake": self._refused if refused is None else float(refused.detach())}

    @torch.no_grad()
    def judged(self, real: Tensor, painted: Tensor) -> dict[str, float]:
        """``real``, ``fake`` and ``perceptual``, the losses of pictures that nothing is learnt from."""
        with self._precision():
            taken, refused = self.network(real), self.network(painted)
        figures = {"real": against(taken, 1), "fake": against(refused, 0), "perceptual": against(refused, 1)}
        return {name: float(value) for name, value in figures.items()}

    def _precision(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._fabric is None else self._fabric.autocast()

    def after_validation(self, figures: dict[str, float]) -> None:
        """Nothing follows from those."""

    def state_dict(self) -> dict[str, Any]:
        """The discriminator and its optimizer."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def laid_out(network: N, part: int) -> N:
    """A network as it is quickest to train: of many channels (``part`` 1) with those next to each other in memory."""
    return network.to(memory_format=torch.channels_last) if part == 1 else network  # type: ignore[call-overload]


def precise(values: Tensor) -> Tensor:
    """Values of half precision in single; others as they are."""
    return values.float() if values.dtype.itemsize < 4 else values


def against(found: Tensor, wanted: int | Tensor) -> Tensor:
    """Binary cross-entropy of chances (N, 1), 0-1, with what was wanted, in full precision; a scalar."""
    chances = precise(found).clamp(0, 1)
    target = torch.full_like(chances, wanted) if isinstance(wanted, int) else wanted.to(chances)
    with torch.autocast(chances.device.type, enabled=False):
        return F.binary_cross_entropy(chances, target)
