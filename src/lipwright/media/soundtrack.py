"""The sound track of a file that is being written: copied packet by packet, or encoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from lipwright import ondisk
from lipwright.errors import InputError, MediaError
from lipwright.media import sound
from lipwright.media.container import audio_of, opened
from lipwright.types import Audio, Float

_BLOCK = 4096  # samples handed to the encoder at a time
_LEAD_IN = Fraction(1, 10)  # s; sound copied from before time 0 at most, an encoder's own lead-in
# The channel layouts every encoder here knows.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


def add_sound(
    output: OutputContainer, audio: Audio, codec: str, copies: frozenset[str], stack: ExitStack
) -> Iterator[Packet[Stream]]:
    """Add a sound track to an open output; returns its packets, still to be made.

    The whole sound of a file is copied when its codec is one of ``copies``; else, and a part of it always, it is
    encoded as ``codec`` with all its channels; other sound is encoded from its samples. ``stack`` keeps the file open.
    Raises InputError for samples that are not numbers, MediaError for a file that can no longer be read.
    """
    if audio.source is None:
        audio = _encodable(audio, codec)
        return encoded(new_track(output, codec, audio.rate, "mono"), _slices(audio), "mono")
    container = stack.enter_context(opened(audio.source))
    track = audio_of(container)
    if track is None:
        raise MediaError(f"{audio.source} has no sound track any more")
    if audio.span is None and track.codec_context.name in copies and _allowed(track, output):
        return _copied(container, track, output.add_stream_from_template(track), sound.time_zero(audio.source))
    info = sound.audio_info(track)
    rate = rate_of(codec, info.rate)
    layout = LAYOUTS.get(info.channels, "stereo")
    blocks = sound.blocks(audio.source, rate, layout)
    if audio.span is not None:
        blocks = sound.between(blocks, *(round(second * rate) for second in audio.span))
    return encoded(new_track(output, codec, rate, layout), blocks, layout)


def _allowed(track: AudioStream, output: OutputContainer) -> bool:
    """MP4 takes no MP3 of less than 16 kHz."""
    slow = track.codec_context.name.startswith("mp3") and track.codec_context.sample_rate < 16000
    return not (slow and output.format.name == "mp4")


def _copied(
    container: InputContainer, track: AudioStream, stream: AudioStream, start: Fraction
) -> Iterator[Packet[Stream]]:
    """The packets of a file's own track, moved so that its time ``start`` becomes 0."""
    unit = cast(Fraction, track.time_base)
    zero = round(start / unit)
    for packet in container.demux(track):
        if packet.pts is None or packet.pts - zero < -_LEAD_IN / unit:
            continue
        packet.pts -= zero
        packet.dts = packet.pts  # no sound codec is stored out of order
        packet.stream = stream
        yield cast("Packet[Stream]", packet)


def new_track(output: OutputContainer, codec: str, rate: int, layout: str) -> AudioStream:
    """A sound track to be encoded as ``codec``."""
    stream = cast(AudioStream, output.add_stream(codec, rate=rate, layout=layout))
    stream.codec_context.bit_rate = min(96_000, 6 * rate) * stream.codec_context.channels
    return stream


def encoded(stream: AudioStream, blocks: Iterator[Float], layout: str) -> Iterator[Packet[Stream]]:
    """The packets of blocks float32 (channels, n) at the rate and layout of ``stream``."""
    done = 0
    rate = stream.codec_context.sample_rate
    for block in blocks:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), done
        done += block.shape[1]
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _slices(audio: Audio) -> Iterator[Float]:
    for piece in ondisk.pieces(audio.samples, _BLOCK):
        yield piece[None]


def _encodable(audio: Audio, codec: str) -> Audio:
    if not ondisk.finite(audio.samples):
        raise InputError("the sound to be written has samples that are not numbers (NaN)")
    return sound.resample(audio, rate_of(codec, audio.rate))


def rate_of(codec: str, rate: int) -> int:
    """``rate``, or, where the encoder does not know it, the next one above, or its highest."""
    known = av.Codec(codec, "w").audio_rates
    return rate if not known or rate in known else min((r for r in known if r > rate), default=max(known))
