"""Does memory grow with the length of the video?

    python benchmarks/memory.py VIDEO SPEECH [--minutes 1 10] [--weights NAME] [--side landmark ...] [--json out.json]

VIDEO and SPEECH are looped to both lengths and written as files; `lipwright dub` runs on each in a fresh process with
an empty cache of face tracks, with every dubber. Printed is the most memory that each process held (its peak resident
set), and the ratio of the longer to the shorter. Networks of Wav2Lip are a small untrained one unless ``--weights``
names another: what grows with length does not depend on it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from dub_speed import looped

from lipwright import media, registry

WEIGHTS = "wav2lip_tiny"
PEAK = """
import pathlib, resource, sys
from lipwright.cli import main
code = main(sys.argv[1:])
status = pathlib.Path("/proc/self/status")
if status.exists():
    held = next(int(line.split()[1]) / 2**10 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
else:
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(held)
sys.exit(code)
"""
"""Runs the command line and says at last what it held at most, MB. (Linux carries ru_maxrss over from the process that
started this one; VmHWM it does not.)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--minutes", type=float, nargs=2, default=[1.0, 10.0])
    parser.add_argument("--weights", default=WEIGHTS)
    parser.add_argument("--side", action="append", help="only these: landmark, wav2lip, compat")
    parser.add_argument("--json", type=Path, help="keep the figures here")
    options = parser.parse_args()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [inputs(options.video, options.speech, 60 * minutes, folder) for minutes in options.minutes]
        print(f"{'dubber':12}" + "".join(f"{minutes:>9g} min" for minutes in options.minutes) + f"{'ratio':>9}")
        for side, how in sides(options.weights).items():
            if options.side and side not in options.side:
                continue
            figures[side] = [peak(video, speech, how, folder) for video, speech in made]
            short, long = figures[side]
            print(f"{side:12}{short:10.0f} MB{long:10.0f} MB{long / short:9.3f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def sides(weights: str) -> dict[str, list[str]]:
    """The options of every dubber; the wav2lip dubber both ways."""
    found = {name: ["--dubber", name] for name in registry.members("dubbers")}
    network = ["--dubber", "wav2lip", "--with", f"weights={weights}"]
    return found | {"wav2lip": network, "compat": [*network, "--with", "compat=true"]}


def inputs(video: Path, speech: Path, seconds: float, folder: Path) -> tuple[Path, Path]:
    """A video and a sound that last so long."""
    picture = media.write(looped(media.open(video), seconds), folder / f"{seconds:g}.mp4")
    sound = media.open_audio(speech)
    path = folder / f"{seconds:g}.wav"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=sound.rate, layout="mono")
        samples = (np.clip(sound.samples, -1, 1) * 32767).astype(np.int16)
        wanted = round(seconds * sound.rate)
        for start in range(0, wanted, len(samples)):
            frame = av.AudioFrame.from_ndarray(samples[None, : wanted - start], format="s16", layout="mono")
            frame.sample_rate, frame.pts = sound.rate, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return picture, path


def peak(video: Path, speech: Path, how: list[str], folder: Path) -> float:
    """The most memory that a dub held, MB; its networks come from the cache, its face track does not."""
    cache, own = registry.cache_dir(), folder / "cache"
    own.mkdir(exist_ok=True)
    for entry in cache.iterdir():
        if entry.name != "faces" and not (own / entry.name).exists():
            (own / entry.name).symlink_to(entry)
    for track in (own / "faces").glob("*"):
        track.unlink()
    command = [sys.executable, "-c", PEAK, "dub", str(video), str(speech), "-o", str(folder / "out.mp4"), *how]
    environment = os.environ | {"LIPWRIGHT_CACHE": str(own)}
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return float(run.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
