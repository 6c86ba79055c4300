"""Is a network better than the one it began as? Told on recordings that neither learnt from, and that chose nothing."""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lipwright.train.tasks import Task

Figures = dict[str, float]

LEAST = 4
"""Speakers that are needed to say how far chance goes; with fewer, recordings are taken for speakers."""
DRAWS = 1000


@dataclass(frozen=True)
class Gate:
    """The same figures of four networks: the ``result`` and its ``start`` on the held-out recordings, and to compare
    with, the ``floor``, a network that has learnt nothing, and the ``ceiling``, the result on some of the recordings
    that it learnt from. ``on`` says what was held out, ``chance`` where the gain lies with 95 % certainty, if that is
    known."""

    result: Figures
    start: Figures
    floor: Figures
    ceiling: Figures
    on: str
    chance: tuple[float, float] | None = None

    @property
    def passed(self) -> bool:
        """Whether the result's score is at least its start's."""
        return self.result["score"] >= self.start["score"]

    def words(self) -> str:
        """One sentence."""
        how = (
            "better than"
            if self.result["score"] > self.start["score"]
            else "as good as"
            if self.passed
            else "worse than"
        )
        return (
            f"the result is {how} its start on {self.on}: score {self.result['score']:.4f} in place of "
            f"{self.start['score']:.4f} (untrained {self.floor['score']:.4f}, on what it learnt from "
            f"{self.ceiling['score']:.4f}){self._sure()}"
        )

    def _sure(self) -> str:
        if self.chance is None:
            return ""
        low, high = self.chance
        doubt = ", which may be chance" if low <= 0 <= high else ""
        return f"; the gain lies between {low:+.4f} and {high:+.4f} (95 %){doubt}"

    def figures(self) -> Figures:
        """The four scores by name."""
        named = {"score": self.result, "start": self.start, "untrained": self.floor, "learnt": self.ceiling}
        return {name: each["score"] for name, each in named.items()}

    def write(self, path: Path) -> None:
        """All figures as JSON."""
        said = {**asdict(self), "passed": self.passed, "words": self.words()}
        path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def chance(task: Task[Any], result: nn.Module, start: nn.Module) -> tuple[float, float] | None:
    """Where the mean gain of a speaker lies with 95 % certainty: speakers of the task's ``held`` are drawn with
    replacement, 1,000 times.

    None for a task that does not say what it validates on (``held``, each with an id and a speaker), and for fewer than
    four recordings.
    """
    held: list[Any] = list(getattr(task, "held", []))
    speakers = {each.speaker for each in held}
    by = "speaker" if len(speakers) >= LEAST else "id"
    groups: dict[str, list[Any]] = {}
    for each in held:
        groups.setdefault(getattr(each, by), []).append(each)
    gains = [gain for own in groups.values() if math.isfinite(gain := _gain(task, own, result, start))]
    if len(gains) < LEAST:
        return None
    drawn = np.random.default_rng(0).choice(gains, (DRAWS, len(gains))).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _gain(task: Task[Any], own: Sequence[Any], result: nn.Module, start: nn.Module) -> float:
    """How much better the result does on some recordings; not a number where they are too short to be judged."""
    alone: Any = copy.copy(task)
    alone.held = list(own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(alone.validate(result)["score"] - alone.validate(start)["score"])
