"""``lipwright train``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, more, setting

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", choices=["crossfit", "expert", "motion"], help="what to train; crossfit finds which clips are off")
    add("--data", type=Path, required=True, metavar="FOLDER", help="a folder that `lipwright prepare` made")
    add("-o", "--out", type=Path, required=True, metavar="FOLDER", help="the run's folder; a run there goes on")
    add(
        "--recipe",
        metavar="R",
        help="a YAML file, or the name of a shipped recipe; the one named like WHAT if left out",
    )
    add("--offsets", type=Path, metavar="CSV", help="offsets.csv of a crossfit; clips are moved by it")
    add("--steps", type=int, metavar="N", help="steps of training, in place of the recipe's")
    add("--resume", action=argparse.BooleanOptionalAction, help="go on from the last checkpoint (True)")
    add("--threads", type=int, metavar="N", help="CPU threads")
    told = "a setting of the recipe, such as size=tiny; may be given again"
    add("--set", dest="more", action="append", type=setting, metavar="NAME=VALUE", help=told)


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.train import crossfit, train

    options |= more(options, train, "--set sets what is in the recipe")
    if options["what"] == "crossfit":
        del options["what"]
        path = crossfit(**options, progress=progress)
        return Answer(f"offsets: {path}", {"offsets": str(path)})
    figures = train(**options, progress=progress)
    lines = [f"{name}: {value:.3f}" for name, value in figures.items()]
    return Answer("\n".join([f"run: {options['out']}", *lines]), figures)


VERB = Verb("train our networks on a prepared dataset", _options, _run)
