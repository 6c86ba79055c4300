"""Speech sounds by their IPA symbols: what the mouth does for any of them, in any language.

::

    phones.sounds("aɪ")            # two sounds: an open vowel, then a nearly close one
    phones.closes_lips("m")        # True
    phones.rounding("u")           # 1.0

The letters are those of the International Phonetic Alphabet (chart of 2020) and the few that espeak-ng writes beside it
(``r.`` for ɽ, ``u"`` for ʉ). Only what can be seen is kept: voice, tone and stress are not.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from lipwright.errors import InputError
from lipwright.types import Phone

_HEIGHT = {
    "close": 0.0, "near-close": 0.17, "close-mid": 0.33, "mid": 0.5, "open-mid": 0.67, "near-open": 0.83, "open": 1.0,
}  # fmt: skip

_VOWELS = {
    ("close", False): "iɨɯᵻɿʅ",
    ("close", True): "yʉu",
    ("near-close", False): "ɪ",
    ("near-close", True): "ʏʊ",
    ("close-mid", False): "eɘɤ",
    ("close-mid", True): "øɵo",
    ("mid", False): "əɚ",
    ("open-mid", False): "ɛεɜɝ",
    ("open-mid", True): "œɞɔ",
    ("near-open", False): "æɐʌ",
    ("open", False): "aɑA",
    ("open", True): "ɶɒ",
}
"""Unrounded or rounded vowels by height; ʌ as the open vowel that it is in the English of today."""

_FRONT = frozenset("iɪeɛæyʏøœ")

_CONSONANTS = {
    ("bilabial", "stop"): "pbɓƥʘ",
    ("bilabial", "nasal"): "m",
    ("bilabial", "fricative"): "ɸβΦʙ",
    ("labial-velar", "glide"): "wʍɥ",
    ("labiodental", "fricative"): "fvʋⱱ",
    ("labiodental", "nasal"): "ɱF",
    ("dental", "fricative"): "θð",
    ("dental", "stop"): "ǀ",
    ("alveolar", "stop"): "tdɗǃ",
    ("alveolar", "nasal"): "n",
    ("alveolar", "tap"): "ɾrɺ",
    ("alveolar", "sibilant"): "szʦ",
    ("alveolar", "lateral"): "lɫɬɮǁ",
    ("alveolar", "rhotic"): "ɹ",
    ("postalveolar", "sibilant"): "ʃʒɕʑɧSZ",
    ("retroflex", "stop"): "ʈɖᶑ",
    ("retroflex", "sibilant"): "ʂʐ",
    ("retroflex", "nasal"): "ɳ",
    ("retroflex", "lateral"): "ɭ",
    ("retroflex", "rhotic"): "ɻɽ",
    ("palatal", "stop"): "cɟʄǂ",
    ("palatal", "fricative"): "çʝ",
    ("palatal", "nasal"): "ɲ",
    ("palatal", "lateral"): "ʎ",
    ("palatal", "glide"): "j",
    ("velar", "stop"): "kɡgɠK",
    ("velar", "fricative"): "xɣɰX",
    ("velar", "nasal"): "ŋN",
    ("velar", "lateral"): "ʟ",
    ("uvular", "stop"): "qɢʛ",
    ("uvular", "fricative"): "χʁ",
    ("uvular", "trill"): "ʀ",
    ("uvular", "nasal"): "ɴ",
    ("pharyngeal", "fricative"): "ħʕʜʢ",
    ("glottal", "stop"): "ʔʡ?",
    ("glottal", "fricative"): "hɦ",
}
_ROUNDED = {"w": 1.0, "ʍ": 1.0, "ɥ": 1.0, "ɹ": 0.4, "ɻ": 0.3, "ɚ": 0.3, "ɝ": 0.3, "ʁ": 0.0}
_SIBILANT_ROUNDED = {"postalveolar": 0.5, "retroflex": 0.3}
_MARKS = frozenset("̥̬̤̰̩̯̪̺̻̝̞̘̙̠̟̈̽̊̃̆ʰʱˤˠⁿᵑᶢᵐʼˑ:`^_#[]+'~")
"""Signs that change nothing that is seen."""


@dataclass(frozen=True)
class Sound:
    """One speech sound: its IPA ``letter``; of a vowel the ``height``, 0 close to 1 open, and whether it is ``front``;
    of a consonant ``place`` and ``manner``; ``rounded`` 0-1, ``spread`` 0-1 (palatalised, or a close front vowel),
    ``long``."""

    letter: str
    vowel: bool
    place: str = ""
    manner: str = ""
    height: float = 0.0
    front: bool = False
    rounded: float = 0.0
    spread: float = 0.0
    long: bool = False

    @property
    def closes_lips(self) -> bool:
        """Whether the lips meet: p, b, m and the like."""
        return self.place == "bilabial" and self.manner != "fricative"

    @property
    def lips_to_teeth(self) -> bool:
        """Whether the lower lip meets the upper teeth: f, v and the like."""
        return self.place == "labiodental"

    @property
    def takes_neighbours(self) -> bool:
        """Whether the lips are free, so that they do what the sounds around ask: h and the glottal stop."""
        return self.place == "glottal"


@cache
def _letters() -> dict[str, Sound]:
    found = {}
    for (height, rounded), letters in _VOWELS.items():
        for letter in letters:
            value, front = _HEIGHT[height], letter in _FRONT
            round_now = _ROUNDED.get(letter, (1 - 0.5 * value) if rounded else 0.0)
            spread = (1 - 1.2 * value) if front and not rounded else 0.0
            found[letter] = Sound(letter, True, height=value, front=front, rounded=round_now, spread=max(0.0, spread))
    for (place, manner), letters in _CONSONANTS.items():
        for letter in letters:
            usual = _SIBILANT_ROUNDED.get(place, 0.0) if manner == "sibilant" else 0.0
            spread = 0.5 if place == "palatal" or letter in "sz" else 0.0
            found[letter] = Sound(letter, False, place, manner, rounded=_ROUNDED.get(letter, usual), spread=spread)
    return found


@cache
def sounds(symbol: str) -> tuple[Sound, ...]:
    """The sounds that a symbol stands for, in order: one, two of a diphthong or an affricate, now and then three.

    A letter that is not known raises InputError; marks that cannot be seen are passed over, and a symbol of nothing
    but marks (aspiration written by itself) is a glottal sound.
    """
    found: list[Sound] = []
    for letter in _decomposed(symbol):
        if letter in _letters():
            aspirates = letter == "h" and found and not found[-1].vowel
            if not aspirates:
                found.append(_letters()[letter])
        elif found and letter in _CHANGES:
            found[-1] = replace(found[-1], **_CHANGES[letter])
        elif found and letter == ".":
            found[-1] = replace(found[-1], place="" if found[-1].vowel else "retroflex")
        elif found and letter == '"':
            found[-1] = replace(found[-1], front=False)
        elif letter not in _MARKS and letter not in _CHANGES:
            raise InputError(f"{letter!r} in the speech sound {symbol!r} is no letter of the IPA that is known here")
    return tuple(found) or (_letters()["h"],)


_CHANGES: dict[str, dict[str, Any]] = {
    "ʷ": {"rounded": 0.9},
    "ᵝ": {"rounded": 0.3},
    "̹": {"rounded": 0.8},
    "̜": {"rounded": 0.3},
    "ʲ": {"spread": 0.5},
    "ː": {"long": True},
}


def _decomposed(symbol: str) -> str:
    """Letters and marks apart, but c with its cedilla, which is a letter of its own."""
    return unicodedata.normalize("NFD", symbol).replace("c\u0327", "\u00e7")


def known(symbol: str) -> bool:
    """Whether every letter of the symbol is known."""
    try:
        sounds(symbol)
    except InputError:
        return False
    return True


def closes_lips(symbol: str) -> bool:
    """Whether the lips meet anywhere in it: p, b, m, also in pf or mb."""
    return any(sound.closes_lips for sound in sounds(symbol))


def lips_to_teeth(symbol: str) -> bool:
    """Whether the lower lip meets the upper teeth anywhere in it: f, v."""
    return any(sound.lips_to_teeth for sound in sounds(symbol))


def rounding(symbol: str) -> float:
    """How much the lips are rounded at most, 0-1: 1 for u, y and w, 0.75 for o and ø, 0 for a and i."""
    return max(sound.rounded for sound in sounds(symbol))


def is_open_vowel(symbol: str) -> bool:
    """Whether it begins as an open vowel: a, ɑ, æ, ɐ, ʌ, also in a diphthong."""
    first = sounds(symbol)[0]
    return first.vowel and first.height > 0.8


def split(timeline: tuple[Phone, ...]) -> tuple[tuple[Phone, Sound], ...]:
    """A timeline with a place of its own for each sound: those of a diphthong share its time, and of an affricate
    (a stop and its own hiss) only the hiss, which is what the lips show, is kept. Times in seconds."""
    found = []
    for phone in timeline:
        parts = _seen(sounds(phone.symbol))
        step = (phone.end - phone.start) / len(parts)
        for k, part in enumerate(parts):
            found.append((replace(phone, start=phone.start + k * step, end=phone.start + (k + 1) * step), part))
    return tuple(found)


def respelt(timeline: tuple[Phone, ...], spelling: Mapping[str, str]) -> tuple[Phone, ...]:
    """The timeline with some symbols written as others that say better what is seen in a language (Hindi c: tɕ)."""
    return tuple(replace(phone, symbol=spelling.get(phone.symbol, phone.symbol)) for phone in timeline)


def _seen(parts: tuple[Sound, ...]) -> tuple[Sound, ...]:
    """Without stops that go over into a hiss: t in tʃ, but not p in pf."""
    hiss = {"sibilant", "fricative"}
    kept = [
        part
        for part, after in zip(parts, (*parts[1:], None), strict=True)
        if not (part.manner == "stop" and not part.closes_lips and after is not None and after.manner in hiss)
    ]
    return tuple(kept)
