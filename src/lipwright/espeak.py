"""espeak-ng: text in a hundred languages to sound, with the speech sounds (IPA) and their times.

::

    spoken = espeak.speak("Bonjour", "fr")
    spoken.audio       # 22.05 kHz
    spoken.phones      # (Phone("b", 0.0, 0.06), Phone("ɔ", 0.06, 0.14), ...), pauses left out

The library is loaded from the package espeakng-loader (extra ``voices``) when it is first needed, once a process. It
keeps its state for itself, so that one text is spoken at a time, whatever the thread.
"""

from __future__ import annotations

import ctypes
import difflib
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from lipwright.errors import InputError, MissingExtraError
from lipwright.types import Audio, Float, Phone

RATE = 22050
"""Hz, of every sound it makes."""
LIMITS = {"pace": (80, 450), "pitch": (0, 99), "melody": (0, 99), "volume": (0, 200)}
"""What its settings may be; pace in words a minute."""

_SYNCHRONOUS, _PHONES_AS_IPA, _DO_NOT_EXIT = 2, 0x0003, 0x8000
_UTF8, _SSML = 0x01, 0x10
_WORD, _PHONE = 1, 7
_SETTINGS = {"pace": 1, "volume": 2, "pitch": 3, "melody": 4}
_STRESS = str.maketrans("", "", "ˈˌ͜͡‿'")
_OTHER_NAMES = {
    "en": "en-us",
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-yue": "yue",
    "no": "nb",
    "nn": "nb",
    "iw": "he",
    "in": "id",
}


class _Name(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("position", ctypes.c_int), ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Name),
    )  # fmt: skip


class _Voice(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("languages", ctypes.c_void_p), ("identifier", ctypes.c_char_p))


_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Spoken:
    """What espeak-ng said: ``audio`` at 22.05 kHz, ``phones`` in order, IPA without stress, the pauses left out (gaps
    between them), and ``words``, where each word begins: (character of the text, seconds)."""

    audio: Audio
    phones: tuple[Phone, ...]
    words: tuple[tuple[int, float], ...]


def speak(
    text: str,
    language: str = "en-us",
    *,
    variant: str = "",
    pace: int = 175,
    pitch: int = 50,
    melody: int = 50,
    volume: int = 100,
    ssml: bool = False,
) -> Spoken:
    """Say ``text`` in ``language`` (`languages` names them; ``fr-CA`` is said as ``fr``, ``en`` as ``en-us``).

    ``variant`` is a speaker of espeak-ng (``f1`` to ``f5``, ``m1`` to ``m8``, ``whisper`` ...), ``pace`` words a
    minute, 80 to 450, ``pitch`` 0 to 99, ``melody`` 0 (flat) to 99, ``volume`` 0 to 200; ``ssml`` reads
    the text as SSML.

    Raises:
        InputError: an empty text, one that has nothing to say, an unknown language or variant, a number out of range.
        MissingExtraError: espeakng-loader is not installed.
    """
    if not text.strip():
        raise InputError("the text to speak is empty; give some words")
    asked = {"pace": pace, "pitch": pitch, "melody": melody, "volume": volume}
    for name, value in asked.items():
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise InputError(f"the {name} of a voice must be {low} to {high}; given {value}")
    if variant and variant not in (known := _engine().variants):
        raise InputError(f"espeak-ng has no variant {variant!r}; there are: {', '.join(known)}")
    voice = _engine().voices[voice_name(language)] + (f"+{variant}" if variant else "")
    spoken = _engine().say(text.replace("\0", " "), voice, asked, ssml)
    if not spoken.phones:
        shown = text.strip()[:40]
        raise InputError(f"there is nothing to say in {language} in the text {shown!r}; give words in its script")
    return spoken


def phones(text: str, language: str = "en-us") -> tuple[str, ...]:
    """The speech sounds of ``text`` in order, IPA without stress. Raises as `speak` does."""
    return tuple(phone.symbol for phone in speak(text, language).phones)


def languages() -> dict[str, str]:
    """What espeak-ng speaks: language codes as it writes them (``en-us``, ``cmn``, ``pt-br``) and their names.

    Raises MissingExtraError where espeakng-loader is not installed.
    """
    return dict(_engine().languages)


def voice_name(language: str) -> str:
    """The code by which espeak-ng knows ``language``: ``en`` (``en-us``) ``en-GB`` ``zh`` (``cmn``) ``pt-BR`` ``fr-CA``
    (``fr``). Raises InputError for one that it does not speak; the sentence names the nearest codes."""
    known = _engine().languages
    wanted = language.strip().lower().replace("_", "-")
    parts = wanted.split("-")
    for count in range(len(parts), 0, -1):
        code = "-".join(parts[:count])
        name = _OTHER_NAMES.get(code, code)
        if name in known:
            return name
    near = difflib.get_close_matches(wanted, known, 3, 0.5) or ["en-us", "fr", "cmn"]
    by_name = [code for code, name in known.items() if wanted and name.lower().startswith(wanted)]
    raise InputError(
        f"espeak-ng speaks no language {language!r}; it takes codes such as {', '.join(by_name[:3] or near)}"
    )


@cache
def _engine() -> _Engine:
    return _Engine()


class _Engine:
    """The library, initialised; one text at a time."""

    def __init__(self) -> None:
        try:
            espeakng_loader = import_module("espeakng_loader")
        except ImportError as problem:
            raise MissingExtraError("voices", "espeakng-loader") from problem
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
        if self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _PHONES_AS_IPA | _DO_NOT_EXIT) != RATE:
            raise InputError(f"espeak-ng cannot read its data in {data}; install espeakng-loader again")
        self._lock = threading.Lock()
        self._sound: list[Float] = []
        self._events: list[tuple[int, int, int, str]] = []
        self._callback = _Heard(self._heard)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        found = list(self._voices())
        self.languages = {code: name for code, name, _ in found}
        self.voices = {code: identifier for code, _, identifier in found}
        self.variants = sorted(file.name for file in (Path(data) / "voices" / "!v").iterdir())

    def _voices(self) -> Iterator[tuple[str, str, str]]:
        """Code, name, and the identifier by which it is loaded."""
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed = self._library.espeak_ListVoices(None)
        at = 0
        while listed[at]:
            voice = listed[at].contents
            for code in _codes(voice.languages):
                yield code.lower(), voice.name.decode(), voice.identifier.decode()
            at += 1

    def say(self, text: str, voice: str, settings: dict[str, int], ssml: bool) -> Spoken:
        """Everything at once, under the lock."""
        with self._lock:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise InputError(f"espeak-ng cannot load its voice {voice!r}; install espeakng-loader again")
            for name, value in settings.items():
                self._library.espeak_SetParameter(_SETTINGS[name], value, 0)
            self._sound, self._events = [], []
            data = text.encode("utf-8", "replace")
            flags = _UTF8 | (_SSML if ssml else 0)
            self._library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, flags, None, None)
            sound, events = self._sound, self._events
            self._sound, self._events = [], []
        return _spoken(np.concatenate(sound or [np.zeros(0, np.float32)]), events)

    def _heard(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        """A piece of sound and what happens in it; 0 asks for more."""
        if count > 0:
            piece = np.ctypeslib.as_array(samples, (count,))
            self._sound.append((piece / 32768).astype(np.float32))
        at = 0
        while (event := events[at]).type:
            if event.type in {_WORD, _PHONE}:
                symbol = event.id.string.decode("utf-8", "ignore") if event.type == _PHONE else ""
                self._events.append((event.type, event.sample, event.position, symbol))
            at += 1
        return 0


def _spoken(samples: Float, events: list[tuple[int, int, int, str]]) -> Spoken:
    """Events (kind, sample, character from 1, symbol) as times: a phone lasts until the next event of its kind."""
    sounds = [(sample / RATE, symbol) for kind, sample, _, symbol in events if kind == _PHONE]
    ends = [start for start, _ in sounds[1:]] + [len(samples) / RATE]
    phones = [
        Phone(symbol, start, end)
        for (start, raw), end in zip(sounds, ends, strict=True)
        if end > start and (symbol := plain(raw))
    ]
    words = tuple((position - 1, sample / RATE) for kind, sample, position, _ in events if kind == _WORD)
    return Spoken(Audio(samples, RATE), tuple(phones), words)


def _codes(address: int) -> Iterator[str]:
    """The languages of a voice: a byte of priority and a code ended by 0, until a priority of 0."""
    while ctypes.string_at(address, 1) != b"\0":
        code = ctypes.string_at(address + 1)
        yield code.decode("utf-8", "replace")
        address += len(code) + 2


def plain(symbol: str) -> str:
    """A symbol without stress, tie bars and tones, composed (NFC); empty for a pause or a change of language."""
    if symbol.startswith("("):
        return ""
    kept = unicodedata.normalize("NFC", symbol.translate(_STRESS)).strip("_: ")
    return "".join(c for c in kept if not (c.isdigit() or c in "˥˦˧˨˩-|"))
