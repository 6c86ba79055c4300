"""What experts see: a clip's pictures at an expert's own rate, with the face cut out as its authors did.

Everything streams: pictures go by one at a time, and where no face is, None stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import faces, ondisk, steady
from lipwright.errors import InputError
from lipwright.types import Clip, FaceTrack, Float, Picture

Crop = NDArray[Any]
"""uint8 (H, W, 3) RGB or (H, W) grey; of the mesh, float32 (177, 3)."""

Times = NDArray[np.float64]
"""float64 (T,): places in a clip, in its own frames, fractions too."""

POSE_SECONDS = 0.06
SHAPE_SCALE = 20.0
"""Eye distances to about 1: mouths move by some 0.05."""


def instants(clip: Clip, fps: float) -> Times:
    """Where the frames of a clip at ``fps`` lie, in frames of its own: n · clip.fps / fps, as far as it goes."""
    count = int(clip.length * Fraction(fps) / clip.fps)
    return np.arange(count, dtype=np.float64) * float(clip.fps / Fraction(fps))


def pictures(clip: Clip, at: Times) -> Iterator[Picture]:
    """The frame of the clip nearest to each place, in order; a frame may come twice, or not at all."""
    wanted = np.minimum(np.round(at).astype(int), clip.length - 1)
    row = 0
    for frame, picture in enumerate(clip.read(0, int(wanted[-1]) + 1) if len(wanted) else ()):
        while row < len(wanted) and wanted[row] == frame:
            yield picture
            row += 1


def meshes(track: FaceTrack, at: Times) -> Float:
    """Meshes float32 (T, 468, 3) px at places in the clip; NaN where the track, or a neighbour, has no face."""
    found = _between(track.points, at - track.start)
    ondisk.release(track.points)
    return found


def boxes(track: FaceTrack, at: Times) -> Float:
    """Boxes float32 (T, 4) x0 y0 x1 y1 px at places in the clip, NaN as in `meshes`."""
    return _between(track.box, at - track.start)


def _between(values: Float, at: Times) -> Float:
    """Rows (T, ...) at fractional places, a straight line between neighbours; NaN outside."""
    low = np.clip(np.floor(at).astype(int), 0, len(values) - 1)
    high = np.minimum(low + 1, len(values) - 1)
    column = (-1, *[1] * (values.ndim - 1))
    share = (at - low).astype(np.float32).reshape(column)
    found = np.where(share == 0, values[low], values[low] * (1 - share) + values[high] * share)
    outside = (at < 0) | (np.floor(at) > len(values) - 1)
    return np.where(outside.reshape(column), np.float32(np.nan), found)


def cut(clip: Clip, at: Times, seen: NDArray[np.bool_], crop: Callable[[int, Picture], Crop]) -> Iterator[Crop | None]:
    """``crop(row, picture)`` of the picture at each place where a face is ``seen``, else None."""
    for row, picture in enumerate(pictures(clip, at)):
        yield crop(row, picture) if seen[row] else None


def mouths(clip: Clip, track: FaceTrack, fps: float) -> Iterator[Crop | None]:
    """Upright grey mouths uint8 (48, 64) at ``fps``, as `lipwright.prepare` cuts them (`faces.mouth_crop`)."""
    at, sigma = instants(clip, fps), POSE_SECONDS * fps

    def upright(places: Times) -> Float:
        return faces.mouth_matrices(steady.smooth(meshes(track, places), sigma))

    matrices = ondisk.by_blocks(upright, len(at), at, context=int(8 * sigma))
    seen = np.asarray(np.isfinite(matrices).all((1, 2)))
    return cut(clip, at, seen, lambda row, picture: faces.mouth_crop(picture, matrices[row]))


def shapes(clip: Clip, track: FaceTrack, fps: float) -> Iterator[Crop | None]:
    """Lips, jaw and chin float32 (177, 3) at ``fps``, pose and size taken out, about their mean (see `about_mean`)."""
    at, sigma = instants(clip, fps), POSE_SECONDS * fps

    def still(places: Times) -> Float:
        points = meshes(track, places)
        return faces.to_canonical(points[:, faces.canonical().moving], faces.steady_pose(points, sigma))

    return about_mean(ondisk.by_blocks(still, len(at), at, context=int(8 * sigma)))


def about_mean(motion: Float) -> Iterator[Crop | None]:
    """Each shape of (T, 177, 3), in eye distances, less their mean, times `SHAPE_SCALE`; None for a row with NaN."""
    sums, count = np.zeros(motion.shape[1:]), 0
    for part in ondisk.pieces(motion):
        seen = np.isfinite(part).all((1, 2))
        sums, count = sums + part[seen].sum(0, dtype=np.float64), count + int(seen.sum())
    mean = (sums / max(1, count)).astype(np.float32)
    for part in ondisk.pieces(motion):
        for shape in part:
            yield SHAPE_SCALE * (shape.astype(np.float32) - mean) if np.isfinite(shape).all() else None


def boxed(picture: Picture, box: tuple[int, int, int, int], size: tuple[int, int], fill: int) -> Picture:
    """The part of a picture in ``box`` (x0, y0, x1, y1 px, may reach outside: ``fill`` there), resized to ``size``
    (width, height) by straight lines between pixels, as OpenCV does unless told otherwise."""
    x0, y0, x1, y1 = box
    tall, wide = picture.shape[:2]
    inside = picture[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    rim = (_beyond(y0, y1, tall), _beyond(x0, x1, wide), (0, 0))
    if any(map(any, rim)):
        inside = np.pad(inside, rim, constant_values=fill)
    return np.asarray(cv2.resize(inside, size), np.uint8)


def jpeg(picture: Picture, box: tuple[float, float, float, float], size: int | None = None, quality: int = 95) -> bytes:
    """The part of a picture in ``box`` (x0, y0, x1, y1 px, as far as it is inside) as a JPEG of ``quality`` 0-100, 95
    being what OpenCV writes unless told otherwise; ``size`` x ``size`` px, or as large as it is."""
    x0, y0, x1, y1 = (max(0, int(edge)) for edge in box)
    inside = picture[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1), ::-1]
    if not inside.size:
        return b""
    if size is not None:
        shrinks = size < max(inside.shape[:2])
        inside = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", inside, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def decoded(file: bytes | NDArray[np.uint8]) -> Picture:
    """The picture of a JPEG file, uint8 (H, W, 3) RGB; InputError where it is none."""
    content = np.frombuffer(file, np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    if picture is None:
        raise InputError(f"{len(content)} bytes that should be a JPEG file are none; prepare the recording again")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def from_jpeg(file: bytes, size: int = 0) -> NDArray[np.uint8] | None:
    """A picture file as uint8 (H, W, 3), **BGR** as OpenCV reads it; None where it is no picture.

    A ``size`` above 0 makes it (size, size, 3), resized as in `boxed`.
    """
    if not file:
        return None
    found = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    if found is None or not size or found.shape[:2] == (size, size):
        return found
    return np.asarray(cv2.resize(found, (size, size)), np.uint8)


def _beyond(first: int, last: int, size: int) -> tuple[int, int]:
    """How much of ``first`` to ``last`` lies before 0 and behind ``size``."""
    return min(max(-first, 0), last - first), min(max(last - size, 0), last - first)


def warped(picture: Picture, matrix: Float, size: tuple[int, int], fill: int) -> Picture:
    """A picture through the affine map ``matrix`` (2, 3), frame to crop, on a crop of ``size`` (width, height)."""
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(fill,) * 3), np.uint8)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture at another ``size`` (width, height), by Lanczos over 8 x 8 pixels."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
