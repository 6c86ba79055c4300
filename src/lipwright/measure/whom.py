"""Whose mouth is measured, and when somebody else speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, speaker
from lipwright.errors import InputError, NoFaceError
from lipwright.measure.judging import SHORTEST
from lipwright.types import Audio, Clip, FaceTrack, Issue, Progress


@dataclass(frozen=True, eq=False)
class Cast:
    """The face that is measured, of ``track``, among ``count`` of them; who of several ``said`` something when;
    ``elsewhere`` (T,), the frames in which another speaks, and this one is not judged."""

    track: FaceTrack
    count: int
    said: speaker.Speakers | None
    elsewhere: NDArray[np.bool_]
    issues: tuple[Issue, ...]

    @property
    def turns(self) -> tuple[speaker.Turn, ...]:
        """Who speaks when, where there are several."""
        return () if self.said is None else self.said.turns


def cast(clip: Clip, sound: Audio, face: str | int, progress: Progress | None) -> Cast:
    """The face that is meant, seen for long enough, and who else speaks."""
    if face == "all":
        raise InputError("one face is measured at a time; give its id, or x,y, and measure the others one by one")
    found = faces.tracks(clip, progress=progress)
    if len(found) == 1:
        track = faces.choose(found, face, float(clip.fps))[0]
        return Cast(long(clip, track), 1, None, np.zeros(clip.length, bool), ())
    said = speaker.active(clip, found, sound, progress)
    track = faces.choose(found, face, float(clip.fps), lambda all_: speaker.chosen(all_, said))[0]
    elsewhere = said.others(track.id, float(clip.fps), clip.length)
    issues = list(_doubts(clip, found, track, said, sound, elsewhere, face == "auto"))
    if said.seconds(track.id) < SHORTEST:
        elsewhere[:] = False
    return Cast(long(clip, track), len(found), said, elsewhere, tuple(issues))


def _doubts(
    clip: Clip,
    found: tuple[FaceTrack, ...],
    track: FaceTrack,
    said: speaker.Speakers,
    sound: Audio,
    elsewhere: NDArray[np.bool_],
    auto: bool,
) -> Iterator[Issue]:
    """What is to be said where several people are seen."""
    issue = speaker.doubt(clip, found, said, sound)
    if auto and issue is not None:
        yield issue
    if not elsewhere.any():
        return
    seconds = float(elsewhere.sum() / clip.fps)
    if said.seconds(track.id) < SHORTEST:
        yield Issue(
            "others-speak", "warning", f"face {track.id} is hardly heard to speak, others are for {seconds:.1f} s; it "
            "is judged all the same", f"measure who speaks: --face {said.most}",
        )  # fmt: skip
        return
    yield Issue(
        "others-speak", "info", f"others speak for {seconds:.1f} s, in which face {track.id} is not judged",
        "measure them one by one: --face ID",
    )  # fmt: skip


def long(clip: Clip, track: FaceTrack) -> FaceTrack:
    """A face that is seen for long enough."""
    seen = int(track.present.sum())
    if seen < SHORTEST * clip.fps:
        raise NoFaceError(
            f"a face is seen in {seen} of the {clip.length} frames of {clip.source or 'the clip'}; a measurement needs "
            f"{SHORTEST} s of a face seen from the front, at least about 40 pixels wide"
        )
    return track
