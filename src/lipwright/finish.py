"""Put the last hand to a video: shake, flicker, frame rate, timing, restored faces, grain."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from lipwright import faces
from lipwright.finishing import Finishing, Material, finished
from lipwright.types import Clip, FaceTrack, Progress


def finish(
    clip: Clip,
    *,
    source: Clip | None = None,
    face: str | int = "all",
    stabilise: float = 0.0,
    calm: float = 0.0,
    fps: str | float | Fraction | None = None,
    retime: bool = False,
    restore: str | Path | None = None,
    restore_strength: float = 1.0,
    restore_fidelity: float = 0.5,
    regrain: bool = False,
    progress: Progress | None = None,
) -> Clip:
    """``clip`` with what is asked for done to its pictures: a Clip that makes them as they are read.

    It lasts as long as ``clip`` and has its sound. Nothing looks, moves or mixes across a cut. All but ``source`` and
    ``face`` can be asked of `lipwright.dub`, too.

    Args:
        clip: the video to finish.
        source: the footage it was made of, whose frame rate and grain count; the clip itself unless told.
        face: whose flicker and whose restoration: all, a face's id, or x,y[@seconds] px, see `lipwright.faces.choose`.
        stabilise: seconds, 0 to 10, over which the way of the camera is smoothed; nothing is cut off at the edges.
        calm: 0 to 1, how much of the flicker of lower faces is evened out in time, along the motion and without lag.
        fps: the frame rate wanted, as 30, 29.97 or 60000/1001, or "source"; frames in between are made along the
            motion.
        retime: show frames up to 3 (at 25 fps) earlier or later where the sound says so, on a smooth curve.
        restore: an ONNX file that restores faces, as GFPGAN and CodeFormer: RGB (1, 3, S, S) in [-1, 1], FFHQ-aligned.
        restore_strength: 0 to 1, how much of the restored face is shown.
        restore_fidelity: 0 to 1, CodeFormer's second input: 0 looks best, 1 keeps most.
        regrain: bring the grain of whole frames to that of ``source``.
        progress: called while faces and motion are looked for.

    Raises:
        InputError: a value outside its range, a network that restores no faces, no sound to re-time by.
        NoFaceError: no frame shows a face, where one is to be restored, calmed or re-timed.
        WeightsError: the file given is no network that can be run.
    """
    how = Finishing(stabilise, calm, fps, retime, restore, restore_strength, restore_fidelity, regrain)

    def people() -> tuple[FaceTrack, ...]:
        return faces.choose(faces.tracks(clip, progress=progress), face, float(clip.fps))

    return finished(
        Material(clip, clip, np.arange(clip.length), clip if source is None else source, people), how, progress
    )
