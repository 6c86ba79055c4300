"""What came of a study: scores, comparisons, agreement, and how figures that machines measure go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from lipwright import ondisk, serving
from lipwright.errors import InputError
from lipwright.measure.found import _plain
from lipwright.survey import agreement, intervals, objective, strengths, study as studies
from lipwright.survey.intervals import Estimate, Values
from lipwright.survey.study import Study
from lipwright.types import Progress

DRAWS = 1000
"""Resamples for an interval."""


@dataclass(frozen=True)
class Score:
    """The opinion score of a system: the mean of the raters' means, 1 to 5, and how many ``votes`` it has."""

    system: str
    mean: Estimate
    votes: int


@dataclass(frozen=True)
class Difference:
    """How much higher system ``one`` stands than ``other`` for the same raters; ``p`` after Holm's correction."""

    one: str
    other: str
    mean: Estimate
    p: float


@dataclass(frozen=True)
class Rating:
    """The answers to one question; ``alpha``, Krippendorff's, with its interval."""

    question: str
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    alpha: float
    alpha_interval: tuple[float, float] | None


@dataclass(frozen=True)
class Strength:
    """A system on Bradley and Terry's scale (log, mean 0), and its share of wins, ties counted half."""

    system: str
    strength: Estimate
    share: float


@dataclass(frozen=True)
class Comparing:
    """The answers to one comparison; ``ties``, the share of "no difference"."""

    question: str
    strengths: tuple[Strength, ...]
    differences: tuple[Difference, ...]
    wins: Mapping[str, Mapping[str, float]]
    comparisons: int
    ties: float


@dataclass(frozen=True)
class Relation:
    """How a measured figure goes with the votes on a question, over the videos."""

    question: str
    figure: str
    spearman: Estimate
    pearson: Estimate


@dataclass(frozen=True, eq=False)
class Results:
    """All that a study found. ``raters``, see `lipwright.survey.ballots.Raters`; ``changed``, whether
    study.yaml was changed after it was planned; ``unmeasured``, why videos have no
    figures, by clip and system; ``table``, every vote as a row."""

    title: str
    raters: Any
    most_failed: int
    changed: bool
    ratings: tuple[Rating, ...]
    comparisons: tuple[Comparing, ...]
    relations: tuple[Relation, ...]
    unmeasured: Mapping[str, str]
    points: Mapping[str, Mapping[str, list[tuple[float, float, str]]]]
    table: list[dict[str, Any]]

    def data(self) -> dict[str, Any]:
        """For ``--json``: no value that is not a number (null instead), and no single votes."""
        told = {"title": self.title, "raters": asdict(self.raters), "most_failed": self.most_failed}
        told |= {"changed": self.changed}
        told |= {"ratings": [asdict(each) for each in self.ratings]}
        told |= {"comparisons": [asdict(each) for each in self.comparisons]}
        told |= {"relations": [asdict(each) for each in self.relations], "unmeasured": dict(self.unmeasured)}
        return {key: _plain(value) for key, value in told.items()}


def stats(study: Path, *, measure: bool = False, progress: Progress | None = None) -> Results:
    """What the votes of a study say, those that fail its rule for checks left out.

    Args:
        study: its folder.
        measure: measure its videos with `lipwright.measure`, where that was not done before, and relate the figures to
            the votes; figures that are there are used anyway.
        progress: told of each video measured.

    Raises:
        InputError: no study, one that is damaged, or no votes that count.
        MissingExtraError: without the extra ``web``.
    """
    serving.needed()
    from lipwright.survey import ballots
    from lipwright.survey.store import Store

    folder = ondisk.named(study).absolute()
    plan = studies.read(folder)
    store = Store.open(folder, plan)
    who = ballots.raters(plan, store)
    if not who.count:
        why = "; ".join(f"rater {number} {reason}" for number, reason in list(who.out.items())[:5])
        raise InputError(f"{folder} has no votes that count ({who.started} raters started{': ' * bool(why)}{why})")
    votes, wins = ballots.ratings(plan, store, who.count), ballots.preferences(plan, store, who.count)
    found = objective.measured(folder, plan, progress) if measure else objective.known(folder)
    figures = objective.figures(found)
    table, changed = ballots.rows(plan, store), store.changed(plan)
    store.close()
    return Results(
        title=plan.title,
        raters=who,
        most_failed=plan.most_failed,
        changed=changed,
        ratings=tuple(rating(question, plan.systems, each) for question, each in votes.items()),
        comparisons=tuple(comparing(question, plan.systems, each, table) for question, each in wins.items()),
        relations=tuple(_relations(plan, votes, figures)),
        unmeasured={
            f"{each.clip}, {each.system}": found[each.name]
            for each in plan.items.values()
            if isinstance(found.get(each.name), str)
        },
        points=_points(plan, votes, figures),
        table=table,
    )


def rating(question: str, systems: tuple[str, ...], votes: Values) -> Rating:
    """The opinion scores of votes (raters, clips, systems), 1 to 5, NaN where there is none."""
    means = _mean(votes, 1)
    scores = [
        Score(system, intervals.mean(means[:, place]), int(np.isfinite(votes[:, :, place]).sum()))
        for place, system in enumerate(systems)
    ]
    agreed, interval = agreement.alpha(votes.reshape(len(votes), -1), DRAWS)
    return Rating(question, tuple(scores), _differences(systems, means), agreed, interval)


def comparing(question: str, systems: tuple[str, ...], wins: Values, table: Iterable[Mapping[str, Any]]) -> Comparing:
    """The strengths behind ``wins`` (raters, systems, systems), ties half to each."""
    own = [row["value"] for row in table if _counts(row, question)]
    total, met = wins.sum(0), wins + wins.transpose(0, 2, 1)
    found, (low, high) = strengths.strengths(total), strengths.spread(wins, DRAWS)
    shares = total.sum(1) / np.maximum((total + total.T).sum(1), 1e-9)
    raters = int((met.sum((1, 2)) > 0).sum())
    told = tuple(
        Strength(system, Estimate(float(found[i]), *_unless(raters < 2, low[i], high[i]), raters), float(shares[i]))
        for i, system in enumerate(systems)
    )
    with np.errstate(invalid="ignore"):
        leads = np.where(met > 0, (wins - wins.transpose(0, 2, 1)) / met, np.nan)
    pairs = [(i, j) for i, j in combinations(range(len(systems)), 2)]
    chances = intervals.holm([intervals.unlike(leads[:, i, j]) for i, j in pairs])
    differences = tuple(
        Difference(systems[i], systems[j], intervals.mean(leads[:, i, j]), chance)
        for (i, j), chance in zip(pairs, chances, strict=True)
    )
    named = {one: {two: float(total[i, j]) for j, two in enumerate(systems) if i != j} for i, one in enumerate(systems)}
    return Comparing(question, told, differences, named, len(own), own.count("same") / max(1, len(own)))


def _counts(row: Mapping[str, Any], question: str) -> bool:
    return bool(row["counts"] and row["kind"] == "compare" and row["role"] == "vote" and row["question"] == question)


def _unless(lacking: bool, low: float, high: float) -> tuple[float | None, float | None]:
    return (None, None) if lacking else (float(low), float(high))


def _differences(systems: tuple[str, ...], means: Values) -> tuple[Difference, ...]:
    """Between every two systems, of the raters' means (raters, systems)."""
    pairs = list(combinations(range(len(systems)), 2))
    apart = [means[:, i] - means[:, j] for i, j in pairs]
    chances = intervals.holm([intervals.unlike(each) for each in apart])
    return tuple(
        Difference(systems[i], systems[j], intervals.mean(each), chance)
        for (i, j), each, chance in zip(pairs, apart, chances, strict=True)
    )


def _mean(values: Values, axis: int) -> Values:
    """The mean of what is known along an axis; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis)
    return np.where(count > 0, np.where(known, values, 0).sum(axis) / np.maximum(count, 1), np.nan)


def _points(
    plan: Study, votes: Mapping[str, Values], figures: objective.Figures
) -> dict[str, dict[str, list[tuple[float, float, str]]]]:
    """For each question and figure, (figure, mean vote, name) of every video that has both."""
    names = sorted({name for told in figures.values() for name in told})
    found: dict[str, dict[str, list[tuple[float, float, str]]]] = {}
    for question, each in votes.items():
        means = _mean(each, 0)
        for name in names:
            found.setdefault(question, {})[name] = [
                (figures[one.name][name], float(means[i, j]), f"{clip}, {system}")
                for i, clip in enumerate(plan.clips)
                for j, system in enumerate(plan.systems)
                if name in figures.get((one := plan.items[clip, system]).name, {}) and np.isfinite(means[i, j])
            ]
    return found


def _relations(plan: Study, votes: Mapping[str, Values], figures: objective.Figures) -> Iterable[Relation]:
    """Question by question, the figures that go best with the votes first."""
    for question, named in _points(plan, votes, figures).items():
        found = []
        for name, points in named.items():
            x, y = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)
            found.append(Relation(question, name, intervals.spearman(x, y), intervals.pearson(x, y)))
        known = [each for each in found if np.isfinite(each.spearman.value)]
        yield from sorted(known, key=lambda each: -abs(each.spearman.value))
