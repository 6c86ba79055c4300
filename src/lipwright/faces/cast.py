"""The people of a clip: everybody's track, and whom is meant."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk, registry, steady
from lipwright.errors import InputError, NoFaceError
from lipwright.faces.detecting import Box
from lipwright.faces.following import follow
from lipwright.faces.gaps import filled, looked_into
from lipwright.faces.geometry import boxes
from lipwright.faces.joining import Seen, joined
from lipwright.faces.person import Person
from lipwright.types import Clip, FaceTrack, Float, Int, Progress

GAP_SECONDS = 0.4
STEADY_SECONDS = 0.03
BRIEF_SECONDS = 0.2
JUMP = 0.75
"""Sizes between two sightings of a face from which on it has not moved there but was cut there."""

GLIMPSE = 3
"""Fewer frames in a row are no sighting."""

BEFORE = 0.3
"""The part of a missing face's box that another face covers where it is said to stand before it."""

VERSION = 9
"""Raised when the same clip gives other tracks."""

T = TypeVar("T", bound=np.generic)
Best = Callable[[Sequence[FaceTrack]], FaceTrack]
"""Chooses the one face to dub."""


def tracks(
    clip: Clip, *, detector: str = "mediapipe", inside: Box | None = None, progress: Progress | None = None
) -> tuple[FaceTrack, ...]:
    """Everybody seen in ``clip``, each through all its frames, in the order of their ``id``.

    The detector looks where a face is lost or the shot changes, and every 2 s; between, each mesh follows itself.
    People who cross, are hidden or leave and come back keep their id, by where they should be and what they look
    like. Gaps up to 0.4 s are interpolated unless another face, or none, is there; longer ones stay NaN. Points are
    smoothed both ways in time (no lag), never across a cut. Faces seen for less than 0.2 s are left out. Kept in the
    cache under the clip's content hash.

    Args:
        clip: where to look.
        detector: a member of the family ``detectors``.
        inside: x0 y0 x1 y1 px; faces outside do not count.
        progress: called while the clip is looked through.

    Raises:
        InputError: ``inside`` is no part of the picture.
        NoFaceError: no frame shows a face.
    """
    if inside is not None:
        _check(inside, clip.size)
    cached = _cache_file(clip, detector, inside)
    if cached is not None and cached.is_file():
        return _load(cached)
    people, cuts = follow(clip, detector, inside, progress)
    if not people:
        raise NoFaceError(
            f"no face was found in {_frames(clip.length)} of {clip.source or 'the clip'}{_within(inside)}; "
            "give a video in which one face is seen from the front, at least about 40 pixels wide"
        )
    found = _tracks(people, cuts, clip)
    if cached is not None:
        _save(found, cached)
    return found


def track(clip: Clip, *, detector: str = "mediapipe", progress: Progress | None = None) -> FaceTrack:
    """The face of ``clip`` that is largest most of the time, see `tracks`."""
    return largest(tracks(clip, detector=detector, progress=progress))


def largest(found: Sequence[FaceTrack]) -> FaceTrack:
    """The face that is the largest of all in most frames; of two alike the one with the lower id."""
    wide = np.nan_to_num(np.stack([face.box[:, 2] - face.box[:, 0] for face in found]))
    wins = np.bincount(wide.argmax(0)[wide.max(0) > 0], minlength=len(found))
    return found[int(wins.argmax())]


def choose(
    found: Sequence[FaceTrack], who: str | int = "auto", fps: float = 25.0, best: Best = largest
) -> tuple[FaceTrack, ...]:
    """Those of ``found`` who are meant.

    Args:
        found: the people of a clip, from `tracks`.
        who: ``auto`` for the one that ``best`` chooses, ``all``, an id, or ``x,y`` px for who is at that point most
            of the time, ``x,y@seconds`` for who is there then.
        fps: frames a second of the clip.
        best: how ``auto`` chooses.

    Raises:
        InputError: nobody is meant; says who is where.
    """
    name = str(who).strip()
    if name == "auto":
        return (best(found),)
    if name == "all":
        return tuple(found)
    if name.isdecimal():
        meant = [face for face in found if face.id == int(name)]
        if not meant:
            raise InputError(f"there is no face {name}; {said(found, fps)}")
        return (meant[0],)
    x, y, at = _point(name)
    here = [_at(face, x, y, at if at is None else round(at * fps)) for face in found]
    if not max(here):
        when = "" if at is None else f" at {at:g} s"
        raise InputError(f"no face is at {x:g},{y:g}{when}; {said(found, fps)}")
    return (found[int(np.argmax(here))],)


def said(found: Sequence[FaceTrack], fps: float) -> str:
    """Who is where: each face with its id, its box when it is first seen, and for how long it is seen."""
    return "; ".join(
        f"face {face.id}: x {box[0]:.0f} to {box[2]:.0f}, y {box[1]:.0f} to {box[3]:.0f} at {first / fps:.2f} s, "
        f"seen for {seconds(face, fps):.2f} s"
        for face in found
        for first in [int(face.present.argmax())]
        for box in [face.box[first]]
    )


def seconds(face: FaceTrack, fps: float) -> float:
    """For how long a face is seen."""
    return float(face.present.sum()) / fps


def _point(text: str) -> tuple[float, float, float | None]:
    place, _, when = text.partition("@")
    try:
        x, y = (float(value) for value in place.split(","))
        return x, y, float(when) if when else None
    except ValueError:
        raise InputError(f"a face is auto, all, an id, or X,Y or X,Y@SECONDS in pixels; given {text}") from None


def _at(face: FaceTrack, x: float, y: float, frame: int | None) -> float:
    """How much a face is at a point: in how many frames, or how near its middle in the one."""
    rows = slice(None) if frame is None else slice(max(0, frame), max(0, frame) + 1)
    box = face.box[rows]
    inside = (box[:, 0] <= x) & (x <= box[:, 2]) & (box[:, 1] <= y) & (y <= box[:, 3])
    if frame is None or not inside.any():
        return float(inside.sum())
    middle, half = (box[0, :2] + box[0, 2:]) / 2, (box[0, 2:] - box[0, :2]) / 2
    return float(2 - np.abs((np.array([x, y]) - middle) / half).max())


def _check(inside: Box, size: tuple[int, int]) -> None:
    x0, y0, x1, y1 = inside
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        given = ", ".join(f"{value:g}" for value in inside)
        raise InputError(f"a box is x0, y0, x1, y1 within the picture of {size[0]} x {size[1]} pixels; given {given}")


def _frames(count: int) -> str:
    return "the one frame" if count == 1 else f"any of the {count} frames"


def _within(inside: Box | None) -> str:
    return "" if inside is None else f" inside the box {', '.join(f'{value:g}' for value in inside)}"


def _tracks(people: Sequence[Person], cuts: Sequence[int], clip: Clip) -> tuple[FaceTrack, ...]:
    """The tracks of those who are seen long enough, the largest and longest seen first."""
    rate, length = float(clip.fps), clip.length
    brief = min(round(BRIEF_SECONDS * rate), length // 4)
    seen = [person for person in people if len(person.frames) > brief]
    seen = seen or [max(people, key=lambda person: len(person.frames))]
    raw = sorted(joined([_dense(person, length) for person in seen], cuts), key=lambda one: -one.wide)
    where = np.stack([boxes(one.points) for one in raw])
    found = []
    for k, one in enumerate(raw):
        gap = round(GAP_SECONDS * rate)
        breaks = [*cuts, *one.breaks, *_jumps(where[k]), *_hidden(where[k], np.delete(where, k, axis=0), gap)]
        empty, found_there = looked_into(clip, one.points, one.tint, where[k], gap, breaks)
        points = steady.bridge(one.points, gap, [*breaks, *empty])
        points = steady.smooth(points, STEADY_SECONDS * rate, breaks)
        found.append(FaceTrack(0, boxes(points), points, one.score, filled(one.tint, found_there), k))
    return tuple(found)


def _dense(person: Person, length: int) -> Seen:
    """What was seen of a person over all frames."""
    points, score, tint = person.whole()
    rows = np.array(person.frames, np.int64)
    there = np.zeros(length, bool)
    there[rows] = True
    for start, stop in steady.stretches(there):
        if stop - start < GLIMPSE and stop - start < len(rows):
            there[start:stop] = False
    scores = np.zeros(length, np.float32)
    scores[rows] = score
    scores[~there] = 0
    dense = ondisk.keep(_spread(points, rows, there, np.float32(np.nan)))
    colours = ondisk.keep(_spread(tint, rows, there, np.uint8(0)))
    return Seen(dense, scores, colours, person.wide, tuple(person.breaks))


def _spread(values: NDArray[T], rows: Int, there: NDArray[np.bool_], absent: T) -> Iterator[NDArray[T]]:
    """``values`` (N, ...) of the frames ``rows`` (N,) among all, a block at a time; ``absent`` where not ``there``."""
    for start in range(0, len(there), ondisk.BLOCK):
        stop = min(start + ondisk.BLOCK, len(there))
        first, last = np.searchsorted(rows, (start, stop))
        block = np.full((stop - start, *values.shape[1:]), absent)
        block[rows[first:last] - start] = values[first:last]
        block[~there[start:stop]] = absent
        ondisk.release(values)
        yield block


def _jumps(box: Float) -> list[int]:
    """The frames in which a face's box (T, 4) stands elsewhere than where it was last seen."""
    rows = np.flatnonzero(np.isfinite(box[:, 0]))
    middle = (box[rows, :2] + box[rows, 2:]) / 2
    size = (box[rows, 2:] - box[rows, :2]).mean(1)
    return [int(row) for row in rows[1:][np.linalg.norm(np.diff(middle, axis=0), axis=1) > JUMP * size[1:]]]


def _hidden(box: Float, others: Float, longest: int) -> list[int]:
    """One frame of each gap in a face's boxes (T, 4) in which another face stands before it."""
    guess = steady.bridge(box, longest)
    missing = np.isfinite(guess[:, 0]) & ~np.isfinite(box[:, 0])
    low, high = np.maximum(guess[:, :2], others[..., :2]), np.minimum(guess[:, 2:], others[..., 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area = np.prod(guess[:, 2:] - guess[:, :2], axis=1)
    behind = missing & (np.nan_to_num(shared) > BEFORE * area).any(0)
    return [start for start, stop in steady.stretches(missing) if behind[start:stop].any()]


def _cache_file(clip: Clip, detector: str, inside: Box | None) -> Path | None:
    if not clip.key:
        return None
    part = "" if inside is None else "-" + hashlib.sha256(repr(tuple(map(float, inside))).encode()).hexdigest()[:12]
    return registry.cache_dir() / "faces" / f"{clip.key}-{detector}{part}-{VERSION}.npz"


def _save(found: Sequence[FaceTrack], path: Path) -> None:
    """Keep tracks for next time; a cache that cannot be written is no reason to fail."""
    arrays = {
        f"{name}{face.id}": value
        for face in found
        for name, value in vars(face).items()
        if isinstance(value, np.ndarray)
    }
    beside = path.with_name(f"{path.stem}.{id(found)}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ondisk.save(beside, arrays)
        beside.replace(path)
    except OSError:
        return


def _load(path: Path) -> tuple[FaceTrack, ...]:
    data = ondisk.load(path)
    count = sum(name.startswith("score") for name in data)
    return tuple(
        FaceTrack(0, data[f"box{k}"], data[f"points{k}"], data[f"score{k}"], data.get(f"tint{k}"), k)
        for k in range(count)
    )
