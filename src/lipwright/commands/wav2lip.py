"""``lipwright wav2lip``: Wav2Lip's own command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, written

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add, four = parser.add_argument, ("TOP", "BOTTOM", "LEFT", "RIGHT")
    add("--checkpoint_path", required=True, metavar="W", help="a checkpoint (.pth, .pt, .onnx), or imported weights")
    add("--face", type=Path, required=True, metavar="V", help="the video, or picture, of the face")
    add("--audio", type=Path, required=True, metavar="A", help="the sound, or a video whose sound is taken")
    add("--outfile", type=Path, help="the video to write (results/result_voice.mp4)")
    add("--static", nargs="?", const=True, type=_truth, metavar="BOOL", help="show the first frame only (False)")
    add("--fps", type=float, help="frames a second where the face is a picture (25.0)")
    add("--pads", nargs=4, type=int, metavar=four, help="added to the face's box, px (0 10 0 0 with --compat, else 0)")
    add("--face_det_batch_size", type=int, metavar="N", help="taken, and not needed (16)")
    add("--wav2lip_batch_size", type=int, metavar="N", help="taken, and not needed (128)")
    add("--resize_factor", type=int, metavar="N", help="divide width and height by this first (1)")
    add("--crop", nargs=4, type=int, metavar=four, help="what is shown, after that and --rotate (0 -1 0 -1)")
    add("--box", nargs=4, type=int, metavar=four, help="the face's box in every frame, not looked for (-1 -1 -1 -1)")
    add("--rotate", action="store_true", help="turn the video right by 90 degrees")
    add("--nosmooth", action="store_true", help="leave the boxes as they are found")
    add("--compat", nargs="?", const="strict", choices=["strict"], help="the original's pixels and length")


def _truth(text: str) -> bool:
    """What the original reads as True whatever it says."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")
    return known[text.lower()]


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.wav2lip import wav2lip

    out = options.pop("outfile", None)
    if out is None:
        out = Path("results", "result_voice.mp4")
        out.parent.mkdir(exist_ok=True)
    out = media.output_path(out, options["face"], options["audio"])
    dubbed = wav2lip(**options, progress=progress)
    return written(dubbed, media.write(dubbed, out, progress=progress))


VERB = Verb("the same, by the names of Wav2Lip's own command line", _options, _run)
