"""A measurement, or several side by side, as a table for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lipwright.measure.found import Judged, Measured, Problem

SCORES = {
    "lse_d": "LSE-D, as published (lower is better)",
    "lse_c": "LSE-C, as published (higher is better)",
    "lse_d_valid": "LSE-D, no padding",
    "lse_c_valid": "LSE-C, no padding",
}
WRONG = {
    "early": "the sound comes too early",
    "late": "the sound comes too late",
    "weak": "the lips fit the sound no better than a wrong voice",
    "still": "there is speech, and the mouth does not move",
    "no-face": "no face is seen",
}
"""What is said of a span, by its code; silence, others who speak and what is right are not worth a line."""

MOST_TURNS = 6

Row = tuple[str, Sequence[float | None]]


def one(found: Measured) -> str:
    """All of one measurement."""
    figures = list(rows(found))
    heads = ["video", "wrong voice", *(["ceiling"] if found.ceiling or found.best else [])]
    name = _short([found.name])[0]
    lines = [f"{name}: {headline(found.judged)}", *asides(found), "", grid(heads, figures), *_spans(found)]
    lines += [f"{issue.severity}: {issue.message}; {issue.remedy}" for issue in found.issues]
    return "\n".join(lines)


def several(found: Sequence[Measured]) -> str:
    """Measurements of several videos side by side."""
    names = _short([each.name for each in found])
    lines = [f"{name}: {headline(each.judged)}" for name, each in zip(names, found, strict=True)]
    columns = [{"offset_frames": float(each.judged.offset), **each.judged.scores(), **_values(each)} for each in found]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    tells = {"offset_frames": "offset, frames (above 0: sound early)", **SCORES, **found[0].tells}
    figures = [(tells.get(key, key), [column.get(key) for column in columns]) for key in keys]
    return "\n".join([*lines, "", grid(names, figures)])


def headline(judged: Judged) -> str:
    """Verdict and offset in one line."""
    inside = judged.intervals
    if inside is None or judged.words.startswith("the lips"):
        return f"{judged.verdict}; {judged.words}"
    low, high = (round(1000 * side / judged.fps) for side in (inside.offset.low, inside.offset.high))
    span = f"{low} to {high} ms" if low != high else f"{low} ms"
    return f"{judged.verdict}; {judged.words} ({span}, 95 % certain)"


def asides(found: Measured) -> Iterable[str]:
    """Lines that belong under the headline: what the file says of itself, who judged, accuracy, drift."""
    yield from found.told.lines() if found.told is not None else ()
    for judged in (found.judged, *found.others):
        line = f"expert {judged.expert}, AUC {judged.calibration.auc:.2f}"
        yield line if judged is found.judged else f"{line}: {headline(judged)}"
    if found.faces > 1:
        yield f"{found.faces} faces, face {found.face} is measured"
        yield from spoken(found)
    if not math.isnan(found.judged.accuracy):
        yield f"spans of 2 s within 1 frame of nought: {100 * found.judged.accuracy:.0f} %"
    moving = found.judged.drift
    if moving is not None and moving.certain:
        span = f"{moving.interval.low:.0f} to {moving.interval.high:.0f}"
        yield f"the offset drifts by {moving.ms_per_minute:.0f} ms a minute ({span}, 95 % certain)"


def spoken(found: Measured) -> Iterable[str]:
    """A line for each who speaks, and when."""
    for face in dict.fromkeys(turn.face for turn in found.turns):
        own = [turn for turn in found.turns if turn.face == face]
        when = ", ".join(f"{turn.start:.1f} to {turn.stop:.1f} s" for turn in own[:MOST_TURNS])
        more = f" and {len(own) - MOST_TURNS} more" if len(own) > MOST_TURNS else ""
        name = "somebody who is not seen" if face is None else f"face {face}"
        yield f"{name} speaks for {sum(turn.stop - turn.start for turn in own):.1f} s: {when}{more}"


def rows(found: Measured) -> Iterable[Row]:
    """(what, value, floor, ceiling) of every figure."""
    best = found.best.scores() if found.best else {}
    floor = {**found.judged.wrong, **{measure.name: measure.value for measure in found.floor}}
    ceiling = {**best, **{measure.name: measure.value for measure in found.ceiling}}
    values = {**found.judged.scores(), **_values(found)}
    units = {measure.name: measure.unit for measure in found.metrics}
    for name, value in values.items():
        unit = f" ({units[name]})" if units.get(name) else ""
        row = [value, floor.get(name), *([ceiling.get(name)] if found.ceiling or best else [])]
        yield f"{SCORES.get(name) or found.tells.get(name, name)}{unit}", row


def _values(found: Measured) -> Mapping[str, float]:
    return {measure.name: measure.value for measure in found.metrics}


def _spans(found: Measured) -> Iterable[str]:
    """A line for every stretch with a problem, neighbours with the same one put together."""
    lines = [f"{start:.1f} s to {stop:.1f} s: {WRONG[code]}" for start, stop, code in stretches(found.judged.spans)]
    return ["", *lines] if lines else []


def stretches(spans: Sequence[Problem]) -> list[tuple[float, float, str]]:
    """(start s, stop s, code) of the problems worth a line, overlapping spans with the same one put together."""
    found: list[tuple[float, float, str]] = []
    for problem in spans:
        start, stop = problem.span.start, problem.span.stop
        if problem.code not in WRONG:
            continue
        if found and found[-1][2] == problem.code and start <= found[-1][1]:
            found[-1] = (found[-1][0], stop, problem.code)
        else:
            found.append((start, stop, problem.code))
    return found


def grid(heads: Sequence[str], rows: Iterable[Row]) -> str:
    """Names on the left, numbers to the right under their heads."""
    told = [(name, ["-" if value is None else f"{value:.3f}" for value in values]) for name, values in rows]
    left = max((len(name) for name, _ in told), default=0)
    wide = [max(len(head), 9) for head in heads]
    lines = [" " * left + "".join(f"  {head:>{w}}" for head, w in zip(heads, wide, strict=True))]
    lines += [
        f"{name:{left}}" + "".join(f"  {v:>{w}}" for v, w in zip(values, wide, strict=True)) for name, values in told
    ]
    return "\n".join(lines)


def _short(names: Sequence[str]) -> list[str]:
    """File names, or whole paths where two files have one name."""
    short = [Path(name).name for name in names]
    return short if len(set(short)) == len(short) else list(names)
