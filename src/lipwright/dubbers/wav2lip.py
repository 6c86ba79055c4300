"""Networks of the Wav2Lip family [Prajwal et al., 2020] paint the lower half of the face, 96 to 384 pixels a side.

The weights are the user's own: ``lipwright models import FILE`` takes a published checkpoint, and the option
``weights`` names it. Done as well as such a network allows: the face is cut upright from the tracked mesh, the
sound is taken one frame earlier, as in training (the original shows it 40 ms late), only the lower face is painted,
with a soft rim, every frame of the speech is made, and where nobody speaks the network hears silence and is shown
the same person with a closed mouth. With ``compat`` everything is done as the original's code does, for the same
pixels: its boxes and their smoothing, its windows, its hard rectangle, its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from lipwright import canvas as playback, features, media, ondisk, registry, runtime, speech
from lipwright.dubbers import Scene, _wav2lip_aligned as aligned, _wav2lip_original as original
from lipwright.errors import InputError, WeightsError
from lipwright.types import Face, FaceSpec, Float, Int, Picture, Take

FACE = FaceSpec(size=(96, 96), region="face", margin=aligned.MARGIN)
"""What the original sees: the box of the face, here from the mesh, with a little more below the chin."""

HEARD = replace(features.WAV2LIP_MEL, lead=-1.0)
"""What it was trained to hear; the original's own inference has lead 0."""

NOW = "mel_now"
"""The name of the mel of networks that were trained without that lead (`lipwright train generator`, ``corrected``)."""

BATCH = 8
AHEAD = 2
"""Batches made ahead of the one that is being pasted."""
TAIL_SECONDS = 0.3
QUIET = -4.0
"""The mel of digital silence."""

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
        self.size, self._faces_first, self.at_once = tall, at == 0, batch or BATCH
        self.early = 0.0 if self._network.inputs[1 - at].name == NOW else 1.0
        """The lead of what it was trained to hear, as a part of that of the published networks."""

    def __call__(self, heard: Float, seen: Pictures, like: Pictures, rows: Sequence[int]) -> Pictures:
        """Mel windows float32 (B, 16, 80) and faces uint8 (B, S, S, 3) RGB to faces with the mouth painted.

        The upper halves of ``seen`` are kept; ``like`` shows the person, in training another frame of them. The
        network always runs ``at_once`` pictures, each in its own of ``rows``, so that a picture comes out the same
        in whatever company it is asked for.
        """
        order = np.zeros(self.at_once, np.int64)
        order[list(rows)] = np.arange(len(rows))
        mel = heard[order].transpose(0, 2, 1)[:, None]
        both = np.empty((self.at_once, 6, self.size, self.size), np.float32)
        both[:, :3], both[:, 3:] = _planes(seen[order]), _planes(like[order])
        both[:, :3, self.size // 2 :] = 0
        painted = self._network(*((both, mel) if self._faces_first else (mel, both)))[0][list(rows)]
        return np.ascontiguousarray((painted * 255.0).astype(np.uint8).transpose(0, 2, 3, 1)[..., ::-1])


def _planes(pictures: Pictures) -> Float:
    """uint8 (B, S, S, 3) RGB to float32 (B, 3, S, S) BGR, 0-1."""
    return pictures[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


class _Way(Protocol):
    """How faces are cut out and put back."""

    def why(self, frame: int, /) -> str:
        """Why a source frame passes through untouched, or ""."""
        ...

    def cut(self, frame: int, picture: Picture, /) -> Picture:
        """The face of a source frame, uint8 (S, S, 3)."""
        ...

    def face(self, frame: int, painted: Picture, /) -> Face:
        """What is put on a source frame."""
        ...


@dataclass(frozen=True)
class _Plan:
    """What is decided before the first picture is made: the source frames shown, what is heard, whose mouths."""

    canvas: Int
    mel: Float
    """float32 (columns, 80)."""
    lead: float
    """Frames that the sound is taken later (above 0) or earlier."""
    way: _Way
    voiced: Float
    """float32 (T,): 1 where somebody speaks, 0 where the mouth is closed."""
    rests: Int
    """int64 (T,): the source frame with a closed mouth that the network is shown; the frame itself where it is that."""


class Dubber:
    """The lower face painted by a network of the Wav2Lip family.

    Args:
        scene: what to dub.
        weights: the name of imported weights, or the path of an ONNX file.
        compat: do all as the original's code does.
        pads: pixels added to the box of the face: top, bottom, left, right; 0 10 0 0 with ``compat`` unless told.
        box: the box of the face in all frames: top, bottom, left, right; nothing is looked for then.
        nosmooth: leave the boxes as they are found, as a ``smooth`` of 0 does.
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
        self._painter = Painter(_weights(weights), "f32" if compat else "auto")
        self._clip, self._shown = scene.clip, scene.shown
        inside = None if box is None else original.inside(box, scene.clip.size)
        around = original.four(pads, "pads") if pads is not None else original.PADS if compat else (0, 0, 0, 0)
        plan = _as_the_original if compat else _as_it_should_be
        self._plan = plan(scene, self._painter.size, around, inside, 0.0 if nosmooth else scene.smooth, static)
        self.canvas = self._plan.canvas
        self._spec = replace(HEARD, lead=self._plan.lead * self._painter.early)
        self.untouched = [self._plan.way.why(int(frame)) for frame in self.canvas]
        self._resting = playback.Stills(scene.clip, self._plan.way.cut)

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """See `lipwright.dubbers.Dubber`."""
        with closing(media.stream(self._painted(start, stop), AHEAD)) as batches:
            for pictures, first, faces in batches:
                for t, picture in enumerate(pictures, first):
                    frame, painted = int(self.canvas[t]), faces.get(t)
                    yield picture, Take(frame, None if painted is None else self._plan.way.face(frame, painted))

    def _painted(self, start: int, stop: int) -> Iterator[tuple[list[Picture], int, dict[int, Picture]]]:
        """Pictures, the output frame of the first of them, and painted faces by output frame; batches begin at
        multiples of the network's batch, wherever ``start`` is."""
        at_once = self._painter.at_once
        with closing(media.stream(self._shown(self.canvas, start, stop), depth=2 * at_once)) as shown:
            for begin in range(start - start % at_once, stop, at_once):
                first = max(begin, start)
                pictures = list(islice(shown, min(begin + at_once, stop) - first))
                rows = [first - begin + k for k in range(len(pictures)) if not self.untouched[first + k]]
                yield pictures, first, self._paint(begin, rows, pictures[rows[0] - first + begin :] if rows else [])

    def _paint(self, begin: int, rows: list[int], pictures: list[Picture]) -> dict[int, Picture]:
        """The faces of output frames ``begin`` + ``rows``, by frame; ``pictures`` begin with the first of them."""
        if not rows:
            return {}
        cut = self._plan.way.cut
        seen = np.stack([cut(int(self.canvas[begin + k]), pictures[k - rows[0]]) for k in rows])
        like = np.stack([self._like(begin + k, own) for k, own in zip(rows, seen, strict=True)])
        heard = np.stack([self._window(begin + k) for k in rows])
        return dict(zip((begin + k for k in rows), self._painter(heard, seen, like, rows), strict=True))

    def _like(self, t: int, own: Picture) -> Picture:
        """The face that the network is shown as the person's at output frame ``t``."""
        rest, share = int(self._plan.rests[t]), float(self._plan.voiced[t])
        if share >= 1 or rest == self.canvas[t]:
            return own
        return np.round(share * own + (1 - share) * self._resting[rest]).astype(np.uint8)

    def _window(self, t: int) -> Float:
        """What is heard at output frame ``t``, float32 (16, 80); silence where nobody speaks."""
        mel, share = self._plan.mel, self._plan.voiced[t]
        at = min(self._spec.first(t, self._clip.fps), len(mel) - self._spec.steps)
        window = mel[at : at + self._spec.steps]
        if t % ondisk.BLOCK == 0:
            ondisk.release(mel)
        return window if share >= 1 else (QUIET + share * (window - QUIET)).astype(np.float32)


Box = tuple[int, int, int, int]
"""x0 y0 x1 y1 px."""


def _as_the_original(scene: Scene, size: int, pads: Box, box: Box | None, smooth: float, static: bool) -> _Plan:
    heard = media.resample(scene.speech, features.RATE)
    mel = features.mel(heard).T
    count = original.chunks(len(mel), replace(HEARD, lead=0.0), scene.clip.fps)
    canvas = np.zeros(count, np.int64) if static else np.arange(count) % scene.clip.length
    way = original.Original(scene, size, pads, box, static or smooth == 0)
    return _Plan(canvas, mel, 0.0, way, np.ones(count, np.float32), canvas)


def _as_it_should_be(scene: Scene, size: int, pads: Box, box: Box | None, smooth: float, static: bool) -> _Plan:
    heard = media.resample(scene.speech, features.RATE)
    mel = features.mel(heard.padded(0, TAIL_SECONDS)).T
    lead = HEARD.lead * float(scene.clip.fps) / FACE.fps
    canvas = np.zeros_like(scene.canvas) if static else scene.canvas
    voiced = speech.voiced(heard, scene.clip.fps, len(canvas))
    if box is not None:
        return _Plan(canvas, mel, lead, aligned.Boxed(box, size), voiced, canvas)
    way = aligned.Aligned(scene, size, pads, smooth)
    return _Plan(canvas, mel, lead, way, voiced, way.rests(canvas, voiced))


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
