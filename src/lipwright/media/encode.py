"""Write a Clip as a file: beside the target first, then renamed, so that a failure leaves nothing behind.

============  ======================  ======================================================
suffix        picture                 sound
============  ======================  ======================================================
.mp4 .m4v     H.264 (x264 veryfast)   copied if AAC, MP3, AC-3, E-AC-3, ALAC, FLAC or Opus; else AAC
.mov          H.264 (x264 veryfast)   copied if AAC, MP3, AC-3, ALAC or PCM; else AAC
.mkv          H.264 (x264 veryfast)   copied if any of these or Vorbis; else AAC
.webm         VP9                     copied if Opus or Vorbis; else Opus
============  ======================  ======================================================

H.264 with halved chroma (yuv420p), which every player shows, needs even sizes. A picture of odd width or
height is not cropped: it is written with full chroma (yuv444p), which VLC, mpv, Chrome and ffmpeg play and
some hardware players do not.
"""

from __future__ import annotations

import errno
import heapq
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from secrets import token_hex
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from lipwright.errors import InputError, OutputError
from lipwright.media.colour import UNSAID, Converter
from lipwright.media.pipeline import stream as run_ahead
from lipwright.media.soundtrack import add_sound
from lipwright.media.video import pixel_aspect
from lipwright.types import Clip, Picture, Progress


@dataclass(frozen=True)
class _Format:
    """What goes into one kind of file."""

    copies: frozenset[str]
    video: str = "libx264"
    audio: str = "aac"
    options: dict[str, str] = field(default_factory=dict)


_MP4 = frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "flac", "opus", "libopus"})
_PCM = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be"})
_FAST = {"movflags": "faststart"}
_FORMATS = {
    ".mp4": _Format(_MP4, options=_FAST),
    ".m4v": _Format(_MP4, options=_FAST),
    ".mov": _Format(frozenset({"aac", "mp3", "mp3float", "ac3", "alac"}) | _PCM, options=_FAST),
    ".mkv": _Format(_MP4 | _PCM | {"vorbis"}),
    ".webm": _Format(frozenset({"opus", "libopus", "vorbis"}), "libvpx-vp9", "libopus"),
}


def write(clip: Clip, path: str | Path, *, quality: int = 18, progress: Progress | None = None) -> Path:
    """Write ``clip`` to ``path`` and return it as an absolute Path.

    The video has exactly ``clip.length`` frames at ``clip.fps``, the clip's size and colour tags and its source's
    shape of pixels. ``quality`` is x264's constant rate factor (0 best, 51 worst). Sound that has a ``source`` is that
    file's own: the whole track is copied packet by packet where the file type allows its codec; else, and where it
    is a part (``span``), it is encoded at its own rate and channels; other sound is encoded from its samples.
    The file says in its ``comment`` tag that lipwright edited it. ``progress`` is called after every frame.

    Pictures are made (``clip.read``) in a thread of their own while this one encodes.
    Raises OutputError when the file cannot be written (its place, its name, a full disk, or because it is
    an input), InputError for a clip that does not give what it promises. Neither leaves anything
    behind, and a file that was there before is untouched until the new one is complete.
    """
    target = output_path(path, clip.source, clip.audio.source if clip.audio else None)
    quality = checked_quality(quality)
    if clip.length < 1:
        raise InputError(f"a clip without frames cannot be written to {target}")
    with _beside(target) as part:
        try:
            _encode(clip, part, _FORMATS[target.suffix.lower()], quality, progress)
        except av.FFmpegError as error:
            raise OutputError(_why(target, error)) from error
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
    target = Path(path).expanduser().absolute()
    with _refused(target):
        if target.is_dir():
            raise OutputError(f"{target} is a folder; give the name of a file")
        if target.suffix.lower() not in _FORMATS:
            known = ", ".join(_FORMATS)
            raise OutputError(f"{target} does not say what kind of video to write; end its name in {known}")
        if not target.parent.is_dir():
            raise OutputError(f"there is no folder {target.parent}; make it first or give another place")
        for source in inputs:
            if source and source.exists() and target.exists() and target.samefile(source):
                raise OutputError(f"{target} is an input; give the output another name")
        part = _part(target)
        part.touch()
        part.unlink()
    return target


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A file to write in the folder of ``target``; takes its name at the end, vanishes on any failure."""
    part = _part(target)
    try:
        yield part
        with _refused(target):
            part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _part(target: Path) -> Path:
    return target.with_name(f"{target.stem}.{token_hex(4)}.part{target.suffix}")


@contextmanager
def _refused(target: Path) -> Iterator[None]:
    """Says in a sentence what the system refused."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:  # ffmpeg's own errors are among these
        raise OutputError(_why(target, error)) from error


def _why(target: Path, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    return f"{target} cannot be written ({reason}); {'free some space' if full else 'give another place or name'}"


def _encode(clip: Clip, part: Path, kind: _Format, quality: int, progress: Progress | None) -> None:
    with ExitStack() as stack:
        pictures = stack.enter_context(closing(run_ahead(clip.read())))
        output = stack.enter_context(_created(part, kind.options))
        video = _add_video(output, clip, kind.video, quality)
        packets = [_video_packets(clip, pictures, video, progress)]
        if clip.audio is not None:
            packets.append(add_sound(output, clip.audio, kind.audio, kind.copies, stack))
        for packet in heapq.merge(*packets, key=_seconds):
            output.mux(packet)


@contextmanager
def _created(part: Path, options: dict[str, str]) -> Iterator[OutputContainer]:
    """The open output; completed at the end, only closed after a failure."""
    output = av.open(f"file:{part}", "w", format=_muxer(part), container_options=options)
    output.metadata["comment"] = f"edited with lipwright {_version()}"
    try:
        yield output
    except BaseException:
        with suppress(av.FFmpegError):
            output.close()
        raise
    output.close()


def _muxer(part: Path) -> str:
    return {".mkv": "matroska", ".m4v": "mp4"}.get(part.suffix.lower(), part.suffix.lower()[1:])


def _version() -> str:
    try:
        return version("lipwright")
    except PackageNotFoundError:
        return "(not installed)"


def _seconds(packet: Packet[Stream]) -> Fraction:
    """When a packet is due, for laying sound and picture side by side in the file."""
    time = packet.pts if packet.dts is None else packet.dts
    return (time or 0) * packet.time_base


def _add_video(output: OutputContainer, clip: Clip, codec: str, quality: int) -> VideoStream:
    stream = cast(VideoStream, output.add_stream(codec, rate=clip.fps, options=_codec_options(codec, quality)))
    stream.time_base = 1 / clip.fps
    context = stream.codec_context
    context.time_base = 1 / clip.fps
    context.width, context.height = clip.size
    even = clip.size[0] % 2 == clip.size[1] % 2 == 0
    context.pix_fmt = "yuv420p" if even or codec != "libx264" else "yuv444p"
    context.color_range = 2 if clip.colour.full_range else 1
    context.color_primaries = clip.colour.primaries
    context.color_trc = clip.colour.transfer
    context.colorspace = clip.colour.matrix
    if clip.source is not None and clip.source.is_file():
        context.sample_aspect_ratio = pixel_aspect(clip.source)
    return stream


def _codec_options(codec: str, quality: int) -> dict[str, str]:
    if codec == "libx264":
        return {"preset": "veryfast", "crf": str(quality)}
    crf = round(quality * 63 / 51)  # VP9 counts from 0 to 63
    return {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}


def _video_packets(
    clip: Clip, pictures: Iterator[Picture], stream: VideoStream, progress: Progress | None
) -> Iterator[Packet[Stream]]:
    colour = clip.colour if clip.colour.matrix != 0 else replace(clip.colour, matrix=UNSAID)
    convert = Converter(colour)
    done = 0
    for picture in pictures:
        frame = convert.frame(_checked_picture(picture, clip), cast(str, stream.codec_context.pix_fmt))
        frame.pts, frame.time_base = done, 1 / clip.fps
        yield from stream.encode(frame)
        done += 1
        if progress is not None:
            progress(done, clip.length, "write")
    if done != clip.length:
        raise InputError(f"the clip promised {clip.length} frames and gave {done}")
    yield from stream.encode(None)


def _checked_picture(picture: Picture, clip: Clip) -> Picture:
    if picture.shape != (clip.size[1], clip.size[0], 3) or picture.dtype != np.uint8:
        want = (clip.size[1], clip.size[0], 3)
        raise InputError(f"a frame of the clip is {picture.dtype} {picture.shape}; it should be uint8 {want}")
    return picture
