"""Run a network that was saved as ONNX or TFLite.

On a CPU through OpenVINO, in bfloat16 where the CPU has it; on a CUDA device through onnxruntime-gpu
where both are there::

    network = runtime.load(registry.path("face_landmark"))
    points, presence = network(picture)      # numpy in, numpy out

A network may be called from several threads at once. This is the only module that imports OpenVINO.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lipwright.errors import InputError, WeightsError

Array = NDArray[Any]
"""An array of any kind; a network's ports say which."""

Precision = Literal["auto", "bf16", "f32"]
Device = Literal["auto", "cpu", "cuda"]

MOST_THREADS = 4
"""Threads a network takes unless told: the networks here are small, and more threads wait for each other."""


@dataclass(frozen=True)
class Port:
    """One input or output: ``name``, ``shape`` (None = any length) and numpy ``dtype``."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join('any' if n is None else str(n) for n in self.shape)})"

    def accepts(self, array: Array) -> bool:
        """Whether an array of this shape fits."""
        return array.ndim == len(self.shape) and all(
            n in (None, m) for n, m in zip(self.shape, array.shape, strict=True)
        )


class _Engine(Protocol):
    """What runs a network: OpenVINO or onnxruntime."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    device: str

    def run(self, arrays: Sequence[Array]) -> list[Array]: ...

    def start(self, arrays: Sequence[Array]) -> Callable[[], list[Array]]: ...


class Network:
    """A loaded network. ``inputs`` and ``outputs`` are its ports in order; ``device`` says where it runs."""

    def __init__(self, engine: _Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self.inputs = engine.inputs
        self.outputs = engine.outputs
        self.device = engine.device

    def __call__(self, *arrays: Array) -> list[Array]:
        """The outputs, in order, for one array per input, in order. The arrays returned are the caller's own.

        Raises:
            InputError: when the number of arrays or a shape is not the network's.
        """
        return self._engine.run(self._checked(arrays))

    def start(self, *arrays: Array) -> Callable[[], list[Array]]:
        """Begin a call and return at once; calling what is returned waits and gives the outputs.

        Raises:
            InputError: when the number of arrays or a shape is not the network's.
        """
        return self._engine.start(self._checked(arrays))

    def _checked(self, arrays: Sequence[Array]) -> list[Array]:
        if len(arrays) != len(self.inputs):
            raise InputError(f"network {self.name} takes {len(self.inputs)} arrays; given {len(arrays)}")
        ready = [np.ascontiguousarray(a, dtype=p.dtype) for a, p in zip(arrays, self.inputs, strict=True)]
        for array, port in zip(ready, self.inputs, strict=True):
            if not port.accepts(array):
                raise InputError(f"network {self.name} takes {port}; given an array of shape {array.shape}")
        return ready


def load(
    path: Path | str,
    *,
    precision: Precision = "auto",
    threads: int | None = None,
    device: Device = "auto",
    cache_dir: Path | None = None,
) -> Network:
    """Load an ``.onnx`` or ``.tflite`` file and make it ready to run.

    Args:
        path: the file; ``registry.path(name)`` gives it for a network with a card.
        precision: "auto" computes in bfloat16 where the CPU has it and float32 elsewhere; arrays go in and
            come out as the network's ports say, whatever it computes in.
        threads: CPU threads; None takes the cores this process may use, at most ``MOST_THREADS``.
        device: "auto" takes CUDA for an ONNX file when onnxruntime-gpu and a device are there, else the CPU.
        cache_dir: where compiled networks are kept to load faster the next time; None keeps none.

    Raises:
        WeightsError: when the file is missing, damaged or not a network.
        InputError: when ``threads`` is below 1, or ``device`` is "cuda" and there is none.
    """
    path = Path(path)
    if threads is not None and threads < 1:
        raise InputError(f"a network needs at least 1 thread; given {threads}")
    if not path.is_file():
        raise WeightsError(f"there is no network at {path}; `lipwright models pull` brings those that have a card")
    if device == "cuda" or (device == "auto" and path.suffix == ".onnx" and has_cuda()):
        return Network(_Cuda(path), path.stem)
    return Network(_OpenVino(path, precision, threads or cores(), cache_dir), path.stem)


def cores() -> int:
    """CPU cores a network takes unless told: those this process may use, at most ``MOST_THREADS``; or as many as the
    environment's ``LIPWRIGHT_THREADS`` says. Raises InputError where that is no number of at least 1."""
    if told := os.environ.get("LIPWRIGHT_THREADS"):
        if not (told.isdecimal() and int(told) > 0):
            raise InputError(f"LIPWRIGHT_THREADS is a number of at least 1; it is {told!r}")
        return int(told)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota(), MOST_THREADS))


def _quota(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores a container may use, rounded up; a large number where there is no limit."""
    try:
        share, period = limit.read_text().split()
        return math.ceil(int(share) / int(period))
    except (OSError, ValueError):
        return 1 << 16


@cache
def has_cuda() -> bool:
    """Whether onnxruntime-gpu is installed and finds a CUDA device."""
    if find_spec("onnxruntime") is None:
        return False
    import onnxruntime

    driver = sys.platform == "win32" or any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/dxg"))
    return driver and "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@cache
def has_bf16() -> bool:
    """Whether this CPU computes in bfloat16 (AVX512-BF16 or AMX)."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    """OpenVINO, without the message to an analytics service that importing it would send (it has a stub for this)."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino.Core()


class _OpenVino:
    """A network on the CPU. Every thread has an infer request of its own."""

    device = "cpu"

    def __init__(self, path: Path, precision: Precision, threads: int, cache_dir: Path | None) -> None:
        if precision == "auto":
            precision = "bf16" if has_bf16() else "f32"
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        if cache_dir is not None:
            options["CACHE_DIR"] = str(cache_dir)
        try:
            self._compiled = _core().compile_model(_core().read_model(str(path)), "CPU", options)
        except RuntimeError as problem:
            raise WeightsError(f"{path} is not a network that can be run: {_gist(problem)}") from problem
        self.inputs = tuple(_port(port, index) for index, port in enumerate(self._compiled.inputs))
        self.outputs = tuple(_port(port, index) for index, port in enumerate(self._compiled.outputs))
        self._own = threading.local()

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        results = self._own.request.infer(dict(enumerate(arrays)), share_inputs=True)
        return [results[index] for index in range(len(self.outputs))]

    def start(self, arrays: Sequence[Array]) -> Callable[[], list[Array]]:
        request = self._compiled.create_infer_request()
        request.start_async(dict(enumerate(arrays)), share_inputs=True)

        def wait(_alive: Sequence[Array] = arrays) -> list[Array]:
            request.wait()
            return [request.get_output_tensor(index).data.copy() for index in range(len(self.outputs))]

        return wait


def _port(port: Any, index: int) -> Port:
    names = port.get_names()
    shape = tuple(None if n.is_dynamic else int(n.get_length()) for n in port.get_partial_shape())
    return Port(min(names) if names else str(index), shape, np.dtype(port.get_element_type().to_dtype()))


def _gist(problem: Exception) -> str:
    """The last line of an engine's report that says something."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1] if lines else type(problem).__name__


class _Cuda:
    """An ONNX network on a CUDA device; ``device`` says "cpu" where onnxruntime fell back to it."""

    def __init__(self, path: Path) -> None:
        if not has_cuda():
            raise InputError('no CUDA device can be used; device="cpu" works everywhere, onnxruntime-gpu adds CUDA')
        import onnxruntime

        try:
            self._session = onnxruntime.InferenceSession(path, providers=["CUDAExecutionProvider"])
        except Exception as problem:  # onnxruntime's own errors share no base but this
            raise WeightsError(f"{path} is not a network that can be run: {_gist(problem)}") from problem
        self.device = "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"
        self.inputs = tuple(_onnx_port(port) for port in self._session.get_inputs())
        self.outputs = tuple(_onnx_port(port) for port in self._session.get_outputs())

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        feed = {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        outputs: list[Array] = self._session.run(None, feed)
        return outputs

    def start(self, arrays: Sequence[Array]) -> Callable[[], list[Array]]:
        outputs = self.run(arrays)
        return lambda: outputs


_ONNX_TYPES = {
    "tensor(float)": "f4",
    "tensor(float16)": "f2",
    "tensor(double)": "f8",
    "tensor(int64)": "i8",
    "tensor(uint8)": "u1",
}


def _onnx_port(port: Any) -> Port:
    shape = tuple(n if isinstance(n, int) else None for n in port.shape)
    return Port(port.name, shape, np.dtype(_ONNX_TYPES[port.type]))
