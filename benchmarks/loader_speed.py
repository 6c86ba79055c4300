"""How should prepared recordings lie on the disk, so that training draws windows from them quickly?

    python benchmarks/loader_speed.py [--files 1000] [--clips 1000 100000] [--frames 50] [--windows 2000] [--json F]

Makes ``--files`` recordings of ``--frames`` frames as `lipwright prepare` writes them (random numbers, 0.27 MB each at
50 frames), and folders of so many ``--clips``: where there are more clips than files, the rest are further names of the
same files (hard links; the same places of a shard), so that what many names cost is measured, and what many bytes cost
is not. Then ``--windows`` windows of 30 frames are drawn, each from another clip, by chance:

    memory      a file (.npz) for each clip, all of them read at the start: as `train.data.read` does without shards
    npz         a file for each clip, opened with numpy for each window
    mapped      a file for each clip, mapped for each window, its arrays found by the file's own index
    shard       `lipwright.shards`: few files, mapped once, and an index of all
    read        `train.data.read` of those shards, and windows of what it gives
    tar         256 clips in a tar, read one after the other into a store of 500, from which windows are drawn
                (the way of webdataset)

Each in a process of its own. "start" are the seconds until all is known that a draw needs; "cold" are windows a second
with the files taken out of the system's cache before the start (Linux), "windows/s" the same ones again; "MB" is what
the process held in the end beyond its beginning, files that are mapped included, which the system takes back where it
needs room.
"""

from __future__ import annotations

import argparse
import io
import json
import mmap
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lipwright import shards

Arrays = dict[str, NDArray[Any]]
Draw = Callable[[int], Arrays]
WINDOW, RATE, SHARD, STORE = 30, 640, 256, 500
NAMES = ("crop", "motion", "opening", "present", "samples")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--clips", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--place", type=Path, help="the disk to measure; else that of temporary files")
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(ran(options.side, options.place, options.clips[0], options.files, options.windows)))
        return
    figures: dict[str, dict[str, float]] = {}
    print(f"load at the start: {os.getloadavg()[0]:.2f}")
    print(f"{'':18}{'start s':>9}{'windows/s':>11}{'cold':>8}{'MB':>8}")
    with tempfile.TemporaryDirectory(dir=options.place) as place:
        made(Path(place), options.files, options.frames)
        for clips in options.clips:
            linked(Path(place), options.files, clips)
            for side in options.sides:
                if side == "memory" and clips > 10 * options.files:
                    continue  # it would not fit
                if side in ("shard", "read") and clips > options.files:
                    renamed(Path(place), clips, options.files)
                forgotten(Path(place))
                own = figures[f"{side} {clips}"] = apart(side, Path(place), clips, options.files, options.windows)
                print(f"{side:8}{clips:>10}" + "".join(f"{own[key]:{wide}.{digits}f}" for key, wide, digits in COLUMNS))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


COLUMNS = (("start", 9, 2), ("windows", 11, 0), ("cold", 8, 0), ("mb", 8, 0))


def apart(side: str, place: Path, clips: int, files: int, windows: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--place", str(place), "--clips", str(clips)]
    command += ["--files", str(files), "--windows", str(windows)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


# ---------------------------------------------------------------------------------------- what is made


def made(place: Path, files: int, frames: int) -> None:
    """The recordings, in files, shards and tars."""
    for name in ("npz", "tars"):
        (place / name).mkdir()
    random = np.random.default_rng(0)
    for number in range(files):
        np.savez(place / "npz" / f"{number}.npz", **recording(random, frames))
        with tarfile.open(place / "tars" / f"{number // SHARD}.tar", "a" if number % SHARD else "w") as tar:
            tar.add(place / "npz" / f"{number}.npz", f"{number}.npz")
    shards.write(place, ((str(number), read(place / "npz" / f"{number}.npz")) for number in range(files)))


def recording(random: np.random.Generator, frames: int) -> Arrays:
    return {
        "crop": random.integers(0, 255, (frames, 48, 64), np.uint8),
        "motion": random.normal(size=(frames, 177, 3)).astype(np.float16),
        "opening": random.random(frames, np.float32),
        "present": np.ones(frames, bool),
        "samples": random.integers(-9999, 9999, frames * RATE, np.int16),
    }


def linked(place: Path, files: int, clips: int) -> None:
    """A folder of so many names of those files."""
    (place / "clips").mkdir(exist_ok=True)
    there = sum(1 for _ in (place / "clips").iterdir())
    for number in range(there, clips):
        (place / "clips" / f"{number}.npz").hardlink_to(place / "npz" / f"{number % files}.npz")
    lines = [f"{number},s{number % 100},{'val' if number % 100 < 10 else 'train'}" for number in range(clips)]
    (place / "manifest.csv").write_text("id,speaker,split\n" + "\n".join(lines) + "\n")


# ------------------------------------------------------------------------------------------ each side


def ran(side: str, place: Path, clips: int, files: int, windows: int) -> dict[str, float]:
    before, begin = held(), time.perf_counter()
    draw = SIDES[side](place, clips, files)
    start = time.perf_counter() - begin
    chosen = np.random.default_rng(1).integers(0, clips, windows).tolist()
    cold = rate(draw, chosen)
    return {"start": start, "cold": cold, "windows": rate(draw, chosen), "mb": held() - before}


def rate(draw: Draw, chosen: list[int]) -> float:
    begin = time.perf_counter()
    for clip in chosen:
        arrays = draw(clip)
        first = clip % max(1, len(arrays["opening"]) - WINDOW)
        _ = [arrays[name][first : first + WINDOW].copy() for name in NAMES[:-1]]
        _ = arrays["samples"][first * RATE : (first + WINDOW) * RATE].copy()
    return len(chosen) / (time.perf_counter() - begin)


def held() -> float:
    """MB that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE / 2**20


def forgotten(place: Path) -> None:
    """Take the files out of the system's cache."""
    os.sync()
    for path in [*(place / "npz").iterdir(), *(place / "shards").iterdir(), *(place / "tars").iterdir()]:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def in_memory(place: Path, clips: int, _files: int) -> Draw:
    every = [read(place / "clips" / f"{number}.npz") for number in range(clips)]
    return every.__getitem__


def read(path: Path | io.BytesIO) -> Arrays:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in NAMES}


def opened(place: Path, _clips: int, _files: int) -> Draw:
    return lambda number: read(place / "clips" / f"{number}.npz")


def mapped(place: Path, _clips: int, _files: int) -> Draw:
    def draw(number: int) -> Arrays:
        with (place / "clips" / f"{number}.npz").open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            with zipfile.ZipFile(file) as index:
                return {info.filename[:-4]: member(content, info.header_offset) for info in index.infolist()}

    return draw


def member(content: mmap.mmap, at: int) -> NDArray[Any]:
    """The array of a stored member of a zip whose header is there."""
    name, extra = struct.unpack_from("<HH", content, at + 26)
    content.seek(at + 30 + name + extra)
    npy.read_magic(content)  # type: ignore[arg-type]
    shape, _, dtype = npy.read_array_header_1_0(content)  # type: ignore[arg-type]
    return np.frombuffer(content, dtype, int(np.prod(shape)), content.tell()).reshape(shape)


def sharded(place: Path, _clips: int, _files: int) -> Draw:
    packed = shards.read(place)
    assert packed is not None
    return lambda number: packed[str(number)]


def renamed(place: Path, clips: int, files: int) -> None:
    """An index that gives every recording further names."""
    index = place / "shards" / "index.npz"
    with np.load(index) as known:
        found = {name: known[name] for name in known}
    if len(found["id"]) < clips:
        rows = np.arange(clips) % files
        for name in ("shard", "place", "shape", "whole"):
            found[name] = found[name][rows]
        found["id"] = np.arange(clips).astype(str)
        np.savez(index, **found)


def by_training(place: Path, _clips: int, _files: int) -> Draw:
    from lipwright.train import data

    found = data.read(place)
    every = {recording.id: recording for recording in found.train + found.val}
    return lambda number: vars(every[str(number)])


def in_tars(place: Path, clips: int, _files: int) -> Draw:
    def clip() -> Iterator[Arrays]:
        while True:
            for path in sorted((place / "tars").iterdir()):
                with tarfile.open(path, "r|") as tar:
                    for entry in tar:
                        file = tar.extractfile(entry)
                        if file is not None:
                            yield read(io.BytesIO(file.read()))

    source, random = clip(), np.random.default_rng(2)
    store = [next(source) for _ in range(min(STORE, clips))]

    def draw(_: int) -> Arrays:
        chosen = int(random.integers(len(store)))
        found, store[chosen] = store[chosen], next(source)
        return found

    return draw


SIDES: dict[str, Callable[[Path, int, int], Draw]] = {
    "memory": in_memory, "npz": opened, "mapped": mapped, "shard": sharded, "read": by_training, "tar": in_tars,
}  # fmt: skip


if __name__ == "__main__":
    main()
