"""Go on from a trained network for one language or one speaker, and keep the result only if it is better.

The recordings meant are parted in three (`lipwright.train.choosing`): some are learnt from, at a low rate or through
adapters; others say when to stop; and the gate (`lipwright.train.gate`) compares the result with its start on the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipwright.errors import InputError, RefusedError, WeightsError
from lipwright.train import adapters, choosing, engine, gate, kept, kinds, languages, recipes
from lipwright.train.recipes import Recipe
from lipwright.train.tasks import Task, Training

RATE = 0.1
"""Learning rate, as a share of the one that the start was trained with."""
HABITS = {"steps": 300, "every": 20, "patience": 6, "warmup": 20}
"""How a fine-tuning goes, unless it is told otherwise."""
ANEW = {"teacher": "", "beside": "", "half": "all", "hold": 0.0}
"""Settings of the start that have done their work."""
SIZES = {"base": "small", "large": "full"}
"""Sizes by the names they had in older checkpoints."""


@dataclass(frozen=True)
class Start:
    """A checkpoint to begin with: its weights, and the recipe it was trained with."""

    path: Path
    weights: dict[str, Tensor]
    recipe: dict[str, Any]


class Tuned:
    """A task that begins with other weights, of which only some learn; all else is the ``inner`` task's."""

    def __init__(self, inner: Task[Any], start: Start) -> None:
        self.inner, self.start, self.recipe, self.name = inner, start, inner.recipe, inner.name
        if hasattr(inner, "adopt"):
            inner.adopt(start.weights)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["inner"], name)

    def network(self) -> nn.Module:
        """The start, ready to learn."""
        network = begun(self.inner, self.start)
        adapters.prepare(network, self.recipe.adapt, self.recipe.rank)
        return network

    def groups(self, network: nn.Module) -> Iterable[dict[str, Any]]:
        """What learns."""
        if self.recipe.adapt == "adapters":
            yield {"params": [each for each in network.parameters() if each.requires_grad]}
            return
        for group in self.inner.groups(network):
            if learns := [each for each in group["params"] if each.requires_grad]:
                yield {**group, "params": learns}


def begun(task: Task[Any], start: Start) -> nn.Module:
    """The network of a task with the weights of a start.

    Raises:
        WeightsError: they are of another network.
    """
    from lipwright.train.checkpoint import faults, unlike

    network: nn.Module = task.network()
    wrong = faults(network, start.weights)
    if any(wrong):
        raise WeightsError(unlike(start.path, task.name, *wrong, (f"{task.name}, size {task.recipe.size}",)))
    network.load_state_dict(start.weights)
    return network


def read(path: Path) -> Start:
    """The ``best.pt`` or ``latest.pt`` of a training of this project.

    Raises:
        WeightsError: it is something else.
    """
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; give the best.pt of a training")
    if path.suffix == ".onnx":
        raise WeightsError(
            f"{path} is ONNX, in which batch norms are folded into the weights, so that it cannot learn as it did; "
            "give the best.pt of its training"
        )
    state = kept.load(path)
    weights, recipe = state.get("averaged", state.get("network")), state.get("recipe")
    if not isinstance(weights, dict) or not isinstance(recipe, dict):
        raise WeightsError(f"{path} is no checkpoint of this project's trainings; give the best.pt of one")
    return Start(path, adapters.folded(weights), dict(recipe))


def recipe_for(kind: str, start: Start, source: str | Path, changes: dict[str, Any]) -> tuple[Training, Recipe]:
    """The start's recipe with a tenth of its rate and other habits, what ``source`` says, and ``changes``."""
    told = {**(recipes.read(source) if source else {}), **changes}
    network = str(start.recipe.get("network", ""))
    if told.get("network", network) != network:
        raise InputError(f"{start.path} is of the network {network}; a recipe of {told['network']} does not fit it")
    training = kinds.training(kind, network)
    known = {field.name for field in fields(training.recipe)}
    values = {name: value for name, value in {**start.recipe, **ANEW}.items() if name in known}
    values["size"] = SIZES.get(values.get("size", ""), values.get("size", "small"))
    values["rate"] = RATE * float(values.get("rate", Recipe.rate))
    return training, recipes.build(training.recipe, {**values, **HABITS, **told}, str(source or start.path))


@dataclass(frozen=True)
class Work:
    """A fine-tuning: of what, on which recordings of the folder ``data``, to the folder ``out``."""

    training: Training
    recipe: Recipe
    start: Start
    data: Path
    out: Path
    offsets: Path | None
    rows: list[choosing.Row]
    choice: choosing.Choice

    def task(self, name: str, train: list[choosing.Row], val: list[choosing.Row]) -> Task[Any]:
        """The task on these recordings, which lie in the run's folder under ``name``."""
        folder = choosing.view(self.data, self.out / "recordings" / name, train, val)
        return self.training.task(self.recipe, folder, self.offsets)

    def judged(self, network: nn.Module, on: str) -> gate.Gate:
        """A result and its start on the held-out recordings ``on``, between floor and ceiling."""
        seen = self.choice.seen
        held, learnt = self.task("gate", seen, self.choice.gate), self.task("seen", seen, seen)
        torch.manual_seed(self.recipe.seed)
        fresh, before = held.network().eval(), begun(held, self.start).eval()
        with torch.no_grad():
            result, start, floor = (held.validate(each) for each in (network, before, fresh))
            sure = gate.chance(held, network, before)
            return gate.Gate(result, start, floor, learnt.validate(network), on, sure)

    def report(self, network: nn.Module) -> dict[str, float]:
        """By language, on all recordings that were not learnt from and chose nothing."""
        known = {row["id"] for row in (*self.choice.learn, *self.choice.stop)}
        judging = (*self.choice.gate, *(row for row in self.rows if row["split"] == "val"))
        unseen = {row["id"]: row for row in judging if row["id"] not in known}
        task = self.task("languages", self.choice.seen, list(unseen.values()))
        with torch.no_grad():
            lines = languages.report(task, network, self.rows, begun(task, self.start).eval())
        return languages.write(lines, self.out)


def finetune(
    kind: str,
    start: Path,
    data: Path,
    out: Path,
    *,
    language: str = "",
    speaker: str = "",
    source: str | Path = "",
    offsets: Path | None = None,
    changes: dict[str, Any] | None = None,
    **how: Any,
) -> dict[str, float]:
    """Fine-tune, judge, and export what is at least as good as its start; ``how`` goes to `engine.fit`.

    Raises:
        RefusedError: the result is worse than its start; nothing is exported.
        InputError, WeightsError: what is given does not fit.
    """
    began = read(start)
    training, told = recipe_for(kind, began, source, changes or {})
    if told.devices * told.nodes > 1:
        raise InputError("a fine-tuning uses one device; leave out devices and nodes")
    rows = choosing.rows(data)
    choice = choosing.choose(rows, language, speaker)
    work = Work(training, told, began, data, out, offsets, rows, choice)
    task = Tuned(work.task("learn", choice.learn, choice.stop), began)
    done = engine.fit(task, out, **how)
    adapters.fold(done.network)
    judged = work.judged(done.network, choice.words(language, speaker))
    judged.write(out / "gate.json")
    if not judged.passed:
        raise RefusedError(
            f"{judged.words()}; nothing was exported. Try --adapt adapters or last, a lower --rate than {told.rate:g}, "
            f"or more recordings; the run is kept in {out}"
        )
    by = work.report(done.network)
    figures = training.export(task.inner, done, out, f"from {start.name}, {language or speaker or 'all recordings'}")
    return {**figures, **by, **judged.figures()}
