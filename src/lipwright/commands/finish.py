"""``lipwright finish``, and the same as options of ``dub``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, near

if TYPE_CHECKING:
    from lipwright.types import Progress

STABILISE, CALM = 0.5, 1.0
"""What the options mean where no number follows them."""

ASKS = ("stabilise", "calm", "fps", "retime", "restore", "regrain")
"""Those of which one is needed."""


def finishing(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The options that ``finish`` and ``dub`` share."""
    add = parser.add_argument
    shake = f"take out shake shorter than so many seconds, no edge cut off; {STABILISE} where none are given (0.0)"
    add("--stabilise", type=float, nargs="?", const=STABILISE, metavar="SECONDS", help=shake)
    calm = f"even out the flicker of the lower face in time, 0 to 1; {CALM:g} where no number is given (0.0)"
    add("--calm", type=float, nargs="?", const=CALM, metavar="X", help=calm)
    add("--fps", metavar="RATE", help="frame rate: 30, 60000/1001 or source; frames between are made along the motion")
    retime = "show frames a little earlier or later where the sound says so, on a smooth curve (False)"
    add("--retime", action="store_true", help=retime)
    add("--restore", type=Path, metavar="ONNX", help="restore faces by this network of yours: GFPGAN, CodeFormer ...")
    add("--restore-strength", type=float, metavar="X", help="how much of the restored face is shown, 0 to 1 (1.0)")
    add("--restore-fidelity", type=float, metavar="X", help="CodeFormer's w: 0 looks best, 1 keeps most (0.5)")
    add("--regrain", action="store_true", help="bring the grain of whole frames to that of the source (False)")


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, help="the video to finish")
    add("-o", "--out", type=Path, required=True, help="the video to write: .mp4, .mov, .mkv or .webm")
    add("--quality", type=int, metavar="CRF", help="0 best, 51 worst (18)")
    resume = "go on where the same command was interrupted (True)"
    add("--resume", action=argparse.BooleanOptionalAction, help=resume)
    add("--source", type=Path, metavar="VIDEO", help="the video before it was dubbed: its frame rate and grain count")
    who = "whose face is calmed and restored: all, a face's number, X,Y or X,Y@SECONDS (all)"
    add("--face", metavar="WHO", help=who)
    finishing(parser.add_argument_group("what is done"))


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.errors import InputError
    from lipwright.finish import finish

    video = options.pop("video")
    out = media.output_path(options.pop("out"), video, options.get("source"))
    how = {name: options.pop(name) for name in ("quality", "resume") if name in options}
    media.checked_quality(how.get("quality", 18))
    if not options.keys() & set(ASKS):
        raise InputError(f"nothing is asked for; give at least one of {', '.join(f'--{name}' for name in ASKS)}")
    if "source" not in options:
        for name, asked in (("--regrain", "regrain" in options), ("--fps source", options.get("fps") == "source")):
            if asked:
                raise InputError(f"{name} goes by the video before it was dubbed; give it: --source VIDEO")
    if "source" in options:
        options["source"] = media.open(options["source"])
    made = finish(media.open(video), progress=progress, **options)
    written = media.write(made, out, progress=progress, **how)
    (width, height), rate = made.size, f"{float(made.fps):.6g} fps"
    text = f"{near(written)}: {made.duration:.2f} s, {made.length} frames of {width} x {height} at {rate}"
    data = {"out": str(written), "seconds": made.duration, "frames": made.length, "size": made.size}
    return Answer(text, data | {"fps": str(made.fps)})


VERB = Verb("take out shake and flicker, change the frame rate, restore faces", _options, _run)
