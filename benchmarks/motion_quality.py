"""How well the shipped motion network does on speakers it never saw.

    python benchmarks/motion_quality.py --data PREPARED [--offsets offsets.csv] [--weights motion.onnx]

Prints, over the val recordings: correlation of predicted with true inner-lip opening (nominal, and with
the recording's own measured offset taken out), the floor (another recording's sound), amplitude (standard deviation,
predicted / true, both in the speaker's own units), share of closed frames that are closed, and the lip
landmark distance in inter-ocular distances (with the floor of a mouth that never moves).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lipwright import motion
from lipwright.train import data
from lipwright.train.motion import CLOSED, pearson, speaker_units
from lipwright.types import Audio


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--offsets", type=Path)
    options.add_argument("--weights", type=Path)
    options.add_argument("--each", action="store_true", help="print every recording")
    told = options.parse_args()
    recordings = data.read(told.data, told.offsets).val
    said = {r.id: motion.predict(_sound(r), 25, len(r), weights=told.weights) for r in recordings}
    rows = []
    units = speaker_units(recordings)
    for index, recording in enumerate(recordings):
        other = said[recordings[(index + 1) % len(recordings)].id].opening
        rows.append(_row(recording, said[recording.id], other, units[recording.speaker]))
        if told.each:
            print(recording.id, len(recording), recording.offset, {k: round(v, 3) for k, v in rows[-1].items()})
    print(f"{len(rows)} recordings of {len(units)} unseen speakers")
    for name in rows[0]:
        column = np.array([row[name] for row in rows])
        print(f"{name:22s} mean {np.nanmean(column):.3f}  median {np.nanmedian(column):.3f}")


def _sound(recording: data.Recording) -> Audio:
    return Audio(recording.samples.astype(np.float32) / 32768, 16000)


def _row(
    recording: data.Recording, said: motion.Motion, other: np.ndarray, unit: tuple[float, float]
) -> dict[str, float]:
    least, own = unit
    seen = recording.present
    truth = (recording.opening - least) / own
    moved = np.clip(np.arange(len(truth)) - recording.offset, 0, len(truth) - 1)
    mine = said.opening / said.spread
    closed = seen & (truth < CLOSED)
    shape = recording.motion.astype(np.float32)
    shape -= shape[seen].mean(0)
    spoken = said.shape[moved] * (own / said.spread)
    spoken -= spoken[seen].mean(0)
    return {
        "correlation, nominal": pearson(mine[seen], truth[seen]),
        "correlation": pearson(mine[moved][seen], truth[seen]),
        "floor, other sound": pearson(np.resize(other, len(truth))[seen], truth[seen]),
        "amplitude": float(mine[seen].std() / truth[seen].std()),
        "closed when closed": float((mine[moved][closed] < CLOSED).mean()) if closed.any() else np.nan,
        "closed when open": float((mine[moved][seen & ~closed] < CLOSED).mean()),
        "landmark distance": float(np.linalg.norm((spoken - shape)[seen], axis=-1).mean()),
        "... of a still mouth": float(np.linalg.norm(shape[seen], axis=-1).mean()),
    }


if __name__ == "__main__":
    main()
