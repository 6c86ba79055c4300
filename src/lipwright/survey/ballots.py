"""The votes of a study as arrays, once it is said whose count."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lipwright import ondisk
from lipwright.media.target import beside, refused
from lipwright.survey.intervals import Values
from lipwright.survey.store import Page, Rater, Store
from lipwright.survey.study import SCALE, Study

COLUMNS = (
    "rater", "counts", "page", "kind", "role", "clip", "system", "clip_b", "system_b", "question", "value", "passed",
)  # fmt: skip


@dataclass(frozen=True)
class Raters:
    """How many were ``invited``, ``started``, ``finished`` and ``left``; in which ``languages`` those who count read;
    the numbers of those who ``count``, and why the others do not (``out``)."""

    invited: int
    started: int
    finished: int
    left: int
    languages: dict[str, int]
    count: tuple[int, ...]
    out: dict[int, str]


def raters(study: Study, store: Store) -> Raters:
    """Who counts: by the rule that study.yaml fixed, whoever failed no more checks than ``most_failed``, and answered
    at least one where there are any."""
    everybody = store.raters()
    started = [rater for rater in everybody if rater.number is not None and not rater.left]
    pages = {rater.number or 0: store.pages(rater) for rater in started}
    out = {}
    for number, own in pages.items():
        if why := _why_not(study, store, own):
            out[number] = why
    return Raters(
        invited=len(everybody),
        started=len(started),
        finished=sum(all(page.answered for page in own) for own in pages.values()),
        left=sum(rater.left for rater in everybody),
        languages=dict(sorted(Counter(rater.language for rater in started if rater.number not in out).items())),
        count=tuple(sorted(pages.keys() - out.keys())),
        out=out,
    )


def _why_not(study: Study, store: Store, own: list[Page]) -> str:
    """Why a rater does not count; empty where they do."""
    if not any(page.answered and page.role == "vote" for page in own):
        return "no answers"
    checks = [page for page in own if page.role == "check"]
    answered = [page for page in checks if page.answered]
    if checks and not answered:
        return "left before the first check"
    failed = sum(not passed(page, store.answers(page)) for page in answered)
    return f"failed {failed} of {len(answered)} checks" if failed > study.most_failed else ""


def passed(page: Page, answers: dict[str, str]) -> bool:
    """Whether the answers of a check are among those expected."""
    expected = page.trial().expected or {}
    return all(answers.get(question) in values for question, values in expected.items())


def ratings(study: Study, store: Store, who: tuple[int, ...]) -> dict[str, Values]:
    """For each question float (raters, clips, systems), NaN where there is no vote."""
    shape = (len(who), len(study.clips), len(study.systems))
    found = {question: np.full(shape, np.nan) for question in study.ratings}
    row = {number: place for place, number in enumerate(who)}
    for rater, page, vote in store.votes():
        if rater.number in row and page.kind == "rate" and page.role == "vote":
            one = study.by_name[page.a]
            place = row[rater.number], study.clips.index(one.clip), study.systems.index(one.system)
            found[vote.question][place] = SCALE.index(vote.value) + 1
    return found


def preferences(study: Study, store: Store, who: tuple[int, ...]) -> dict[str, Values]:
    """For each comparison float (raters, systems, systems): how often the row was preferred to the column; a tie is a
    half to each."""
    count = len(study.systems)
    found = {question: np.zeros((len(who), count, count)) for question in study.pairs}
    row = {number: place for place, number in enumerate(who)}
    for rater, page, vote in store.votes():
        if rater.number in row and page.kind == "compare" and page.role == "vote":
            a, b = (study.systems.index(study.by_name[name].system) for name in (page.a, page.b))
            share = {"a": 1.0, "same": 0.5, "b": 0.0}[vote.value]
            found[vote.question][row[rater.number], a, b] += share
            found[vote.question][row[rater.number], b, a] += 1 - share
    return found


def rows(study: Study, store: Store) -> list[dict[str, Any]]:
    """Every vote as a row of a table, with the names of `COLUMNS`; also of those who do not count."""
    who, everything = raters(study, store), store.votes()
    answers: dict[int | None, dict[str, str]] = defaultdict(dict)
    for _, page, vote in everything:
        answers[page.id][vote.question] = vote.value
    return [
        _row(study, who, rater, page, vote.question, vote.value, answers[page.id]) for rater, page, vote in everything
    ]


def _row(
    study: Study, who: Raters, rater: Rater, page: Page, question: str, value: str, answers: dict[str, str]
) -> dict[str, Any]:
    one, two = study.by_name.get(page.a), study.by_name.get(page.b)
    told = {
        "rater": rater.number,
        "counts": rater.number in who.count,
        "page": page.position,
        "kind": page.kind,
        "role": page.role,
        "clip": one.clip if one else "",
        "system": one.system if one else "",
        "clip_b": two.clip if two else "",
        "system_b": two.system if two else "",
        "question": question,
        "value": value,
        "passed": passed(page, answers) if page.role == "check" else "",
    }
    return {name: told[name] for name in COLUMNS}


def write(table: list[dict[str, Any]], path: Path) -> Path:
    """Write rows as CSV. Raises OutputError."""
    place = ondisk.named(path).absolute()
    with refused(place), beside(place, place.parent) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(table)
    return place
