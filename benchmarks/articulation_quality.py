"""Whether lips meet at p, b, m, narrow at u, o, w, open at a, and near the teeth at f, v: real ones and ours.

    python benchmarks/articulation_quality.py                     # the motion network, in twelve languages
    python benchmarks/articulation_quality.py PREPARED            # and real English faces: pip install pocketsphinx

In each language espeak-ng says numbers and the sample sentence, which gives the sounds and their times; the motion
network hears it. Beside it the same movement and the sounds half a recording later (floor). On real faces of split val
the text is what pocketsphinx makes out, right or wrong, laid on the sound by `lipwright.aligning`: the real lips
(ceiling), the same beside the sounds half a recording later (floor), and the motion network's. Movement of all
recordings is taken together, each width in its own mean and deviation.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from alignment_quality import recognised

from lipwright import aligning, espeak, faces, features, languages, motion, phones, registry
from lipwright.media import resample
from lipwright.metrics import articulation
from lipwright.train import data
from lipwright.types import Audio, Float, Phone

NUMBERS = " ".join(map(str, range(1, 60)))
NAMES = ("lips_meet", "lips_near", "lips_round", "vowels_open", "teeth_near")
FPS = 25


def main() -> None:
    print(f"{'':18}{''.join(f'{name:>18}' for name in NAMES)}    (floor)")
    every = []
    for name in registry.members("languages"):
        language = languages.find(name)
        spoken = espeak.speak(f"{language.sample} {NUMBERS}", language.voice)
        sound = resample(spoken.audio, features.RATE)
        moved = motion.predict(sound, Fraction(FPS), int(sound.duration * FPS))
        timeline = phones.respelt(spoken.phones, language.spelling)
        every.append((moved.opening, width(moved.shape), timeline))
        told(f"{name}, ours", every[-1:])
    told("all, ours", every)
    if len(sys.argv) > 1:
        real(Path(sys.argv[1]))


def real(folder: Path) -> None:
    from pocketsphinx import Decoder

    free, forced = Decoder(loglevel="FATAL"), Decoder(loglevel="FATAL", lm=None)
    with (folder / "manifest.csv").open(encoding="utf-8") as lines:
        english = {row["id"] for row in csv.DictReader(lines) if row["language"] == "en"}
    seen, ours = [], []
    for recording in data.read(folder).val:
        samples = recording.samples.astype(np.float32) / 32768
        if recording.id not in english:
            continue
        try:
            text, _ = recognised(samples, free, forced)
            timeline = aligning.align(Audio(samples, 16000), text, "en") if text else ()
        except (RuntimeError, ValueError) as problem:
            print(f"{recording.id} left out: {problem}", file=sys.stderr)
            continue
        if timeline:
            there = recording.present
            opening = np.where(there, recording.opening, np.nan)
            seen.append((opening, np.where(there, width(recording.motion.astype(np.float32)), np.nan), timeline))
            moved = motion.predict(Audio(samples, 16000), Fraction(FPS), len(recording))
            ours.append((moved.opening, width(moved.shape), timeline))
    print(f"{len(seen)} recordings of real faces")
    told("en, real", seen)
    told("en, ours", ours)


def width(shape: Float) -> Float:
    """The width of the mouth (T,) of movements (T, V, 3) from the closed mouth."""
    canon = faces.canonical()
    left, right = np.searchsorted(canon.moving, (61, 291))
    between = (canon.points[291] - canon.points[61]) + shape[:, right] - shape[:, left]
    return np.asarray(np.linalg.norm(between, axis=1), np.float32)


def told(name: str, parts: list[tuple[Float, Float, tuple[Phone, ...]]]) -> None:
    right, wrong = together(parts, wrong=False), together(parts, wrong=True)
    cells = [f"{right[k]:.2f} ({wrong.get(k, np.nan):.2f})" if k in right else "-" for k in NAMES]
    count = sum(phones.closes_lips(phone.symbol) for _, _, timeline in parts for phone in timeline)
    print(f"{name:18}{''.join(f'{cell:>18}' for cell in cells)}    {count} p b m")


def together(parts: list[tuple[Float, Float, tuple[Phone, ...]]], wrong: bool) -> dict[str, float]:
    """The figures of all parts as one recording."""
    opening, wide, timeline, at = [], [], [], 0.0
    for gap, own, spoken in parts:
        length = len(gap) / FPS
        shown = articulation.shifted(spoken, length) if wrong else spoken
        timeline += [replace(p, start=p.start + at, end=p.end + at) for p in shown]
        opening.append(gap)
        wide.append((own - np.nanmean(own)) / np.nanstd(own))
        at += length
    return articulation.figures(np.concatenate(opening), np.concatenate(wide), timeline, FPS)


if __name__ == "__main__":
    main()
