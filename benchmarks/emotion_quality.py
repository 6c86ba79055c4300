"""What `lipwright dub --emotion` does to a face, and how much of the source's own expression it keeps.

    python benchmarks/emotion_quality.py DATA [--clips N] [--seconds S]

The first seconds of published val recordings are dubbed with their own sound, once for each feeling, and followed
again: how far brows and corners of the mouth went (eye distances, down is positive, against the neutral dub), and
whether the brows still move as the source's do (correlation, as the metric `expression` has it; ceiling: the neutral
dub, which leaves them alone; floor: the source's frames a second later).
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from lipwright import dub, expression, faces, media
from lipwright.likeness import correlation
from lipwright.types import Clip

BROWS = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]
INNER = [107, 336]
CORNERS = [61, 291]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path)
    options.add_argument("--clips", type=int, default=4)
    options.add_argument("--seconds", type=float, default=4.0)
    told = options.parse_args()
    with (told.data / "full.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == "val"][: told.clips]
    names = [name for name in expression.EMOTIONS if name != "auto"]
    print(f"{len(rows)} recordings: {', '.join(row['speaker'] for row in rows)}")
    heads = ("brows", "inner brows", "corners down", "corners out", "brows follow", "floor")
    print(f"{'':12}" + "".join(f"{head:>14}" for head in heads))
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    for row in rows:
        clip = media.open(told.data / row["file"])
        if clip.audio is None:
            continue
        short = replace(clip, length=min(clip.length, round(told.seconds * clip.fps)), key="")
        shapes = {name: shape(dub(short, clip.audio.cut(0, short.duration), emotion=name)) for name in names}
        real, later = brow(shape(short)), round(float(clip.fps))
        for name in names:
            moved = shapes[name] - shapes["neutral"]
            out = (moved[:, 291, 0] - moved[:, 61, 0]) / 2
            mine = brow(shapes[name])
            found[name].append(
                [
                    float(np.nanmean(moved[:, BROWS, 1])), float(np.nanmean(moved[:, INNER, 1])),
                    float(np.nanmean(moved[:, CORNERS, 1])), float(np.nanmean(out)),
                    correlation(mine, real), correlation(mine, np.roll(real, later)),
                ]
            )  # fmt: skip
    for name in names:
        means = np.nanmean(found[name], axis=0)
        print(f"{name:12}" + "".join(f"{mean:14.3f}" for mean in means))


def shape(clip: Clip) -> np.ndarray:
    """The meshes (T, 468, 3) of a clip, pose taken out, in eye distances."""
    track = faces.track(clip)
    return faces.to_canonical(track.points, faces.fit_pose(track.points))


def brow(shapes: np.ndarray) -> np.ndarray:
    return -shapes[:, BROWS, 1].mean(1)


if __name__ == "__main__":
    main()
