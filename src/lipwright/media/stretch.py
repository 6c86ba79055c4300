"""Sound made slower or faster at its own pitch, or higher and lower at its own pace."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from lipwright import ondisk
from lipwright.errors import InputError
from lipwright.media.sound import resample
from lipwright.types import Audio, Float

SLOWEST, FASTEST = 0.25, 4.0

_BLOCK = 16384


def stretch(audio: Audio, seconds: float) -> Audio:
    """The same sound spread over ``seconds``, round(seconds · rate) samples, at its own pitch (ffmpeg's atempo, which
    overlaps similar waves).

    Raises InputError where that is below a quarter or above four times as fast, or the sound is empty.
    """
    count = round(seconds * audio.rate)
    if count == len(audio.samples):
        return audio
    pace = len(audio.samples) / max(count, 1)
    if not SLOWEST <= pace <= FASTEST or len(audio.samples) == 0:
        raise InputError(
            f"{audio.duration:.2f} s of sound cannot be spread over {seconds:.2f} s; it is made {SLOWEST:g} to "
            f"{FASTEST:g} times as fast"
        )
    made = np.concatenate([np.zeros(0, np.float32), *_filtered(audio, pace)])[:count]
    return Audio(np.pad(made, (0, count - len(made))), audio.rate)


def shift(audio: Audio, semitones: float) -> Audio:
    """The same sound so many semitones higher, as long as before; what makes a voice (formants) moves too."""
    if not semitones:
        return audio
    faster = Audio(audio.samples, round(audio.rate * 2 ** (semitones / 12)))
    return stretch(resample(faster, audio.rate), audio.duration)


def _filtered(audio: Audio, pace: float) -> Iterator[Float]:
    """What ffmpeg's filter makes, in blocks."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=audio.rate, format="flt", layout="mono", time_base=Fraction(1, audio.rate))
    # One filter goes down to half the pace; two in a row make the rest.
    steps = [pace] if pace >= 0.5 else [pace**0.5, pace**0.5]
    chain = [source, *(graph.add("atempo", f"{step:.9f}") for step in steps), graph.add("abuffersink")]
    for one, next_one in pairwise(chain):
        one.link_to(next_one)
    graph.configure()
    done = 0
    for piece in ondisk.pieces(np.asarray(audio.samples, np.float32), _BLOCK):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece[None]), format="flt", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = audio.rate, Fraction(1, audio.rate), done
        done += len(piece)
        graph.push(frame)
        yield from _drained(graph)
    graph.push(None)
    yield from _drained(graph)


def _drained(graph: Graph) -> Iterator[Float]:
    while True:
        try:
            made = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield np.asarray(made.to_ndarray(), np.float32).reshape(-1)
