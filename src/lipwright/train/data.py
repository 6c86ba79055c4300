"""Prepared recordings for training: read once, drawn by speaker, cut into windows.

A prepared folder holds ``manifest.csv`` (id, speaker, split, …) and ``clips/<id>.npz`` at exactly 25 fps
with crop, motion, opening, pose, present and samples; ``lipwright prepare`` writes it. Where it has shards
(`lipwright.shards`), nothing is read before it is drawn.
"""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipwright import shards
from lipwright.errors import InputError
from lipwright.ondisk import AnyArray
from lipwright.types import Float

FRAME = 640
"""Samples a frame: 16 kHz at 25 fps."""

NEEDED = ("crop", "motion", "opening", "present", "samples")


@dataclass
class Recording:
    """One prepared recording; ``offset`` frames as found by the cross-fit (> 0: its sound comes early)."""

    id: str
    speaker: str
    crop: NDArray[np.uint8]
    motion: NDArray[np.float16]
    opening: Float
    present: NDArray[np.bool_]
    samples: NDArray[np.int16]
    offset: int = 0
    keep: bool = True

    def __len__(self) -> int:
        return len(self.opening)


@dataclass
class Prepared:
    """The recordings of a prepared folder, by split."""

    train: list[Recording]
    val: list[Recording]
    folder: Path | None = None
    vertices: int = field(init=False)

    def __post_init__(self) -> None:
        for split, found in (("train", self.train), ("val", self.val)):
            if not found:
                raise InputError(f"the prepared folder {self.folder} has no recordings of split {split!r}")
        self.vertices = self.train[0].motion.shape[1]


def read(folder: Path, offsets: Path | None = None, shortest: int = 20) -> Prepared:
    """Read a prepared folder, and the offsets found earlier if there are any.

    Recordings with fewer than ``shortest`` frames, or with the face missing in a fifth of them, are left
    out, and those of split test are not read. Raises InputError where the folder, the manifest or a recording is not as
    prepared.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise InputError(f"{folder} is not a prepared folder: it has no manifest.csv; make it with: lipwright prepare")
    with manifest.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    packed = shards.read(folder)
    found: dict[str, list[Recording]] = {"train": [], "val": []}
    for row in rows:
        if row.get("split") == "test":
            continue
        if row.get("split") not in found:
            raise InputError(
                f"{manifest}: split of {row.get('id')} must be train, val or test; it is {row.get('split')!r}"
            )
        recording = _recording(folder, row["id"], row["speaker"], packed)
        if recording is not None and len(recording) >= shortest and recording.present.mean() >= 0.8:
            found[row["split"]].append(recording)
    prepared = Prepared(found["train"], found["val"], folder)
    if offsets is not None and offsets.is_file():
        apply_offsets(prepared, offsets)
    return prepared


def arrays(
    folder: Path, name: str, wanted: tuple[str, ...], packed: shards.Shards | None = None
) -> dict[str, AnyArray] | None:
    """The ``wanted`` arrays that were prepared of a recording, from the shards ``packed`` where it is in them.

    None where there is no such recording. Raises InputError where it lacks one of them, or is damaged.
    """
    path = folder / "clips" / f"{name}.npz"
    if packed is not None and name in packed:
        found = {key: array for key, array in packed[name].items() if key in wanted}
    elif path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                found = {key: file[key] for key in wanted if key in file}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} is damaged ({error}); prepare the folder again") from error
    else:
        return None
    if missing := [key for key in wanted if key not in found]:
        raise InputError(f"{path} lacks {', '.join(missing)}; prepare the folder again")
    return found


def _recording(folder: Path, name: str, speaker: str, packed: shards.Shards | None) -> Recording | None:
    found = arrays(folder, name, NEEDED, packed)
    if found is None:
        return None
    crop, motion, opening, present, samples = (found[key] for key in NEEDED)
    length = min(len(crop), len(motion), len(opening), len(present))
    if packed is not None and name in packed and packed.whole(name):  # as it lies there, and not looked at yet
        there = np.ones(length, bool)
        return Recording(name, speaker, crop[:length], motion[:length], opening[:length], there, samples)
    good = present[:length] & np.isfinite(opening[:length]) & np.isfinite(motion[:length]).all((1, 2))
    if not good.any():
        return None
    # A gap takes its neighbours' values so that windows may span it; ``present`` keeps it out of losses.
    source = _nearest(good)
    motion = motion[:length][source].astype(np.float16)
    opening = opening[:length][source].astype(np.float32)
    return Recording(name, speaker, crop[:length], motion, opening, good, samples.astype(np.int16))


def _nearest(good: NDArray[np.bool_]) -> NDArray[np.int64]:
    places = np.flatnonzero(good)
    at = np.searchsorted(places, np.arange(len(good))).clip(0, len(places) - 1)
    before = (at - 1).clip(0)
    nearer = np.abs(places[before] - np.arange(len(good))) < np.abs(places[at] - np.arange(len(good)))
    return places[np.where(nearer, before, at)]


def apply_offsets(prepared: Prepared, path: Path) -> None:
    """Give every recording the offset found for it (columns clip, offset, confidence, keep)."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = {row["clip"]: row for row in csv.DictReader(lines)}
    for recording in prepared.train + prepared.val:
        row = rows.get(recording.id)
        if row is not None:
            recording.offset, recording.keep = int(row["offset"]), row["keep"] == "1"


def hold(recordings: list[Recording], share: float) -> tuple[list[Recording], list[Recording]]:
    """Part the speakers: the recordings to learn from, and those of about ``share`` of the speakers, kept aside.

    The kept say when to stop and how far to open, so that the val recordings have no say in what they judge.
    They are taken at even steps from the speakers in order of length, so that they are like the rest; whoever
    speaks longest is never kept, nor is anyone where ``share`` is 0 or the speakers are too few to part.
    """
    if share <= 0:
        return recordings, []
    lengths: dict[str, int] = {}
    for recording in recordings:
        lengths[recording.speaker] = lengths.get(recording.speaker, 0) + len(recording)
    ordered = sorted(lengths, key=lambda speaker: (-lengths[speaker], speaker))
    step = max(2, round(1 / share))
    kept = set(ordered[step // 2 :: step])
    return [r for r in recordings if r.speaker not in kept], [r for r in recordings if r.speaker in kept]


@dataclass(frozen=True)
class Windows:
    """A drawn batch: ``clips`` (B,) indices, ``at`` float (B, L), the picture of each moment (fractional
    where the speed is changed), ``speed`` (B,) source seconds a second."""

    clips: NDArray[np.int64]
    at: NDArray[np.float64]
    speed: NDArray[np.float64]


class Draw:
    """Draws windows: speakers evenly but for the many-clip ones, then a recording, then a place.

    A speaker's weight is its number of frames to the power ``temper`` (0 = all alike, 1 = as recorded).
    """

    def __init__(self, recordings: list[Recording], frames: int, temper: float = 0.5, stretch: float = 0.1) -> None:
        self.recordings = [r for r in recordings if r.keep and len(r) >= frames // 2]
        if not self.recordings:
            raise InputError(f"no recording is long enough for windows of {frames} frames; lower frames in the recipe")
        self.frames, self.stretch = frames, stretch
        speakers: dict[str, float] = {}
        for r in self.recordings:
            speakers[r.speaker] = speakers.get(r.speaker, 0) + len(r)
        weights = np.array([len(r) * speakers[r.speaker] ** (temper - 1) for r in self.recordings])
        self.weights = weights / weights.sum()

    def __call__(self, random: np.random.Generator, clips: int) -> Windows:
        """``clips`` windows drawn with ``random``."""
        size = min(clips, int((self.weights > 0).sum()))
        chosen = random.choice(len(self.recordings), size=size, replace=False, p=self.weights)
        speed = np.exp(random.uniform(-self.stretch, self.stretch, size))
        lengths = np.array([len(self.recordings[i]) for i in chosen])
        span = (self.frames - 1) * speed
        free = lengths - 1 - span
        start = np.where(free > 0, random.uniform(0, 1, size) * np.maximum(free, 0), free / 2)
        return Windows(chosen, start[:, None] + np.arange(self.frames) * speed[:, None], speed)


def pictures(recordings: list[Recording], windows: Windows) -> NDArray[np.float32]:
    """The crops of each moment, blended between neighbours: float32 (B, L, 48, 64) 0-255."""
    found = []
    for clip, at in zip(windows.clips, windows.at, strict=True):
        crop = recordings[clip].crop
        first = np.clip(np.floor(at).astype(int), 0, len(crop) - 1)
        part = np.clip(at - first, 0, 1).astype(np.float32)[:, None, None]
        found.append(crop[first] * (1 - part) + crop[np.minimum(first + 1, len(crop) - 1)] * part)
    return np.stack(found).astype(np.float32)


def values(arrays: list[NDArray[np.floating]], windows: Windows) -> Float:
    """Per-frame values (T, …) of each chosen recording at each moment, interpolated: float32 (B, L, …)."""
    found = []
    for array, at in zip(arrays, windows.at, strict=True):
        first = np.clip(np.floor(at).astype(int), 0, len(array) - 1)
        part = np.clip(at - first, 0, 1).astype(np.float32).reshape(-1, *[1] * (array.ndim - 1))
        later = np.minimum(first + 1, len(array) - 1)
        found.append(array[first].astype(np.float32) * (1 - part) + array[later].astype(np.float32) * part)
    return np.stack(found)


def present(recordings: list[Recording], windows: Windows) -> NDArray[np.bool_]:
    """Moments at which the face was really there: bool (B, L)."""
    found = []
    for clip, at in zip(windows.clips, windows.at, strict=True):
        near = np.round(at).astype(int)
        inside = (near >= 0) & (near < len(recordings[clip]))
        found.append(inside & recordings[clip].present[np.clip(near, 0, len(recordings[clip]) - 1)])
    return np.stack(found)


def sounds(recordings: list[Recording], windows: Windows) -> Float:
    """The sound of each window, its recording's offset taken out: float32 (B, 640·L) in [-1, 1].

    Resampled linearly where the speed is changed; zeros outside the recording.
    """
    count = windows.at.shape[1] * FRAME
    found = np.zeros((len(windows.clips), count), np.float32)
    for row, (clip, at, speed) in enumerate(zip(windows.clips, windows.at, windows.speed, strict=True)):
        samples = recordings[clip].samples
        place = (at[0] - recordings[clip].offset) * FRAME + np.arange(count) * speed
        first = max(0, int(place[0]))
        last = min(len(samples), int(place[-1]) + 2)
        if last - first > 1:
            found[row] = np.interp(place, np.arange(first, last), samples[first:last], left=0, right=0) / 32768
    return found
