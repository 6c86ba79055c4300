"""When each frame of a video is shown, and at which exact constant rate it is read.

Every video is read at one constant rate. A file whose frames lie on a steady grid keeps its own
rate, as an exact fraction, frame by frame. Any other file is variable: it is conformed to its nominal
rate (its usual distance between frames) or, when most frames are further apart, to its average rate;
output frame n is then the source frame shown at n / fps seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from lipwright.types import Int

STILL_FPS = Fraction(25)
"""A still picture opens as one frame at this rate."""

_NTSC = tuple(Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 90, 120, 240))
_STANDARD = (*_NTSC, *(Fraction(n) for n in range(1, 241)), Fraction(25, 2), Fraction(15, 2))
_USUAL = tuple(Fraction(n) for n in (10, 12, 15, 20, 24, 25, 30, 50, 60, 120))
_SNAP = 2e-4  # how near (relative) a rate must be to a standard one; 30 and 30000/1001 are 1e-3 apart
_STEADY = 0.75  # frames may stray this part of a frame period in all and still lie on a grid
_REORDER = 32  # packets; no codec shows a frame that lies further behind in the file first
_EARLY = 0.125  # a frame counts as shown this part of a period before its time: rounding, jitter


@dataclass(frozen=True)
class Timeline:
    """``fps`` exact; ``length`` output frames; ``times`` int64 (N,) ascending presentation times of the
    source's frames in the stream's time base, None when the file keeps none; ``shown`` int64 (length,)
    source frame of each output frame, None when it is the output frame itself."""

    fps: Fraction
    length: int
    times: Int | None = None
    shown: Int | None = None

    @property
    def variable(self) -> bool:
        """Whether the file's own frames do not come at a steady rate."""
        return self.shown is not None

    def sources(self, start: int, stop: int) -> Int:
        """int64 (stop - start,): the source frame of each output frame, ascending."""
        return np.arange(start, stop) if self.shown is None else self.shown[start:stop]


def timeline(container: InputContainer, stream: VideoStream) -> Timeline:
    """Read the timeline of a stream from its packets, without decoding; leaves the container at its end."""
    found = [(packet.pts, packet.duration) for packet in _packets(container, stream)]
    stated = stream.average_rate or stream.guessed_rate or STILL_FPS
    unit = stream.time_base
    if unit is None or any(pts is None for pts, _ in found) or len(found) < 2:
        return Timeline(snap(stated), len(found))
    found.sort(key=lambda pair: pair[0] or 0)
    times = np.array([pts for pts, _ in found], np.int64)
    steady = _steady_rate(times, unit, [stated, stream.base_rate, stream.guessed_rate])
    if steady is not None:
        return Timeline(steady, len(times), times)
    return _conformed(times, unit, found[-1][1] or 0)


def first_time(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """When the first frame of a stream is shown, in the container's seconds; None when that is not known."""
    times = [packet.pts for packet in islice(_packets(container, stream), _REORDER) if packet.pts is not None]
    return min(times) * stream.time_base if times and stream.time_base else None


def snap(rate: Fraction) -> Fraction:
    """The standard rate next to ``rate`` if there is one within 0.02 %, else ``rate``, with a small denominator.

    >>> snap(Fraction(2997, 100))
    Fraction(30000, 1001)
    """
    nearest = min(_STANDARD, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) <= _SNAP * rate else rate.limit_denominator(1001)


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets that hold a frame to be shown, until the end or the first break of the file."""
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                yield packet
    except av.FFmpegError:
        return


def _steady_rate(times: Int, unit: Fraction, stated: list[Fraction | None]) -> Fraction | None:
    """The rate on whose grid all times lie, or None; among several the best fitting, stated ones first."""
    average = Fraction(len(times) - 1, max(1, int(times[-1] - times[0]))) / unit
    rates = list(dict.fromkeys(snap(rate) for rate in (*stated, average) if rate))
    strays = [_stray(times, unit, rate) for rate in rates]
    best = min(strays)
    return next(rate for rate, stray in zip(rates, strays, strict=True) if stray == best) if best < _STEADY else None


def _stray(times: Int, unit: Fraction, rate: Fraction) -> float:
    """How far the times stray from a steady grid, in frames, rounding of the time base not counted."""
    at = (times - times[0]) * float(unit * rate)
    span = float(np.ptp(at - np.arange(len(times))))
    return max(0.0, span - float(unit * rate))


def _conformed(times: Int, unit: Fraction, last: int) -> Timeline:
    gaps = np.diff(times)
    usual = max(1, int(np.median(gaps)))
    span = int(times[-1] - times[0]) + (last or usual)
    average = Fraction(len(times), span) / unit
    nominal = _round_rate(1 / (usual * unit))
    fps = nominal if average > nominal / 2 else _round_rate(average)
    length = max(1, round(span * unit * fps))
    at = (np.arange(length) + _EARLY) / float(fps * unit) + int(times[0])
    return Timeline(fps, length, times, np.searchsorted(times, at, side="right") - 1)


def _round_rate(rate: Fraction) -> Fraction:
    """The rate that a rate estimated from unsteady frames stands for: a usual one within 5 %, else a whole one."""
    exact = snap(rate)
    if exact in _STANDARD:
        return exact
    nearest = min(_USUAL, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) <= rate / 20 else Fraction(max(1, round(rate)))
