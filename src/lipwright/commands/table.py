"""``lipwright dub --jobs``: a table of dubs, each line as if it were typed."""

from __future__ import annotations

import argparse
import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lipwright.commands.answering import Answer, Options, near

if TYPE_CHECKING:
    from lipwright.jobs import Job, Outcome
    from lipwright.types import Progress

OWN = ("jobs", "workers", "ray", "report", "tries")
FILES = ("video", "speech", "out", "srt", "like")
"""Columns that name files: from where the table lies, where they are no absolute names."""

YES, NO = ("yes", "true", "1"), ("no", "false", "0")
"""How a column of a switch is filled."""


def options(add: Callable[..., Any]) -> None:
    """What a command that takes a table has more."""
    what = "dub what each line of this table says: columns video, speech, out, and any option's name"
    add("--jobs", type=Path, metavar="CSV", help=what)
    add("--workers", type=int, metavar="N", help="processes at work (one for each core, 4 at most)")
    add("--ray", metavar="ADDRESS", help="let a Ray cluster do the work, N videos at a time; local: start one here")
    add("--report", type=Path, metavar="CSV", help="what came of each line (beside the table, .report.csv)")
    add("--tries", type=int, metavar="N", help="how often a video is tried whose process was lost (3)")


def missing(given: Options) -> str:
    """What a single dub lacks, "" where nothing."""
    names = {"video": "VIDEO", "out": "--out"}
    return " and ".join(said for name, said in names.items() if given.get(name) is None)


def run(
    given: Options,
    describe: Callable[[argparse.ArgumentParser], None],
    job: Callable[[Options], Job],
    progress: Progress,
) -> Answer:
    """Do what a table says; ``given`` holds for each of its lines that does not say otherwise."""
    from lipwright import ondisk
    from lipwright.errors import InputError
    from lipwright.jobs import many

    own = {name: given.pop(name) for name in OWN if name in given}
    alone = [name for name in FILES if given.get(name) is not None]
    if alone:
        raise InputError(f"--jobs brings its own {', '.join(alone)}; leave out what was typed")
    given = {name: value for name, value in given.items() if value is not None}
    place = ondisk.named(own.pop("jobs")).absolute()
    report = own.pop("report", place.with_suffix(".report.csv"))
    jobs = [job(given | line) for line in lines(place, describe)]
    found = many(jobs, report, progress=progress, **own)
    return Answer(
        _text(found, report),
        {"report": str(report), "jobs": [asdict(one) for one in found]},
        code=int(any(one.state == "failed" for one in found)),
    )


def _text(found: list[Outcome], report: Path) -> str:
    counts = Counter[str](one.state for one in found)
    words = {"done": "dubbed", "kept": "kept from before", "failed": "failed"}
    said = ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state])
    failed = [f"{one.out}: {one.message}" for one in found if one.state == "failed"]
    return "\n".join([f"{said}; report: {near(report.absolute())}", *failed])


def lines(place: Path, describe: Callable[[argparse.ArgumentParser], None]) -> list[Options]:
    """Each line of a table as the options that it stands for.

    Raises InputError: no such table, one without lines, an unknown column, a value that the command would not take; the
    sentence names the line.
    """
    from lipwright.errors import InputError

    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise InputError(
            f"{place} cannot be read as a table ({why}); give a CSV with the columns video, out"
        ) from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    parser = _Row(argument_default=argparse.SUPPRESS, add_help=False, allow_abbrev=False)
    describe(parser)
    flags = {_head(action): action for action in parser._actions if action.dest not in OWN}
    rows.fieldnames = _heads(place, rows, flags)
    try:
        found = [_line(place, rows.line_num, row, parser, flags) for row in rows]
    except csv.Error as error:
        raise InputError(f"{place} is no CSV, line {rows.line_num}: {error}") from error
    if not found:
        raise InputError(f"{place} has no line under its heads; give one for each video")
    return found


def _head(action: argparse.Action) -> str:
    """What the column of an option is called: ``sync_mode`` for ``--sync-mode``."""
    flag = next((flag for flag in action.option_strings if flag.startswith("--")), action.dest)
    return flag.lstrip("-").replace("-", "_")


def _heads(place: Path, rows: csv.DictReader[str], flags: dict[str, argparse.Action]) -> list[str]:
    """The heads of a table, ``sync-mode`` as ``sync_mode``; InputError where they are no options, or too few."""
    from lipwright.errors import InputError

    try:
        heads = [name.strip().replace("-", "_") for name in rows.fieldnames or ()]
    except csv.Error as error:
        raise InputError(f"{place} is no CSV, line 1: {error}") from error
    there = ", ".join(heads) or "none"
    if len(heads) == 1 and (";" in there or "\t" in there):
        raise InputError(f"{place} has one column, {there!r}; part the columns by commas")
    if twice := sorted({name for name in heads if heads.count(name) > 1}):
        raise InputError(f"{place} has two columns called {twice[0]}; leave one out")
    if unknown := [name for name in heads if name not in flags]:
        raise InputError(f"{place} has the columns {', '.join(unknown)}, unknown here; it may have: {', '.join(flags)}")
    if not {"video", "out"} <= set(heads):
        raise InputError(f"{place} has the columns {there}; it needs video and out, and may have: {', '.join(flags)}")
    return heads


def _line(place: Path, number: int, row: dict[str, str], parser: _Row, flags: dict[str, argparse.Action]) -> Options:
    from lipwright import ondisk
    from lipwright.errors import InputError

    fields: dict[str, str] = {}
    for name, value in row.items():
        if name is None or value is None:
            raise InputError(
                f"{place}, line {number}, has {'more' if name is None else 'fewer'} fields than there are heads"
            )
        value = value.strip()
        if not value:
            continue
        if name in FILES and not (name == "like" and value in ("own", "none")):
            value = str(place.parent / ondisk.named(value))
        fields[name] = value
    if lacking := [name for name in ("video", "out") if name not in fields]:
        raise InputError(f"{place}, line {number}, has no {lacking[0]}; each line names both")
    try:
        words = [
            word for name, value in fields.items() if flags[name].option_strings for word in _typed(flags[name], value)
        ]
        files = [fields[name] for name, flag in flags.items() if name in fields and not flag.option_strings]
        return vars(parser.parse_args([*words, "--", *files]))
    except _RowError as error:
        raise InputError(f"{place}, line {number}: {error}") from error


def _typed(action: argparse.Action, value: str) -> list[str]:
    """A field as it would be typed."""
    flag = action.option_strings[0]
    if action.nargs != 0:
        return [f"{action.option_strings[-1]}={value}"]
    if value.lower() not in (*YES, *NO):
        raise _RowError(f"argument {flag}: {value!r} is neither yes nor no")
    if value.lower() in YES:
        return [flag]
    return [action.option_strings[-1]] if isinstance(action, argparse.BooleanOptionalAction) else []


class _RowError(Exception):
    """A line that the command would not take."""


class _Row(argparse.ArgumentParser):
    """Raises what a command prints."""

    def error(self, message: str) -> NoReturn:
        raise _RowError(message)
