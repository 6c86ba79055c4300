"""Drawn pictures and sounds: what the tests use where real footage is not needed.

Nothing here is a recording: faces are ellipses, voices are buzzing harmonics. ``write`` makes files
with PyAV alone, so that the package's own writer is not what its reader is tested with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from lipwright.types import Audio, Clip, Float, Picture

# sound -------------------------------------------------------------------------------------------------


def silence(seconds: float, rate: int = 16000) -> Audio:
    return Audio(np.zeros(round(seconds * rate), np.float32), rate)


def noise(seconds: float, rate: int = 16000, level: float = 0.05, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).normal(0, level, round(seconds * rate))
    return Audio(np.clip(samples, -1, 1).astype(np.float32), rate)


def tone(seconds: float, rate: int = 16000, hz: float = 440.0, level: float = 0.3) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    return Audio((level * np.sin(2 * np.pi * hz * time)).astype(np.float32), rate)


def syllables(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(centre s, height 0-1) of drawn syllables, 3 to 5 a second with pauses, never evenly spaced."""
    random = np.random.default_rng(seed)
    centres = np.cumsum(random.choice([0.2, 0.24, 0.3, 0.34, 0.6], int(seconds / 0.2) + 2))
    centres = centres[centres < seconds - 0.1]
    return centres, random.uniform(0.4, 1.0, len(centres))


def loudness(time: np.ndarray, seconds: float, seed: int = 0) -> Float:
    """float32 (T,) 0-1: how loud the drawn voice is, and so how far its mouth is open, at ``time`` s."""
    centres, heights = syllables(seconds, seed)
    bumps = heights * np.exp(-(((np.asarray(time)[:, None] - centres) / 0.055) ** 2))
    return np.clip(bumps.sum(axis=1), 0, 1).astype(np.float32)


def voice(seconds: float, rate: int = 16000, seed: int = 0, pitch: float = 120.0) -> Audio:
    """A buzzing voice that says syllables: harmonics of a wavering pitch under one moving formant."""
    time = np.arange(round(seconds * rate)) / rate
    loud = loudness(time, seconds, seed)
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.05 * np.sin(2 * np.pi * 0.7 * time))) / rate
    formant = 450 + 350 * loud
    samples = np.zeros_like(time)
    for harmonic in range(1, 25):
        if harmonic * pitch * 1.1 < rate / 2:
            gain = 0.15 / harmonic + np.exp(-(((harmonic * pitch - formant) / 180) ** 2))
            samples += gain * np.sin(harmonic * phase)
    return Audio((0.2 * loud * samples).clip(-1, 1).astype(np.float32), rate)


# pictures ----------------------------------------------------------------------------------------------


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> Picture:
    """A picture that says its own number in 12 black or white bars; ``number_of`` reads it back."""
    width, height = size
    bits = [(number >> bit) & 1 for bit in range(12)]
    columns = np.minimum(np.arange(width) * 12 // width, 11)
    row = np.array(bits, np.uint8)[columns] * 200 + 20
    return np.repeat(np.repeat(row[None, :, None], height, axis=0), 3, axis=2)


def number_of(picture: Picture) -> int:
    """The number drawn by ``numbered``, also after lossy coding."""
    width = picture.shape[1]
    centres = [(2 * bit + 1) * width // 24 for bit in range(12)]
    row = picture[picture.shape[0] // 4 : -(picture.shape[0] // 4)].mean(axis=(0, 2))
    return sum(int(row[x] > 120) << bit for bit, x in enumerate(centres))


def face(
    opening: float,
    size: tuple[int, int] = (320, 240),
    width: float = 0.4,
    centre: tuple[float, float] = (0.5, 0.5),
    tilt: float = 0.0,
) -> Picture:
    """A drawn face whose mouth is ``opening`` (0-1) open; ``width`` and ``centre`` as parts of the picture's size."""
    picture = np.full((size[1], size[0], 3), (70, 90, 110), np.uint8)
    scale = width * size[0] / 2
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])

    def blob(x: float, y: float, rx: float, ry: float, colour: Sequence[int]) -> None:
        at = turn @ np.array([x, y]) * scale + np.array([centre[0] * size[0], centre[1] * size[1]])
        axes = (max(1, round(rx * scale)), max(1, round(ry * scale)))
        cv2.ellipse(picture, (round(at[0]), round(at[1])), axes, np.degrees(tilt), 0, 360, colour, -1, cv2.LINE_AA)

    blob(0, -0.25, 1.05, 1.35, (60, 40, 30))  # hair
    blob(0, 0, 0.95, 1.25, (214, 168, 140))  # skin
    for side in (-1, 1):
        blob(side * 0.38, -0.3, 0.19, 0.1, (245, 245, 245))
        blob(side * 0.38, -0.3, 0.085, 0.095, (50, 35, 30))
        blob(side * 0.38, -0.52, 0.24, 0.045, (70, 45, 35))
        blob(side * 0.1, 0.22, 0.05, 0.03, (130, 85, 75))
    blob(0, 0.05, 0.1, 0.24, (200, 150, 124))
    blob(0, 0.65, 0.36, 0.1 + 0.2 * opening, (180, 80, 80))  # lips
    blob(0, 0.65, 0.29, 0.01 + 0.2 * opening, (60, 20, 25))
    return cv2.GaussianBlur(picture, (0, 0), max(0.5, scale / 60))


def talking(
    length: int,
    fps: Fraction = Fraction(25),
    size: tuple[int, int] = (320, 240),
    delay: float = 0.0,
    seed: int = 0,
    rate: int = 16000,
) -> Clip:
    """A drawn face that speaks the drawn voice of ``seed``; the sound comes ``delay`` s late (< 0: early)."""
    seconds = float(length / fps)
    opening = loudness(np.arange(length) / float(fps), seconds, seed)

    def frames(start: int, stop: int) -> Iterator[Picture]:
        for frame in range(start, stop):
            sway = 0.02 * np.sin(frame / 17)
            yield face(float(opening[frame]), size, centre=(0.5 + sway, 0.5))

    sound = shifted(voice(seconds, rate, seed), delay)
    return Clip(fps, size, length, frames, audio=sound, key=f"drawn {seed}, {length} at {fps} of {size}")


def shifted(audio: Audio, delay: float) -> Audio:
    """The same length of sound, ``delay`` s later, silence where nothing is known."""
    by = round(delay * audio.rate)
    samples = np.zeros_like(audio.samples)
    if by >= 0:
        samples[by:] = audio.samples[: len(samples) - by]
    else:
        samples[:by] = audio.samples[-by:]
    return Audio(samples, audio.rate)


# files -------------------------------------------------------------------------------------------------


def write(
    path: Path,
    pictures: Iterable[Picture],
    fps: Fraction | int = 25,
    *,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    tags: tuple[int, int, int, int] | None = None,
    audio: np.ndarray | None = None,
    rate: int = 44100,
    audio_codec: str = "aac",
    options: dict[str, str] | None = None,
) -> Path:
    """A video file made with PyAV: ``times`` s for a variable rate; ``tags`` range, primaries, transfer, matrix;
    ``audio`` float32 (channels, N)."""
    with av.open(str(path), "w") as output:
        stream = None
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = output.add_stream(codec, rate=Fraction(fps), options=options or {"crf": "12", "g": "20"})
                _prepare(stream, picture, pix_fmt, rotation, tags, Fraction(1, 90000) if times else 1 / Fraction(fps))
                sound = None if audio is None else _sound(output, audio, rate, audio_codec)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format=pix_fmt, dst_colorspace=tags[3] if tags else None, dst_color_range=tags[0] if tags else None
            )
            frame.time_base = stream.codec_context.time_base
            frame.pts = index if times is None else round(times[index] * 90000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if audio is not None:
            _encode_sound(output, sound, audio, rate)
    return path


def _prepare(stream, picture, pix_fmt, rotation, tags, time_base) -> None:
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = pix_fmt
    stream.codec_context.time_base = time_base
    if rotation:
        stream.set_display_rotation(rotation)
    if tags:
        context = stream.codec_context
        context.color_range, context.color_primaries, context.color_trc, context.colorspace = tags


def _sound(output, audio, rate, codec):
    return output.add_stream(codec, rate=rate, layout={1: "mono", 2: "stereo", 6: "5.1"}[len(audio)])


def _encode_sound(output, stream, audio, rate) -> None:
    for start in range(0, audio.shape[1], 1024):
        block = np.ascontiguousarray(audio[:, start : start + 1024], np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=stream.layout.name)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def write_sound(path: Path, audio: np.ndarray, rate: int = 44100, codec: str = "pcm_f32le") -> Path:
    """A sound file; ``audio`` float32 (channels, N) or (N,)."""
    audio = np.atleast_2d(audio)
    with av.open(str(path), "w") as output:
        stream = _sound(output, audio, rate, codec)
        _encode_sound(output, stream, audio, rate)
    return path


def still(path: Path, picture: Picture) -> Path:
    """A picture file of the kind its suffix says."""
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return path
