"""Put a video right whose lips and voice do not agree: measured by one sync expert, proved by another.

From the mildest means to the strongest: the sound is moved (the picture's packets are copied), frames are shown a
little earlier or later (the dubber `retime`), or mouths are carried over from frames near by (`transplant`).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import soxr

from lipwright import __version__, drift as drifts, faces, matching, media, paint, registry
from lipwright.dubbers import Dubber, Scene
from lipwright.errors import InputError, WeightsError
from lipwright.measure import judging
from lipwright.measure.found import Judged
from lipwright.types import Audio, Clip, Edit, FaceTrack, Float, Int, Issue, Picture, Progress

How = Literal["auto", "offset", "retime", "transplant"]

IN_SYNC = 1
"""Frames at 25 fps: an offset of so many and less is left alone; the expert is no surer."""
PROOF = 0.1
"""Share of the distance between a sound that does not belong to the mouth and this one's that a gain must have."""
SILENT = 10 ** (-70 / 20)
FINISH = paint.Finish("feather", colour=True, grain=True)


@dataclass(frozen=True)
class Opinion:
    """What an ``expert`` makes of a video, in its own distance and in frames at 25 fps.

    ``offset``, > 0 when the sound comes early; ``contrast``, how clear that is; ``distance``, the mean as played;
    ``best``, the mean at ``offset``; ``unrelated``, the median over all shifts, what a sound that does not belong
    to the mouth gets.
    """

    expert: str
    offset: float
    contrast: float
    distance: float
    best: float
    unrelated: float

    @classmethod
    def of(cls, found: Judged) -> Opinion:
        """The opinion in what an expert found."""
        curve = found.curve
        played = float(curve.distances[curve.reach])
        return cls(
            found.expert, curve.peak, curve.contrast, played, curve.distance, float(np.nanmedian(curve.distances))
        )


@dataclass(frozen=True)
class Repaired:
    """What was done to a video.

    ``out``, the file written, or None where nothing was to be done; ``done``, the means used, in order, of "offset",
    "retime" and "transplant"; ``delay`` s by which the sound was delayed (< 0: advanced) and ``drift``, s a second
    added to that; ``moved`` int64 (T,), by how many frames each frame, or its mouth, was moved (> 0: a later one is
    shown); ``before`` and ``after``, opinions, the expert's that was asked first, then the judge's; ``independent``,
    whether the judge is another expert.
    """

    out: Path | None
    done: tuple[str, ...]
    delay: float
    drift: float
    moved: Int
    before: tuple[Opinion, ...]
    after: tuple[Opinion, ...]
    independent: bool
    issues: tuple[Issue, ...] = ()

    @property
    def histogram(self) -> dict[int, int]:
        """How many frames were moved by how many."""
        shifts, counts = np.unique(self.moved, return_counts=True)
        return dict(zip(shifts.tolist(), counts.tolist(), strict=True))

    def text(self, name: Path | None = None) -> str:
        """What was done, for people; ``name``, how the file is to be called."""
        lines = [f"{name or self.out}: {self._said()}" if self.out else f"{self._said()}; nothing was written"]
        if self.moved.any():
            counts = ", ".join(f"{shift:+d}: {count}" for shift, count in self.histogram.items())
            lines.append(f"frames moved by: {counts}")
        opinions = list(zip(self.before, self.after, strict=True))[: 2 if self.independent else 1]
        lines += [self._line(before, after) for before, after in opinions]
        return "\n".join([*lines, *(f"{issue.severity}: {issue.message}; {issue.remedy}" for issue in self.issues)])

    def _said(self) -> str:
        if not self.done:
            unclear = any(issue.code in ("unclear", "unproved") for issue in self.issues)
            return "left as it is" if unclear else "picture and sound agree"
        sound = f"the sound {'delayed' if self.delay >= 0 else 'advanced'} by {abs(self.delay) * 1000:.0f} ms"
        sound += f", and by {self.drift * 60000:+.0f} ms a minute" if self.drift else ""
        said = {"offset": sound, "retime": "frames re-timed", "transplant": "mouths carried over"}
        return ", ".join(said[means] for means in self.done)

    def _line(self, before: Opinion, after: Opinion) -> str:
        role = "judge" if before is self.before[-1] and self.independent else "asked"
        change = f"distance {before.distance:.3f}" + (f" -> {after.distance:.3f}" if self.done else "")
        return f"{before.expert} ({role}): {change} (a sound of another moment: {before.unrelated:.3f})"

    def data(self) -> dict[str, Any]:
        """The same for machines."""
        plain = {name: getattr(self, name) for name in ("done", "delay", "drift", "independent", "histogram")}
        opinions = {name: [asdict(one) for one in getattr(self, name)] for name in ("before", "after")}
        told = {"out": str(self.out) if self.out else None, "moved": self.moved.tolist()}
        return told | plain | opinions | {"issues": [asdict(issue) for issue in self.issues]}


def repair(
    video: str | Path,
    out: str | Path,
    *,
    how: How = "auto",
    expert: str = "lipsight",
    judge: str | None = None,
    window: matching.Window | None = None,
    jump: float = matching.JUMP,
    greedy: bool = False,
    compat: bool = False,
    copy: bool = False,
    quality: int = 18,
    progress: Progress | None = None,
) -> Repaired:
    """Write ``video`` to ``out`` with its lips and its voice in agreement.

    Args:
        video: a file with one speaking face and its sound.
        out: the file to write.
        how: "offset" moves the sound, by a constant delay or against a drift: the picture is copied bit by bit where
            the file type allows it. "retime" and "transplant" move frames, or mouths. "auto" takes the mildest of
            these that the judge finds to help, and leaves a video that is in sync alone.
        expert: the sync expert that is asked what to do.
        judge: the one that is asked whether it helped; another one that is calibrated, unless told.
        window: for retime and transplant, see `lipwright.matching.choose`; so are ``jump`` and ``greedy``.
        jump: what leaving out or repeating a frame costs.
        greedy: choose each frame by itself.
        compat: transplant as the source report did.
        copy: write a copy also where there is nothing to repair.
        quality: x264's constant rate factor where pictures are encoded, 0 best to 51.
        progress: called while the work goes on.

    Raises:
        InputError: an unknown option; a video without sound, with a silent one, or with one that tells nothing.
        NoFaceError: no frame shows a face.
        OutputError: ``out`` cannot be written.
        WeightsError: the expert was never calibrated, or its weights are not here.
    """
    if how not in get_args(How):
        raise InputError(f"how is one of {', '.join(get_args(How))}; given {how}")
    quality, source = media.checked_quality(quality), Path(video)
    target = media.output_path(out, source)
    clip = media.open(source)
    speech = _speech(clip)
    one, other = judging.expert(expert), other_than(expert, judge)
    work = _Work(clip, faces.track(clip, progress=progress), speech, {expert: one} | {other[0]: other[1]})
    planner = partial(
        _planned, options={"expert": expert, "window": window, "jump": jump, "greedy": greedy}, compat=compat
    )
    made = _mended(work, how, expert, other[0], planner)
    result = None
    if made.done:
        result = _write(made, source, target, quality, progress)
    elif copy:
        result = Path(shutil.copyfile(source, target))
    return replace(made.told, out=result)


@dataclass(frozen=True)
class _Work:
    """A video on its way: its pictures, the face in them, its sound as it is to be, and who judges."""

    clip: Clip
    track: FaceTrack
    speech: Audio
    experts: dict[str, judging.Expert]

    def judged(self, name: str) -> Judged:
        """What the expert called ``name`` finds."""
        one = self.experts[name]
        return judging.judged(name, one, one.crops(self.clip, self.track), self.speech)

    def opinion(self, name: str) -> Opinion:
        return Opinion.of(self.judged(name))


@dataclass(frozen=True)
class _Made:
    """What is to be written, and what is to be told."""

    work: _Work
    told: Repaired

    @property
    def done(self) -> tuple[str, ...]:
        return self.told.done


def _speech(clip: Clip) -> Audio:
    name = clip.source
    if clip.length < 2:
        raise InputError(f"{name} is a still picture; give a video whose lips and voice are to be brought together")
    if clip.audio is None or not len(clip.audio.samples):
        raise InputError(f"{name} has no sound; there is nothing to bring the lips together with")
    if not np.isfinite(clip.audio.samples).all():
        raise InputError(f"the sound of {name} holds samples that are not numbers; export it again")
    if np.abs(clip.audio.samples).max() < SILENT:
        raise InputError(
            f"the sound of {name} is silent from end to end; there is nothing to bring the lips together with"
        )
    return clip.audio


def other_than(expert: str, judge: str | None) -> tuple[str, judging.Expert]:
    """Another expert than the one asked first, calibrated; the same one where there is no other."""
    if judge is not None:
        return judge, judging.expert(judge)
    for name in registry.members("experts"):
        if name != expert:
            try:
                return name, judging.expert(name)
            except WeightsError:
                continue
    return expert, judging.expert(expert)


def _mended(work: _Work, how: How, expert: str, judge: str, planner: Any) -> _Made:
    """The mildest means that helps, or the one asked for."""
    found = work.judged(expert)
    asked = Opinion.of(found)
    first = (asked, asked if judge == expert else work.opinion(judge))
    issues = list(_alone(expert, judge))
    nothing = np.zeros(work.clip.length, np.int64)
    told = Repaired(None, (), 0.0, 0.0, nothing, first, first, expert != judge, ())
    made = _Made(work, told)
    if how in ("auto", "offset"):
        made = _shifted(made, found, how, judge, issues)
    if how in ("retime", "transplant"):
        made = planner(made, how)
        made = replace(made, told=replace(made.told, after=_asked(made.work, expert, judge)))
        if abs(found.curve.offset) > 3 and found.curve.contrast > found.least:
            issues.append(_beyond(found))
    elif how == "auto" and made.told.independent and found.curve.contrast > found.least:
        made = _tried(made, expert, judge, planner)
    return replace(made, told=replace(made.told, issues=tuple(issues)))


def _asked(work: _Work, *names: str) -> tuple[Opinion, ...]:
    found = {name: work.opinion(name) for name in dict.fromkeys(names)}
    return tuple(found[name] for name in names)


def _helped(before: Opinion, after: Opinion) -> bool:
    """Whether moving frames gained more than one delay for all would, and more than the choice of the best does."""
    return before.best - after.best > PROOF * max(before.unrelated - before.best, 0.02)


def _shifted(made: _Made, found: Judged, how: How, judge: str, issues: list[Issue]) -> _Made:
    """With the sound moved, where that is called for and the judge agrees."""
    curve, seconds = found.curve, made.work.clip.duration
    if not curve.contrast > found.least or abs(curve.offset) == curve.reach:
        what = (
            f"the sound and the mouth of {made.work.clip.source} agree no better at any delay within {curve.reach} "
            "frames (25 a second) than a wrong voice would"
        )
        if how == "offset":
            raise InputError(f"{what}; give a longer stretch in which the speaker is seen and heard")
        issues.append(Issue("unclear", "warning", what, "give a longer stretch of one speaker", (0.0, seconds)))
        return made
    delay, slope = delay_of(found)
    if abs(curve.offset) <= IN_SYNC and not slope:
        return made
    work = replace(made.work, speech=moved(made.work.speech, delay, slope))
    after = _asked(work, found.expert, judge)
    if how == "auto" and not after[1].distance < made.told.before[1].distance:
        what = f"{found.expert} would move the sound by {1000 * delay:.0f} ms; {judge} finds that this does not help"
        issues.append(Issue("unproved", "warning", what, "try --how offset and look", (0.0, seconds)))
        return made
    return _Made(work, replace(made.told, done=("offset",), delay=delay, drift=slope, after=after))


def delay_of(found: Judged) -> tuple[float, float]:
    """Delay s at 0 s and its growth, s a second, 0 unless the drift is certain."""
    if found.drift is None or not found.drift.certain:
        return found.curve.peak / found.fps, 0.0
    slope = found.drift.ms_per_minute / 60000
    spans = [s for s in drifts.spans(found.table, found.fps, drifts.DRIFT_SECONDS, 2.0) if s.seen >= 0.5]
    clear = sorted(spans, key=lambda span: -span.contrast)[: max(3, len(spans) * 2 // 3)]
    starts = [span.peak / found.fps - slope * (span.start + span.stop) / 2 for span in clear]
    return float(np.median(starts)), slope


def moved(speech: Audio, delay: float, slope: float) -> Audio:
    """The sound as `lipwright.media.remux` will write it, for judging."""
    samples: Float = speech.samples
    if slope:
        samples = np.asarray(soxr.resample(samples, speech.rate, speech.rate * (1 + slope)), np.float32)
    sound = Audio(samples, speech.rate)
    return sound.padded(delay) if delay >= 0 else sound.cut(-delay)


def _tried(made: _Made, expert: str, judge: str, planner: Any) -> _Made:
    """With frames or mouths moved, where the expert sees much to gain and the judge agrees."""
    before = made.told.after
    for means in ("retime", "transplant"):
        changed: _Made = planner(made, means)
        now = _asked(changed.work, expert, judge)
        if not _helped(before[0], now[0]):
            return made
        if _helped(before[1], now[1]):
            return replace(changed, told=replace(changed.told, after=now))
    return made


def _planned(made: _Made, means: str, options: dict[str, Any], compat: bool) -> _Made:
    """With frames or mouths moved by a dubber."""
    work, every = made.work, np.arange(made.work.clip.length)
    scene = Scene(work.clip, work.track, work.speech, every)
    more = {"compat": compat} if means == "transplant" else {}
    planned: Any = registry.load("dubbers", means).Dubber(scene, **options, **more)
    path: Int = planned.canvas if means == "retime" else planned.donors
    said = hashlib.sha256(repr((__version__, work.clip.key, means, options, more, path.tolist())).encode())
    edit = Edit("frames re-timed") if means == "retime" else Edit("mouths carried over from other frames", "composite")
    clip = replace(work.clip, frames=partial(_painted, planned), key=said.hexdigest(), edits=(*work.clip.edits, edit))
    track = _reordered(work.track, path) if means == "retime" else faces.track(clip)
    told = replace(made.told, done=(*made.done, means), moved=path - every)
    return _Made(replace(work, clip=clip, track=track), told)


def _painted(planned: Dubber, start: int, stop: int) -> Iterator[Picture]:
    for instant, (picture, take) in enumerate(planned.takes(start, stop), start):
        yield picture if take.face is None else paint.composite(picture, take.face, FINISH, instant)


def _reordered(track: FaceTrack, path: Int) -> FaceTrack:
    """The face in frames shown in another order."""
    tint = None if track.tint is None else track.tint[path]
    return replace(track, box=track.box[path], points=track.points[path], score=track.score[path], tint=tint)


def _write(made: _Made, source: Path, target: Path, quality: int, progress: Progress | None) -> Path:
    told = made.told
    if told.done == ("offset",) and media.fits(source, target):
        return media.remux(source, target, delay=told.delay, drift=told.drift)
    clip = made.work.clip
    if "offset" not in told.done:
        return media.write(clip, target, quality=quality, progress=progress)
    with tempfile.TemporaryDirectory(prefix=f".{target.stem}.", dir=target.parent) as folder:
        pictures = media.write(clip, Path(folder) / target.name, quality=quality, progress=progress)
        return media.remux(pictures, target, delay=told.delay, drift=told.drift, edits=clip.edits, origin=source)


def _alone(expert: str, judge: str) -> Iterator[Issue]:
    if expert == judge:
        what = f"{expert} judges its own choice, which proves nothing, so no frames are moved unless asked"
        yield Issue(
            "one-expert",
            "warning",
            what,
            "let another calibrated expert judge; `lipwright models` names those there are",
        )


def _beyond(found: Judged) -> Issue:
    what = f"{found.curve.words(found.fps)} all along, which is more than moving frames can mend"
    return Issue("offset", "warning", what, "move the sound first: --how offset, or leave it to --how auto")
