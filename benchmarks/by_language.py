"""How well the shipped networks do in each language, and where footage of a language is missing.

    python benchmarks/by_language.py --data PREPARED [--offsets benchmarks/val_offsets.csv] [--expert lipsight]

PREPARED is what `lipwright prepare` made of footage whose manifest names languages. A line for each language and split:
minutes and speakers; the motion network's correlation of the mouth's opening with the real one, beside the sound of
another recording of the language (floor); and the sync expert's share of spans of 1 s whose offset it finds within one
frame (±15 searched: chance 0.10), with its AUC of spans in sync against the same 5 to 15 frames apart. Recordings of
split train were learnt from: their figures say how well a language was learnt, not how well it is carried over.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from lipwright import motion, registry, sync
from lipwright.experts import Encoders
from lipwright.train import data
from lipwright.train.judge import pearson
from lipwright.types import Audio

SPAN = 25
SHORTEST = 25
FEWEST_MINUTES, FEWEST_SPEAKERS = 10.0, 10
"""Below these, at the least, the figures of a language say little, and a network has little to learn it from."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--offsets", type=Path)
    options.add_argument("--expert", default="lipsight")
    options.add_argument("--most", type=int, default=60, help="recordings of a language and split that are measured")
    told = options.parse_args()
    with (told.data / "manifest.csv").open(encoding="utf-8") as lines:
        language = {row["id"]: row["language"] or "und" for row in csv.DictReader(lines)}
    prepared = data.read(told.data, told.offsets)
    expert = registry.load("experts", told.expert).Expert("")
    print("language split minutes speakers measured  opening (floor)  offset found  AUC")
    held: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for split, recordings in (("val", prepared.val), ("train", prepared.train)):
        by: dict[str, list[data.Recording]] = defaultdict(list)
        for recording in recordings:
            by[language.get(recording.id, "und")].append(recording)
        for name, own in sorted(by.items(), key=lambda pair: -len(pair[1])):
            minutes, speakers = sum(map(len, own)) / 1500, len({r.speaker for r in own})
            held[name].append((minutes, speakers))
            line(name, split, minutes, speakers, spread(own, told.most), expert)
    missing(held)


def spread(recordings: list[data.Recording], most: int) -> list[data.Recording]:
    """At most so many, in turn one of every speaker, longest first; none shorter than a second."""
    by: dict[str, list[data.Recording]] = defaultdict(list)
    for recording in sorted(recordings, key=len, reverse=True):
        if len(recording) >= SHORTEST:
            by[recording.speaker].append(recording)
    turns = [own[k] for k in range(max(map(len, by.values()), default=0)) for own in by.values() if k < len(own)]
    return turns[:most]


def line(name: str, split: str, minutes: float, speakers: int, own: list[data.Recording], expert: Encoders) -> None:
    start = f"{name:8} {split:5} {minutes:7.1f} {speakers:8d} {len(own):8d}"
    if not own:
        print(f"{start}  too short")
        return
    said = [motion.predict(moved(r), 25, len(r)).opening for r in own]
    right = np.nanmean([pearson(a[r.present], r.opening[r.present]) for a, r in zip(said, own, strict=True)])
    others = [np.resize(said[k - 1], len(r)) for k, r in enumerate(own)]
    wrong = [pearson(a[r.present], r.opening[r.present]) for a, r in zip(others, own, strict=True)]
    floor = f"{np.nanmean(wrong):.2f}" if len(own) > 1 else "-"
    found, near, far = synced(own, expert)
    auc = (np.array(near)[:, None] < np.array(far)[None]).mean() if near and far else np.nan
    print(f"{start}  {right:7.2f} ({floor})  {np.mean(found):8.2f} of {len(found)}  {auc:.3f}", flush=True)


def moved(recording: data.Recording) -> Audio:
    """Its sound, its own offset taken out."""
    samples, shift = recording.samples.astype(np.float32) / 32768, recording.offset * data.FRAME
    return Audio(np.pad(samples, (shift, 0)) if shift >= 0 else samples[-shift:], 16000)


def synced(own: list[data.Recording], expert: Encoders) -> tuple[list[bool], list[float], list[float]]:
    found: list[bool] = []
    near: list[float] = []
    far: list[float] = []
    for r in own:
        arrays = {"crop": r.crop, "motion": r.motion, "present": r.present}
        sound = Audio(r.samples.astype(np.float32) / 32768, 16000)
        table = sync.stream(expert.video(expert.prepared(arrays)), expert.sound(sound)).rows
        for start in range(0, len(table) - SPAN + 1, SPAN):
            part = table[start : start + SPAN]
            if not np.isfinite(part).any():  # no face, or silence
                continue
            curve = sync.judge(part)
            found.append(abs(curve.offset - r.offset) <= 1)
            near.append(float(curve.distances[sync.REACH + r.offset]))
            apart = [k for k in range(len(curve.distances)) if abs(k - sync.REACH - r.offset) >= 5]
            far += [float(d) for d in curve.distances[apart] if np.isfinite(d)]
    return found, near, far


def missing(held: dict[str, list[tuple[float, int]]]) -> None:
    known = registry.members("languages")
    few = [
        f"{name} ({sum(m for m, _ in own):.1f} minutes, {sum(s for _, s in own)} speakers)"
        for name, own in held.items()
        if sum(m for m, _ in own) < FEWEST_MINUTES or sum(s for _, s in own) < FEWEST_SPEAKERS
    ]
    print(f"too little (below {FEWEST_MINUTES:g} minutes or {FEWEST_SPEAKERS} speakers): {', '.join(few) or 'none'}")
    print(f"none at all, of the languages with a file: {', '.join(n for n in known if n not in held) or 'none'}")


if __name__ == "__main__":
    main()
