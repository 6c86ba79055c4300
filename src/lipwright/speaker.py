"""Who speaks when: several faces, one sound.

Each face is compared with the sound by a sync expert, frame by frame. What a face has to say for itself is half of the
median of its distances to all the sounds around less the distance to the sound of that moment: the distance tells who
fits, and the median takes out some of what is near, or far, to every sound. The offset is that of all faces together.
A path through time then chooses who speaks, or nobody, with a price for each change (Viterbi, "Error bounds for
convolutional codes and an asymptotically optimum decoding algorithm", 1967). Where there is no voice nobody speaks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, ondisk, registry, speech, sync
from lipwright.media import resample
from lipwright.types import Audio, AudioSpec, Clip, FaceSpec, FaceTrack, Float, Issue, Progress

EXPERT = "lipmesh"
"""Once faces are followed it needs no picture, and is as sure of the speaker (benchmarks/speaker_quality.py)."""

STEP_SECONDS = 0.2
CHANGE = 2.0
"""What a change of speaker costs: what a face that fits gains in about half a second."""
LEAST = 0.08
"""A face that fits by less than this, distance against the median of the others, is no better than nobody."""
FARTHER = 0.5
"""What is charged to a face at an offset one frame farther from nought: it decides in clips of a second or two."""
ABSENT = -1.0
"""What a face that is not seen has to say for itself: less than any that is seen."""
BRIEF_SECONDS = 0.6
"""A face that is seen for less takes no part."""


class Expert(Protocol):
    """What is used of a member of ``experts``, see there."""

    face: FaceSpec
    audio: AudioSpec
    distance: sync.How

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Any]: ...  # noqa: D102

    def video(self, crops: Iterable[Any]) -> Iterator[Float]: ...  # noqa: D102

    def sound(self, audio: Audio) -> Iterator[Float]: ...  # noqa: D102


@dataclass(frozen=True)
class Turn:
    """A stretch of speech, ``start`` to ``stop`` s: the id of the ``face`` that speaks, None where it is nobody seen,
    and its ``contrast``, by how much nearer it is to the sound than to others (distance, 0 = not at all)."""

    start: float
    stop: float
    face: int | None
    contrast: float


@dataclass(frozen=True)
class Speakers:
    """Who speaks when: ``turns`` in their order, silence between them, and the ``offset`` (frames at ``fps``) at which
    all faces together fit best, > 0 where the sound comes early."""

    turns: tuple[Turn, ...]
    offset: int
    fps: float

    def seconds(self, face: int | None) -> float:
        """For how long a face speaks; None: a voice that is nobody's."""
        return sum(turn.stop - turn.start for turn in self.turns if turn.face == face)

    @property
    def most(self) -> int | None:
        """The face that speaks for the longest time; None where no face speaks."""
        known = dict.fromkeys(turn.face for turn in self.turns if turn.face is not None)
        return max(known, key=self.seconds, default=None)

    def others(self, face: int, fps: float, length: int) -> NDArray[np.bool_]:
        """The frames, of ``length`` at ``fps``, in which another face than this one speaks."""
        found = np.zeros(length, bool)
        for turn in self.turns:
            if turn.face not in (None, face):
                found[round(turn.start * fps) : round(turn.stop * fps)] = True
        return found

    def between(self, start: float, stop: float) -> int | None:
        """The face that speaks most between ``start`` and ``stop`` s; None where nobody does, or nobody seen."""
        shares: dict[int | None, float] = {}
        for turn in self.turns:
            over = min(stop, turn.stop) - max(start, turn.start)
            if over > 0:
                shares[turn.face] = shares.get(turn.face, 0.0) + over
        return max(shares, key=lambda face: shares[face], default=None)


def active(
    clip: Clip, found: Sequence[FaceTrack], sound: Audio | None = None, progress: Progress | None = None
) -> Speakers:
    """Who of several people speaks when in ``clip``; nobody does where there is one, or no sound to go by.

    ``sound`` is the clip's own unless told. Raises WeightsError where the expert may not be believed.
    """
    sound = clip.audio if sound is None else sound
    usable = sound is not None and sound.duration >= BRIEF_SECONDS and ondisk.finite(sound.samples)
    if len(found) < 2 or sound is None or not usable:
        return Speakers((), 0, 25.0)
    expert = registry.load("experts", EXPERT).Expert()
    expert.calibrated()
    return listen(clip, found, sound, expert, progress)


def chosen(found: Sequence[FaceTrack], heard: Speakers) -> FaceTrack:
    """The one of ``found`` who speaks for the longest time; the largest where nobody does."""
    return next((face for face in found if face.id == heard.most), None) or faces.largest(found)


def doubt(clip: Clip, found: Sequence[FaceTrack], heard: Speakers, sound: Audio | None = None) -> Issue | None:
    """What is to be said where several people are seen and the sound, the clip's own unless told, does not tell who
    speaks."""
    if len(found) < 2 or heard.most is not None:
        return None
    sound = clip.audio if sound is None else sound
    name = (sound.source if sound is not None else None) or clip.source or "the clip"
    why = f"no voice in {name} fits anybody's lips" if heard.turns else f"no voice is heard in {name}"
    return Issue(
        "speaker-unknown", "warning",
        f"{why if sound is not None else f'{name} has no sound'}, so of {len(found)} people the largest was taken",
        "name the one who is meant: --face ID, or X,Y in pixels",
    )  # fmt: skip


def listen(
    clip: Clip, tracks: Sequence[FaceTrack], sound: Audio, expert: Expert, progress: Progress | None = None
) -> Speakers:
    """Who of ``tracks`` speaks when in ``clip``, by the ``sound`` (any rate).

    Faces seen for less than 0.6 s take no part. Raises InputError for a sound that is empty or not finite.
    """
    fps = expert.face.fps
    least = BRIEF_SECONDS * float(clip.fps)
    meant = [track for track in tracks if track.present.sum() >= least]
    heard = resample(sound, expert.audio.rate)
    sounds = ondisk.keep(expert.sound(heard))
    tables = []
    for done, track in enumerate(meant):
        if progress is not None:
            progress(done, len(meant), "who speaks")
        blocks = ondisk.pieces(sounds, sync.BLOCK)
        tables.append(sync.stream(expert.video(expert.crops(clip, track)), blocks, how=expert.distance).rows)
    if not tables:
        return Speakers((), 0, fps)
    voiced = speech.voiced(heard, fps, len(tables[0]), ramp=0.0)
    return speakers(tables, voiced, [track.id for track in meant], fps)


def speakers(tables: Sequence[Float], voiced: Float, ids: Sequence[int], fps: float) -> Speakers:
    """Who speaks when, from the distances (T, 2·reach + 1) of each face, see `lipwright.sync.band`.

    Args:
        tables: one for each face, all as long; NaN where it is not seen.
        voiced: (T,), how much of each frame is speech, 0 to 1.
        ids: how the faces are called.
        fps: frames a second.
    """
    on = voiced > 0.5
    step = max(1, round(STEP_SECONDS * fps))
    says = np.stack([_says(table, on, step) for table in tables])
    reach = says.shape[2] // 2
    fits = says.max(0).sum(0) - FARTHER * np.abs(np.arange(-reach, reach + 1))
    best = int(fits.argmax())
    levels = np.stack([_level(table, on, step) for table in tables])
    nobody = levels.mean(0) + LEAST * np.add.reduceat(on.astype(np.float64), np.arange(0, len(on), step))
    chosen = np.repeat(path(np.concatenate([says[:, :, best], nobody[None]])), step)[: len(on)]
    contrasts = np.stack([_contrast(table, best) for table in tables])
    return Speakers(tuple(_turns(chosen, on, contrasts, ids, fps)), best - reach, fps)


def path(gains: NDArray[np.float64], change: float = CHANGE) -> NDArray[np.int64]:
    """The row of ``gains`` (N, T) to be in at each step: the largest sum, less ``change`` for each change of row."""
    total = gains[:, 0].copy()
    came = np.empty(gains.shape[::-1], np.int64)
    for at in range(1, gains.shape[1]):
        top = int(total.argmax())
        came[at] = np.where(total >= total[top] - change, np.arange(len(total)), top)
        total = np.maximum(total, total[top] - change) + gains[:, at]
    found = np.empty(gains.shape[1], np.int64)
    found[-1] = total.argmax()
    for at in range(gains.shape[1] - 1, 0, -1):
        found[at - 1] = came[at, found[at]]
    return found


def _median(table: Float) -> Float:
    """Of each row; NaN where nothing in it is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found: Float = np.nanmedian(table, axis=1)
    return found


def _sums(values: Float, on: NDArray[np.bool_], step: int, absent: float) -> NDArray[np.float64]:
    """Sums over steps of the rows (T, ...) that are ``on``; ``absent`` for each that is not known."""
    known = np.where(np.isfinite(values), values, absent) * on.reshape(-1, *[1] * (values.ndim - 1))
    return np.add.reduceat(known.astype(np.float64), np.arange(0, len(on), step), axis=0)


def _says(table: Float, on: NDArray[np.bool_], step: int) -> NDArray[np.float64]:
    """What a face has to say for itself in each step at each offset: (N, 2·reach + 1)."""
    return _sums(0.5 * _median(table)[:, None] - table, on, step, ABSENT)


def _level(table: Float, on: NDArray[np.bool_], step: int) -> NDArray[np.float64]:
    """The same of a face that fits no better than usual: (N,)."""
    return _sums(-0.5 * _median(table), on, step, ABSENT)


def _contrast(table: Float, best: int) -> Float:
    return np.asarray(_median(table) - table[:, best])


def _turns(
    chosen: NDArray[np.int64], on: NDArray[np.bool_], contrasts: Float, ids: Sequence[int], fps: float
) -> Iterator[Turn]:
    """A turn for each stretch of voice with one speaker; ``chosen`` (T,) counts nobody as the last."""
    state = np.where(on, chosen, -1)
    edges = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), len(state)]
    for start, stop in pairwise(edges):
        who = int(state[start])
        if who < 0:
            continue
        spoken = None if who == len(ids) else ids[who]
        known = contrasts[:, start:stop].max(0) if spoken is None else contrasts[who, start:stop]
        fit = float(np.nanmean(known)) if np.isfinite(known).any() else 0.0
        yield Turn(start / fps, stop / fps, spoken, fit)
