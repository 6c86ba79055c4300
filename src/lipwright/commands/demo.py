"""``lipwright demo``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, near

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", type=Path, help="the folder to fill (demo)")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.demo import demo

    made = demo(**options, progress=progress)
    files = {"portrait speaks": made.portrait_speaks, "second sentence": made.second_sentence}
    files |= {"contact sheet": made.contact_sheet}
    lines = [f"{name}: {near(path)}" for name, path in files.items()]
    lines += [f"{measure.name}: {measure.value:.2f} {measure.unit}" for measure in made.measures]
    measures = {measure.name: measure.value for measure in made.measures}
    return Answer("\n".join(lines), {name: str(path) for name, path in files.items()} | {"measures": measures})


VERB = Verb("show what lipwright does; needs no input", _options, _run)
