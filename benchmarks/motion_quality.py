"""How well the shipped motion network does on speakers it never saw.

    python benchmarks/motion_quality.py --data PREPARED [--offsets offsets.csv] [--weights motion.onnx]

Prints, over the val recordings: correlation of predicted with true inner-lip opening (nominal, and with
the recording's own measured offset taken out), the floor (another recording's sound), amplitude (standard deviation,
predicted / true, both in the speaker's own units), share of closed and of open frames that are closed, and the lip
landmark distance in inter-ocular distances (with the floor of a mouth that never moves).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lipwright import faces, motion
from lipwright.train import data
from lipwright.train.judge import pearson
from lipwright.train.space import CLOSED, speaker_units
from lipwright.types import Audio


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--offsets", type=Path)
    options.add_argument("--weights", type=Path)
    options.add_argument("--each", action="store_true", help="print every recording")
    told = options.parse_args()
    recordings = data.read(told.data, told.offsets).val
    units = speaker_units(recordings)
    nominal = [motion.predict(_sound(r, 0), 25, len(r), weights=told.weights) for r in recordings]
    moved = [motion.predict(_sound(r, r.offset), 25, len(r), weights=told.weights) for r in recordings]
    rows = []
    for index, recording in enumerate(recordings):
        other = moved[(index + 1) % len(recordings)].opening
        unit = units[recording.speaker]
        rows.append(_row(recording, nominal[index], other, unit) | _told(recording, moved[index], unit))
        if told.each:
            print(recording.id, len(recording), recording.offset, {k: round(v, 3) for k, v in rows[-1].items()})
    _print(rows, [r.speaker for r in recordings])


def _print(rows: list[dict[str, float]], speakers: list[str]) -> None:
    print(f"{len(rows)} recordings of {len(set(speakers))} unseen speakers")
    for name in rows[0]:
        column = np.array([row[name] for row in rows])
        each = [np.nanmean(column[[s == speaker for s in speakers]]) for speaker in set(speakers)]
        print(
            f"{name:22s} mean {np.nanmean(column):.3f}  median {np.nanmedian(column):.3f}  speakers {np.mean(each):.3f}"
        )


def _sound(recording: data.Recording, offset: int) -> Audio:
    """The recording's sound, delayed by ``offset`` frames."""
    samples = recording.samples.astype(np.float32) / 32768
    shift = offset * data.FRAME
    return Audio(np.pad(samples, (shift, 0)) if shift >= 0 else samples[-shift:], 16000)


def _row(
    recording: data.Recording, said: motion.Motion, other: np.ndarray, unit: tuple[float, float]
) -> dict[str, float]:
    seen = recording.present
    truth = (recording.opening - unit[0]) / unit[1]
    return {
        "correlation, nominal": pearson(said.opening[seen], truth[seen]),
        "floor, other sound": pearson(np.resize(other, len(truth))[seen], truth[seen]),
    }


def _told(recording: data.Recording, said: motion.Motion, unit: tuple[float, float]) -> dict[str, float]:
    least, own = unit
    seen = recording.present
    truth, mine = (recording.opening - least) / own, said.opening / said.spread
    closed = seen & (truth < CLOSED)
    lips = np.searchsorted(faces.canonical().moving, faces.OUTER_LIPS + faces.INNER_LIPS)
    shape = recording.motion.astype(np.float32)[seen][:, lips]
    spoken = said.shape[seen][:, lips] * (own / said.spread)
    gap = (spoken - spoken.mean(0)) - (shape - shape.mean(0))
    return {
        "correlation": pearson(mine[seen], truth[seen]),
        "amplitude": float(mine[seen].std() / truth[seen].std()),
        "closed when closed": float((mine[closed] < CLOSED).mean()) if closed.any() else np.nan,
        "closed when open": float((mine[seen & ~closed] < CLOSED).mean()),
        "lip distance": float(np.linalg.norm(gap, axis=-1).mean()),
        "... of a still mouth": float(np.linalg.norm(shape - shape.mean(0), axis=-1).mean()),
    }


if __name__ == "__main__":
    main()
