"""Which frame of a video fits each moment of a sound best: what a sync expert makes of them, and a path through it.

The cost of showing frame d at output frame t is the expert's distance of that picture to that sound; going from one
frame to another than the next costs a jump (`lipwright.paths`). In silence nothing is to be gained: frames play on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from lipwright import canvas as playback, features, media, ondisk, paths, registry, speech as voices
from lipwright.errors import InputError
from lipwright.types import Audio, AudioSpec, Clip, FaceSpec, FaceTrack, Float, Int, Picture

Window = int | Literal["auto"]
"""Frames at 25 fps searched to either side, or "auto"."""

WINDOW, WIDEST = 3, 12
JUMP, CAP = 0.2, 10
HELD = 10.0
"""How many times dearer a jump is in silence."""
BLOCK = 500
RATE_SECONDS, NUCLEUS_DB, AUDIBLE_DB = 2.0, 2.0, 30.0
NARROW, WIDE = 1, 6
HALF_SYLLABLE = 12.5
"""Frames at 25 fps of half a syllable, at one syllable a second."""


class Sight(Protocol):
    """What every ``Expert`` of the family ``experts`` does; see there."""

    face: FaceSpec
    audio: AudioSpec

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[NDArray[np.uint8] | None]:
        """What it sees of each frame at ``face.fps``."""
        ...

    def video(self, crops: Iterable[NDArray[np.uint8] | None]) -> Iterator[Float]:
        """Pictures to blocks of embeddings."""
        ...

    def sound(self, audio: Audio) -> Iterator[Float]:
        """Sound to blocks of embeddings."""
        ...


def expert(name: str) -> Sight:
    """A member of the family ``experts``, with its own weights.

    Raises:
        InputError: there is no such member.
        WeightsError: its weights are not here.
    """
    found: Sight = registry.load("experts", name).Expert()
    return found


def embedded(sight: Sight, clip: Clip, track: FaceTrack, speech: Audio) -> tuple[Float, Float]:
    """Embeddings of a face and of a sound: float32 (T, D) and (U, D), a row for each frame at ``face.fps``."""
    seen = ondisk.keep(sight.video(sight.crops(clip, track)))
    heard = ondisk.keep(sight.sound(media.resample(speech, sight.audio.rate)))
    return seen, heard


@dataclass(frozen=True)
class Evidence:
    """What an expert makes of a video and a sound: embeddings float32 ``seen`` (T, D) and ``heard`` (U, D), ``rate``
    rows a second; ``speech``, the sound itself; the clip's ``fps``."""

    seen: Float
    heard: Float
    rate: float
    speech: Audio
    fps: Fraction

    @classmethod
    def of(cls, sight: Sight, clip: Clip, track: FaceTrack, speech: Audio) -> Evidence:
        """The evidence of the expert ``sight``."""
        return cls(*embedded(sight, clip, track, speech), sight.face.fps, speech, clip.fps)


class Costs:
    """Rows of what showing each of the frames around a canvas would cost, made when they are read.

    Args:
        evidence: what the expert says; places between its rows are weighted means of the four distances around.
        canvas: int64 (N,), the frame in the middle of each row.
        usable: bool (T,), which of the clip's frames may be taken beside the one in the middle.
        reach: frames to either side.
    """

    def __init__(self, evidence: Evidence, canvas: Int, usable: NDArray[np.bool_], reach: int) -> None:
        self._seen, self._heard = evidence.seen, evidence.heard
        self._step = Fraction(evidence.rate) / evidence.fps
        self._canvas, self._usable, self._reach = canvas, usable, reach

    def blind(self) -> NDArray[np.bool_]:
        """bool (N,): output frames whose own frame the expert cannot judge."""
        row, _ = self._places(self._canvas, len(self._seen))[0]
        return np.isnan(self._seen[row, 0])

    def __iter__(self) -> Iterator[Float]:
        for start in range(0, len(self._canvas), BLOCK):
            yield from self.block(start, min(start + BLOCK, len(self._canvas)))

    def block(self, start: int, stop: int) -> Float:
        """Rows ``start`` to ``stop``, float32 (n, 2 · reach + 1): infinite where there is no such frame; where the
        expert does not know, what it knows of the row's other frames, 0 where that is nothing."""
        rows = np.full((stop - start, 2 * self._reach + 1), np.inf, np.float32)
        heard = self._places(np.arange(start, stop), len(self._heard))
        for k in range(rows.shape[1]):
            frames = self._canvas[start:stop] + (k - self._reach)
            there = (frames >= 0) & (frames < len(self._usable))
            there[there] &= self._usable[frames[there]] | (k == self._reach)
            found = self._distance(self._places(frames, len(self._seen)), heard)
            rows[there, k] = found[there]
        known = np.where(np.isfinite(rows), rows, 0).sum(1) / np.maximum(np.isfinite(rows).sum(1), 1)
        return np.where(np.isnan(rows), known[:, None].astype(np.float32), rows)

    def _places(self, frames: Int, count: int) -> list[tuple[Int, Float]]:
        """The one or two rows around each frame, and their weights."""
        whole, rest = np.divmod(frames * self._step.numerator, self._step.denominator)
        share = rest / self._step.denominator
        if not share.any():
            return [(np.clip(whole, 0, count - 1), np.ones(len(whole), np.float32))]
        rows = (np.clip(whole, 0, count - 1), 1 - share), (np.clip(whole + 1, 0, count - 1), share)
        return [(row, weight.astype(np.float32)) for row, weight in rows]

    def _distance(self, seen: list[tuple[Int, Float]], heard: list[tuple[Int, Float]]) -> Float:
        total = np.zeros(len(seen[0][0]), np.float32)
        for row, weight in seen:
            for other, share in heard:
                part = weight * share
                far = np.linalg.norm(self._seen[row] - self._heard[other], axis=1)
                total += np.where(part > 0, part * far, 0)
        return total


def choose(
    evidence: Evidence,
    canvas: Int,
    usable: NDArray[np.bool_],
    *,
    window: Window = WINDOW,
    jump: float = JUMP,
    greedy: bool = False,
) -> Int:
    """The source frame that fits each output frame's sound best, int64 (N,), near the one that ``canvas`` shows.

    The cheapest path of all (Viterbi) of distance + ``jump`` · frames jumped. Where there is no speech, or no face,
    frames play on as they are. ``greedy`` takes the nearest frame at every instant by itself, as the source report
    did (dfadeeff/LipSync, ``create_lipsync_poc.py``).

    Args:
        evidence: what the expert says.
        canvas: int64 (N,), the source frame that each output frame shows so far.
        usable: bool (T,), the frames of the clip that may be taken beside the one that ``canvas`` shows.
        window: frames at 25 fps to either side, 1 to 12; "auto": half a syllable of the speech at hand, less where
            it is soft (see `windows`).
        jump: from 0; what a frame left out or shown twice costs, in the expert's distance.
        greedy: choose each frame by itself.

    Raises:
        InputError: a window or a jump outside its range.
    """
    reach = frames_of(WIDE if window == "auto" else _checked(window), evidence.fps)
    if not 0 <= jump < np.inf:
        raise InputError(f"jump is 0 or more; given {jump}")
    costs = Costs(evidence, canvas, usable, reach)
    about = np.full(len(canvas), reach)
    if window == "auto":
        about = windows(evidence.speech, evidence.fps, len(canvas))
    if greedy:
        return _nearest(costs, canvas, about, reach)
    voiced = np.where(costs.blind(), 0, voices.voiced(evidence.speech, evidence.fps, len(canvas)))
    rows = (_heard(row, v, n, reach) for row, v, n in zip(costs, voiced.tolist(), about.tolist(), strict=True))
    held = (jump * (1 + (HELD - 1) * (1 - voiced))).astype(np.float32)
    return paths.smooth_path(rows, canvas, jump=held, cap=CAP, backward=bool((np.diff(canvas) < 0).any()))


def _checked(window: Window) -> int:
    if isinstance(window, bool) or not isinstance(window, int) or not 1 <= window <= WIDEST:
        raise InputError(f"window is 'auto' or a whole number of frames from 1 to {WIDEST}; given {window}")
    return window


def frames_of(window: int, fps: Fraction) -> int:
    """So many frames at 25 fps in frames of ``fps``, at least one."""
    return max(1, round(window * fps / 25))


def _heard(row: Float, voiced: float, near: int, reach: int) -> Float:
    """A row of costs that counts as far as something is said; there, no further away than ``near`` frames."""
    if not voiced:
        return np.where(np.isfinite(row), 0, np.inf).astype(np.float32)
    return _bounded(row * voiced, near, reach)


def _bounded(row: Float, near: int, reach: int) -> Float:
    """A row whose frames further away than ``near`` are out of the question."""
    row = row.copy()
    row[: reach - near] = np.inf
    row[reach + near + 1 :] = np.inf
    return row


def _nearest(costs: Costs, canvas: Int, about: Int, reach: int) -> Int:
    best = [int(_bounded(row, int(near), reach).argmin()) for row, near in zip(costs, about, strict=True)]
    return canvas + np.array(best, np.int64) - reach


def windows(speech: Audio, fps: Fraction, length: int) -> Int:
    """How far to search at each of ``length`` frames: int64 (length,), frames of ``fps``.

    Half a syllable at the rate at which syllables come there, so that a mouth is never taken for its neighbour's;
    less where the speech is soft and says little; 1 to 6 frames at 25 fps.
    """
    rate, loud = syllable_rate(speech), features.energy(speech)
    floor = float(loud.max(initial=-100.0)) - AUDIBLE_DB
    at = np.minimum((np.arange(length) / float(fps) * 100).astype(int), len(loud) - 1)
    share = np.clip((signal.medfilt(loud, 21)[at] - floor) / (AUDIBLE_DB / 2), 0, 1)
    wide = np.clip(HALF_SYLLABLE / np.maximum(rate[at], 1.0) * share, NARROW, WIDE)
    return np.maximum(1, np.round(wide * float(fps) / 25)).astype(np.int64)


def syllable_rate(speech: Audio) -> Float:
    """Syllables a second around each moment: float32 (ceil(100 · seconds),), over 2 s.

    A syllable is a peak of the level that stands 2 dB above the dips beside it and within 30 dB of the loudest
    (after de Jong & Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically", 2009).
    """
    level = signal.convolve(np.pad(features.energy(speech), 2, mode="edge"), np.hanning(7)[1:-1] / 3, mode="valid")
    peaks, _ = signal.find_peaks(level, height=float(level.max()) - AUDIBLE_DB, prominence=NUCLEUS_DB)
    count = np.zeros(len(level))
    count[peaks] = 1
    wide = round(RATE_SECONDS * 100)
    sums = np.convolve(count, np.ones(wide), "same")
    share = np.convolve(np.ones(len(level)), np.ones(wide), "same")
    return np.asarray(100 * (sums[: len(level)] / share[: len(level)]), np.float32)


def shown(clip: Clip, path: Int) -> Iterator[Picture]:
    """The pictures of ``clip`` in the order of ``path``. Where it wavers about a video that runs on, each frame is
    decoded once, and as many are held as the path goes back; other paths are read as `lipwright.canvas` does."""
    back = int((np.maximum.accumulate(path) - path).max(initial=0))
    if back > playback.CHUNK or np.diff(path).max(initial=0) > playback.CHUNK:
        yield from playback.shown(clip, path)
        return
    following = max(0, int(path[0]) - back) if len(path) else 0
    reader = clip.read(following, int(path.max(initial=following - 1)) + 1)
    kept: deque[Picture] = deque(maxlen=back + 1)
    for wanted in path.tolist():
        while following <= wanted:
            kept.append(next(reader))
            following += 1
        yield kept[wanted - following].copy()
