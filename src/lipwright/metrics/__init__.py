"""Metrics say how good a talking face is. A file here is a member; its name is its public name.

A member has a class ``Metric`` that extends `Measuring`: it is built from a `Case`, sees every picture once, in
order, as a `View`, and then answers with `lipwright.types.Measure`. One pass over the pictures feeds all members, so a
member keeps sums and small values of each frame, never pictures. What it needs is in ``needs``:

- ``face``: pictures without a face are not shown to it;
- ``sound``: the sound that the face speaks;
- ``reference``: what the video should look like, frame by frame: the real recording of the same speech;
- ``source``: the video before it was dubbed: the same head, another mouth.

A metric with ``reference`` or ``source`` sees the picture of it that belongs beside each; where one of the two
has no face, neither is shown. ``tells`` says what each measure's name stands for, in plain words. Nothing else has to
be edited: the new member appears in ``lipwright measure``, its report and ``lipwright models`` by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lipwright import faces, likeness, ondisk
from lipwright.types import Audio, Clip, FaceTrack, Float, Int, Measure, Phone, Picture

STRIP = (128, 192)
"""Size of the upright strip of a face, eyes to chin: 111 pixels an eye distance."""
UPPER = 96
"""Rows of the strip that show eyes and nose; the rest shows mouth and chin."""
POSE_SECONDS = 0.06
_BLOCK, _AROUND = 250, 12


@dataclass(frozen=True)
class Case:
    """What is measured.

    ``fps``, ``size`` (width, height) px and ``length`` frames of the video; ``speech``, what it says, at 16 kHz,
    ``voiced`` float32 (length,), how much of each frame is speech, and ``asked`` float32 (length,), the mouth opening
    that the motion network expects of it, in eye distances, all three empty without sound; ``sound_seconds``, how long
    that sound is in its file; ``reference`` and ``source``, or None; ``phones``, the speech sounds with their times,
    where they are known.
    """

    fps: Fraction
    size: tuple[int, int]
    length: int
    speech: Audio = field(default_factory=lambda: Audio(np.zeros(0, np.float32), 16000))
    voiced: Float = field(default_factory=lambda: np.zeros(0, np.float32))
    asked: Float = field(default_factory=lambda: np.zeros(0, np.float32))
    sound_seconds: float = 0.0
    reference: Clip | None = None
    source: Clip | None = None
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True, eq=False)
class View:
    """One picture of a face: frame number, picture uint8 (H, W, 3), mesh float32 (468, 3) px, the same mesh with the
    pose taken out (``shape``, eye distances), and ``matrix`` float32 (2, 3) from the strip's pixels to the frame's.

    Where no face is, mesh, shape and matrix are NaN.
    """

    frame: int
    picture: Picture
    points: Float
    shape: Float
    matrix: Float

    @property
    def seen(self) -> bool:
        """Whether there is a face."""
        return bool(np.isfinite(self.matrix[0, 0]))

    @cached_property
    def strip(self) -> NDArray[np.uint8]:
        """The face, upright, from above the eyes to the chin: grey uint8 (192, 128)."""
        return faces.mouth_crop(self.picture, self.matrix, STRIP)

    @cached_property
    def opening(self) -> float:
        """The inner-lip opening in eye distances."""
        return float(faces.opening(self.shape[None])[0])

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """The whole picture, grey uint8 (H, W)."""
        return likeness.grey(self.picture)


class Measuring(ABC):
    """What every metric is."""

    needs: ClassVar[frozenset[str]]
    tells: ClassVar[Mapping[str, str]]

    @abstractmethod
    def __init__(self, case: Case) -> None: ...

    def see(self, view: View, beside: View | None) -> None:  # noqa: B027 - some only listen
        """The next picture, and that of the reference, or of the source, beside it where ``needs`` names one."""

    @abstractmethod
    def result(self) -> tuple[Measure, ...]:
        """What was found, once all pictures were seen; nothing where there was too little to go by."""

    def floor(self) -> tuple[Measure, ...]:
        """The same measures where the voice, or the reference, is a wrong one; nothing where that says nothing."""
        return ()


def views(pictures: Iterable[Picture], track: FaceTrack, order: Int, fps: float) -> Iterator[View]:
    """A view of each of the ``pictures``, which show the frames ``order`` int64 (T,) of the clip that ``track`` belongs
    to, ``fps`` a second; numbered from 0; holds a few seconds of meshes at a time."""
    coming = iter(pictures)
    for first in range(0, len(order), _BLOCK):
        last = min(len(order), first + _BLOCK)
        points, shape, matrix = _poses(track, order, first, last, fps)
        for row, frame in enumerate(range(first, last)):
            picture = next(coming, None)
            if picture is None:
                return
            yield View(frame, picture, points[row], shape[row], matrix[row])


def _poses(track: FaceTrack, order: Int, first: int, last: int, fps: float) -> tuple[Float, Float, Float]:
    """Meshes, shapes and strip matrices of ``order`` from ``first`` to ``last``; the pose is smoothed, as `faces`
    advises."""
    begin = max(0, first - _AROUND)
    rows = order[begin : last + _AROUND] - track.start
    known = (rows >= 0) & (rows < len(track))
    held = np.full((len(rows), 468, 3), np.nan, np.float32)
    held[known] = track.points[rows[known]]
    ondisk.release(track.points)
    pose = faces.steady_pose(held, POSE_SECONDS * fps)
    shape = faces.to_canonical(held, pose)
    inside = slice(first - begin, last - begin)
    return held[inside], shape[inside], _strips(held[inside])


def _strips(points: Float) -> Float:
    """float32 (T, 2, 3): pixels of the strip of a face -> pixels of the frame."""
    matrix = faces.mouth_matrices(points, (STRIP[0], STRIP[1] - UPPER))
    matrix[:, :, 2] -= UPPER * matrix[:, :, 1]
    return matrix


def box(
    points: Float, size: tuple[int, int], room: float, vertices: NDArray[np.int64] | None = None
) -> tuple[slice, slice]:
    """Rows and columns of a picture of ``size`` (w, h) around ``vertices`` (None: all) of a mesh (468, 3) px, with
    ``room`` of their own size on every side; never empty inside the picture."""
    at = points[:, :2] if vertices is None else points[vertices, :2]
    low, high = at.min(0), at.max(0)
    rim = room * (high - low)
    (x0, y0), (x1, y1) = np.floor(low - rim).astype(int), np.ceil(high + rim).astype(int)
    rows = slice(int(np.clip(y0, 0, size[1] - 1)), int(np.clip(y1, 1, size[1])))
    return rows, slice(int(np.clip(x0, 0, size[0] - 1)), int(np.clip(x1, 1, size[0])))
