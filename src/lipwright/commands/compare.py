"""``lipwright compare``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, more, near, setting

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, nargs="?", default=None, help="the footage to dub; or else --videos")
    add("speech", type=Path, nargs="?", default=None, help="what it is to say")
    add("-o", "--out", type=Path, metavar="FOLDER", help="where all of it is written (compared)")
    dubbers = "ways to dub, NAME or NAME:WEIGHTS; `lipwright models` names them (landmark compact)"
    add("--dubbers", nargs="+", metavar="DUBBER", help=dubbers)
    add("--detectors", nargs="+", metavar="NAME", help="dub by each of these detectors of faces (the usual one)")
    add("--videos", nargs="+", type=Path, metavar="VIDEO", help="finished videos to compare instead")
    add("--names", nargs="+", metavar="NAME", help="what stands above each video (its own name)")
    add("--source", type=Path, metavar="VIDEO", help="with --videos: the video before it was dubbed")
    add("--reference", type=Path, metavar="VIDEO", help="what it should look like: the real recording of the speech")
    add("--face", metavar="WHO", help="whose mouth: a face's number, X,Y or X,Y@SECONDS, or who speaks (auto)")
    add("--preview", type=float, metavar="SECONDS", help="dub only the first so many seconds of the speech")
    add("--quality", type=int, metavar="CRF", help="0 best, 51 worst (18)")
    other = "an option of dub, or of a dubber: those take it that know it; may be given again"
    add("--with", dest="more", action="append", type=setting, metavar="NAME=VALUE", help=other)


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.compare import compare

    options |= more(options, compare, "--with sets the options of dubbers")
    done = compare(progress=progress, **options)
    text = done.text()
    for what, place in (("grid", done.grid), ("page", done.page)):
        text += "" if place is None else f"\n{what}: {near(place)}"
    return Answer(text, done.data(), code=int(any(entry.problem for entry in done.entries)))


VERB = Verb("dub in several ways, or take several videos, and set them side by side", _options, _run)
