"""Networks run, from several threads, and what cannot run says so."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lipwright import runtime
from lipwright.errors import InputError, WeightsError

onnx = pytest.importorskip("onnx")

WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4) / 8


def save(path: Path) -> Path:
    """A network with y = relu(x @ WEIGHT) for x float32 (any, 3), and the sum of each row of y."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            helper.make_node("Relu", ["h"], ["y"]),
            helper.make_node("ReduceSum", ["y", "axes"], ["total"], keepdims=0),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", kind, ["n", 3])],
        [helper.make_tensor_value_info("y", kind, ["n", 4]), helper.make_tensor_value_info("total", kind, ["n"])],
        [onnx.numpy_helper.from_array(WEIGHT, "w"), onnx.numpy_helper.from_array(np.array([1]), "axes")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> runtime.Network:
    return runtime.load(save(tmp_path_factory.mktemp("runtime") / "tiny.onnx"), precision="f32", device="cpu")


def test_ports_say_names_and_shapes(network: runtime.Network) -> None:
    assert [str(port) for port in network.inputs] == ["x float32 (any, 3)"]
    assert [port.name for port in network.outputs] == ["y", "total"]
    assert network.device == "cpu"


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_it_computes_for_any_number_of_rows(network: runtime.Network, rows: int) -> None:
    x = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
    y, total = network(x)
    wanted = np.maximum(x @ WEIGHT, 0)
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    np.testing.assert_allclose(total, wanted.sum(1), atol=1e-4)


def test_other_kinds_and_layouts_are_converted(network: runtime.Network) -> None:
    x = np.asfortranarray(np.arange(6).reshape(2, 3))
    np.testing.assert_allclose(network(x)[0], x @ WEIGHT, atol=1e-5)


def test_an_answer_is_not_overwritten_by_the_next_call(network: runtime.Network) -> None:
    first = network(np.ones((2, 3)))[0]
    kept = first.copy()
    network(np.full((2, 3), 5.0))
    np.testing.assert_array_equal(first, kept)


def test_threads_do_not_mix_their_answers(network: runtime.Network) -> None:
    inputs = [np.full((n % 5 + 1, 3), n, np.float32) for n in range(200)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda x: network(x)[0], inputs))
    for x, y in zip(inputs, answers, strict=True):
        np.testing.assert_allclose(y, x @ WEIGHT, atol=1e-2)


def test_started_calls_can_be_waited_for_in_any_order(network: runtime.Network) -> None:
    waits = [network.start(np.full((2, 3), n)) for n in range(4)]
    for n in reversed(range(4)):
        np.testing.assert_allclose(waits[n]()[0], np.full((2, 3), n) @ WEIGHT, atol=1e-5)


def test_bf16_is_near(tmp_path: Path) -> None:
    if not runtime.has_bf16():
        pytest.skip("this CPU has no bfloat16")
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    near = runtime.load(save(tmp_path / "tiny.onnx"), precision="bf16", device="cpu")(x)[0]
    np.testing.assert_allclose(near, np.maximum(x @ WEIGHT, 0), atol=0.05)
    assert near.dtype == np.float32


def test_a_compiled_network_is_kept_where_told(tmp_path: Path) -> None:
    runtime.load(save(tmp_path / "tiny.onnx"), device="cpu", cache_dir=tmp_path / "compiled")
    assert list((tmp_path / "compiled").iterdir())


def test_wrong_arrays_are_refused_in_words(network: runtime.Network) -> None:
    with pytest.raises(InputError, match="takes 1 arrays; given 2"):
        network(np.ones((1, 3)), np.ones(3))
    with pytest.raises(InputError, match=r"takes x float32 \(any, 3\); given an array of shape \(1, 4\)"):
        network(np.ones((1, 4)))
    with pytest.raises(InputError, match=r"given an array of shape \(3,\)"):
        network.start(np.ones(3))


@pytest.mark.parametrize("name", ["broken.onnx", "broken.tflite", "broken.txt"])
def test_a_damaged_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("these are no weights")
    with pytest.raises(WeightsError, match=rf"{name} is not a network that can be run: \S"):
        runtime.load(tmp_path / name)


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"cut\.onnx is not a network"):
        runtime.load(tmp_path / "cut.onnx")


def test_no_file_no_threads_no_device(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no network at"):
        runtime.load(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="at least 1 thread; given 0"):
        runtime.load(save(tmp_path / "tiny.onnx"), threads=0)
    if not runtime.has_cuda():
        with pytest.raises(InputError, match="no CUDA device"):
            runtime.load(tmp_path / "tiny.onnx", device="cuda")


def test_a_container_limit_counts(tmp_path: Path) -> None:
    limit = tmp_path / "cpu.max"
    limit.write_text("150000 100000\n")
    assert runtime._quota(limit) == 2
    limit.write_text("max 100000\n")
    assert runtime._quota(limit) > 64
    assert 1 <= runtime.cores() <= runtime.MOST_THREADS


def test_nothing_is_sent_when_a_network_is_loaded(tmp_path: Path) -> None:
    code = """
import socket, sys
def refuse(*arguments, **options): sys.exit(f"asked for {arguments}")
socket.socket.connect = socket.getaddrinfo = refuse
import threading
from lipwright import runtime
runtime.load(sys.argv[1])
for thread in threading.enumerate():
    if thread is not threading.current_thread(): thread.join(5)
"""
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-c", code, str(save(tmp_path / "tiny.onnx"))]
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "asked for" not in done.stderr
    assert not list(home.iterdir()), "an identity was written into the home folder"


def test_ports_of_every_kind_that_face_networks_have_are_known() -> None:
    port = runtime._onnx_port(SimpleNamespace(name="w", shape=[1], type="tensor(double)"))
    assert (port.name, port.shape, port.dtype) == ("w", (1,), np.dtype("f8"))
