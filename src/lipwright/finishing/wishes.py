"""What may be asked of a finish, checked before any work begins."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

from lipwright.errors import InputError
from lipwright.finishing.pace import rate
from lipwright.media.container import existing

RANGES = {"stabilise": (0.0, 10.0), "calm": (0.0, 1.0), "restore_strength": (0.0, 1.0), "restore_fidelity": (0.0, 1.0)}


@dataclass(frozen=True)
class Finishing:
    """What is to be done; as it is made, nothing.

    ``stabilise`` seconds over which the camera's way is smoothed, ``calm`` 0-1 of the lower face's flicker evened out,
    ``fps`` the frame rate wanted, ``retime`` whether frames are shown a little earlier or later where the sound says
    so, ``restore`` the ONNX file of a network that restores faces, shown to ``restore_strength`` and, where it takes
    that, with ``restore_fidelity``, ``regrain`` whether the grain is brought to that of the source.

    Raises InputError for a value that cannot be used.
    """

    stabilise: float = 0.0
    calm: float = 0.0
    fps: str | float | Fraction | None = None
    retime: bool = False
    restore: str | Path | None = None
    restore_strength: float = 1.0
    restore_fidelity: float = 0.5
    regrain: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{name} goes from {low:g} to {high:g}; given {value}")
        for name in ("retime", "regrain"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} is true or false; given {getattr(self, name)}")
        if self.fps is not None:
            rate(self.fps, Fraction(25))
        if self.restore is not None and existing(self.restore).suffix.lower() != ".onnx":
            raise InputError(f"{self.restore} is no ONNX file, by its name; give a network exported as .onnx")

    @property
    def nothing(self) -> bool:
        """Whether no picture changes."""
        return not (self.stabilise or self.calm or self.fps or self.retime or self.restore or self.regrain)

    @property
    def looks_for_faces(self) -> bool:
        """Whether it has to be known where faces are."""
        return bool(self.calm or (self.restore and self.restore_strength))


NAMES = tuple(field.name for field in fields(Finishing))
"""What a finish may be told, by keyword."""
