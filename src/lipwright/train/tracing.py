"""From a torch network to an ONNX file that says nothing of the machine it was made on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipwright.errors import WeightsError


def write_onnx(
    network: nn.Module,
    examples: tuple[Tensor, ...],
    path: Path,
    inputs: list[str],
    outputs: list[str],
    sizes: tuple[dict[int, Any], ...],
) -> None:
    """Trace ``network`` on ``examples`` and write it to ``path`` as one ONNX file: beside, then renamed.

    ``inputs`` and ``outputs`` name its ports; ``sizes`` gives for each input the axes that may have any size
    (`torch.export.Dim`).

    Raises:
        WeightsError: PyTorch gave no program.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part.onnx")
    with _quietly():
        program = torch.onnx.export(
            network.eval(),
            examples,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=sizes,
            dynamo=True,
            verbose=False,
        )
        if program is None:
            raise WeightsError(f"{path} could not be written: PyTorch gave no ONNX program")
        graph = program.model.graph
        for part in (program.model, graph, *graph):  # an exporter notes source lines and folders there
            part.metadata_props.clear()
        program.save(str(beside), external_data=False)
    beside.replace(path)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter has to say about itself: nothing of it is the user's to act on."""
    remarks = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = remarks.level
    remarks.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        remarks.setLevel(before)
