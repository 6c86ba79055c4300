"""Read the sound of any file; resample sound.

Time 0 of a file's sound is the time of its first video frame, or, in a file without video, the
start of the sound itself: a track that starts late begins with silence, one that starts early is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from lipwright import ondisk
from lipwright.errors import InputError, MediaError, UnsoundError
from lipwright.media.container import audio_of, existing, opened, video_of
from lipwright.media.timeline import first_time
from lipwright.types import Audio, Edit, Float

_GAP = Fraction(1, 20)  # s; a hole in the timestamps longer than this is filled with silence

_LOUDEST = 1000.0  # times full scale; what is beyond is no sound but numbers of another kind

_QUIET = 65536  # samples of silence made at a time

_AT_ONCE = 65536  # samples resampled at a time


@dataclass(frozen=True)
class AudioInfo:
    """A sound track: ``codec``, ``rate`` Hz, ``channels`` and their ``layout`` ("stereo"), ``start`` s."""

    codec: str
    rate: int
    channels: int
    layout: str
    start: float


class FileAudio(Audio):
    """The sound of a file, decoded to mono when its samples are first looked at; a long one lies on the disk."""

    def __init__(
        self,
        samples: Float | None,
        rate: int,
        source: Path,
        span: tuple[float, float] | None = None,
        edits: tuple[Edit, ...] = (),
    ) -> None:
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "span", span)
        object.__setattr__(self, "edits", edits)
        if samples is not None:
            self.__dict__["samples"] = samples

    @cached_property
    def samples(self) -> Float:
        """float32 (N,) in [-1, 1], the mean of all channels."""
        return _mono(self.source) if self.source else np.zeros(0, np.float32)


def open_audio(path: str | Path) -> Audio:
    """The whole sound of any file (a video's too): mono float32 at the file's own rate, ``source`` set.

    Raises MediaError: no such file, not media, no sound track, no samples, samples that are not numbers or
    above 1000 times full scale.
    """
    audio = lazy_audio(path)
    if audio is None:
        raise MediaError(f"{existing(path)} has no sound track; give a file with speech in it")
    if len(audio.samples) == 0:
        raise MediaError(f"{audio.source} has a sound track without a single sample; record or export it again")
    return audio


def lazy_audio(path: str | Path) -> Audio | None:
    """As ``open_audio``, decoded only when it is needed; None where there is no sound track."""
    with opened(path) as container:
        track = audio_of(container)
        return None if track is None else FileAudio(None, audio_info(track).rate, existing(path))


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at ``rate`` Hz (soxr, high quality). ``source`` stays: it is the same recording."""
    if rate <= 0:
        raise InputError(f"the rate of a sound must be above 0 Hz; given {rate}")
    if rate == audio.rate:
        return audio
    samples = ondisk.keep(_resampled(audio, rate))
    return Audio(samples, rate, audio.source, audio.span)


def _resampled(audio: Audio, rate: int) -> Iterator[Float]:
    stream = soxr.ResampleStream(audio.rate, rate, 1, dtype="float32", quality="HQ")
    for piece in ondisk.pieces(np.asarray(audio.samples, np.float32), _AT_ONCE):
        yield np.asarray(stream.resample_chunk(piece), np.float32)
    yield np.asarray(stream.resample_chunk(np.zeros(0, np.float32), last=True), np.float32)


def audio_info(track: AudioStream) -> AudioInfo:
    """What a sound track says about itself."""
    context = track.codec_context
    start = float((track.start_time or 0) * (track.time_base or 0))
    return AudioInfo(context.name, context.sample_rate, context.channels, context.layout.name, start)


def time_zero(path: Path) -> Fraction:
    """The time, in the container's own seconds, that counts as 0 for the file's sound."""
    with opened(path) as container:
        picture, track = video_of(container), audio_of(container)
        if picture is not None and (first := first_time(container, picture)) is not None:
            return first
        start, unit = (None, None) if track is None else (track.start_time, track.time_base)
        return Fraction(0) if start is None or unit is None else start * unit


def blocks(path: str | Path, rate: int | None = None, layout: str | None = None) -> Iterator[Float]:
    """The sound block by block: float32 (channels, n), at the file's own rate and layout unless given.

    The first sample lies at time 0 of the file. Damaged packets are left out, their time is silence.
    """
    path = existing(path)
    zero = time_zero(path)
    with opened(path) as container:
        track = audio_of(container)
        if track is None:
            raise MediaError(f"{path} has no sound track")
        info = audio_info(track)
        resampler = AudioResampler("fltp", layout or info.layout, rate or info.rate)
        try:
            for block in _placed(_decoded(container, track, resampler), zero, resampler.rate):
                yield _plausible(block, path)
        except av.FFmpegError as error:
            raise MediaError(f"the sound of {path} cannot be decoded ({error})") from error


def _plausible(block: Float, path: Path) -> Float:
    """``block`` as it is; UnsoundError where it cannot be a sound."""
    if not np.isfinite(block).all():
        raise UnsoundError(f"the sound of {path} has samples that are not numbers (NaN); export it again")
    highest = float(np.abs(block).max(initial=0))
    if highest > _LOUDEST:
        large = f"samples of {highest:.3g} times full scale"
        raise UnsoundError(f"the sound of {path} has {large}; export it again, up to 1")
    return block


def between(sound: Iterator[Float], first: int, last: int) -> Iterator[Float]:
    """Samples ``first`` to ``last`` (excluded) of a sound that comes block by block, (channels, n).

    What lies before its start or beyond its end is silence.
    """
    done, channels = 0, 1
    for block in sound:
        channels = block.shape[0]
        if done == 0:
            yield from _silence(channels, -first)
        part = block[:, max(0, first - done) : max(0, last - done)]
        done += block.shape[1]
        if part.shape[1]:
            yield part
        if done >= last:
            return
    yield from _silence(channels, last - max(done, first))


def _silence(channels: int, samples: int) -> Iterator[Float]:
    """So many samples of silence, in blocks."""
    for start in range(0, samples, _QUIET):
        yield np.zeros((channels, min(_QUIET, samples - start)), np.float32)


def _decoded(
    container: InputContainer, track: AudioStream, resampler: AudioResampler
) -> Iterator[tuple[Fraction | None, Float]]:
    """(time s, float32 (channels, n)) of each decoded frame."""
    try:
        for packet in container.demux(track):
            for frame in _frames(packet):
                time = None if frame.pts is None or frame.time_base is None else Fraction(frame.pts * frame.time_base)
                for part in resampler.resample(frame):
                    yield time, np.asarray(part.to_ndarray(), np.float32)
                    time = None
    except (av.error.EOFError, av.error.InvalidDataError):
        pass  # a file that was cut off: what could be read has been read
    for part in resampler.resample(None):
        yield None, np.asarray(part.to_ndarray(), np.float32)


def _frames(packet: av.Packet[AudioStream]) -> list[AudioFrame]:
    try:
        return packet.decode()
    except av.error.InvalidDataError:
        return []


def _placed(decoded: Iterator[tuple[Fraction | None, Float]], zero: Fraction, rate: int) -> Iterator[Float]:
    """Blocks laid end to end from ``zero``: holes filled with silence, what lies before it cut off."""
    done = 0  # samples from time zero to here; below 0 while still before it
    first = True
    for time, samples in decoded:
        if time is not None:
            due = round((time - zero) * rate)
            if first:
                done = min(due, 0)
            if due - done > (0 if first else _GAP * rate):
                yield np.zeros((len(samples), due - done), np.float32)
                done = due
        first = False
        keep = samples[:, max(0, -done) :]
        done += samples.shape[1]
        if keep.shape[1]:
            yield keep


def _mono(path: Path) -> Float:
    heard = (block.mean(axis=0, dtype=np.float32) for block in blocks(path))
    return ondisk.keep(chain([np.zeros(0, np.float32)], heard))
