"""From speech sounds to what a mouth shows: visemes by name and number, lip targets, and curves over time.

A timeline of phones (`lipwright.types.Phone`) comes from `lipwright.aligning`, from espeak-ng, or from anywhere else.
Sets of visemes:

- Oculus (15): sil PP FF TH DD kk CH SS nn RR aa E ih oh ou;
- Microsoft (22 numbers, 0 to 21), as Azure's speech service counts them;
- Rhubarb Lip Sync (9 letters): A to H, and X for a mouth at rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipwright import phones
from lipwright.errors import InputError
from lipwright.phones import Sound
from lipwright.types import Float, Phone

OCULUS = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou")
"""Names of the Oculus visemes, by number."""
RHUBARB = "ABCDEFGHX"
REST = 0.12
"""s; a gap between phones of at least this is a rest, a shorter one belongs to the sound before it."""
CHANNELS = ("opening", "rounding", "spread", "closed", "teeth", "tongue")
"""What `curves` gives, each 0-1: how far the jaw opens, how round and how wide the lips are, how surely they meet, how
far the lower lip lies at the upper teeth, and how far the tongue shows between the teeth or behind them."""

_MICROSOFT = {"PP": 21, "FF": 18, "TH": 17, "DD": 19, "kk": 20, "CH": 16, "SS": 15, "nn": 19, "RR": 13}


@dataclass(frozen=True)
class Cue:
    """One mouth shape, from ``start`` to ``end`` s: ``oculus`` and ``rhubarb`` by name, ``microsoft`` by number, of the
    speech sound ``phone`` (IPA; empty at rest)."""

    start: float
    end: float
    oculus: str
    microsoft: int
    rhubarb: str
    phone: str = ""


def oculus(sound: Sound) -> str:
    """The Oculus viseme of a sound, by what its IPA letter says of mouth and tongue."""
    if sound.vowel or sound.manner == "glide":
        return _vowel(sound)
    if sound.place == "bilabial":
        return "FF" if sound.manner == "fricative" else "PP"
    if sound.place == "labiodental":
        return "FF"
    if sound.manner in {"nasal", "lateral"}:
        return "nn" if sound.place in {"alveolar", "retroflex", "palatal"} else "kk"
    if sound.manner == "rhotic":
        return "RR"
    return {
        "dental": "TH",
        "alveolar": "SS" if sound.manner == "sibilant" else "DD",
        "postalveolar": "CH",
        "retroflex": "CH" if sound.manner == "sibilant" else "DD",
    }.get(sound.place, "kk")


def _vowel(sound: Sound) -> str:
    if sound.rounded >= 0.5:
        return "ou" if sound.height < 0.3 else "oh"
    if sound.height < 0.3:
        return "ih"
    return "E" if sound.height < 0.8 else "aa"


def microsoft(sound: Sound) -> int:
    """The number of Microsoft's viseme (0 to 21) of a sound."""
    if sound.letter in "hɦ":
        return 12
    name = oculus(sound)
    if name in _MICROSOFT:
        return 14 if sound.manner == "lateral" else _MICROSOFT[name]
    return _microsoft_vowel(sound) if name in {"aa", "E", "ih", "oh", "ou"} else 20


def _microsoft_vowel(sound: Sound) -> int:
    if sound.letter in "ɜɝɚ":
        return 5
    if sound.rounded >= 0.5:
        if sound.letter == "ʊ":
            return 4
        return 7 if sound.height < 0.3 else 8 if sound.height < 0.6 else 3
    if sound.height < 0.3:
        return 6
    if sound.letter in "ɑaɒ":
        return 2
    return 1 if sound.letter in "æəʌɐɘɤ" else 4


def rhubarb(sound: Sound) -> str:
    """The letter of Rhubarb Lip Sync: A lips meet, B teeth together, C open, D wide open, E rounded, F pursed, G lip at
    the teeth, H tongue behind them."""
    if sound.closes_lips:
        return "A"
    if sound.place in {"labiodental", "bilabial"}:
        return "G"
    if sound.manner == "lateral":
        return "H"
    if sound.rounded >= 0.5 and sound.manner != "sibilant":
        return "F" if sound.height < 0.4 else "E"
    if not sound.vowel:
        return "B"
    return "B" if sound.height < 0.3 else "C" if sound.height < 0.8 else "D"


def cues(timeline: Iterable[Phone], duration: float) -> tuple[Cue, ...]:
    """The mouth shapes of a timeline, from 0 to ``duration`` s without a gap; rests where nobody speaks.

    Sounds that leave the lips free (h) look like the vowel after them. Raises InputError for phones out of order, of
    no length, or of unknown letters.
    """
    found = [
        Cue(phone.start, phone.end, oculus(sound), microsoft(sound), rhubarb(sound), phone.symbol)
        for phone, sound in phones.split(checked(timeline, duration))
    ]
    return _with_rests(_freed(found), duration)


def _freed(found: list[Cue]) -> list[Cue]:
    """h and the glottal stop take the shape of what follows at once."""
    for k in range(len(found) - 2, -1, -1):
        here, after = found[k], found[k + 1]
        if here.phone in {"h", "ɦ", "ʔ"} and after.start - here.end < REST:
            found[k] = Cue(here.start, here.end, after.oculus, here.microsoft, after.rhubarb, here.phone)
    return found


def _with_rests(found: list[Cue], duration: float) -> tuple[Cue, ...]:
    full: list[Cue] = []
    at = 0.0
    for cue in found:
        if cue.start - at >= REST or not full:
            full += [Cue(at, cue.start, "sil", 0, "X")] if cue.start > at else []
        else:
            last = full.pop()
            full.append(Cue(last.start, cue.start, last.oculus, last.microsoft, last.rhubarb, last.phone))
        full.append(cue)
        at = cue.end
    return (*full, Cue(at, duration, "sil", 0, "X")) if duration > at else tuple(full)


def checked(timeline: Iterable[Phone], duration: float) -> tuple[Phone, ...]:
    """The timeline as it is, cut at ``duration`` s. Raises InputError where phones overlap or are of no length."""
    found: list[Phone] = []
    for phone in timeline:
        if not 0 <= phone.start < phone.end or (found and phone.start < found[-1].end - 1e-6):
            raise InputError(
                f"the speech sound {phone.symbol!r} from {phone.start:.3f} to {phone.end:.3f} s does not follow the "
                "one before it; give phones in order, without overlap"
            )
        if phone.start < duration:
            found.append(Phone(phone.symbol, phone.start, min(phone.end, duration)))
    return tuple(found)


# ---------------------------------------------------------------- curves

_TARGETS = {"stop": 0.15, "nasal": 0.2, "fricative": 0.15, "sibilant": 0.06, "tap": 0.2, "lateral": 0.28, "trill": 0.2}


def targets(sound: Sound) -> Float:
    """What a sound asks of the lips: float32 (6,) of `CHANNELS`, each 0-1."""
    if sound.vowel:
        opening = (0.2 + 0.8 * sound.height) * (1 - 0.3 * sound.rounded)
    elif sound.closes_lips or sound.lips_to_teeth:
        opening = 0.0 if sound.closes_lips else 0.08
    elif sound.place in {"uvular", "pharyngeal", "glottal"}:
        opening = 0.35
    else:
        opening = 0.12 if sound.manner == "glide" else _TARGETS.get(sound.manner, 0.2)
    tongue = 1.0 if sound.place == "dental" else 0.6 if sound.manner == "lateral" else 0.0
    values = (opening, sound.rounded, sound.spread, sound.closes_lips, sound.lips_to_teeth, tongue)
    return np.array(values, np.float32)


def curves(timeline: Iterable[Phone], duration: float, fps: float = 60.0) -> Float:
    """The lips over time: float32 (ceil(duration · fps), 6) of `CHANNELS`, 0-1, at n / fps s.

    Each sound pulls towards its target with a weight that falls off on both sides, as in Cohen and Massaro, "Modeling
    coarticulation in synthetic visual speech" (1993): rounding begins early and ends late, the tongue and the teeth
    are quick, and h pulls hardly at all. Where lips meet or teeth touch they do so for the whole of the sound. At rest
    everything is 0. Raises InputError as `cues` does, and for an fps that is not above 0.
    """
    if not fps > 0:
        raise InputError(f"curves need frames a second above 0; given {fps:g}")
    at = np.arange(int(np.ceil(duration * fps - 1e-9))) / fps
    parts = _rested(phones.split(checked(timeline, duration)), duration)
    total, weight = np.zeros((len(at), 6)), np.full((len(at), 6), 1e-9)
    for start, end, wanted, strength in parts:
        reach = (end - start) / 2 + _REACH
        near = slice(*np.searchsorted(at, (start - 5 * reach.max(), end + 5 * reach.max())))
        pull = strength * np.exp(-(np.abs((at[near, None] - (start + end) / 2) / (0.6 * reach)) ** 2))
        total[near] += pull * wanted
        weight[near] += pull
    return _touching(total / weight, at, parts)


_Pull = tuple[float, float, Float, NDArray[np.float64]]
_REACH = np.array([0.03, 0.09, 0.05, 0.02, 0.03, 0.02])
"""s that a sound reaches beyond itself, by channel."""


def _strength(sound: Sound) -> NDArray[np.float64]:
    """How much a sound insists, by channel: consonants leave the lips' roundness to the vowels around them."""
    if sound.takes_neighbours:
        return np.full(6, 0.1)
    lips = 1.0 if sound.vowel else max(0.25, sound.rounded)
    return np.array([1.0, lips, max(lips, sound.spread), 1.0, 1.0, 1.0])


def _rested(parts: tuple[tuple[Phone, Sound], ...], duration: float) -> list[_Pull]:
    """(start, end, targets, strength) of sounds and of rests between them."""
    found: list[_Pull] = []
    at = 0.0
    for phone, sound in (*parts, (Phone("", duration, duration), None)):
        if phone.start - at >= REST or (not found and phone.start > at):
            rest = min(0.2, phone.start - at)  # the mouth is at rest soon after a sound, and until shortly before one
            steps = max(1, int((phone.start - at) / rest))
            wide = (phone.start - at) / steps
            found += [(at + k * wide, at + (k + 1) * wide, np.zeros(6, np.float32), np.ones(6)) for k in range(steps)]
        if sound is not None:
            found.append((phone.start, phone.end, targets(sound), _strength(sound)))
        at = phone.end
    return found


def _touching(curve: NDArray[np.float64], at: NDArray[np.float64], parts: list[_Pull]) -> Float:
    """The same, but lips that meet, meet for the whole of the sound: opening falls to 0 within 30 ms before it."""
    shut, teeth = np.zeros(len(at)), np.zeros(len(at))
    for start, end, wanted, _ in parts:
        near = slice(*np.searchsorted(at, (start - 0.06, end + 0.06)))
        outside = np.maximum(np.maximum(start - at[near], at[near] - end), 0)
        grip = np.clip(1 - outside / 0.05, 0, 1)
        shut[near] = np.maximum(shut[near], grip * wanted[3])
        teeth[near] = np.maximum(teeth[near], grip * wanted[4])
    opening = np.minimum(curve[:, 0] * (1 - shut), 1 - 0.9 * teeth)
    return np.column_stack([opening, curve[:, 1:3], shut, teeth, curve[:, 5]]).clip(0, 1).astype(np.float32)
