"""How well a network does in each language: a table of figures, beside those of the network it began as, if any."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lipwright.train import choosing
from lipwright.train.choosing import Row
from lipwright.train.tasks import Task

FPS = 25
NONE = "none"
"""Where the manifest names no language."""


@dataclass(frozen=True)
class Language:
    """One line: how many ``recordings`` of how many ``speakers`` and ``minutes``, all unknown to the network, and its
    ``figures`` on them; ``start``, those of what it began as, or nothing."""

    language: str
    recordings: int
    speakers: int
    minutes: float
    figures: dict[str, float]
    start: dict[str, float]


def report(task: Task[Any], network: nn.Module, rows: Sequence[Row], start: nn.Module | None = None) -> list[Language]:
    """The figures of a network by language, on the recordings that its task validates on and those of split val.

    Nothing for a task that has no ``held``, the recordings it validates on, each with an ``id``.
    """
    if not hasattr(task, "held"):
        return []
    said = {row["id"]: row.get("language") or NONE for row in rows}
    val = getattr(getattr(task, "prepared", None), "val", [])
    unseen = {each.id: each for each in [*task.held, *val]}
    by: dict[str, list[Any]] = {}
    for name, each in unseen.items():
        by.setdefault(said.get(name, NONE), []).append(each)
    return [_line(task, network, start, name, by[name]) for name in sorted(by, key=lambda name: (-len(by[name]), name))]


def told(task: Task[Any], network: nn.Module, data: Path, folder: Path) -> dict[str, float]:
    """Write the report of a training on the prepared folder ``data``, where its manifest names languages.

    Returns the scores, as ``score_en`` for English.
    """
    rows = choosing.rows(data) if (data / "manifest.csv").is_file() else []
    if not any(row.get("language") for row in rows):
        return {}
    with torch.no_grad():
        return write(report(task, network, rows), folder)


def _line(task: Task[Any], network: nn.Module, start: nn.Module | None, name: str, own: list[Any]) -> Language:
    alone: Any = copy.copy(task)
    alone.held = own
    figures = alone.validate(network)
    before = alone.validate(start) if start is not None else {}
    if len(own) < 2:  # there is no other recording to hold it against
        figures, before = ({k: v for k, v in each.items() if k != "floor"} for each in (figures, before))
    minutes = sum(len(each) for each in own) / FPS / 60
    return Language(name, len(own), len({each.speaker for each in own}), round(minutes, 2), figures, before)


def table(lines: Sequence[Language]) -> str:
    """The report as Markdown: a line a language, its start's score beside its own."""
    names = [name for name in lines[0].figures if name != "score"]
    began = any(line.start for line in lines)
    head = ["language", "recordings", "speakers", "minutes", "score", *(["start"] if began else []), *names]
    text = [head, ["---"] * len(head)]
    for line in lines:
        start = [_figure(line.start.get("score"))] if began else []
        own = [_figure(line.figures.get(name)) for name in names]
        counts = [line.language, str(line.recordings), str(line.speakers), f"{line.minutes:.2f}"]
        text.append([*counts, _figure(line.figures["score"]), *start, *own])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in text)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def write(lines: Sequence[Language], folder: Path) -> dict[str, float]:
    """Write ``languages.json`` and ``languages.md``; returns the scores by name."""
    if lines:
        text = json.dumps([vars(line) for line in lines], indent=2)
        (folder / "languages.json").write_text(text + "\n", encoding="utf-8")
        (folder / "languages.md").write_text(table(lines) + "\n", encoding="utf-8")
    return {f"score_{line.language}": line.figures["score"] for line in lines}
