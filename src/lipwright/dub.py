"""Make the lips in a video match a voice."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from lipwright import __version__, canvas as playback, faces, ondisk, paint, registry, speech as voices
from lipwright.dubbers import SMOOTH, Dubber, Scene
from lipwright.errors import InputError
from lipwright.media.container import content_key
from lipwright.types import Audio, Clip, Dubbed, Frames, Int, Issue, Picture, Progress

Compare = Literal["side", "stack"]
Silence = Literal["refuse", "close"]
SyncMode = Literal["bounce", "loop", "cut_off", "silence", "remap"]

SHORTEST, LATEST = 0.1, 86400.0
SILENT = 10 ** (-70 / 20)
KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a word"),
}
"""What an option may be and how that is said, by the type of its default."""


def dub(
    clip: Clip,
    speech: Audio,
    *,
    dubber: str = "landmark",
    smooth: float = SMOOTH,
    blend: paint.Blend = "feather",
    colour: bool = True,
    grain: bool = True,
    silence: Silence = "refuse",
    sync_mode: SyncMode = "bounce",
    start: float = 0.0,
    preview: float | None = None,
    compare: Compare | None = None,
    progress: Progress | None = None,
    **options: object,
) -> Dubbed:
    """``clip`` with its largest face saying ``speech``: a Clip that paints its frames as they are read.

    The result has round(duration of the speech · fps) frames at the clip's own rate and size, and carries
    the speech as its sound; ``sync_mode`` says what happens where the two differ in length.
    Frames without a face, or with one turned away, pass through untouched and are named in ``issues``.

    Args:
        clip: the video, or a still picture opened as a clip.
        speech: at least 0.1 s of sound.
        dubber: a member of the family ``dubbers``.
        smooth: temporal smoothing of the motion, in frames at 25 fps, 0 to 10.
        blend: how the mouth meets the frame: feather, multiband or poisson.
        colour: bring the mouth's colours to those of the frame around it.
        grain: bring the mouth's grain to that of the frame.
        silence: what to do with a speech of nothing but silence (peak under -70 dBFS): refuse it, or close
            the mouth.
        sync_mode: where the speech is longer, the video runs forward and backward (bounce) or over and over
            (loop); in any case all of it is spread over the speech, slower or faster (remap), the longer of the two
            is cut (cut_off), or the speech is filled up with silence, or cut, to the video's length (silence).
        start: seconds after which the speech begins; until then the mouth is closed.
        preview: dub only the first so many seconds of the speech.
        compare: show the source beside (side) or above (stack) the result.
        progress: called while faces are looked for.
        options: what the dubber takes, see its class; for landmark: strength.

    Raises:
        InputError: a speech that cannot be spoken, an option that the dubber does not know.
        NoFaceError: no frame shows a face.
    """
    speech = _placed(_checked_speech(speech, silence), clip, sync_mode, start, preview)
    _check(blend, compare, smooth)
    member = _member(dubber, options)
    length = max(1, round(speech.duration * clip.fps))
    find = partial(faces.track, clip, progress=progress)
    scene = Scene(clip, find, speech, _canvas(sync_mode)(length, clip.length), smooth)
    planned: Dubber = member(scene, **options)
    finish = paint.Finish(blend, colour, grain)
    key = _key(scene, planned.canvas, options, dubber, finish, compare)
    made = replace(clip, length=len(planned.canvas), audio=speech, frames=partial(_painted, planned, finish), key=key)
    if compare is not None:
        made = _compared(clip, planned, made, compare)
    issues = (*_unheard(speech), *_issues(planned.untouched, float(clip.fps)))
    return Dubbed(**{field.name: getattr(made, field.name) for field in fields(Clip)}, issues=issues)


def _check(blend: str, compare: str | None, smooth: float) -> None:
    for name, value, known in (("blend", blend, paint.BLENDS), ("compare", compare or "side", get_args(Compare))):
        if value not in known:
            raise InputError(f"{name} is one of {', '.join(known)}; given {value}")
    if not 0 <= smooth <= 10:
        raise InputError(f"smooth must lie between 0 and 10 frames; given {smooth}")


def _placed(speech: Audio, clip: Clip, mode: SyncMode, start: float, preview: float | None) -> Audio:
    """The speech as the output sounds: begun at ``start``, as long as the mode says, no longer than the preview."""
    if mode not in get_args(SyncMode):
        raise InputError(f"sync_mode is one of {', '.join(get_args(SyncMode))}; given {mode}")
    if not 0 <= start <= LATEST:
        raise InputError(f"the speech can start between 0 s and {LATEST:.0f} s (a day); given {start}")
    if preview is not None and not preview >= SHORTEST:
        raise InputError(f"a preview lasts at least {SHORTEST} s; given {preview}")
    if start:
        speech = speech.padded(start)
    if mode == "silence" and clip.length > 1 and speech.duration < clip.duration:
        speech = speech.padded(0, clip.duration - speech.duration)
    longest = clip.duration if mode in ("cut_off", "silence") and clip.length > 1 else speech.duration
    longest = min(longest, speech.duration if preview is None else preview)
    return speech if longest >= speech.duration else speech.cut(0, longest)


def _canvas(mode: SyncMode) -> Callable[[int, int], Int]:
    """Which frames a mode shows."""
    return {"loop": playback.loop, "remap": playback.remap}.get(mode, playback.bounce)


def _checked_speech(speech: Audio, silence: Silence) -> Audio:
    name = speech.source or "the speech"
    if not ondisk.finite(speech.samples):
        raise InputError(f"{name} holds samples that are not numbers; export it again from where it was made")
    if speech.duration < SHORTEST:
        raise InputError(f"{name} lasts {speech.duration * 1000:.0f} ms; give at least {SHORTEST * 1000:.0f} ms")
    if silence not in get_args(Silence):
        raise InputError(f"silence is one of {', '.join(get_args(Silence))}; given {silence}")
    if silence == "refuse" and ondisk.peak(speech.samples) < SILENT:
        raise InputError(
            f"{name} is silent from end to end; give another sound, or choose silence=close (--silence close)"
        )
    return speech


def _key(scene: Scene, canvas: Int, options: dict[str, object], *how: object) -> str:
    """Names the pictures of a dubbed clip by all that they depend on; "" where the source itself has no name.

    The face's track counts where the dubber asked for it.
    An option that names a file counts by the file's content. Every known network counts, used or not.
    """
    if not scene.clip.key:
        return ""
    files = [content_key(Path(value)) for value in options.values() if isinstance(value, str) and Path(value).is_file()]
    networks = [card.sha256 for card in registry.cards()]
    clip, speech = scene.clip, scene.speech
    said = (__version__, clip.key, clip.fps, clip.size, speech.rate, scene.smooth, *sorted(options.items()), *how)
    digest = hashlib.sha256(repr((said, files, networks)).encode())
    track = () if scene.followed is None else vars(scene.followed).values()
    arrays: list[np.ndarray] = [canvas, speech.samples, *(value for value in track if isinstance(value, np.ndarray))]
    for array in arrays:
        for piece in ondisk.pieces(array):
            digest.update(np.ascontiguousarray(piece).reshape(-1).data)
    return digest.hexdigest()


def _member(name: str, options: dict[str, object]) -> Callable[..., Dubber]:
    """The class of a dubber, once its options are known to be its own."""
    member: Callable[..., Dubber] = registry.load("dubbers", name).Dubber
    known = {key: value for key, value in inspect.signature(member).parameters.items() if key != "scene"}
    for key, value in options.items():
        if key not in known:
            raise InputError(f"the dubber '{name}' has no option {key}; it has {', '.join(known)}")
        kind = KINDS.get(type(known[key].default))
        if kind and (not isinstance(value, kind[0]) or (isinstance(value, bool) and bool not in kind[0])):
            raise InputError(f"the option {key} of the dubber '{name}' is {kind[1]}; given {value}")
    for key, (low, high) in getattr(member, "RANGES", {}).items():
        if not low <= options.get(key, low) <= high:
            raise InputError(f"{key} must lie between {low:g} and {high:g}; given {options[key]}")
    return member


def _painted(planned: Dubber, finish: paint.Finish, start: int, stop: int) -> Iterator[Picture]:
    for instant, (picture, take) in enumerate(planned.takes(start, stop), start):
        yield picture if take.face is None else paint.composite(picture, take.face, finish, instant)


def _compared(clip: Clip, planned: Dubber, made: Clip, compare: Compare) -> Clip:
    """``made`` with its source beside it."""
    (wide, tall), side = clip.size, compare == "side"
    frames = partial(_beside, clip, planned, made.frames, 1 if side else 0)
    return replace(made, size=(2 * wide, tall) if side else (wide, 2 * tall), frames=frames)


def _beside(clip: Clip, planned: Dubber, painted: Frames, axis: int, start: int, stop: int) -> Iterator[Picture]:
    sources = playback.shown(clip, planned.canvas[start:stop])
    for source, picture in zip(sources, painted(start, stop), strict=True):
        yield np.concatenate([source, picture], axis=axis)


def _unheard(speech: Audio) -> Iterator[Issue]:
    """Says that a sound which is not silent holds no speech."""
    if ondisk.peak(speech.samples) >= SILENT and not voices.voiced(speech, 25, round(25 * speech.duration)).any():
        yield Issue(
            "no-speech", "warning",
            f"no speech is heard in {speech.source or 'the speech'}; a mouth that follows speech stays closed",
            "give a recording in which the voice stands out from noise and music", (0.0, speech.duration),
        )  # fmt: skip


def _issues(untouched: Sequence[str], fps: float) -> tuple[Issue, ...]:
    """One Issue for every span that passes through untouched."""
    found: list[Issue] = []
    start = 0
    for stop in range(1, len(untouched) + 1):
        if stop < len(untouched) and untouched[stop] == untouched[start]:
            continue
        if why := untouched[start]:
            at = (start / fps, stop / fps)
            found.append(
                Issue(
                    "untouched", "warning", f"{at[0]:.2f} s to {at[1]:.2f} s pass through untouched: {why}",
                    "give footage in which the face is seen from the front", at,
                )
            )  # fmt: skip
        start = stop
    return tuple(found)
