"""Mouth transplant: the head moves as it did, the mouth is that of the frame near by that fits the sound best.

The choice is that of re-timing (`lipwright.matching`); instead of the whole frame only its mouth is taken: warped
over the face mesh into the pose of the frame shown, with the jaw following, colour-matched and blended in. ``compat``
does it as the source report did (dfadeeff/LipSync, ``create_mouth_warp_poc.py``): a homography of the 20 mouth
landmarks, found by RANSAC, a two-step hull for a mask, and Poisson blending. It is there for comparison: its homography
lays the donor's lips on the lips of the frame shown, so the mouth opens much as it did, and the lower lip smears.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import ClassVar

import cv2
import numpy as np

from lipwright import canvas as playback, faces, matching, media, mouth, occlusion, ondisk, paint
from lipwright.dubbers import Scene
from lipwright.types import IBUG68, Face, Float, Int, Picture, Take

POSE_SECONDS = 0.06
SCORE_LEAST = 0.8
HIDDEN_DONOR, HIDDEN_MOST = 0.03, 0.6
MOUTH = np.array(IBUG68[48:])
INNER, OUTER, GROWN, BLUR, RANSAC_PIXELS = 255, 128, 1.15, 15, 5.0
"""The source report's mask: the hull of the mouth, the hull grown by 15 %, and their blur in pixels."""


class Dubber:
    """The mouths of neighbouring frames on a head that moves as it did.

    Args:
        scene: what to repair; its speech is the video's own sound.
        expert: the member of the family ``experts`` that says how well a mouth fits a sound.
        window: frames at 25 fps from which a mouth may come, either way, 1 to 12, 3 unless told; "auto": half a
            syllable.
        jump: what leaving out or repeating a mouth costs, in the expert's distance.
        greedy: choose each mouth by itself, without a path: for comparison.
        compat: carry mouths over as the source report did.
    """

    PASSES: ClassVar = True

    def __init__(
        self,
        scene: Scene,
        *,
        expert: str = "lipsight",
        window: matching.Window | None = None,
        jump: float = matching.JUMP,
        greedy: bool = False,
        compat: bool = False,
    ) -> None:
        self._scene, self.canvas, self._compat = scene, scene.canvas, compat
        points, moving = scene.track.points, faces.canonical().moving
        self._points = points
        self._pose = faces.steady_pose(points, POSE_SECONDS * float(scene.clip.fps))
        self._cover = occlusion.covered(scene.track)
        self._hidden = ondisk.by_blocks(lambda cover: cover[:, moving].mean(1), len(scene.track), self._cover)
        self._frontal = mouth.frontal(self._pose.degrees[:, 0])
        self.donors = self._choose(expert, matching.WINDOW if window is None else window, jump, greedy)
        self.untouched = [self._why(int(frame)) for frame in self.canvas]

    def _choose(self, expert: str, window: matching.Window, jump: float, greedy: bool) -> Int:
        """The frame that each output frame's mouth is taken from, int64 (T,)."""
        scene = self._scene
        usable = scene.track.present & (scene.track.score >= SCORE_LEAST) & (self._hidden < HIDDEN_DONOR)
        evidence = matching.Evidence.of(matching.expert(expert), scene.clip, scene.track, scene.speech)
        return matching.choose(evidence, scene.canvas, usable, window=window, jump=jump, greedy=greedy)

    def _why(self, frame: int) -> str:
        """Why a frame passes through untouched, or ""."""
        if not self._scene.track.present[frame]:
            return "no face is seen"
        if self._hidden[frame] > HIDDEN_MOST:
            return "the mouth is covered"
        return "" if self._frontal[frame] > 0 else "the head is turned away"

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """See `lipwright.dubbers.Dubber`; a frame that keeps its own mouth has no face painted on it."""
        clip = self._scene.clip
        parts = playback.Parts(clip, self._keep, 2 * playback.CHUNK)
        try:
            with closing(media.stream(self._scene.shown(self.canvas, start, stop), depth=4)) as pictures:
                for t, picture in enumerate(pictures, start):
                    frame, donor = int(self.canvas[t]), int(self.donors[t])
                    if self.untouched[t] or donor == frame or not self._scene.track.present[donor]:
                        yield picture, Take(frame)
                    elif self._compat:
                        yield picture, Take(frame, self._cloned(frame, donor, picture, parts[donor]))
                    else:
                        yield self._carried(frame, donor, picture, parts[donor])
        finally:
            parts.close()

    def _keep(self, frame: int, picture: Picture) -> Picture:
        """What a donor may be asked for: its lower face."""
        return paint.crop(picture, self._region(frame)).copy()

    def _region(self, frame: int) -> paint.Region:
        points = self._points[frame, faces.canonical().moving, :2]
        if not np.isfinite(points).all():
            return 0, 0, 1, 1
        return paint.region_of(points, self._scene.clip.size, margin=4)

    def _carried(self, frame: int, donor: int, picture: Picture, part: Picture) -> tuple[Picture, Take]:
        """The frame with its jaw moved as the donor's, and the donor's mouth to paint on it."""
        canon, size, here = faces.canonical(), self._scene.clip.size, self._points[frame, :, :2]
        pose = self._pose[donor : donor + 1]
        shape = faces.to_canonical(self._points[donor : donor + 1, canon.moving], pose)[0]
        wanted = mouth.place(shape, self._points[frame], self._pose[frame : frame + 1])
        region, inner = mouth.region(here, wanted, size), paint.region_of(wanted[canon.moving], size, margin=1)
        share = float(self._frontal[frame]) * mouth.rim(region, size)
        agreed = 1 - occlusion.disagreement(self._scene.track, frame, donor)
        warp = paint.mesh_warp(wanted, self._points[donor, :, :2], mouth.triangles(), mouth.alpha() * agreed, inner)
        patch, alpha = paint.pull(part, warp, self._region(donor)[:2]), warp.alpha * float(self._frontal[frame])
        if self._hidden[frame] > 0:
            shadow = mouth.shadow(here, self._cover[frame], region)
            share *= 1 - shadow
            alpha = alpha * (1 - paint.crop(shadow, paint.within(inner, region)))
        moved = mouth.push(picture, here, wanted, float(self._pose.scale[frame]), region)
        picture = paint.composite(picture, Face(moved, share, paint.at_corner(region)))
        return picture, Take(frame, Face(patch, alpha, paint.at_corner(inner)))

    def _cloned(self, frame: int, donor: int, picture: Picture, part: Picture) -> Face | None:
        """The donor's mouth as the source report carries it over; None where its 20 points fit no homography."""
        corner = self._region(donor)[:2]
        there, here = self._points[donor, MOUTH, :2] - corner, self._points[frame, MOUTH, :2]
        matrix, _ = cv2.findHomography(there, here, cv2.RANSAC, RANSAC_PIXELS)
        if matrix is None:
            return None
        size = self._scene.clip.size
        moved = cv2.warpPerspective(part, matrix, size)
        mask = cv2.warpPerspective(_hulls(there, part.shape[:2]), matrix, size)
        x, y, wide, tall = cv2.boundingRect((mask > 0).astype(np.uint8))
        if min(x, y) < 1 or x + wide >= size[0] or y + tall >= size[1] or min(wide, tall) < 4:
            return None
        cloned = cv2.seamlessClone(moved, picture, mask, (x + wide // 2, y + tall // 2), cv2.NORMAL_CLONE)
        region = (x, y, x + wide, y + tall)
        shown = np.ascontiguousarray(paint.crop(np.asarray(cloned, np.uint8), region))
        return Face(shown, np.ones((tall, wide), np.float32), paint.at_corner(region), exact=True)


def _hulls(points: Float, size: tuple[int, ...]) -> Picture:
    """The source report's mask uint8 (h, w): 255 in the hull of the mouth, 128 in the hull grown by 15 %, blurred."""
    mask = np.zeros(size, np.uint8)
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    middle = hull.mean(0)
    cv2.fillConvexPoly(mask, np.round(middle + GROWN * (hull - middle)).astype(np.int32), OUTER)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), INNER)
    return np.asarray(cv2.GaussianBlur(mask, (BLUR, BLUR), 0), np.uint8)
