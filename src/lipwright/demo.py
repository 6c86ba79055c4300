"""Show what lipwright does with nothing given: a portrait speaks, then its video is dubbed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipwright import faces, features, media, registry
from lipwright.dub import dub
from lipwright.errors import OutputError
from lipwright.likeness import correlation
from lipwright.media.picture import write_picture
from lipwright.types import Audio, Clip, FaceTrack, Float, Measure, Picture, Progress

ASSETS = Path(__file__).parent / "assets"
SHEET_COLUMNS = 8
OUT_OF_STEP = 12
"""Frames by which a sound is at least moved to be out of step with a mouth."""


@dataclass(frozen=True)
class Demo:
    """What the demonstration made: two videos, a contact sheet (PNG; a row per video), and what was measured."""

    portrait_speaks: Path
    second_sentence: Path
    contact_sheet: Path
    measures: tuple[Measure, ...]


def demo(out: str | Path = "demo", *, progress: Progress | None = None) -> Demo:
    """Animate a portrait with one sentence, dub that video with another, measure and lay out frames of both.

    The portrait is in the public domain and is pulled once; the sentences are a synthetic voice that says
    so. ``out`` is the folder to fill; it is made if need be.

    Raises:
        OutputError: when the folder cannot be made or written.
        PullError: when the portrait or the face networks cannot be brought here.
    """
    folder = Path(out).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"the folder {folder} cannot be made: {problem.strerror}") from problem
    sentences = [media.open_audio(ASSETS / f"sentence-{number}.m4a") for number in (1, 2)]
    portrait = media.open(registry.path("portrait", progress))
    first, _ = _speak(portrait, sentences[0], folder / "portrait-speaks.mp4", progress)
    second, speed = _speak(media.open(first), sentences[1], folder / "second-sentence.mp4", progress)
    clips = [media.open(first), media.open(second)]
    tracks = [faces.track(clip) for clip in clips]
    sheet = write_picture(contact_sheet(clips, tracks), folder / "contact-sheet.png")
    return Demo(first, second, sheet, (speed, *measured(clips[1], tracks[1], sentences[1])))


def _speak(source: Clip, speech: Audio, out: Path, progress: Progress | None) -> tuple[Path, Measure]:
    """Write ``source`` speaking ``speech``; the path, and the speed of all of it."""
    start = time.perf_counter()
    dubbed = dub(source, speech, progress=progress)
    written = media.write(dubbed, out, progress=progress)
    return written, Measure("speed", dubbed.length / (time.perf_counter() - start), "frames/s", "higher")


def measured(clip: Clip, track: FaceTrack, speech: Audio) -> Iterator[Measure]:
    """What can be measured of a dubbed ``clip`` and the ``track`` of its face, found again in the written file."""
    wanted = round(speech.duration * clip.fps)
    yield Measure("frames more or fewer than the speech has", clip.length - wanted, "frames", "none")
    inner, loud = _openings(track), _loudness(speech, clip)
    length = min(len(inner), len(loud))
    inner, loud = inner[:length], loud[:length]
    shifts = range(OUT_OF_STEP, length - OUT_OF_STEP)
    chance = float(np.mean([correlation(inner, np.roll(loud, shift)) for shift in shifts]))
    yield Measure("mouth opening follows the voice", correlation(inner, loud), "correlation", "higher")
    yield Measure("the same with the voice out of step", chance, "correlation", "none")


def _openings(track: FaceTrack) -> Float:
    """Inner-lip opening of every frame, float32 (T,) eye distances; NaN where the face was not found."""
    return faces.opening(faces.to_canonical(track.points, faces.fit_pose(track.points)))


def _loudness(speech: Audio, clip: Clip) -> Float:
    """Level of the voice at every frame, float32 (T,) dB, not below -50."""
    return np.maximum(features.energy(speech, hop=float(1 / clip.fps), window=0.08), np.float32(-50))


def contact_sheet(clips: list[Clip], tracks: list[FaceTrack]) -> Picture:
    """A row of faces per clip, uint8 (H, W, 3): a frame of each eighth, in turn the most closed and most open."""
    boxes = np.concatenate([track.box[track.present] for track in tracks])
    left, top, right, bottom = np.median(boxes, axis=0)
    half = round(0.65 * max(right - left, bottom - top))
    centre = round((left + right) / 2), round((top + bottom) / 2)
    rows = [_faces(clip, _telling(_openings(track)), centre, half) for clip, track in zip(clips, tracks, strict=True)]
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


def _telling(opening: Float) -> list[int]:
    """Frames to show of a clip whose mouth opens so: of each part in turn the most closed and the most open."""
    known = np.nan_to_num(opening, nan=float(np.nanmedian(opening)))
    parts = np.array_split(np.arange(len(known)), SHEET_COLUMNS)
    picks = (np.argmin, np.argmax)
    return [int(part[picks[n % 2](known[part])]) for n, part in enumerate(parts)]


def _faces(clip: Clip, frames: list[int], centre: tuple[int, int], half: int) -> Iterator[Picture]:
    """Squares of ``half`` a side around ``centre``, black where they leave the picture."""
    for frame in frames:
        room = np.pad(next(clip.read(frame, frame + 1)), ((half, half), (half, half), (0, 0)))
        yield room[centre[1] : centre[1] + 2 * half, centre[0] : centre[0] + 2 * half]
