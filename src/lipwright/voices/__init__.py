"""Voices speak a text. A file here is a member; its name is its public name.

A member has a class ``Voice``, built as ``Voice(which, **options)``: ``which`` is what follows the colon in
``--voice espeak:f3`` ("" for none), the options are keyword arguments with defaults. It has

- ``speak(text, language, manner)`` giving `Spoken`; the text is one piece of at most ``longest`` characters, whole
  sentences where it can be (`sentences`);
- ``longest``, the characters it takes at a time;
- ``follows``, which of ``pace``, ``pitch`` and ``volume`` it does itself: the verb does the rest to the sound;
- ``marked``, whether it reads SSML;
- ``free``, whether speaking costs nothing: no network, no money; then it may be asked for a rehearsal.

It may have ``matched(pitch)`` giving the ``Voice`` of its own that is nearest to a speaker of that pitch in Hz, which
is asked before a conversion to that speaker. It raises `InputError` for a language or text that it cannot speak. A
member that needs something of the user's has ``EXAMPLE``, a ``which`` that shows its form. Nothing else has to be
edited: the new member appears in `lipwright models`, in error messages and in the contract tests by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from lipwright.errors import InputError
from lipwright.types import Audio, Issue, Measure, Phone

PACES, PITCHES, VOLUMES = (0.4, 2.5), (-12.0, 12.0), (-30.0, 12.0)


@dataclass(frozen=True)
class Manner:
    """How it is said: ``pace`` times as fast as the voice does by itself, 0.4 to 2.5; ``pitch`` so many semitones
    higher, -12 to 12; ``volume`` so many decibels louder, -30 to 12; ``ssml``, the text is SSML.

    Raises InputError for a number outside.
    """

    pace: float = 1.0
    pitch: float = 0.0
    volume: float = 0.0
    ssml: bool = False

    def __post_init__(self) -> None:
        limits = (("pace", PACES), ("pitch", PITCHES), ("volume", VOLUMES))
        for name, (low, high) in limits:
            if not low <= getattr(self, name) <= high:
                raise InputError(f"the {name} of a voice is {low:g} to {high:g}; given {getattr(self, name)}")


@dataclass(frozen=True)
class Spoken(Audio):
    """Speech: a sound, its ``phones`` in order where the voice tells them, what was ``measured`` of it, and the
    ``issues`` found on the way."""

    phones: tuple[Phone, ...] = ()
    measured: tuple[Measure, ...] = ()
    issues: tuple[Issue, ...] = ()


class Voice(Protocol):
    """What every member's ``Voice`` does."""

    longest: int
    follows: frozenset[str]
    marked: bool
    free: bool

    def speak(self, text: str, language: str, manner: Manner) -> Spoken:
        """``text`` in ``language`` ("fr", "pt-BR")."""
        ...


_END = re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？।۔؟])[」』”’]*\s*|\n\s*\n+")
_PAUSE = re.compile(r"(?<=[,;:–—])\s+|(?<=[，、；：،؛])\s*")
_ABBREVIATION = re.compile(
    r"(?:^|\s)(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|No|vs|etc|e\.g|i\.e|Sr|Sra|M|Mme|z\.B|Nr)\.[\"')]*\s*$"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the white space around them; "Dr. A. Smith at 3 p.m. today" is one."""
    parts: list[str] = []
    start = 0
    for found in _END.finditer(text):
        goes_on = found.group().count("\n") < 2 and text[found.end() : found.end() + 1].islower()
        if not (goes_on or _ABBREVIATION.search(text[start : found.end()])):
            parts.append(text[start : found.end()].strip())
            start = found.end()
    return [part for part in (*parts, text[start:].strip()) if part]


def pieces(text: str, longest: int) -> list[str]:
    """A text in pieces of at most ``longest`` characters: whole sentences, or else what lies between commas, or
    words, or characters where there are none."""
    joined: list[str] = []
    for part in _parted(text, longest):
        if joined and len(joined[-1]) + 1 + len(part) <= longest:
            joined[-1] += f" {part}"
        else:
            joined.append(part)
    return joined


def _parted(text: str, longest: int) -> Iterator[str]:
    for sentence in sentences(text):
        for phrase in [sentence] if len(sentence) <= longest else _PAUSE.split(sentence):
            for word in [phrase] if len(phrase) <= longest else phrase.split():
                yield from (word[at : at + longest] for at in range(0, len(word), longest))
