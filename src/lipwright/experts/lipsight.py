"""Our own sync expert: grey mouth crops and log-mel, one embedding for each 40 ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from lipwright import crops as cutting
from lipwright.experts import Crop
from lipwright.experts._ours import Ours
from lipwright.ondisk import AnyArray
from lipwright.types import Clip, FaceSpec, FaceTrack, Float


class Expert(Ours):
    """Two encoders that put a moment's mouth and its sound in the same place; see `lipwright.experts._ours.Ours`."""

    member = "lipsight"
    what = "grey crops"
    shape = (48, 64)
    face = FaceSpec(size=(64, 48), frames=5, fps=25.0, region="mouth")

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """Grey upright mouths uint8 (48, 64) at 25 fps; None where no face is seen."""
        return cutting.mouths(clip, track, self.face.fps)

    def prepared(self, recording: Mapping[str, AnyArray]) -> Iterator[Crop | None]:
        """The mouths of a recording that `lipwright.prepare` made."""
        for crop, seen in zip(recording["crop"], recording["present"], strict=False):
            yield crop if seen else None

    def _seen(self, crops: list[Crop | None]) -> Float:
        blank = np.zeros(self.shape, np.uint8)
        stretch = np.stack([blank if crop is None else crop for crop in crops])
        return stretch.astype(np.float32) / np.float32(255)
