"""espeak-ng: more than a hundred languages, offline, with every speech sound and its time; sounds like a machine.

``--voice espeak:f3`` speaks as its variant f3. It reads SSML, and numbers and abbreviations as the language has them.
"""

from __future__ import annotations

import unicodedata

from lipwright import espeak
from lipwright.errors import InputError
from lipwright.types import Audio
from lipwright.voices import Manner, Spoken

_PACE, _PITCH, _MELODY = 165, 50, 60
_HIGH = 165.0
_SEMITONES = 4.0  # steps of its pitch a semitone


class Voice:
    """One of espeak-ng's.

    Args:
        which: a variant, such as f1 to f5, m1 to m8, whisper; "" the plain one.
        melody: how far the pitch moves, 0 (not) to 99.

    Raises:
        MissingExtraError: espeakng-loader is not installed.
    """

    longest = 1500
    follows = frozenset({"pace", "pitch", "volume"})
    marked = True
    free = True

    def __init__(self, which: str = "", *, melody: int = _MELODY) -> None:
        self._which, self._melody = which, melody

    def matched(self, pitch: float) -> Voice:
        """The variant that becomes a speaker of that pitch in Hz best, where none was chosen."""
        return self if self._which else Voice("f2" if pitch > _HIGH else "klatt4", melody=self._melody)

    def speak(self, text: str, language: str, manner: Manner) -> Spoken:
        """As the contract says; the pace is what espeak-ng has: 80 to 450 words a minute."""
        if language.lower().startswith("ja") and any("CJK UNIFIED" in unicodedata.name(c, "") for c in text):
            raise InputError("espeak-ng reads no kanji; write the text in kana, or choose another voice (--voice)")
        low, high = espeak.LIMITS["pace"]
        pace = round(min(max(_PACE * manner.pace, low), high))
        pitch = round(min(max(_PITCH + _SEMITONES * manner.pitch, 0), 99))
        said = espeak.speak(
            text, language, variant=self._which, pace=pace, pitch=pitch, melody=self._melody, ssml=manner.ssml
        )
        return Spoken(_louder(said.audio, manner.volume).samples, espeak.RATE, phones=said.phones)


def _louder(audio: Audio, decibels: float) -> Audio:
    return Audio(audio.samples * 10 ** (decibels / 20), audio.rate) if decibels else audio
