"""Lower faces redrawn by our own small generator, from other pictures of the same person.

1. `lipwright.motion` turns the speech into the motion of lips, jaw and chin; `mouth.Speaker` makes it this person's.
2. For each output frame another frame of the person is chosen, turned and lit alike, its mouth about as open as is
   wanted; it is warped over the face mesh to the wanted shape.
3. The generator (`lipwright.compact`) draws the lower face from it, without seeing the mouth that was there. It could
   be shown two; with one, given twice, its pictures are sharper.
4. What it draws is put back at the video's own resolution: where it shows the reference, the reference's own pixels are
   shown.

The network is trained by `lipwright train generator --recipe compact`; ``weights`` takes another of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import (
    canvas as playback,
    compact,
    faces,
    media,
    motion as motions,
    mouth,
    occlusion,
    ondisk,
    paint,
    registry,
    speech,
    steady,
)
from lipwright.dubbers import Scene
from lipwright.dubbers._wav2lip_aligned import steadiest
from lipwright.types import Audio, Face, Float, Int, Picture, Take

POSE_SECONDS = 0.06
HIDDEN_MOST, HIDDEN_REFERENCE, FRONTAL_REFERENCE = 0.6, 0.1, 0.5
CHOICES = 64
"""Frames that references are chosen from, evenly by opening."""
TURN, AGE, LIGHT, GAPE, CHANGE = 6.0, 30.0, 6.0, 0.03, 1.0
"""Degrees of turning, seconds away, grey levels and eye distances of opening that count as much as going over to
another frame does."""
FADE = 1
"""Frames to either side over which one reference gives way to the next."""
AHEAD = 2
"""Faces drawn ahead of the one that is being put back."""
FINEST = 4
"""Times the network's resolution at which references are held at most."""


class Dubber:
    """The lower face drawn anew by the compact generator.

    Args:
        scene: what to dub.
        weights: the name of weights, or the path of an ONNX file.
        strength: 1 opens the mouth as wide as this person does; 0 keeps it closed; up to 2.
    """

    RANGES: ClassVar = {"strength": (0.0, 2.0)}
    TINY: ClassVar[dict[str, object]] = {"weights": "compact_tiny"}
    """Options for tests: an untrained network that ships with the package."""

    def __init__(self, scene: Scene, *, weights: str = "compact", strength: float = 1.0) -> None:
        self._scene, self.canvas = scene, scene.canvas
        self._painter = compact.Painter(Path(weights) if weights.endswith(".onnx") else registry.path(weights))
        rate, moving = float(scene.clip.fps), faces.canonical().moving
        self._points = points = scene.track.points
        self._pose = faces.steady_pose(points, POSE_SECONDS * rate)
        self._places = _places(points, POSE_SECONDS * rate, self._painter.size)
        self._finer = _finer(self._places)
        shapes = ondisk.by_blocks(
            lambda points, pose: faces.to_canonical(points[:, moving], pose), len(points), points, self._pose
        )
        heard = media.resample(scene.speech, 16000)
        self._columns = compact.columns(heard.samples)
        self._target = self._wanted(heard, shapes, strength, scene.smooth * rate / 25)
        self._cover = occlusion.covered(scene.track)
        self._hidden = ondisk.by_blocks(lambda cover: cover[:, moving].mean(1), len(points), self._cover)
        self._frontal = mouth.frontal(self._pose.degrees[:, 0])
        self._shows = self._chosen(ondisk.by_blocks(mouth.opening, len(shapes), shapes))
        self._stills = playback.Stills(scene.clip, self._cut)
        self.untouched = [self._why(int(frame)) for frame in self.canvas]

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """See `lipwright.dubbers.Dubber`."""
        with closing(media.stream(self._drawn(start, stop), AHEAD)) as drawn:
            yield from drawn

    def _drawn(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        with closing(media.stream(self._scene.shown(self.canvas, start, stop), depth=4)) as pictures:
            for t, picture in enumerate(pictures, start):
                frame = int(self.canvas[t])
                yield picture, Take(frame, None if self.untouched[t] else self._face(t, frame, picture))
                if t % ondisk.BLOCK == 0:
                    ondisk.release(self._points, self._target, self._cover, self._columns)

    def _wanted(self, heard: Audio, shapes: Float, strength: float, sigma: float) -> Float:
        """Canonical shapes (T, 177, 3) that the speech asks of this person."""
        fps, length = self._scene.clip.fps, len(self.canvas)
        moved = motions.predict(heard, fps, length)
        voiced = speech.voiced(heard, fps, length)
        return mouth.Speaker.of(shapes).says(steady.smooth(moved.shape, sigma), voiced, strength)

    def _why(self, frame: int) -> str:
        """Why a frame passes through untouched, or ""."""
        if not np.isfinite(self._places[frame]).all():
            return "no face is seen"
        if self._hidden[frame] > HIDDEN_MOST:
            return "the mouth is covered"
        return "" if self._frontal[frame] > 0 else "the head is turned away"

    def _chosen(self, gaps: Float) -> Int:
        """For every output frame the source frame that the network is shown; ``gaps`` (T,), how far each opens."""
        seen = np.isfinite(self._places).all((1, 2))
        good = seen & (self._hidden < HIDDEN_REFERENCE) & (self._frontal > FRONTAL_REFERENCE)
        rows = np.flatnonzero(good if good.any() else seen)
        ordered = rows[np.argsort(gaps[rows], kind="stable")]
        some = ordered[np.unique(np.linspace(0, len(ordered) - 1, min(CHOICES, len(ordered))).round().astype(np.int64))]
        wanted = ondisk.by_blocks(mouth.opening, len(self._target), self._target)
        other = np.abs(gaps[some][None] - wanted[:, None]) / GAPE
        return some[steadiest(self._unlike(some) + other, CHANGE)]

    def _unlike(self, some: Int) -> Float:
        """float32 (T, N): how little each output frame's head looks as in ``some`` source frames: turn, time, light."""
        turn, look = self._pose.degrees[:, :2], occlusion.look(self._scene.track)
        away = np.linalg.norm(turn[self.canvas][:, None] - turn[some][None], axis=2) / TURN
        late = np.abs(self.canvas[:, None] - some[None]) / (AGE * float(self._scene.clip.fps))
        light = np.stack([np.abs(look - look[frame]).mean((1, 2)) for frame in some], axis=1)[self.canvas] / LIGHT
        return np.asarray(np.nan_to_num(away + light, nan=0) + late, np.float32)

    def _cut(self, frame: int, picture: Picture) -> Picture:
        """The lower face of a source frame, finer than the network sees it."""
        size = self._painter.size * self._finer
        return faces.lower_crop(picture, finer(self._places[frame], self._finer), size)

    def _mesh(self, points: Float, frame: int) -> Float:
        """A mesh (468, 2 or 3) px of a source frame in the network's pixels."""
        return faces.in_crop(points[None], self._places[frame : frame + 1])[0]

    def _face(self, t: int, frame: int, picture: Picture) -> Face:
        """What is put on a source frame."""
        size, times = self._painter.size, self._finer
        wanted = mouth.place(self._target[t], self._points[frame], self._pose[frame : frame + 1])
        mesh = self._mesh(wanted, frame)
        warped, gap = self._reference(t, mesh)
        small = _shrunk(warped, times)
        here = compact.hidden(faces.lower_crop(picture, self._places[frame], size))
        asked = compact.Asked(
            compact.planes(here, small, small, compact.guide(mesh, size)),
            compact.heard(self._columns, t * 25 / float(self._scene.clip.fps)),
            np.array([compact.opening(mesh, size), gap, gap], np.float32),
        )
        made = detailed(*self._painter(asked), small, warped)
        mask = compact.alpha(size * times) * np.float32(self._frontal[frame])
        return self._placed(frame, made, mask)

    def _reference(self, t: int, mesh: Float) -> tuple[Picture, float]:
        """What output frame ``t`` is drawn from, warped to ``mesh``, and how far its mouth opens; mixed at a change."""
        rows, counts = np.unique(self._shows[max(0, t - FADE) : t + FADE + 1], return_counts=True)
        mixed, gap = self._warped(int(rows[0]), mesh)
        for k in range(1, len(rows)):
            warped, other = self._warped(int(rows[k]), mesh)
            share = float(counts[k] / counts[: k + 1].sum())
            mixed, gap = paint.mix(mixed, warped, share), (1 - share) * gap + share * other
        return mixed, gap

    def _warped(self, row: int, mesh: Float) -> tuple[Picture, float]:
        """The lower face of a source frame warped to ``mesh``, and how far its mouth opens."""
        own = self._mesh(self._points[row], row)
        here, there = ((one + 0.5) * self._finer - 0.5 for one in (own, mesh))
        return compact.warped(self._stills[row], here, there), compact.opening(own, self._painter.size)

    def _placed(self, frame: int, made: Picture, mask: Float) -> Face:
        """A drawn lower face where it belongs in a source frame, without what stands before the mouth."""
        place = finer(self._places[frame], self._finer)
        corners = np.array([[0, 0], [len(made), 0], [len(made), len(made)], [0, len(made)]], np.float32)
        region = paint.region_of(corners @ place[:, :2].T + place[:, 2], self._scene.clip.size, margin=1)
        local = place - np.array([[0, 0, region[0]], [0, 0, region[1]]], np.float32)
        shape = (region[2] - region[0], region[3] - region[1])
        step = float(np.hypot(*place[:, 0]))
        if step < 0.75:
            made = np.asarray(cv2.GaussianBlur(made, (0, 0), 0.4 / step))
        patch = cv2.warpAffine(made, local, shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(mask, local, shape, flags=cv2.INTER_LINEAR)
        if self._hidden[frame] > 0:
            mask *= 1 - mouth.shadow(self._points[frame, :, :2], self._cover[frame], region)
        return Face(np.asarray(patch), np.asarray(mask), paint.at_corner(region))


def _places(points: Float, sigma: float, size: int) -> Float:
    """float32 (T, 2, 3): pixels of lower faces to those of the frame, as `lipwright.prepare` lays them."""
    return faces.lower_matrices(steady.smooth(points, sigma, twice=True), size)


def _finer(places: Float) -> int:
    """How many times finer than the network sees it a face is in the video."""
    steps = np.hypot(places[:, 0, 0], places[:, 1, 0])
    return int(np.clip(np.ceil(np.nanmedian(steps) - 0.25), 1, FINEST))


def finer(place: Float, times: int) -> Float:
    """The map (2, 3) from the pixels of a lower face that is ``times`` as fine."""
    turn = place[:, :2] / times
    return np.concatenate([turn, (place[:, 2] + turn.sum(1) * (1 - times) / 2)[:, None]], axis=1)


def _shrunk(picture: Picture, times: int) -> Picture:
    if times == 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA))


def detailed(made: Float, shares: Float, small: Picture, large: Picture) -> NDArray[np.uint8]:
    """What a network made (S, S, 3) 0-255, as fine as the reference ``large`` is; ``small`` is what it saw of that.

    It is what was made, less what shows of the small reference, plus as much of the large one; ``shares`` (S, S, 2).
    """
    if large.shape == small.shape:
        return np.clip(made + 0.5, 0, 255).astype(np.uint8)
    side, share = large.shape[1::-1], shares.sum(2, keepdims=True)
    rest = cv2.resize(np.asarray(made - share * small, np.float32), side, interpolation=cv2.INTER_CUBIC)
    shown = cv2.resize(share, side, interpolation=cv2.INTER_LINEAR)[..., None]
    return np.clip(rest + shown * large + 0.5, 0, 255).astype(np.uint8)
