"""The training loop: one for all tasks; it resumes exactly, keeps the best, and can be watched."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from lipwright.errors import InputError, WeightsError
from lipwright.train.recipes import Recipe
from lipwright.types import Progress

Random = np.random.Generator
N = TypeVar("N", bound=nn.Module)


class Task(Protocol[N]):
    """What the loop needs to know of a training."""

    name: str

    @property
    def recipe(self) -> Recipe:
        """How it is done."""

    def network(self) -> N:
        """The network to train, fresh."""

    def groups(self, network: N) -> Iterable[dict[str, Any]]:
        """Parameter groups; ``scale`` in one multiplies the learning rate."""

    def losses(self, network: N, random: Random) -> dict[str, Tensor]:
        """Losses of a batch drawn with ``random``; ``loss`` is the one to descend."""

    def validate(self, network: N) -> dict[str, float]:
        """Figures on the validation recordings; ``score``, higher is better, decides what is best."""


@dataclass
class Outcome(Generic[N]):
    """What came of a training: the averaged weights that validated best, and the history."""

    network: N
    step: int
    best: float
    figures: dict[str, float]
    curve: list[tuple[int, float]] = field(default_factory=list)


def fit(
    task: Task[N],
    out: Path,
    *,
    steps: int | None = None,
    resume: bool = True,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Outcome[N]:
    """Train ``task`` in folder ``out`` until its steps or its patience run out.

    Writes ``latest.pt`` and ``best.pt`` (beside, then renamed) and TensorBoard scalars. With ``resume``
    an interrupted run continues exactly where its last checkpoint was: batches, dropout and rates are
    functions of the step alone. ``steps`` replaces the recipe's number.
    """
    if threads:
        torch.set_num_threads(threads)
    run = _Run(task, out, steps or task.recipe.steps)
    if resume:
        run.restore()
    run.go(progress)
    return run.outcome()


class _Run(Generic[N]):
    def __init__(self, task: Task[N], out: Path, steps: int) -> None:
        from lightning.fabric import Fabric

        out.mkdir(parents=True, exist_ok=True)
        self.task, self.out, self.steps = task, out, steps
        torch.manual_seed(task.recipe.seed)
        network = task.network()
        groups = [{"scale": 1.0, **group} for group in task.groups(network)]
        optimizer = torch.optim.AdamW(groups, lr=task.recipe.rate, weight_decay=task.recipe.decay, betas=(0.9, 0.98))
        self.fabric = Fabric(accelerator="auto", devices=1)
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.network, self.optimizer = self.fabric.setup(network, optimizer)
        self.averaged.to(self.fabric.device)
        self.step, self.best, self.since = 0, -math.inf, 0
        self.figures: dict[str, float] = {}
        self.curve: list[tuple[int, float]] = []

    # -- the loop

    def go(self, progress: Progress | None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        recipe = self.task.recipe
        with SummaryWriter(str(self.out / "scalars"), purge_step=self.step) as scalars:
            while self.step < self.steps and self.since < recipe.patience:
                parts = self._descend()
                if not math.isfinite(parts["loss"]):
                    raise InputError(f"{self.task.name} diverged at step {self.step}; lower rate in the recipe")
                self.curve.append((self.step, parts["loss"]))
                _write(scalars, "train", parts, self.step)
                if progress:
                    progress(self.step, self.steps, f"{self.task.name} " + _line(parts))
                if self.step % recipe.every == 0 or self.step == self.steps:
                    self._validate()
                    _write(scalars, "val", self.figures, self.step)
                    if progress:
                        progress(self.step, self.steps, f"{self.task.name} validated " + _line(self.figures))

    def _descend(self) -> dict[str, float]:
        recipe = self.task.recipe
        random = np.random.default_rng([recipe.seed, self.step])
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["scale"] * rate(recipe, self.step, self.steps)
        self.network.train()
        losses = self.task.losses(self.network, random)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(losses["loss"])
        self.fabric.clip_gradients(self.network, self.optimizer, max_norm=recipe.clip)
        self.optimizer.step()
        self.step += 1
        self._average()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _average(self) -> None:
        keep = min(self.task.recipe.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True)
            for slow, fast in pairs:
                if slow.is_floating_point():
                    slow.lerp_(fast.to(slow.dtype), 1 - keep)
                else:
                    slow.copy_(fast)

    def _validate(self) -> None:
        self.averaged.eval()
        with torch.no_grad():
            figures = self.task.validate(self.averaged)
        better = figures["score"] > self.best
        self.best, self.since = max(self.best, figures["score"]), 0 if better else self.since + 1
        self.figures = {**figures, "best": self.best}
        if better:
            save(self.out / "best.pt", {"network": self.averaged.state_dict(), "figures": figures, **self._about()})
        save(self.out / "latest.pt", {**self._state(), **self._about()})

    # -- keeping and resuming

    def _about(self) -> dict[str, Any]:
        return {"task": self.task.name, "recipe": asdict(self.task.recipe), "step": self.step}

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "since": self.since,
            "figures": self.figures,
            "curve": self.curve,
        }

    def restore(self) -> None:
        path = self.out / "latest.pt"
        if not path.is_file():
            return
        kept = load(path)
        if kept.get("task") != self.task.name or kept.get("recipe", {}).get("size") != self.task.recipe.size:
            raise WeightsError(f"{path} is of another training ({kept.get('task')}); give an empty folder to train in")
        self.network.load_state_dict(kept["network"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.best, self.since = kept["step"], kept["best"], kept["since"]
        self.figures, self.curve = kept["figures"], [(step, loss) for step, loss in kept["curve"]]

    def outcome(self) -> Outcome[N]:
        best = self.out / "best.pt"
        kept = load(best) if best.is_file() else {"network": self.averaged.state_dict(), "figures": {}}
        self.averaged.load_state_dict(kept["network"])
        return Outcome(self.averaged.eval(), self.step, self.best, kept["figures"], self.curve)


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate at a step: a linear rise, then a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / recipe.warmup)
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(steps, 1))))
    return recipe.rate * rise * max(fall, 0.01)


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside its place, then rename it there: there is never half a file."""
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; tensors and plain values only, nothing that runs."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError) as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint; train again or give another file") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path} is not a checkpoint of this project")
    return state


def part(path: Path, start: str) -> dict[str, Tensor]:
    """The weights of a checkpoint whose names begin with ``start``, without it."""
    found = {k.removeprefix(start): v for k, v in load(path).get("network", {}).items() if k.startswith(start)}
    if not found:
        raise WeightsError(f"{path} holds no weights named {start}*; give the best.pt of an expert")
    return found


def _line(parts: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in parts.items())


def _write(scalars: Any, side: str, parts: dict[str, float], step: int) -> None:
    for name, value in parts.items():
        scalars.add_scalar(f"{side}/{name}", value, step)
