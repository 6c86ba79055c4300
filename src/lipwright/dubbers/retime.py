"""Re-timing: the frames of the video as they are, shown a little earlier or later, where the sound says so.

For a recording whose picture runs ahead and behind by turns: dropped and doubled frames, a bad conversion. Nothing
is painted; each output frame shows the source frame, near its own, whose mouth fits the sound best in the eyes of
a sync expert, on a path that charges jumps (`lipwright.matching`). Where nothing is said the frames play on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import ClassVar

import numpy as np

from lipwright import matching, media
from lipwright.dubbers import Scene
from lipwright.types import Picture, Take


class Dubber:
    """Frames shown a little earlier or later.

    Args:
        scene: what to re-time; its speech is the video's own sound.
        expert: the member of the family ``experts`` that says how well a picture fits a sound.
        window: frames at 25 fps by which one may move either way, 1 to 12, 3 unless told; "auto": half a syllable.
        jump: what leaving out or repeating a frame costs, in the expert's distance; more moves fewer frames.
        greedy: choose each frame by itself, without a path: for comparison.
    """

    PASSES: ClassVar = True
    PAINTS: ClassVar = False

    def __init__(
        self,
        scene: Scene,
        *,
        expert: str = "lipsight",
        window: matching.Window | None = None,
        jump: float = matching.JUMP,
        greedy: bool = False,
    ) -> None:
        self._clip = scene.clip
        evidence = matching.Evidence.of(matching.expert(expert), scene.clip, scene.track, scene.speech)
        window = matching.WINDOW if window is None else window
        every = np.ones(scene.clip.length, bool)
        self.canvas = matching.choose(evidence, scene.canvas, every, window=window, jump=jump, greedy=greedy)
        present = scene.track.present[self.canvas]
        self.untouched = ["" if seen else "no face is seen" for seen in present.tolist()]

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """See `lipwright.dubbers.Dubber`; no take has a face."""
        path = self.canvas[start:stop]
        with closing(media.stream(matching.shown(self._clip, path), depth=4)) as pictures:
            for frame, picture in zip(path.tolist(), pictures, strict=True):
                yield picture, Take(frame)
