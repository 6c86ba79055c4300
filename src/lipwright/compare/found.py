"""What a comparison found, for people and machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lipwright import __version__
from lipwright.measure.table import SCORES, grid
from lipwright.measure.watching import tells

OFFSET = "offset_frames"


@dataclass(frozen=True)
class Entry:
    """One video: the ``name`` above it, its ``file`` (None: it could not be made), why it or its measurement failed
    (``problem``), and what was found: ``figures`` as `lipwright.measure` tells machines, ``better`` (higher, lower or
    none) of each metric, ``opening`` of the mouth frame by frame in eye distances, ``fps`` frames a second of it."""

    name: str
    file: Path | None
    problem: str = ""
    figures: Mapping[str, Any] | None = None
    better: Mapping[str, str] | None = None
    opening: Sequence[float | None] = ()
    fps: float = 25.0

    def values(self) -> dict[str, float | None]:
        """The figures that stand in the table, by name."""
        return {} if self.figures is None else _picked(self.figures, {OFFSET: self.figures[OFFSET]})

    def data(self) -> dict[str, Any]:
        """For machines."""
        told = {"file": None if self.file is None else str(self.file), "problem": self.problem}
        return told | {"figures": self.figures, "better": self.better, "opening": list(self.opening), "fps": self.fps}


@dataclass(frozen=True)
class Compared:
    """All of a comparison: its ``folder``, the ``entries`` in the order asked for, the ``grid`` video and the ``page``
    (None where no video could be made)."""

    folder: Path
    entries: tuple[Entry, ...]
    grid: Path | None
    page: Path | None

    def rows(self) -> Iterator[tuple[str, str, list[float | None]]]:
        """(key, what it is, values) of each figure: a wrong voice, each entry, the ceiling."""
        columns = [entry.values() for entry in self.entries]
        floors = [_picked(entry.figures["floor"]) for entry in self.entries if entry.figures]
        tops = [_picked(entry.figures["ceiling"]) for entry in self.entries if entry.figures]
        names = {OFFSET: "offset, frames (above 0: sound early)", **SCORES, **tells()}
        for key in dict.fromkeys(key for column in columns for key in column):
            floor = [value for one in floors if (value := one.get(key)) is not None]
            top = next((one[key] for one in tops if one.get(key) is not None), None)
            values = [column.get(key) for column in columns]
            yield key, names.get(key, key) + self._unit(key), [median(floor) if floor else None, *values, top]

    def _unit(self, key: str) -> str:
        units = [entry.figures["units"].get(key) for entry in self.entries if entry.figures]
        unit = next(filter(None, units), "")
        return f" ({unit})" if unit else ""

    def better(self, key: str) -> str:
        """Which way a figure is good: higher, lower or none."""
        if key in SCORES:
            return "lower" if key.startswith("lse_d") else "higher"
        return next((entry.better[key] for entry in self.entries if entry.better and key in entry.better), "none")

    def heads(self) -> list[str]:
        """What stands above the columns of `rows`."""
        return ["wrong voice", *(entry.name for entry in self.entries), "ceiling"]

    def text(self) -> str:
        """For people."""
        lines = [f"{entry.name}: {entry.problem or headline(entry)}" for entry in self.entries]
        lines += ["", grid(self.heads(), [(what, values) for _, what, values in self.rows()])]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """For machines."""
        files = {"grid": str(self.grid) if self.grid else None, "page": str(self.page) if self.page else None}
        entries = {entry.name: entry.data() for entry in self.entries}
        return {"version": __version__, "folder": str(self.folder), **files, "entries": entries}


def headline(entry: Entry) -> str:
    """Verdict and offset of one entry."""
    return "" if entry.figures is None else f"{entry.figures['verdict']}; {entry.figures['offset_words']}"


def _picked(figures: Mapping[str, Any], more: Mapping[str, float] | None = None) -> dict[str, float | None]:
    """Offset, scores and metrics of what is told to machines of a video, its floor or its ceiling."""
    scores = {name: figures[name] for name in SCORES if name in figures}
    plain = {name: value for name, value in figures.items() if isinstance(value, int | float) and name not in SCORES}
    return {**(more or {}), **scores, **figures.get("metrics", {} if "verdict" in figures else plain)}
