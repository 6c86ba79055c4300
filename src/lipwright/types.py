"""The words everything else is said in.

Units, everywhere: seconds, pixels, Hz, 0-based frames, RGB uint8 pictures, mono float32
sound in [-1, 1]. Arrays are described as ``dtype (shape) unit``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk
from lipwright.errors import InputError

Float = NDArray[np.float32]
"""float32 array; the shape is said where it is used."""

Int = NDArray[np.int64]
"""int64 array; the shape is said where it is used."""

Picture = NDArray[np.uint8]
"""uint8 (H, W, 3), RGB, 0-255."""

Frames = Callable[[int, int], Iterator[Picture]]
"""Makes the frames from one number (included) to another (excluded) of a clip."""

Mask = NDArray[np.float32]
"""float32 (H, W), 0 keeps the source, 1 shows the new picture."""


@dataclass(frozen=True)
class Edit:
    """What was done to a picture or a sound: ``what``, in words, and whether something was ``made`` for it: a part, by
    a trained network (composite), all of it, by a voice (synthetic), or nothing ("")."""

    what: str
    made: Literal["", "composite", "synthetic"] = ""


@dataclass(frozen=True)
class Audio:
    """Mono sound: ``samples`` float32 (N,) in [-1, 1] at ``rate`` Hz; of a long file they lie on the disk (`ondisk`).

    ``source`` is the file it was read from, when there is one, and ``span`` the seconds of it from and to
    which, None = all of it: a writer takes that file's own stream (all channels, its own rate) instead of
    these samples. A span may reach before 0 or beyond the file's end: that part is silence.
    ``edits`` say how it was made, where it was.
    """

    samples: Float
    rate: int
    source: Path | None = None
    span: tuple[float, float] | None = None
    edits: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        if self.samples.ndim != 1:
            raise InputError(f"sound must be mono, float32 (N,); given an array of shape {self.samples.shape}")
        if self.rate <= 0:
            raise InputError(f"the rate of a sound must be above 0 Hz; given {self.rate}")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    def cut(self, start: float, stop: float | None = None) -> Audio:
        """The part from ``start`` to ``stop`` seconds, clamped to the sound's own length; knows its source, too."""
        first = max(0, round(start * self.rate))
        last = len(self.samples) if stop is None else max(first, round(stop * self.rate))
        samples = self.samples[first:last]
        begin = first / self.rate + (self.span[0] if self.span else 0.0)
        return Audio(samples, self.rate, self.source, (begin, begin + len(samples) / self.rate), self.edits)

    def padded(self, before: float, after: float = 0.0) -> Audio:
        """The sound with so many seconds of silence before and after it; knows its source, too."""
        if not (before >= 0 and after >= 0):
            raise InputError(f"silence of {before} s before and {after} s after a sound was asked for; give 0 or more")
        first, last = round(before * self.rate), round(after * self.rate)
        begin, end = self.span or (0.0, self.duration)
        parts = (_quiet(first), ondisk.pieces(self.samples), _quiet(last))
        samples = ondisk.keep(itertools.chain([np.zeros(0, np.float32)], *parts))
        span = (begin - first / self.rate, end + last / self.rate)
        return Audio(samples, self.rate, self.source, span, self.edits)


def _quiet(count: int) -> Iterator[Float]:
    """So many samples of silence, in pieces."""
    for start in range(0, count, ondisk.PIECE):
        yield np.zeros(min(ondisk.PIECE, count - start), np.float32)


@dataclass(frozen=True)
class Colour:
    """Colour tags of a video stream, as ffmpeg's numbers; 2 means "not said"."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False


@dataclass(frozen=True)
class Clip:
    """Lazy frames plus sound.

    ``frames(start, stop)`` decodes frames ``start`` (included) to ``stop`` (excluded) as uint8
    (H, W, 3) RGB and holds only a few of them at a time. ``size`` is (width, height) px,
    ``length`` the number of frames, ``fps`` exact. ``key`` names the content (a hash), for caches.
    ``frames`` may have a method ``look(start, stop)`` that gives the same frames sooner, see `Clip.look`. ``edits``
    were made since ``source`` was opened; a file that is written says so.
    """

    fps: Fraction
    size: tuple[int, int]
    length: int
    frames: Frames
    audio: Audio | None = None
    colour: Colour = field(default_factory=Colour)
    source: Path | None = None
    key: str = ""
    edits: tuple[Edit, ...] = ()

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
        """Frames ``start`` to ``stop`` (excluded; None = to the end), uint8 (H, W, 3) RGB."""
        last = self.length if stop is None else min(stop, self.length)
        if not 0 <= start <= last:
            raise InputError(f"frames {start} to {stop} were asked of a clip of {self.length} frames")
        return self.frames(start, last)

    def look(self, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
        """As `read`, for looking at frames rather than showing them: where the source can make them sooner so,
        they are darker by up to two grey levels."""
        return replace(self, frames=_look(self.frames)).read(start, stop)

    @property
    def duration(self) -> float:
        """Length of the picture in seconds."""
        return float(self.length / self.fps)

    def part(self, start: int, stop: int) -> Clip:
        """Frames ``start`` to ``stop`` (excluded) as a clip of their own, with the sound that goes with them."""
        if not 0 <= start < stop <= self.length:
            raise InputError(f"frames {start} to {stop} were asked of a clip of {self.length} frames")
        sound = self.audio.cut(float(start / self.fps), float(stop / self.fps)) if self.audio else None
        key = f"{self.key}-{start}-{stop}" if self.key else ""
        return replace(self, length=stop - start, frames=_Moved(self.frames, start), audio=sound, key=key)

    def with_audio(self, audio: Audio | None) -> Clip:
        """The same frames with another sound."""
        return replace(self, audio=audio)


@dataclass(frozen=True)
class _Moved:
    """The frames of a clip from ``by`` on."""

    frames: Frames
    by: int

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        return self.frames(start + self.by, stop + self.by)

    def look(self, start: int, stop: int) -> Iterator[Picture]:
        return _look(self.frames)(start + self.by, stop + self.by)


def _look(frames: Frames) -> Frames:
    """The quicker way of making frames, where there is one."""
    quicker: Frames = getattr(frames, "look", frames)
    return quicker


@dataclass(frozen=True)
class FaceTrack:
    """One face through time.

    ``start`` first frame; ``box`` float32 (T, 4) x0 y0 x1 y1 px; ``points`` float32 (T, 468, 3) px in
    MediaPipe's face-mesh topology (z in px too, smaller = nearer); ``score`` float32 (T,) 0-1.
    ``tint`` uint8 (T, 468, 3), the picture's colour at each vertex, or None where it was not kept.
    A frame without the face is a row of NaN with score 0, never a placeholder. ``id`` tells the people of a
    clip apart: 0 is the one seen largest and longest.
    """

    start: int
    box: Float
    points: Float
    score: Float
    tint: NDArray[np.uint8] | None = None
    id: int = 0

    def __len__(self) -> int:
        return len(self.score)

    @property
    def present(self) -> NDArray[np.bool_]:
        """bool (T,): frames in which the face was found."""
        return np.isfinite(self.box[:, 0])

    @property
    def points68(self) -> Float:
        """float32 (T, 68, 2) px: the iBUG-68 landmarks, picked from the mesh."""
        return self.points[:, IBUG68, :2]


# The mesh vertex nearest to each iBUG-68 landmark, in iBUG order (jaw 0-16, brows 17-26, nose 27-35,
# eyes 36-47, outer lip 48-59, inner lip 60-67).
IBUG68 = (
    127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip


@dataclass(frozen=True)
class FaceSpec:
    """What pictures a network sees: ``size`` (width, height) px, ``frames`` a window at ``fps``,
    of which ``region`` of the aligned face, with ``margin`` around it (1 = none)."""

    size: tuple[int, int]
    frames: int = 1
    fps: float = 25.0
    region: Literal["face", "lower", "mouth", "mesh"] = "face"
    margin: float = 1.0


@dataclass(frozen=True)
class AudioSpec:
    """What sound a network hears: ``feature`` of ``bins`` values every ``hop`` samples at ``rate`` Hz,
    ``steps`` columns a window, whose first column lies ``lead`` frames after the picture's own time
    (negative = earlier)."""

    feature: Literal["mel", "logmel", "mfcc"]
    rate: int = 16000
    hop: int = 200
    bins: int = 80
    steps: int = 16
    lead: float = 0.0

    @property
    def columns_per_second(self) -> Fraction:
        """Exact columns a second, e.g. 80 for hop 200 at 16 kHz."""
        return Fraction(self.rate, self.hop)

    def first(self, frame: int, fps: Fraction | float) -> int:
        """First column of the window of ``frame``: int((frame + lead) · columns/s ÷ fps), not below 0.

        The only window arithmetic in the project (Wav2Lip inference: lead 0; its training: lead −1).
        """
        at = (frame + Fraction(self.lead).limit_denominator(1000)) * self.columns_per_second / Fraction(fps)
        return max(0, int(at))


@dataclass(frozen=True)
class Face:
    """A picture to paint on a frame: ``picture`` uint8 (h, w, 3) RGB, ``mask`` float32 (h, w) 0-1, and
    ``place`` float32 (2, 3), the affine map from its pixels to the frame's (cv2's convention).

    A ``place`` that only shifts by whole pixels is painted without resampling; an ``exact`` face is painted as it
    is, whatever finish was asked for.
    """

    picture: Picture
    mask: Mask
    place: Float
    exact: bool = False


@dataclass(frozen=True)
class Take:
    """A dubber's answer for one output instant: ``canvas``, the source frame shown; ``face``, what is
    painted on it, or None where the canvas itself is the answer."""

    canvas: int
    face: Face | None = None


@dataclass(frozen=True)
class Phone:
    """One speech sound: ``symbol`` IPA, from ``start`` to ``end`` s. A timeline is a tuple of them."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True)
class Measure:
    """One measured value; ``better`` says which way is good; ``track`` holds it per frame, or None."""

    name: str
    value: float
    unit: str
    better: Literal["higher", "lower", "none"] = "none"
    track: Float | None = None


@dataclass(frozen=True)
class Issue:
    """One finding about an input: a stable ``code``, the sentence, the remedy, and where (s)."""

    code: str
    severity: Literal["info", "warning", "error"]
    message: str
    remedy: str
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class DataItem:
    """One clip of a dataset: where it is and what is known of it; ``split`` is train, val or test, or empty."""

    id: str
    path: Path
    speaker: str
    split: str
    language: str = "und"
    source: str = ""


@dataclass(frozen=True)
class Person:
    """Somebody seen in a clip: their face's ``id``, its ``box`` x0 y0 x1 y1 px where it is first seen, at ``first`` s,
    for how many ``seconds`` it is seen, whether it was ``dubbed``, and for how many seconds it ``speaks`` in the clip's
    own sound, None where that was not asked."""

    id: int
    box: tuple[int, int, int, int]
    first: float
    seconds: float
    dubbed: bool
    speaks: float | None = None


@dataclass(frozen=True)
class Dubbed(Clip):
    """A dubbed clip: a Clip like any other, and the ``issues`` found on the way, such as spans that pass
    through untouched because no face is seen, and the ``people`` seen, where faces were looked for."""

    issues: tuple[Issue, ...] = ()
    people: tuple[Person, ...] = ()


Progress = Callable[[int, int, str], None]
"""Called as ``progress(done, total, what)`` while a verb works; total 0 = unknown."""
