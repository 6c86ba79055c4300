"""``lipwright tune``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, more, near

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", metavar="WHAT", help="expert, motion or another kind of training, or measure for its thresholds")
    add("--data", type=Path, required=True, metavar="FOLDER", help="a folder that `lipwright prepare` made")
    add("-o", "--out", type=Path, required=True, metavar="STUDY", help="the study's folder; a study there goes on")
    add("--trials", type=int, metavar="N", help="trials in all, with those of earlier calls (20)")
    add("--space", type=Path, metavar="YAML", help="what may change, and how far; a space of WHAT's own if left out")
    add("--recipe", metavar="R", help="what trials begin with: a YAML file or a shipped recipe's name (WHAT)")
    add("--offsets", type=Path, metavar="CSV", help="offsets.csv of a crossfit; clips are moved by it")
    add("--steps", type=int, metavar="N", help="steps of each trial, in place of the recipe's")
    how = "how trials that do badly are ended early (median)"
    add("--pruner", choices=["median", "hyperband", "none"], help=how)
    add("--seed", type=int, metavar="N", help="seed of what is proposed (1)")
    add("--workers", type=int, metavar="N", help="processes at work, each with one thread (1)")
    add("--ray", metavar="ADDRESS", help="a Ray cluster that does the work, --workers trials at a time")
    add("--threads", type=int, metavar="N", help="CPU threads of a trial, with one worker")
    parser.epilog = "Any setting of the recipe is an option, too, for all trials, as in --size tiny --every 20."


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.tune import page, tune

    options |= more(options, tune, "any setting of the recipe is an option")
    told = tune(**options, progress=progress)
    lines = [page.table(told["trials"])]
    best, start = told["best"], told["start"]
    if best is not None:
        before = "" if start is None else f"; {start:.4f} as it was"
        lines.append(f"best: trial {best['trial']} with {best['score']:.4f}{before}")
        lines += told.get("notes", [])
        lines += [f"{name}: {near(Path(told[name]).absolute())}" for name in ("file", "page") if told.get(name)]
    return Answer("\n".join(lines), told)


VERB = Verb("search for better settings of a training, or of the measurement", _options, _run, settings=True)
