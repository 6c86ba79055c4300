"""What a check finds: figures with their limits, and findings with their spans."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lipwright import steady, symptoms
from lipwright.types import Issue

Severity = Literal["info", "warning", "error"]
Spans = tuple[tuple[float, float], ...]
"""Seconds from and to which, in their order, apart."""

ORDER: tuple[Severity, ...] = ("error", "warning", "info")
GAP, BRIEF = 0.2, 0.12
_SHOWN = 6


@dataclass(frozen=True)
class Finding(Issue):
    """An issue with all its ``spans`` (s), and what it is about (``subject``); ``at`` reaches from the first span's
    start to the last one's end, and is None for what concerns all of it."""

    spans: Spans = ()
    subject: str = ""


@dataclass(frozen=True)
class Figure:
    """One thing that was looked at: ``name`` for machines, ``what`` for people, its ``value`` (None: not measured,
    then ``limit`` says why), ``unit``, the ``limit`` in words, and whether it is ``fine``."""

    name: str
    what: str
    value: float | int | str | None
    unit: str = ""
    limit: str = ""
    fine: bool = True
    subject: str = ""


@dataclass(frozen=True)
class Repaired:
    """A repaired input: the file ``out``, made of ``source``, what was ``done`` to it, and the ``codes`` that this
    was done for."""

    source: Path
    out: Path
    done: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """What a check found: ``figures`` of all that was looked at, ``issues``, the worst first, the ``repaired`` files,
    and the codes that ``remain`` because no file can mend them."""

    inputs: tuple[str, ...]
    figures: tuple[Figure, ...]
    issues: tuple[Finding, ...]
    repaired: tuple[Repaired, ...] = ()
    remain: tuple[str, ...] = ()

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the issues; None where there is none."""
        found = {issue.severity for issue in self.issues}
        return next((severity for severity in ORDER if severity in found), None)

    def __contains__(self, code: str) -> bool:
        return any(issue.code == code for issue in self.issues)

    def __getitem__(self, code: str) -> Finding:
        """The issue of a code; KeyError where there is none."""
        return {issue.code: issue for issue in reversed(self.issues)}[code]

    def figure(self, name: str) -> Figure:
        """The figure of a name; KeyError where there is none."""
        return {figure.name: figure for figure in self.figures}[name]

    def text(self) -> str:
        """All of it for people."""
        lines: list[str] = []
        for subject in dict.fromkeys(figure.subject for figure in self.figures):
            lines += [subject, *_table([figure for figure in self.figures if figure.subject == subject]), ""]
        counts = {severity: sum(issue.severity == severity for issue in self.issues) for severity in ORDER}
        told = [f"{count} {_plural(severity, count)}" for severity, count in counts.items() if count]
        lines.append(", ".join(told) if told else "nothing is wrong")
        for issue in self.issues:
            lines += [f"{issue.severity}: {issue.message}{when(issue.spans)} [{issue.code}]", f"    {issue.remedy}"]
        for one in self.repaired:
            lines += ["", f"{one.out}", *(f"    {sentence}" for sentence in one.done)]
        if self.remain:
            lines += ["", f"not mended, because no repair of the file can: {', '.join(self.remain)}"]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """All of it for machines."""
        return {
            "inputs": list(self.inputs),
            "worst": self.worst,
            "issues": [asdict(issue) for issue in self.issues],
            "figures": {figure.name: _plain(figure) for figure in self.figures},
            "repaired": [{**asdict(one), "source": str(one.source), "out": str(one.out)} for one in self.repaired],
            "remain": list(self.remain),
        }


@dataclass
class Notes:
    """Figures and findings about one ``subject``, as they come."""

    subject: str
    figures: list[Figure] = field(default_factory=list)
    issues: list[Finding] = field(default_factory=list)

    def figure(
        self, name: str, what: str, value: float | str | None, unit: str = "", limit: str = "", fine: bool = True
    ) -> None:
        """Note a figure; one that is no number counts as not measured."""
        known = None if isinstance(value, float) and not math.isfinite(value) else value
        self.figures.append(Figure(name, what, known, unit, limit, fine, self.subject))

    def issue(
        self, code: str, severity: Severity, message: str, spans: Iterable[tuple[float, float]] = (), remedy: str = ""
    ) -> None:
        """Note a finding; its remedy is that of `lipwright.symptoms` where none is given."""
        held = tuple((round(start, 3), round(stop, 3)) for start, stop in spans)
        at = (held[0][0], held[-1][1]) if held else None
        helps = symptoms.of(code).fix
        self.issues.append(Finding(code, severity, message, remedy or helps, at, held, self.subject))


def joined(
    flags: NDArray[np.bool_], rate: float, gap: float = GAP, brief: float = BRIEF, end: float = math.inf
) -> Spans:
    """The runs of ``flags`` (T,), ``rate`` a second, in seconds up to ``end``; runs less than ``gap`` s apart are one,
    then those shorter than ``brief`` s are left out."""
    merged: list[tuple[float, float]] = []
    for start, stop in steady.stretches(np.asarray(flags, bool)):
        if merged and start / rate - merged[-1][1] < gap:
            merged[-1] = (merged[-1][0], stop / rate)
        else:
            merged.append((start / rate, stop / rate))
    return tuple((start, min(stop, end)) for start, stop in merged if stop - start >= brief - 1e-6)


def total(spans: Spans) -> float:
    """Seconds in all."""
    return sum(stop - start for start, stop in spans)


def when(spans: Spans) -> str:
    """Spans as a part of a sentence."""
    if not spans:
        return ""
    told = [f"{start:.2f} s" if stop - start < 0.01 else f"{start:.2f}-{stop:.2f} s" for start, stop in spans[:_SHOWN]]
    more = f" and {len(spans) - _SHOWN} more" if len(spans) > _SHOWN else ""
    return f" (at {', '.join(told)}{more})"


def _table(figures: list[Figure]) -> list[str]:
    """A line for each figure: what, value, limit, and a mark where it is not fine."""
    values = [_value(figure) for figure in figures]
    first, second = max(len(figure.what) for figure in figures), max(map(len, values))
    return [
        f"  {'  ' if figure.fine else '! '}{figure.what:{first}}  {value:>{second}}  {figure.limit}".rstrip()
        for figure, value in zip(figures, values, strict=True)
    ]


def _value(figure: Figure) -> str:
    value = figure.value
    if value is None:
        return "-"
    said = f"{value:.3g}" if isinstance(value, float) and abs(value) < 100 else str(value)
    said = f"{value:.0f}" if isinstance(value, float) and abs(value) >= 100 else said
    return f"{said} {figure.unit}".rstrip()


def _plain(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "unit": figure.unit, "limit": figure.limit, "fine": figure.fine}


def _plural(severity: str, count: int) -> str:
    return {"info": "note", "error": "error", "warning": "warning"}[severity] + ("" if count == 1 else "s")
