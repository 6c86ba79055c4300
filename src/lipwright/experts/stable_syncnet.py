"""StableSyncNet [Li et al., "LatentSync", 2024], in both layouts that were published, with attention and without.

What it sees: the lower halves of 16 faces, each brought to one place by brows and nose; what it hears: 0.65 s of
Wav2Lip's mel, 3.2 columns a frame. Where the original takes InsightFace's 106 points, those of the mesh are taken.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lipwright import crops as cutting, ondisk
from lipwright.experts import Crop
from lipwright.experts._windows import Windowed
from lipwright.types import AudioSpec, Clip, FaceSpec, FaceTrack, Float, Picture

SIDE = 256
TEMPLATE = 2.8 * np.array([[17.0, 20.0], [58.0, 20.0], [37.5, 40.0]])
"""Where the middle of each brow and of the nose lie, in a face of 210 x 280 pixels."""
CANVAS = (210, 280)
GREY = 127
BROWS = ((46, 53, 52, 65, 55, 70, 63, 105, 66, 107), (276, 283, 282, 295, 285, 300, 293, 334, 296, 336))
NOSE = (5, 4, 48, 278)


class Expert(Windowed):
    """Sixteen lower halves and 0.65 s of sound to unit vectors of 2048, none of their values negative."""

    member = "stable_syncnet"
    face = FaceSpec(size=(SIDE, SIDE // 2), frames=16, fps=25.0, region="lower")
    audio = AudioSpec("mel", 16000, 200, 80, 52)
    distance = "cosine"
    lead = 7
    at_once = 8

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """Lower halves of aligned faces, uint8 (128, 256, 3) RGB at 25 fps; None where no face is seen."""
        at = cutting.instants(clip, self.face.fps)
        landmarks = ondisk.by_blocks(lambda places: three(cutting.meshes(track, places)), len(at), at)

        def crop(row: int, picture: Picture) -> Crop:
            upright = cutting.warped(picture, alignment(landmarks[row]), CANVAS, GREY)
            return cutting.resized(upright, (SIDE, SIDE))[SIDE // 2 :]

        return cutting.cut(clip, at, np.isfinite(landmarks[:, 0, 0]), crop)


def three(points: Float) -> Float:
    """The middle of the brow on the picture's left, of the other, and of the nose: float32 (T, 3, 2), whole px."""
    return np.round(np.stack([points[:, list(part), :2].mean(1) for part in (*BROWS, NOSE)], axis=1))


def alignment(landmarks: Float) -> Float:
    """The affine map float32 (2, 3) from a frame to the upright face, from three points (3, 2) px.

    Both threes are brought to their means and to one spread; the turn between them is the best in the least-squares
    sense (Procrustes), as LatentSync's affine_transform computes it.
    """
    seen, wanted = landmarks.astype(np.float64), TEMPLATE
    middle, centre = seen.mean(0), wanted.mean(0)
    scale = (wanted - centre).std() / max((seen - middle).std(), 1e-6)
    left, _, right = np.linalg.svd((seen - middle).T @ (wanted - centre))
    turn = right.T @ np.diag([1, np.sign(np.linalg.det(right.T @ left.T))]) @ left.T
    return np.concatenate([scale * turn, (centre - scale * turn @ middle)[:, None]], axis=1).astype(np.float32)
