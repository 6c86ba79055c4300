"""How often is the verdict of a measurement right, and how often does it say that it cannot say?

    python benchmarks/verdict_quality.py --data PREPARED --offsets val_offsets.csv [--every 2]

Spans of the val recordings of a prepared folder, each moved by its own measured offset and then by -8 to 6 frames,
and the same spans with another speaker's voice. Printed for each length: how often a verdict is given for the right
voice, how often that is right, and how often a wrong voice is called in sync, or out of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lipwright import drift, sync
from lipwright.experts import lipsight
from lipwright.measure import judging, settings
from lipwright.train import data
from lipwright.types import Audio, Float

MOVES = (-8, -5, -4, -3, 0, 1, 2, 6)
Embedded = tuple[int, Float, Float]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--offsets", type=Path, required=True)
    options.add_argument("--every", type=int, default=1, help="take every n-th span only")
    told = options.parse_args()
    expert = lipsight.Expert()
    recordings = [embedded(expert, recording) for recording in data.read(told.data, told.offsets).val]
    for seconds in (1, 2, 4, 6):
        rows = list(said(recordings, 25 * seconds))[:: told.every]
        right = [(verdict, truth) for verdict, truth in rows if truth != "wrong voice"]
        given = [(verdict, truth) for verdict, truth in right if verdict != "cannot say"]
        wrong = [verdict for verdict, truth in rows if truth == "wrong voice"]
        print(
            f"{seconds} s, {len(right)} spans: said of {len(given) / len(right):.2f}, "
            f"right {np.mean([verdict == truth for verdict, truth in given]):.3f}; "
            f"{len(wrong)} with a wrong voice: in sync {wrong.count('in sync') / len(wrong):.3f}, "
            f"out of sync {wrong.count('out of sync') / len(wrong):.3f}",
            flush=True,
        )


def embedded(expert: lipsight.Expert, recording: data.Recording) -> Embedded:
    crops = [crop if seen else None for crop, seen in zip(recording.crop, recording.present, strict=True)]
    sound = Audio(recording.samples.astype(np.float32) / 32768, 16000)
    return recording.offset, expert.embed_video(crops), expert.embed_audio(sound)


def said(recordings: list[Embedded], span: int) -> Iterator[tuple[str, str]]:
    """(verdict, truth) of every span."""
    for number, (offset, video, audio) in enumerate(recordings):
        other = recordings[(number + 11) % len(recordings)][2]
        for start in range(0, min(len(video), len(audio)) - span + 1, span):
            seen = video[start : start + span]
            if np.isfinite(seen).any(1).mean() < 0.5:
                continue
            for move in MOVES:
                at = np.clip(np.arange(start, start + span) - offset + move, 0, len(audio) - 1)
                truth = "in sync" if -drift.LATE_MS <= 40 * move <= drift.EARLY_MS else "out of sync"
                yield verdict(seen, audio[at]), truth
            if len(other) >= span:
                begin = start % (len(other) - span + 1)
                yield verdict(seen, other[begin : begin + span]), "wrong voice"


def verdict(seen: Float, heard: Float) -> str:
    table = sync.stream([seen], [heard])
    wrong = [sync.judge(sync.stream([seen], voice).rows).contrast for voice in judging.wrong_voices(heard)]
    inside = drift.intervals(table, 25)
    least = settings.SURE * max(wrong)
    return drift.verdict(inside and inside.offset, 25, sync.judge(table.rows).contrast, least)


if __name__ == "__main__":
    main()
