"""Make src/lipwright/assets/manner.npz, how people open their mouths, from prepared footage.

    python scripts/make_manner.py PREPARED

From the train speakers' clips in which somebody talks and faces the camera: the direction in which the mouth's shape
changes with its opening (least squares, made symmetric), and the deviation and 97th percentile of the opening
while talking (median over speakers).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from lipwright import faces, mouth

SHORTEST, LONG, MOST = 25, 50, 300
TURNED = 25.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--out", type=Path, default=Path(faces.__file__).parents[1] / "assets" / "manner.npz")
    options = parser.parse_args()
    with (options.prepared / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    together, alone, talk = np.zeros((177, 3)), 0.0, {}
    for row in rows:
        with np.load(options.prepared / "clips" / f"{row['id']}.npz", allow_pickle=False) as data:
            seen = data["present"]
            shapes, gap, yaw = data["motion"][seen].astype(np.float32), data["opening"][seen], data["pose"][seen, 0]
        if len(gap) < SHORTEST or abs(yaw.mean()) > TURNED:
            continue
        if np.quantile(gap, 0.97) - np.quantile(gap, 0.03) < mouth.TALKING:
            continue
        weight, change = min(1.0, MOST / len(gap)), gap - gap.mean()
        together += weight * np.einsum("t,tvc->vc", change, shapes - shapes.mean(0))
        alone += weight * float((change**2).sum())
        if len(gap) >= LONG:
            talk.setdefault(row["speaker"], []).append((gap.std(), np.quantile(gap, 0.97)))
    points = faces.canonical().points[faces.canonical().moving]
    mirror = cKDTree(points).query(points * (-1, 1, 1))[1]
    direction = together / alone
    direction = (direction + direction[mirror] * (-1, 1, 1)) / 2
    spread, widest = np.median([np.mean(values, axis=0) for values in talk.values()], axis=0)
    np.savez_compressed(
        options.out, direction=direction.astype(np.float32), spread=np.float32(spread), widest=np.float32(widest)
    )
    print(f"{options.out}: {len(talk)} speakers, spread {spread:.4f}, widest {widest:.4f} eye distances")


if __name__ == "__main__":
    main()
