"""Write one picture as a PNG."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lipwright.errors import OutputError
from lipwright.types import Picture


def write_picture(picture: Picture, path: str | Path) -> Path:
    """Write uint8 (H, W, 3) RGB to ``path`` as a PNG, beside it first and then renamed; returns the absolute path.

    Raises OutputError: the folder does not exist or cannot be written.
    """
    place = Path(path).absolute()
    beside = place.with_name(f".{place.name}.part")
    try:
        beside.write_bytes(png(picture))
        beside.replace(place)
    except OSError as problem:
        raise OutputError(f"{place} cannot be written: {problem.strerror}; choose another folder") from problem
    return place


def png(picture: Picture) -> bytes:
    """A PNG file of uint8 (H, W, 3) RGB."""
    codec = av.CodecContext.create("png", "w")
    codec.height, codec.width = picture.shape[:2]
    codec.pix_fmt = "rgb24"
    codec.time_base = Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))
