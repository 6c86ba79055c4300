"""A search that lies in a folder: its trials in SQLite, gone on with after any stop, and done by several processes.

[Akiba et al., 2019, "Optuna"]: values are proposed by a tree-structured Parzen estimator, and a trial that does worse
than others did at the same step is ended early.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright.errors import InputError, LipwrightError, MissingExtraError, OutputError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

PRUNERS = ("median", "hyperband", "none")
BEAT, GRACE = 10, 120
"""Seconds between two signs of life of a trial, and without one until it counts as killed."""
AGAIN = 3
"""How often a trial that was killed is done again."""
FIRST = 4
"""Trials that run to their end before one is ended early."""
GIVE_UP = 3
"""Failed trials, with none that succeeded, after which a search ends."""
BEGUN, PROBLEM, RUN, FIRST_TIME = "begun", "problem", "run", "first"
"""What is kept with a trial: when it was begun, why it failed, in which call, and its number when first begun."""

Objective = Callable[["Trial"], float]


@dataclass(frozen=True)
class Plan:
    """How a search goes: where, how trials are ended early, and what it is ``about``, which may never change."""

    folder: Path
    pruner: str = "median"
    seed: int = 1
    about: dict[str, Any] = field(default_factory=dict)


def needs(extra: str, *packages: str) -> None:
    """Raise MissingExtraError where one of the packages that ``extra`` brings is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(extra, package)


def begin(plan: Plan) -> Study:
    """Open the study of a folder, or begin one.

    Raises:
        InputError: for one that was begun about something else, or an unknown way of pruning.
        OutputError: where it cannot be written, or is damaged.
    """
    if plan.pruner not in PRUNERS:
        raise InputError(f"there is no pruner {plan.pruner!r}; there are: {', '.join(PRUNERS)}")
    study = _opened(plan)
    told = json.dumps(plan.about, sort_keys=True, default=str)
    before = study.user_attrs.get("about", told)
    if before != told:
        old, new = json.loads(before), json.loads(told)
        other = next(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
        raise InputError(
            f"the study in {plan.folder} was begun with {other} {_short(old.get(other))}, and this is "
            f"{_short(new.get(other))}; give another --out, or the same {other}"
        )
    study.set_user_attr("about", told)
    return study


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _opened(plan: Plan) -> Study:
    import optuna
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
    from sqlalchemy.exc import SQLAlchemyError

    path = plan.folder / "study.db"
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        with quietly():
            storage = RDBStorage(
                f"sqlite:///{path}",
                engine_kwargs={"connect_args": {"timeout": 120}},
                heartbeat_interval=BEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(AGAIN, True),
            )
            return optuna.create_study(
                storage=storage, study_name="tune", direction="maximize", load_if_exists=True, pruner=_pruner(plan)
            )
    except OSError as error:
        raise OutputError(f"the study's folder {plan.folder} cannot be written: {error.strerror or error}") from error
    except (SQLAlchemyError, RuntimeError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise OutputError(f"{path} cannot be used as a study: {reason}; move it away or give another --out") from error


def _pruner(plan: Plan) -> Any:
    from optuna import pruners

    if plan.pruner == "median":
        return pruners.MedianPruner(n_startup_trials=FIRST)
    return pruners.HyperbandPruner() if plan.pruner == "hyperband" else pruners.NopPruner()


@contextmanager
def quietly() -> Iterator[None]:
    """Without what Optuna has to say of itself: nothing of it is the user's to act on."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)


def reclaim(study: Study) -> None:
    """Mark as failed the trials that were killed, and put them back in the queue."""
    from optuna import storages
    from optuna.trial import TrialState

    with quietly():
        storages.fail_stale_trials(study)
        for trial in study.get_trials(deepcopy=False):
            if trial.state == TrialState.RUNNING and _stillborn(trial):
                study.tell(trial.number, state=TrialState.FAIL)


def _stillborn(trial: FrozenTrial) -> bool:
    """Whether a trial was killed before its first sign of life."""
    started = trial.datetime_start.timestamp() if trial.datetime_start else time.time()
    return trial.user_attrs.get(BEGUN, 0) < started < time.time() - GRACE


def stop(study: Study, run: str) -> None:
    """Put the trials of a ``run`` whose processes are ended back in the queue."""
    from optuna.trial import TrialState

    with quietly():
        for trial in study.get_trials(deepcopy=False):
            if trial.state == TrialState.RUNNING and trial.user_attrs.get(RUN) == run:
                study.tell(trial.number, state=TrialState.FAIL)
                _again(study, trial.number)


def _again(study: Study, number: int) -> None:
    from optuna.storages import RetryHeartbeatStaleTrialCallback

    with quietly():
        RetryHeartbeatStaleTrialCallback(None, True)(study, study.get_trials(deepcopy=True)[number])


def finished(study: Study) -> list[FrozenTrial]:
    """Trials that came to an end of their own: done, ended early, or failed with a sentence."""
    from optuna.trial import TrialState

    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state in ended or trial.user_attrs.get(PROBLEM)]


def missing(study: Study, wanted: int) -> int:
    """How many trials are left to do; those that another process is at are waited for."""
    from optuna.trial import TrialState

    while True:
        reclaim(study)
        done = finished(study)
        if len(done) >= GIVE_UP and all(trial.user_attrs.get(PROBLEM) for trial in done):
            raise InputError(f"{len(done)} trials failed and none succeeded; the last: {done[-1].user_attrs[PROBLEM]}")
        at_work = sum(trial.state == TrialState.RUNNING for trial in study.get_trials(deepcopy=False))
        left = wanted - len(done) - at_work
        if left > 0 or at_work == 0:
            return max(0, left)
        time.sleep(0.5)


def once(plan: Plan, objective: Objective, run: str = "") -> None:
    """Do one trial of a ``run``: the first that waits, or a new one. A sentence that it fails with is kept with it."""
    import optuna

    study = begin(plan)
    count = len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=2 * FIRST, seed=plan.seed * 10007 + count)

    begun = list[int]()

    def told(trial: Trial) -> float:
        trial.set_user_attr(BEGUN, time.time())
        trial.set_user_attr(RUN, run)
        trial.set_user_attr(FIRST_TIME, trial.user_attrs.get(FIRST_TIME, trial.number))
        begun.append(trial.number)
        try:
            return objective(trial)
        except LipwrightError as problem:
            trial.set_user_attr(PROBLEM, str(problem))
            raise

    try:
        with quietly():
            study.optimize(told, n_trials=1, catch=(LipwrightError,))
    except KeyboardInterrupt:
        for number in begun:
            _again(study, number)
        raise
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError) as error:
        if isinstance(error, ValueError) and "Cannot tell" not in str(error):
            raise  # else the machine stood still for so long that the trial was taken for killed, and is done again


def folder(plan: Plan, trial: Trial | FrozenTrial) -> Path:
    """Where a trial works; one that is done again goes on where it was stopped."""
    return plan.folder / "trials" / f"{trial.user_attrs.get(FIRST_TIME, trial.number):04d}"


def tidy(study: Study, plan: Plan, best: int) -> None:
    """Delete the weights of trials that came to their end and are not the ``best``; their figures stay."""
    trials = study.get_trials(deepcopy=False)
    for trial in finished(study):
        if folder(plan, trial) != folder(plan, trials[best]):
            (folder(plan, trial) / "best.pt").unlink(missing_ok=True)
