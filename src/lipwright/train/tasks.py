"""What a training is: the words between the loop (`lipwright.train.engine`) and what it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
from torch import Tensor, nn

from lipwright.train.recipes import Recipe

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Random = np.random.Generator
N = TypeVar("N", bound=nn.Module)
Batch = Any
"""Tensors in any nest of dicts, lists and tuples; moved to the network's device before `Task.losses` sees them."""


class Task(Protocol[N]):
    """What the loop needs to know of a training.

    A task may also have ``parts()``, its `Part`s by name; ``samples(network)``, pictures uint8 (H, W, 3) and clips
    (T, H, W, 3) at 25 fps by name, shown at every validation; and ``chance``, what a loss is as long as nothing has
    been learnt, by the loss's name (see `lipwright.train.plateau`).
    """

    name: str

    @property
    def recipe(self) -> Recipe:
        """How it is done."""

    def network(self) -> N:
        """The network to train, fresh."""

    def groups(self, network: N) -> Iterable[dict[str, Any]]:
        """Parameter groups; ``scale`` in one multiplies the learning rate."""

    def draw(self, random: Random) -> Batch:
        """A batch, drawn with ``random`` and nothing else: it is called ahead of time, from other threads."""

    def losses(self, network: N, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch; ``loss`` is the one to descend, the others are shown."""

    def validate(self, network: N) -> dict[str, float]:
        """Figures on the validation recordings; ``score``, higher is better, decides what is best."""


class Part(Protocol):
    """Something of a task with a state of its own: a discriminator with its optimizer, a schedule of weights."""

    def setup(self, fabric: Fabric) -> None:
        """Go to the device of the training."""

    def after_step(self, step: int) -> dict[str, float]:
        """The network has made its step, ``step`` of them in all; figures to show."""

    def after_validation(self, figures: dict[str, float]) -> None:
        """Figures of a validation have come."""

    def state_dict(self) -> dict[str, Any]:
        """All that must be kept to go on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""


@dataclass
class Outcome(Generic[N]):
    """What came of a training: the weights that validated best (averaged, where they are), and the history."""

    network: N
    step: int
    best: float
    figures: dict[str, float]
    curve: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Training:
    """One network that can be trained: of a ``kind`` (expert, generator, motion), called ``network`` in recipes.

    ``task`` makes the `Task` from a recipe, a prepared folder and an ``offsets.csv`` or None. ``export`` writes what
    came of it into the run's folder as ONNX, with cards; the last of its arguments names the recipe. It gives the
    figures to tell.
    """

    kind: str
    network: str
    recipe: type[Recipe]
    task: Callable[[Any, Path, Path | None], Task[Any]]
    export: Callable[[Any, Outcome[Any], Path, str], dict[str, float]]
