"""The ``lipwright`` command: every verb is the Python function of that name, with its keywords as options.

This is the only module that prints; ``commands`` says what each verb takes.

Exit codes: 0 done, 1 a sentence on the error stream says why not, 2 wrong usage, 130 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from lipwright import __version__
from lipwright.commands import VERBS
from lipwright.commands.answering import settings
from lipwright.errors import LipwrightError

if TYPE_CHECKING:
    from lipwright.types import Progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (None: those of this process) and give the exit code."""
    options = vars(parser().parse_args(arguments))
    verb, as_json, quiet = VERBS[options.pop("verb")], options.pop("json", False), options.pop("quiet", False)
    try:
        with _terminable(), _progress(shown=not (quiet or as_json)) as progress:
            answer = verb.run(options, progress)
        _say(json.dumps(answer.data, indent=2) if as_json else answer.text)
        if answer.then is not None:
            with _terminable():
                answer.then()
    except LipwrightError as problem:
        _fail(problem, as_json)
        return 1
    except KeyboardInterrupt:
        print("stopped; no half-written file was kept; the same command takes up what is finished", file=sys.stderr)
        return 130
    return answer.code


def parser() -> argparse.ArgumentParser:
    """The whole command line; the documentation's help pages are made from it."""
    top = _Parser(
        prog="lipwright",
        description="Make the lips in a video match a voice.",
        epilog="`lipwright VERB --help` tells more. A dubbed video must never pass for a real recording of a person.",
    )
    top.add_argument("--version", action="version", version=f"lipwright {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for name, verb in VERBS.items():
        about = f"{verb.about[0].upper()}{verb.about[1:]}."
        child = verbs.add_parser(name, help=verb.about, description=about, argument_default=argparse.SUPPRESS)
        child.settings = verb.settings
        verb.options(child)
        child.add_argument("--json", action="store_true", help="print the answer as JSON, for machines")
        child.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    return top


class _Parser(argparse.ArgumentParser):
    """A parser that names the command which helps, and may take options it does not know as ``settings``."""

    settings = False

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As its own; ``more`` then holds what it does not know, by name."""
        known, unknown = super().parse_known_args(args, namespace)
        self._take_late(known, unknown)
        if self.settings and unknown:
            try:
                known.more = settings(unknown)
            except argparse.ArgumentTypeError as problem:
                self.error(str(problem))
            unknown = []
        return known, unknown

    def _take_late(self, known: argparse.Namespace, unknown: list[str]) -> None:
        """Give a positional that may be left out the word that stands behind options, which argparse does not."""
        for action in self._actions:
            missing = action.nargs == "?" and not action.option_strings and getattr(known, action.dest, None) is None
            if missing and unknown and not unknown[0].startswith("-"):
                setattr(known, action.dest, self._get_values(action, [unknown.pop(0)]))

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see: {self.prog} --help\n")


def _say(text: str) -> None:
    """Print an answer, to nobody where the reader has left (``lipwright models | head``)."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, which a service manager sends, stops as Ctrl-C does: nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(problem: LipwrightError, as_json: bool) -> None:
    print(f"lipwright: {problem}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": str(problem), "kind": type(problem).__name__}))


def _say_nothing(done: int, total: int, what: str) -> None:
    """Progress nobody looks at."""


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """A function to tell progress to; one bar on the error stream where a person looks at it.

    The bar begins anew, with its speed and time left, when a count starts over or goes to another total.
    """
    if not (shown and sys.stderr.isatty()):
        yield _say_nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress as Bars, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bars.add_task("", count="")
        bar = bars.tasks[0]

        def tell(done: int, total: int, what: str) -> None:
            if done < bar.completed or (total or None) != bar.total:
                bars.reset(bar.id)
                bar.total = total or None
            count = f"{done}/{total}" if total else f"{done}"
            speed = f"{bar.speed:.0f}/s" if bar.speed else ""
            bars.update(bar.id, description=what, completed=done, count=f"{count} {speed}")

        yield tell
