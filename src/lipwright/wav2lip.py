"""Wav2Lip's own command line, by the names and meanings of its ``inference.py`` [Rudrabha/Wav2Lip]."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from lipwright import framing, media, registry
from lipwright.dub import dub
from lipwright.errors import InputError
from lipwright.ondisk import content_key
from lipwright.train.foreign import bring
from lipwright.types import Dubbed, Progress

Compat = Literal["strict"]
NO_BOX = (-1, -1, -1, -1)
SUFFIXES = (".pth", ".pt", ".ckpt", ".bin")
"""What PyTorch checkpoints are called."""


def wav2lip(
    checkpoint_path: str | Path,
    face: str | Path,
    audio: str | Path,
    *,
    static: bool = False,
    fps: float = 25.0,
    pads: Sequence[int] | None = None,
    face_det_batch_size: int = 16,
    wav2lip_batch_size: int = 128,
    resize_factor: int = 1,
    crop: Sequence[int] = framing.WHOLE,
    box: Sequence[int] = NO_BOX,
    rotate: bool = False,
    nosmooth: bool = False,
    compat: Compat | None = None,
    progress: Progress | None = None,
) -> Dubbed:
    """The face of one file saying the sound of another, as Wav2Lip's ``inference.py`` is told to do it.

    Done by the dubber ``wav2lip`` at its best, or with ``compat="strict"`` as the original does it: the same pixels
    for the same boxes, the same length.

    Args:
        checkpoint_path: a PyTorch checkpoint, which is imported once, an ONNX file, or the name of imported weights.
        face: a video, or a picture of any kind.
        audio: a sound, or a video whose sound is taken.
        static: show the first frame only.
        fps: frames a second where ``face`` is a picture.
        pads: pixels added to the face's box: top, bottom, left, right; 0 10 0 0 with ``compat`` unless told, else 0.
        face_det_batch_size: taken for the original's sake; faces are followed one by one.
        wav2lip_batch_size: taken for the original's sake; the network's own number is used.
        resize_factor: width and height are divided by this first.
        crop: top, bottom, left, right of what is shown, after resizing and rotating; -1 is the end.
        box: the face's box in every frame: top, bottom, left, right; none is looked for then. -1 first: no box.
        rotate: turn the video by 90 degrees clockwise.
        nosmooth: leave the boxes as they are found.
        compat: "strict" for the original's pixels. A picture is then neither resized, rotated nor cropped.
        progress: called while faces are looked for.

    Raises:
        InputError: a value that cannot be; also all that `lipwright.dub` and `lipwright.train.foreign.bring` raise.
    """
    _check(compat, face_det_batch_size, wav2lip_batch_size)
    still = media.probe(face).still
    clip = replace(media.open(face), fps=_rate(fps)) if still else media.open(face)
    if not (still and compat):
        clip = framing.framed(clip, shrink=resize_factor, turn=rotate, crop=crop)
    options: dict[str, Any] = {
        "pads": None if pads is None else list(pads),
        "box": _edges(box),
        "static": static or still,
        "nosmooth": nosmooth,
        "compat": compat is not None,
        "weights": _weights(checkpoint_path),
    }
    return dub(clip, media.open_audio(audio), dubber="wav2lip", silence="close", progress=progress, **options)


def _check(compat: str | None, *batches: int) -> None:
    if compat not in (None, "strict"):
        raise InputError(f"compat is strict or left out; given {compat}")
    for name, value in zip(("face_det_batch_size", "wav2lip_batch_size"), batches, strict=True):
        if value < 1:
            raise InputError(f"{name} is at least 1; given {value}")


def _edges(box: Sequence[int]) -> list[int] | None:
    """The original's top, bottom, left, right as x0 y0 x1 y1; None where it begins with -1."""
    if list(box)[:1] == [-1]:
        return None
    if len(box) != 4:
        raise InputError(f"box is four whole numbers, top, bottom, left, right; given {list(box)}")
    return [box[k] for k in (2, 0, 3, 1)]


def _rate(fps: float) -> Fraction:
    if not 1 <= fps <= 240:
        raise InputError(f"a picture is shown at 1 to 240 frames a second; given {fps}")
    return Fraction(fps).limit_denominator(1001)


def _weights(checkpoint: str | Path) -> str:
    """What the dubber calls the weights of a checkpoint; a PyTorch file is imported the first time it is seen."""
    path = Path(checkpoint)
    if path.suffix.lower() == ".onnx" or (path.suffix.lower() not in SUFFIXES and not path.is_file()):
        return str(checkpoint)
    if not path.is_file():
        raise InputError(f"there is no checkpoint {path}")
    plain = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._") or "wav2lip"
    name = f"{plain}-{content_key(path)[:8]}"
    if name in {card.name for card in registry.cards()} and registry.is_here(name):
        return name
    return bring(path, name=name).name
