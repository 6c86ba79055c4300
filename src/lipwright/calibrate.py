"""How far a sync expert can be believed: measured on footage that is in sync, and kept in the card of its weights.

For every picture the distance to its own sound is set against the distances to the sounds 5 to 15 frames away. The AUC
is the share of pairs (own, shifted), over all clips, in which the shifted one is further away: 0.5 is chance. One
window of the expert counts as one; silence, closed mouths and turned heads are not left out.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy import stats

from lipwright import faces, media, registry, sync
from lipwright.errors import InputError, LipwrightError
from lipwright.experts import Encoders
from lipwright.registry import Calibration
from lipwright.types import Audio, Float, Progress

SHIFT = 5
"""Frames from which on a sound counts as shifted."""
KINDS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg")


def calibrate(
    name: str, data: str | Path, *, offsets: str | Path | None = None, progress: Progress | None = None
) -> Calibration:
    """Measure the expert ``name`` on the clips of ``data``; nothing is stored, see `lipwright.registry.calibrate`.

    Args:
        name: a member of the experts, or weights that were imported for one.
        data: a folder of videos in sync, of one face each, or for experts of ours a folder that
            `lipwright.prepare` made, of which the recordings of split val are taken.
        offsets: a CSV with columns clip (the file's name without its ending) and offset (frames, > 0 where the
            sound comes early), for clips that are not in sync.
        progress: called with clips done and in all.

    Raises:
        InputError: there is no such folder, no clip in it, or none with a face and a sound.
        WeightsError: there are no such weights.
    """
    expert, folder = load(name), Path(data)
    known = _offsets(offsets)
    clips = _clips(expert, folder)
    near, far, used = [], [], 0
    for done, path in enumerate(clips, 1):
        rows = _rows(expert, path)
        if rows is not None:
            own = sync.REACH + known.get(path.stem, 0)
            shifted = [k for k in range(rows.shape[1]) if abs(k - own) >= SHIFT]
            near.append(_finite(rows[:, own]))
            far.append(_finite(rows[:, shifted]))
            used += len(near[-1]) > 0
        if progress is not None:
            progress(done, len(clips), "clips")
    if not used:
        raise InputError(f"no clip of {folder} has both a face and a sound, so nothing can be measured on it")
    return judged(np.concatenate(near), np.concatenate(far), used, f"{used} clips of {folder.name}")


def load(name: str) -> Encoders:
    """The expert with the weights called ``name``: a member's own, or those imported for it under that name."""
    members = registry.members("experts")
    member = name if name in members else registry.card(f"{name}_video").member
    found: Encoders = registry.load("experts", member).Expert(weights=name)
    return found


def judged(near: Float, far: Float, clips: int, data: str) -> Calibration:
    """AUC and threshold from the distances of windows in sync (N,) and shifted (M,).

    The AUC is Mann-Whitney's statistic; the threshold is where as large a share of the windows in sync is further
    away as of the shifted ones is nearer.
    """
    ranks = stats.rankdata(np.concatenate([near, far]))[: len(near)].sum()
    auc = 1 - (ranks - len(near) * (len(near) + 1) / 2) / (len(near) * len(far))
    at = np.quantile(np.concatenate([near, far]), np.linspace(0, 1, 2001))
    missed = 1 - np.searchsorted(np.sort(near), at, side="right") / len(near)
    passed = np.searchsorted(np.sort(far), at, side="right") / len(far)
    threshold = float(at[np.abs(missed - passed).argmin()])
    return Calibration(round(float(auc), 4), round(threshold, 4), SHIFT, len(near), len(far), clips, data)


def _clips(expert: Encoders, folder: Path) -> list[Path]:
    manifest = folder / "manifest.csv"
    if (folder / "clips").is_dir() and manifest.is_file() and expert.reads_prepared:
        with manifest.open(newline="", encoding="utf-8") as lines:
            found = [folder / "clips" / f"{row['id']}.npz" for row in csv.DictReader(lines) if row["split"] == "val"]
        found = [path for path in found if path.is_file()]
    else:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)
    if not found:
        raise InputError(f"there is no video in {folder}, and it is no prepared folder that this expert can take")
    return found


def _rows(expert: Encoders, path: Path) -> Float | None:
    """The banded distances of one clip; None where it has no face or no sound."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                seen = list(expert.prepared(arrays))
                sound = Audio(arrays["samples"].astype(np.float32) / 32768, 16000)
            return sync.stream(expert.video(seen), expert.sound(sound), how=expert.distance).rows
        clip = media.open(path)
        if clip.audio is None:
            return None
        cut = expert.crops(clip, faces.track(clip))
        sound = media.resample(clip.audio, expert.audio.rate)
        return sync.stream(expert.video(cut), expert.sound(sound), how=expert.distance).rows
    except LipwrightError:
        return None


def _offsets(path: str | Path | None) -> dict[str, int]:
    if path is None:
        return {}
    with Path(path).open(newline="", encoding="utf-8") as lines:
        found = {row["clip"]: int(row["offset"]) for row in csv.DictReader(lines)}
    most = sync.REACH - SHIFT
    return {clip: offset for clip, offset in found.items() if abs(offset) <= most}


def _finite(values: Float) -> Float:
    return values[np.isfinite(values)]
