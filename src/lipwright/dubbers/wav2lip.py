"""Networks of the Wav2Lip family [Prajwal et al., 2020] paint the lower half of the face, 96 to 288 pixels a side.

The weights are the user's own: ``lipwright models import FILE`` takes a published checkpoint, and the option
``weights`` names it. Done as well as such a network allows: the face is cut upright from the tracked mesh, the
sound is taken one frame earlier, as in training (the original shows it 40 ms late), only the lower face is painted,
with a soft rim, and every frame of the speech is made. With ``compat`` everything is done as the original's code
does, for the same pixels: its boxes and their smoothing, its windows, its hard rectangle, its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lipwright import canvas as playback, faces, features, media, mouth, occlusion, paint, registry, runtime, steady
from lipwright.dubbers import Scene, _wav2lip_original as original
from lipwright.errors import InputError, WeightsError
from lipwright.types import IBUG68, Audio, Face, FaceSpec, Float, Mask, Picture, Take

FACE = FaceSpec(size=(96, 96), region="face", margin=1.06)
"""What the original sees: the box of the face, here from the mesh, with a little more below the chin."""

HEARD = replace(features.WAV2LIP_MEL, lead=-1.0)
"""What it was trained to hear; the original's own inference has lead 0."""

BATCH = 8
TAIL_SECONDS = 0.3
POSE_SECONDS, BOX_SECONDS = 0.06, 0.12
JUMP = 0.5
HIDDEN_MOST = 0.6
OUTLINE = (*IBUG68[2:15], 4)
"""Cheek to cheek by the chin, and the tip of the nose."""
WIDER, SOFT, RIM = 1.06, 0.03, 0.06

Pictures = NDArray[np.uint8]
"""uint8 (B, S, S, 3), RGB."""


class Painter:
    """A network of the family: ``size`` is the side of its pictures, in pixels.

    Args:
        path: an ONNX file with a mel (B, 1, 80, 16) and faces (B, 6, S, S) in, in any order, and (B, 3, S, S) out.
        precision: as `lipwright.runtime.load` takes it.

    Raises:
        WeightsError: when it is another network.
    """

    def __init__(self, path: Path, precision: runtime.Precision = "auto") -> None:
        self._network = runtime.load(path, precision=precision)
        ports = [port.shape for port in self._network.inputs]
        at = next((k for k, shape in enumerate(ports) if len(shape) == 4 and shape[1] == 6), None)
        if len(ports) != 2 or at is None or ports[1 - at][1:] != (1, 80, 16) or len(self._network.outputs) != 1:
            ours = ", ".join(str(port) for port in self._network.inputs)
            raise WeightsError(
                f"{path} is not of the Wav2Lip family, which takes a mel (any, 1, 80, 16) and faces "
                f"(any, 6, size, size); it takes {ours}"
            )
        batch, _, tall, wide = ports[at]
        if tall is None or tall != wide:
            raise WeightsError(f"{path} does not say the size of its pictures: {self._network.inputs[at]}")
        self.size, self._faces_first, self._at_once = tall, at == 0, batch or BATCH

    def __call__(self, heard: Float, seen: Pictures) -> Pictures:
        """Mel windows float32 (B, 16, 80) and faces uint8 (B, S, S, 3) RGB to faces with the mouth painted.

        Always runs the same number at once, so that a frame comes out the same in whatever company it is asked for.
        """
        made = [self._run(heard[k : k + self._at_once], seen[k : k + self._at_once]) for k in self._steps(len(seen))]
        return np.concatenate(made)[: len(seen)]

    def _steps(self, count: int) -> range:
        return range(0, count, self._at_once)

    def _run(self, heard: Float, seen: Pictures) -> Pictures:
        rows = np.minimum(np.arange(self._at_once), len(seen) - 1)
        mel = heard[rows].transpose(0, 2, 1)[:, None]
        whole = seen[rows, ..., ::-1].astype(np.float32).transpose(0, 3, 1, 2) / np.float32(255)
        upper = whole.copy()
        upper[:, :, self.size // 2 :] = 0
        inputs = [mel, np.concatenate([upper, whole], axis=1)]
        painted = self._network(*(reversed(inputs) if self._faces_first else inputs))[0]
        return np.ascontiguousarray((painted * 255.0).astype(np.uint8).transpose(0, 2, 3, 1)[..., ::-1])


class _Way(Protocol):
    """How faces are cut out and put back."""

    def why(self, frame: int) -> str:
        """Why a source frame passes through untouched, or ""."""
        ...

    def cut(self, frame: int, picture: Picture) -> Picture:
        """The face of a source frame, uint8 (S, S, 3)."""
        ...

    def face(self, frame: int, painted: Picture) -> Face:
        """What is put on a source frame."""
        ...


class Dubber:
    """The lower face painted by a network of the Wav2Lip family.

    Args:
        scene: what to dub.
        weights: the name of imported weights, or the path of an ONNX file.
        compat: do all as the original's code does; the options below are the original's and go with it.
        pads: pixels added to the box of the face: top, bottom, left, right; the original's 0 10 0 0 unless told.
        box: the box of the face in all frames: top, bottom, left, right.
        nosmooth: leave the boxes as they are found.
        static: show the first frame only.
    """

    TINY: ClassVar[dict[str, object]] = {"weights": "wav2lip_tiny"}
    """Options for tests: an untrained network that ships with the package."""

    def __init__(
        self,
        scene: Scene,
        *,
        weights: str = "",
        compat: bool = False,
        pads: Sequence[int] | None = None,
        box: Sequence[int] | None = None,
        nosmooth: bool = False,
        static: bool = False,
    ) -> None:
        if not compat and (pads is not None or box is not None or nosmooth or static):
            raise InputError("pads, box, nosmooth and static are options of the original; they go with compat=true")
        self._painter = Painter(_weights(weights), "f32" if compat else "auto")
        self._clip, self.canvas = scene.clip, scene.canvas
        heard = media.resample(scene.speech, features.RATE)
        self._way: _Way
        if compat:
            self._mel, self._spec = features.mel(heard).T, replace(HEARD, lead=0.0)
            count = original.chunks(len(self._mel), self._spec, scene.clip.fps)
            self.canvas = np.zeros(count, np.int64) if static else np.arange(count) % scene.clip.length
            self._way = original.Original(scene, self._painter.size, pads, box, nosmooth)
        else:
            quiet = np.zeros(round(TAIL_SECONDS * features.RATE), np.float32)
            self._mel = features.mel(Audio(np.concatenate([heard.samples, quiet]), features.RATE)).T
            self._spec = replace(HEARD, lead=HEARD.lead * float(scene.clip.fps) / FACE.fps)
            self._way = _Aligned(scene, self._painter.size)
        self.untouched = [self._way.why(int(frame)) for frame in self.canvas]

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """See `lipwright.dubbers.Dubber`."""
        shown = playback.shown(self._clip, self.canvas[start:stop])
        for first in range(start, stop, BATCH):
            pictures = list(islice(shown, min(BATCH, stop - first)))
            rows = [k for k in range(len(pictures)) if not self.untouched[first + k]]
            painted = dict(zip(rows, self._paint(first, pictures, rows), strict=True))
            for k, picture in enumerate(pictures):
                frame = int(self.canvas[first + k])
                yield picture, Take(frame, self._way.face(frame, painted[k]) if k in painted else None)

    def _paint(self, first: int, pictures: list[Picture], rows: list[int]) -> Sequence[Picture] | Pictures:
        """The faces of those ``pictures`` that are in ``rows``, mouths painted."""
        if not rows:
            return []
        seen = np.stack([self._way.cut(int(self.canvas[first + k]), pictures[k]) for k in rows])
        return self._painter(np.stack([self._window(first + k) for k in rows]), seen)

    def _window(self, t: int) -> Float:
        """What is heard at output frame ``t``, float32 (16, 80)."""
        last = len(self._mel) - self._spec.steps
        at = min(self._spec.first(t, self._clip.fps), last)
        return self._mel[at : at + self._spec.steps]


def _weights(name: str) -> Path:
    """The file that ``weights`` names."""
    if not name:
        raise InputError(
            "the dubber 'wav2lip' needs weights; bring a checkpoint with `lipwright models import FILE --name NAME`, "
            "then give weights=NAME (--with weights=NAME)"
        )
    if name.endswith(".onnx"):
        return Path(name)
    if name.endswith((".pth", ".pt", ".ckpt")):
        raise InputError(f"{name} is a PyTorch file; `lipwright models import {name} --name NAME` takes it once")
    return registry.path(name)


# ------------------------------------------------------------------------------------------ as it should be


class _Aligned:
    """Upright faces from the mesh; a soft mask of the lower face, without what stands before it."""

    def __init__(self, scene: Scene, size: int) -> None:
        self._size, self._clip, self._track = size, scene.clip, scene.track
        rate, points = float(scene.clip.fps), scene.track.points
        pose = faces.steady_pose(points, POSE_SECONDS * rate)
        self._places = _places(points[..., :2], pose, BOX_SECONDS * rate, size)
        self._cover = occlusion.covered(scene.track)
        self._hidden = self._cover[:, faces.canonical().moving].mean(1)
        self._frontal = mouth.frontal(pose.degrees[:, 0])
        edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (RIM * size)
        down = np.where(np.arange(size) < size / 2, 1, edge)
        self._rim = np.minimum(1, np.outer(down, edge)).astype(np.float32)

    def why(self, frame: int) -> str:
        if not np.isfinite(self._places[frame]).all():
            return "no face is seen"
        if self._hidden[frame] > HIDDEN_MOST:
            return "the mouth is covered"
        return "" if self._frontal[frame] > 0 else "the head is turned away"

    def cut(self, frame: int, picture: Picture) -> Picture:
        region, place = self._region(frame)
        part, step = paint.crop(picture, region), float(np.hypot(*place[:, 1]))
        if step > 1.5:
            part = cv2.GaussianBlur(part, (0, 0), 0.4 * step)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(part, place, (self._size, self._size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        )

    def face(self, frame: int, painted: Picture) -> Face:
        region, place = self._region(frame)
        size = (region[2] - region[0], region[3] - region[1])
        patch = cv2.warpAffine(painted, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(self._lower(frame), place, size, flags=cv2.INTER_LINEAR)
        mask *= float(self._frontal[frame])
        if self._hidden[frame] > 0:
            mask *= 1 - mouth.shadow(self._track.points[frame, :, :2], self._cover[frame], region)
        return Face(patch, mask, paint.at_corner(region))

    def _region(self, frame: int) -> tuple[paint.Region, Float]:
        """The region of the frame that holds the face, and the map from the face's pixels to the region's."""
        place, side = self._places[frame], self._size - 1
        corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32) @ place[:, :2].T + place[:, 2]
        region = paint.region_of(corners, self._clip.size, margin=1)
        return region, place - np.array([[0, 0, region[0]], [0, 0, region[1]]], np.float32)

    def _lower(self, frame: int) -> Mask:
        """float32 (S, S): the lower face in the face's own pixels, softly, and nothing at their edges."""
        place = self._places[frame]
        outline = (self._track.points[frame, list(OUTLINE), :2] - place[:, 2]) @ np.linalg.inv(place[:, :2]).T
        middle = outline.mean(0)
        wider = middle + WIDER * (outline - middle)
        return paint.polygon((self._size, self._size), wider, SOFT * self._size) * self._rim


def _places(points: Float, pose: faces.Pose, sigma: float, size: int) -> Float:
    """float32 (T, 2, 3): pixels of the upright face of ``size`` to those of the frame.

    The face is turned upright about the eyes; its box, relative to them, is smoothed over ``sigma`` frames both
    ways, but not where the face jumps, and stretched to a square, as the boxes in training were.
    """
    angle = np.radians(pose.degrees[:, 2])
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    centre = pose.shift[:, :2]
    upright = np.einsum("tji,tvj->tvi", turn, points - centre[:, None])
    low, high = upright.min(1), upright.max(1)
    wide = high[:, 0] - low[:, 0]
    moved = np.linalg.norm(np.diff(centre, axis=0), axis=1)
    jumps = (np.flatnonzero(moved > JUMP * wide[1:]) + 1).tolist()
    box = steady.smooth(np.concatenate([low, high], axis=1).astype(np.float32), sigma, jumps)
    low, high = box[:, :2], box[:, 2:]
    step = (high - low) * (1, FACE.margin) / size
    matrix = turn * step[:, None, :]
    origin = centre + np.einsum("tij,tj->ti", turn, low + step / 2)
    return np.concatenate([matrix, origin[:, :, None]], axis=2).astype(np.float32)
