"""Write a Clip as a file: beside the target first, then renamed, so that a failure leaves nothing behind.

============  ======================  ======================================================
suffix        picture                 sound
============  ======================  ======================================================
.mp4 .m4v     H.264 (x264 veryfast)   copied if AAC, MP3, AC-3, E-AC-3, ALAC, FLAC or Opus; else AAC
.mov          H.264 (x264 veryfast)   copied if AAC, MP3, AC-3, ALAC or PCM; else AAC
.mkv          H.264 (x264 veryfast)   copied if any of these or Vorbis; else AAC
.webm         VP9                     copied if Opus or Vorbis; else Opus
============  ======================  ======================================================

MP4 takes no MP3 of less than 16 kHz; that becomes AAC, too.

H.264 with halved chroma (yuv420p), which every player shows, needs even sizes. A picture of odd width or
height is not cropped: it is written with full chroma (yuv444p), which VLC, mpv, Chrome and ffmpeg play and
some hardware players do not.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from lipwright import __version__, provenance
from lipwright.errors import InputError, OutputError
from lipwright.media.segments import Work, work_beside
from lipwright.media.soundtrack import add_sound
from lipwright.media.target import beside, checked_target, why
from lipwright.media.video import pixel_aspect
from lipwright.media.videotrack import SEGMENT, Coding, add_video, content
from lipwright.provenance import Origin
from lipwright.types import Clip, Progress


@dataclass(frozen=True)
class Format:
    """What goes into one kind of file."""

    copies: frozenset[str]
    video: str = "libx264"
    audio: str = "aac"
    options: dict[str, str] = field(default_factory=dict)


_MP4 = frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "flac", "opus", "libopus"})
_PCM = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be"})
_FAST = {"movflags": "faststart"}
FORMATS = {
    ".mp4": Format(_MP4, options=_FAST),
    ".m4v": Format(_MP4, options=_FAST),
    ".mov": Format(frozenset({"aac", "mp3", "mp3float", "ac3", "alac"}) | _PCM, options=_FAST),
    ".mkv": Format(_MP4 | _PCM | {"vorbis"}),
    ".webm": Format(frozenset({"opus", "libopus", "vorbis"}), "libvpx-vp9", "libopus"),
}
"""What goes into a file, by its suffix."""


def write(
    clip: Clip, path: str | Path, *, quality: int = 18, resume: bool = True, progress: Progress | None = None
) -> Path:
    """Write ``clip`` to ``path`` and return it as an absolute Path.

    The video has exactly ``clip.length`` frames at ``clip.fps``, the clip's size and colour tags and its source's
    shape of pixels. ``quality`` is x264's constant rate factor (0 best, 51 worst). Sound that has a ``source`` is that
    file's own: the whole track is copied packet by packet where the file type allows its codec; else, and where it
    is a part (``span``), it is encoded at its own rate and channels; other sound is encoded from its samples.
    The file says that lipwright edited it, and how: see `lipwright.provenance`. ``progress`` is called after each
    frame.

    Pictures are made (``clip.read``) in a thread of their own while this one encodes.
    With ``resume`` a clip that has a ``key`` keeps finished segments of 250 frames in a hidden folder beside ``path``:
    after an interruption of any kind the same call goes on from the last of them and gives the same file.
    Raises OutputError when the file cannot be written (its place, its name, a full disk, or because it is
    an input), InputError for a clip that does not give what it promises. Neither leaves anything half-written
    behind, and a file that was there before is untouched until the new one is complete.
    """
    target = output_path(path, clip.source, clip.audio.source if clip.audio else None)
    quality = checked_quality(quality)
    if clip.length < 1:
        raise InputError(f"a clip without frames cannot be written to {target}")
    kind = FORMATS[target.suffix.lower()]
    coding = Coding(kind.video, quality, _aspect(clip))
    provenance.wanted(target)
    origin = _origin(clip)
    kept = resume and clip.key and clip.length > SEGMENT
    with (
        work_beside(target, content(clip, coding, __version__)) if kept else nullcontext() as work,
        beside(target, work.folder if work else target.parent) as part,
    ):
        try:
            _encode(clip, part, kind, coding, origin, work, progress)
        except av.FFmpegError as error:
            raise OutputError(why(target, error)) from error
        provenance.sign(part, origin, target.name)
    return target


def checked_quality(quality: int) -> int:
    """``quality`` as it is, once it is known to be one; a verb asks before its long work begins.

    Raises InputError for a value outside 0 to 51.
    """
    if not 0 <= quality <= 51:
        raise InputError(f"quality goes from 0 (best) to 51 (worst); given {quality}")
    return quality


def output_path(path: str | Path, *inputs: Path | None) -> Path:
    """``path`` as an absolute Path to which a video may be written; a verb asks before its long work begins.

    Raises OutputError: the suffix is not one of the table above, the folder is missing or takes no
    file, or ``path`` is one of the ``inputs``.
    """
    return checked_target(path, FORMATS, inputs)


def _origin(clip: Clip) -> Origin:
    sound = clip.audio
    edits = (*clip.edits, *(sound.edits if sound else ()))
    return provenance.origin(edits, video=clip.source, sound=sound.source if sound else None)


def _aspect(clip: Clip) -> Fraction | None:
    return pixel_aspect(clip.source) if clip.source is not None and clip.source.is_file() else None


def _encode(
    clip: Clip, part: Path, kind: Format, coding: Coding, origin: Origin, work: Work | None, progress: Progress | None
) -> None:
    with ExitStack() as stack:
        output = stack.enter_context(created(part, kind.options, origin))
        packets: list[Iterator[Packet[Stream]]] = [
            stack.enter_context(closing(add_video(output, clip, coding, work, progress)))
        ]
        if clip.audio is not None:
            packets.append(add_sound(output, clip.audio, kind.audio, kind.copies, stack))
        for packet in heapq.merge(*packets, key=due):
            output.mux(packet)


@contextmanager
def created(part: Path, options: dict[str, str], origin: Origin) -> Iterator[OutputContainer]:
    """The open output; completed at the end, only closed after a failure."""
    output = av.open(f"file:{part}", "w", format=muxer(part), container_options=options)
    output.metadata.update(origin.tags())
    try:
        yield output
    except BaseException:
        with suppress(av.FFmpegError):
            output.close()
        raise
    output.close()


def muxer(part: Path) -> str:
    """ffmpeg's name for the kind of file that the suffix says."""
    return {".mkv": "matroska", ".m4v": "mp4", ".m4a": "mp4"}.get(part.suffix.lower(), part.suffix.lower()[1:])


def due(packet: Packet[Stream]) -> Fraction:
    """When a packet is due, for laying sound and picture side by side in the file."""
    time = packet.pts if packet.dts is None else packet.dts
    return (time or 0) * packet.time_base
