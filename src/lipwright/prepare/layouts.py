"""How recordings lie in a prepared folder: ours, ours and once more in shards (`lipwright.shards`), and Wav2Lip's.

Wav2Lip's trainers take ``preprocessed/<speaker>/<name>/<frame>.jpg`` with ``audio.wav`` beside them, and
``filelists/train.txt``, ``val.txt`` and ``test.txt``: run them in the prepared folder with
``--data_root preprocessed``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.io import wavfile

from lipwright import shards
from lipwright.datasets._walk import SPLITS, word
from lipwright.prepare.recording import FPS, RATE

Layout = Literal["ours", "shards", "wav2lip"]
LAYOUTS = ("ours", "shards", "wav2lip")
FRAME = RATE // FPS


def place(out: Path, layout: Layout, name: str, speaker: str) -> Path:
    """Where the recording ``name`` (its id) of a speaker lies in the prepared folder ``out``."""
    if layout != "wav2lip":
        return out / "clips" / f"{name}.npz"
    speaker = word(speaker)
    return out / "preprocessed" / speaker / (name.removeprefix(f"{speaker}_") or name)


def lay(found: Path, where: Path, offset: int) -> int:
    """Put the recording ``found`` (.npz) to ``where``, its sound moved by ``offset`` frames; returns how many it has.

    Of our own, nothing is padded: frames whose sound would lie outside the recording are left out. Without an offset
    the two are one file with two names, where the disk can do that. Where ``where`` is a folder's name, faces and sound
    are laid as Wav2Lip's: frames keep their numbers, those without a sound are left out, as are those without a face.
    """
    where.parent.mkdir(parents=True, exist_ok=True)
    if where.suffix == ".npz":
        return _ours(found, where, offset)
    with np.load(found, allow_pickle=False) as arrays:
        return _wav2lip(dict(arrays), where, offset)


def take_away(where: Path) -> None:
    """Remove what `lay` put there, and nothing else."""
    if where.is_dir():
        for file in (*where.glob("*.jpg"), where / "audio.wav"):
            file.unlink(missing_ok=True)
        if not any(where.iterdir()):
            where.rmdir()
    elif where.suffix == ".npz":
        where.unlink(missing_ok=True)


def _ours(found: Path, where: Path, offset: int) -> int:
    beside = where.with_suffix(".part.npz")
    beside.unlink(missing_ok=True)
    if offset:
        np.savez(beside, **shifted(dict(np.load(found, allow_pickle=False)), offset))  # type: ignore[arg-type]
    else:
        try:
            beside.hardlink_to(found)
        except OSError:
            shutil.copyfile(found, beside)
    beside.replace(where)
    with np.load(where, allow_pickle=False) as arrays:
        return len(arrays["present"])


def shifted(arrays: dict[str, np.ndarray], offset: int) -> dict[str, np.ndarray]:
    """The arrays of a recording with its sound ``offset`` frames later (< 0: earlier), as far as both go."""
    frames = len(arrays["present"])
    rows = slice(max(0, offset), frames + min(0, offset))
    sound = slice(max(0, -offset) * FRAME, (frames - max(0, offset)) * FRAME)
    parts = {"samples": sound, "lower": slice(None)}
    return {name: array[parts.get(name, rows)] for name, array in arrays.items()}


def _wav2lip(arrays: dict[str, np.ndarray], where: Path, offset: int) -> int:
    take_away(where)
    where.mkdir(exist_ok=True)
    content, ends = arrays["jpegs"].tobytes(), arrays["ends"].tolist()
    frames = len(ends)
    for frame in range(max(0, offset), frames + min(0, offset)):
        file = content[ends[frame - 1] if frame else 0 : ends[frame]]
        if file:
            (where / f"{frame}.jpg").write_bytes(file)
    moved = arrays["samples"][max(0, -offset) * FRAME : (frames - max(0, offset)) * FRAME]
    wavfile.write(where / "audio.wav", RATE, np.pad(moved, (max(0, offset) * FRAME, 0)))
    return frames - abs(offset)


def pack(out: Path, kept: Iterable[str]) -> None:
    """Put the recordings of these ids, which lie there as ours, into shards too."""
    shards.write(out, ((name, _arrays(place(out, "ours", name, ""))) for name in kept))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def write_lists(out: Path, kept: Iterable[tuple[str, str, str]]) -> None:
    """Write Wav2Lip's file lists of recordings given as (split, id, speaker)."""
    (out / "filelists").mkdir(exist_ok=True)
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    for split, name, speaker in kept:
        lines[split].append(place(out, "wav2lip", name, speaker).relative_to(out / "preprocessed").as_posix() + "\n")
    for split, own in lines.items():
        beside = out / "filelists" / f"{split}.part"
        beside.write_text("".join(own), encoding="utf-8")
        beside.replace(out / "filelists" / f"{split}.txt")
