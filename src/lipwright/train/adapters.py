"""Small changes to a trained network: matrices of low rank added to its weights, and folded into them afterwards.

[Hu et al., 2021, "LoRA"]: a weight W of a linear layer or a convolution, seen as a matrix of its outputs by all the
rest, becomes W + up · down, where ``down`` has ``rank`` rows and ``up`` begins as nought. W itself stays.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
MARK = ".parametrizations.weight."


class LowRank(nn.Module):
    """What is added to a weight (O, ...): up (O, rank) · down (rank, rest), at first nought."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.down = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with its change."""
        return weight + (self.up @ self.down).view_as(weight)


def prepare(network: nn.Module, adapt: str, rank: int) -> None:
    """Let only some of a network learn: ``all`` of it, ``adapters`` put into it here, or the ``last`` layers.

    Where not all learn, batch norms keep the statistics they have. Layers that are not wider than ``rank`` get no
    adapter, and stay as they are.
    """
    if adapt == "all":
        return
    network.requires_grad_(False)
    for module in network.modules():
        if isinstance(module, NORMS):
            module.register_forward_pre_hook(_still)
    if adapt == "last":
        for module in last(network):
            module.requires_grad_(True)
        return
    for module in [each for each in network.modules() if isinstance(each, LAYERS)]:
        if min(module.weight.flatten(1).shape) > rank:
            parametrize.register_parametrization(module, "weight", LowRank(module.weight, rank))


def _still(module: nn.Module, _inputs: object) -> None:
    module.eval()


def last(network: nn.Module) -> Iterator[nn.Module]:
    """The layers that make the answer: of each encoder its ``head``, else the last part of the network."""
    heads = [getattr(child, "head", None) for child in network.children()]
    found = [head for head in heads if isinstance(head, nn.Module)]
    yield from found or [child for child in network.children() if any(True for _ in child.parameters())][-1:]


def fold(network: nn.Module) -> None:
    """Add the adapters to the weights for good: the network is of its own kind again, and answers as before."""
    for module in [each for each in network.modules() if parametrize.is_parametrized(each, "weight")]:
        parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)


def folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a checkpoint with its adapters, if there are any, folded in."""
    found = {}
    for name, value in state.items():
        layer, mark, part = name.partition(MARK)
        if not mark:
            found[name] = value
        elif part == "original":
            added = state[f"{layer}{MARK}0.up"] @ state[f"{layer}{MARK}0.down"]
            found[f"{layer}.weight"] = value + added.view_as(value)
    return found
