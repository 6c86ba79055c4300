"""How fast is a measurement, and does its memory grow with the length of the video?

    python benchmarks/measure_speed.py VIDEO [--seconds 10 60 600] [--json out.json]

The video, with its own sound, is looped to each length and written; each is then measured in a process of its own,
one after the other, no faces known before. Printed are the seconds it took without starting Python, CPU seconds, the
seconds of a second measurement in the same process (networks loaded, faces looked for again), and the peak of memory.
On a machine that does other work, too, go by the CPU time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from dub_speed import looped, spoken

from lipwright import media
from lipwright.measure import measure

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 60.0, 600.0])
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.video)))
        return
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for seconds in options.seconds:
            clip = looped(media.open(options.video), seconds).with_audio(spoken(options.video, seconds))
            path = media.write(clip, Path(folder) / f"{seconds:.0f}.mp4")
            command = [sys.executable, __file__, str(path), "--one"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            figures[f"{seconds:.0f} s"] = json.loads(done.stdout)
            told = "  ".join(f"{name} {value:.2f}" for name, value in figures[f"{seconds:.0f} s"].items())
            print(f"{seconds:6.0f} s of {clip.size[0]} x {clip.size[1]}: {told}", flush=True)
            path.unlink()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def measured(video: Path) -> Figures:
    """What one measurement takes, faces looked for anew."""
    clip = replace(media.open(video), key="")
    begun, cpu = time.perf_counter(), time.process_time()
    measure(clip)
    figures = {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - cpu}
    if clip.duration <= 20:
        begun = time.perf_counter()
        measure(clip)
        figures["again"] = time.perf_counter() - begun
    return figures | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    main()
