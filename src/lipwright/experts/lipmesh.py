"""Our second sync expert: the mouth's shape in the face mesh, not its pixels, and log-mel.

It sees nothing that `lipsight` sees and was trained apart from it, so that what is optimised with the one can be
judged by the other. Light, beard and blur do not reach it; teeth and tongue do not, either.
"""

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

    member = "lipmesh"
    what = "vertices of the mesh"
    shape = (177, 3)
    face = FaceSpec(size=(3, 177), frames=5, fps=25.0, region="mesh")

    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """Lips, jaw and chin about their mean over the clip, float32 (177, 3), at 25 fps; None without a face."""
        return cutting.shapes(clip, track, self.face.fps)

    def prepared(self, recording: Mapping[str, AnyArray]) -> Iterator[Crop | None]:
        """The same of a recording that `lipwright.prepare` made."""
        return cutting.about_mean(np.where(recording["present"][:, None, None], recording["motion"], np.nan))

    def _seen(self, crops: list[Crop | None]) -> Float:
        last = next((crop for crop in crops if crop is not None), np.zeros(self.shape, np.float32))
        filled = [last := last if crop is None else crop for crop in crops]
        return np.stack(filled).astype(np.float32).reshape(len(crops), -1)
