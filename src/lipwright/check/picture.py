"""Every figure and finding about a video."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, steady
from lipwright.check import seen
from lipwright.check.found import Notes, Severity, joined, total
from lipwright.errors import NoFaceError
from lipwright.media import VideoInfo
from lipwright.types import Audio, Clip, FaceTrack, Float, Progress

SUBJECT = "picture"
NEEDS: Mapping[str, int] = {"landmark": 80, "transplant": 80, "wav2lip": 96, "compact": 96, "retime": 64}
"""Pixels across the face that a dubber works with; for others 80."""
LINES, FEW_LINES = 720, 360
"""Of the shorter side: preferred, and those below which all is coarse."""
SLOW = 20.0
"""Frames a second."""
YAW, PITCH = 30.0, 25.0
"""Degrees; landmark begins to fade its dub out at 30."""
DARK, BRIGHT, BURNT, SPREAD, SIDE = 45.0, 210.0, 0.15, 40.0, 0.45
SHARP = 0.17
COVERED, HIDDEN, OUTSIDE = 0.15, 0.5, 0.3
SAME, FROZEN, TWICE = 0.05, 0.2, 0.05
"""Grey levels within which a frame is the one before it; seconds of a standstill; share of frames shown twice."""
COMB = 1.0
LONGER = 0.1
"""Seconds by which sound and picture may differ in length."""
USUAL = (Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30, 48, 50, Fraction(60000, 1001), 60)
_CHANCE = 2  # frames shown twice that may be chance
_HALF = 0.5  # of the frames with a face: what holds for more than this is said of all of it


def check(
    clip: Clip, info: VideoInfo | None, speech: Audio | None, dubber: str, notes: Notes, progress: Progress | None
) -> None:
    """Note all of a video: what its file says, its length against the ``speech``, its people, light and frames.

    The faces are followed, or taken from the cache, then the pictures are looked through once.
    """
    _file(clip, info, notes)
    _length(clip, speech, notes)
    try:
        people = faces.tracks(clip, progress=progress)
    except NoFaceError as problem:
        people = ()
        notes.figure("face_seen", "face seen", 0, "%", "all the time", fine=False)
        notes.issue("no_face", "error", str(problem).split(";")[0])
    looks = seen.pictures(clip, people, progress)
    if people:
        _people(people, clip, notes)
        _face(seen.largest(people, clip.size), looks, clip, dubber, notes)
    elif np.median(looks.light) < DARK:
        notes.issue("too_dark", "warning", f"the picture is dark: {np.median(looks.light):.0f} of 255")
    _frames(clip, looks, notes)
    if people and _own(clip, speech) and clip.source is not None:
        notes.figure("sync", "lips and sound in sync", None, "", f"not looked at: lipwright measure {clip.source.name}")


def _file(clip: Clip, info: VideoInfo | None, notes: Notes) -> None:
    width, height = clip.size
    lines = min(clip.size)
    notes.figure("size", "picture", f"{width} x {height}", "px", f"{LINES} lines and more", lines >= LINES)
    if lines < LINES:
        severity: Severity = "warning" if lines < FEW_LINES else "info"
        notes.issue("low_resolution", severity, f"the picture has {width} x {height} pixels")
    rate = float(clip.fps)
    if clip.length == 1:
        return
    variable = info is not None and info.variable
    unusual = clip.fps not in USUAL
    said = "variable, read as " if variable else ""
    notes.figure(
        "fps", "frames a second", f"{said}{rate:.6g}", "", f"{SLOW:g} and more, steady", not variable and rate >= SLOW
    )
    if variable:
        message = f"frames come at an unsteady rate; they are read at {rate:.6g} a second"
        notes.issue("variable_frame_rate", "info", message)
    if rate < SLOW:
        notes.issue("low_frame_rate", "warning", f"the video has {rate:.6g} frames a second")
    elif unusual:
        notes.issue("unusual_frame_rate", "info", f"{rate:.6g} frames a second are no usual rate")


def _length(clip: Clip, speech: Audio | None, notes: Notes) -> None:
    notes.figure("picture_seconds", "length", round(clip.duration, 3), "s")
    if speech is None or clip.length == 1:
        return
    gap = speech.duration - clip.duration
    notes.figure(
        "length_gap", "sound longer than picture by", round(gap, 3), "s", f"within {LONGER:g}", abs(gap) <= LONGER
    )
    if abs(gap) > LONGER:
        longer = "longer" if gap > 0 else "shorter"
        message = (
            f"the sound ({speech.duration:.2f} s) is {abs(gap):.2f} s {longer} than the picture ({clip.duration:.2f} s)"
        )
        ends = min(clip.duration, speech.duration), max(clip.duration, speech.duration)
        severity: Severity = "warning" if _own(clip, speech) or gap > 0 else "info"
        notes.issue("length_mismatch", severity, message, [ends])


def _own(clip: Clip, speech: Audio | None) -> bool:
    """Whether the sound is that of the video itself."""
    return speech is not None and clip.length > 1 and speech is clip.audio


def _people(people: tuple[FaceTrack, ...], clip: Clip, notes: Notes) -> None:
    together = joined(np.stack([face.present for face in people]).sum(0) > 1, float(clip.fps), end=clip.duration)
    notes.figure("faces", "faces", len(people), "", "one at a time", not together)
    if together:
        message = f"several faces are seen at once for {total(together):.2f} s"
        notes.issue("several_faces", "warning", message, together)
    elif len(people) > 1:
        message = f"{len(people)} faces are seen, one after the other: other people, or one in another light"
        notes.issue("several_faces", "info", message)


def _face(face: seen.Face, looks: seen.Pictures, clip: Clip, dubber: str, notes: Notes) -> None:
    rate, present = float(clip.fps), np.isfinite(face.width)
    share = float(present.mean())
    gone = joined(~present, rate, end=clip.duration)
    notes.figure("face_seen", "face seen", round(100 * share), "%", "all the time", not gone)
    if gone:
        notes.issue("face_lost", "warning", f"no face is seen for {total(gone):.2f} of {clip.duration:.2f} s", gone)
    need = NEEDS.get(dubber, 80)
    every = _Spans(present, clip, notes)
    every(
        "face_too_small", "face width", face.width, "px", f"at least {need}", face.width < need, "the face is {} wide"
    )
    turned = np.maximum(np.abs(face.yaw) / YAW, np.abs(face.pitch) / PITCH)
    notes.figure("yaw", "head to the side", _middle(np.abs(face.yaw)), "°", f"at most {YAW:g}")
    notes.figure("pitch", "head up or down", _middle(np.abs(face.pitch)), "°", f"at most {PITCH:g}")
    _turned(face, turned, clip, notes)
    _light(face, every)
    every(
        "blurred",
        "sharpness of the face",
        looks.sharp,
        "",
        f"at least {SHARP:g}",
        (looks.sharp < SHARP) & (face.width >= NEEDS["retime"]),
        "the face is blurred: sharpness {}",
    )
    # In a profile the mesh reaches beyond the cheek, and what is seen there is the wall behind.
    seen_whole = np.abs(face.yaw) < YAW
    every(
        "occluded",
        "lower face covered",
        face.covered,
        "",
        f"at most {COVERED:g}",
        (face.covered > COVERED) & seen_whole,
        "something stands before {} of the lower face",
    )
    hidden = ((face.mouth > HIDDEN) & seen_whole) | (face.outside > OUTSIDE)
    every(
        "mouth_hidden",
        "lips outside the picture",
        face.outside,
        "",
        f"at most {OUTSIDE:g}",
        hidden,
        "the lips are covered or outside the picture",
    )


def _light(face: seen.Face, every: _Spans) -> None:
    dark = face.light < DARK
    every(
        "too_dark", "light on the face", face.light, "of 255", f"{DARK:g} to {BRIGHT:g}", dark, "the face is dark: {}"
    )
    every(
        "too_bright",
        "skin at the end of the scale",
        face.burnt,
        "",
        f"at most {BURNT:g}",
        (face.burnt > BURNT) | (face.light > BRIGHT),
        "the face is too bright: {} of it is burnt out",
    )
    every(
        "low_contrast",
        "contrast of the face",
        face.spread,
        "of 255",
        f"at least {SPREAD:g}",
        (face.spread < SPREAD) & ~dark,
        "the face has little contrast: {}",
    )
    every(
        "side_lit",
        "one side darker by",
        face.side,
        "",
        f"at most {SIDE:g}",
        (face.side > SIDE) & (np.abs(face.yaw) < YAW),
        "one side of the face is darker by {}",
    )


def _turned(face: seen.Face, turned: Float, clip: Clip, notes: Notes) -> None:
    spans = joined(np.nan_to_num(turned) > 1, float(clip.fps), end=clip.duration)
    if spans:
        yaw, pitch = (float(np.nanmax(np.abs(angle))) for angle in (face.yaw, face.pitch))
        message = (
            f"the head is turned up to {yaw:.0f}° to the side and {pitch:.0f}° up or down, {total(spans):.2f} s in all"
        )
        notes.issue("off_frontal", "warning", message, spans)


class _Spans:
    """Notes a figure a frame: its median where a face is, and the spans in which it is bad."""

    def __init__(self, present: NDArray[np.bool_], clip: Clip, notes: Notes) -> None:
        self._present, self._clip, self._notes = present, clip, notes

    def __call__(
        self, code: str, what: str, values: Float, unit: str, limit: str, bad: NDArray[np.bool_], said: str
    ) -> None:
        """``said`` is the message, with {} for the median of the bad frames."""
        bad = np.asarray(bad & self._present, bool)
        spans = joined(bad, float(self._clip.fps), end=self._clip.duration)
        if not spans and bad.sum() > _HALF * self._present.sum():  # a clip of a few frames
            spans = ((0.0, self._clip.duration),)
        self._notes.figure(code, what, _middle(values), unit, limit, not spans)
        if spans:
            value = f"{_middle(np.where(bad, values, np.nan)):.3g} {unit}".rstrip()
            self._notes.issue(code, "warning", said.format(value), spans)


def _middle(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _frames(clip: Clip, looks: seen.Pictures, notes: Notes) -> None:
    rate = float(clip.fps)
    same = np.nan_to_num(looks.same, nan=np.inf) < SAME
    if clip.length == 1 or same[1:].all():
        notes.issue("still_picture", "info", "the picture stands still throughout")
        return
    frozen, single = np.zeros(clip.length, bool), 0
    for start, stop in steady.stretches(same):
        if stop - start >= FROZEN * rate:
            frozen[start:stop] = True
        else:
            single += stop - start
    stands = joined(frozen, rate, gap=0.0, end=clip.duration)
    notes.figure("frozen", "picture stands still", total(stands), "s", "never", not stands)
    if stands:
        notes.issue("frozen", "warning", f"the picture stands still for {total(stands):.2f} s", stands)
    share = single / max(1, clip.length - int(frozen.sum())) if single > _CHANCE else 0.0
    notes.figure(
        "duplicate_frames", "frames shown twice", round(100 * share, 1), "%", f"below {100 * TWICE:g}", share < TWICE
    )
    if share >= TWICE:
        notes.issue("duplicate_frames", "warning", f"{single} of {clip.length} frames are the one before them again")
    cuts = np.flatnonzero(np.nan_to_num(looks.change) > seen.CUT)
    notes.figure("shot_cuts", "cuts", len(cuts))
    if len(cuts):
        times = [(float(cut) / rate, float(cut) / rate) for cut in cuts]
        notes.issue("shot_cuts", "info", f"another shot begins {_times(len(cuts))}", times)
    comb = float(np.percentile(looks.comb, 90))
    notes.figure("comb", "combs at moving edges", comb, "", f"below {COMB:g}", comb < COMB)
    if comb >= COMB:
        notes.issue("interlaced", "warning", "fields of two moments are woven into one frame")


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
