"""Training: networks, losses, data, one loop, and recipes. The only room with torch in it.

::

    train("expert", recipe="points", data="prepared/", out="runs/points")       # finds offsets, teaches the sound side
    train("motion", recipe="motion", data="prepared/", out="runs/motion", teacher="runs/points/best.pt")

A run resumes by itself; ``latest.pt``, ``best.pt`` and TensorBoard scalars lie in its folder, and the
best is written there as ONNX, with a card.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from lipwright.train.engine import Watch
    from lipwright.types import Progress


def train(
    what: str,
    *,
    data: str | Path,
    out: str | Path | None = None,
    recipe: str | Path = "",
    start: str | Path | None = None,
    language: str = "",
    speaker: str = "",
    offsets: str | Path | None = None,
    steps: int | None = None,
    resume: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    ray: str = "",
    **changes: Any,
) -> dict[str, float]:
    """Train a network on a prepared folder, and export what validated best.

    Args:
        what: the kind of network: "expert" (two sync encoders), "motion" (speech to mouth movement) or what else
            `lipwright.train.kinds` lists.
        data: a folder that ``prepare`` made.
        out: folder of the run; an interrupted run there is continued unless ``resume`` is False. ``runs/`` and the
            recipe's name with ``changes`` if left out (see `lipwright.train.recipes.named`).
        recipe: YAML file, or a shipped recipe's name; the one named like ``what`` unless told.
        start: ``best.pt`` of a training to go on from; see `lipwright.train.finetune`.
        language: with ``start``, what its recordings speak; "" for all.
        speaker: with ``start``, who speaks in them; "" for all.
        offsets: ``offsets.csv`` of a cross-fit (see :func:`crossfit`); recordings are moved by it.
        steps: replaces the recipe's number of steps.
        resume: continue exactly where the last checkpoint was.
        threads: CPU threads.
        progress: called after every step.
        watch: called with the step and the figures after every validation; may raise `lipwright.train.engine.Stopped`.
        ray: address of a Ray cluster that trains, a process for each of the recipe's ``devices`` on each of its
            ``nodes``; see `lipwright.train.cluster`. There ``progress`` is not told, and there is no ``watch``.
        changes: any setting of the recipe, e.g. ``size="tiny"``.

    Returns:
        The figures of the best validation; of the motion network, those of the val recordings, which chose nothing
        unless the recipe's ``hold`` is 0.

    Raises:
        InputError: for an unknown name, a recipe that does not fit, or data that are not prepared.
        RefusedError: what was begun with ``start`` has become worse.
        MissingExtraError: when torch is not installed.
    """
    _needs()
    beside, folder = Path(offsets) if offsets else None, Path(out) if out is not None else None
    how: dict[str, Any] = {"steps": steps, "resume": resume, "threads": threads}
    if ray and start is None:
        return _on_cluster(ray, what, recipe, {"data": Path(data), "out": folder, "offsets": beside}, how | changes)
    how |= {"progress": progress, "watch": watch}
    if start is None and not language and not speaker:
        return _trained(what, Path(data), folder, recipe, beside, how, changes)
    _only_here(start, ray)
    begun = {"language": language, "speaker": speaker, "source": recipe, "offsets": beside, "changes": changes}
    return _finetuned(what, Path(start or ""), Path(data), folder, begun, how)


def _trained(
    what: str,
    data: Path,
    out: Path | None,
    recipe: str | Path,
    offsets: Path | None,
    how: dict[str, Any],
    changes: dict[str, Any],
) -> dict[str, float]:
    """A training on this machine, and what it does in each language."""
    from lipwright.train import engine, kinds, languages, recipes

    source = recipe or what
    training, told = kinds.chosen(what, source, changes)
    if told.adapt != "all":
        raise InputError(f"adapt {told.adapt} needs weights to begin with: --from best.pt")
    folder = out or Path("runs") / recipes.named(source, changes)
    task = training.task(told, data, offsets)
    done = engine.fit(task, folder, **how)
    if not engine.first():
        return done.figures  # another process of this training writes
    figures = training.export(task, done, folder, f"recipe {Path(source).name}")
    return figures | languages.told(task, done.network, data, folder)


def _on_cluster(
    ray: str, what: str, recipe: str | Path, paths: dict[str, Path | None], how: dict[str, Any]
) -> dict[str, float]:
    """The same on a Ray cluster."""
    from lipwright.train import cluster, kinds, recipes

    changes = {name: value for name, value in how.items() if name not in ("steps", "resume", "threads")}
    _, told = kinds.chosen(what, recipe or what, changes)
    paths = {**paths, "out": paths["out"] or Path("runs") / recipes.named(recipe or what, changes)}
    paths |= {"recipe": Path(recipe)} if Path(recipe).is_file() else {}
    there = {name: str(path.absolute()) for name, path in paths.items() if path is not None}
    return cluster.train(ray, told.devices * told.nodes, what, {"recipe": recipe, **how, **there})


def _only_here(start: str | Path | None, ray: str) -> None:
    if start is None:
        raise InputError("one language or speaker alone teaches too little; give weights to begin with: --from best.pt")
    if ray:
        raise InputError("a fine-tuning is done on this machine; leave out the Ray cluster")


def _finetuned(
    what: str, start: Path, data: Path, out: Path | None, begun: dict[str, Any], how: dict[str, Any]
) -> dict[str, float]:
    """A fine-tuning, in a folder named by what it is of where none is given."""
    from lipwright.train import finetune, recipes

    named = {name: begun[name] for name in ("language", "speaker") if begun[name]}
    folder = out or Path("runs") / recipes.named(what, {**named, **begun["changes"]})
    return finetune.finetune(what, start, data, folder, **begun, **how)


def explained(what: str, recipe: str | Path = "") -> list[tuple[str, Any, str]]:
    """Every setting of a recipe (a YAML file, or a shipped one's name): its name, its value, and what it means."""
    _needs()
    from lipwright.train import kinds, recipes

    _, how = kinds.chosen(what, recipe or what, {})
    return [(name, getattr(how, name), about) for name, about in recipes.abouts(type(how)).items()]


def crossfit(
    *,
    data: str | Path,
    out: str | Path,
    recipe: str | Path = "points",
    steps: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    **changes: Any,
) -> Path:
    """Find which recordings were published out of sync: two experts, each judging the speakers it never saw.

    Writes and returns ``out/offsets.csv`` (clip, offset in frames, > 0 when its sound comes early,
    confidence, keep); the experts' runs lie in ``out/half_a`` and ``out/half_b``.
    """
    _needs()
    from lipwright.train import data as recordings, engine, expert, offsets, recipes

    prepared, folders = recordings.read(Path(data)), {}
    for half in ("a", "b"):
        folders[half] = Path(out) / f"half_{half}"
        task = expert.ExpertTask(recipes.load(expert.ExpertRecipe, recipe, **{**changes, "half": half}), prepared)
        engine.fit(task, folders[half], steps=steps, progress=progress, threads=threads)
    path = Path(out) / "offsets.csv"
    offsets.write(offsets.find(prepared, folders), path)
    return path


def _needs() -> None:
    for package in ("torch", "lightning"):
        if find_spec(package) is None:
            raise MissingExtraError("train", package)
