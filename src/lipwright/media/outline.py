"""What a file says of itself before anything of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from lipwright.media.container import opened


@dataclass(frozen=True)
class Outline:
    """``size`` (width, height) px, the largest of any picture track, (0, 0) without one; ``seconds`` from the first to
    the last time that any packet names, or as the file says, whichever is longer; ``streams``, their number."""

    size: tuple[int, int]
    seconds: float
    streams: int


def outline(path: str | Path) -> Outline:
    """How large and how long a file is that is not trusted: from headers and packets, none of which is decoded here.

    Raises MediaError if it is not media.
    """
    with opened(path) as container:
        sizes = [(stream.codec_context.width, stream.codec_context.height) for stream in container.streams.video]
        said = float(container.duration or 0) / av.time_base
        first, last = 0.0, 0.0
        try:
            for packet in container.demux():
                if packet.pts is None or packet.time_base is None:
                    continue
                first = min(first, float(packet.pts * packet.time_base))
                last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        except av.FFmpegError:
            pass  # a file that was cut off says no more
        wide, tall = (max((size[k] for size in sizes), default=0) for k in (0, 1))
        return Outline((wide, tall), max(said, last - first), len(container.streams))
