"""The verb `visemes`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Literal

import numpy as np

from lipwright import aligning, faces, features, hearing, languages, lips, motion, mouth, phones, speech
from lipwright.errors import InputError
from lipwright.lips import Cue
from lipwright.media import resample
from lipwright.types import Audio, Clip, Float, Phone, Progress
from lipwright.visemes import blendshapes

POSE_SECONDS = 0.06
SHORTEST = 0.06
"""s that a mouth shape lasts at least, where it is seen or guessed and not known from a text."""
FPS_LIMITS = (1.0, 240.0)


@dataclass(frozen=True)
class Found:
    """The mouth of a speech or a video.

    ``duration`` s; ``cues`` from 0 to the end without a gap; ``curve`` float32 (T, 6) of `lips.CHANNELS` and
    ``blendshapes`` float32 (T, 52) of `blendshapes.NAMES`, both 0-1, at ``fps``; ``phones``, where the text is known;
    ``cues_by`` and ``curves_by`` say what they come from: the text, the mesh of the face, or the voice alone.
    """

    duration: float
    cues: tuple[Cue, ...]
    curve: Float
    blendshapes: Float
    fps: float
    phones: tuple[Phone, ...]
    cues_by: Literal["text", "mesh", "voice"]
    curves_by: Literal["text", "mesh", "voice"]


def visemes(
    source: Clip | Audio,
    *,
    text: str = "",
    language: str = "en",
    timeline: Iterable[Phone] = (),
    face: str | int = "auto",
    fps: float = 60.0,
    progress: Progress | None = None,
) -> Found:
    """Mouth shapes and curves of a speech, or of who is seen in a video.

    Args:
        source: a sound, or a video; of a video the curves come from the face's mesh.
        text: what is said, in the script of its ``language``; it is laid on the sound (`lipwright.aligning`). Without
            it the shapes come from the mesh, which shows nothing of tongue and teeth, or, of a sound, from the
            visemes that are heard in it (`lipwright.hearing`).
        language: its code: en, fr, zh, pt-BR ...
        timeline: phones with their times, where they are known already, instead of a text.
        face: whose mouth of a video, as `dub` has it.
        fps: of the curves, 1 to 240.
        progress: called while faces are looked for.

    Raises:
        InputError: a sound of no length, text without a sound, an fps out of range, and as `aligning.align` says.
        NoFaceError: nobody is seen in the video.
    """
    if not FPS_LIMITS[0] <= fps <= FPS_LIMITS[1]:
        raise InputError(f"curves have 1 to 240 frames a second; given {fps:g}")
    sound = source if isinstance(source, Audio) else source.audio
    duration = source.duration
    if duration <= 0:
        raise InputError("the sound has no length; give a recording of speech")
    spoken = _timeline(sound, text, language, tuple(timeline))
    spelt = phones.respelt(spoken, languages.find(language).spelling)
    if isinstance(source, Clip):
        curve, shapes, curves_by = (*_seen(source, face, fps, progress), "mesh")
    elif spoken:
        curve = lips.curves(spelt, duration, fps)
        shapes, curves_by = blendshapes.of_lips(curve), "text"
    else:
        spelt = hearing.timeline(source)
        curve, shapes, curves_by = (*_heard(source, spelt, fps), "voice")
    cues = shapes_of(curve, duration, fps) if curves_by == "mesh" and not spoken else lips.cues(spelt, duration)
    return Found(duration, cues, curve, shapes, fps, spoken, "text" if spoken else curves_by, curves_by)  # type: ignore[arg-type]


def _timeline(sound: Audio | None, text: str, language: str, given: tuple[Phone, ...]) -> tuple[Phone, ...]:
    if not text.strip() or given:
        return given
    if sound is None:
        raise InputError(
            "the text says when sounds are spoken only beside a sound, and this video has none; leave it out"
        )
    return aligning.align(sound, text, languages.voice(language))


def _seen(clip: Clip, face: str | int, fps: float, progress: Progress | None) -> tuple[Float, Float]:
    """Curve and blendshapes of a face of a clip, at ``fps``."""
    (track, *_) = faces.choose(faces.tracks(clip, progress=progress), face, float(clip.fps))
    held = np.full((clip.length, 468, 3), np.nan, np.float32)
    held[track.start : track.start + len(track)] = track.points[: clip.length - track.start]
    shape = faces.to_canonical(held, faces.steady_pose(held, POSE_SECONDS * float(clip.fps)))
    return tuple(_at(values, clip, fps) for values in (blendshapes.lips_of_mesh(shape), blendshapes.of_mesh(shape)))  # type: ignore[return-value]


def _at(values: Float, clip: Clip, fps: float) -> Float:
    """Values a frame of the clip, at ``fps`` a second."""
    at = np.arange(int(np.ceil(clip.duration * fps - 1e-9))) / fps * float(clip.fps)
    known = np.arange(len(values))
    return np.stack([np.interp(at, known, column) for column in values.T], axis=1).astype(np.float32)


def _heard(audio: Audio, heard: tuple[Phone, ...], fps: float) -> tuple[Float, Float]:
    """Curve and blendshapes of a voice alone: the motion network opens the mouth as a typical speaker does; what it
    cannot tell, roundness, teeth and tongue, comes from the visemes ``heard``."""
    sound = resample(audio, features.RATE)
    count = int(np.ceil(audio.duration * fps - 1e-9))
    rate = Fraction(fps).limit_denominator(1001)
    moved = motion.predict(sound, rate, count)
    voiced = speech.voiced(sound, rate, count)
    scale = voiced * mouth.manner().spread / max(moved.spread, 1e-6)
    moves = moved.shape * scale[:, None, None]
    canon = faces.canonical()
    mesh = np.repeat(canon.points[None].astype(np.float32), count, axis=0)
    mesh[:, canon.moving] = mouth.with_opening(mesh[:, canon.moving], np.zeros(count, np.float32)) + moves
    curve = blendshapes.lips_of_mesh(mesh)
    curve[:, lips.CHANNELS.index("opening")] = np.clip(moved.opening * scale / blendshapes.WIDEST, 0, 1)
    by_sound = lips.curves(heard, audio.duration, fps)
    curve[:, 1:3], curve[:, 4:] = by_sound[:, 1:3], by_sound[:, 4:]
    curve[:, lips.CHANNELS.index("closed")] = moved.closed * (voiced > 0.3)
    shapes, told = blendshapes.of_mesh(mesh), blendshapes.of_lips(curve)
    for name in ("mouthFunnel", "mouthPucker", "mouthRollLower", "tongueOut"):
        column = blendshapes.NAMES.index(name)
        shapes[:, column] = told[:, column]
    return curve, shapes


# ---------------------------------------------------------------- shapes of a curve

_SHAPES = {  # of how a mouth looks: Oculus, Microsoft, Rhubarb
    "rest": ("sil", 0, "X"), "closed": ("PP", 21, "A"), "wide": ("aa", 2, "D"), "open": ("E", 4, "C"),
    "narrow": ("ih", 6, "B"), "pursed": ("ou", 7, "F"), "round": ("oh", 8, "E"),
}  # fmt: skip
_RESTS = 0.35
"""s; lips together for longer are at rest, for less they close for a sound."""


def shapes_of(curve: Float, duration: float, fps: float) -> tuple[Cue, ...]:
    """Mouth shapes of a curve float32 (T, 6) of `lips.CHANNELS` by how open, round and closed it is; teeth and tongue
    are not told apart. Each lasts 60 ms at least."""
    runs = _steady([_look(row) for row in curve], max(1, round(SHORTEST * fps)))
    found: list[Cue] = []
    at = 0
    for name, run in groupby(runs):
        length = len(list(run))
        if name == "closed" and length > _RESTS * fps:
            name = "rest"
        end = duration if at + length == len(runs) else (at + length) / fps
        found.append(Cue(at / fps, end, *_SHAPES[name]))
        at += length
    return tuple(found)


def _look(row: Float) -> str:
    opening, rounding, _, closed, *_ = (float(value) for value in row)
    if closed > 0.5 or opening < 0.08:
        return "closed"
    if rounding > 0.4:
        return "pursed" if opening < 0.35 else "round"
    return "wide" if opening > 0.55 else "open" if opening > 0.22 else "narrow"


def _steady(names: list[str], least: int) -> list[str]:
    """The same where runs shorter than ``least`` go on as the run before them, but for lips that meet."""
    kept: list[str] = []
    for name, run in groupby(names):
        length = len(list(run))
        brief = length < (least if name != "closed" else max(1, least // 2))
        kept += [kept[-1] if brief and kept else name] * length
    return kept
