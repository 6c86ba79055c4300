"""A prepared folder of drawn recordings: mouths that open as loud as a noise is, in two languages."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

VERTICES = 7


Draw = Callable[[Path, int, int, int], None]


def folder(path: Path, rows: list[tuple[str, str, str, str, int]], draw: Draw | None = None) -> Path:
    """A prepared folder with a recording for each (id, speaker, split, language, frames); ``draw`` as `recording`."""
    (path / "clips").mkdir(parents=True)
    with (path / "manifest.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["id", "speaker", "split", "language", "frames"])
        writer.writerows(rows)
    for seed, (name, _, _, language, frames) in enumerate(rows):
        (draw or recording)(path / "clips" / f"{name}.npz", frames, seed, -1 if language == "yy" else 1)
    return path


def recording(path: Path, frames: int, seed: int, way: int = 1) -> None:
    """One whose noise is as loud as its mouth is open, or, with ``way`` -1, as it is closed; once no face is seen."""
    random = np.random.default_rng(seed)
    steps = np.convolve(random.uniform(0, 1, frames + 6), np.ones(3) / 3, "same")[3:-3]
    opening = (0.02 + 0.08 * steps).astype(np.float32)
    loud = np.interp(np.arange(frames * 640), np.arange(frames) * 640 + 320, opening if way > 0 else 0.12 - opening)
    samples = (random.normal(0, 1, frames * 640) * loud * 60000).clip(-32767, 32767).astype(np.int16)
    motion = np.zeros((frames, VERTICES, 3), np.float16)
    motion[:, :, 1] = opening[:, None] * np.linspace(-1, 1, VERTICES)
    rows = np.abs(np.arange(48) - 24)[None, :, None]
    crop = np.where(rows < opening[:, None, None] * 150, 40, 180).repeat(64, 2).astype(np.uint8)
    np.savez(
        path, crop=crop, motion=motion, opening=opening, pose=np.zeros((frames, 3), np.float32),
        present=np.arange(frames) != frames // 2, samples=samples,
    )  # fmt: skip
