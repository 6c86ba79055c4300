"""The picture track of a file that is being written: encoded in closed segments.

Every segment comes from an encoder of its own, so it depends on its own frames alone and can be kept: an
interrupted write goes on from the last finished one and gives the same file (`lipwright.media.segments`).
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TypeAlias, cast

import av
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from lipwright.errors import InputError
from lipwright.media.colour import UNSAID, Converter
from lipwright.media.pipeline import stream as run_ahead
from lipwright.media.segments import Work
from lipwright.types import Clip, Picture, Progress

SEGMENT = 250
"""Frames of a segment: as far apart as x264 puts key frames anyway."""


Packets: TypeAlias = "Generator[Packet[Stream], None, None]"


@dataclass(frozen=True)
class Coding:
    """How pictures are encoded: ``codec`` (ffmpeg's encoder), ``quality`` (x264's constant rate factor) and
    ``aspect``, the width of a pixel over its height, None = not said."""

    codec: str
    quality: int
    aspect: Fraction | None

    @property
    def options(self) -> dict[str, str]:
        """The encoder's own options."""
        if self.codec == "libx264":
            return {"preset": "veryfast", "crf": str(self.quality)} | _steady_x264()
        crf = round(self.quality * 63 / 51)  # VP9 counts from 0 to 63
        return {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}


@functools.cache
def _steady_x264() -> dict[str, str]:
    """The option under which x264 makes the same packets of the same pictures every time.

    Its AVX-512 code for the look-ahead (mbtree) depends on memory nobody has written: the same pictures give another
    file now and then. Where that code would run, its AVX2 code is asked for, which gives the same bits as plain C.
    """
    try:
        has = "avx512" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        has = False
    known = "MMX2,SSE,SSE2,SSE2Fast,LZCNT,SSE3,SSSE3,SSE4.1,SSE4.2,AVX,FMA3,AVX2,BMI1,BMI2"  # all CPUs with AVX-512
    return {"x264-params": f"asm={known}"} if has else {}


def content(clip: Clip, coding: Coding, version: str) -> str:
    """All that the packets of a clip's picture track depend on, as text."""
    libraries = sorted(av.library_versions.items())
    return repr(
        (clip.key, clip.fps, clip.size, clip.length, clip.colour, coding, coding.options, SEGMENT, version, libraries)
    )


def add_video(
    output: OutputContainer, clip: Clip, coding: Coding, work: Work | None, progress: Progress | None
) -> Packets:
    """Add a picture track to an open output; returns its packets, still to be made.

    Segments that ``work`` has finished are taken from there, the others are encoded and stored there. Raises
    InputError for a clip that does not give what it promises, OutputError where a segment cannot be stored.
    """
    stream = cast(VideoStream, output.add_stream(coding.codec, rate=clip.fps, options=coding.options))
    stream.time_base = 1 / clip.fps
    _set_up(stream.codec_context, clip, coding)
    stream.codec_context.thread_count = 1  # it writes the track's header; the segments' encoders do the work
    return _laid(_segments(clip, coding, work, progress), stream)


def _set_up(context: VideoCodecContext, clip: Clip, coding: Coding) -> None:
    context.time_base = 1 / clip.fps
    context.framerate = clip.fps
    context.width, context.height = clip.size
    even = clip.size[0] % 2 == clip.size[1] % 2 == 0
    context.pix_fmt = "yuv420p" if even or coding.codec != "libx264" else "yuv444p"
    context.color_range = 2 if clip.colour.full_range else 1
    context.color_primaries = clip.colour.primaries
    context.color_trc = clip.colour.transfer
    context.colorspace = clip.colour.matrix
    if coding.aspect is not None:
        context.sample_aspect_ratio = coding.aspect


def _encoder(clip: Clip, coding: Coding) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create(coding.codec, "w"))
    _set_up(context, clip, coding)
    context.options = coding.options
    context.flags |= Flags.global_header
    return context


def _laid(packets: Packets, stream: VideoStream) -> Packets:
    with closing(packets):
        for packet in packets:
            packet.stream = stream
            yield packet


def _segments(clip: Clip, coding: Coding, work: Work | None, progress: Progress | None) -> Packets:
    """The packets of all segments, one segment after the other."""
    done = 0 if work is None else work.done
    for number in range(done):
        yield from cast(Work, work).stored(number, 1 / clip.fps)
    first = min(clip.length, done * SEGMENT)
    with closing(run_ahead(clip.read(first))) as pictures:
        for number, start in enumerate(range(first, clip.length, SEGMENT), done):
            packets = _encoded(clip, coding, pictures, start, progress)
            yield from packets if work is None else work.storing(number, packets)
        if next(pictures, None) is not None:
            raise InputError(f"the clip promised {clip.length} frames and gave more")


def _encoded(
    clip: Clip, coding: Coding, pictures: Iterator[Picture], start: int, progress: Progress | None
) -> Iterator[Packet[Stream]]:
    """The packets of the segment that begins with frame ``start``."""
    encoder = _encoder(clip, coding)
    convert = Converter(clip.colour if clip.colour.matrix != 0 else replace(clip.colour, matrix=UNSAID))
    stop = min(clip.length, start + SEGMENT)
    done = start
    for picture in islice(pictures, stop - start):
        frame = convert.frame(_checked_picture(picture, clip), cast(str, encoder.pix_fmt))
        frame.pts, frame.time_base = done - start, 1 / clip.fps
        yield from _moved(encoder.encode(frame), start)
        done += 1
        if progress is not None:
            progress(done, clip.length, "write")
    if done != stop:
        raise InputError(f"the clip promised {clip.length} frames and gave {done}")
    yield from _moved(encoder.encode(None), start)


def _moved(packets: list[Packet[Stream]], by: int) -> Iterator[Packet[Stream]]:
    """Packets ``by`` frames later."""
    for packet in packets:
        packet.pts = (packet.pts or 0) + by
        packet.dts = packet.pts if packet.dts is None else packet.dts + by
        yield packet


def _checked_picture(picture: Picture, clip: Clip) -> Picture:
    if picture.shape != (clip.size[1], clip.size[0], 3) or picture.dtype != np.uint8:
        want = (clip.size[1], clip.size[0], 3)
        raise InputError(f"a frame of the clip is {picture.dtype} {picture.shape}; it should be uint8 {want}")
    return picture
