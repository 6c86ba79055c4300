"""How many frames a second does `lipwright prepare --layout wav2lip` make, against the original's preprocess.py?

    python benchmarks/prepare_speed.py ORIGINAL_CHECKOUT VIDEO [--clips 4] [--seconds 2] [--rounds 1] [--json out.json]

ORIGINAL_CHECKOUT is a work tree of https://github.com/Rudrabha/Wav2Lip; it is copied, never changed. VIDEO is cut into
``--clips`` pieces of ``--seconds``, one face each, at 25 frames a second. Needs the extra ``train``. On a CPU only.
Each side runs in a process of its own, in turn, and writes the same crops of the same frames, and the sound:

    original    its preprocess.py; its detector S3FD has seeded weights, which find nothing, so that after it has looked
                at a batch it is given the boxes of ours. What it would do with faces found is not counted.
    1, 2 ...    `lipwright prepare folder ... --layout wav2lip --sync off` with so many workers (--workers 1 2)
    judged      the same with one worker and the sync measured, shifted and judged, which the original does not do

"frames/s" are all frames by the seconds from the first file to the last, without the start of Python and its imports
(reading weights counts for both). "CPU" are the seconds of computing of the whole process; with --threads 1 other work
on the machine hardly changes them. Peak memory is that of the largest process. What the original imports and this
machine may lack stands in for itself only in its process: librosa, which preprocess.py imports and does not use, and
the program ffmpeg for the sound. It takes 32 frames at a time, as it is; with large pictures that needs much memory
(--batch).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import runpy
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import wavfile
from wav2lip_speed import librosa_stub, seeded_s3fd

from lipwright import cli, faces, media, workers

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32, help="frames the original looks at together")
    parser.add_argument("--threads", type=int, help="of every library, on each side; as each does it unless told")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ours", action="store_true", help="leave the original out, to see what more workers bring")
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(ran(options.side, options.original, options.batch)))
        return
    if options.threads:
        os.environ |= dict.fromkeys(workers.ONE_THREAD, str(options.threads))
    sides = [*map(str, options.workers)] if options.ours else ["original", *map(str, options.workers), "judged"]
    print(f"load at the start: {os.getloadavg()[0]:.2f}; {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        frames = prepared(folder, options.original, options.video, options.clips, options.seconds)
        rounds = [{side: apart(side, folder, options.batch) for side in sides} for _ in range(options.rounds)]
        alike = "" if options.ours else compared(folder)
    figures = {
        side: {name: statistics.median(each[side][name] for each in rounds) for name in rounds[0][side]}
        for side in sides
    }
    report(figures, frames, alike)
    if options.json:
        options.json.write_text(json.dumps({"frames": frames, "medians": figures, "rounds": rounds}, indent=2))


# -------------------------------------------------------------------------------------- what is run


def prepared(folder: Path, original: Path, video: Path, clips: int, seconds: float) -> int:
    """The pieces, where their faces are, and a copy of the original, in ``folder``; how many frames there are."""
    clip, boxes = media.open(video), {}
    length = round(25 * seconds)
    if float(clip.fps) != 25 or clip.length < clips * length:
        raise SystemExit(f"{video} must have 25 frames a second, and {clips * length} of them")
    (folder / "data" / "talk").mkdir(parents=True)
    for number in range(clips):
        piece = folder / "data" / "talk" / f"{number:05}.mp4"
        media.write(clip.part(number * length, (number + 1) * length), piece)
        boxes[piece.stem] = faces.track(media.open(piece)).box.tolist()
    (folder / "boxes.json").write_text(json.dumps(boxes))
    shutil.copytree(original, folder / "original", ignore=shutil.ignore_patterns(".git"))
    return clips * length


def apart(side: str, folder: Path, batch: int) -> Figures:
    """One side in a process of its own: wall time from its start to its end, s, and what it says itself."""
    shutil.rmtree(folder / f"out-{side}", ignore_errors=True)
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), "-", "--side", side, "--batch", str(batch)]
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    wall = time.perf_counter() - begin
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return {"wall": wall, **figures}


def ran(side: str, folder: Path, batch: int) -> Figures:
    """Seconds at work, and the most memory that a process held, MB."""
    with redirect_stdout(sys.stderr):
        seconds = original(folder, batch) if side == "original" else ours(folder, side)
    scale = 2**20 if sys.platform == "darwin" else 2**10
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    return {"seconds": seconds, "cpu": cpu, "peak_mb": max(each.ru_maxrss for each in used) / scale}


def ours(folder: Path, side: str) -> float:
    at_work, judged = ("1", "shift") if side == "judged" else (side, "off")
    line = ["prepare", "folder", str(folder / "data"), "-o", str(folder / f"out-{side}"), "--layout", "wav2lip"]
    begin = time.perf_counter()
    if cli.main([*line, "--workers", at_work, "--sync", judged, "--quiet"]):
        raise SystemExit("prepare failed")
    return time.perf_counter() - begin


# ---------------------------------------------------------------------------------------- the original


def original(folder: Path, batch: int) -> float:
    """The original's preprocess.py, told where the faces are once it has looked for them."""
    os.chdir(folder / "original")
    sys.path.insert(0, str(folder / "original"))
    try:
        import librosa  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        sys.modules |= librosa_stub()
    import torch

    weights = Path("face_detection/detection/sfd/s3fd.pth")
    if not weights.is_file():
        torch.save(seeded_s3fd(), weights)
    import face_detection  # type: ignore[import-not-found]

    face_detection.FaceAlignment = told(face_detection.FaceAlignment, json.loads((folder / "boxes.json").read_text()))
    if shutil.which("ffmpeg") is None:
        subprocess.call = sounded  # type: ignore[assignment]
    into = str(folder / "out-original")
    sys.argv = ["preprocess.py", "--data_root", str(folder / "data"), "--preprocessed_root", into]
    sys.argv += ["--batch_size", str(batch)]
    begin = time.perf_counter()
    runpy.run_path("preprocess.py", run_name="__main__")
    return time.perf_counter() - begin


def told(detector: Callable[..., Any], boxes: dict[str, list[list[float]]]) -> Callable[..., Any]:
    """The detector on the CPU; it looks, and then takes the boxes of the file that was opened last."""
    left: list[tuple[int, ...]] = []
    opened = cv2.VideoCapture

    def open_(path: str) -> Any:
        left[:] = [tuple(max(0, int(edge)) for edge in box) for box in boxes[Path(path).stem]]
        return opened(path)

    def made(*args: Any, **more: Any) -> Any:
        own = detector(*args, **more | {"device": "cpu"})
        look = own.get_detections_for_batch

        def looked(pictures: Any) -> list[tuple[int, ...]]:
            look(pictures)
            return [left.pop(0) for _ in pictures]

        own.get_detections_for_batch = looked
        return own

    cv2.VideoCapture = open_  # type: ignore[misc,assignment]
    return made


def sounded(command: str, **_: object) -> int:
    """What the original asks of ffmpeg: the sound of a video as a wav of its own rate."""
    words = shlex.split(command)
    sound = media.open_audio(words[words.index("-i") + 1])
    wavfile.write(words[-1], sound.rate, (sound.samples * 32767).astype(np.int16))
    return 0


# ---------------------------------------------------------------------------------------------- report


def compared(folder: Path) -> str:
    """How many crops both wrote, and how far apart they are."""
    theirs = {path.relative_to(folder / "out-original"): path for path in (folder / "out-original").rglob("*.jpg")}
    mine = {path.relative_to(folder / "out-1" / "preprocessed"): path for path in (folder / "out-1").rglob("*.jpg")}
    both = sorted(theirs.keys() & mine.keys())
    pairs = [(cv2.imread(str(theirs[name])), cv2.imread(str(mine[name]))) for name in both]
    same = [(a, b) for a, b in pairs if a.shape == b.shape]
    apart = np.mean([np.abs(a.astype(int) - b).mean() for a, b in same]) if same else float("nan")
    told = f"crops: {len(theirs)} by the original, {len(mine)} by ours; {len(same)} of the same name and size"
    return f"{told}, {apart:.2f} grey levels apart"


def report(figures: dict[str, Figures], frames: int, alike: str) -> None:
    first, theirs = next(iter(figures.items()))
    print(f"{frames} frames; {alike}")
    against = "x original" if first == "original" else "x first"
    print(f"{'':22}{'frames/s':>9}{against:>12}{'CPU s':>8}{against:>12}{'peak MB':>9}")
    for side, own in figures.items():
        name = {"original": "original", "judged": "ours, 1, sync judged"}.get(side, f"ours, {side} at work")
        less = theirs["seconds"] / own["seconds"], theirs["cpu"] / own["cpu"]
        speed = f"{frames / own['seconds']:9.1f}{less[0]:12.1f}{own['cpu']:8.1f}{less[1]:12.1f}"
        print(f"{name:22}{speed}{own['peak_mb']:9.0f}")


if __name__ == "__main__":
    main()
