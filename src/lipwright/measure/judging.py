"""One expert's opinion of a face and a sound: the right voice, wrong ones, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import numpy as np

from lipwright import drift, ondisk, registry, sync
from lipwright.errors import InputError
from lipwright.measure.found import Code, Judged, Problem
from lipwright.measure.settings import Settings
from lipwright.media import resample
from lipwright.registry import Calibration
from lipwright.speaker import Speakers
from lipwright.types import Audio, AudioSpec, Clip, FaceSpec, FaceTrack, Float

SHORTEST = 0.6
"""Seconds of picture and of sound that are needed for any number."""
APART = 2 * sync.REACH + 2
LONG = 100
SPAN_SECONDS, STEP_SECONDS = 2.0, 1.0
SPEAKING = 0.3
STILL = 0.006


class Expert(Protocol):
    """What is used of a member of ``experts``, see there."""

    face: FaceSpec
    audio: AudioSpec
    distance: sync.How
    lead: int

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Any]: ...  # noqa: D102

    def video(self, crops: Iterable[Any]) -> Iterator[Float]: ...  # noqa: D102

    def sound(self, audio: Audio) -> Iterator[Float]: ...  # noqa: D102

    def calibrated(self) -> Calibration: ...  # noqa: D102


def expert(name: str, weights: str = "") -> Expert:
    """A member of ``experts``; InputError names those that exist. WeightsError where it may not be believed."""
    found = _loaded(name, weights)
    found.calibrated()
    return found


@lru_cache(maxsize=4)
def _loaded(name: str, weights: str) -> Expert:
    """An expert with its networks, made once."""
    found: Expert = registry.load("experts", name).Expert(weights)
    return found


def judged(
    name: str,
    one: Expert,
    seen: Iterable[Any],
    speech: Audio,
    settings: Settings = Settings(),  # noqa: B008
) -> Judged:
    """What the expert says of the crops ``seen`` (its own) and the ``speech`` (any rate).

    Raises InputError for less than 0.6 s of either.
    """
    heard = resample(speech, one.audio.rate)
    sounds = ondisk.keep(one.sound(heard))
    pictures = ondisk.keep(chain(one.video(seen), [np.zeros((0, sounds.shape[1]), np.float32)]))
    least = round(SHORTEST * one.face.fps)
    if min(len(pictures), len(sounds)) < least:
        raise InputError(
            f"there are {len(pictures)} pictures and {len(sounds)} sounds of {1000 / one.face.fps:.0f} ms to compare; "
            f"a measurement needs {least} of both ({SHORTEST} s)"
        )
    whole = int(Fraction(len(heard.samples), heard.rate) * Fraction(one.face.fps))
    count = max(1, min(len(pictures), whole) - one.face.frames)
    table = sync.stream(_blocks(pictures), _blocks(sounds), how=one.distance)
    wrong = [sync.stream(_blocks(pictures), other, how=one.distance) for other in wrong_voices(sounds)]
    return _opinion(name, one, table, wrong, count, settings)


def _blocks(rows: Float, first: int = 0) -> Iterator[Float]:
    """``rows`` from ``first`` on, and then those before it, some at a time."""
    for part in (rows[first:], rows[:first]):
        yield from ondisk.pieces(part, sync.BLOCK)


def wrong_voices(sounds: Float) -> list[Iterator[Float]]:
    """Wrong voices: the same one at three other places, all out of reach; backward where it is too short for that."""
    if len(sounds) < LONG:
        return [iter([sounds[::-1]])]
    return [_blocks(sounds, int(at)) for at in np.linspace(APART, len(sounds) - APART, 5)[1:4]]


def _opinion(
    name: str, one: Expert, table: sync.Table, wrong: list[sync.Table], windows: int, settings: Settings
) -> Judged:
    fps = one.face.fps
    curve = sync.judge(table.rows)
    classic = sync.classic(table, windows, one.lead)
    curves = [sync.judge(other.rows) for other in wrong]
    usual = [sync.classic(other, windows, one.lead) for other in wrong]
    least = settings.sure * max(other.contrast for other in curves)
    inside = drift.intervals(table, fps)
    sure = inside if settings.level == drift.LEVEL else drift.intervals(table, fps, level=settings.level)
    found, luck = drift.spans(table, fps, SPAN_SECONDS, STEP_SECONDS), chance(wrong, fps, SPAN_SECONDS)
    floor = {
        "lse_d": float(np.mean([other.lse_d for other in usual])),
        "lse_c": float(np.mean([other.lse_c for other in usual])),
        "lse_d_valid": float(np.mean([other.distance for other in curves])),
        "lse_c_valid": float(np.mean([other.contrast for other in curves])),
    }
    return Judged(
        expert=name,
        fps=fps,
        calibration=one.calibrated(),
        table=table,
        curve=curve,
        classic=classic,
        intervals=inside,
        drift=drift.drift(table, fps, chance(wrong, fps, drift.DRIFT_SECONDS)),
        least=least,
        accuracy=drift.accuracy(found),
        verdict=drift.verdict(None if sure is None else sure.offset, fps, curve.contrast, least),
        wrong=floor,
        spans=tuple(Problem(span, 1.0, _weak(span, luck, curve.offset)) for span in found),
    )


def _weak(span: drift.Span, luck: float, offset: int) -> Code:
    """Whether a span fits no better than a wrong voice does by chance, and has not the recording's offset either."""
    return "weak" if span.contrast < luck and abs(span.offset - offset) > 1 else ""


def chance(wrong: list[sync.Table], fps: float, seconds: float) -> float:
    """The contrast that 95 % of the spans of wrong voices stay below; 0 where there is none."""
    found = [span.contrast for table in wrong for span in drift.spans(table, fps, seconds, seconds / 2) if span.seen]
    return float(np.quantile(found, 0.95)) if found else 0.0


def diagnosed(
    found: Judged, frame_rate: float, opening: Float, voiced: Float, said: Speakers | None = None, face: int = 0
) -> Judged:
    """The opinion with what is wrong in each span; ``opening`` and ``voiced`` (T,) at the video's ``frame_rate``.

    Only what is spoken and seen counts in its ``accuracy``. A span that alone is early or late is let off: its
    neighbour, which shares half of it, must say the same within a frame. ``said`` is who of several people speaks when;
    None where ``face`` is the only one.
    """
    told = [_diagnosed(problem, found.fps, frame_rate, opening, voiced) for problem in found.spans]
    told = [_named(problem, said, face) for problem in told]
    spoken = [problem.span for problem in told if problem.code not in ("silence", "no-face", "other")]
    return replace(found, spans=tuple(_agreed(told)), accuracy=drift.accuracy(spoken))


def _diagnosed(problem: Problem, fps: float, frame_rate: float, opening: Float, voiced: Float) -> Problem:
    span = problem.span
    frames = slice(int(span.start * frame_rate), max(1, round(span.stop * frame_rate)))
    speech = float(voiced[frames].mean()) if len(voiced[frames]) else 0.0
    known = opening[frames][np.isfinite(opening[frames])]
    ms = span.offset * 1000 / fps
    code: Code = problem.code
    if span.seen < 0.5:
        code = "no-face"
    elif speech < SPEAKING:
        code = "silence"
    elif len(known) > 3 and float(known.std()) < STILL:
        code = "still"
    elif not code and ms > drift.EARLY_MS:
        code = "early"
    elif not code and ms < -drift.LATE_MS:
        code = "late"
    return Problem(span, speech, code)


def _named(problem: Problem, said: Speakers | None, face: int) -> Problem:
    """The span with its speaker; where that is another face it is not judged."""
    if said is None:
        return replace(problem, speaker=None if problem.code in ("silence", "no-face", "weak") else face)
    who = said.between(problem.span.start, problem.span.stop)
    return replace(problem, speaker=who, code="other" if who not in (None, face) else problem.code)


def _agreed(told: Sequence[Problem]) -> Iterator[Problem]:
    for n, problem in enumerate(told):
        beside = [told[m] for m in (n - 1, n + 1) if 0 <= m < len(told)]
        alone = not any(other.code == problem.code and abs(other.span.offset - problem.span.offset) <= 1
                        for other in beside)  # fmt: skip
        yield replace(problem, code="") if problem.code in ("early", "late") and beside and alone else problem
