"""``lipwright dub``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands import table
from lipwright.commands.answering import Answer, Options, Verb, more, setting, written
from lipwright.commands.finish import finishing
from lipwright.commands.speak import manner, with_likeness

if TYPE_CHECKING:
    from lipwright.jobs import Job
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, nargs="?", default=None, help="the video (or picture) of somebody's face")
    spoken = "the sound to speak: any sound file, or a video whose sound is taken; or else --text or --srt"
    add("speech", type=Path, nargs="?", default=None, help=spoken)
    add("-o", "--out", type=Path, help="the video to write: .mp4, .mov, .mkv or .webm")
    add("--quality", type=int, metavar="CRF", help="0 best, 51 worst (18)")
    add("--preview", type=float, metavar="SECONDS", help="dub only the first so many seconds of the speech")
    add("--compare", choices=["side", "stack"], help="show the source beside, or above, the result")
    modes = ["bounce", "loop", "cut_off", "silence", "remap"]
    add("--sync-mode", choices=modes, help="what happens where video and speech differ in length (bounce)")
    add("--start", type=float, metavar="SECONDS", help="when the speech begins; the mouth is closed until then (0.0)")
    add("--blend", choices=["feather", "multiband", "poisson"], help="how the mouth meets the frame (feather)")
    flag = argparse.BooleanOptionalAction
    add("--smooth", type=float, metavar="X", help="smoothing of the motion in time, frames at 25 fps (0.5)")
    add("--colour", action=flag, help="bring the mouth's colours to those around it (True)")
    add("--grain", action=flag, help="bring the mouth's grain to the frame's (True)")
    add("--resume", action=flag, help="go on where the same command was interrupted (True)")
    add("--silence", choices=["refuse", "close"], help="what to do with a silent speech: close the mouth, or (refuse)")
    add("--dubber", metavar="NAME", help="how mouths are made; `lipwright models` names them (landmark)")
    add("--face", metavar="WHO", help="who is dubbed: all, a face's number, X,Y or X,Y@SECONDS, or who speaks (auto)")
    add("--box", type=_box, metavar="X0,Y0,X1,Y1", help="look for faces only inside, in pixels")
    add("--detector", metavar="NAME", help="who finds faces; `lipwright models` names them (mediapipe)")
    own = parser.add_argument_group("options of the dubber landmark").add_argument
    own("--strength", type=float, metavar="X", help="how far the mouth opens, 0 to 2: 1 as this person does (1.0)")
    feelings = ["neutral", "happy", "sad", "angry", "surprised", "auto"]
    own("--emotion", choices=feelings, help="what brows and corners of the mouth show; auto hears the voice (neutral)")
    finishing(parser.add_argument_group("what is done to the result, as lipwright finish does"))
    _said(parser.add_argument_group("what is said, instead of a speech"))
    other = "an option of another dubber; may be given again"
    parser.add_argument("--with", dest="more", action="append", type=setting, metavar="NAME=VALUE", help=other)
    table.options(parser.add_argument_group("many videos, instead of one").add_argument)


def _said(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add("--text", help="a text to speak")
    add("--srt", type=Path, metavar="FILE", help="subtitles (.srt, .vtt), each spoken in its slot")
    like = "in whose voice: of who speaks in the video (own), in this recording, or as the voice is (none) (own)"
    add("--like", metavar="FILE", help=like)
    fit = "a speech, or text, as long as the video's own speech; subtitles that fill their slots (False)"
    add("--fit", action="store_true", help=fit)
    manner(parser)
    other = "an option of the voice; may be given again"
    add("--voice-with", dest="voice_more", action="append", type=setting, metavar="NAME=VALUE", help=other)


def _box(text: str) -> tuple[int, ...]:
    """Four whole numbers with commas between."""
    edges = text.split(",")
    if len(edges) != 4 or not all(edge.strip().isdecimal() for edge in edges):
        raise argparse.ArgumentTypeError(f"{text!r} is not X0,Y0,X1,Y1 in whole pixels")
    return tuple(int(edge) for edge in edges)


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError
    from lipwright.jobs import made
    from lipwright.voices import Spoken

    if "jobs" in options:
        return table.run(options, _options, _job, progress)
    if alone := [name for name in table.OWN if name in options]:
        raise InputError(f"--{alone[0]} is for many videos; give --jobs CSV, too, or leave it out")
    if missing := table.missing(options):
        raise InputError(f"give {missing}, or --jobs CSV; see: lipwright dub --help")
    dubbed, out, sound = made(_job(options), progress)
    answer = written(dubbed, out)
    return with_likeness(answer, sound) if isinstance(sound, Spoken) else answer


def _job(options: Options) -> Job:
    """What was typed, as a job."""
    from lipwright.dub import dub
    from lipwright.jobs import Job

    video, speech, out = options.pop("video"), options.pop("speech", None), options.pop("out")
    options |= more(options, dub, "--with sets the options of another dubber")
    if voice := dict(options.pop("voice_more", ())):
        options["voice_more"] = voice
    return Job(video, speech, out, options)


VERB = Verb("make the lips in a video match a voice", _options, _run)
