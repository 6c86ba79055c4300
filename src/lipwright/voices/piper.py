"""A Piper voice that the user has: ``--voice piper:de_DE-thorsten-medium.onnx``, with its .onnx.json beside it.

It is run by Piper itself (``pip install piper-tts``, GPL-3.0), as a program of its own. The file says which language it
speaks.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from lipwright import media, ondisk
from lipwright.errors import InputError
from lipwright.voices import Manner, Spoken, _program

EXAMPLE = "voice.onnx"


class Voice:
    """One file's voice.

    Args:
        which: the .onnx file.
        speaker: its number, where the file holds several speakers.
        seconds: how long a call may take.

    Raises:
        InputError: no such file, none beside it that says how it is spoken, or Piper is not installed.
    """

    longest = 2000
    follows = frozenset({"pace"})
    marked = False
    free = True

    def __init__(self, which: str = "", *, speaker: int = 0, seconds: float = 300.0) -> None:
        self._file, self._speaker, self._seconds = ondisk.named(which), speaker, seconds
        if not which or not self._file.is_file():
            raise InputError(
                f"the voice 'piper' needs a Piper file, as --voice piper:{EXAMPLE}; "
                + (f"there is no file {self._file}" if which else "none was given")
            )
        self._speaks = _language(self._file.with_name(f"{self._file.name}.json"))
        if find_spec("piper") is None:
            raise InputError("Piper is not installed; it comes with: pip install piper-tts")

    def speak(self, text: str, language: str, manner: Manner) -> Spoken:
        """As the contract says; no phones are known. Refuses a language that the file does not speak."""
        asked = language.lower().replace("_", "-").split("-")[0]
        if self._speaks and {"cmn": "zh", "nb": "no"}.get(asked, asked) != self._speaks:
            raise InputError(f"{self._file.name} speaks {self._speaks!r}; the text is to be spoken in {language!r}")
        with tempfile.TemporaryDirectory(prefix="lipwright-voice-") as room:
            told, out = Path(room) / "text.txt", Path(room) / "speech.wav"
            told.write_text(" ".join(text.split()) + "\n", encoding="utf-8")
            words = [sys.executable, "-m", "piper", "-m", str(self._file), "-i", str(told), "-f", str(out)]
            words += ["-s", str(self._speaker), "--length-scale", f"{1 / manner.pace:.4f}"]
            _program.run(words, "", self._seconds)
            if not out.is_file():
                raise InputError(f"Piper ended well, and wrote no sound with {self._file.name}")
            sound = media.open_audio(out)
            return Spoken(sound.samples, sound.rate)


def _language(told: Path) -> str:
    """The language that a Piper voice's own description names: "de"; "" where it names none."""
    try:
        said = json.loads(told.read_text(encoding="utf-8"))
        return str(said.get("language", {}).get("family") or said.get("espeak", {}).get("voice", ""))[:2].lower()
    except FileNotFoundError:
        raise InputError(f"{told} is missing; a Piper voice is two files: NAME.onnx and NAME.onnx.json") from None
    except (OSError, ValueError, AttributeError) as problem:
        raise InputError(f"{told} is no description of a Piper voice ({problem})") from problem
