"""What reading and writing through lipwright costs over a bare decode and encode.

    python benchmarks/decode_encode.py [VIDEO] [--seconds 10] [--rounds 3]

Without VIDEO it draws 1280x720 at 25 fps. Both ways decode, encode with x264 veryfast crf 18 and copy
nothing else; "lipwright" also turns every frame into an RGB picture and back, which is where
everything that lipwright does to a picture happens. The rounds take turns, the best of each counts.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lipwright import media
from lipwright.types import Clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report(options.video or drawn(Path(folder), options.seconds), Path(folder), options.seconds, options.rounds)


def report(video: Path, folder: Path, seconds: float, rounds: int) -> None:
    source = media.open(video)
    clip = replace(source, length=min(source.length, round(seconds * source.fps)), audio=None)
    ways: dict[str, Callable[[], object]] = {
        "plain": lambda: plain(video, folder / "plain.mp4", clip.length, clip.fps),
        "lipwright": lambda: media.write(clip, folder / "lipwright.mp4"),
    }
    wall = {name: float("inf") for name in ways}
    work = dict(wall)
    for _ in range(rounds):
        for name, way in ways.items():
            begin, begin_work = time.perf_counter(), time.process_time()
            way()
            wall[name] = min(wall[name], time.perf_counter() - begin)
            work[name] = min(work[name], time.process_time() - begin_work)
    print(f"{video.name}: {clip.length} frames {clip.size[0]}x{clip.size[1]}, best of {rounds}")
    for name in ways:
        fps = clip.length / wall[name]
        print(f"{name:10} {wall[name]:6.2f} s  {fps:6.1f} fps  {work[name]:6.2f} s of CPU")
    print(f"ratio      {wall['lipwright'] / wall['plain']:6.2f} (wall)  {work['lipwright'] / work['plain']:.2f} (CPU)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    print(f"peak memory {peak:.0f} MB")


def plain(video: Path, to: Path, length: int, fps: Fraction) -> None:
    """Decode and encode with nothing in between."""
    with av.open(str(video)) as source, av.open(str(to), "w") as output:
        source.streams.video[0].thread_type = "AUTO"
        stream = output.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "18"})
        for index, frame in enumerate(source.decode(video=0)):
            if index == 0:
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            if index == length:
                break
            frame.pts, frame.time_base, frame.pict_type = index, 1 / fps, av.video.frame.PictureType.NONE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def drawn(folder: Path, seconds: float) -> Path:
    """A moving drawn picture with a little grain, 1280x720, 25 fps."""
    random = np.random.default_rng(0)
    coarse = random.integers(30, 220, (18, 40, 3)).astype(np.uint8)
    wide = np.repeat(np.repeat(coarse, 40, axis=0), 40, axis=1)
    grain = random.integers(0, 12, (8, 720, 1280, 1)).astype(np.uint8)
    clip = Clip(
        Fraction(25),
        (1280, 720),
        round(seconds * 25),
        lambda start, stop: (wide[:, n % 300 : n % 300 + 1280] + grain[n % 8] for n in range(start, stop)),
    )
    return media.write(clip, folder / "drawn.mp4")


if __name__ == "__main__":
    main()
