"""Tiny networks that stand for those that restore faces."""

from __future__ import annotations

from pathlib import Path

import pytest


def network(path: Path, kind: str, side: int | None = 128) -> Path:
    """A tiny network as ONNX: identity; brighter; fidelity (adds its second input); flat, which restores no face."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    shape = [1, 3, side, side] if side else [1, 3, None, None]
    face = helper.make_tensor_value_info("input", kinds.FLOAT, shape)
    out = helper.make_tensor_value_info("output", kinds.FLOAT, [1, side] if kind == "flat" else shape)
    inputs, constants = [face], []
    if kind == "fidelity":
        inputs.append(helper.make_tensor_value_info("weight", kinds.DOUBLE, [1]))
        nodes = [
            helper.make_node("Cast", ["weight"], ["w"], to=kinds.FLOAT),
            helper.make_node("Add", ["input", "w"], ["output"]),
        ]
    elif kind == "brighter":
        constants.append(helper.make_tensor("by", kinds.FLOAT, [1], [0.2]))
        nodes = [helper.make_node("Add", ["input", "by"], ["output"])]
    elif kind == "flat":
        nodes = [helper.make_node("ReduceMean", ["input"], ["output"], axes=[1, 2], keepdims=0)]
    else:
        nodes = [helper.make_node("Identity", ["input"], ["output"])]
    graph = helper.make_graph(nodes, kind, inputs, [out], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path
