"""``lipwright prepare``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    known = "how the folder is laid out; `lipwright models list` names those known"
    add("dataset", nargs="?", metavar="DATASET", help=known)
    add("data", nargs="?", type=Path, default=None, metavar="FOLDER", help="where the dataset lies; it is only read")
    add("-o", "--out", type=Path, help="the folder to fill; clips already there are kept")
    add("--check", type=Path, metavar="PREPARED", help="say of a folder made so whether to train on it, and do no more")
    add("--workers", type=int, metavar="N", help="processes at work (one for each core, 4 at most)")
    add("--ray", metavar="ADDRESS", help="let a Ray cluster do the work, N files at a time; local: start one here")
    add("--report", type=Path, metavar="HTML", help="write a page with what was found of each recording")
    packed = "for our trainers, the same and shards for very many recordings, or for Wav2Lip's trainers (ours)"
    add("--layout", choices=["ours", "shards", "wav2lip"], help=f"what is written: {packed}")
    add(
        "--size",
        type=int,
        metavar="PX",
        help="width and height of faces: whole (wav2lip, as found), or lower ones (ours, none)",
    )
    insync = parser.add_argument_group("what is in sync").add_argument
    modes = "drop what is not surely in sync, shift only what surely is, or measure nothing: off (drop)"
    insync("--sync", choices=["drop", "shift", "off"], help=modes)
    insync("--expert", metavar="NAME", help="the sync expert that judges (lipsight)")
    wrong = "how much clearer than the clearest of eleven wrong sounds a recording must be (1.0)"
    insync("--confidence", type=float, metavar="X", help=wrong)
    insync("--most-offset", type=int, metavar="N", help="frames at 25 fps that are put right (8)")
    good = parser.add_argument_group("what is good enough").add_argument
    good("--sharpness", type=float, metavar="X", help="the least detail of the mouth, grey levels (0.0)")
    good("--least-face", type=float, metavar="PX", help="the least width of the face (48.0)")
    good("--yaw", type=float, metavar="DEGREES", help="how far the head may be turned (60.0)")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError
    from lipwright.prepare import doctor, prepare

    if options.get("data") is None:  # a default left out would be made a Path
        options.pop("data", None)
    if "check" in options:
        folder = options.pop("check")
        if options:
            raise InputError("--check looks at a folder that was prepared and takes nothing else; give it alone")
        found = doctor.check(folder)
        return Answer(found.text(), found.data())
    if not {"dataset", "data", "out"} <= options.keys():
        raise InputError("give DATASET, FOLDER and --out, or --check PREPARED; see: lipwright prepare --help")
    counts = prepare(**options, progress=progress)
    text = f"{options['out']}: {counts['kept']} recordings kept, {counts['skipped']} skipped"
    text += f"; {counts['shifted']} shifted, {counts['duplicates']} near-duplicates"
    return Answer(text, counts)


VERB = Verb("turn a dataset into what training reads", _options, _run)
