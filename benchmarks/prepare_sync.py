"""How often prepare takes a stranger's sound for in sync, and its own for not: each recording judged alone.

    python benchmarks/prepare_sync.py PREPARED [--recordings 500] [--expert lipsight] [--seed 1] [--val]

PREPARED is a folder that `lipwright prepare` made, of footage in sync. Recordings are drawn from it with the seed. Each
is judged with its own sound and with that of another one, against eleven wrong sounds, as prepare does; what it gains
by putting the recordings of a speaker together is not counted.

Recordings that an expert was trained on flatter its own sounds, and flatter most who learnt them by heart. With --val
those that are judged are the val recordings, cut into pieces of 40, 75 and 150 frames; wrong sounds still come from
the ones drawn.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lipwright.prepare import judging
from lipwright.prepare.deciding import Limits

LENGTHS = ((0, 40), (40, 75), (75, 150), (150, 10**9))
PIECES = (40, 75, 150)
CONFIDENCES = (1.0, 1.3, 2.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("prepared", type=Path)
    options.add_argument("--recordings", type=int, default=500)
    options.add_argument("--expert", default="lipsight")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--val", action="store_true", help="judge pieces of the val recordings")
    told = options.parse_args()
    random = np.random.default_rng(told.seed)
    files = sorted((told.prepared / "clips").glob("*.npz"))
    random.shuffle(files)
    found = known(told.expert, files[: told.recordings])
    voices = judging.Voices((name, one["heard"]) for name, one in found.items())
    if told.val:
        names = of_val(told.prepared)
        found = dict(pieces(known(told.expert, [path for path in files if path.stem in names])))
    pairs = []
    for name, own in found.items():
        length, source = len(own["heard"]), name.partition("@")[0]
        others = [
            other for other in found if other.partition("@")[0] != source and len(found[other]["heard"]) >= length
        ]
        if others:
            other = others[int(random.integers(len(others)))]
            wrong = own | {"heard": found[other]["heard"][:length]}
            both = [judging.curves(told.expert, source, one, voices) for one in (own, wrong)]
            pairs.append((length, *(judging.opinion(one) for one in both if one)))
    print(" frames  recordings  confidence  own sound kept  a stranger's kept")
    for low, high in LENGTHS:
        some = [pair[1:] for pair in pairs if low <= pair[0] < high]
        for least in CONFIDENCES if some else ():
            kept = [np.mean([sure(pair[side], least) for pair in some]) for side in (0, 1)]
            print(f"{low:4} on  {len(some):10}  {least:10}  {kept[0]:14.1%}  {kept[1]:17.1%}")


def known(expert: str, files: list[Path]) -> dict[str, dict[str, np.ndarray]]:
    """What the expert makes of recordings, by their ids, but for those it can make nothing of."""
    every = {path.stem: embedded(expert, path) for path in files}
    return {name: one for name, one in every.items() if one}


def of_val(prepared: Path) -> set[str]:
    """The ids of the val recordings."""
    with (prepared / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file) if row["split"] == "val"}


def pieces(found: dict[str, dict[str, np.ndarray]]) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Recordings cut up, each piece named ``id@start+length``."""
    for name, one in found.items():
        for length in PIECES:
            for start in range(0, min(map(len, one.values())) - length + 1, length):
                yield f"{name}@{start}+{length}", {key: rows[start : start + length] for key, rows in one.items()}


def embedded(expert: str, path: Path) -> dict[str, np.ndarray]:
    """What the expert makes of a recording; nothing where the face is seldom seen."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    samples = np.asarray(arrays["samples"] / np.float32(32768), np.float32)
    if arrays["present"].mean() < 0.8 or len(samples) < 6400:
        return {}
    return judging.embeddings(expert, arrays, samples)


def sure(one: judging.Opinion, least: float) -> bool:
    return one.confidence >= least and abs(one.offset) <= Limits.most_offset


if __name__ == "__main__":
    main()
