"""The training loop: one for all tasks, on one device or many; it resumes exactly, keeps the best, can be watched."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic

import numpy as np
import torch
import yaml
from torch import nn

from lipwright import locks
from lipwright.errors import InputError, WeightsError
from lipwright.train import kept
from lipwright.train.ahead import ahead
from lipwright.train.plateau import Plateau
from lipwright.train.recipes import Recipe
from lipwright.train.scalars import Scalars
from lipwright.train.tasks import Batch, N, Outcome, Part, Task
from lipwright.types import Progress

Watch = Callable[[int, dict[str, float]], None]
"""Called with the step and the figures after each validation; may raise `Stopped`."""

STANDING = 200
"""Steps that a loss may stand at chance before it is told."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Raised by a `Watch`: the training has gone far enough; what there is counts."""


def fit(
    task: Task[N],
    out: Path,
    *,
    steps: int | None = None,
    resume: bool = True,
    progress: Progress | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Outcome[N]:
    """Train ``task`` in folder ``out`` until its steps or its patience run out, or ``watch`` raises `Stopped`.

    Writes ``latest.pt`` and ``best.pt`` (beside, then renamed), ``step-N.pt`` where the recipe keeps some,
    ``recipe.yaml`` and a TensorBoard log. With ``resume`` an interrupted run continues exactly where it was: batches,
    dropout and rates are functions of the step alone. ``steps`` replaces the recipe's number.

    One training at a time works in a folder.

    On several devices (``devices`` and ``nodes`` of the recipe, torchrun, SLURM) each draws batches of its own, the
    gradients are averaged, and the first validates and writes.
    """
    if threads:
        torch.set_num_threads(threads)
    run = _Run(task, out, steps or task.recipe.steps)
    with run.alone():
        if resume:
            run.restore()
        run.go(progress or _silent, watch)
        return run.outcome()


class _Run(Generic[N]):
    def __init__(self, task: Task[N], out: Path, steps: int) -> None:
        self.task, self.out, self.steps = task, out, steps
        self.recipe = task.recipe
        self.fabric = fabric(self.recipe)
        torch.manual_seed(self.recipe.seed)
        network = task.network()
        self.averaged = copy.deepcopy(network).requires_grad_(False).to(self.fabric.device)
        self.network, self.optimizer = self.fabric.setup(network, _optimizer(task, network))
        self.parts: dict[str, Part] = getattr(task, "parts", dict)()
        for part in self.parts.values():
            part.setup(self.fabric)
        self.plateau = Plateau(getattr(task, "chance", {}), STANDING)
        self.step, self.best, self.since = 0, -math.inf, 0
        self.figures: dict[str, float] = {}
        self.curve: list[tuple[int, float]] = []
        self.whole = True
        """Whether this moment may be kept: not within a step, nor before a validation that is due."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The first device holds the folder, in which the recipe then stands."""
        if not self.fabric.is_global_zero:
            yield
            return
        self.out.mkdir(parents=True, exist_ok=True)
        with locks.hold(self.out, f"another training is at work in {self.out}; end it, or give another --out"):
            recipe = yaml.safe_dump(asdict(self.recipe), sort_keys=False)
            (self.out / "recipe.yaml").write_text(recipe, encoding="utf-8")
            yield

    # -- the loop

    def go(self, progress: Progress, watch: Watch | None) -> None:
        """Step until the end; what was whole when it is interrupted is kept."""
        first = self.step * self.recipe.accumulate
        batches = ahead(self._draw, first, self.steps * self.recipe.accumulate, self.recipe.ahead)
        with self._scalars() as scalars, self._kept_if_interrupted():
            while self.step < self.steps and self.since < self.recipe.patience:
                before = time.perf_counter()
                parts = self._descend(batches)
                self._tell(scalars, parts, time.perf_counter() - before, progress)
                if self.step % self.recipe.every == 0 or self.step == self.steps:
                    self._validate(scalars)
                    progress(self.step, self.steps, f"{self.task.name} validated " + _line(self.figures))
                    try:
                        if watch:
                            watch(self.step, self.figures)
                    except Stopped:
                        return

    def _draw(self, number: int) -> Batch:
        """The batch of a step and of its part, on this device."""
        step, turn = divmod(number, self.recipe.accumulate)
        rank = self.fabric.global_rank
        return self.task.draw(np.random.default_rng([self.recipe.seed, step, *((rank, turn) if rank or turn else ())]))

    def _descend(self, batches: Iterator[Batch]) -> dict[str, float]:
        recipe, told = self.recipe, list[dict[str, float]]()
        torch.manual_seed(recipe.seed * 1_000_003 + self.step + 500_009 * self.fabric.global_rank)
        for group in self.optimizer.param_groups:
            group["lr"] = group["scale"] * rate(recipe, self.step, self.steps)
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        for turn in range(recipe.accumulate):
            batch = self.fabric.to_device(next(batches))
            last = turn == recipe.accumulate - 1
            with nullcontext() if last else self.fabric.no_backward_sync(self.network):
                losses = self.task.losses(self.network, batch)
                self.fabric.backward(losses["loss"] / recipe.accumulate)
            told.append({name: float(value.detach()) for name, value in losses.items()})
        if recipe.clip:
            self.fabric.clip_gradients(self.network, self.optimizer, max_norm=recipe.clip)
        self.whole = False
        self.optimizer.step()
        self.step += 1
        self._average()
        more: dict[str, float] = {}
        for part in self.parts.values():
            more |= part.after_step(self.step)
        return {name: sum(each[name] for each in told) / len(told) for name in told[0]} | more

    def _average(self) -> None:
        """Let the averaged weights follow; where there is no averaging, they are the weights."""
        keep = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        if not self.recipe.average and self.step % self.recipe.every and self.step != self.steps:
            return  # nobody looks at them before the next validation
        with torch.no_grad():
            pairs = zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True)
            for slow, fast in pairs:
                if slow.is_floating_point():
                    slow.lerp_(fast.to(slow.dtype), 1 - keep)
                else:
                    slow.copy_(fast)

    def _tell(self, scalars: Scalars | None, parts: dict[str, float], seconds: float, progress: Progress) -> None:
        if not math.isfinite(parts["loss"]):
            raise InputError(f"{self.task.name} diverged at step {self.step}; lower rate in the recipe")
        self.curve.append((self.step, parts["loss"]))
        self.whole = self.step % self.recipe.every != 0 and self.step != self.steps
        progress(self.step, self.steps, f"{self.task.name} " + _line(parts))
        if note := self.plateau.told(parts, self.step):
            warnings.warn(f"{self.task.name}: {note}")
        if scalars is None:
            return
        clips = self.recipe.clips * self.recipe.accumulate * self.fabric.world_size
        scalars.write("train", parts, self.step)
        scalars.write("speed", {"clips": clips / seconds}, self.step)
        if note:
            scalars.tell(note, self.step)

    def _validate(self, scalars: Scalars | None) -> None:
        """Look at the averaged weights, on the first device, and keep what there is."""
        figures: dict[str, float] = {}
        if self.fabric.is_global_zero:
            self.averaged.eval()
            with torch.no_grad():
                figures = self.task.validate(self.averaged)
                shown = self.task.samples(self.averaged) if hasattr(self.task, "samples") else {}
        figures = self.fabric.broadcast(figures)
        better = figures["score"] > self.best
        self.best, self.since = max(self.best, figures["score"]), 0 if better else self.since + 1
        self.figures = {**figures, "best": self.best}
        for part in self.parts.values():
            part.after_validation(figures)
        self.whole = True
        if self.fabric.is_global_zero:
            if better:
                network = self.averaged.state_dict()
                kept.save(self.out / "best.pt", {"network": network, "figures": figures, **self._about()})
            self._keep()
            if scalars is not None:
                scalars.write("val", self.figures, self.step)
                scalars.show(shown, self.step)

    # -- keeping and resuming

    @contextmanager
    def _kept_if_interrupted(self) -> Iterator[None]:
        """Ctrl-C loses nothing, but for a step or a validation that was not finished."""
        try:
            yield
        except KeyboardInterrupt:
            if self.whole and self.step and self.fabric.is_global_zero:
                self._keep()
            raise

    @contextmanager
    def _scalars(self) -> Iterator[Scalars | None]:
        """The log, of the first device only."""
        if not self.fabric.is_global_zero:
            yield None
            return
        with Scalars(self.out / "scalars", self.step) as scalars:
            yield scalars

    def _keep(self) -> None:
        state = {**self._state(), **self._about()}
        kept.save(self.out / "latest.pt", state)
        if self.recipe.keep and self.step % self.recipe.keep == 0:
            kept.save(self.out / f"step-{self.step}.pt", state)

    def _about(self) -> dict[str, Any]:
        return {"task": self.task.name, "recipe": asdict(self.recipe), "step": self.step}

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "best": self.best,
            "since": self.since,
            "figures": self.figures,
            "curve": self.curve,
        }

    def restore(self) -> None:
        """Go on from ``latest.pt``, if there is one of the same training."""
        path = self.out / "latest.pt"
        if not path.is_file():
            return
        state, recipe = kept.load(path), self.recipe
        same = all(state.get("recipe", {}).get(name) == getattr(recipe, name) for name in ("network", "size"))
        if state.get("task") != self.task.name or not same:
            raise WeightsError(f"{path} is of another training ({state.get('task')}); give an empty folder to train in")
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.step, self.best, self.since = state["step"], state["best"], state["since"]
        self.figures, self.curve = state["figures"], [(step, loss) for step, loss in state["curve"]]

    def outcome(self) -> Outcome[N]:
        """What validated best."""
        self.fabric.barrier()
        best = self.out / "best.pt"
        found = kept.load(best) if best.is_file() else {"network": self.averaged.state_dict(), "figures": {}}
        self.averaged.load_state_dict(found["network"])
        return Outcome(self.averaged.cpu().eval(), self.step, self.best, found["figures"], self.curve)


def fabric(recipe: Recipe) -> Any:
    """The device or devices that a recipe names, launched; a GPU where there is one.

    Raises:
        InputError: 16-mixed without a GPU.
    """
    from lightning.fabric import Fabric

    if recipe.precision == "16-mixed" and not torch.cuda.is_available():
        raise InputError("recipe: precision 16-mixed needs a GPU, and none is seen; use bf16-mixed or 32-true")
    many = recipe.devices * recipe.nodes > 1
    made = Fabric(
        accelerator="auto",
        devices=recipe.devices,
        num_nodes=recipe.nodes,
        strategy=("ddp_find_unused_parameters_true" if getattr(recipe, "partly", False) else "ddp") if many else "auto",
        precision=recipe.precision,  # type: ignore[arg-type]
    )
    made.launch()
    return made


def first() -> bool:
    """Whether this process is the first of its training's, or the only one."""
    there = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not there or torch.distributed.get_rank() == 0


def _optimizer(task: Task[N], network: nn.Module) -> torch.optim.Optimizer:
    recipe = task.recipe
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[recipe.optimizer]
    groups = [{"scale": 1.0, **group} for group in task.groups(network)]  # type: ignore[arg-type]
    return kind(groups, lr=recipe.rate, weight_decay=recipe.decay, betas=(recipe.beta1, recipe.beta2))


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate at a step: a linear rise, then a cosine down to a hundredth, or no fall."""
    rise = min(1.0, (step + 1) / recipe.warmup)
    if recipe.schedule == "constant":
        return recipe.rate * rise
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(steps, 1))))
    return recipe.rate * rise * max(fall, 0.01)


def _silent(done: int, total: int, what: str) -> None:
    """Progress nobody looks at."""


def _line(parts: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in parts.items())
