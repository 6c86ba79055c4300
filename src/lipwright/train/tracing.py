"""From a torch network to an ONNX file that says nothing of the machine it was made on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipwright.errors import WeightsError

SHORT = 256
"""Values from which on a constant is worth halving."""


def write_onnx(
    network: nn.Module,
    examples: tuple[Tensor, ...],
    path: Path,
    inputs: list[str],
    outputs: list[str],
    sizes: tuple[dict[int, Any], ...],
    *,
    lean: bool = False,
) -> None:
    """Trace ``network`` on ``examples`` and write it to ``path`` as one ONNX file: beside, then renamed.

    ``inputs`` and ``outputs`` name its ports; ``sizes`` gives for each input the axes that may have any size
    (`torch.export.Dim`); ``lean``: its weights are kept as float16, half as long, and computed with as float32.

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
    if lean:
        _halve(beside)
    beside.replace(path)


def _halve(path: Path) -> None:
    """Keep the longer float32 constants of an ONNX file as float16, each cast to float32 where it is used."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < SHORT or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


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
