"""What stands before the face: hands, microphones, cups. There the source is kept.

Nothing is recognised; a vertex of the mesh is covered where the picture's colour at it leaves what that
vertex looks like through the rest of the video, together with its neighbours and for several frames.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.ndimage import median_filter
from scipy.spatial import cKDTree

from lipwright import faces
from lipwright.types import FaceTrack, Float

FAR, SPREADS = 45.0, 6.0
"""Grey levels, and robust deviations, beyond which a colour is another thing's."""

DIFFERENT = (22.0, 45.0)
"""Grey levels between which two frames go from the same thing to different things."""

NEIGHBOURS = 6
FRAMES = 3
ENOUGH = 12
"""Frames that must be known before anything can be called unusual."""


@functools.cache
def _skin() -> tuple[np.ndarray, np.ndarray]:
    """The vertices of jaw, chin and cheeks without the lips, and for each its nearest neighbours among them."""
    canon = faces.canonical()
    lips = set(faces.OUTER_LIPS) | set(faces.INNER_LIPS)
    near_lips = cKDTree(canon.points[sorted(lips)]).query(canon.points[canon.moving])[0] < 0.09
    skin = canon.moving[~near_lips]
    return skin, cKDTree(canon.points[skin]).query(canon.points[skin], NEIGHBOURS)[1]


def covered(track: FaceTrack) -> Float:
    """float32 (T, 468): how much of each vertex is hidden, 0 or 1 on the skin, spread to the rest of the mesh.

    All 0 where the track holds no colours, or fewer than 12 frames of the face. Light that changes for the
    whole face is allowed for. Seen on skin only: lips and mouth change colour by themselves, so they count
    as covered where the skin nearest to them is.
    """
    result = np.zeros((len(track), 468), np.float32)
    if track.tint is None or track.present.sum() < ENOUGH:
        return result
    skin, neighbours = _skin()
    known = track.present
    colours = track.tint[known][:, skin].astype(np.float32)
    usual = np.median(colours, axis=0)
    gap = colours - usual
    gap -= np.median(gap, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(gap), axis=0) + 1
    odd = ((np.abs(gap) > FAR) & (np.abs(gap) > SPREADS * spread)).any(2)
    together = odd[:, neighbours].mean(2) > 0.5
    lasting = median_filter(together.astype(np.uint8), size=(FRAMES, 1)).astype(np.float32)
    result[known] = lasting[:, _nearest_skin()]
    return result


def look(track: FaceTrack) -> Float:
    """float32 (T, 30, 3): colours on the skin of the lower face, 0-255, the light of the whole face taken out.

    Two frames with the same look are lit alike and covered alike. All 0 where the track holds no colours.
    """
    if track.tint is None:
        return np.zeros((len(track), 1, 3), np.float32)
    skin, _ = _skin()
    colours = track.tint[:, skin].astype(np.float32)
    colours -= np.median(colours, axis=1, keepdims=True)
    return colours[:, :: max(1, len(skin) // 30)]


def disagreement(track: FaceTrack, frame: int, other: int) -> Float:
    """float32 (468,): where two frames show different things at the same vertex, 0 same to 1 another thing.

    What `covered` cannot tell, because it is there most of the time, shows here: a hand in one of them.
    """
    if track.tint is None or frame == other:
        return np.zeros(468, np.float32)
    skin, neighbours = _skin()
    gap = track.tint[frame, skin].astype(np.float32) - track.tint[other, skin]
    gap -= np.median(gap, axis=0)
    local = np.abs(gap[neighbours].mean(1)).max(1)
    share = np.clip((local - DIFFERENT[0]) / (DIFFERENT[1] - DIFFERENT[0]), 0, 1)
    return np.asarray(share[neighbours].max(1)[_nearest_skin()], np.float32)


@functools.cache
def _nearest_skin() -> np.ndarray:
    """For each vertex of the mesh, the skin vertex nearest to it."""
    points = faces.canonical().points
    return np.asarray(cKDTree(points[_skin()[0]]).query(points)[1])
