"""Wav2Lip's own expert, SyncNet_color [Prajwal et al., "A lip sync expert is all you need", 2020].

What it sees: the lower half of the box of the face, stretched to 96 x 48 pixels, five at a time; what it hears: 0.2 s
of Wav2Lip's mel. Where the original takes the boxes of its face detector, the box of the mesh is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lipwright import crops as cutting, features
from lipwright.experts import Crop
from lipwright.experts._windows import Windowed
from lipwright.types import Clip, FaceSpec, FaceTrack, Picture

SIDE = 96


class Expert(Windowed):
    """Five lower halves and 0.2 s of sound to unit vectors of 512, none of their values negative."""

    member = "wav2lip_expert"
    face = FaceSpec(size=(SIDE, SIDE // 2), frames=5, fps=25.0, region="lower")
    audio = features.WAV2LIP_MEL
    TINY: ClassVar[dict[str, str]] = {"weights": "wav2lip_expert_tiny"}
    distance = "cosine"
    lead = 2
    at_once = 32

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """Lower halves of the face, uint8 (48, 96, 3) RGB at 25 fps; None where no face is seen."""
        at = cutting.instants(clip, self.face.fps)
        boxes = cutting.boxes(track, at)
        wide, tall = clip.size
        seen = (boxes[:, 2] >= 1) & (boxes[:, 3] >= 1) & (boxes[:, 0] < wide - 1) & (boxes[:, 1] < tall - 1)

        def crop(row: int, picture: Picture) -> Crop:
            left, top, right, bottom = (max(0, int(edge)) for edge in boxes[row])
            box = (left, top, min(right, wide), min(bottom, tall))
            return cutting.boxed(picture, box, (SIDE, SIDE), 0)[SIDE // 2 :]

        return cutting.cut(clip, at, np.asarray(seen), crop)
