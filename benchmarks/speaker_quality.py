"""Is the right one of two people said to speak? Pairs of real clips stand side by side, and both move all the time.

The sound is that of the person on the left in the first half, and of the one on the right in the second. Printed, for
spans of 1, 2 and 4 s that lie in one half and hold 30 % of speech, is the share with the right speaker: as the
whole clip is judged, and where the span is all there is to go by. Then the same for spans whose sound is a third
person's, who is not seen: the share that is said to be nobody's.

    python benchmarks/speaker_quality.py ../shared/data --offsets benchmarks/val_offsets.csv
        [--pairs N] [--seconds S] [--expert lipmesh]

The val clips of one speaker each are used, those of 4.5 s and more that are speech, each moved by its own offset.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from faces_quality import SIDE, composed, ways

from lipwright import crops, faces, media, registry, speaker, speech, sync
from lipwright.types import Audio, Float, Picture

FPS = 25
Answers = dict[str, list[bool]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--offsets", type=Path, help="a CSV with the columns clip and offset: known delays of the clips"
    )
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=16.0, help="at most so much of each pair")
    parser.add_argument("--expert", default=speaker.EXPERT)
    options = parser.parse_args()
    expert = registry.load("experts", options.expert).Expert()
    answers: Answers = defaultdict(list)
    offsets = known(options.offsets)
    files = long(options.data)
    pairs = [(files[k % len(files)], files[(k + 1 + k // len(files)) % len(files)]) for k in range(options.pairs)]
    for number, (one, other) in enumerate(pairs):
        third = next(file for file in files[number % len(files) :] + files if file not in (one, other))
        told = judged(expert, (one, other, third), options.seconds, offsets)
        for name, values in told.items():
            answers[name] += values
        line = "  ".join(f"{name} {sum(values)}/{len(values)}" for name, values in told.items())
        print(f"{one.stem:14} {other.stem:14} {line}", flush=True)
    for name, values in answers.items():
        print(f"{name:16} {np.mean(values):.3f} of {len(values)}")


def long(data: Path, least: float = 4.5) -> list[Path]:
    """The longest val clip of each speaker, where it is long enough and 60 % of it are speech."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = sorted((row for row in csv.DictReader(file) if row["split"] == "val"), key=lambda r: float(r["seconds"]))
    longest = {row["speaker"]: data / row["file"] for row in rows if float(row["seconds"]) >= least}
    return [path for path in longest.values() if speech.voiced(voice(path, {}), FPS, round(FPS * least)).mean() >= 0.6]


def shown(path: Path, length: int) -> list[Picture]:
    """The first pictures of a clip, at 25 a second."""
    clip = media.open(path)
    return list(crops.pictures(clip, crops.instants(clip, FPS)[:length]))


def voice(path: Path, offsets: dict[str, int]) -> Audio:
    """The sound of a clip, its own offset taken out, at 16 kHz."""
    sound = media.open(path).audio
    samples = media.resample(sound, 16000).samples if sound is not None else np.zeros(0, np.float32)
    return Audio(np.roll(samples, offsets.get(path.stem, 0) * 16000 // FPS), 16000)


def judged(expert: speaker.Expert, files: tuple[Path, Path, Path], seconds: float, offsets: dict[str, int]) -> Answers:
    """The answers for one pair, by kind and length of span."""
    sounds = [voice(file, offsets) for file in files]
    half = int(min(seconds, *(sound.duration for sound in sounds[:2])) / 2)
    length = 2 * half * FPS
    pictures = [shown(file, length) for file in files[:2]]
    clip = composed((pictures[0], pictures[1]), ways(length)["beside"], length)
    found = faces.tracks(clip)
    both = np.concatenate([sounds[0].cut(0, half).samples, sounds[1].cut(half, 2 * half).samples])
    sides = {face.id: int(np.nanmean(face.box[:, [0, 2]]) > SIDE) for face in found}
    told: Answers = defaultdict(list)
    for name, sound in (("right", both), ("nobody", np.resize(sounds[2].samples, len(both)))):
        heard = Audio(sound, 16000)
        embedded = expert.sound(heard)
        rows = np.concatenate(list(embedded))
        tables = [
            sync.stream(expert.video(expert.crops(clip, face)), [rows], how=expert.distance).rows for face in found
        ]
        voiced = speech.voiced(heard, FPS, length, ramp=0.0)
        ids = [face.id for face in found]
        whole = speaker.speakers(tables, voiced, ids, FPS)
        for span in (1, 2, 4):
            for start in range(0, 2 * half - span + 1, span):
                if start < half < start + span or spoken(voiced, start, span) < 0.3:
                    continue
                side = None if name == "nobody" else int(start >= half)
                told[f"{name} {span} s"].append(sides.get(whole.between(start, start + span)) == side)
                part = slice(start * FPS, (start + span) * FPS)
                alone = speaker.speakers([table[part] for table in tables], voiced[part], ids, FPS)
                told[f"{name} {span} s alone"].append(sides.get(alone.between(0, span)) == side)
    return told


def known(path: Path | None) -> dict[str, int]:
    """The offsets of the clips, by the names of their files without ending."""
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["clip"].removeprefix("clips_"): int(row["offset"]) for row in csv.DictReader(file)}


def spoken(voiced: Float, start: int, span: int) -> float:
    """How much of a span is speech."""
    return float(voiced[start * FPS : (start + span) * FPS].mean())


if __name__ == "__main__":
    main()
