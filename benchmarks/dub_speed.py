"""How fast is a dub, against a plain decode and encode of the same frames?

    python benchmarks/dub_speed.py VIDEO SPEECH [--seconds 60] [--json out.json]

Footage or speech shorter than ``--seconds`` is looped. Each side runs in a process of its own, one after the other:

    plain    decode and encode (PyAV, x264 veryfast crf 18), nothing in between
    first    lipwright.dub and media.write, faces found on the way
    again    the same with the face track in the cache
    stages   each stage of it alone, on the first 10 s

Printed are frames a second, CPU milliseconds a frame, both over plain's, and peak memory. On a machine that does
other work, too, go by the CPU time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from decode_encode import plain

import lipwright
from lipwright import canvas, faces, media
from lipwright.types import Audio, Clip, Picture

SIDES = ("plain", "first", "again", "stages")
SAMPLE = 10
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measured(options.side, options.video, options.speech, options.seconds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        video = media.write(looped(media.open(options.video), options.seconds), Path(folder) / "footage.mp4")
        figures = {side: apart(side, video, options.speech, options.seconds) for side in SIDES}
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def looped(clip: Clip, seconds: float) -> Clip:
    """The picture of ``clip`` over and over until it lasts ``seconds``."""
    frames = np.arange(round(seconds * clip.fps)) % clip.length

    def shown(start: int, stop: int) -> Iterator[Picture]:
        return canvas.shown(clip, frames[start:stop])

    return replace(clip, length=len(frames), frames=shown, audio=None, key="")


def spoken(path: Path, seconds: float) -> Audio:
    """The sound of ``path`` over and over until it lasts ``seconds``."""
    sound = media.open_audio(path)
    wanted = round(seconds * sound.rate)
    return Audio(np.tile(sound.samples, -(-wanted // len(sound.samples)))[:wanted], sound.rate)


def apart(side: str, video: Path, speech: Path, seconds: float) -> Figures:
    """The figures of one side, from a process of its own."""
    command = [sys.executable, __file__, str(video), str(speech), "--seconds", str(seconds), "--side", side]
    figures: Figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return figures


def measured(side: str, video: Path, speech: Path, seconds: float) -> Figures:
    """What one side takes, in this process."""
    clip = media.open(video)
    voice = spoken(speech, seconds)
    if side == "stages":
        return stages(clip.part(0, min(clip.length, round(SAMPLE * clip.fps))), voice.cut(0, SAMPLE))
    if side == "first":
        clip = replace(clip, key="")  # nothing is kept of a clip without a key
    elif side == "again":
        faces.track(clip)
    begin, work = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        if side == "plain":
            plain(video, Path(folder) / "out.mp4", clip.length, clip.fps)
        else:
            media.write(lipwright.dub(clip, voice), Path(folder) / "out.mp4")
    wall, work = time.perf_counter() - begin, time.process_time() - work
    return {"fps": clip.length / wall, "wall": wall, "cpu_ms": 1000 * work / clip.length, "peak_mb": peak()}


def stages(clip: Clip, voice: Audio) -> Figures:
    """CPU milliseconds a frame of each stage, run alone."""
    read = work_of(partial(drain, clip), clip.length)
    found = work_of(partial(faces.track, replace(clip, key="")), clip.length)
    faces.track(clip)
    planned = work_of(partial(lipwright.dub, clip, voice), clip.length)
    dubbed = lipwright.dub(clip, voice)
    rendered = work_of(partial(drain, dubbed), clip.length)
    with tempfile.TemporaryDirectory() as folder:
        written = work_of(partial(media.write, dubbed, Path(folder) / "out.mp4"), clip.length)
    return {
        "faces, with their decoding": found,
        "plan": planned,
        "decode and convert": read,
        "render, with the donors' decoding": rendered - read,
        "convert and encode": written - rendered,
    }


def drain(clip: Clip) -> None:
    for _ in clip.read():
        pass


def work_of(action: partial[object], frames: int) -> float:
    begin = time.process_time()
    action()
    return 1000 * (time.process_time() - begin) / frames


def peak() -> float:
    """The most memory this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def report(figures: dict[str, Figures]) -> None:
    print(f"{'':8}{'fps':>8}{'wall/plain':>12}{'CPU ms/frame':>14}{'CPU/plain':>11}{'peak MB':>9}")
    base = figures["plain"]
    for side in SIDES[:-1]:
        own = figures[side]
        over = own["wall"] / base["wall"], own["cpu_ms"] / base["cpu_ms"]
        print(f"{side:8}{own['fps']:8.1f}{over[0]:12.2f}{own['cpu_ms']:14.1f}{over[1]:11.2f}{own['peak_mb']:9.0f}")
    print("CPU ms a frame by stage: " + "; ".join(f"{name} {ms:.1f}" for name, ms in figures["stages"].items()))


if __name__ == "__main__":
    main()
