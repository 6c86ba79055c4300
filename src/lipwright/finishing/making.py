"""Put a finish together: which part works on what, in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lipwright import __version__, faces
from lipwright.errors import NoFaceError
from lipwright.finishing import pace, shake, timing
from lipwright.finishing.calm import Calmed
from lipwright.finishing.grain import Grained, level
from lipwright.finishing.restoring import Restored, Restorer
from lipwright.finishing.seen import Seen
from lipwright.finishing.wishes import Finishing
from lipwright.ondisk import content_key
from lipwright.types import Clip, Edit, FaceTrack, Frames, Int, Progress


@dataclass(frozen=True, eq=False)
class Material:
    """What a finish works from.

    ``clip`` is to be finished. It shows the frames ``order`` int64 (T,) of ``footage``, however their mouths were
    painted since: how that moves, and where the faces are that ``people`` finds in it, holds for the clip. ``source``
    sets grain and frame rate.
    """

    clip: Clip
    footage: Clip
    order: Int
    source: Clip
    people: Callable[[], Sequence[FaceTrack]]


def finished(material: Material, how: Finishing, progress: Progress | None = None) -> Clip:
    """The clip of ``material`` as ``how`` asks for it: lazy, with a key of its own where the clip has one.

    In this order: frames are re-timed, faces restored, flicker evened out, shake taken out, grain matched, the rate
    changed. Nothing reaches across a cut.

    Raises:
        InputError: a network that restores no faces; no sound to re-time by.
        NoFaceError: no face to restore, to calm or to re-time.
        WeightsError: no network that can be run.
    """
    clip, order = material.clip, material.order
    if how.retime and clip.length > 1:
        same = material.clip is material.footage
        track = faces.largest(material.people()) if same else faces.track(clip, progress=progress)
        times = timing.curve(clip, track)
        clip, order = pace.at_times(clip, times), order[np.round(times).astype(np.int64)]
    people = tuple(Seen(track, order) for track in material.people()) if how.looks_for_faces else ()
    if how.restore is not None and how.restore_strength:
        restorer = Restorer(Path(how.restore), how.restore_fidelity)
        clip = _with(clip, Restored(clip, people, restorer, how.restore_strength))
    if how.calm:
        clip = _with(clip, Calmed(clip, people, how.calm))
    if how.stabilise and material.footage.length > 1:
        way = shake.path(material.footage, _anybody(material), progress).ordered(order)
        clip = _with(clip, shake.Steadied(clip, way, how.stabilise * float(clip.fps)))
    if how.regrain:
        clip = _with(clip, Grained(clip, level(material.source)))
    if how.fps is not None:
        clip = pace.at_rate(clip, pace.rate(how.fps, material.source.fps))
    return replace(clip, key=_key(material, how), edits=(*clip.edits, *_edits(how)))


def _edits(how: Finishing) -> Iterator[Edit]:
    """What is said of the pictures."""
    if how.retime:
        yield Edit("frames re-timed")
    if how.restore is not None and how.restore_strength:
        yield Edit("faces restored by a network", "composite")
    done = {"flicker evened out": how.calm, "shake taken out": how.stabilise, "grain matched": how.regrain}
    yield from (Edit(what) for what, asked in done.items() if asked)
    if how.fps is not None:
        yield Edit(f"frame rate {how.fps}")


def _anybody(material: Material) -> Sequence[FaceTrack]:
    """The people of the footage, if there are any."""
    try:
        return material.people()
    except NoFaceError:
        return ()


def _with(clip: Clip, frames: Frames) -> Clip:
    return replace(clip, frames=frames)


def _key(material: Material, how: Finishing) -> str:
    """Names the pictures by all they depend on; "" where the clip or its source has no name."""
    if how.nothing:
        return material.clip.key
    if not (material.clip.key and material.source.key):
        return ""
    network = content_key(Path(how.restore)) if how.restore is not None else ""
    said = (__version__, material.clip.key, material.source.key, replace(how, restore=None), network)
    return hashlib.sha256(repr(said).encode()).hexdigest()
