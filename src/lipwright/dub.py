"""Make the lips in a video match a voice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from typing import Literal, get_args

import numpy as np

from lipwright import canvas as playback, faces, paint, registry
from lipwright.dubbers import Dubber, Scene
from lipwright.errors import InputError
from lipwright.types import Audio, Clip, Dubbed, Issue, Picture, Progress

Compare = Literal["side", "stack"]
Silence = Literal["refuse", "close"]

SHORTEST = 0.1
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
    blend: paint.Blend = "feather",
    silence: Silence = "refuse",
    preview: float | None = None,
    compare: Compare | None = None,
    progress: Progress | None = None,
    **options: object,
) -> Dubbed:
    """``clip`` with its largest face saying ``speech``: a Clip that paints its frames as they are read.

    The result has round(duration of the speech · fps) frames at the clip's own rate and size, and carries
    the speech as its sound; where the speech is longer, the video runs forward and backward (bounce).
    Frames without a face, or with one turned away, pass through untouched and are named in ``issues``.

    Args:
        clip: the video, or a still picture opened as a clip.
        speech: at least 0.1 s of sound.
        dubber: a member of the family ``dubbers``.
        blend: how the mouth meets the frame: feather, multiband or poisson.
        silence: what to do with a speech of nothing but silence (peak under -70 dBFS): refuse it, or close
            the mouth.
        preview: dub only the first so many seconds of the speech.
        compare: show the source beside (side) or above (stack) the result.
        progress: called while faces are looked for.
        options: what the dubber takes, see its class; for landmark: strength, smooth, grain.

    Raises:
        InputError: a speech that cannot be spoken, an option that the dubber does not know.
        NoFaceError: no frame shows a face.
    """
    speech = _checked_speech(speech, silence, preview)
    for name, value, known in (("blend", blend, paint.BLENDS), ("compare", compare or "side", get_args(Compare))):
        if value not in known:
            raise InputError(f"{name} is one of {', '.join(known)}; given {value}")
    member = _member(dubber, options)
    length = max(1, round(speech.duration * clip.fps))
    track = faces.track(clip, progress=progress)
    planned: Dubber = member(Scene(clip, track, speech, playback.bounce(length, clip.length)), **options)
    painted = partial(_painted, planned, blend)
    values = {field.name: getattr(clip, field.name) for field in fields(Clip)}
    values.update(length=length, audio=speech, frames=painted, key="")
    if compare is not None:
        wide, tall = clip.size
        values["size"] = (2 * wide, tall) if compare == "side" else (wide, 2 * tall)
        values["frames"] = partial(_beside, clip, planned, painted, 1 if compare == "side" else 0)
    return Dubbed(**values, issues=_issues(planned.untouched, float(clip.fps)))


def _checked_speech(speech: Audio, silence: Silence, preview: float | None) -> Audio:
    name = speech.source or "the speech"
    if preview is not None and not preview >= SHORTEST:
        raise InputError(f"a preview lasts at least {SHORTEST} s; given {preview}")
    if not np.isfinite(speech.samples).all():
        raise InputError(f"{name} holds samples that are not numbers; export it again from where it was made")
    if speech.duration < SHORTEST:
        raise InputError(f"{name} lasts {speech.duration * 1000:.0f} ms; give at least {SHORTEST * 1000:.0f} ms")
    if silence not in get_args(Silence):
        raise InputError(f"silence is one of {', '.join(get_args(Silence))}; given {silence}")
    if silence == "refuse" and np.abs(speech.samples).max() < SILENT:
        raise InputError(
            f"{name} is silent from end to end; give another sound, or choose silence=close (--silence close)"
        )
    return speech if preview is None or preview >= speech.duration else speech.cut(0, preview)


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
    return member


def _painted(planned: Dubber, blend: paint.Blend, start: int, stop: int) -> Iterator[Picture]:
    for picture, take in planned.takes(start, stop):
        yield picture if take.face is None else paint.composite(picture, take.face, blend)


def _beside(
    clip: Clip, planned: Dubber, painted: partial[Iterator[Picture]], axis: int, start: int, stop: int
) -> Iterator[Picture]:
    sources = playback.shown(clip, planned.canvas[start:stop])
    for source, picture in zip(sources, painted(start, stop), strict=True):
        yield np.concatenate([source, picture], axis=axis)


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
