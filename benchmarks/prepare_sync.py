"""How often prepare takes a stranger's sound for in sync, and its own for not: each recording judged alone.

    python benchmarks/prepare_sync.py PREPARED [--recordings 500] [--expert lipsight] [--seed 1]

PREPARED is a folder that `lipwright prepare` made, of footage in sync. Recordings are drawn from it with the seed. Each
is judged with its own sound and with that of another one, against eleven wrong sounds, as prepare does; what it gains
by putting the recordings of a speaker together is not counted. Recordings an expert was trained on flatter its own
sounds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lipwright.prepare import judging
from lipwright.prepare.deciding import Limits

LENGTHS = ((0, 40), (40, 75), (75, 150), (150, 10**9))
CONFIDENCES = (1.0, 1.3, 2.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("prepared", type=Path)
    options.add_argument("--recordings", type=int, default=500)
    options.add_argument("--expert", default="lipsight")
    options.add_argument("--seed", type=int, default=1)
    told = options.parse_args()
    random = np.random.default_rng(told.seed)
    files = sorted((told.prepared / "clips").glob("*.npz"))
    random.shuffle(files)
    found = {path.stem: embedded(told.expert, path) for path in files[: told.recordings]}
    found = {name: one for name, one in found.items() if one}
    voices = judging.Voices((name, one["heard"]) for name, one in found.items())
    pairs = []
    for name, own in found.items():
        length = len(own["heard"])
        others = [other for other in found if other != name and len(found[other]["heard"]) >= length]
        if others:
            other = others[int(random.integers(len(others)))]
            wrong = own | {"heard": found[other]["heard"][:length]}
            both = [judging.curves(told.expert, name, one, voices) for one in (own, wrong)]
            pairs.append((length, *(judging.opinion(one) for one in both if one)))
    print(" frames  recordings  confidence  own sound kept  a stranger's kept")
    for low, high in LENGTHS:
        some = [pair[1:] for pair in pairs if low <= pair[0] < high]
        for least in CONFIDENCES if some else ():
            kept = [np.mean([sure(pair[side], least) for pair in some]) for side in (0, 1)]
            print(f"{low:4} on  {len(some):10}  {least:10}  {kept[0]:14.1%}  {kept[1]:17.1%}")


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
