"""How well the layout `synclips` paints recordings it has not seen, and how well its encoders tell moments apart."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lipwright import compact, likeness, sync
from lipwright.errors import InputError
from lipwright.train import losses
from lipwright.train.networks import EDGE
from lipwright.train.synclips.networks import Synclips
from lipwright.train.synclips.windows import MOMENTS, Whole
from lipwright.train.watcher import Watcher
from lipwright.types import Picture


def accuracy(network: Synclips, one: Whole, frames: int) -> float:
    """How often the encoders find a picture's sound among those of its window; NaN for a recording shorter than one."""
    device = next(network.parameters()).device
    found = network(one.heard.to(device), one.frames.to(device))
    count = frames - MOMENTS
    sides = [found[side][0, EDGE : len(one.rows) - EDGE] for side in ("video", "audio")]
    parts = len(sides[0]) // count
    if not parts:
        return float("nan")
    video, audio = (side[: parts * count].reshape(parts, count, -1) for side in sides)
    return float(losses.contrast(video, audio, found["sharpness"])["accuracy"])


def painted(network: Synclips, one: Whole) -> torch.Tensor:
    """The recording with painted mouths (T, 3, S, S), 0-1."""
    device = next(network.parameters()).device
    return network.paint(one.frames.to(device), one.heard.to(device), one.reference.to(device))[0].float().clamp(0, 1)


def figures(one: Whole, made: torch.Tensor) -> dict[str, float]:
    """How painted frames (T, 3, S, S) compare with the true ones in the square of the mouth.

    ``psnr`` dB and ``ssim`` as `lipwright.likeness` has them, ``lips``, the mean difference of the pixels within the
    outline of the real lips, in grey levels; and ``copied``, the PSNR of who shows the reference's mouth all the time.
    """
    share = torch.from_numpy(compact.alpha(one.frames.shape[-1]))
    still = one.frames[0] + share * (one.reference - one.frames[0])
    truth, shown, copies = (pictures(frames)[one.other] for frames in (one.frames[0], made.cpu(), still))
    down, across = (np.flatnonzero(share.numpy().max(axis)) for axis in (1, 0))
    place = slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)
    peak, alike, lips, copied = [], [], [], []
    for true, mine, copy, row in zip(truth, shown, copies, one.rows[one.other], strict=True):
        peak.append(likeness.psnr(mine[place], true[place]))
        copied.append(likeness.psnr(copy[place], true[place]))
        alike.append(likeness.ssim(likeness.grey(mine)[place], likeness.grey(true)[place]))
        inside = (
            compact.guide(one.lower.points(int(row)) * np.float32(len(true) / one.lower.size), len(true))[..., 1] > 127
        )
        apart = np.abs(mine[inside].astype(np.float32) - true[inside])
        lips.append(float(apart.mean()) if apart.size else np.nan)
    named = {"psnr": peak, "ssim": alike, "lips": lips, "copied": copied}
    return {name: float(np.nanmean(values)) for name, values in named.items()}


def offset(watcher: Watcher, one: Whole, made: torch.Tensor) -> float:
    """How many frames off, at most 15, a sync expert finds frames (T, 3, S, S), 0-1; NaN where it finds nothing."""
    with torch.no_grad():
        found = watcher.video(watcher.mouths(made)[None]), watcher.audio(one.sound.to(made.device))
    video, audio = (side[0].float().cpu().numpy() for side in found)
    try:
        return float(abs(sync.judge(sync.band(video, audio)).offset))
    except InputError:
        return float("nan")


def pictures(frames: torch.Tensor) -> NDArray[np.uint8]:
    """(T, 3, S, S) 0-1 to uint8 (T, S, S, 3)."""
    shown = (frames.detach().clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return np.ascontiguousarray(shown.cpu().numpy())


def beside(one: Whole, made: torch.Tensor) -> NDArray[np.uint8]:
    """A clip uint8 (T, S, 4·S, 3): the reference, what is left of each frame, what was painted, and what was there."""
    truth, shown = pictures(one.frames[0]), pictures(made)
    rows: list[Picture] = []
    for true, mine in zip(truth, shown, strict=True):
        rows.append(np.concatenate([pictures(one.reference)[0], compact.hidden(true), mine, true], axis=1))
    return np.stack(rows)
