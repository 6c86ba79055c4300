"""Checkpoints of this project's own trainings: written whole or not at all, read without running anything.

Those of other people are read by `lipwright.train.checkpoint`.
"""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from lipwright.errors import WeightsError


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside its place, then rename it there: there is never half a file."""
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; tensors and plain values only, nothing that runs."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError) as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint; train again or give another file") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path} is not a checkpoint of this project")
    return state


def part(path: Path, start: str) -> dict[str, Tensor]:
    """The weights of a checkpoint whose names begin with ``start``, without it."""
    found = {k.removeprefix(start): v for k, v in load(path).get("network", {}).items() if k.startswith(start)}
    if not found:
        raise WeightsError(f"{path} holds no weights named {start}*; give the best.pt of an expert")
    return found
