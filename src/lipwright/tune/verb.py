"""Tune: many trials of other settings, the bad ones ended early, the best written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from lipwright import workers as processes
from lipwright.errors import InputError
from lipwright.tune import space as spaces, study as studies
from lipwright.tune.space import Space

if TYPE_CHECKING:
    from optuna import Study, Trial

    from lipwright.types import Progress


class Search(Protocol):
    """What is searched: settings, and how good they are."""

    settings: dict[str, Any]
    """As they are without any tuning, and as no trial changes them."""

    def about(self) -> dict[str, Any]:
        """What may not change from one call to the next in the same folder."""

    def ready(self) -> None:
        """Do once what all trials need."""

    def build(self, settings: dict[str, Any]) -> object:
        """InputError where settings are of no use."""

    def score(self, settings: dict[str, Any], trial: Trial, folder: Path, progress: Progress | None) -> float:
        """How good they are, higher is better; tells ``trial`` what it finds on the way."""

    def conclude(self, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Write the best settings down as ``best.yaml``, and give what there is to tell of them."""


@dataclass(frozen=True)
class Job:
    """All that a process needs for a trial."""

    search: Search
    space: Space
    plan: studies.Plan
    run: str


def tune(
    what: str,
    *,
    data: str | Path,
    out: str | Path,
    trials: int = 20,
    space: str | Path | None = None,
    recipe: str | Path = "",
    offsets: str | Path | None = None,
    steps: int | None = None,
    pruner: str = "median",
    seed: int = 1,
    workers: int = 1,
    ray: str = "",
    threads: int | None = None,
    progress: Progress | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Search for better settings, in a folder that any later call goes on with.

    The first trial is of the settings as they are, where the space holds them. A training's score is its best
    validation, on training speakers kept aside (``hold``). Trials that were killed are done again.

    Args:
        what: "expert", "motion" or another kind of training, or "measure" for the thresholds of the measurement.
        data: a folder that ``prepare`` made.
        out: the study's folder: ``study.db``, ``best.yaml``, ``report.html``, and ``trials/`` with their runs.
        trials: how many in all, those of earlier calls included.
        space: a YAML file with what may change, see `lipwright.tune.space`; None: that of ``what``.
        recipe: what trials begin with: a YAML file or a shipped recipe's name; the one named like ``what`` unless told.
        offsets: ``offsets.csv`` of a cross-fit.
        steps: of each trial, in place of the recipe's.
        pruner: how trials that do badly are ended early: "median", "hyperband", or "none".
        seed: of what is proposed.
        workers: processes at work, each with one thread.
        ray: a Ray cluster that does the work.
        threads: CPU threads of a trial, where ``workers`` is 1.
        progress: called after every step, or every trial where there are several ``workers``.
        changes: any setting of the recipe, for all trials.

    Returns:
        ``best`` (trial, score and settings), ``start`` (the score of the settings as they were, or None), ``trials``
        (a line of each), ``file`` and ``page`` (paths), and for the measurement what its held-out speakers say.

    Raises:
        InputError: an unknown name, a space that does not fit, another study in the folder, or no trial that succeeds;
            OutputError and MissingExtraError where the folder cannot be written, optuna or torch is missing.
    """
    if trials < 1:
        raise InputError(f"there must be at least one trial; given {trials}")
    search = _search(what, Path(data), recipe, offsets, steps, threads, changes)
    fixed = {*changes, *(("steps",) if steps else ())}
    job, known = _begun(search, _space(space, what, search, fixed), Path(out), pruner, seed)
    try:
        _run(job, known, trials, workers, ray, progress)
    finally:
        told = _conclude(job, known)
    return told


def _space(source: str | Path | None, what: str, search: Search, fixed: set[str]) -> Space:
    """What may change, checked against what is searched; of a shipped space what is not ``fixed`` and can be set."""
    space = spaces.read(source, what)
    if source is None:
        space = {name: part for name, part in space.items() if name in search.settings and name not in fixed}
    if both := sorted(space.keys() & fixed):
        raise InputError(f"{both[0]} is both set for all trials and part of the space; leave one of them out")
    spaces.allowed(space, search.settings, search.build)
    return space


def _begun(search: Search, space: Space, out: Path, pruner: str, seed: int) -> tuple[Job, Study]:
    """The study, its first trial of the settings as they are."""
    about = {**search.about(), "space": list(spaces.words(space)), "pruner": pruner}
    plan = studies.Plan(out, pruner, seed, about)
    search.ready()
    study = studies.begin(plan)
    as_is = spaces.own(space, search.settings)
    if as_is is not None and not study.get_trials(deepcopy=False):
        study.enqueue_trial(as_is, user_attrs={"start": True})
    return Job(search, space, plan, uuid4().hex), study


def _search(
    what: str,
    data: Path,
    recipe: str | Path,
    offsets: str | Path | None,
    steps: int | None,
    threads: int | None,
    changes: dict[str, Any],
) -> Search:
    studies.needs("tune", "optuna", "plotly")
    beside = Path(offsets) if offsets else None
    if what == "measure":
        from lipwright.tune.verdicts import Verdicts

        if recipe or steps or changes:
            raise InputError("the measurement has no recipe and no steps; leave out recipe, steps and other settings")
        return Verdicts(data, beside)
    from lipwright.tune.training import Trainings

    return Trainings(
        what, str(recipe or what), data, beside, {**changes, **({"steps": steps} if steps else {})}, threads
    )


def _run(job: Job, study: Study, trials: int, workers: int, ray: str, progress: Progress | None) -> None:
    """Do the trials that are missing; those of processes that are lost are done again."""
    alone = workers == 1 and not ray
    try:
        while left := studies.missing(study, trials):
            one = partial(_one, job, progress=progress if alone else None)
            for _ in processes.spread(one, range(left), workers=workers, ray=ray):
                if progress:
                    progress(len(studies.finished(study)), trials, "trials")
    finally:
        studies.stop(study, job.run)


def _one(job: Job, _number: int, progress: Progress | None = None) -> None:
    """One trial, in any process."""

    def score(trial: Trial) -> float:
        settings = {**job.search.settings, **spaces.chosen(job.space, trial)}
        tell = partial(_tell, progress, f"trial {trial.number}") if progress else None
        return job.search.score(settings, trial, studies.folder(job.plan, trial), tell)

    studies.once(job.plan, score, job.run)


def _tell(progress: Progress, name: str, done: int, total: int, what: str) -> None:
    progress(done, total, f"{name}: {what}")


def _conclude(job: Job, study: Study) -> dict[str, Any]:
    """Write down what is best so far, and a page; ``best`` is None where no trial has come to its end yet."""
    from lipwright.tune import page

    rows = page.rows(study)
    done = [row for row in rows if row["state"] == "done"]
    told: dict[str, Any] = {"best": None, "start": None, "trials": rows, "study": str(job.plan.folder / "study.db")}
    if not done:
        return told
    best = max(done, key=lambda row: (row["score"], -row["trial"]))
    studies.tidy(study, job.plan, best["trial"])
    told |= {"best": best, "start": _first(row["score"] for row in done if row["start"])}
    told |= job.search.conclude({**job.search.settings, **best["settings"]}, job.plan.folder)
    return told | {"page": str(page.write(study, rows, job.plan.folder / "report.html"))}


def _first(scores: Iterable[float]) -> float | None:
    return next(iter(scores), None)
