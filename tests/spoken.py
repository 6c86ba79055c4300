"""A drawn folder as Wav2Lip's trainers read it: faces whose mouths are as far open as their voices are loud."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from scipy.io import wavfile

import drawn


def talk(folder: Path, frames: int, seed: int, side: int = 96, gap: int = -1) -> None:
    """``<frame>.jpg`` and ``audio.wav``; the picture ``gap`` is missing."""
    folder.mkdir(parents=True)
    seconds = frames / 25
    opening = drawn.loudness(np.arange(frames) / 25, seconds, seed)
    for frame in range(frames):
        if frame != gap:
            picture = drawn.face(
                float(opening[frame]), (side, side), width=0.8, centre=(0.5 + 0.02 * np.sin(frame), 0.46)
            )
            picture[:6] = drawn.numbered(frame + 128 * seed, (side, 6))  # no two are alike
            cv2.imwrite(str(folder / f"{frame}.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    sound = drawn.voice(seconds, 16000, seed).samples + drawn.noise(seconds, level=0.001, seed=seed).samples
    wavfile.write(folder / "audio.wav", 16000, (sound * 32767).astype(np.int16))


def folder(place: Path, train: int = 6, val: int = 2, frames: int = 60, side: int = 96) -> Path:
    """``preprocessed/s<k>/v0`` and ``filelists``; one recording has a gap."""
    names: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for k in range(train + val):
        split = "train" if k < train else "val"
        talk(place / "preprocessed" / f"s{k}" / "v0", frames, k, side, gap=frames // 2 if k == 1 else -1)
        names[split].append(f"s{k}/v0")
    (place / "filelists").mkdir()
    for split, own in names.items():
        (place / "filelists" / f"{split}.txt").write_text("".join(f"{name} 0\n" for name in own))
    return place
