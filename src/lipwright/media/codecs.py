"""Which codecs this build of ffmpeg brings, of those that are read and written here."""

from __future__ import annotations

import av

READ = (
    "h264", "hevc", "vp9", "vp8", "av1", "mpeg4", "prores", "mjpeg", "png", "aac", "mp3", "opus", "vorbis", "flac",
    "pcm_s16le",
)  # fmt: skip
"""What videos and sounds come as."""
WRITTEN = ("libx264", "libvpx-vp9", "aac", "libopus", "libmp3lame", "flac", "pcm_s16le")
"""What `lipwright.media.write` and `write_sound` make."""


def missing() -> tuple[str, ...]:
    """Those that are not there, as "read NAME" and "write NAME"."""
    both = [("read", "r", name) for name in READ] + [("write", "w", name) for name in WRITTEN]
    return tuple(f"{does} {name}" for does, mode, name in both if not _known(name, mode))


def _known(name: str, mode: str) -> bool:
    try:
        av.Codec(name, mode)  # type: ignore[arg-type]
    except ValueError:
        return False
    return True
