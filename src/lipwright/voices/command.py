"""Any program that writes a sound file: ``--voice "command:say -v Anna -o {out} {text}"``.

The words of the template are the program and its arguments; no shell reads them. In each word {text}, {language} and
{out} (the .wav file to write) are filled in; {pace} too, times as fast as usual. Without {text} the program is given
the text on its standard input.
"""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from lipwright import media
from lipwright.errors import InputError
from lipwright.voices import Manner, Spoken, _program

EXAMPLE = "espeak-ng -v {language} -w {out} {text}"

_PLACES = ("text", "language", "out", "pace")


class Voice:
    """A program run once for each piece of text.

    Args:
        which: the template.
        seconds: how long a call may take.

    Raises:
        InputError: a template that is empty, has open quotes or does not say where {out} goes.
    """

    longest = 2000
    marked = False
    free = False

    def __init__(self, which: str = "", *, seconds: float = 300.0) -> None:
        try:
            self._words = shlex.split(which)
        except ValueError as problem:
            raise InputError(f"the command {which!r} has open quotes ({problem})") from problem
        if not self._words or not any("{out}" in word for word in self._words[1:]):
            raise InputError(
                f"the voice 'command' needs a program with {{out}} for the file to write, as "
                f'--voice "command:{EXAMPLE}"; given {which!r}'
            )
        self._seconds = seconds
        self.follows = frozenset({"pace"} if any("{pace}" in word for word in self._words) else ())

    def speak(self, text: str, language: str, manner: Manner) -> Spoken:
        """As the contract says; no phones are known."""
        with tempfile.TemporaryDirectory(prefix="lipwright-voice-") as room:
            out = Path(room) / "speech.wav"
            filled = {"text": text, "language": language, "out": str(out), "pace": f"{manner.pace:g}"}
            words = [_fill(word, filled) for word in self._words]
            _program.run(words, "" if any("{text}" in word for word in self._words) else text, self._seconds)
            if not out.is_file() or out.stat().st_size == 0:
                raise InputError(f"the command {self._words[0]} ended well, and wrote no sound to {{out}}")
            sound = media.open_audio(out)
            return Spoken(sound.samples, sound.rate)


def _fill(word: str, filled: dict[str, str]) -> str:
    """The word with each {place} replaced, in one pass, so that a text may hold braces itself."""
    parts = word.split("{")
    made = parts[0]
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        made += filled[name] + rest if brace and name in _PLACES else "{" + part
    return made
