"""The default dubber: speech becomes mouth motion, motion is shown with the person's own pixels.

1. `lipwright.motion` turns the speech into the motion of lips, jaw and chin, free of pose and identity.
2. `Speaker` makes it this person's: their closed mouth, their range of opening.
3. For each output frame the mouth is taken from the source frame whose mouth, pose and light come nearest,
   on a smooth path (`lipwright.paths`).
4. It is warped over the face mesh to the wanted shape in the pose of the frame shown, colour-matched and
   blended in; jaw and chin of the frame shown follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import ClassVar

import numpy as np

from lipwright import (
    articulation,
    canvas as playback,
    expression,
    faces,
    inside,
    media,
    motion as motions,
    mouth,
    occlusion,
    ondisk,
    paint,
    paths,
    speech,
    steady,
)
from lipwright.dubbers import Scene
from lipwright.types import Face, Float, Int, Picture, Take

POSE_SECONDS = 0.06
REACH_SECONDS = 5.0
JUMP, JUMP_CAP = 0.0012, 10
JUMP_MIX, ALIKE = 0.35, 0.02
SCORE_LEAST = 0.8
HIDDEN_DONOR, HIDDEN_MOST = 0.03, 0.6


class Dubber:
    """Mouth motion in the person's own pixels.

    Args:
        scene: what to dub.
        strength: 1 opens the mouth as wide as this person does; 0 keeps it closed; up to 2.
        emotion: what the corners of the mouth and the brows show, of `lipwright.expression.EMOTIONS`; neutral leaves
            them as they are, auto listens to the voice.

    Where the speech sounds are known (``scene.phones``), lips meet at p, b and m, round at u and open at a, see
    `lipwright.articulation`.
    """

    RANGES: ClassVar = {"strength": (0.0, 2.0)}

    def __init__(self, scene: Scene, *, strength: float = 1.0, emotion: str = "neutral") -> None:
        self._scene = scene
        self._feelings = expression.shares(emotion, media.resample(scene.speech, 16000))
        self.canvas = scene.canvas
        rate = float(scene.clip.fps)
        points, length, moving = scene.track.points, len(scene.track), faces.canonical().moving
        self._points = points
        self._pose = faces.steady_pose(points, POSE_SECONDS * rate)
        shapes = ondisk.by_blocks(
            lambda points, pose: faces.to_canonical(points[:, moving], pose), length, points, self._pose
        )
        self._gaps = ondisk.by_blocks(mouth.opening, length, shapes)
        self._target = self._wanted(shapes, strength, scene.smooth * rate / 25)
        self._cover = occlusion.covered(scene.track)
        self._hidden = ondisk.by_blocks(lambda cover: cover[:, moving].mean(1), length, self._cover)
        self._usable = scene.track.present & (scene.track.score >= SCORE_LEAST) & (self._hidden < HIDDEN_DONOR)
        self._frontal = mouth.frontal(self._pose.degrees[:, 0])
        self._donors = self._choose(shapes, round(REACH_SECONDS * rate))
        self._others = paths.across_jumps(self._donors, self._scene.clip.length)
        self.untouched = [
            self._why(int(frame), int(donor)) for frame, donor in zip(self.canvas, self._donors, strict=True)
        ]

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """See `lipwright.dubbers.Dubber`."""
        scene = self._scene
        keep = round(2 * REACH_SECONDS * float(scene.clip.fps))
        parts = playback.Parts(scene.clip, self._keep, keep)
        try:
            with closing(media.stream(scene.shown(self.canvas, start, stop), depth=4)) as pictures:
                for t, picture in enumerate(pictures, start):
                    yield self._shown(t, picture, parts)
                    if t % ondisk.BLOCK == 0:
                        self._release()
        finally:
            parts.close()

    def _release(self) -> None:
        """Give back the memory of what was read of the plan."""
        ondisk.release(self._points, self._scene.track.tint, self._target, self._cover)

    def _wanted(self, shapes: Float, strength: float, sigma: float) -> Float:
        """Canonical shapes (T, 177, 3) that the speech asks of this person."""
        scene = self._scene
        length = len(scene.canvas)
        heard = media.resample(scene.speech, 16000)
        moved = motions.predict(heard, scene.clip.fps, length)
        voiced = speech.voiced(heard, scene.clip.fps, length)
        speaker = mouth.Speaker.of(shapes)
        said = speaker.says(steady.smooth(moved.shape, sigma), voiced, strength)
        if self._scene.phones:
            said = articulation.shaped(said, articulation.asked(scene.phones, scene.clip.fps, length), speaker.widest)
        if self._feelings:
            corners = expression.corners(self._feelings)
            said = ondisk.by_blocks(lambda shapes: mouth.sealed(shapes + corners), length, said)
        return said

    def _choose(self, shapes: Float, reach: int) -> Int:
        """Donor frame for every output frame, -1 where the face is absent."""
        scene = self._scene
        donors = np.full(len(self.canvas), -1, np.int64)
        rows = np.flatnonzero(scene.track.present[self.canvas])
        if len(rows):
            wanted = ondisk.by_blocks(lambda rows: self._target[rows], len(rows), rows)
            look, centre = occlusion.look(scene.track), self.canvas[rows]
            cost = mouth.donor_cost(wanted, shapes, self._pose, look, centre, self._usable, reach)
            donors[rows] = paths.smooth_path(cost, centre, jump=JUMP, cap=JUMP_CAP)
        return donors

    def _why(self, frame: int, donor: int) -> str:
        """Why a frame passes through untouched, or ""."""
        if donor < 0:
            return "no face is seen"
        if self._hidden[frame] > HIDDEN_MOST:
            return "the mouth is covered"
        return "" if self._frontal[frame] > 0 else "the head is turned away"

    def _keep(self, frame: int, picture: Picture) -> Picture:
        """What a donor may be asked for: its lower face."""
        return paint.crop(picture, self._donor_region(frame)).copy()

    def _donor_region(self, frame: int) -> paint.Region:
        points = self._points[frame, faces.canonical().moving, :2]
        if not np.isfinite(points).all():
            return 0, 0, 1, 1
        return paint.region_of(points, self._scene.clip.size, margin=4)

    def _shown(self, t: int, picture: Picture, parts: playback.Parts) -> tuple[Picture, Take]:
        """The frame with its jaw moved, and the donor's mouth to paint on it."""
        frame = int(self.canvas[t])
        if self.untouched[t]:
            return picture, Take(frame)
        size, here = self._scene.clip.size, self._points[frame, :, :2]
        if self._feelings:
            picture = expression.brows(picture, here, float(self._pose.scale[frame]), self._feelings)
        wanted = mouth.place(self._target[t], self._points[frame], self._pose[frame : frame + 1])
        region = mouth.region(here, wanted, size)
        share = float(self._frontal[frame]) * mouth.rim(region, size)
        inner = paint.region_of(wanted[faces.canonical().moving], size, margin=1)
        patch, alpha = self._mouth(t, wanted, inner, parts)
        alpha = alpha * float(self._frontal[frame])
        if self._hidden[frame] > 0:
            shadow = mouth.shadow(here, self._cover[frame], region)
            share *= 1 - shadow
            alpha *= 1 - paint.crop(shadow, paint.within(inner, region))
        moved = mouth.push(picture, here, wanted, float(self._pose.scale[frame]), region)
        picture = paint.composite(picture, Face(moved, share, paint.at_corner(region)))
        return picture, Take(frame, Face(patch, alpha, paint.at_corner(inner)))

    def _mouth(self, t: int, wanted: Float, region: paint.Region, parts: playback.Parts) -> tuple[Picture, Float]:
        """The mouth of the donor, or of two where the path jumps, warped to ``wanted``; and its alpha."""
        patch, alpha = self._warped(int(self._donors[t]), t, wanted, region, parts)
        other = int(self._others[t])
        if other >= 0 and self._usable[other] and self._alike(int(self._donors[t]), other):
            second, _ = self._warped(other, t, wanted, region, parts)
            patch = paint.mix(patch, second, JUMP_MIX)
        return patch, alpha

    def _alike(self, donor: int, other: int) -> bool:
        """Whether two donors open so nearly alike that a mixture of them shows no teeth twice."""
        return abs(float(self._gaps[donor] - self._gaps[other])) < ALIKE

    def _warped(
        self, donor: int, t: int, wanted: Float, region: paint.Region, parts: playback.Parts
    ) -> tuple[Picture, Float]:
        agreed = 1 - occlusion.disagreement(self._scene.track, int(self.canvas[t]), donor)
        warp = paint.mesh_warp(wanted, self._points[donor, :, :2], mouth.triangles(), mouth.alpha() * agreed, region)
        left, top = self._donor_region(donor)[:2]
        patch = paint.pull(parts[donor], warp, (left, top))
        asked, there = float(mouth.opening(self._target[t : t + 1])[0]), float(self._gaps[donor])
        donor_mesh = self._points[donor, :, :2] - (left, top)
        return inside.paint_inside(patch, wanted - region[:2], parts[donor], donor_mesh, asked, there), warp.alpha
