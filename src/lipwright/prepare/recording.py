"""One file of a dataset to recordings: shots cut, the face followed, mouths cut out, sound levelled, all measured.

A recording is at most a minute of one shot with one face. What is found of a file does not depend on what is later kept
of it: its recordings lie in ``found/<id>.npz``, ``found/<id>+2.npz`` ..., what an expert makes of them beside those in
``<id>.expert.npz``, what was measured in ``<id>.json``.
"""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipwright import crops, faces, likeness, media, steady
from lipwright.errors import InputError, NoFaceError
from lipwright.faces import following
from lipwright.loudness import SILENT, levelled, loudness
from lipwright.media import container
from lipwright.ondisk import AnyArray
from lipwright.prepare import alike, judging
from lipwright.types import Audio, Clip, DataItem, FaceTrack, Float, Frames, Int, Picture

VERSION = 1
"""Raised when the same file gives other recordings."""
FPS = 25
RATE = 16000
SHORTEST = 10
"""Frames."""
LONGEST = 60.0
"""Seconds."""
WHOLE = ("present", "samples", "jpegs", "ends")
"""What is kept where whole faces are cut out: ``jpegs`` uint8 (N,), the files one after the other, of which that of row
t ends before ``ends[t]``; of a frame without a face there is none."""
QUALITY = 92
"""Of the JPEG files of lower faces."""

_QUIET = 35.0
_STEP = RATE // FPS


@dataclass(frozen=True)
class Making:
    """What decides how recordings are made: the ``expert`` that judges them ("" = none), and whether the whole
    face is cut out, too (``faces``), ``size`` px wide and high or as large as it is (None). Where it is not, and a
    ``size`` is given, lower faces of that size are kept (see `_lower`)."""

    expert: str = "lipsight"
    faces: bool = False
    size: int | None = None


@dataclass(frozen=True)
class Found:
    """What was measured of a recording.

    ``id``; ``frames`` at 25 fps; ``start`` s in its file; ``seen``, the share of frames with the face; ``sharpness``,
    the fine detail of the mouth in grey levels (`likeness.detail`); ``size``, the width of the face in px of the file;
    ``yaw``, how far the head is turned, degrees (both medians); ``loudness`` LUFS before it was levelled; ``silence``,
    the share of frames 35 dB and more below its loud ones; ``prints`` (`alike`).
    """

    id: str
    frames: int
    start: float
    seen: float
    sharpness: float
    size: float
    yaw: float
    loudness: float
    silence: float
    prints: list[int]


def made(item: DataItem, folder: Path, making: Making) -> list[Found]:
    """The recordings of one file, made unless they are in ``folder`` already, made the same way from the same file.

    Raises:
        InputError: the file cannot be read, or holds no recording.
    """
    file = container.existing(item.path)
    stat = file.stat()
    key = {"version": VERSION, "bytes": stat.st_size, "changed": stat.st_mtime_ns, **asdict(making)}
    told = folder / f"{item.id}.json"
    before = _before(told, key)
    if before is not None:
        return before
    found, why = [], ""
    try:
        for number, (arrays, one) in enumerate(_recordings(media.open(file), making), 1):
            name = item.id if number == 1 else f"{item.id}+{number}"
            if making.expert:
                sound = np.asarray(arrays["samples"] / np.float32(32768), np.float32)
                _save(folder / f"{name}.expert.npz", judging.embeddings(making.expert, arrays, sound))
            kept = {key: arrays[key] for key in WHOLE} if making.faces else arrays
            _save(folder / f"{name}.npz", kept)
            found.append(replace(one, id=name))
    except InputError as error:
        why = str(error)
    beside = told.with_suffix(".part")
    record = {"key": key, "why": why, "recordings": [asdict(one) for one in found]}
    beside.write_text(json.dumps(record), encoding="utf-8")
    beside.replace(told)
    if why:
        raise InputError(why)
    return found


def _before(told: Path, key: dict[str, object]) -> list[Found] | None:
    """What was found of a file before, in the same way; None where it was not, or is not there as it was written.

    Raises:
        InputError: the file was found to hold no recording.
    """
    try:
        before = json.loads(told.read_text(encoding="utf-8"))
        if before["key"] != key:
            return None
        why, found = str(before["why"]), [Found(**one) for one in before["recordings"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if why:
        raise InputError(why)
    kinds = ("npz", "expert.npz") if key["expert"] else ("npz",)
    whole = all(zipfile.is_zipfile(told.with_name(f"{one.id}.{kind}")) for one in found for kind in kinds)
    return found if whole else None


def _save(path: Path, arrays: dict[str, AnyArray]) -> None:
    beside = path.with_suffix(".part.npz")
    np.savez(beside, **arrays)  # type: ignore[arg-type]
    beside.replace(path)


def _recordings(clip: Clip, making: Making) -> Iterator[tuple[dict[str, AnyArray], Found]]:
    """The arrays of each recording of a clip, and what was measured of it."""
    if clip.audio is None:
        raise InputError(f"{clip.source} has no sound")
    if len(crops.instants(clip, FPS)) < SHORTEST:
        raise InputError(f"{clip.source} is {clip.duration:.2f} s long; at least {SHORTEST / FPS} s are needed")
    watched = _Shots(clip.frames)
    everybody = faces.tracks(replace(clip, frames=watched, key=""))
    some = False
    for start, stop in parts(watched.cuts, clip.length, clip.fps):
        there = [_cut(one, start, stop) for one in everybody]
        track = faces.largest(there)
        rows = np.flatnonzero(track.present)
        if not len(rows):
            continue
        first, last = int(rows[0]), int(rows[-1]) + 1
        shot = clip.part(start + first, start + last)
        sound = shot.audio
        if sound is not None and min(shot.duration, sound.duration) >= SHORTEST / FPS:
            some = True
            yield _recording(shot, sound, _cut(track, first, last), (start + first) / float(clip.fps), making)
    if not some:
        raise NoFaceError(f"no face is seen, with sound, for {SHORTEST / FPS} s of one shot of {clip.source}")


def parts(cuts: list[int], length: int, fps: Fraction) -> list[tuple[int, int]]:
    """From and to which frame each recording goes: between the ``cuts``, divided evenly where longer than a minute."""
    edges, found = [0, *cuts, length], []
    for start, stop in itertools.pairwise(edges):
        count = max(1, -int(-(stop - start) // (LONGEST * float(fps))))
        inner = np.linspace(start, stop, count + 1).round().astype(int).tolist()
        found += list(itertools.pairwise(inner))
    return [(start, stop) for start, stop in found if stop > start]


def _cut(track: FaceTrack, start: int, stop: int) -> FaceTrack:
    tint = None if track.tint is None else track.tint[start:stop]
    return FaceTrack(0, track.box[start:stop], track.points[start:stop], track.score[start:stop], tint, track.id)


def _recording(
    clip: Clip, sound: Audio, track: FaceTrack, start: float, making: Making
) -> tuple[dict[str, AnyArray], Found]:
    at = crops.instants(clip, FPS)
    points = crops.meshes(track, at)
    blank = np.zeros(faces.CROP[::-1], np.uint8)
    boxes = crops.boxes(track, at)
    shown = np.minimum(np.round(at).astype(int), clip.length - 1)
    cuts = _Cuts(clip, shown, _whole(boxes, shown, making.size) if making.faces else _lower(track, clip, making.size))
    mouths = [blank if mouth is None else mouth for mouth in crops.mouths(replace(clip, frames=cuts), track, FPS)]
    present = np.isfinite(points[:, 0, 0])
    pose = faces.steady_pose(points, crops.POSE_SECONDS * FPS)
    shape = faces.to_canonical(points, pose)
    samples, before = _sound(sound, len(at))
    arrays: dict[str, AnyArray] = {
        "crop": np.stack(mouths),
        "motion": shape[:, faces.canonical().moving].astype(np.float16),
        "opening": faces.opening(shape),
        "pose": pose.degrees,
        "present": present,
        "samples": (np.clip(samples, -1, 1) * 32767).astype(np.int16),
    }
    if making.faces:
        arrays |= cuts.one_by_one()
    elif making.size:
        arrays |= cuts.by_row() | {"mesh": _mesh(track, clip, making.size)[shown]}
    boxes = boxes[present]
    seen = [mouth for mouth, there in zip(mouths, present, strict=True) if there]
    return arrays, Found(
        id="",
        frames=len(at),
        start=round(start, 3),
        seen=round(float(present.mean()), 3),
        sharpness=round(float(np.mean([likeness.detail(mouth) for mouth in seen])), 2),
        size=round(float(np.median(boxes[:, 2] - boxes[:, 0])), 1),
        yaw=round(float(np.median(np.abs(pose.degrees[present, 0]))), 1),
        loudness=round(before, 1),
        silence=round(silence(samples), 3),
        prints=alike.prints(samples).tolist(),
    )


def _sound(audio: Audio, frames: int) -> tuple[Float, float]:
    """So many frames of sound at 16 kHz, levelled, and how loud it was (-70 LUFS for silence)."""
    samples = media.resample(audio, RATE).samples[: frames * _STEP]
    found = loudness(Audio(samples, RATE))
    return levelled(np.asarray(samples, np.float32), found), max(found, SILENT)


def silence(samples: Float) -> float:
    """The share of the frames (40 ms) of a sound at 16 kHz that are 35 dB and more below its loud ones."""
    power = (samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP).astype(np.float64) ** 2).mean(1)
    loud = float(np.percentile(power, 95)) if len(power) else 0.0
    return float((power <= max(loud, 1e-8) * 10 ** (-_QUIET / 10)).mean()) if loud > 1e-8 else 1.0


class _Shots:
    """The frames of a clip, and, once they were looked at, the first frame of each new shot."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.cuts: list[int] = []

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        return self._watched(self._frames(start, stop), start)

    def look(self, start: int, stop: int) -> Iterator[Picture]:
        quicker: Frames = getattr(self._frames, "look", self._frames)
        return self._watched(quicker(start, stop), start)

    def _watched(self, pictures: Iterator[Picture], start: int) -> Iterator[Picture]:
        before: Float | None = None
        for frame, picture in enumerate(pictures, start):
            glance = picture[:: max(1, picture.shape[0] // 32), :: max(1, picture.shape[1] // 32)].astype(np.float32)
            if before is not None and np.abs(glance - before).mean() > following.CUT and frame not in self.cuts:
                self.cuts.append(frame)
            before = glance
            yield picture


Cut = Callable[[int, Picture], bytes]
"""The JPEG of what is kept of a frame, b"" for nothing."""


def _whole(boxes: Float, shown: Int, size: int | None) -> Cut:
    """Whole faces in ``boxes`` (T, 4) of the rows that show the frames ``shown`` (T,)."""
    kept = dict(zip(shown.tolist(), boxes.tolist(), strict=True))

    def cut(frame: int, picture: Picture) -> bytes:
        box = kept.get(frame)
        return b"" if box is None or not np.isfinite(box).all() else crops.jpeg(picture, box, size)

    return cut


def _matrices(track: FaceTrack, clip: Clip, size: int) -> Float:
    return faces.lower_matrices(steady.smooth(track.points, crops.POSE_SECONDS * float(clip.fps), twice=True), size)


def _lower(track: FaceTrack, clip: Clip, size: int | None) -> Cut:
    """Upright lower faces of ``size`` px (`faces.lower_crop`); none without a size."""
    if size is None:
        return lambda frame, picture: b""  # noqa: ARG005
    matrices = _matrices(track, clip, size)

    def cut(frame: int, picture: Picture) -> bytes:
        if not np.isfinite(matrices[frame]).all():
            return b""
        lower = faces.lower_crop(picture, matrices[frame], size)
        return crops.jpeg(lower, (0, 0, size, size), quality=QUALITY)

    return cut


def _mesh(track: FaceTrack, clip: Clip, size: int) -> NDArray[np.float16]:
    """Meshes (T, 468, 2) of a clip's frames, in pixels of the lower faces; NaN where no face is."""
    return faces.in_crop(track.points, _matrices(track, clip, size)).astype(np.float16)


class _Cuts:
    """The frames of a clip, of which something is kept as they go by; ``shown`` (T,), the frames that rows show."""

    def __init__(self, clip: Clip, shown: Int, cut: Cut) -> None:
        self._frames, self._cut, self._shown = clip.frames, cut, shown.tolist()
        self._wanted = set(self._shown)
        self._kept: dict[int, bytes] = {}

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        for frame, picture in enumerate(self._frames(start, stop), start):
            if frame in self._wanted:
                self._kept[frame] = self._cut(frame, picture)
            yield picture

    def one_by_one(self) -> dict[str, AnyArray]:
        """A file for each row, one after the other."""
        files = [self._kept.get(frame, b"") for frame in self._shown]
        return {"jpegs": np.frombuffer(b"".join(files), np.uint8), "ends": np.cumsum([len(file) for file in files])}

    def by_row(self) -> dict[str, AnyArray]:
        """All files, and where that of each row begins and ends (T, 2)."""
        ends = self.one_by_one()
        stops = ends["ends"].astype(np.int64)
        return {"lower": ends["jpegs"], "places": np.stack([np.append(0, stops[:-1]), stops], axis=1)}
