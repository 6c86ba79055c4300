"""``lipwright check``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, nargs="?", default=None, help="the video to be dubbed; neither: this computer is checked")
    add("sound", type=Path, nargs="?", default=None, help="the speech; without it the video's own sound is checked")
    add("--fix", action="store_true", help="write repaired copies: talk.fixed.mp4, speech.fixed.wav (False)")
    add("-o", "--out", type=Path, metavar="FOLDER", help="where to write them (beside the originals)")
    add("--dubber", metavar="NAME", help="whose need of pixels counts; `lipwright models` names them (landmark)")
    add("--strict", action="store_true", help="exit with 1 where an error was found (False)")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.check import check

    strict = options.pop("strict", False)
    found = check(options.pop("video", None), options.pop("sound", None), progress=progress, **options)
    text = found.text()
    if options.get("fix") and not found.repaired:
        text += "\n\nno file was written: nothing was found that a program can mend"
    return Answer(text, found.data(), code=int(strict and found.worst == "error"))


VERB = Verb("say what speaks against dubbing a video with a sound; or check this computer", _options, _run)
