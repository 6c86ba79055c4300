"""``lipwright train``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, more

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    from lipwright.train.kinds import KINDS

    add = parser.add_argument
    whats = ["crossfit", *sorted(KINDS)]
    add("what", choices=whats, help="what to train; crossfit finds which clips are off")
    add("--data", type=Path, metavar="FOLDER", help="a folder that `lipwright prepare` made")
    add(
        "-o",
        "--out",
        type=Path,
        metavar="FOLDER",
        help="the run's folder; a run there goes on (runs/, by what differs)",
    )
    recipe = "a YAML file, or the name of a shipped recipe; the one named like WHAT if left out"
    add("--recipe", metavar="R", help=recipe)
    add(
        "--from", dest="start", type=Path, metavar="WEIGHTS", help="best.pt of a training to go on from; see --language"
    )
    only = "with --from: learn from this language alone, and keep what is no worse on speakers held out"
    add("--language", metavar="CODE", help=only)
    add("--speaker", metavar="ID", help="with --from: learn from this speaker alone")
    add("--offsets", type=Path, metavar="CSV", help="offsets.csv of a crossfit; clips are moved by it")
    add("--steps", type=int, metavar="N", help="steps of training, in place of the recipe's")
    add("--resume", action=argparse.BooleanOptionalAction, help="go on from the last checkpoint (True)")
    add("--threads", type=int, metavar="N", help="CPU threads")
    add("--ray", metavar="ADDRESS", help="train on a Ray cluster: host:port, auto, or local to start one here")
    add("--settings", action="store_true", help="say what the recipe sets, and what each setting means; no training")
    parser.epilog = "Any setting of the recipe is an option, too, as in --size tiny --rate 0.001."


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError
    from lipwright.train import crossfit, train

    options |= more(options, train, "any setting of the recipe is an option")
    if options.pop("settings", False):
        return _settings(options)
    if "data" not in options:
        raise InputError("give a prepared folder with --data; see: lipwright train --help")
    if options["what"] == "crossfit":
        del options["what"]
        if "out" not in options:
            raise InputError("crossfit needs a folder to write to: --out FOLDER")
        path = crossfit(**options, progress=progress)
        return Answer(f"offsets: {path}", {"offsets": str(path)})
    figures = train(**options, progress=progress)
    lines = [f"{name}: {value:.3f}" for name, value in figures.items()]
    return Answer("\n".join(lines), figures)


def _settings(options: Options) -> Answer:
    """Every setting of a recipe: its value, and what it means."""
    from lipwright.train import explained

    what = "expert" if options["what"] == "crossfit" else options["what"]
    found = explained(what, options.get("recipe", ""))
    wide = max(len(f"{name}: {value}") for name, value, _ in found)
    text = "\n".join(f"{f'{name}: {value}':{wide}}  {about}" for name, value, about in found)
    return Answer(text, {name: {"value": value, "about": about} for name, value, about in found})


VERB = Verb("train our networks on a prepared dataset", _options, _run, settings=True)
