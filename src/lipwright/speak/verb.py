"""Speak a text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

import numpy as np

from lipwright import conversion, ondisk, registry, voiceprint
from lipwright.errors import InputError
from lipwright.loudness import PEAK, loudness
from lipwright.media import open_audio, resample
from lipwright.media.stretch import shift, stretch
from lipwright.speak import scripts
from lipwright.types import Audio, Edit, Measure, Phone, Progress
from lipwright.voices import Manner, Spoken, Voice, pieces

LONGEST = 200_000
"""Characters of a text: some four hours."""

_AT_ONCE = 600  # characters converted at a time
_NUMBERS = ", ".join(str(n) for n in (*range(1, 13), 37, 68)) + "."
_BEND = 0.7
_REHEARSED = 10.0  # s
_HEARD = 10.0  # s of it that are compared with the target

Like = Audio | str | Path | conversion.Target
"""Whom to sound like: a recording, its file, or what `conversion.listen` knows of it."""


def speak(
    text: str,
    *,
    language: str = "en",
    voice: str = "espeak",
    like: Like | None = None,
    pace: float = 1.0,
    pitch: float = 0.0,
    volume: float = 0.0,
    ssml: bool = False,
    progress: Progress | None = None,
    **options: object,
) -> Spoken:
    """``text`` as speech: an Audio that knows its ``phones``, where the voice tells them.

    Args:
        text: what to say; long texts are spoken sentence by sentence.
        language: its code: en, fr, pt-BR, cmn.
        voice: a member of the family ``voices``, and which of its voices: ``espeak``, ``espeak:f3``, ``piper:de.onnx``,
            ``openai:alloy``, ``command:say -o {out} {text}``. A command is run as it is written: take none from
            strangers.
        like: a recording (file or sound) of the speaker to sound like: 3 s of one person's speech at least; or what
            `conversion.listen` made of one.
        pace: times as fast as the voice does by itself, 0.4 to 2.5.
        pitch: semitones higher, -12 to 12; with ``like``: than the speaker.
        volume: decibels louder, -30 to 12; with ``like``: than the speaker.
        ssml: the text is SSML; for voices that know it.
        progress: told the pieces spoken.
        options: what the voice takes, see its class.

    ``measured`` says, with ``like``, how close the voice comes: ``similarity`` (cosine to the speaker's, `voiceprint`),
    its ``floor`` (unconverted) and ``ceiling`` (two halves of the speaker's own recording), and ``clarity`` (STOI
    against the unconverted speech).

    Raises:
        InputError: an empty text, one in another script, a language, voice or option that is not known, a recording
            of no or of two voices.
        MissingExtraError: the extra ``voices`` is not installed.
        PullError: a server that cannot be reached or refuses.
    """
    talker = Talker(language, voice, like, Manner(pace, pitch, volume, ssml), options)
    text = checked_text(text, language, ssml=ssml)
    parts = [text] if ssml else pieces(text, min(talker.voice.longest, _AT_ONCE))
    tell = progress or _say_nothing
    said: list[Spoken] = []
    for number, part in enumerate(parts, 1):
        said.append(talker.say(part))
        tell(number, len(parts), "speaking")
    offsets = np.cumsum([0.0, *(part.duration for part in said)])[:-1].tolist()
    return talker.joined(list(zip(offsets, said, strict=True)), progress=tell)


def checked_text(text: str, language: str, *, ssml: bool = False) -> str:
    """A text that can be spoken, white space around it left out; InputError says why it cannot."""
    text = text.strip()
    if not any(c.isalnum() for c in text):
        raise InputError("the text to speak is empty; give some words")
    if len(text) > LONGEST:
        raise InputError(f"the text has {len(text):,} characters; at most {LONGEST:,} are spoken at once, part it")
    if not ssml:
        scripts.checked(text, language)
    return text


@dataclass(frozen=True)
class _Likeness:
    """A speaker to sound like, and what makes the voice sound so: a ``gain`` after the conversion."""

    convert: conversion.Conversion
    gain: float


class Talker:
    """A voice with its manner, and the speaker it shall sound like.

    Args:
        language: the code of what it speaks.
        voice: a member and which of its voices, with a colon between.
        like: the speaker's recording, None to sound as it does.
        manner: how it speaks.
        options: what the voice takes.
    """

    def __init__(
        self, language: str, voice: str, like: Like | None, manner: Manner, options: dict[str, object]
    ) -> None:
        self.language, self.manner = language, manner
        self.name, self.voice = voice.partition(":")[0], _voice(voice, options)
        if manner.ssml and not self.voice.marked:
            raise InputError(
                f"the voice '{voice.partition(':')[0]}' does not read SSML; give plain text, or use espeak"
            )
        self._target: conversion.Target | None = None
        self._loud = 0.0
        if like is not None:
            self._target = _listened(like)
            self._loud = loudness(self._target.speech)
            matched: Callable[[float], Voice] = getattr(self.voice, "matched", lambda _: self.voice)
            self.voice = matched(self._target.pitch)

    def say(self, text: str, pace: float = 1.0) -> Spoken:
        """A piece of text, in the manner, ``pace`` times as fast as that; not yet in the target's voice."""
        like = self._target is not None
        wanted = replace(self.manner, pace=min(max(self.manner.pace * pace, 0.4), 2.5), volume=0.0)
        wanted = replace(wanted, pitch=0.0) if like else wanted
        said = self.voice.speak(text, self.language, wanted)
        if len(said.samples) == 0 or not ondisk.finite(said.samples):
            raise InputError(f"the voice gave no sound for {text[:40]!r}; give words that are read aloud")
        sound: Audio = said
        if "pace" not in self.voice.follows and wanted.pace != 1:
            sound = stretch(sound, sound.duration / wanted.pace)
        if "pitch" not in self.voice.follows and wanted.pitch:
            sound = shift(sound, wanted.pitch)
        scale = sound.duration / said.duration
        phones = tuple(Phone(p.symbol, p.start * scale, p.end * scale) for p in said.phones)
        return replace(said, samples=sound.samples, rate=sound.rate, phones=phones, edits=(self._edit(),))

    def _edit(self) -> Edit:
        """What is said of a sound that was spoken."""
        like = "" if self._target is None else ", in the voice of a recording"
        return Edit(f"speech made by {self.name}{like}", "synthetic")

    def joined(
        self, said: Sequence[tuple[float, Spoken]], seconds: float = 0.0, progress: Progress | None = None
    ) -> Spoken:
        """What was said, each at its own second of a sound of at least ``seconds``, in the target's voice."""
        likeness = None if self._target is None else self._likeness(said, self._target)
        tell = progress or _say_nothing
        rate = said[0][1].rate if likeness is None else likeness.convert.rate
        gain = 10 ** (self.manner.volume / 20) * (1.0 if likeness is None else likeness.gain)
        sounds: list[tuple[int, Audio]] = []
        for number, (start, part) in enumerate(said, 1):
            made = resample(part, rate) if likeness is None else likeness.convert(part)
            sounds.append((round(start * rate), made))
            tell(number, len(said), "converting" if likeness else "joining")
        samples = _laid(sounds, round(seconds * rate), gain)
        phones = tuple(Phone(p.symbol, p.start + at, p.end + at) for at, part in said for p in part.phones)
        issues = tuple(chain.from_iterable(part.issues for _, part in said))
        measured = () if likeness is None else self._measured(said, sounds, likeness)
        return Spoken(samples, rate, edits=(self._edit(),), phones=phones, measured=measured, issues=issues)

    def _likeness(self, said: Sequence[tuple[float, Spoken]], target: conversion.Target) -> _Likeness:
        said_first = self._first_seconds(said)
        rehearsal = self._rehearsed(said_first)
        convert = conversion.Conversion(rehearsal, target, semitones=self.manner.pitch, judged=said_first)
        found = loudness(convert.sample)
        gain = 10 ** ((self._loud - found) / 20) if np.isfinite(found) and np.isfinite(self._loud) else 1.0
        return _Likeness(convert, gain)

    def _first_seconds(self, said: Sequence[tuple[float, Spoken]]) -> Audio:
        """Some 10 s of what was said; all of it, as it is, where that is one piece."""
        if len(said) == 1 and said[0][1].duration <= _REHEARSED:
            return said[0][1]
        rate, heard, total = said[0][1].rate, [np.zeros(0, np.float32)], 0.0
        for _, part in said:
            if total < _REHEARSED:
                heard.append(part.samples[: round(_REHEARSED * rate)])
                total += len(heard[-1]) / rate
        return Audio(np.concatenate(heard), rate)

    def _rehearsed(self, said: Audio) -> Audio:
        """What was said, and numbers after it where that is short and speaking is free."""
        if said.duration >= _REHEARSED or not self.voice.free or self.manner.ssml:
            return said
        numbers = self.voice.speak(_NUMBERS, self.language, Manner())
        return Audio(np.concatenate([said.samples, resample(numbers, said.rate).samples]), said.rate)

    def _measured(
        self, said: Sequence[tuple[float, Spoken]], made: Sequence[tuple[int, Audio]], likeness: _Likeness
    ) -> tuple[Measure, ...]:
        """How close it comes to the target, on the first 10 s or so."""
        target, rate = likeness.convert.target, likeness.convert.rate
        some = _first(said)
        plain = np.concatenate([resample(part, rate).samples for _, part in said[:some]])
        new = np.concatenate([sound.samples for _, sound in made[:some]])
        shorter = min(len(plain), len(new))
        before, after = Audio(plain[:shorter], rate), Audio(new[:shorter], rate)
        level = 10 ** (self._loud / 20)
        alike = [_alike(sound, target.print, level) for sound in (after, before)]
        found = (("similarity", alike[0]), ("similarity_floor", alike[1]), ("similarity_ceiling", target.ceiling))
        measures = [Measure(name, value, "", "higher") for name, value in found if np.isfinite(value)]
        return (*measures, Measure("clarity", conversion.clarity(before, after), "", "higher"))


def _listened(like: Like) -> conversion.Target:
    if isinstance(like, conversion.Target):
        return like
    return conversion.listen(like if isinstance(like, Audio) else open_audio(like))


def _alike(sound: Audio, wanted: np.ndarray, level: float) -> float:
    """How alike a sound's voice is to the one wanted, heard as loud; NaN where there is too little of it."""
    found = loudness(sound)
    if not np.isfinite(found):
        return float("nan")
    try:
        louder = Audio(sound.samples * np.float32(level / 10 ** (found / 20)), sound.rate)
        return voiceprint.similarity(voiceprint.embedding(louder), wanted)
    except InputError:
        return float("nan")


def _first(said: Sequence[tuple[float, Spoken]]) -> int:
    """How many parts make up the first 10 s, one at least."""
    total = 0.0
    for number, (_, part) in zip(count(1), said, strict=False):
        total += part.duration
        if total >= _HEARD:
            return number
    return len(said)


def _laid(sounds: Sequence[tuple[int, Audio]], least: int, gain: float) -> np.ndarray:
    """Sounds each at its own sample, as float32 (N,), N at least ``least``; nothing clips."""
    length = max([least, *(start + len(sound.samples) for start, sound in sounds)])
    whole = np.zeros(length, np.float32)
    for start, sound in sounds:
        whole[start : start + len(sound.samples)] += sound.samples * np.float32(gain)
    return ondisk.keep(_rounded(piece) for piece in ondisk.pieces(whole))


def _rounded(samples: np.ndarray) -> np.ndarray:
    """Samples with what would clip bent inward from 0.7 of full scale on: a few peaks."""
    size = np.abs(samples)
    bent = _BEND + (PEAK - _BEND) * np.tanh((size - _BEND) / (PEAK - _BEND))
    return np.where(size > _BEND, np.sign(samples) * bent, samples).astype(np.float32)


def _voice(named: str, options: dict[str, object]) -> Voice:
    """The voice called ``member:which``, once its options are known to be its own."""
    name, _, which = named.partition(":")
    member: Callable[..., Voice] = registry.load("voices", name).Voice
    known = {key: value for key, value in inspect.signature(member).parameters.items() if key != "which"}
    for key, value in options.items():
        if key not in known:
            raise InputError(f"the voice '{name}' has no option {key}; it has {', '.join(known) or 'none'}")
        kind = type(known[key].default)
        if not isinstance(value, (kind, int) if kind is float else kind) or isinstance(value, bool):
            word = {str: "a word", int: "a whole number", float: "a number"}.get(kind, kind.__name__)
            raise InputError(f"the option {key} of the voice '{name}' is {word}")
    return member(which, **options)


def _say_nothing(done: int, total: int, what: str) -> None:
    """Progress nobody asked for."""
