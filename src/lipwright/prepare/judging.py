"""How a recording's sound lies to its picture, and how sure that is; alone, or with others of the same source.

What an expert finds of the right sound is held against what it finds of eleven wrong ones, of other recordings. The
same sound backward, or from another place of it, will not do: of 155 recordings of about a second with a stranger's
sound, 132 were above 1.3 times the clearest of four such.
Short recordings can hardly be judged alone: the curves of a file's recordings, or of a speaker's, are put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lipwright import calibrate, sync
from lipwright.errors import InputError
from lipwright.experts import Encoders
from lipwright.ondisk import AnyArray
from lipwright.types import Audio, Float

ALONE = 75
"""Frames from which on a recording has an opinion of its own."""
FIRM = 1.3
"""How sure it must be to keep it against its file and its speaker."""
WRONG = 11
"""Wrong sounds: a wrong one is above all of eleven others once in twelve times."""
LEAST = 200
"""Rows of sound, 8 s, from which on there are wrong ones to be taken."""
MOST = 200_000
"""Rows of sound, 2 h, that wrong ones are taken from."""


@lru_cache(maxsize=2)
def expert(name: str) -> Encoders:
    """The expert that judges, calibrated and able to see what is prepared.

    Raises:
        InputError: it sees something else.
        WeightsError: there are no such weights, or they may not be believed.
    """
    found = calibrate.load(name)
    if not found.reads_prepared:
        raise InputError(f"the expert {name} sees nothing that prepare keeps; take lipsight or lipmesh")
    found.calibrated()
    return found


@dataclass(frozen=True)
class Curves:
    """What an expert found: float64 (12, 2, 31), of the right sound and of wrong ones the sums of distances and how
    many they are of, offsets -15 to 15."""

    values: NDArray[np.float64]

    def __add__(self, other: Curves) -> Curves:
        return Curves(self.values + other.values)


@dataclass(frozen=True)
class Opinion:
    """``offset`` frames (> 0: the sound comes early), ``contrast``, ``confidence``, the contrast as a multiple of the
    highest that wrong sounds reach, and ``of``, whose curves it was taken from: own, file, speaker or nothing."""

    offset: int
    contrast: float
    confidence: float
    of: str = "own"


def embeddings(name: str, arrays: Mapping[str, AnyArray], samples: Float) -> dict[str, AnyArray]:
    """What the expert ``name`` makes of a prepared recording and its sound at 16 kHz: ``seen`` and ``heard``, float16
    (T, D)."""
    judge = expert(name)
    seen, heard = judge.embed_video(judge.prepared(arrays)), judge.embed_audio(Audio(samples, 16000))
    return {"seen": seen.astype(np.float16), "heard": heard.astype(np.float16)}


class Voices:
    """The sounds of a whole dataset, of which wrong ones are taken; ``heard`` gives (file, float16 (T, D)) of each."""

    def __init__(self, heard: Iterable[tuple[str, AnyArray]]) -> None:
        rows: list[AnyArray] = []
        owner: list[AnyArray] = []
        self._files: dict[str, int] = {}
        for file, own in heard:
            number = self._files.setdefault(file, len(self._files))
            rows.append(own)
            owner.append(np.full(len(own), number))
            if sum(map(len, rows)) > MOST:
                break
        self._rows = np.concatenate(rows) if rows else np.zeros((0, 1), np.float16)
        self._owner = np.concatenate(owner) if owner else np.zeros(0, int)

    def wrong(self, file: str, length: int) -> list[Float]:
        """Eleven stretches of other files' sounds, float32 (length, D) each; none where the others are too short."""
        others = np.flatnonzero(self._owner != self._files.get(file, -1))
        if len(others) < LEAST:
            return []
        starts = np.linspace(0, len(others), WRONG, endpoint=False).astype(int)
        places = [others[(start + np.arange(length)) % len(others)] for start in starts]
        return [self._rows[rows].astype(np.float32) for rows in places]


def curves(name: str, file: str, found: Mapping[str, AnyArray], voices: Voices) -> Curves | None:
    """The curves of a recording of ``file`` by its `embeddings`; None where there is no wrong sound to compare with."""
    seen, heard = found["seen"].astype(np.float32), found["heard"].astype(np.float32)
    wrong = voices.wrong(file, len(heard))
    if not wrong:
        return None
    tables = [sync.stream([seen], [sound], how=expert(name).distance).rows for sound in (heard, *wrong)]
    return Curves(np.stack([[np.nansum(rows, 0, dtype=np.float64), np.isfinite(rows).sum(0)] for rows in tables]))


def opinion(found: Curves, of: str = "own") -> Opinion:
    """What follows from curves; a confidence of 0 where nothing was judged."""
    sums, counts = found.values[:, 0], found.values[:, 1]
    if not counts[0].any():
        return Opinion(0, 0.0, 0.0, of)
    mean = sync.mean(sums, counts)
    best = int(np.nanargmin(mean[0]))
    known = [row for row in mean if np.isfinite(row).any()]
    contrasts = [float(np.nanmedian(row) - np.nanmin(row)) for row in known]
    most = max(contrasts[1:], default=0.0)
    return Opinion(best - sync.REACH, contrasts[0], contrasts[0] / max(most, 1e-6), of)


def opinions(found: Iterable[tuple[Curves | None, int, str, str]]) -> list[Opinion]:
    """An opinion on each of recordings given as (curves, frames, file, speaker); a confidence of 0 without curves.

    Its own where it is long enough and sure, else that of the recordings of its file if they are as sure, else its
    own, its file's or its speaker's, whichever is the surest.
    """
    each = list(found)
    together: dict[tuple[str, str], Curves] = {}
    for one, _, file, speaker in each:
        if one is None:
            continue
        for key in (("file", file), ("speaker", speaker)):
            together[key] = together[key] + one if key in together else one
    wider = {key: opinion(values, key[0]) for key, values in together.items()}
    result = []
    for one, frames, file, speaker in each:
        if one is None:
            result.append(Opinion(0, 0.0, 0.0, "nothing"))
            continue
        own, of_file, of_speaker = opinion(one), wider["file", file], wider["speaker", speaker]
        if frames >= ALONE and own.confidence >= FIRM:
            result.append(own)
        elif of_file.confidence >= FIRM:
            result.append(of_file)
        else:
            result.append(max(own, of_file, of_speaker, key=lambda found: found.confidence))
    return result
