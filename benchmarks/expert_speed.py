"""The expert syncnet against syncnet_python's own way: the same seeded weights, crops and sound, on this CPU.

    python benchmarks/expert_speed.py CHECKOUT [--seconds 10] [--rounds 3]

CHECKOUT is a checkout of github.com/joonson/syncnet_python. Its ``SyncNetInstance.evaluate`` runs as it is, but on the
CPU, and finds the frames and the sound already taken out of the video (which is not counted); python_speech_features is
used where it is installed, else our MFCC, which gives the same numbers. Every way runs in a process of its own, in
turn. Prints windows a second, peak memory, offset, min dist and confidence of each, and the ratio in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
from scipy.io import wavfile

RATE = 16000
WAYS = ("theirs", "f32", "bf16")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("checkout", type=Path)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    told = options.parse_args()
    if told.way:
        print(json.dumps(_one(told.way, told.checkout, told.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _material(Path(folder), told.seconds)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(told.rounds):
            for way in WAYS:
                found[way].append(_apart(way, told.checkout, Path(folder)))
    theirs = statistics.median(run["rate"] for run in found["theirs"])
    for way, runs in found.items():
        rate = statistics.median(run["rate"] for run in runs)
        last = runs[-1]
        print(
            f"{way:7} {rate:6.1f} windows/s ({rate / theirs:.1f} x), peak {last['peak']:.0f} MB; offset "
            f"{last['offset']:.0f}, min dist {last['dist']:.4f}, confidence {last['conf']:.4f}"
        )
    print(f"median of {told.rounds}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _material(folder: Path, seconds: float) -> None:
    """Crops as JPEG, a sound, and seeded weights, in theirs and in our form."""
    import torch

    from lipwright.train import sync_import

    random = np.random.default_rng(0)
    frames = folder / "frames"
    frames.mkdir()
    for frame in range(round(25 * seconds)):
        small = random.integers(0, 255, (28, 28, 3), dtype=np.uint8)
        cv2.imwrite(str(frames / f"{frame + 1:06d}.jpg"), cv2.resize(small, (224, 224)))
    loud = np.repeat(random.uniform(0, 1, round(10 * seconds)), RATE // 10)
    sound = random.normal(0, 3000, round(RATE * seconds)) * loud[: round(RATE * seconds)]
    wavfile.write(folder / "audio.wav", RATE, sound.astype(np.int16))
    torch.manual_seed(0)
    network = sync_import.KINDS["SyncNet v2"].make().eval()
    torch.save(network.state_dict(), folder / "weights.model")
    for side in ("video", "audio"):
        sync_import.to_onnx(network, sync_import.KINDS["SyncNet v2"], side, folder / f"{side}.onnx")


def _apart(way: str, checkout: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, str(checkout), "--way", way, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _one(way: str, checkout: Path, folder: Path) -> dict[str, float]:
    windows = len(list((folder / "frames").iterdir())) - 5
    seconds, offset, dist, conf = _theirs(checkout, folder) if way == "theirs" else _ours(way, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": windows / seconds, "peak": peak, "offset": offset, "dist": dist, "conf": conf}


def _theirs(checkout: Path, folder: Path) -> tuple[float, float, float, float]:
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.nn.Module.cuda = lambda self, *_: self  # type: ignore[method-assign, assignment]
    torch.Tensor.cuda = lambda self, *_: self  # type: ignore[method-assign, assignment]
    _speech_features()
    sys.path.insert(0, str(checkout))
    import SyncNetInstance as original  # noqa: N813 - its own name

    spent = [0.0]

    def ready(command: str, **_: object) -> int:
        """What ffmpeg would have written, put there by links."""
        begun = time.perf_counter()
        place = folder / "theirs" / "x"
        if "image2" in command:
            for frame in (folder / "frames").iterdir():
                os.link(frame, place / frame.name)
        else:
            os.link(folder / "audio.wav", place / "audio.wav")
        spent[0] += time.perf_counter() - begun
        return 0

    original.subprocess = SimpleNamespace(call=ready)
    (folder / "theirs").mkdir(exist_ok=True)
    network = original.SyncNetInstance()
    network.loadParameters(str(folder / "weights.model"))
    asked = SimpleNamespace(tmp_dir=str(folder / "theirs"), reference="x", batch_size=20, vshift=15)
    begun = time.perf_counter()
    offset, conf, table = network.evaluate(asked, "x.avi")
    seconds = time.perf_counter() - begun - spent[0]
    return seconds, float(offset), float(table.mean(0).min()), float(conf)


def _speech_features() -> None:
    try:
        import python_speech_features  # noqa: F401 - theirs imports it
    except ImportError:
        from lipwright import features
        from lipwright.types import Audio

        module = ModuleType("python_speech_features")
        module.mfcc = lambda sound, rate: features.mfcc(Audio((sound / 32768).astype(np.float32), rate))  # type: ignore[attr-defined]
        sys.modules["python_speech_features"] = module


def _ours(precision: str, folder: Path) -> tuple[float, float, float, float]:
    from lipwright import sync
    from lipwright.experts import syncnet
    from lipwright.types import Audio

    class Seeded(syncnet.Expert):
        def _path(self, side: str) -> Path:
            return folder / f"{side}.onnx"

    expert = Seeded("seeded", precision=precision)  # type: ignore[arg-type]
    begun = time.perf_counter()
    frames = sorted((folder / "frames").iterdir())
    crops = (cv2.imread(str(frame))[..., ::-1] for frame in frames)
    _, samples = wavfile.read(folder / "audio.wav")
    sound = Audio((samples / 32768).astype(np.float32), RATE)
    table = sync.stream(expert.video(crops), expert.sound(sound))
    windows = min(len(frames), len(samples) // 640) - 5
    found = sync.classic(table, windows, expert.lead)
    return time.perf_counter() - begun, float(found.offset), found.lse_d, found.lse_c


if __name__ == "__main__":
    main()
