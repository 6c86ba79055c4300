"""Do people keep their ids? Pairs of real clips are put into one picture, where it is known who is where.

Every pair of val clips of two speakers (from the manifest) is shown in four ways, at 25 fps, 512 pixels high:

    beside    next to each other
    sliding   past each other, the one before the other, there and back
    cuts      next to each other, sides swapped by a cut every 2 s
    leaving   one leaves the picture, the other stays, and the first comes back
    small     both small in a picture of 1280 x 720, 80 pixels from ear to ear

Printed for each pair and way, and as a mean:

    right     share of the faces that can be seen (less than a third hidden) that have the id their person has most
    missed    share of the faces that can be seen that have no mesh
    ids       ids given, 2 is right
    swaps     how often a person's id changes

    python benchmarks/faces_quality.py ../shared/data [--pairs N] [--seconds S]
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from lipwright import faces, media
from lipwright.errors import LipwrightError
from lipwright.types import Clip, Picture

SIDE = 512
Place = Callable[[int, int], tuple[float, float]]
"""Left and top of the person (0 or 1), in pictures' sides, in a frame."""


@dataclass(frozen=True)
class Way:
    """How two people are shown: the picture's ``size``, the ``side`` of each person's own picture, and where it is."""

    size: tuple[int, int]
    side: int
    place: Place


def ways(length: int) -> dict[str, Way]:
    def beside(who: int, _frame: int) -> tuple[float, float]:
        return float(who), 0.0

    def sliding(who: int, frame: int) -> tuple[float, float]:
        along = 0.5 - 0.5 * np.cos(2 * np.pi * frame / length)
        return (1 - along, 0.0) if who else (float(along), 0.0)

    def cuts(who: int, frame: int) -> tuple[float, float]:
        return float((who + frame // 50) % 2), 0.0

    def leaving(who: int, frame: int) -> tuple[float, float]:
        away = np.clip(3 - abs(frame / length * 8 - 4), 0, 1.2) if who else 0
        return float(who + away), 0.0

    def small(who: int, _frame: int) -> tuple[float, float]:
        return 1.0 + 5 * who, 1.0 + who

    wide = (2 * SIDE, SIDE)
    return {
        "beside": Way(wide, SIDE, beside),
        "sliding": Way(wide, SIDE, sliding),
        "cuts": Way(wide, SIDE, cuts),
        "leaving": Way(wide, SIDE, leaving),
        "small": Way((1280, 720), 160, small),
    }


def composed(pictures: tuple[list[Picture], list[Picture]], way: Way, length: int) -> Clip:
    """The two in one clip; the first stands before the second."""
    own = [[cv2.resize(p, (way.side, way.side), interpolation=cv2.INTER_AREA) for p in both] for both in pictures]

    def frames(start: int, stop: int) -> Iterator[Picture]:
        for frame in range(start, stop):
            canvas = np.full((way.size[1], way.size[0], 3), (60, 70, 80), np.uint8)
            for who in (1, 0):
                left, top = (round(v * way.side) for v in way.place(who, frame))
                part = own[who][frame % len(own[who])]
                if who == 0 and left:  # whoever stands before has no background
                    part = part[:, way.side // 5 : -(way.side // 5)]
                    left += way.side // 5
                shown = canvas[max(0, top) : top + way.side, max(0, left) : left + part.shape[1]]
                shown[:] = part[: shown.shape[0], : shown.shape[1]]
            yield canvas

    return Clip(Fraction(25), way.size, length, frames)


def truth(tracks: tuple[np.ndarray, np.ndarray], way: Way, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (2, T, 4) px of the two faces in the composed clip, and whether each can be seen (2, T)."""
    boxes = np.full((2, length, 4), np.nan)
    for who, frame in itertools.product((0, 1), range(length)):
        left, top = way.place(who, frame)
        own = tracks[who][frame % len(tracks[who])]
        boxes[who, frame] = own * way.side + np.array([left, top, left, top]) * way.side
    seen = np.isfinite(boxes[..., 0])
    right = np.minimum(boxes[..., 2], way.size[0])
    seen &= (right - boxes[..., 0]) > 0.67 * (boxes[..., 2] - boxes[..., 0])
    covered_from = np.array([way.place(0, frame)[0] + 0.2 for frame in range(length)]) * way.side
    covered_to = covered_from + 0.6 * way.side
    hidden = np.minimum(covered_to, boxes[1, :, 2]) - np.maximum(covered_from, boxes[1, :, 0])
    seen[1] &= hidden < 0.33 * (boxes[1, :, 2] - boxes[1, :, 0])
    return boxes, seen


def scored(clip: Clip, boxes: np.ndarray, seen: np.ndarray) -> dict[str, float]:
    """The row of one composed clip."""
    begin = time.process_time()
    found = faces.tracks(clip)
    spent = 1000 * (time.process_time() - begin) / clip.length
    middles = np.stack([(face.box[:, :2] + face.box[:, 2:]) / 2 for face in found])
    ids: list[list[int]] = [[], []]
    for who, frame in itertools.product((0, 1), range(clip.length)):
        if seen[who, frame]:
            box = boxes[who, frame]
            gap = np.linalg.norm(middles[:, frame] - (box[:2] + box[2:]) / 2, axis=1) / (box[2] - box[0])
            gap = np.nan_to_num(gap, nan=9)
            ids[who].append(int(gap.argmin()) if gap.min() < 0.35 else -1)
    # The best way of giving the two people an id each.
    counts = [Counter(k for k in one if k >= 0) for one in ids]
    pairs = itertools.permutations(range(-1, len(found)), 2)
    best = max(counts[0][a] + counts[1][b] for a, b in pairs)
    named = [[k for k in one if k >= 0] for one in ids]
    total = sum(map(len, ids))
    return {
        "right": best / max(1, total),
        "missed": sum(k < 0 for one in ids for k in one) / max(1, total),
        "ids": float(len(found)),
        "swaps": float(sum(a != b for one in named for a, b in itertools.pairwise(one))),
        "ms": spent,
    }


def source(path: Path, length: int) -> tuple[list[Picture], np.ndarray]:
    """The pictures of a clip, and its one face's boxes in parts of its side."""
    clip = media.open(path)
    clip = clip.part(0, min(length, clip.length))
    return list(clip.read()), faces.track(clip).box / clip.size[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--ways", nargs="*")
    options = parser.parse_args()
    length = round(25 * options.seconds)
    with (options.data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["speaker"]: row["file"] for row in csv.DictReader(file) if row["split"] == "val"}
    files = sorted(rows.values())
    pairs = [(one, other) for gap in range(1, len(files)) for one, other in zip(files, files[gap:], strict=False)]
    results: dict[str, list[dict[str, float]]] = {}
    for one, other in pairs[:: max(1, len(pairs) // options.pairs)][: options.pairs]:
        two = [source(options.data / file, length) for file in (one, other)]
        for name, way in ways(length).items():
            if options.ways and name not in options.ways:
                continue
            clip = composed((two[0][0], two[1][0]), way, length)
            try:
                row = scored(clip, *truth((two[0][1], two[1][1]), way, length))
            except LipwrightError as error:
                print(one[6:-4], other[6:-4], name, error)
                continue
            results.setdefault(name, []).append(row)
            values = "".join(f"{key} {value:6.3f}  " for key, value in row.items())
            print(f"{one[6:-4]:12} {other[6:-4]:12} {name:9}{values}", flush=True)
    for name, rows_ in results.items():
        means = "".join(f"{key} {np.mean([row[key] for row in rows_]):6.3f}  " for key in rows_[0])
        print(f"{'mean of':12} {len(rows_):<12} {name:9}{means}")


if __name__ == "__main__":
    main()
