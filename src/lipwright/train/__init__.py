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
    from torch import nn

    from lipwright.types import Progress

KINDS = ("expert", "motion")
EXPERTS = {"crop": "lipsight", "points": "lipmesh"}
"""Which of our experts sees what."""


def train(
    what: str,
    *,
    data: str | Path,
    out: str | Path,
    recipe: str | Path = "",
    offsets: str | Path | None = None,
    steps: int | None = None,
    resume: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    **changes: Any,
) -> dict[str, float]:
    """Train one of our networks on a prepared folder, and export what validated best.

    Args:
        what: "expert" (two sync encoders) or "motion" (speech to mouth movement).
        data: a folder that ``prepare`` made.
        out: folder of the run; an interrupted run there is continued unless ``resume`` is False.
        recipe: YAML file, or a shipped recipe's name; the one named like ``what`` unless told.
        offsets: ``offsets.csv`` of a cross-fit (see :func:`crossfit`); recordings are moved by it.
        steps: replaces the recipe's number of steps.
        resume: continue exactly where the last checkpoint was.
        threads: CPU threads.
        progress: called after every step.
        changes: any setting of the recipe, e.g. ``size="tiny"``.

    Returns:
        The figures of the best validation; of the motion network, those of the val recordings, which chose nothing
        unless the recipe's ``hold`` is 0.

    Raises:
        InputError: for an unknown name, a recipe that does not fit, or data that are not prepared.
        MissingExtraError: when torch is not installed.
    """
    _needs()
    from lipwright.train import data as recordings, engine, expert, export, judge, motion, recipes

    if what not in KINDS:
        raise InputError(f"there is no training called {what!r}; there are: {', '.join(KINDS)}")
    prepared = recordings.read(Path(data), Path(offsets) if offsets else None)
    folder, source = Path(out), recipe or what
    if what == "expert":
        task = expert.ExpertTask(recipes.load(expert.ExpertRecipe, source, **changes), prepared)
        done = engine.fit(task, folder, steps=steps, resume=resume, progress=progress, threads=threads)
        name = EXPERTS[task.recipe.sees]
        export.expert(done.network, folder / f"{name}_video.onnx", folder / f"{name}_audio.onnx")
        for side, half in (("video", done.network.video), ("audio", done.network.audio)):
            _card(folder / f"{name}_{side}.onnx", f"{side} half of a sync expert", half, done.figures, source)
        return done.figures
    moving = motion.MotionTask(recipes.load(motion.MotionRecipe, source, **changes), prepared)
    moved = engine.fit(moving, folder, steps=steps, resume=resume, progress=progress, threads=threads)
    joined = moving.joined(moved.network)
    factor = judge.calibrate(joined, moving.held)
    export.motion(joined, folder / "motion.onnx")
    figures = {**judge.judge(joined, prepared.val), "factor": factor}
    _card(folder / "motion.onnx", "moves lips, jaw and chin to speech", joined, figures, source)
    return figures


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


def _card(path: Path, what: str, network: nn.Module, figures: dict[str, float], recipe: str | Path) -> None:
    from lipwright.train import export

    quality = "on the val recordings: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    command = f"lipwright train, recipe {Path(recipe).name}"
    export.card(path, what, network, "a prepared folder of the trainer's own", quality, command)


def _needs() -> None:
    for package in ("torch", "lightning"):
        if find_spec(package) is None:
            raise MissingExtraError("train", package)
