"""When each speech sound of a known text is heard in a recording, in any language that espeak-ng speaks.

::

    timeline = aligning.align(speech, "Bonjour tout le monde", "fr")    # (Phone("b", 0.31, 0.37), ...)

espeak-ng says the text, and says when each sound begins; its sound and the recording are laid on each other by dynamic
time warping of their cepstra. Between words the recording may pause, which costs nothing; within words time may run
three times as fast as the synthetic voice, or slower at a price for each step. All this is done twice: after the first
time the synthetic voice is brought near to the speaker's by the affine map between the cepstra that lie on each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipwright import espeak, features
from lipwright.errors import InputError
from lipwright.media import resample
from lipwright.types import Audio, Float, Phone

STEP = 0.01
"""s a column."""
LONGEST = 1800.0
"""s of sound that are aligned at once."""

_CENTRE = 0.0125  # s from a column's start to its middle
_WIDE = 3000  # columns of the text that are tried at a time: 30 s
_STAY, _SKIP = 0.35, (0.0, 0.25, 0.7)  # for another column of the same; for going on by one, two, three
_DEAREST = 6.0  # what a column that fits nothing costs
_PAUSE, _LOUD = 0.4, 4.0  # what a quiet column costs as a pause, and a loud one more
_RIDGE = 60.0


def align(audio: Audio, text: str, language: str = "en-us") -> tuple[Phone, ...]:
    """The speech sounds of ``text`` with their times in ``audio`` (any rate): IPA without stress, pauses left out.

    Where the text is not what is said the times mean little; `fit` gives a hint of that. Raises InputError for a sound
    that is silent, longer than half an hour, or too short for the text, and as `espeak.speak` does.
    """
    return fit(audio, text, language).phones


@dataclass(frozen=True)
class Fit:
    """An alignment: the ``phones`` with their times, and ``doubt``, the mean cost of a column of 10 ms: 0.5 to 0.8 for
    another synthetic voice; for people 0.9 to 1.1 where the text is what they say, and 1.0 to 1.3 where it is another
    (measured on 20 recordings): a hint on long recordings, and no proof."""

    phones: tuple[Phone, ...]
    doubt: float


def fit(audio: Audio, text: str, language: str = "en-us") -> Fit:
    """As `align`, and how well the text fits the sound."""
    sound = resample(audio, features.RATE)
    if not sound.duration <= LONGEST:
        raise InputError(f"{LONGEST:.0f} s of speech can be aligned at once; given {sound.duration:.1f} s; cut it")
    heard, loud = _columns(sound)
    if not loud.any():
        raise InputError(
            "nothing is heard in the sound that is to be aligned with the text; give a recording of speech"
        )
    said = _said(text, language, loud.sum() * STEP)
    if loud.sum() < len(said.columns) / 3.5:
        needed, given = len(said.columns) * STEP / 3, loud.sum() * STEP
        raise InputError(
            f"the text takes {needed:.1f} s at the least, and the sound holds {given:.1f} s of speech; give the text "
            "of this recording"
        )
    quiet = _pause_cost(sound)
    path, _ = _warp(heard, said.columns, said.pause, quiet)
    path, doubt = _warp(heard, _brought_near(heard, said, path), said.pause, quiet)
    return Fit(_times(path, said, audio.duration), doubt)


@dataclass(frozen=True)
class _Said:
    """The text as espeak-ng says it: ``columns`` float32 (J, 26), one at 10 ms, without its pauses but with one column
    of ``pause`` bool (J,) at every word; ``at`` float64 (J,), the time of each in its own sound; its ``phones``."""

    columns: Float
    pause: NDArray[np.bool_]
    at: NDArray[np.float64]
    phones: tuple[Phone, ...]


def _said(text: str, language: str, seconds: float) -> _Said:
    """The text at the pace at which its sounds take as many ``seconds`` as those heard."""
    spoken = espeak.speak(text, language)
    taken = sum(phone.end - phone.start for phone in spoken.phones)
    pace = int(np.clip(175 * taken / seconds, *espeak.LIMITS["pace"]))
    if abs(pace - 175) > 10:
        spoken = espeak.speak(text, language, pace=pace)
    columns, _ = _columns(resample(spoken.audio, features.RATE))
    at = np.arange(len(columns)) * STEP + _CENTRE
    starts = np.array([phone.start for phone in spoken.phones])
    ends = np.array([phone.end for phone in spoken.phones])
    here = np.searchsorted(starts, at, side="right") - 1
    sounding = (here >= 0) & (at < ends[np.maximum(here, 0)])
    words = _words(spoken)
    kept_at = np.concatenate([at[sounding], words])
    order = np.argsort(kept_at, kind="stable")
    pause = np.concatenate([np.zeros(sounding.sum(), bool), np.ones(len(words), bool)])[order]
    rows = np.concatenate([columns[sounding], np.zeros((len(words), columns.shape[1]), np.float32)])[order]
    return _Said(rows, pause, kept_at[order], spoken.phones)


def _words(spoken: espeak.Spoken) -> NDArray[np.float64]:
    """Times at which there may be a pause: where a word begins, and before the first and after the last sound."""
    starts = np.array([phone.start for phone in spoken.phones])
    gaps = [b.start for a, b in pairwise(spoken.phones) if b.start - a.end > STEP]
    events = np.array([*(start for _, start in spoken.words), *gaps])
    inner = starts[
        np.abs(starts - events[:, None]).argmin(1)
    ]  # a word is said to begin a little before its first sound
    return np.array([*(np.unique([*inner, starts[0]]) - 1e-6), spoken.phones[-1].end + 1e-6])


def _columns(sound: Audio) -> tuple[Float, NDArray[np.bool_]]:
    """Cepstra with their change, each of mean 0 and deviation 1 over the loud ones, float32 (I, 26); and which are
    loud."""
    cepstra = features.mfcc(sound)
    loud = _loudness(sound)[: len(cepstra)] > 0
    use = cepstra[loud] if loud.any() else cepstra
    cepstra = (cepstra - use.mean(0)) / np.maximum(use.std(0), 1e-3)
    change = np.gradient(cepstra, axis=0) if len(cepstra) > 1 else np.zeros_like(cepstra)
    change /= np.maximum(change[loud].std(0) if loud.any() else change.std(0), 1e-3)
    return np.concatenate([cepstra, 0.7 * change], axis=1).astype(np.float32), loud


def _loudness(sound: Audio) -> Float:
    """Level above what counts as a pause, as a share of that of loud speech: below 0 quiet, 1 loud; float32 (I,)."""
    level = features.energy(sound, hop=STEP, window=0.025)
    low, high = np.percentile(level, (5, 95))
    threshold = max(high - min(30.0, 0.65 * (high - low)), -70.0)
    return np.asarray((level - threshold) / max(high - threshold, 6.0), np.float32)


def _pause_cost(sound: Audio) -> Float:
    return (_PAUSE + _LOUD * np.clip(_loudness(sound), 0, 1)).astype(np.float32)


def _warp(heard: Float, said: Float, pause: NDArray[np.bool_], quiet: Float) -> tuple[NDArray[np.int64], float]:
    """For each column heard the column said, int64 (I,), on the cheapest path, and the mean cost of speech on it."""
    count, wide = len(heard), min(len(said), _WIDE)
    over, twice = _prices(pause)
    moves = np.zeros((count, wide), np.int8)
    first = np.zeros(count, np.int64)
    best = np.full(len(said), np.inf, np.float32)
    best[: 2 if pause[0] else 1] = 0
    squares = (said**2).sum(1)
    for i in range(count):
        low = int(np.clip(np.argmin(best) - wide // 2, 0, len(said) - wide)) if i else 0
        window = slice(low, low + wide)
        fits = squares[window] + (heard[i] ** 2).sum() - 2 * said[window] @ heard[i]
        cost = np.where(pause[window], quiet[min(i, len(quiet) - 1)], np.minimum(fits / 26 * 2, _DEAREST))
        if i == 0:
            best[window] += cost
        else:
            ways = _ways(best, low, wide, pause[window], over[window], twice[window])
            moves[i] = ways.argmin(0)
            best = np.full(len(said), np.inf, np.float32)
            best[window] = ways.min(0) + cost
        first[i] = low
    return _traced(best, moves, first, pause)


def _prices(pause: NDArray[np.bool_]) -> tuple[Float, Float]:
    """What it costs to arrive by two and by three columns; a pause that is left out costs nothing."""
    before = np.concatenate([[False], pause[:-1]])
    second = np.concatenate([[False, False], pause[:-2]])
    over = np.where(before, _SKIP[0], _SKIP[1])
    twice = np.where(before | second, _SKIP[1], _SKIP[2])
    return over.astype(np.float32), twice.astype(np.float32)


def _ways(best: Float, low: int, wide: int, pause: NDArray[np.bool_], over: Float, twice: Float) -> Float:
    """What each column said costs when reached by staying, or by one, two or three steps: float32 (4, wide)."""
    padded = np.concatenate([np.full(3, np.inf, np.float32), best])[low : low + wide + 3]
    stay = np.where(pause, np.float32(0), np.float32(_STAY))
    return np.stack([padded[3:] + stay, padded[2:-1], padded[1:-2] + over, padded[:-3] + twice])


def _traced(
    best: Float, moves: NDArray[np.int8], first: NDArray[np.int64], pause: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float]:
    """The path back from the end: the last column said, or the one before where the last is a pause."""
    ends = [len(best) - 1, len(best) - 2] if pause[-1] and len(best) > 1 else [len(best) - 1]
    at = min(ends, key=lambda j: float(best[j]))
    if not np.isfinite(best[at]):
        raise InputError("the text does not fit into the sound; give the text of this recording")
    doubt = float(best[at]) / len(moves)
    path = np.zeros(len(moves), np.int64)
    for i in range(len(moves) - 1, -1, -1):
        path[i] = at
        at -= int(moves[i, at - first[i]]) if i else 0
    return path, doubt


def _brought_near(heard: Float, said: _Said, path: NDArray[np.int64]) -> Float:
    """What is said, as the speaker would say it: the affine map of the cepstra that lie on each other, held near the
    identity where there is little to go by."""
    use = ~said.pause[path]
    given, wanted = said.columns[path[use]], heard[use]
    rows = np.concatenate([given, np.ones((len(given), 1), np.float32)], axis=1)
    near = np.vstack([np.eye(given.shape[1]), np.zeros((1, given.shape[1]))])
    held = rows.T @ rows + _RIDGE * np.eye(rows.shape[1])
    matrix = np.linalg.solve(held, rows.T @ wanted + _RIDGE * near)
    mapped = np.concatenate([said.columns, np.ones((len(said.columns), 1), np.float32)], axis=1) @ matrix
    return np.where(said.pause[:, None], said.columns, mapped).astype(np.float32)


def _times(path: NDArray[np.int64], said: _Said, duration: float) -> tuple[Phone, ...]:
    """The phones at the times at which their columns are heard; each lasts 10 ms at the least."""
    speaks = np.flatnonzero(~said.pause[path])
    heard_at = speaks * STEP + _CENTRE
    said_at = said.at[path[speaks]]
    starts = np.array([phone.start for phone in said.phones])
    own = np.searchsorted(starts, said_at + 1e-9, side="right") - 1
    found: list[Phone] = []
    last = 0.0
    for k, phone in enumerate(said.phones):
        mine = heard_at[own == k]
        begin = max(last, (mine[0] if len(mine) else last) - STEP / 2)
        end = max(begin + STEP, mine[-1] + STEP / 2 if len(mine) else 0.0)
        found.append(Phone(phone.symbol, float(begin), float(min(end, max(duration, begin + STEP)))))
        last = found[-1].end
    return tuple(found)
