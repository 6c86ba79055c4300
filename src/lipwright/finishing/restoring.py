"""Have a face restored by a network of the user's (GFPGAN, CodeFormer and their like, as ONNX) and put it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipwright import faces, paint, runtime
from lipwright.errors import InputError
from lipwright.finishing.seen import Seen, is_here
from lipwright.types import IBUG68, Clip, Face, Float, Picture

FFHQ = np.array(
    [[192.98138, 239.94708], [318.90277, 240.1936], [256.63416, 314.01935], [201.26117, 371.41043],
     [313.08905, 371.15118]], np.float64,
) / 512  # fmt: skip
"""Eyes, tip of the nose and corners of the mouth in an aligned face, in sides of it: facexlib's template, as GFPGAN
and CodeFormer were trained on."""

EYES, NOSE, CORNERS = (slice(36, 42), slice(42, 48)), 30, (48, 54)
"""The same in iBUG-68."""

RIM = 0.04
"""Width of the rim over which a restored face fades into the frame, in sides of the aligned face."""


class Restorer:
    """A network that restores an aligned face.

    Its first input is float (1, 3, S, S), RGB in [-1, 1], the face aligned to `FFHQ`; a second one, where it has one,
    is a single number, CodeFormer's fidelity. Its first output is the restored face, as the first input.

    Args:
        path: an ``.onnx`` file.
        fidelity: 0 (quality) to 1 (fidelity), for networks that take it.

    Raises:
        InputError: a network that takes or gives something else.
        WeightsError: no network that can be run.
    """

    def __init__(self, path: Path, fidelity: float = 0.5) -> None:
        self._network = runtime.load(path)
        takes, gives = self._network.inputs, self._network.outputs
        shape = takes[0].shape
        self.side = shape[-1] or 512
        single = [port for port in takes[1:] if np.prod([side or 1 for side in port.shape]) == 1]
        square = (1, 3, self.side, self.side)
        fits = all(_fits(port.shape, square) for port in (takes[0], gives[0]))
        if not fits or len(takes) > 2 or len(single) < len(takes) - 1:
            said = ", ".join(map(str, takes)), ", ".join(map(str, gives))
            raise InputError(
                f"{path} does not restore faces: it takes {said[0]} and gives {said[1]}; give a network that takes one "
                "face (1, 3, S, S), as GFPGAN's, or that and one number, as CodeFormer's, and gives one face"
            )
        self._more = [np.full([side or 1 for side in port.shape], fidelity, port.dtype) for port in single]

    def __call__(self, face: Picture) -> Picture:
        """The face uint8 (S, S, 3), restored."""
        plane = (face.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        made = self._network(plane, *self._more)[0].astype(np.float32).reshape(3, self.side, self.side)
        return np.asarray(np.clip((made.transpose(1, 2, 0) + 1) * 127.5 + 0.5, 0, 255), np.uint8)


def _fits(shape: tuple[int | None, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == 4 and all(n in (None, m) for n, m in zip(shape, wanted, strict=True))


@dataclass(frozen=True, eq=False)
class Restored:
    """The frames of ``clip`` with the faces of ``people`` restored; ``strength`` 0-1, how much of it is shown."""

    clip: Clip
    people: tuple[Seen, ...]
    restorer: Restorer
    strength: float

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        """Frames ``start`` to ``stop``, uint8 (H, W, 3)."""
        meshes = [seen.each(start, stop) for seen in self.people]
        for picture in self.clip.read(start, stop):
            result = picture
            for mesh in meshes:
                points = next(mesh)
                if is_here(points):
                    result = self._restored(result, points[:, :2])
            yield result

    def _restored(self, picture: Picture, points: Float) -> Picture:
        side = self.restorer.side
        matrix = aligned(points, side)
        made = self.restorer(faces.lower_crop(picture, matrix, side))
        outline = np.asarray(cv2.convexHull(np.ascontiguousarray(points)), np.float32)[:, 0]
        inside = (outline - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        middle = inside.mean(0)
        mask = paint.polygon(
            (side, side), np.asarray(middle + (inside - middle) * (1 - 2 * RIM), np.float32), RIM * side
        )
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if scale < 0.75:  # seen smaller than made: shrink by area, or fine detail would shimmer
            small = max(8, round(side * scale))
            made, mask = (cv2.resize(one, (small, small), interpolation=cv2.INTER_AREA) for one in (made, mask))
            matrix = matrix @ _grown(side / small)
        return paint.composite(picture, Face(made, mask * np.float32(self.strength), matrix.astype(np.float32)))


def _grown(by: float) -> Float:
    """(3, 3): pixels of a picture made smaller ``by`` -> pixels of that picture, middle on middle."""
    return np.array([[by, 0, (by - 1) / 2], [0, by, (by - 1) / 2], [0, 0, 1]], np.float32)


def aligned(points: Float, side: int) -> Float:
    """float32 (2, 3): pixels of an aligned face of ``side`` -> pixels of the frame; least squares over five points of
    a mesh (468, 2) px."""
    own = points[list(IBUG68)].astype(np.float64)
    five = np.stack([*(own[eye].mean(0) for eye in EYES), own[NOSE], *(own[corner] for corner in CORNERS)])
    seen, model = (pair[:, 0] + 1j * pair[:, 1] for pair in (five, FFHQ * side))
    away = model - model.mean()
    turn = complex(((seen - seen.mean()) * np.conj(away)).sum() / (abs(away) ** 2).sum())
    shift = complex(seen.mean() - turn * model.mean())
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32)
