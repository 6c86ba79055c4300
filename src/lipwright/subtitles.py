"""Subtitles: SubRip (.srt) and WebVTT (.vtt) read, and whether they can be spoken one after the other."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lipwright import ondisk
from lipwright.errors import InputError

LARGEST = 16 << 20
"""Bytes of a subtitle file."""
SHORTEST = 0.2
"""Seconds of a slot in which something can be said."""

_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_MARKS = re.compile(r"<[^>]*>|\{\\[^}]*\}")
_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|♪[^♪]*♪?|^[-–—]\s*", re.MULTILINE)
_ROUNDING = 0.0015


@dataclass(frozen=True)
class Cue:
    """One subtitle: its ``number`` from 1, from ``start`` to ``stop`` s, and its ``text`` in one line."""

    number: int
    start: float
    stop: float
    text: str


def read(path: str | Path) -> tuple[Cue, ...]:
    """The subtitles of a file that have words to say, in order: marks, [noises], (asides) and ♪ songs ♪ left out.

    Raises InputError: no such file, not text, no subtitles in it, or one whose times cannot be read.
    """
    file = ondisk.named(path)
    found = tuple(parsed(_text(file), str(file)))
    if not found:
        raise InputError(f"there are no subtitles in {file}; a subtitle is 00:00:01,000 --> 00:00:02,500 and its text")
    return tuple(cue for cue in found if any(c.isalnum() for c in cue.text))


def parsed(text: str, name: str) -> list[Cue]:
    """The subtitles in a ``text``, which ``name`` names in errors."""
    cues: list[Cue] = []
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if "-->" not in line:
            continue
        times = _TIMES.match(line)
        if times is None:
            raise InputError(f"line {at + 1} of {name} is no time of a subtitle: {line.strip()[:60]!r}")
        start, stop = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        cues.append(Cue(len(cues) + 1, start, stop, _said(_until_blank(lines, at + 1))))
    return cues


def checked(cues: Sequence[Cue], seconds: float, name: str = "the subtitles") -> None:
    """Raises InputError where subtitles cannot be spoken in a video of ``seconds``: one that ends before it begins or
    is shorter than 0.2 s, two that overlap, one that goes past the end."""
    for cue in cues:
        if cue.stop - cue.start < SHORTEST - _ROUNDING:
            raise InputError(
                f"subtitle {cue.number} of {name} lasts {cue.stop - cue.start:.2f} s, from {cue.start:.2f} s; "
                f"give it {SHORTEST:g} s at least"
            )
        if cue.stop > seconds + _ROUNDING:
            raise InputError(
                f"subtitle {cue.number} of {name} ends at {cue.stop:.2f} s, and the video at {seconds:.2f} s; "
                "cut it, or give the video that it was made for"
            )
    for one, other in pairwise(cues):
        if other.start < one.stop - _ROUNDING:
            raise InputError(
                f"subtitles {one.number} and {other.number} of {name} overlap: one ends at {one.stop:.2f} s and the "
                f"other begins at {other.start:.2f} s; one voice says one at a time, so move one of them"
            )


def language_of(path: str | Path) -> str:
    """The language that a file's name tells, as ``talk.fr.srt`` or ``talk.pt-BR.srt`` do; "" where it tells none."""
    parts = Path(path).name.split(".")
    told = parts[-2] if len(parts) > 2 else ""
    return told if re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?", told) else ""


def _text(file: Path) -> str:
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise InputError(f"{file} has {size >> 20} MiB, too many for subtitles; give a .srt or .vtt file")
        content = file.read_bytes()
    except OSError as problem:
        raise InputError(
            f"{file} cannot be read ({problem.strerror or problem}); give a .srt or .vtt file"
        ) from problem
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{file} is no text; give subtitles as a .srt or .vtt file, best in UTF-8")


def _seconds(clock: Sequence[str | None]) -> float:
    hours, minutes, seconds, part = (part or "0" for part in clock)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(part.ljust(3, "0")) / 1000


def _until_blank(lines: Sequence[str], start: int) -> list[str]:
    found: list[str] = []
    for line in lines[start:]:
        if not line.strip():
            break
        found.append(line)
    return found


def _said(lines: Sequence[str]) -> str:
    """What of a subtitle is to be spoken."""
    text = html.unescape(_MARKS.sub("", "\n".join(line.strip() for line in lines)))
    return " ".join(_ASIDE.sub(" ", text).split())
