"""How fast is the dubber `wav2lip`, against a checkout of the original, with the same weights on the same clip?

    python benchmarks/wav2lip_speed.py ORIGINAL_CHECKOUT VIDEO SPEECH [--seconds 10] [--rounds 3] [--json out.json]

ORIGINAL_CHECKOUT is a work tree of https://github.com/Rudrabha/Wav2Lip; it is copied, never changed. The weights are
the full-size network with seeded values, saved as a checkpoint for the original and taken here with
`lipwright models import`. Needs the extra ``train``. Each side runs in a process of its own, in turn, ``--rounds``
times; the median counts. Wall time is that of the whole process, from its start to the finished file.

    original        its inference.py with --box
    box strict      lipwright.dub with compat=True and the same box, and media.write
    box             lipwright.dub with the box, and media.write
    strict, ours    the same two without a box: faces are found on the way, nothing is in a cache
    detector        the original's S3FD on --frames frames, with its own weights where the checkout has them
                    (face_detection/detection/sfd/s3fd.pth), else seeded ones; only its seconds a frame are used

The original without a box is not run from end to end: its time is that with the box and its detector's for every
frame. What it imports and this machine may lack stands in for itself only in the original's process: librosa (its
mel is the one of `lipwright.features`, the same numbers) and the program ffmpeg (PyAV with the same x264 defaults).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile

import lipwright
from lipwright import faces, media

OURS: dict[str, dict[str, Any]] = {
    "box strict": {"compat": True, "box": True},
    "box": {"box": True},
    "strict": {"compat": True},
    "ours": {},
}
SIDES = ("original", *OURS, "detector")
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=4, help="frames given to the original's detector")
    parser.add_argument("--sides", nargs="*", choices=SIDES, default=SIDES)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(ran(options.side, options.original, options.frames)))
        return
    print(f"load at the start: {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepared(folder, options.original, options.video, options.speech, options.seconds)
        rounds = [{side: apart(side, folder, options.frames) for side in options.sides} for _ in range(options.rounds)]
        seconds = media.open(folder / "talk.mp4").length
    figures = {
        side: {name: statistics.median(each[side][name] for each in rounds) for name in rounds[0][side]}
        for side in options.sides
    }
    report(figures, seconds)
    if options.json:
        options.json.write_text(json.dumps({"medians": figures, "rounds": rounds}, indent=2))


# -------------------------------------------------------------------------------------- what is run


def prepared(folder: Path, original: Path, video: Path, speech: Path, seconds: float) -> None:
    """The clip, the sound, the weights for both sides, and a copy of the original, in ``folder``."""
    import torch

    from lipwright.train import wav2lip

    clip = media.open(video)
    media.write(clip.part(0, min(clip.length, round(seconds * clip.fps))), folder / "talk.mp4")
    sound = media.resample(media.open_audio(speech).cut(0, seconds), 16000)
    wavfile.write(folder / "speech.wav", 16000, (sound.samples * 32767).astype(np.int16))
    torch.manual_seed(0)
    torch.save({"state_dict": wav2lip.Generator(wav2lip.LAYOUTS["wav2lip-96"]).state_dict()}, folder / "seeded.pth")
    command = [sys.executable, "-m", "lipwright", "models", "import", str(folder / "seeded.pth"), "--json"]
    environment = os.environ | {"LIPWRIGHT_CACHE": str(folder / "cache")}
    made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)
    shutil.copyfile(made["path"], folder / "seeded.onnx")
    track = faces.track(media.open(folder / "talk.mp4"))
    left, top, right, bottom = (int(edge) for edge in np.nanmedian(track.box, axis=0))
    (folder / "box.json").write_text(json.dumps([top, bottom + 10, left, right]))
    shutil.copytree(original, folder / "original", ignore=shutil.ignore_patterns(".git"))
    for name in ("temp", "results"):
        (folder / "original" / name).mkdir(exist_ok=True)


def apart(side: str, folder: Path, frames: int) -> Figures:
    """One side in a process of its own: wall time from its start to its end, s, and what it says itself."""
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), "-", "-", "--side", side]
    begin = time.perf_counter()
    done = subprocess.run([*command, "--frames", str(frames)], check=True, stdout=subprocess.PIPE, text=True)
    wall = time.perf_counter() - begin
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return {"wall": wall, **figures}


def ran(side: str, folder: Path, frames: int) -> Figures:
    """What a side says of itself: CPU seconds and the most memory it held, MB."""
    own: Figures = {}
    box = json.loads((folder / "box.json").read_text())
    if side == "original":
        original(folder, box)
    elif side == "detector":
        own["a frame"] = detector(folder, frames)
    else:
        ours(folder, box, **OURS[side])
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return own | {"cpu": time.process_time(), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale}


def ours(folder: Path, place: list[int], *, compat: bool = False, box: bool = False) -> None:
    from dataclasses import replace

    clip = media.open(folder / "talk.mp4")
    given = {"box": place} if box else {}
    clip = replace(clip, key="")  # nothing is kept of a clip without a key
    dubbed = lipwright.dub(
        clip, media.open_audio(folder / "speech.wav"), dubber="wav2lip", weights=str(folder / "seeded.onnx"),
        compat=compat, **given,
    )  # fmt: skip
    media.write(dubbed, folder / "ours.mp4")


# ---------------------------------------------------------------------------------------- the original


def original(folder: Path, box: Sequence[int]) -> None:
    """The original's inference.py from end to end."""
    entered(folder)
    result = folder / "original" / "results" / "out.mp4"
    result.unlink(missing_ok=True)
    sys.argv = [
        "inference.py", "--checkpoint_path", str(folder / "seeded.pth"), "--face", str(folder / "talk.mp4"),
        "--audio", str(folder / "speech.wav"), "--outfile", str(result), "--box", *map(str, box),
    ]  # fmt: skip
    if shutil.which("ffmpeg") is None:
        subprocess.call = muxed  # type: ignore[assignment]
    runpy.run_path("inference.py", run_name="__main__")
    if not result.is_file():
        raise SystemExit("the original wrote nothing")


def detector(folder: Path, frames: int) -> float:
    """Seconds a frame of the original's own detector, in one batch, once it is warm."""
    entered(folder)
    import torch

    place = Path("face_detection/detection/sfd/s3fd.pth")
    if not place.is_file():
        torch.save(seeded_s3fd(), place)
    import face_detection  # type: ignore[import-not-found]

    found = face_detection.FaceAlignment(face_detection.LandmarksType._2D, flip_input=False, device="cpu")
    pictures = np.stack([p[..., ::-1] for p in media.open(folder / "talk.mp4").part(0, frames).read()])
    found.get_detections_for_batch(pictures[:1])
    begin = time.perf_counter()
    found.get_detections_for_batch(pictures)
    return (time.perf_counter() - begin) / frames


def seeded_s3fd() -> dict[str, Any]:
    """Weights of S3FD's shape that find nothing: what is counted is the network, not the boxes after it."""
    import torch
    from face_detection.detection.sfd.net_s3fd import s3fd  # type: ignore[import-not-found]

    torch.manual_seed(0)
    values: dict[str, Any] = s3fd().state_dict()
    for name, value in values.items():
        if name.endswith("_conf.bias"):
            value[-1] = -30
    return values


def entered(folder: Path) -> None:
    """In the original's folder, with what it imports in its place."""
    os.chdir(folder / "original")
    sys.path.insert(0, str(folder / "original"))
    try:
        import librosa  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        sys.modules |= librosa_stub()


def librosa_stub() -> dict[str, types.ModuleType]:
    from scipy import signal

    from lipwright import features

    def load(path: str, sr: int) -> tuple[Any, int]:
        return media.resample(media.open_audio(path), sr).samples, sr

    def stft(y: Any, n_fft: int, hop_length: int, win_length: int) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(y, n_fft // 2), n_fft)[::hop_length]
        return np.fft.rfft(windows * signal.get_window("hann", win_length), axis=-1).T

    def mel(rate: int, size: int, *, n_mels: int, fmin: float, fmax: float) -> Any:
        return features.mel_bank(rate, size, n_mels, fmin, fmax)

    parts: dict[str, dict[str, Callable[..., Any]]] = {
        "librosa": {"stft": stft}, "librosa.core": {"load": load}, "librosa.filters": {"mel": mel},
    }  # fmt: skip
    modules = {name: types.ModuleType(name) for name in parts}
    for name, functions in parts.items():
        vars(modules[name]).update(functions)
    vars(modules["librosa"]).update(core=modules["librosa.core"], filters=modules["librosa.filters"])
    return modules


def muxed(command: str, **_: object) -> int:
    """What the original asks of ffmpeg: the AVI encoded again as H.264 (ffmpeg's defaults), with the sound as AAC."""
    import av

    words = command.split()
    sound, picture, result = words[3], words[5], words[-1]
    with av.open(picture) as source, av.open(sound) as voice, av.open(result, "w") as output:
        shown, heard = source.streams.video[0], voice.streams.audio[0]
        video = output.add_stream("libx264", rate=Fraction(shown.average_rate or 25))
        video.width, video.height, video.pix_fmt = shown.width, shown.height, "yuv420p"
        audio = output.add_stream("aac", rate=heard.rate)
        shown.thread_type = "AUTO"
        for frame in source.decode(shown):
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(video.encode(frame))
        output.mux(video.encode())
        for block in voice.decode(heard):
            output.mux(audio.encode(block))
        output.mux(audio.encode())
    return 0


# ---------------------------------------------------------------------------------------------- report


def report(figures: dict[str, Figures], frames: int) -> None:
    print(f"{frames} frames\n{'':24}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}{'original / ours':>17}")
    theirs = figures.get("original", {}).get("wall", float("nan"))
    print(line("original, box given", figures["original"])) if "original" in figures else None
    for side in (side for side in ("box strict", "box") if side in figures):
        print(line(f"lipwright, {side}", figures[side], theirs))
    a_frame = figures.get("detector", {}).get("a frame", float("nan"))
    whole = theirs + a_frame * frames
    print(f"original, own detector  {whole:8.1f}   (computed: {a_frame:.2f} s a frame of its detector)")
    for side in (side for side in ("strict", "ours") if side in figures):
        print(line(f"lipwright, {side}", figures[side], whole))


def line(name: str, own: Figures, theirs: float | None = None) -> str:
    ratio = "" if theirs is None else f"{theirs / own['wall']:17.1f}"
    return f"{name:24}{own['wall']:8.1f}{own['cpu']:8.1f}{own['peak_mb']:9.0f}{ratio}"


if __name__ == "__main__":
    main()
