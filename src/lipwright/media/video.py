"""Look at a file (``probe``) and open it as a Clip (``open``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lipwright.errors import MediaError
from lipwright.media.colour import BT709, Converter, of_frame
from lipwright.media.container import audio_of, existing, opened, still_format, video_of
from lipwright.media.sound import AudioInfo, audio_info, lazy_audio
from lipwright.media.timeline import STILL_FPS, Timeline, timeline
from lipwright.ondisk import content_key
from lipwright.types import Clip, Colour, Picture

_TRIES = (0, 2, 15)  # s; how far before the wanted frame to seek, in turn, before reading from the start


@dataclass(frozen=True)
class VideoInfo:
    """A picture track: ``size`` (width, height) px as shown, after ``rotation`` (degrees, counter-clockwise);
    ``fps`` and ``length`` as opened, ``variable`` when its own frames are not steady; ``aspect``, the
    width of a pixel over its height."""

    codec: str
    pix_fmt: str
    size: tuple[int, int]
    fps: Fraction
    length: int
    variable: bool
    rotation: int
    colour: Colour
    aspect: Fraction


@dataclass(frozen=True)
class Probe:
    """What a file holds: ``container`` (ffmpeg's name), every stream as "kind codec", ``duration`` s, tags."""

    path: Path
    container: str
    streams: tuple[str, ...]
    duration: float
    still: bool
    video: VideoInfo | None
    audio: AudioInfo | None
    metadata: dict[str, str] = field(default_factory=dict)


def probe(path: str | Path) -> Probe:
    """What the file holds, without decoding more than one frame of it; MediaError if it is not media."""
    file = existing(path)
    with opened(file) as container:
        sound = audio_of(container)
        audio = None if sound is None else audio_info(sound)
        streams = tuple(f"{s.type} {s.codec_context.name if s.codec_context else '?'}" for s in container.streams)
        seconds = float(container.duration or 0) / av.time_base
        name, tags = container.format.name, dict(container.metadata)
        moving = video_of(container) is not None
    video = _inspect(file)[0] if moving else None
    duration = float(video.length / video.fps) if video else seconds
    return Probe(file, name, streams, duration, still_format(file) is not None, video, audio, tags)


def open(path: str | Path) -> Clip:  # noqa: A001 - read with its package's name: media.open
    """A video, or a still picture, as a lazy Clip; nothing is decoded before it is read.

    A still opens as one frame at 25 fps. A variable rate is conformed (see ``timeline``), rotation is
    applied, ``audio`` is the whole track (decoded when first used) or None, ``key`` is the sha256 of the
    file. A frame that cannot be decoded is replaced by the one before it, so that the length holds.
    Raises MediaError: no such file, not media, no picture in it, nothing that can be decoded.
    """
    file = existing(path)
    info, times = _inspect(file)
    return Clip(
        fps=info.fps,
        size=info.size,
        length=info.length,
        frames=_Frames(file, times, info),
        audio=lazy_audio(file),
        colour=info.colour,
        source=file,
        key=content_key(file),
    )


def pixel_aspect(path: Path) -> Fraction:
    """The width of a video's pixels over their height, as shown; 1 for nearly every video."""
    frame, _, aspect = _first(path)
    return 1 / aspect if _turn(frame) % 180 else aspect


def _inspect(path: Path) -> tuple[VideoInfo, Timeline]:
    """The first picture track and its timeline."""
    frame, codec, aspect = _first(path)
    still = still_format(path) is not None
    times = Timeline(STILL_FPS, 1) if still else _timeline(path)
    turn = _turn(frame)
    size = (frame.height, frame.width) if turn % 180 else (frame.width, frame.height)
    colour = BT709 if still else of_frame(frame)
    aspect = 1 / aspect if turn % 180 else aspect
    name = frame.format.name
    return VideoInfo(codec, name, size, times.fps, times.length, times.variable, turn, colour, aspect), times


def _first(path: Path) -> tuple[VideoFrame, str, Fraction]:
    """The first frame, the codec's name and the aspect of a stored pixel."""
    with opened(path) as container:
        stream = _stream(container, path)
        frame = next(_decoded(container, stream), None)
        if frame is None:
            raise MediaError(f"{path} has no frame that can be decoded; copy or download it again")
        return frame, stream.codec_context.name, stream.sample_aspect_ratio or Fraction(1)


def _turn(frame: VideoFrame) -> int:
    """Degrees, counter-clockwise, by which the file asks to have its frames turned: 0, 90, 180 or 270."""
    return round(frame.rotation / 90) * 90 % 360


def _timeline(path: Path) -> Timeline:
    with opened(path) as container:
        return timeline(container, _stream(container, path))


def _stream(container: InputContainer, path: Path) -> VideoStream:
    stream = video_of(container)
    if stream is None:
        raise MediaError(f"{path} has no picture, only sound; give a video or a picture")
    if stream.codec_context is None:
        raise MediaError(f"{path} holds a kind of video for which there is no decoder here")
    stream.thread_type = "AUTO"
    return stream


@dataclass(frozen=True)
class _Frames:
    """The frames of a file: see `Clip.read` and `Clip.look`."""

    path: Path
    times: Timeline
    info: VideoInfo

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        return _pictures(self.path, self.times, self.info, start, stop, exact=True)

    def look(self, start: int, stop: int) -> Iterator[Picture]:
        return _pictures(self.path, self.times, self.info, start, stop, exact=False)


def _pictures(path: Path, times: Timeline, info: VideoInfo, start: int, stop: int, *, exact: bool) -> Iterator[Picture]:
    """Output frames ``start`` to ``stop``, uint8 (H, W, 3) RGB."""
    if start >= stop:
        return
    wanted = times.sources(start, stop)
    convert = Converter(info.colour, exact)
    source = _ranked(path, times, int(wanted[0]))
    shown: VideoFrame | None = None
    picture: Picture | None = None
    following = next(source, None)
    for rank in wanted:
        while following is not None and (following[0] <= rank or shown is None):
            shown, picture = following[1], None
            following = next(source, None)
        if shown is None:
            raise MediaError(f"{path} has no frame that can be decoded from frame {start} on")
        repeated = picture is not None
        picture = convert.picture(shown, info.rotation) if picture is None else picture
        yield picture.copy() if repeated else picture


def _ranked(path: Path, times: Timeline, first: int) -> Iterator[tuple[int, VideoFrame]]:
    """(source frame number, frame), ascending, from ``first`` or a little earlier on."""
    for back in (*_TRIES, None):
        frames = _from(path, times, first, back)
        ahead = next(frames, None)
        if ahead is not None and (ahead[0] <= first or back is None):
            yield ahead
            yield from frames
            return


def _from(path: Path, times: Timeline, first: int, back: int | None) -> Iterator[tuple[int, VideoFrame]]:
    """As ``_ranked``, from the key frame ``back`` seconds before ``first``, or from the start (None)."""
    with opened(path) as container:
        stream = _stream(container, path)
        rank = _seek(container, stream, times, first, back)
        for frame in _decoded(container, stream):
            rank = _rank(frame, times, rank)
            yield rank, frame


def _seek(container: InputContainer, stream: VideoStream, times: Timeline, first: int, back: int | None) -> int:
    """Go to the key frame before frame ``first``; returns the frame number before the next, if it is known."""
    if back is None or first == 0 or times.times is None or stream.time_base is None:
        return -1
    target = int(times.times[first] - back / stream.time_base)
    try:
        container.seek(max(target, int(times.times[0])), stream=stream)
    except av.FFmpegError:
        return -1
    return first  # only used where a frame has no time


def _rank(frame: VideoFrame, times: Timeline, previous: int) -> int:
    if frame.pts is None or times.times is None:
        return previous + 1
    return int(np.searchsorted(times.times, frame.pts, side="right")) - 1


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Every frame that can be decoded, in order of presentation."""
    packets = container.demux(stream)
    while True:
        try:
            yield from next(packets).decode()
        except StopIteration:
            return
        except av.error.InvalidDataError:
            continue
        except av.FFmpegError:
            return
