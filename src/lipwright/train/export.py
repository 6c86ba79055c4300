"""From a training's best checkpoint to shipped weights: ONNX and a card beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from torch import Tensor, nn

from lipwright.train.networks import COLUMNS, Expert, Experts, MotionNet, MotionNets, PointsEncoder, Together, count
from lipwright.train.tracing import write_onnx

LENGTH = 40
"""Frames of the example that export traces with."""

VECTORS = "Out: float32 (1, T, 128) unit vectors at 25 fps, 128 more for each training beside it."
PORTS = {
    "motion": "In: float32 (1, 4·T, 64) normalised log-mel, 100 columns a second. Out: float32 (1, T, V, 3) from "
    "the closed mouth in inter-ocular distances at 25 fps, (1, T) opening, (1, T) closed 0-1, (1,) spread.",
    "lipsight_video": f"In: float32 (1, T, 48, 64) grey mouth crops 0-1. {VECTORS}",
    "lipmesh_video": f"In: float32 (1, T, 531) vertices about their mean, in eye distances times 20. {VECTORS}",
    "lipmesh_audio": f"In: float32 (1, 4·T, 64) normalised log-mel. {VECTORS}",
    "lipsight_audio": f"In: float32 (1, 4·T, 64) normalised log-mel. {VECTORS}",
}
"""What goes into and comes out of each file."""


class _Speaking(nn.Module):
    """The motion network as it is shipped: log-mel in, points and opening in inter-ocular units out."""

    def __init__(self, network: MotionNet | MotionNets) -> None:
        super().__init__()
        self.network = network

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(1, 4·T, 64) to shape (1, T, V, 3), opening (1, T), closed (1, T), spread (1,)."""
        coefficients, opening, closed = self.network(columns)
        spread = self.network.spread[:1]
        return self.network.points(coefficients, opening), opening * spread, closed.sigmoid(), spread * 1.0


def motion(network: MotionNet | MotionNets, path: Path) -> None:
    """Write the motion network as ONNX; any number of frames."""
    example = torch.randn(1, COLUMNS * LENGTH, 64)
    _export(_Speaking(network), example, path, "columns", ["shape", "opening", "closed", "spread"], COLUMNS)


def expert(network: Expert | Experts, video: Path, audio: Path) -> None:
    """Write both encoders of an expert as ONNX: crops (1, T, 48, 64) 0-1 or points (1, T, V·3), and columns
    (1, 4·T, 64)."""
    seeing = network.video.members[0] if isinstance(network.video, Together) else network.video
    if isinstance(seeing, PointsEncoder):
        values = cast(nn.Conv1d, seeing.front[0]).in_channels
        _export(network.video, torch.randn(1, LENGTH, values), video, "points", ["embedding"], 1)
    else:
        _export(network.video, torch.rand(1, LENGTH, 48, 64), video, "crops", ["embedding"], 1)
    _export(network.audio, torch.randn(1, COLUMNS * LENGTH, 64), audio, "columns", ["embedding"], COLUMNS)


def _export(module: nn.Module, example: Tensor, path: Path, name: str, outputs: list[str], step: int) -> None:
    """Write a network whose time axis may be any number of frames, of ``step`` columns each; weights as float16."""
    frames = torch.export.Dim("frames", min=2, max=100_000)
    write_onnx(module, (example,), path, [name], outputs, ({1: frames * step if step > 1 else frames},), lean=True)


def card(path: Path, what: str, network: nn.Module, data: str, quality: str, command: str) -> Path:
    """Write the card of a file of weights, in the registry's format, beside it; returns its path.

    ``data`` says what it was trained on and what follows from that, ``command`` what made it.
    """
    content = path.read_bytes()
    lines: dict[str, Any] = {
        "what": what,
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "licence": "the trainer's to say",
        "architecture": f"{count(network)} values, kept as float16, float32 at work. {PORTS.get(path.stem, '')} "
        f"Made by: {command}",
        "data": data,
        "quality": quality,
    }
    place = path.with_suffix(".yaml")
    place.write_text(yaml.safe_dump(lines, sort_keys=False, width=110, allow_unicode=True), encoding="utf-8")
    return place


def own_card(path: Path, what: str, network: nn.Module, figures: dict[str, float], recipe: str) -> Path:
    """The card of what somebody trained on data of their own, with its figures."""
    quality = "on the val recordings: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    return card(path, what, network, "a prepared folder of the trainer's own", quality, f"lipwright train, {recipe}")
