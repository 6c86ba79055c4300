"""The results of a study for people: tables, and one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from lipwright import __version__, ondisk
from lipwright.measure.drawing import Plot, cells, ticks
from lipwright.measure.report import STYLE
from lipwright.media.target import beside, refused
from lipwright.survey.intervals import Estimate
from lipwright.survey.results import Comparing, Difference, Rating, Results

WIDE, ROW, NAMES, RIGHT = 900, 34, 220, 20
MORE = """
circle.item{fill:var(--own);fill-opacity:.75}.whisker{stroke:var(--own);stroke-width:2.5}
text.name{text-anchor:end;fill:var(--ink);font-size:14px}
"""
HOW = (
    "Means are over raters, each rater's own mean counting once; their intervals are Student's. Differences are of "
    "the same raters, tested by Wilcoxon's signed ranks; p is corrected after Holm for the tests of its table. "
    "Agreement is Krippendorff's alpha for ordered answers (1 full, 0 chance), its interval from resampled videos. "
    "Strengths are Bradley and Terry's, as of Hunter (2004) and Newman (2023), a tie half a win to each, half a tie "
    "added between every two systems; their intervals are from resampled raters. Correlations are over videos, with "
    "the intervals of Fisher and, for ranks, of Bonett and Wright (2000). All intervals are 95 %. The clips are "
    "taken as they are: nothing is said of other clips."
)


def text(found: Results) -> str:
    """For the terminal."""
    parts = [_who(found)]
    for each in found.ratings:
        parts += [f"{each.question} (1 to 5): {_agreed(each)}", _columns(_scores(each)), *_tested(each.differences)]
    for one in found.comparisons:
        parts += [f"preferred for {one.question}: {_ties(one)}", _columns(_strong(one)), *_tested(one.differences)]
    if found.relations:
        parts += ["with measured figures, over videos", _columns(_related(found))]
    return "\n\n".join(parts)


def write(found: Results, path: Path) -> Path:
    """Write the page; its absolute path. Raises OutputError."""
    place = ondisk.named(path).absolute()
    with refused(place), beside(place, place.parent) as part:
        part.write_text(page(found), encoding="utf-8")
    return place


def page(found: Results) -> str:
    """The page as HTML."""
    parts = [f"<h1>{escape(found.title)}</h1><p>{escape(_who(found))}</p>{_out(found)}"]
    parts += [_rated(each) for each in found.ratings]
    parts += [_compared(each) for each in found.comparisons]
    parts += _measured(found)
    parts.append(f'<h2>How</h2><p class="soft">{escape(HOW)}</p><p class="soft">lipwright {__version__}</p>')
    body = "".join(f"<section>{part}</section>" for part in parts)
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f"<head>{meta}<title>{escape(found.title)}: results</title><style>{STYLE}{MORE}</style></head>"
    return f'<!doctype html><html lang="en">{head}<body><main>{body}</main></body></html>\n'


def forest(rows: Sequence[tuple[str, Estimate]], limits: tuple[float, float], what: str) -> str:
    """A plot of named estimates with their intervals, one below the other, as SVG."""
    low, high = limits
    tall = ROW * len(rows) + 44
    foot = ROW * len(rows) + 6

    def x(value: float) -> float:
        return NAMES + (min(max(value, low), high) - low) / (high - low) * (WIDE - NAMES - RIGHT)

    parts = [
        f'<line class="grid" x1="{x(t):.1f}" x2="{x(t):.1f}" y1="4" y2="{foot}"/>'
        f'<text x="{x(t):.1f}" y="{foot + 16}">{t:g}</text>'
        for t in ticks(low, high)
    ]
    parts.append(f'<text x="{(NAMES + WIDE - RIGHT) / 2:.0f}" y="{tall - 4}">{escape(what)}</text>')
    for place, (name, each) in enumerate(rows):
        y = ROW * place + ROW / 2 + 4
        parts.append(f'<text class="name" x="{NAMES - 14}" y="{y + 5:.0f}">{escape(_short(name))}</text>')
        if not np.isfinite(each.value):
            continue
        if each.low is not None and each.high is not None:
            parts.append(f'<line class="whisker" x1="{x(each.low):.1f}" x2="{x(each.high):.1f}" y1="{y}" y2="{y}"/>')
        title = f"<title>{escape(name)}: {escape(_told(each))}</title>"
        parts.append(f'<circle class="item" cx="{x(each.value):.1f}" cy="{y}" r="5">{title}</circle>')
    return f'<svg viewBox="0 0 {WIDE} {tall}" role="img" aria-label="{escape(what)}">{"".join(parts)}</svg>'


def _rated(each: Rating) -> str:
    rows = [(score.system, score.mean) for score in each.scores]
    figures = cells(_scores(each)[1:], _scores(each)[0])
    plot = forest(rows, (1, 5), f"{each.question}: 1 bad, 5 excellent")
    return f'<h2>{escape(each.question)}</h2><p class="soft">{escape(_agreed(each))}</p>{plot}{figures}' + _pairs(
        each.differences, "difference"
    )


def _compared(each: Comparing) -> str:
    rows = [(one.system, one.strength) for one in each.strengths]
    ends = [v for _, e in rows for v in (e.value, e.low, e.high) if v is not None]
    reach = max(0.5, *(abs(value) for value in ends)) * 1.05
    plot = forest(rows, (-reach, reach), "log strength, mean 0")
    figures = cells(_strong(each)[1:], _strong(each)[0])
    title = f"<h2>preferred for {escape(each.question)}</h2>"
    return f'{title}<p class="soft">{escape(_ties(each))}</p>{plot}{figures}' + _pairs(each.differences, "lead")


def _pairs(differences: Sequence[Difference], what: str) -> str:
    if not differences:
        return ""
    rows = [[f"{each.one} against {each.other}", _told(each.mean, "+"), _chance(each.p)] for each in differences]
    return cells(rows, ["systems", f"{what}, of the same raters", "p, Holm"])


def _measured(found: Results) -> Iterator[str]:
    """How measured figures go with the votes: a table, and a plot of the figure that goes best with each question."""
    if found.relations:
        rows = _related(found)
        yield f'<h2>Measured figures</h2><div class="figures">{cells(rows[1:], rows[0])}</div>'
    for question in dict.fromkeys(each.question for each in found.relations):
        own = [each for each in found.relations if each.question == question]
        best = max(own, key=lambda each: abs(each.spearman.value))
        points = found.points[question][best.figure]
        at = [point[0] for point in points]
        room = 0.05 * (max(at) - min(at)) or 0.5
        plot = Plot((min(at) - room, max(at) + room), (1, 5), best.figure, f"{question}, mean vote")
        for x, y, name in points:
            plot.dot(x, y, "item", name)
        which = f"Of {len(own)} figures the one that goes best with the votes, which of many one does by chance."
        yield f'<h2>{escape(question)} and {escape(best.figure)}</h2><p class="soft">{which}</p>{plot.svg()}'
    if found.unmeasured:
        yield "<h2>Not measured</h2>" + cells([[name, why] for name, why in found.unmeasured.items()], ["video", "why"])


def _who(found: Results) -> str:
    who = found.raters
    rule = f"more than {found.most_failed} checks failed, or none answered" if found.most_failed else "a check failed"
    told = f"{who.invited} raters with a link, {who.started} took part, {who.finished} to the end"
    told += f"; {len(who.count)} count ({', '.join(f'{count} in {code}' for code, count in who.languages.items())})"
    told += f", {len(who.out)} left out ({rule})" if who.out else ""
    told += f"; {who.left} took their answers back" if who.left else ""
    changed = ". study.yaml was changed after it was planned: its rules are not those fixed before"
    return told + (changed if found.changed else "")


def _out(found: Results) -> str:
    rows = [[f"{number}", why] for number, why in found.raters.out.items()]
    return cells(rows, ["rater", "left out, because"]) if rows else ""


def _agreed(each: Rating) -> str:
    if not np.isfinite(each.alpha):
        return "agreement cannot be told: too few videos have two ratings that differ"
    inside = f" ({each.alpha_interval[0]:.2f} to {each.alpha_interval[1]:.2f})" if each.alpha_interval else ""
    return f"agreement of raters, Krippendorff's alpha {each.alpha:.2f}{inside}"


def _ties(each: Comparing) -> str:
    return f"{each.comparisons} comparisons, {100 * each.ties:.0f} % without a difference"


def _scores(each: Rating) -> list[list[str]]:
    head = ["system", "mean", "95 %", "raters", "votes"]
    return [head, *([s.system, *_parts(s.mean), f"{s.mean.count}", f"{s.votes}"] for s in each.scores)]


def _strong(each: Comparing) -> list[list[str]]:
    head = ["system", "strength", "95 %", "wins, ties half"]
    return [head, *([s.system, *_parts(s.strength), f"{100 * s.share:.0f} %"] for s in each.strengths)]


def _related(found: Results) -> list[list[str]]:
    head = ["question", "figure", "Spearman", "95 %", "Pearson", "95 %", "videos"]
    return [
        head,
        *(
            [r.question, r.figure, *_parts(r.spearman), *_parts(r.pearson), f"{r.spearman.count}"]
            for r in found.relations
        ),
    ]


def _tested(differences: Sequence[Difference]) -> Iterator[str]:
    rows = [[f"{d.one} - {d.other}", *_parts(d.mean, "+"), f"p {_chance(d.p)}"] for d in differences]
    if rows:
        yield _columns([["difference", "mean", "95 %", "Holm"], *rows])


def _parts(each: Estimate, sign: str = "") -> tuple[str, str]:
    inside = "-" if each.low is None or each.high is None else f"{each.low:{sign}.2f} to {each.high:{sign}.2f}"
    return f"{each.value:{sign}.2f}", inside


def _told(each: Estimate, sign: str = "") -> str:
    value, inside = _parts(each, sign)
    return value if inside == "-" else f"{value} ({inside})"


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned text, the first column to the left."""
    wide = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    names = [row[0].ljust(wide[0]) for row in rows]
    rest = [[cell.rjust(w) for cell, w in zip(row[1:], wide[1:], strict=True)] for row in rows]
    return "\n".join("  ".join([name, *row]).rstrip() for name, row in zip(names, rest, strict=True))
