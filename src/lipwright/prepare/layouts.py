"""How recordings lie in a prepared folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from lipwright.prepare.recording import FPS, RATE

FRAME = RATE // FPS


def lay(found: Path, out: Path, offset: int) -> int:
    """Put the recording ``found`` (.npz) to ``out``, its sound moved by ``offset`` frames; returns how many it has.

    Nothing is padded: frames whose sound would lie outside the recording are left out. Without an offset the two
    are one file with two names, where the disk can do that.
    """
    beside = out.with_suffix(".part.npz")
    beside.unlink(missing_ok=True)
    if offset:
        np.savez(beside, **shifted(dict(np.load(found, allow_pickle=False)), offset))  # type: ignore[arg-type]
    else:
        try:
            beside.hardlink_to(found)
        except OSError:
            shutil.copyfile(found, beside)
    beside.replace(out)
    with np.load(out, allow_pickle=False) as arrays:
        return len(arrays["present"])


def shifted(arrays: dict[str, np.ndarray], offset: int) -> dict[str, np.ndarray]:
    """The arrays of a recording with its sound ``offset`` frames later (< 0: earlier), as far as both go."""
    frames = len(arrays["present"])
    rows = slice(max(0, offset), frames + min(0, offset))
    sound = slice(max(0, -offset) * FRAME, (frames - max(0, offset)) * FRAME)
    return {name: array[sound if name == "samples" else rows] for name, array in arrays.items()}
