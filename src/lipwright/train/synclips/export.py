"""From a trained network of the layout `synclips` to an ONNX file that says the same, and its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lipwright import runtime
from lipwright.errors import InputError, WeightsError
from lipwright.train.foreign import keep
from lipwright.train.networks import count
from lipwright.train.synclips.encoders import HEARS
from lipwright.train.synclips.networks import Layout, Painting, Synclips
from lipwright.train.tasks import Outcome
from lipwright.train.tracing import write_onnx

if TYPE_CHECKING:
    from lipwright.train.synclips.task import SynclipsTask

APART = 1e-3
"""How far the exported network may differ from the trained one."""


def export(task: SynclipsTask, outcome: Outcome[Synclips], folder: Path, source: str) -> dict[str, float]:
    """Write ``synclips.onnx``, for any number of frames, with its card.

    Raises:
        InputError: only the encoders were trained.
        WeightsError: the file does not say what the network says.
    """
    recipe = task.recipe
    if outcome.step <= recipe.alone:
        raise InputError(
            f"the training ended at step {outcome.step}, while only the encoders learn ({recipe.alone} steps), so "
            f"there is nothing that paints yet; go on with the same command and --steps {3 * recipe.alone} or more"
        )
    place = folder / "synclips.onnx"
    beside = place.with_suffix(".new.onnx")
    gap = write(outcome.network, beside, recipe.layout)
    told = ", ".join(f"{name} {value:.3f}" for name, value in outcome.figures.items())
    lines = {
        "what": "paints the mouths of lower faces that go with a sound, after a reference; layout synclips",
        "licence": "the trainer's to say",
        "architecture": f"{count(outcome.network)} values, float32; {_ports(recipe.layout)} Differs from what was "
        f"trained by {gap:.1g} at most. Made by: lipwright train generator, {source}",
        "data": "a prepared folder of the trainer's own",
        "quality": f"step {outcome.step}; on the val recordings: {told}",
    }
    keep(beside, place, lines)
    return outcome.figures


def _ports(layout: Layout) -> str:
    """What goes in and what comes out."""
    square = f"{layout.face}, {layout.face}"
    columns = "normalised log-mel" if layout.hears == "mel" else "scaled MFCC"
    return (
        f"{layout.hears}, {layout.audio}, {layout.video}, {layout.align}. In: frames float32 (1, T, 3, {square}) RGB "
        f"0-1, heard (1, 4·T, {HEARS[layout.hears]}) {columns}, 100 columns a second, reference (1, 3, {square}). "
        "Out: painted, as frames, at 25 fps."
    )


def write(network: Synclips, path: Path, layout: Layout) -> float:
    """Write the network as ONNX, and how far it is at most from the trained one on seeded noise.

    Raises:
        WeightsError: it is further than a thousandth.
    """
    frames = torch.export.Dim("frames", min=2, max=100_000)
    painting = Painting(network).eval()
    examples = _noise(layout, 12, 0)
    sizes: tuple[dict[int, Any], ...] = ({1: frames}, {1: 4 * frames}, {})
    write_onnx(painting, examples, path, ["frames", "heard", "reference"], ["painted"], sizes)
    others = _noise(layout, 31, 1)
    with torch.no_grad():
        wanted = painting(*others).numpy()
    found = runtime.load(path, precision="f32")(*(each.numpy() for each in others))[0]
    gap = float(np.abs(found - wanted).max())
    if not gap <= APART:
        raise WeightsError(f"{path} says something else than the network it was made from: by up to {gap:.2g}, of 1")
    return gap


def _noise(layout: Layout, frames: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    made = torch.Generator().manual_seed(seed)
    shape = (3, layout.face, layout.face)
    seen, reference = torch.rand(1, frames, *shape, generator=made), torch.rand(1, *shape, generator=made)
    return seen, torch.randn(1, 4 * frames, HEARS[layout.hears], generator=made), reference
