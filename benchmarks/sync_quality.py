"""How well our sync experts do on speakers they never saw.

    python benchmarks/sync_quality.py --data PREPARED [--offsets offsets.csv] [--expert lipmesh] [--weights VIDEO AUDIO]

Prints, over spans of 1, 2 and 4 s of the val recordings (each moved by its own measured offset, if given):
the share whose offset is found within one frame of nought (±15 searched: chance 0.10), the median contrast,
and the AUC of distances of spans in sync against the same spans 5 to 15 frames apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lipwright import registry, sync
from lipwright.experts import Encoders
from lipwright.train import data
from lipwright.types import Audio


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--offsets", type=Path)
    options.add_argument("--weights", type=Path, nargs=2)
    options.add_argument("--expert", default="lipsight")
    told = options.parse_args()
    expert = registry.load("experts", told.expert).Expert(tuple(told.weights) if told.weights else "")
    recordings = data.read(told.data, told.offsets).val
    tables = [_table(expert, recording) for recording in recordings]
    for seconds in (1, 2, 4):
        found = [_spans(table, r.offset, 25 * seconds) for table, r in zip(tables, recordings, strict=True)]
        right, contrast, near, far = (np.concatenate(part) for part in zip(*found, strict=True))
        auc = (near[:, None] < far[None]).mean()
        print(
            f"{seconds} s, {len(right)} spans: within 1 frame {right.mean():.2f}, "
            f"contrast {np.median(contrast):.2f}, AUC {auc:.3f}"
        )


def _table(expert: Encoders, recording: data.Recording) -> np.ndarray:
    arrays = {"crop": recording.crop, "motion": recording.motion, "present": recording.present}
    sound = Audio(recording.samples.astype(np.float32) / 32768, 16000)
    return sync.stream(expert.video(expert.prepared(arrays)), expert.sound(sound)).rows


def _spans(table: np.ndarray, offset: int, span: int) -> tuple[list[bool], list[float], list[float], list[float]]:
    right, contrast, near, far = [], [], [], []
    for start in range(0, len(table) - span + 1, span):
        curve = sync.judge(table[start : start + span])
        right.append(abs(curve.offset - offset) <= 1)
        contrast.append(curve.contrast)
        near.append(float(curve.distances[sync.REACH + offset]))
        apart = [k for k in range(len(curve.distances)) if abs(k - sync.REACH - offset) >= 5]
        far.extend(float(d) for d in curve.distances[apart] if np.isfinite(d))
    return right, contrast, near, far


if __name__ == "__main__":
    main()
