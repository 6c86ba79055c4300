"""How much of a disturbance is repaired, on speakers that nothing was trained on, in the eyes of two experts?

    python benchmarks/repair_quality.py ../shared/data [--judge NAME] [--most N] [--seconds 8] [--transplants 6]

Every val clip of at least 4 s, its own offset (`val_offsets.csv` beside this file) taken out, is taken as it is (clean)
and with each second or so of its picture shown up to 2 frames early or late (jitter). Printed is the mean distance of
picture and sound, as played, by the expert that chose and by the judge, a different one:

    ceiling      the clip undisturbed         floor     the same with another speaker's voice
    as it is     disturbed, not repaired      removed   (as it is - repaired) / (as it is - ceiling), by the judge

for re-timing with a path, with the window "auto", frame by frame (greedy), and mouth transplants. Then: the share of
constant delays of up to 15 frames after which the sound lies within a frame of where it was (all clips, and those in
which the expert is sure), and what is left of drifts of 10 ms a second, where the clip is long enough to find them.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lipwright import faces, matching, media, paint
from lipwright.dubbers import Scene, transplant
from lipwright.errors import LipwrightError
from lipwright.measure import judging
from lipwright.repair import delay_of, moved, other_than
from lipwright.types import Audio, Clip, FaceTrack, Int

OFFSETS = Path(__file__).with_name("val_offsets.csv")
DELAYS = (-15, -11, -8, -5, -3, 3, 5, 8, 11, 15)
DRIFT = 0.01
WAYS: dict[str, dict[str, Any]] = {"path": {}, "window auto": {"window": "auto"}, "greedy": {"greedy": True}}


def clips(data: Path, seconds: float, most: int) -> Iterator[Clip]:
    """Val clips of at least 4 s, in sync, no longer than ``seconds``."""
    own = {row["clip"]: int(row["offset"]) for row in csv.DictReader(OFFSETS.open(encoding="utf-8"))}
    rows = csv.DictReader((data / "manifest.csv").open(encoding="utf-8"))
    chosen = [row["file"] for row in rows if row["split"] == "val" and float(row["seconds"]) >= 4]
    for name in chosen[:most]:
        clip = media.open(data / name)
        if clip.audio is None:
            continue
        sound = media.resample(clip.audio, 16000)
        clip = clip.with_audio(later(Audio(sound.samples, 16000), own.get(f"clips_{Path(name).stem}", 0)))
        yield clip.part(0, min(clip.length, round(seconds * clip.fps)))


def later(sound: Audio, frames: float) -> Audio:
    """The sound ``frames`` (at 25 fps) later, as long as it was."""
    by = round(frames / 25 * sound.rate)
    samples = np.pad(sound.samples, (max(0, by), max(0, -by)))
    first = max(0, -by)
    return Audio(samples[first : first + len(sound.samples)], sound.rate)


def shuffled(clip: Clip, random: np.random.Generator) -> Int:
    """Which frame is shown: stretches of 0.4 to 1.5 s, each by up to 2 frames at 25 fps early or late."""
    rate, at, before = float(clip.fps), 0, 0
    order = np.arange(clip.length)
    while at < clip.length:
        shift = int(random.choice([step for step in range(-2, 3) if step != before]))
        wide = round(random.uniform(0.4, 1.5) * rate)
        order[at : at + wide] += round(shift * rate / 25)
        at, before = at + wide, shift
    return np.clip(order, 0, clip.length - 1).astype(np.int64)


def distance(one: judging.Expert, clip: Clip, track: FaceTrack, speech: Audio) -> float:
    """Mean distance as played."""
    seen, heard = matching.embedded(one, clip, track, speech)
    count = min(len(seen), len(heard))
    return float(np.nanmean(np.linalg.norm(seen[:count] - heard[:count], axis=1)))


def reordered(clip: Clip, track: FaceTrack, order: Int) -> tuple[Clip, FaceTrack]:
    made = replace(clip, frames=lambda start, stop: matching.shown(clip, order[start:stop]), key="")
    tint = None if track.tint is None else track.tint[order]
    return made, replace(track, box=track.box[order], points=track.points[order], score=track.score[order], tint=tint)


def transplanted(clip: Clip, track: FaceTrack) -> tuple[Clip, FaceTrack]:
    assert clip.audio is not None
    planned = transplant.Dubber(Scene(clip, track, clip.audio, np.arange(clip.length)))
    finish = paint.Finish("feather", colour=True, grain=True)
    pictures = [
        paint.composite(picture, take.face, finish, t) if take.face else picture
        for t, (picture, take) in enumerate(planned.takes(0, clip.length))
    ]
    made = replace(clip, frames=lambda start, stop: iter(pictures[start:stop]), key="")
    return made, faces.track(made)


def tried(clip: Clip, track: FaceTrack, one: judging.Expert) -> Iterator[tuple[str, Clip, FaceTrack, float]]:
    """Each way of re-timing, and the share of frames at which the path jumps."""
    assert clip.audio is not None
    evidence = matching.Evidence.of(one, clip, track, clip.audio)
    every = np.ones(clip.length, bool)
    for name, options in WAYS.items():
        path = matching.choose(evidence, np.arange(clip.length), every, **options)
        yield name, *reordered(clip, track, path), float((np.diff(path) != 1).mean())


def constant(clip: Clip, track: FaceTrack, name: str, one: judging.Expert) -> Iterator[tuple[bool, bool]]:
    """For each delay: whether it is found within a frame, and whether the expert is sure."""
    assert clip.audio is not None
    crops = list(one.crops(clip, track))
    for delay in DELAYS:
        found = judging.judged(name, one, crops, later(clip.audio, delay))
        yield abs(found.curve.offset + delay) <= 1, found.curve.contrast > found.least


def drifted(clip: Clip, track: FaceTrack, name: str, one: judging.Expert) -> float | None:
    """What is left of a drift, in ms at the worse end; None where none was found."""
    assert clip.audio is not None
    disturbed = moved(clip.audio, 0.0, DRIFT)
    found = judging.judged(name, one, list(one.crops(clip, track)), disturbed)
    delay, slope = delay_of(found)
    ends = [(1 + slope) * (1 + DRIFT) * t + delay - t for t in (0.0, clip.duration)]
    return 1000 * max(abs(end) for end in ends) if slope else None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--expert", default="lipsight")
    options.add_argument("--judge")
    options.add_argument("--most", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--transplants", type=int, default=6, help="clips on which mouths are transplanted")
    told = options.parse_args()
    one, (judge, other) = judging.expert(told.expert), other_than(told.expert, told.judge)
    random, table, delays, left = np.random.default_rng(0), defaultdict(list), [], []
    voices: list[Audio] = []
    for number, clip in enumerate(clips(told.data, told.seconds, told.most)):
        try:
            track = faces.track(clip)
        except LipwrightError as why:
            print(f"{clip.source}: {why}")
            continue
        assert clip.audio is not None
        both = lambda c, t, s: [distance(expert, c, t, s) for expert in (one, other)]  # noqa: E731
        ceiling = both(clip, track, clip.audio)
        if voices:
            wrong = Audio(np.resize(voices[-1].samples, len(clip.audio.samples)), 16000)
            table["floor"].append([*both(clip, track, wrong), 0.0])
        voices.append(clip.audio)
        for kind, order in (("clean", np.arange(clip.length)), ("jitter", shuffled(clip, random))):
            shown, seen = reordered(clip, track, order)
            start = ceiling if kind == "clean" else both(shown, seen, clip.audio)
            table[f"{kind}, as it is"].append([*start, 0.0])
            for way, made, found, jumps in tried(shown, seen, one):
                table[f"{kind}, {way}"].append([*both(made, found, clip.audio), jumps])
            if number < told.transplants:
                table[f"{kind}, as it is (transplant's clips)"].append([*start, 0.0])
                table[f"{kind}, transplant"].append([*both(*transplanted(shown, seen), clip.audio), 0.0])
        delays.extend(constant(clip, track, told.expert, one))
        left.append(drifted(clip, track, told.expert, one))
        print(f"{Path(str(clip.source)).name}: {clip.length} frames", flush=True)
    print(f"\nmean distance by {told.expert}, by {judge} (the judge), and share of jumps; {len(voices)} clips")
    for name, rows in table.items():
        print(f"{name:40s} " + "  ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + f"   n={len(rows)}")
    for way in (*WAYS, "transplant"):
        base = "jitter, as it is" + (" (transplant's clips)" if way == "transplant" else "")
        if f"jitter, {way}" in table:
            was, now = (np.mean(table[name], axis=0) for name in (base, f"jitter, {way}"))
            best = np.mean(table[base.replace("jitter", "clean")], axis=0)
            share = (was - now)[:2] / (was - best)[:2]
            print(f"jitter removed by {way}: {share[0]:.0%} by {told.expert}, {share[1]:.0%} by {judge}")
    right, sure = np.array(delays).T
    print(f"constant delays within a frame: {right.mean():.1%} of {len(right)}", end="; ")
    print(f"{right[sure].mean():.1%} of the {sure.sum()} where the expert is sure")
    known = [round(gone) for gone in left if gone is not None]
    print(f"drift of {1000 * DRIFT:.0f} ms a second: found in {len(known)} of {len(left)}; left, ms: {known}")


if __name__ == "__main__":
    main()
