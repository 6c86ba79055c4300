"""The same pictures, packet by packet, with the sound moved in time, or another one: no picture is encoded again."""

from __future__ import annotations

import heapq
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import soxr
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from lipwright import provenance
from lipwright.errors import MediaError, OutputError
from lipwright.media import sound
from lipwright.media.container import audio_of, existing, opened, still_format, video_of
from lipwright.media.encode import FORMATS, created, due, muxer, output_path
from lipwright.media.soundtrack import LAYOUTS, add_sound, encoded, new_track, rate_of
from lipwright.media.target import beside, why
from lipwright.provenance import Origin
from lipwright.types import Audio, Edit, Float

STEEPEST = 0.1
"""A drift of more than this, in seconds a second, is none of a recording's."""


def fits(source: str | Path, path: str | Path) -> bool:
    """Whether a file called ``path`` takes the picture of ``source`` as it is: its codec, a time for every packet."""
    file, target = existing(source), Path(path)
    if still_format(file) is not None or target.suffix.lower() not in FORMATS:
        return False
    with opened(file) as container:
        picture = video_of(container)
        if picture is None or picture.codec_context is None:
            return False
        with av.open(io.BytesIO(), "w", format=muxer(target)) as trial:
            if picture.codec_context.codec.canonical_name not in trial.supported_codecs:
                return False
        return all(packet.pts is not None for packet in container.demux(picture) if packet.size)


def remux(
    source: str | Path,
    path: str | Path,
    *,
    delay: float = 0.0,
    drift: float = 0.0,
    edits: Sequence[Edit] = (),
    origin: Path | None = None,
) -> Path:
    """Write ``source`` to ``path`` with what sounds at t s moved to t + ``delay`` + ``drift`` · t (< 0: earlier).

    The picture's packets are copied bit by bit. Without ``drift`` the sound's are copied, too, where the file type
    allows their codec; what would lie before the first picture is left out. With ``drift`` the sound is resampled by
    1 + drift (its pitch changes as much) and encoded. Other tracks (more languages, subtitles) are left out, as
    `lipwright.media.write` does. The file says that lipwright moved its sound, and what ``edits`` were made before, in
    ``source`` or, where that is an intermediate file, in its ``origin``: see `lipwright.provenance`.

    Raises:
        MediaError: ``source`` cannot be read, or has no picture or no sound.
        OutputError: the file cannot be written, or its type does not take the picture as it is (see `fits`).
    """
    file, target = existing(source), _target(source, path)
    if not abs(drift) <= STEEPEST:
        raise OutputError(f"a drift goes up to {STEEPEST} s a second; given {drift}")
    own = sound.lazy_audio(file)
    if own is None:
        raise MediaError(f"{file} has no sound track; there is nothing to move")
    made = provenance.origin((*edits, Edit(_moved_by(delay, drift))), video=origin or file)
    return _written(file, target, own, (delay, drift), made)


def with_sound(source: str | Path, path: str | Path, audio: Audio) -> Path:
    """Write the picture of ``source`` to ``path``, its packets copied bit by bit, with ``audio`` from its first picture
    on, and say how that was made (its ``edits``). Other tracks are left out.

    Raises:
        MediaError: ``source`` cannot be read, or has no picture.
        OutputError: the file cannot be written, or its type does not take the picture as it is (see `fits`).
    """
    file, target = existing(source), _target(source, path)
    made = provenance.origin(audio.edits or (Edit("another sound"),), video=file, sound=audio.source)
    return _written(file, target, audio, (0.0, 0.0), made)


def _target(source: str | Path, path: str | Path) -> Path:
    file = existing(source)
    target = output_path(path, file)
    if not fits(file, target):
        raise OutputError(f"{target} cannot take the picture of {file} as it is; end its name in .mkv")
    provenance.wanted(target)
    return target


def _written(file: Path, target: Path, audio: Audio, move: tuple[float, float], made: Origin) -> Path:
    with beside(target, target.parent) as part, ExitStack() as stack:
        try:
            _copy(file, part, audio, move, made, stack)
        except av.FFmpegError as error:
            raise OutputError(why(target, error)) from error
        provenance.sign(part, made, target.name)
    return target


def _moved_by(delay: float, drift: float) -> str:
    """What was done, in words."""
    slope = f" and {60000 * drift:+.0f} ms a minute" if drift else ""
    return f"sound moved by {1000 * delay:+.0f} ms{slope}"


def _copy(file: Path, part: Path, audio: Audio, move: tuple[float, float], made: Origin, stack: ExitStack) -> None:
    (delay, drift), kind = move, FORMATS[part.suffix.lower()]
    with created(part, kind.options, made) as output:
        container = stack.enter_context(opened(file))
        pictures = _pictures(output, container, sound.time_zero(file))
        if drift:
            heard = _drifted(output, file, kind.audio, delay, drift)
        else:
            heard = _moved(add_sound(output, audio, kind.audio, kind.copies, stack), Fraction(delay))
        for packet in heapq.merge(pictures, heard, key=due):
            output.mux(packet)


def _pictures(output: OutputContainer, container: InputContainer, zero: Fraction) -> Iterator[Packet[Stream]]:
    """Add the picture track as it is; its packets, moved so that the time ``zero`` becomes 0."""
    track = video_of(container)
    if track is None or track.time_base is None:
        raise MediaError(f"{container.name} has no picture, only sound; give a video")
    return _shown(container, track, output.add_stream_from_template(track), round(zero / track.time_base))


def _shown(container: InputContainer, track: Stream, stream: Stream, zero: int) -> Iterator[Packet[Stream]]:
    for packet in container.demux(track):
        if packet.size and packet.pts is not None:
            packet.pts -= zero
            packet.dts = None if packet.dts is None else packet.dts - zero
            packet.stream = stream
            yield packet


def _moved(packets: Iterator[Packet[Stream]], delay: Fraction) -> Iterator[Packet[Stream]]:
    """Packets of sound ``delay`` s later; those that would end before time 0 are left out."""
    for packet in packets:
        unit = packet.time_base
        packet.pts = (packet.pts or 0) + round(delay / unit)
        packet.dts = packet.pts
        if (packet.pts + (packet.duration or 0)) * unit > 0:
            yield packet


def _drifted(output: OutputContainer, file: Path, codec: str, delay: float, drift: float) -> Iterator[Packet[Stream]]:
    """Add the sound of a file, all its channels, resampled; its packets, encoded as ``codec``."""
    with opened(file) as container:
        info = sound.audio_info(cast("av.AudioStream", audio_of(container)))
    rate, layout = rate_of(codec, info.rate), LAYOUTS.get(info.channels, "stereo")
    blocks = _stretched(sound.blocks(file, rate, layout), rate, drift)
    blocks = _later(blocks, round(delay * rate))
    return encoded(new_track(output, codec, rate, layout), blocks, layout)


def _stretched(blocks: Iterator[Float], rate: int, drift: float) -> Iterator[Float]:
    """Blocks (channels, n) made longer by the factor 1 + ``drift``."""
    stream: soxr.ResampleStream | None = None
    for block in blocks:
        stream = stream or soxr.ResampleStream(rate, rate * (1 + drift), len(block), dtype="float32", quality="HQ")
        yield stream.resample_chunk(np.ascontiguousarray(block.T, np.float32)).reshape(-1, len(block)).T
    if stream is not None:
        last = np.zeros((0, len(block)), np.float32)
        yield stream.resample_chunk(last, last=True).reshape(-1, len(block)).T


def _later(blocks: Iterator[Float], by: int) -> Iterator[Float]:
    """A sound ``by`` samples later, begun with silence; < 0: without its first samples."""
    skip = max(0, -by)
    for block in blocks:
        if by > 0:
            yield np.zeros((len(block), by), np.float32)
            by = 0
        if block.shape[1] > skip:
            yield block[:, skip:]
        skip = max(0, skip - block.shape[1])
