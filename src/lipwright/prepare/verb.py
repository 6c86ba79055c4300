"""Reading a dataset clip by clip, by several processes, into a prepared folder."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from lipwright import crops, faces, media, registry
from lipwright.errors import InputError, LipwrightError
from lipwright.prepare import splits
from lipwright.types import Clip, DataItem, Progress

FPS = 25
RATE = 16000
SHORTEST = 10


@dataclass(frozen=True)
class Row:
    """One line of PREPARED/manifest.csv."""

    id: str
    speaker: str
    split: str
    language: str
    frames: int
    source: str


def prepare(
    dataset: str, data: Path, out: Path, *, workers: int = 2, progress: Progress | None = None
) -> dict[str, int]:
    """Prepare ``data``, laid out as the member ``dataset`` of the family ``datasets`` says, into ``out``.

    Clips already there are kept (resume); a clip that cannot be used is named in ``skipped.csv`` with
    the reason. The source is only read. Speakers are parted as `lipwright.prepare.splits` says where the dataset
    does not. Returns how many clips were ``kept`` and ``skipped``.

    Raises:
        InputError: the dataset lists no clip.
    """
    items = splits.assigned(splits.unique(registry.load("datasets", dataset).items(Path(data))))
    if not items:
        raise InputError(f"no clips were found in {data}, read as a dataset of the kind '{dataset}'")
    (out / "clips").mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    skipped: list[dict[str, str]] = []
    with ProcessPoolExecutor(max_workers=workers) as pool:
        results = pool.map(_prepare_one, items, [out] * len(items), chunksize=4)
        for done, (item, frames, why) in enumerate(results, 1):
            if why:
                skipped.append({"id": item.id, "why": why})
            else:
                rows.append(Row(item.id, item.speaker, item.split, item.language, frames, item.source))
            if progress is not None:
                progress(done, len(items), "clips")
    _write(out / "manifest.csv", [f.name for f in fields(Row)], (asdict(row) for row in rows))
    _write(out / "skipped.csv", ["id", "why"], skipped)
    return {"kept": len(rows), "skipped": len(skipped)}


def _prepare_one(item: DataItem, out: Path) -> tuple[DataItem, int, str]:
    path = out / "clips" / f"{item.id}.npz"
    try:
        if not path.is_file():
            arrays = _arrays(media.open(item.path))
            beside = path.with_suffix(".part.npz")
            np.savez(beside, **arrays)  # type: ignore[arg-type]
            beside.replace(path)
        with np.load(path, allow_pickle=False) as data:
            return item, len(data["present"]), ""
    except LipwrightError as error:
        return item, 0, str(error)


def _arrays(clip: Clip) -> dict[str, np.ndarray]:
    if clip.audio is None:
        raise InputError(f"{clip.source} has no sound")
    at = crops.instants(clip, FPS)
    length = len(at)
    if length < SHORTEST:
        raise InputError(f"{clip.source} is {clip.duration:.2f} s long; at least {SHORTEST / FPS} s are needed")
    track = faces.track(replace(clip, key=""))
    points = crops.meshes(track, at)
    blank = np.zeros(faces.CROP[::-1], np.uint8)
    mouths = [blank if mouth is None else mouth for mouth in crops.mouths(clip, track, FPS)]
    present = np.isfinite(points[:, 0, 0])
    pose = faces.steady_pose(points, crops.POSE_SECONDS * FPS)
    shape = faces.to_canonical(points, pose)
    sound = media.resample(clip.audio, RATE).samples[: length * RATE // FPS]
    return {
        "crop": np.stack(mouths),
        "motion": shape[:, faces.canonical().moving].astype(np.float16),
        "opening": faces.opening(shape),
        "pose": pose.degrees,
        "present": present,
        "samples": (np.clip(sound, -1, 1) * 32767).astype(np.int16),
    }


def _write(path: Path, names: list[str], rows: Iterable[dict[str, object]] | Iterable[dict[str, str]]) -> None:
    beside = path.with_suffix(".part")
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    beside.replace(path)
