"""``lipwright speak``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, more, near, setting

if TYPE_CHECKING:
    from lipwright.types import Progress
    from lipwright.voices import Spoken

LIKENESS = ("similarity", "similarity_floor", "similarity_ceiling", "clarity")


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("text", help="what to say, or - to read it from the standard input")
    add("-o", "--out", type=Path, required=True, help="the sound to write: .wav, .flac, .mp3, .m4a or .ogg")
    add("--ssml", action="store_true", help="the text is SSML, for a voice that knows it (False)")
    add("--like", type=Path, metavar="FILE", help="sound like who speaks in this recording: 3 s of one person at least")
    manner(parser)
    other = "an option of the voice; may be given again"
    add("--with", dest="more", action="append", type=setting, metavar="NAME=VALUE", help=other)


def manner(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The options of everything that speaks."""
    add = parser.add_argument
    add("--language", metavar="CODE", help="what the text is written in: en, fr, pt-BR, cmn ... (en)")
    add("--voice", metavar="NAME[:WHICH]", help="who speaks it; `lipwright models` names the voices (espeak)")
    add("--pace", type=float, metavar="X", help="times as fast as the voice does by itself, 0.4 to 2.5 (1.0)")
    add("--pitch", type=float, metavar="N", help="semitones higher, -12 to 12 (0.0)")
    add("--volume", type=float, metavar="DB", help="decibels louder, -30 to 12 (0.0)")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.media.soundfile import sound_path, write_sound
    from lipwright.speak import speak

    text, out = options.pop("text"), sound_path(options.pop("out"), options.get("like"))
    options |= more(options, speak, "--with sets the options of the voice")
    spoken = speak(sys.stdin.read() if text == "-" else text, progress=progress, **options)
    return _told(spoken, write_sound(spoken, out))


def _told(spoken: Spoken, written: Path) -> Answer:
    text = f"{near(written)}: {spoken.duration:.2f} s, {spoken.rate} Hz, {len(spoken.phones)} phones"
    data = {"out": str(written), "seconds": spoken.duration, "rate": spoken.rate}
    return with_likeness(Answer(text, data | {"phones": [asdict(phone) for phone in spoken.phones]}), spoken)


def with_likeness(answer: Answer, spoken: Spoken) -> Answer:
    """An answer to which is added how close the voice came to its target, where it has one."""
    found = {measure.name: measure.value for measure in spoken.measured}
    text = answer.text
    if all(name in found for name in LIKENESS):
        made, floor, ceiling, clarity = (found[name] for name in LIKENESS)
        text += f"\nlikeness of the voice {made:.2f}: {floor:.2f} before, two halves of the recording {ceiling:.2f}; "
        text += f"clarity (STOI) {clarity:.2f}"
    return Answer(text, answer.data | {"voice": found} if isinstance(answer.data, dict) else answer.data)


VERB = Verb("speak a text, also in the voice of a recording", _options, _run)
