"""What all commands share: what they take, how they answer, and how settings and results are written."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipwright.types import Dubbed, Person, Progress

Options = dict[str, Any]
"""What was typed, by keyword."""


@dataclass(frozen=True)
class Answer:
    """What a verb tells: ``text`` for people, ``data`` for ``--json``; ``then``, what it does once that is told, as a
    server does that runs until it is stopped; ``code``, the exit code, 1 where something could not be done."""

    text: str
    data: object
    then: Callable[[], None] | None = None
    code: int = 0


@dataclass(frozen=True)
class Verb:
    """One command: ``about`` in one line, its options, and what it does with them."""

    about: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Options, Progress], Answer]
    settings: bool = False
    """Whether any other ``--name value`` is taken, too; they come in ``more``."""


def near(path: Path) -> Path:
    """A path as a person here would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def setting(text: str) -> tuple[str, Any]:
    """A keyword and its value, read as a number, true, false or else as text."""
    name, equals, value = text.partition("=")
    if not (name.isidentifier() and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, _read(value)


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def settings(words: list[str]) -> Options:
    """``--name value``, ``--name=value``, ``--name`` (true) and ``--no-name`` (false), by name, - as _."""
    found: Options = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not (word.startswith("--") and name.isidentifier()):
            raise argparse.ArgumentTypeError(f"{word!r} is neither an option nor an option's value")
        if equals:
            found[name] = _read(value)
        elif rest and not rest[0].startswith("--"):
            found[name] = _read(rest.pop(0))
        else:
            found |= {name.removeprefix("no_"): False} if name.startswith("no_") else {name: True}
    return found


def more(options: Options, verb: Callable[..., object], what: str) -> Options:
    """The NAME=VALUE settings among ``options``, taken out; none may be a keyword that ``verb`` has of its own."""
    from lipwright.errors import InputError

    more = dict(options.pop("more", ()))
    if taken := sorted(more.keys() & inspect.signature(verb).parameters.keys()):
        raise InputError(f"{what}, and '{taken[0]}' is none of them; see: lipwright {verb.__name__} --help")
    return more


def written(dubbed: Dubbed, written: Path) -> Answer:
    """What is said of a dubbed video."""
    width, height = dubbed.size
    lines = [f"{near(written)}: {dubbed.duration:.2f} s, {dubbed.length} frames of {width} x {height}"]
    lines += [f"{issue.severity}: {issue.message}; {issue.remedy}" for issue in dubbed.issues]
    lines += [_told(person) for person in dubbed.people if len(dubbed.people) > 1]
    data = {"out": str(written), "seconds": dubbed.duration, "frames": dubbed.length, "size": dubbed.size}
    data["faces"] = [asdict(person) for person in dubbed.people]
    return Answer("\n".join(lines), data | {"issues": [asdict(issue) for issue in dubbed.issues]})


def _told(person: Person) -> str:
    """One line about somebody seen."""
    x0, y0, x1, y1 = person.box
    where = f"x {x0} to {x1}, y {y0} to {y1} at {person.first:.2f} s, seen for {person.seconds:.2f} s"
    said = "" if person.speaks is None else f", speaks for {person.speaks:.2f} s"
    return f"face {person.id}: {where}{said}{', dubbed' if person.dubbed else ''}"
