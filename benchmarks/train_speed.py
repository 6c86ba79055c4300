"""How fast does the training of Wav2Lip's generator run, against a checkout of the original, on the same data?

    python benchmarks/train_speed.py ORIGINAL_CHECKOUT [--data FOLDER] [--recipe wav2lip_gan] [--batch 16] [--steps 4]

ORIGINAL_CHECKOUT is a work tree of https://github.com/Rudrabha/Wav2Lip; it is copied, never changed. Needs the extra
``train``. FOLDER is one of ``lipwright prepare --layout wav2lip``; unless told, one is drawn: pictures of 120 x 100 px
and 3 s of sound, as many recordings as asked for. Both sides have full-size networks, the same batch size, and the sync
loss counts, as it does for most of a training. Each side runs in a process of its own, in turn.

    loader      batches made, and nothing done with them: of the original by its Dataset and DataLoader (16 workers); of
                ours by as many threads as the recipe has, in the first pass over the data, and later
    step        one batch, given again and again: of the original by its train(), of ours by our engine
    together    the trainers as they are

Samples (windows of 5 frames) a second, and CPU seconds a sample, worker processes too (Linux), which say more where
others work on the machine or a GPU does the work. ``32 plain`` leaves our networks' channels apart in memory, as the
original's; ``32`` is the recipe as it ships; ``bf16`` is its option --precision bf16-mixed, other arithmetic.

What the original imports and this machine may lack stands in for itself only in the original's process: librosa (its
mel is the one of `lipwright.features`, the same numbers), and, without a GPU, the one ``.cuda()`` in its discriminator.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import wavfile
from wav2lip_speed import librosa_stub

OURS = {
    "32 plain": {"precision": "32-true", "plain": True},
    "32": {"precision": "32-true"},
    "bf16": {"precision": "bf16-mixed"},
}
SIDES = ("original", *OURS)
MODULES = {"wav2lip": "wav2lip_train", "wav2lip_gan": "hq_wav2lip_train"}
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--recipe", choices=tuple(MODULES), default="wav2lip_gan")
    parser.add_argument("--recordings", type=int, default=40, help="drawn, where no --data is given")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4, help="counted, after one that is not")
    parser.add_argument("--batches", type=int, default=20, help="that the loaders make")
    parser.add_argument("--sides", nargs="*", choices=SIDES, default=SIDES)
    parser.add_argument("--measures", nargs="*", choices=tuple(MEASURES), default=tuple(MEASURES))
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        measured = original if options.side == "original" else ours
        print(json.dumps(measured(options)))
        return
    print(f"load at the start: {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepared(folder, options)
        figures = {side: {m: apart(side, m, folder, options) for m in options.measures} for side in options.sides}
    report(figures)
    print(f"load at the end: {os.getloadavg()[0]:.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def prepared(folder: Path, options: argparse.Namespace) -> None:
    """Data, a sync expert with seeded values for both sides, and a copy of the original, in ``folder``."""
    import torch

    from lipwright.train import wav2lip

    data = options.data or drawn(folder / "data", options.recordings)
    (folder / "data.txt").write_text(str(data.resolve()))
    torch.manual_seed(0)
    torch.save({"state_dict": wav2lip.SyncExpert().state_dict()}, folder / "expert.pth")
    shutil.copytree(options.original, folder / "original", ignore=shutil.ignore_patterns(".git"))
    lists = next(place / "filelists" for place in (data, data.parent) if (place / "filelists").is_dir())
    for split in ("train", "val"):  # its epochs are as long as its list, and each begins with new worker processes
        lines = (lists / f"{split}.txt").read_text()
        (folder / "original" / "filelists" / f"{split}.txt").write_text(lines * max(1, 20_000 // lines.count("\n")))


def drawn(folder: Path, recordings: int) -> Path:
    """Recordings of 75 pictures, a blurred noise that moves, and 3 s of noise; the last tenth are val."""
    names: dict[str, list[str]] = {"train": [], "val": []}
    for k in range(recordings):
        random, name = np.random.default_rng(k), f"s{k}/00001"
        place = folder / "preprocessed" / name
        place.mkdir(parents=True)
        noise = cv2.GaussianBlur(random.uniform(0, 255, (320, 320, 3)).astype(np.float32), (0, 0), 4)
        noise = np.clip((noise - 127) * 12 + 127, 0, 255).astype(np.uint8)
        for frame in range(75):
            cv2.imwrite(str(place / f"{frame}.jpg"), noise[frame : frame + 120, 2 * frame : 2 * frame + 100])
        wavfile.write(place / "audio.wav", 16000, (random.normal(0, 2000, 48000)).astype(np.int16))
        names["val" if k >= recordings * 0.9 else "train"].append(f"{name}\n")
    (folder / "filelists").mkdir()
    for split, own in names.items():
        (folder / "filelists" / f"{split}.txt").write_text("".join(own))
    return folder


def apart(side: str, measure: str, folder: Path, options: argparse.Namespace) -> Figures:
    """One measure of one side, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), "--side", side, "--measures", measure]
    for name in ("recipe", "batch", "steps", "batches"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    print(f"{side}, {measure}: " + ", ".join(f"{n} {v:.2f}" for n, v in figures.items()), flush=True)
    return figures


class Timed:
    """Batches, and when each was asked for; the last is asked for when the step after it is done."""

    def __init__(self, batches: Iterator[Any], count: int) -> None:
        self._batches, self._count, self.times, self.spent = batches, count, list[float](), list[float]()

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self._count):
            self._note()
            yield next(self._batches)
        self._note()

    def _note(self) -> None:
        self.times.append(time.perf_counter())
        self.spent.append(cpu())

    def figures(self, batch: int, skip: int = 1) -> Figures:
        """Samples a second and CPU seconds a sample, without the first steps."""
        seconds, spent = (kept[-1] - kept[skip] for kept in (self.times, self.spent))
        return rates(batch * (len(self.times) - 1 - skip), seconds, spent)


def rates(samples: int, seconds: float, spent: float) -> Figures:
    return {"samples/s": samples / seconds, "CPU s": spent / samples}


def cpu() -> float:
    """CPU seconds of this process and of its living children."""
    total = time.process_time()
    for child in multiprocessing.active_children():
        place = Path(f"/proc/{child.pid}/stat")
        if place.is_file():
            said = place.read_text().rpartition(")")[2].split()
            total += (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")
    return total


def endless(batches: Any) -> Iterator[Any]:
    while True:
        yield from batches


# ---------------------------------------------------------------------------------------- the original


def original(options: argparse.Namespace) -> Figures:
    module, folder = entered(options.original, options), options.original
    import torch
    from torch import optim
    from torch.utils.data import DataLoader

    module.hparams.set_hparam("batch_size", options.batch)
    data = module.Dataset("train")
    workers = 0 if options.measures == ["step"] else module.hparams.num_workers
    loader = DataLoader(data, batch_size=options.batch, shuffle=True, num_workers=workers)
    if options.measures == ["loader"]:
        waiting = 2 * module.hparams.num_workers  # what the workers have ready does not count
        made = Timed(endless(loader), options.batches + waiting)
        for _ in made:
            pass
        return made.figures(options.batch, waiting)
    batches = endless(loader)
    if options.measures == ["step"]:
        batches = endless([next(batches)])
    device = module.device
    model, shown = module.Wav2Lip().to(device), Timed(batches, options.steps + 1)
    how = {"lr": module.hparams.initial_learning_rate}
    module.load_checkpoint = None
    module.syncnet.load_state_dict(torch.load(folder / "expert.pth")["state_dict"])
    module.hparams.set_hparam("syncnet_wt", 0.03 if options.recipe == "wav2lip_gan" else 0.01)
    module.global_step = 1  # at 0 and 1 it writes pictures and a checkpoint, and judges 700 batches
    end = {"checkpoint_dir": str(folder), "checkpoint_interval": 10**9, "nepochs": 1}
    if options.recipe == "wav2lip_gan":
        how["betas"] = (0.5, 0.999)
        disc = module.Wav2Lip_disc_qual().to(device)
        module.train(
            device, model, disc, shown, None, optim.Adam(model.parameters(), **how),
            optim.Adam(disc.parameters(), **how), **end,
        )  # fmt: skip
    else:
        module.train(device, model, shown, None, optim.Adam(model.parameters(), **how), **end)
    return shown.figures(options.batch)


def entered(folder: Path, options: argparse.Namespace) -> Any:
    """The original's trainer as a module, in its folder, with what it imports in its place."""
    data = Path((folder / "data.txt").read_text())
    root = data / "preprocessed" if (data / "preprocessed").is_dir() else data
    os.chdir(folder / "original")
    sys.path.insert(0, str(folder / "original"))
    try:
        import librosa  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        sys.modules |= librosa_stub()
    import torch

    if not torch.cuda.is_available():
        torch.Tensor.cuda = lambda self: self  # type: ignore[assignment,method-assign]
    sys.argv = ["train", "--data_root", str(root), "--checkpoint_dir", str(folder), "--syncnet_checkpoint_path", "-"]
    return importlib.import_module(MODULES[options.recipe])


# -------------------------------------------------------------------------------------------------- ours


def ours(options: argparse.Namespace) -> Figures:
    from lipwright.train import ahead, engine, generator, kinds

    folder, how = options.original, dict(OURS[options.side])
    if how.pop("plain", False):
        generator.laid_out = lambda network, part: network  # type: ignore[assignment]  # noqa: ARG005
    more = {"clips": options.batch, "judged": 1, "every": 10**6, "steps": options.steps + 1, **how}
    training, recipe = kinds.chosen("generator", options.recipe, {"expert": str(folder / "expert.pth"), **more})
    task: Any = training.task(recipe, Path((folder / "data.txt").read_text()), None)
    if options.measures == ["loader"]:
        first = loaded(task, ahead.ahead, options, 0)
        everything(task)
        again = loaded(task, ahead.ahead, options, options.batches)
        return {**{f"first pass, {name}": value for name, value in first.items()}, **again}
    if options.measures == ["step"]:
        batch = task.draw(np.random.default_rng(0))
        task.draw = lambda random: batch  # noqa: ARG005
    task.weight.value = task.weight.wanted
    times: list[tuple[float, float]] = []
    task.validate = lambda network: {"score": 0.0, "sync": 9.0}  # noqa: ARG005
    task.samples = lambda network: {}  # noqa: ARG005
    with tempfile.TemporaryDirectory() as out:
        engine.fit(task, Path(out), progress=lambda *_: times.append((time.perf_counter(), cpu())))
    return rates(options.batch * options.steps, *np.subtract(times[options.steps], times[0]))


def loaded(task: Any, ahead: Any, options: argparse.Namespace, first: int) -> Figures:
    """Batches that are drawn, and given as the network takes them."""
    from lipwright.train.generator import given

    begin, spent = time.perf_counter(), cpu()
    draws = ahead(lambda k: task.draw(np.random.default_rng(k)), first, first + options.batches, task.recipe.ahead)
    for batch in draws:
        given(batch)
    return rates(options.batch * options.batches, time.perf_counter() - begin, cpu() - spent)


def everything(task: Any) -> None:
    """See every picture and hear every sound once."""
    for talk in task.faces.talks:
        task.faces.heard(talk, int(talk.frames[0]), task.hears)
        for row in range(0, len(talk.frames), 5):
            task.faces.pictures(talk, row)


MEASURES = ("loader", "step", "together")


def report(figures: dict[str, dict[str, Figures]]) -> None:
    theirs = figures.get("original", {})
    head = ("", "samples/s", "CPU s a sample", "times the original", "and in CPU s")
    print("\n" + "".join(f"{word:>20}" for word in head))
    for side, measures in figures.items():
        for measure, found in measures.items():
            for first in ("first pass, ", "") if "first pass, CPU s" in found else ("",):
                rate, spent = found[f"{first}samples/s"], found[f"{first}CPU s"]
                cells = [f"{rate:20.2f}{spent:20.3f}"]
                if base := theirs.get(measure):
                    cells.append(f"{rate / base['samples/s']:20.2f}{base['CPU s'] / spent:20.2f}")
                print(f"{side + ', ' + first + measure:>20}" + "".join(cells))


if __name__ == "__main__":
    main()
