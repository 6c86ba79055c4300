"""Dub in several ways, measure all of it, and lay it side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lipwright import canvas as playback, media, registry
from lipwright.compare import page
from lipwright.compare.entrants import Entrant, entrants, shared
from lipwright.compare.found import Compared, Entry
from lipwright.compare.kept import Kept, signature, write_text
from lipwright.errors import InputError, LipwrightError
from lipwright.jobs import Job, made
from lipwright.measure import measure
from lipwright.media.target import refused
from lipwright.tiling import tiled
from lipwright.types import Clip, Picture, Progress

DUBBERS = ("landmark", "compact")
GRID, PAGE, DATA = "grid.mp4", "compare.html", "compare.json"


def compare(
    video: str | Path | None = None,
    speech: str | Path | None = None,
    out: str | Path = "compared",
    *,
    dubbers: Sequence[str] | None = None,
    detectors: Sequence[str] | None = None,
    videos: Sequence[str | Path] | None = None,
    names: Sequence[str] | None = None,
    source: str | Path | None = None,
    reference: str | Path | None = None,
    face: str | int = "auto",
    preview: float | None = None,
    quality: int = 18,
    progress: Progress | None = None,
    **options: Any,
) -> Compared:
    """Dub ``video`` with ``speech`` in several ways, or take ``videos`` as they are, and set them side by side.

    The folder ``out`` then holds each video, ``grid.mp4`` with all of them under their names, the source first, the
    page ``compare.html`` and ``compare.json``. What is there of the same inputs is not made again. What cannot be made
    is told in its column and stops nothing else.

    Args:
        video: the footage to dub; not with ``videos``.
        speech: what it is to say.
        out: the folder, made where it is missing.
        dubbers: members of the family ``dubbers``, as ``wav2lip:FILE`` with weights of their own; landmark and compact
            unless told.
        detectors: members of the family ``detectors``: each dubber with each of them.
        videos: finished videos to compare instead.
        names: what stands above each.
        source: the video before it was dubbed, for ``videos``.
        reference: what it should look like: the real recording of the same speech.
        face: whose mouth, see `lipwright.dub` and `lipwright.measure`.
        preview: dub only the first so many seconds of the speech.
        quality: of the videos made, 0 best to 51.
        progress: called while the work goes on.
        options: of `lipwright.dub` and `lipwright.finish`, and of dubbers: each takes those that it knows.

    Raises what `lipwright.media.open` does, InputError for what cannot be compared, OutputError for the folder.
    """
    task = _Task(Path(out).absolute(), Path(source) if source else None, reference, face, quality, progress)
    if video is not None and speech is not None and not videos:
        task = replace(task, source=Path(video))
        takers = _named(entrants(dubbers or DUBBERS, detectors or ()), names or ())
        found = [*task.dubbed(takers, Path(speech), preview, options)]
    elif video is None and len(videos or ()) > 1:
        found = _present(videos or (), names or ())
    else:
        raise InputError("give a video and a speech to dub in several ways, or else at least two finished --videos")
    return task.shown([task.measured(entry) for entry in found])


def _named(takers: list[Entrant], names: Sequence[str]) -> list[Entrant]:
    """The entrants under the names given."""
    if not names:
        return takers
    _check_names(names, len(takers))
    return [replace(one, name=name) for one, name in zip(takers, names, strict=True)]


def _check_names(names: Sequence[str], count: int) -> None:
    if len(names) != count:
        raise InputError(f"{count} videos are compared; {len(names)} names were given: give one for each")
    stems = [Entrant(name, "").stem.lower() for name in names]
    if len(set(stems)) < len(stems):
        raise InputError(f"no two videos can have one name; given {', '.join(names)}")


def _present(videos: Sequence[str | Path], names: Sequence[str]) -> list[Entry]:
    """Videos that are there."""
    if names:
        _check_names(names, len(videos))
    stems = [Path(one).stem for one in videos]
    same = len(set(stems)) < len(stems)
    labels = names or [str(one) if same else stem for one, stem in zip(videos, stems, strict=True)]
    return [Entry(label, Path(one).absolute()) for label, one in zip(labels, videos, strict=True)]


@dataclass(frozen=True)
class _Task:
    """A comparison on its way: where it is written, what its videos were made of or should look like, whose face."""

    folder: Path
    source: Path | None
    reference: str | Path | None
    face: str | int
    quality: int
    progress: Progress | None

    def __post_init__(self) -> None:
        media.checked_quality(self.quality)
        for file in (self.source, self.reference):
            if file is not None:
                media.probe(file)
        with refused(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def dubbed(
        self, takers: list[Entrant], speech: Path, preview: float | None, options: Mapping[str, Any]
    ) -> Iterator[Entry]:
        """Each entrant's video, made or kept."""
        media.open_audio(speech)
        each = shared(options, takers)
        more = {"face": self.face, "quality": self.quality} | ({} if preview is None else {"preview": preview})
        for taker, own in zip(takers, each, strict=True):
            said = {"weights": taker.weights, "detector": taker.detector}
            chosen = {"dubber": taker.dubber, **more, **own, **{name: one for name, one in said.items() if one}}
            yield self._made(taker, Job(self.source or Path(), speech, self.folder / f"{taker.stem}.mp4", chosen))

    def _made(self, taker: Entrant, job: Job) -> Entry:
        networks = [card.sha256 for card in registry.cards()]
        files = [value for value in job.options.values() if isinstance(value, str) and Path(value).is_file()]
        own, kept = signature(job.signature(), networks, files=tuple(files)), Kept(self.folder)
        if job.out.is_file() and kept("video", taker.name, own) == signature(files=(job.out,)):
            return Entry(taker.name, job.out)
        try:
            made(job, self.progress)
        except LipwrightError as problem:
            return Entry(taker.name, None, str(problem))
        kept.add("video", taker.name, own, signature(files=(job.out,)))
        return Entry(taker.name, job.out)

    def measured(self, entry: Entry) -> Entry:
        """An entry with its figures, measured or kept."""
        if entry.file is None:
            return entry
        kept = Kept(self.folder)
        own = signature(str(self.face), files=(entry.file, self.source, self.reference))
        told = kept("figures", entry.name, own)
        if told is None:
            try:
                told = self._figures(entry.file)
            except LipwrightError as problem:
                return replace(entry, problem=str(problem))
            kept.add("figures", entry.name, own, told)
        return replace(entry, **told)

    def _figures(self, file: Path) -> dict[str, Any]:
        """What is measured of a video, as JSON holds it."""
        clip = media.open(file)
        source, reference = (_moving(other) for other in (self.source, self.reference))
        found = measure(clip, source=source, reference=reference, face=self.face, progress=self.progress)
        opening = [None if math.isnan(one) else round(one, 4) for one in found.opening.tolist()]
        better = {one.name: one.better for one in found.metrics}
        return {"figures": found.data(), "better": better, "opening": opening, "fps": float(clip.fps)}

    def shown(self, found: list[Entry]) -> Compared:
        """The grid, the page and the data of what was found."""
        there = [entry for entry in found if entry.file is not None and _opens(entry.file)]
        result = Compared(self.folder, tuple(found), None, None)
        if there:
            clips, names = [media.open(str(entry.file)) for entry in there], [entry.name for entry in there]
            first = [] if self.source is None else [_long(media.open(self.source), clips)]
            names = [*("source" for _ in first), *names]
            result = replace(result, grid=self._grid(tiled([*first, *clips], names)))
            place = self.folder / PAGE
            write_text(place, page.page(replace(result, page=place), dict(zip(names, [*first, *clips], strict=True))))
            result = replace(result, page=place)
        write_text(self.folder / DATA, json.dumps(result.data(), indent=1))
        return result

    def _grid(self, clip: Clip) -> Path:
        place, kept, own = self.folder / GRID, Kept(self.folder), signature(clip.key, self.quality)
        if not (place.is_file() and kept("video", GRID, own) == signature(files=(place,))):
            media.write(clip, place, quality=self.quality, progress=self.progress)
            kept.add("video", GRID, own, signature(files=(place,)))
        return place


def _moving(file: str | Path | None) -> Clip | None:
    """A video to measure beside; a still picture is none."""
    clip = None if file is None else media.open(file)
    return clip if clip is not None and clip.length > 1 else None


def _opens(file: Path) -> bool:
    """Whether a file can be shown."""
    try:
        return media.open(file).length > 0
    except LipwrightError:
        return False


def _long(source: Clip, clips: Sequence[Clip]) -> Clip:
    """The source, silent, forward and backward for as long as the longest of ``clips``, as dubbing shows it."""
    length = max(1, *(round(clip.length * source.fps / clip.fps) for clip in clips))
    order = playback.bounce(length, source.length)
    key = f"{source.key}-bounce-{length}" if source.key else ""
    return replace(source, length=length, frames=partial(_ordered, source, order), audio=None, key=key)


def _ordered(clip: Clip, order: np.ndarray, start: int, stop: int) -> Iterator[Picture]:
    return playback.shown(clip, order[start:stop])
