"""How fast does the generator of the dubber `compact` draw, and how fast is the dubber as a whole?

Printed: frames a second of the network alone, at its own size, one picture at a time, as the dubber runs it, on so many
threads; the same of the whole dubber on a drawn talking face of 640 x 480 (frames made by formula, so that no file is
decoded); and how far pictures computed in bfloat16 lie from those in float32, in grey levels.

    python benchmarks/compact_speed.py [--weights compact] [--threads 2] [--frames 200]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import drawn
import lipwright
from lipwright import compact, registry, runtime


def alone(path: Path, threads: int, precision: runtime.Precision, frames: int) -> tuple[float, np.ndarray]:
    """Frames a second of the network in the best of twenty short runs, so that others at work count for less; and what
    it drew."""
    network = runtime.load(path, precision=precision, threads=threads)
    size = network.inputs[0].shape[2] or 128
    random = np.random.default_rng(0)
    shapes = ((1, compact.PLANES, size, size), (1, compact.COLUMNS, 64), (1, compact.GAPS))
    given = [random.random(shape, np.float32) for shape in shapes]
    best, picture = 0.0, network(*given)[0]
    for _ in range(20):
        before = time.perf_counter()
        for _ in range(max(1, frames // 20)):
            network(*given)
        best = max(best, max(1, frames // 20) / (time.perf_counter() - before))
    return best, picture


def whole(weights: str, frames: int) -> float:
    """Frames a second of a dub, once it is planned."""
    clip = drawn.talking(frames, size=(640, 480))
    dubbed = lipwright.dub(clip, drawn.voice(frames / 25, seed=3), dubber="compact", weights=weights)
    next(iter(dubbed.read(0, 1)))
    before = time.perf_counter()
    for _ in dubbed.read():
        pass
    return frames / (time.perf_counter() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="compact")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=200)
    options = parser.parse_args()
    path = Path(options.weights) if options.weights.endswith(".onnx") else registry.path(options.weights)
    exact, first = alone(path, options.threads, "f32", options.frames)
    quick, second = alone(path, options.threads, "bf16", options.frames)
    gap = 255 * np.abs(first - second)
    print(f"network alone, {options.threads} threads: {exact:.0f} frames/s in float32, {quick:.0f} in bfloat16")
    print(f"bfloat16 against float32: {gap.mean():.2f} grey levels, {gap.max():.1f} at most")
    print(f"whole dubber: {whole(options.weights, options.frames):.0f} frames/s")


if __name__ == "__main__":
    main()
