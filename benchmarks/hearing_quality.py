"""How well visemes are heard in people's speech whose text is not known: pip install pocketsphinx

python benchmarks/hearing_quality.py ../shared/data 27      # the longest recording of each of 27 English speakers

The truth is what pocketsphinx makes out, laid on the sound by `lipwright.aligning`: partly wrong, so that the figures
are low for every way. Six kinds of mouth: closed (Rhubarb's A), at the teeth (G), rounded (E F), open (C D), narrow
(B H), at rest (X). Each way is also held against the truth of another place in the recordings (floor).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from alignment_quality import recognised

from lipwright import aligning, hearing, lips, media
from lipwright.lips import Cue
from lipwright.media import resample
from lipwright.visemes.verb import _heard, shapes_of

KINDS = {"A": 0, "G": 1, "E": 2, "F": 2, "C": 3, "D": 3, "B": 4, "H": 4, "X": 5}
NAMES = ("closed", "teeth", "round", "open", "narrow", "rest")


def at(cues: tuple[Cue, ...], count: int, of: Callable[[Cue], object]) -> np.ndarray:
    """What ``of`` says of the cue at each hundredth of a second."""
    own = np.searchsorted([cue.start for cue in cues], (np.arange(count) + 0.5) / 100, side="right") - 1
    return np.array([of(cues[k]) for k in own])


def main(data: Path, count: int) -> None:
    from pocketsphinx import Decoder

    free, forced = Decoder(loglevel="FATAL"), Decoder(loglevel="FATAL", lm=None)
    with (data / "manifest.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["language"] == "en"]
    longest = {row["speaker"]: row["file"] for row in sorted(rows, key=lambda row: float(row["seconds"]))}
    found: dict[str, list[np.ndarray]] = {"text": [], "heard": [], "motion": [], "text 15": [], "heard 15": []}
    for file in sorted(longest.values())[:count]:
        sound = resample(media.open_audio(data / file), 16000).cut(0, 20)
        try:
            text, _ = recognised(sound.samples, free, forced)
            timeline = aligning.align(sound, text, "en") if text else ()
        except (RuntimeError, ValueError):  # it cannot lay its own text on the sound
            continue
        if not timeline:
            continue
        steps = int(sound.duration * 100)
        said, heard = lips.cues(timeline, sound.duration), lips.cues(hearing.timeline(sound), sound.duration)
        moved = shapes_of(_heard(sound, (), 60.0)[0], sound.duration, 60.0)
        for name, cues in (("text", said), ("heard", heard), ("motion", moved)):
            found[name].append(at(cues, steps, lambda cue: KINDS[cue.rhubarb]))
        for name, cues in (("text 15", said), ("heard 15", heard)):
            found[name].append(at(cues, steps, lambda cue: lips.OCULUS.index(cue.oculus)))
    print(f"{len(found['text'])} recordings, {sum(map(len, found['text'])) / 100:.0f} s")
    whole = {name: np.concatenate(parts) for name, parts in found.items()}
    told("visemes heard, six kinds", whole["heard"], whole["text"])
    told("motion network alone, six kinds", whole["motion"], whole["text"])
    told("visemes heard, Oculus' fifteen", whole["heard 15"], whole["text 15"])
    each = [f"{name} {(whole['heard'] == k)[whole['text'] == k].mean():.2f}" for k, name in enumerate(NAMES)]
    print("found of each kind:", ", ".join(each))


def told(name: str, found: np.ndarray, truth: np.ndarray) -> None:
    floor = (np.roll(found, len(found) // 2) == truth).mean()
    print(f"{name}: {(found == truth).mean():.2f} of the time (floor {floor:.2f})")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
