"""One pass over the pictures: the expert takes its crops and every metric sees every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import tee
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipwright import canvas, crops, media, registry
from lipwright.measure.judging import Expert
from lipwright.metrics import Case, Measuring, View, views
from lipwright.types import Clip, FaceTrack, Float, Frames, Measure, Picture

AHEAD = 8


class Watch:
    """All metrics that apply to ``case``, fed with the ``clip`` and the face of ``track``, beside those of others.

    ``beside``: the pictures of the reference and of the source with their tracks, by role. ``opening`` float32 (T,) is
    the mouth's opening at every frame, NaN without a face. ``elsewhere`` (T,): another face speaks, so that neither the
    expert nor a metric that hears the sound judges this one there.
    """

    def __init__(
        self,
        case: Case,
        clip: Clip,
        track: FaceTrack,
        beside: dict[str, tuple[Clip, FaceTrack]],
        elsewhere: NDArray[np.bool_],
    ) -> None:
        self.opening: Float = np.full(case.length, np.nan, np.float32)
        there = {"face", *beside} | ({"sound"} if len(case.voiced) else set())
        self._members = [metric(case) for metric in members() if metric.needs <= there]
        fps = float(clip.fps)
        own, mine = tee(media.stream(clip.read(), AHEAD))
        self._clip = replace(clip, frames=_Once(own, clip.frames))
        self._views = views(mine, track, np.arange(clip.length), fps)
        self._beside = {role: _matched(clip, *pair, role) for role, pair in beside.items()}
        self._track, self._elsewhere = track, elsewhere

    def crops(self, expert: Expert) -> Iterator[Any]:
        """What the expert sees, every metric fed on the way; the whole clip has gone by at the end."""
        done = 0.0
        for crop in own(expert, self._clip, self._track, self._elsewhere):
            done += float(self._clip.fps) / expert.face.fps
            self._feed(int(done))
            yield crop
        self._feed(len(self.opening))

    def _feed(self, until: int) -> None:
        """Show the metrics all frames before ``until``."""
        while self._at < until:
            view = next(self._views, None)
            if view is None:
                self._at = len(self.opening)
                return
            self._at = view.frame + 1
            others = {role: next(coming, None) for role, coming in self._beside.items()}
            if view.seen:
                self.opening[view.frame] = view.opening
            for member in self._members:
                if self._elsewhere[view.frame] and "sound" in member.needs:
                    continue
                _show(member, view, others)

    _at = 0

    def results(self) -> tuple[Measure, ...]:
        """What all metrics found, in the order of their names."""
        return tuple(measure for member in self._members for measure in member.result())

    def floors(self) -> tuple[Measure, ...]:
        """The same with the wrong voice."""
        return tuple(measure for member in self._members for measure in member.floor())


def own(expert: Expert, clip: Clip, track: FaceTrack, elsewhere: NDArray[np.bool_]) -> Iterator[Any]:
    """What the expert sees of a face, None in the frames (T,) in which another one speaks."""
    at = crops.instants(clip, expert.face.fps)
    frames = np.minimum(np.round(at).astype(int), len(elsewhere) - 1)
    for row, crop in enumerate(expert.crops(clip, track)):
        yield None if elsewhere[frames[min(row, len(frames) - 1)]] else crop


def members() -> list[type[Measuring]]:
    """The class of every member of ``metrics``."""
    return [registry.load("metrics", name).Metric for name in registry.members("metrics")]


def tells() -> dict[str, str]:
    """What the name of each measure stands for."""
    return {name: what for member in members() for name, what in member.tells.items()}


def _show(member: Measuring, view: View, others: dict[str, View | None]) -> None:
    """Show a metric a picture, and what it needs beside it."""
    if "face" in member.needs and not view.seen:
        return
    role = next((role for role in ("reference", "source") if role in member.needs), None)
    beside = others.get(role) if role else None
    member.see(view, beside if beside is not None and beside.seen else None)


class _Once:
    """Frames that are taken from what is read anyway the first time, and from the clip itself after that."""

    def __init__(self, coming: Iterator[Picture], frames: Frames) -> None:
        self._coming: Iterator[Picture] | None = coming
        self._frames = frames

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        coming, self._coming = self._coming, None
        if coming is None or start:
            yield from self._frames(start, stop)
            return
        for _ in range(stop):
            yield next(coming)


def _matched(clip: Clip, other: Clip, track: FaceTrack, role: str) -> Iterator[View]:
    """The view of ``other`` that belongs beside each frame of ``clip``, as far as it goes.

    A reference runs beside it in time. A source does so as dubbing shows it: forward and backward until the end.
    """
    if role == "source" and other.fps == clip.fps:
        order = canvas.bounce(clip.length, other.length)
        return views(canvas.shown(other, order), track, order, float(clip.fps))
    at = crops.instants(other, float(clip.fps))[: clip.length]
    order = np.minimum(np.round(at).astype(np.int64), other.length - 1)
    return views(crops.pictures(other, at), track, order, float(clip.fps))
