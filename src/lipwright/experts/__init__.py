"""Sync experts: two encoders and nothing else. A file here is a member; its name is its public name.

A member has a class ``Expert``, built as ``Expert(weights="")``: the name of weights that were imported, or
nothing for those of its own name. It extends `Encoders` and says

- ``face``: a `lipwright.types.FaceSpec`, the pictures it sees; ``audio``: a `lipwright.types.AudioSpec`; ``lead``:
  how many of the window's ``face.frames`` pictures come before the one that the window is filed under;
- ``distance``: how two embeddings are compared, ``euclidean`` or (unit vectors) ``cosine``;
- ``crops(clip, track)``: what it sees of a clip, a picture for each frame at ``face.fps``;
- ``video(crops)``: pictures in, blocks of float32 (n, D) out; ``sound(audio)``: sound in, blocks out.

**Row t of the pictures belongs to row t of the sound when the two are in sync**, both at ``face.fps``. A row of NaN
could not be judged: no face, or a window that reaches beyond the recording. Offset, distance, contrast and the curve
are derived by `lipwright.sync` from the two, for any member; whoever shows such a number asks `Encoders.calibrated`
first. ``Expert.TINY``, options that make a member work untrained in tests, is needed of members without weights of
their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np

from lipwright import crops as cutting, registry
from lipwright.errors import InputError, WeightsError
from lipwright.ondisk import AnyArray
from lipwright.registry import Calibration
from lipwright.types import Audio, AudioSpec, Clip, FaceSpec, FaceTrack, Float

Crop = cutting.Crop
"""What an expert sees of one frame: a picture of ``face.size``, uint8 (H, W, 3) RGB or (H, W) grey, or a shape."""

LEAST_AUC = 0.6
"""An expert that tells in-sync from shifted less surely than this shows no number."""


class Encoders(ABC):
    """What every expert is: two encoders, and what is known of how far they can be believed."""

    face: ClassVar[FaceSpec]
    audio: ClassVar[AudioSpec]
    distance: ClassVar[Literal["euclidean", "cosine"]]
    lead: ClassVar[int]
    name: str = ""
    """The name of its weights; empty for files without a card."""

    @abstractmethod
    def crops(self, clip: Clip, track: FaceTrack) -> Iterator[Crop | None]:
        """One picture for each frame at ``face.fps`` as this expert's protocol cuts it; None without a face."""

    reads_prepared: ClassVar[bool] = False
    """Whether `prepared` finds what it needs."""

    def prepared(self, recording: Mapping[str, AnyArray]) -> Iterator[Crop | None]:
        """`crops` of a recording that `lipwright.prepare` made, by its arrays; see ``reads_prepared``."""
        raise InputError(
            f"the expert {self.name} sees nothing that prepare keeps; give videos ({len(recording)} arrays)"
        )

    @abstractmethod
    def video(self, crops: Iterable[Crop | None]) -> Iterator[Float]:
        """Blocks float32 (n, D), together one row for each picture; holds only a few pictures at a time.

        Raises InputError for pictures of another shape.
        """

    @abstractmethod
    def sound(self, audio: Audio) -> Iterator[Float]:
        """Blocks float32 (n, D), together one row for each frame of the sound.

        Raises InputError for a sound of another rate than ``audio.rate``, empty or not finite.
        """

    def embed_video(self, crops: Iterable[Crop | None]) -> Float:
        """All of :meth:`video` at once: float32 (T, D). Raises InputError also where there is no picture."""
        blocks = list(self.video(crops))
        if not blocks:
            raise InputError("an expert needs at least one picture; given none")
        return np.concatenate(blocks)

    def embed_audio(self, audio: Audio) -> Float:
        """All of :meth:`sound` at once: float32 (U, D)."""
        return np.concatenate(list(self.sound(audio)))

    @property
    def calibration(self) -> Calibration | None:
        """What was measured of these weights on real footage, from their card; None where nothing was."""
        return registry.card(f"{self.name}_video").calibration if self.name else None

    def calibrated(self) -> Calibration:
        """`calibration`, for whoever shows a number of this expert.

        Raises:
            WeightsError: it was never calibrated, or cannot tell in-sync from shifted.
        """
        found, name = self.calibration, self.name or "NAME"
        how = f"measure it on footage of yours that is in sync: lipwright models calibrate {name} --data FOLDER"
        if found is None:
            raise WeightsError(f"the expert {name} was never calibrated, so its numbers mean nothing yet; {how}")
        if not found.auc >= LEAST_AUC:
            raise WeightsError(
                f"the expert {name} cannot tell sound in sync from sound {found.shift} frames off and more: its AUC is "
                f"{found.auc:.2f}, chance is 0.50, and {LEAST_AUC:.2f} is needed for a number; {how}, or take another"
            )
        return found
