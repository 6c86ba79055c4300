"""``lipwright repair``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, near

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, help="the video of one speaking person, with its sound")
    add("-o", "--out", type=Path, required=True, help="the video to write: .mp4, .mov, .mkv or .webm")
    ways = ["auto", "offset", "retime", "transplant"]
    add("--how", choices=ways, help="what moves: the sound, frames or mouths; the mildest that helps (auto)")
    add("--copy", action="store_true", help="write a copy also where nothing is to be repaired (False)")
    add(
        "--expert",
        metavar="NAME",
        help="the sync expert that says what to do; `lipwright models` names them (lipsight)",
    )
    add("--judge", metavar="NAME", help="the one that says whether it helped (another one that is calibrated)")
    add("--quality", type=int, metavar="CRF", help="where pictures are encoded: 0 best, 51 worst (18)")
    own = parser.add_argument_group("options of retime and transplant").add_argument
    own("--window", type=_window, metavar="N", help="frames at 25 fps searched either way, 1 to 12, or auto (3)")
    own("--jump", type=float, metavar="X", help="what a frame left out or repeated costs; more moves fewer (0.2)")
    own("--greedy", action="store_true", help="choose each frame by itself, without a path: for comparison (False)")
    own("--compat", action="store_true", help="carry mouths over as the LipSync report did: for comparison (False)")


def _window(text: str) -> int | str:
    """A number of frames, or the word auto."""
    return int(text) if text.lstrip("-").isdigit() else text


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.repair import repair

    done = repair(options.pop("video"), options.pop("out"), progress=progress, **options)
    return Answer(done.text(None if done.out is None else near(done.out)), done.data())


VERB = Verb("bring lips and voice of a video together", _options, _run)
