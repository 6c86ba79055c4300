"""One voice made to sound like another's, learned from a few seconds of that other's speech.

Nothing has to be said alike, nor in one language. A voice is taken apart (`vocoder`). How its spectral envelopes become
those of the target is learned from a rehearsal: each frame is paired with the nearest of the target's, and theirs with
its, an affine map is fitted to the pairs, and the frames so moved are paired anew (INCA: Erro, Moreno and Bonafonte,
2010), for frames with and without pitch apart. Each mapped frame then becomes the mean of the nearest frames that the
target really spoke, weighted by their distance and smoothed in time; how much they vary is brought to what it was in
the target. Pitch takes the target's median and spread, noise comes with the frames. Where that costs too much clarity,
less of it is done: the rehearsal says how much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lipwright import vocoder, voiceprint
from lipwright.errors import InputError, MissingExtraError
from lipwright.features import RATE, checked
from lipwright.media import resample
from lipwright.types import Audio, Float
from lipwright.vocoder import Array, Frames

LEAST, MOST = 3.0, 20.0
"""Seconds of a target's speech that are needed, and that are listened to."""
CLEAR = 0.71
"""STOI against the unconverted speech below which less is converted."""

_SLOW, _FAST = 16000, 24000  # Hz; the higher where the target's recording has it
_NEAR, _PULL, _ROUNDS, _PAIRED, _AT_ONCE = 8, 1.0, 5, 800, 500
_TELLING = 1.5  # s; of less, STOI says nothing
_FEW = 50  # frames of a kind, below which it is left as it is
_SMOOTH = 1.0  # frames
_STRENGTHS = (2.0, 1.75, 1.5, 1.25, 1.0, 0.85, 0.7, 0.55, 0.4)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Target:
    """A voice to become: its ``frames``, its ``print`` (`voiceprint`), float32 (256,), and ``ceiling``, how alike the
    two halves of its own recording are, NaN where they are too short to say; ``speech``, what was heard of it."""

    frames: Frames
    print: Float
    ceiling: float
    speech: Audio

    @property
    def pitch(self) -> float:
        """The middle of their pitch, Hz."""
        return float(np.exp(_pitch(self.frames)[0]))


def listen(audio: Audio) -> Target:
    """What is to be known of a speaker, from up to 20 s of their speech; pauses do not count.

    Raises:
        InputError: fewer than 3 s of speech (silence, noise), or two voices.
        MissingExtraError: pyworld is not installed.
        PullError: the encoder of `voiceprint` is not here and cannot be brought.
    """
    rate = _FAST if audio.rate >= _FAST else _SLOW
    heard = voiceprint.spoken(audio, MOST, rate, LEAST)
    prints = voiceprint.windows(resample(heard, RATE))
    if voiceprint.parted(prints)[0] is not None:
        name = str(audio.source) if audio.source else "the recording"
        raise InputError(
            f"two voices are heard in {name}, and it cannot be said whose is wanted; "
            "give a recording of one person, a part of this one for example"
        )
    halves = np.array_split(prints, 2)
    ceiling = float("nan") if len(prints) < 2 else voiceprint.similarity(*(half.mean(0) for half in halves))
    return Target(vocoder.analyse(heard), prints.mean(0), ceiling, heard)


@dataclass(frozen=True)
class _Kind:
    """How frames of one kind, with or without pitch, are carried over: scaled, mapped, replaced by the nearest."""

    middle: Array
    spread: Array
    matrix: Array
    shift: Array
    own: Array
    own_middle: Array
    own_spread: Array
    noise: Array


class Conversion:
    """From one voice to another's.

    Args:
        rehearsal: some 10 s of the voice to be converted; the text does not matter.
        target: whose it shall become.
        semitones: how much higher than the target's the pitch shall be.
        judged: the speech that must stay clear; None: the rehearsal.

    ``sample`` is what was judged (or the rehearsal), converted. ``strength`` is how much is done, as much as keeps it
    clear: 2, frames are those that the target spoke; 1, they are mapped only; below, they are between those and the
    voice as it was, down to 0.4.

    Raises:
        InputError: an empty rehearsal.
        MissingExtraError: pyworld or pystoi is not installed.
    """

    def __init__(
        self, rehearsal: Audio, target: Target, *, semitones: float = 0.0, judged: Audio | None = None
    ) -> None:
        self.target, self.rate, self._semitones = target, target.frames.rate, semitones
        sound = resample(rehearsal, self.rate)
        source = vocoder.analyse(sound, noise=False)
        self._kinds: list[_Kind | None] = [_kind(source, target.frames, voiced) for voiced in (True, False)]
        self._level = _level(target.frames) - _level(source)
        self._pitches = _pitch(source), _pitch(target.frames)
        self._gain = np.ones(vocoder.BANDS - 1)
        self._gain = _gain(self._mapped(source, _STRENGTHS[0])[0][:, 1:], source.loud, target.frames)
        if judged is not None and judged.duration > _TELLING:
            sound = resample(judged, self.rate)
            source = vocoder.analyse(sound, noise=False)
        self._judged = judged
        self.strength, self.sample = self._clear(sound, source)

    def __call__(self, audio: Audio) -> Audio:
        """``audio`` in the target's voice, at the same times, at 16 or 24 kHz, as many samples as it has there."""
        if audio is self._judged and audio.duration > _TELLING:
            return self.sample
        sound = resample(audio, self.rate)
        made = self._made(vocoder.analyse(sound, noise=False), self.strength)
        return Audio(checked(made, self.rate), self.rate)

    def _clear(self, sound: Audio, source: Frames) -> tuple[float, Audio]:
        """How much may be done to a speech, and what it then is."""
        for strength in _STRENGTHS:
            made = self._made(source, strength)
            if sound.duration <= _TELLING or strength == _STRENGTHS[-1] or clarity(sound, made) >= CLEAR:
                break
        return strength, made

    def _made(self, source: Frames, strength: float) -> Audio:
        envelope, noise = self._mapped(source, strength)
        pitch = np.where(source.voiced, self._moved(np.log(np.maximum(source.pitch, 1))), 0)
        return vocoder.synthesise(replace(source, pitch=pitch, envelope=envelope, noise=noise))

    def _moved(self, pitch: Array) -> Array:
        (own, spread), (theirs, wanted) = self._pitches
        higher = self._semitones * np.log(2) / 12
        return np.exp((pitch - own) * np.clip(wanted / spread, 0.5, 2.0) + theirs + higher)

    def _mapped(self, source: Frames, strength: float) -> tuple[Array, Array]:
        """Envelopes and noise in the target's voice, the level moved as a whole."""
        envelope, noise = source.envelope.copy(), source.noise.copy()
        for voiced, kind in zip((True, False), self._kinds, strict=True):
            rows = source.voiced == voiced
            if kind is not None and rows.any():
                envelope[rows, 1:], noise[rows] = _carried(source.envelope[rows, 1:], kind, strength - 1)
        envelope[:, 1:] = ndimage.gaussian_filter1d(envelope[:, 1:], _SMOOTH, axis=0)
        middle = envelope[source.loud, 1:].mean(0)
        envelope[:, 1:] = (envelope[:, 1:] - middle) * self._gain + middle
        if strength < 1:
            envelope[:, 1:] += (1 - strength) * (source.envelope[:, 1:] - envelope[:, 1:])
        envelope[:, 0] += self._level
        return envelope, noise


def clarity(plain: Audio, other: Audio) -> float:
    """How much of ``plain`` is understood in ``other``, of one rate and in time with it: STOI (Taal et al., 2011), 0 to
    1. Raises MissingExtraError where pystoi is not installed."""
    try:
        from pystoi import stoi
    except ImportError as problem:
        raise MissingExtraError("voices", "pystoi") from problem
    shorter = min(len(plain.samples), len(other.samples))
    return float(stoi(plain.samples[:shorter], other.samples[:shorter], plain.rate))


def _kind(source: Frames, target: Frames, voiced: bool) -> _Kind | None:
    """What is learned of the frames with, or without, pitch; None where one side has hardly any."""
    mine, theirs = ((frames.voiced == voiced) & frames.loud for frames in (source, target))
    theirs[::2] = False  # 100 a second are enough to find the nearest among
    if min(mine.sum(), theirs.sum()) < _FEW:
        return None
    x, y = source.envelope[mine, 1:], target.envelope[theirs, 1:]
    middle, spread, own_middle, own_spread = x.mean(0), x.std(0) + 1e-6, y.mean(0), y.std(0) + 1e-6
    own = (y - own_middle) / own_spread
    matrix, shift = _map((x - middle) / spread, own)
    return _Kind(middle, spread, matrix, shift, own, own_middle, own_spread, target.noise[theirs])


def _map(x: Array, y: Array) -> tuple[Array, Array]:
    """INCA: an affine map from one set of frames to another, drawn towards none at all."""
    x, y = (some[np.linspace(0, len(some) - 1, min(len(some), _PAIRED)).astype(int)] for some in (x, y))
    size = x.shape[1]
    weights = np.vstack([np.eye(size), np.zeros((1, size))])
    start, hold = weights, _PULL * np.diag([1.0] * size + [0.0])
    for _ in range(_ROUNDS):
        moved = x @ weights[:-1] + weights[-1]
        given = np.vstack([x, x[_nearest(y, moved, 1)[0][:, 0]]])
        wanted = np.vstack([y[_nearest(moved, y, 1)[0][:, 0]], y])
        given = np.hstack([given, np.ones((len(given), 1))])
        weights = np.linalg.solve(given.T @ given / len(given) + hold, given.T @ wanted / len(given) + hold @ start)
    return weights[:-1], weights[-1]


def _carried(envelope: Array, kind: _Kind, share: float) -> tuple[Array, Array]:
    """Envelopes (T, 35) of one kind mapped, with a ``share`` of the target's nearest frames in them, and their
    noise."""
    moved = (envelope - kind.middle) / kind.spread @ kind.matrix + kind.shift
    at, distance = _nearest(moved, kind.own, _NEAR)
    weight = np.exp(-2 * (distance - distance.min(1, keepdims=True)) / (distance.mean(1, keepdims=True) + 1e-9))
    weight = (weight / weight.sum(1, keepdims=True))[..., None]
    moved += max(0.0, share) * ((kind.own[at] * weight).sum(1) - moved)
    return moved * kind.own_spread + kind.own_middle, (kind.noise[at] * weight).sum(1)


def _nearest(x: Array, y: Array, count: int) -> tuple[NDArray[np.int64], Array]:
    """For each of x (N, d) the ``count`` nearest of y (M, d): their rows, and squared distances, both (N, count)."""
    count = min(count, len(y))
    mine, theirs = x.astype(np.float32), y.astype(np.float32)
    length = (theirs**2).sum(1)
    rows, far = [], []
    for start in range(0, len(mine), _AT_ONCE):
        some = mine[start : start + _AT_ONCE]
        distance = length - 2 * some @ theirs.T + (some**2).sum(1)[:, None]
        found = np.argpartition(distance, count - 1, axis=1)[:, :count] if count > 1 else distance.argmin(1)[:, None]
        rows.append(found)
        far.append(np.take_along_axis(distance, found, 1))
    return np.concatenate(rows), np.maximum(np.concatenate(far), 0).astype(np.float64)


def _gain(made: Array, loud: Mask, target: Frames) -> Array:
    """What brings the spread of each coefficient, lost in averaging, to the target's (global variance: Toda, 2007)."""
    wanted, found = target.envelope[target.loud, 1:].std(0), made[loud].std(0)
    return np.clip(wanted / np.maximum(found, 1e-6), 0.8, 2.0)


def _level(frames: Frames) -> float:
    return float(frames.envelope[frames.loud, 0].mean())


def _pitch(frames: Frames) -> tuple[float, float]:
    """Median and spread of the logarithm of the pitch; those of a low voice where there is none."""
    if frames.voiced.sum() < _FEW:
        return float(np.log(120)), 0.2
    low, middle, high = np.percentile(np.log(frames.pitch[frames.voiced]), [16, 50, 84])
    return float(middle), max(0.05, float(high - low) / 2)
