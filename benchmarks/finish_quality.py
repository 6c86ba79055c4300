"""What does finishing change, on speakers that nothing was trained on?

    python benchmarks/finish_quality.py ../shared/data [--most 5] [--seconds 3] [--dubbers landmark compact]

One val clip each of some speakers, cut to a few seconds. Five claims, each with its floor and ceiling, or its peer, in
the same run:

- flicker: each clip is dubbed with another's voice and finished. The real clip is the ceiling; the mean of five frames
  in place, which knows no motion, is the peer. Brows and eyes beside the source's say whether the feeling stays; its
  floor is the source of another second.
- shake: a known shake is put on each clip (floor); what is left of it, beside the clip without it (ceiling).
- frames between: every other frame is left out and made again. Floor: the frame before. Peers: the mean of the two
  neighbours, and ffmpeg's minterpolate (mci, aobmc, bidir, vsbmc).
- grain: what of it is lost, brought back, and thinned out.
- timing: the picture runs up to two frames early and late by turns, as in repair_quality.py; distances by the expert
  that re-times and by another one.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from repair_quality import distance, later, shuffled

from lipwright import dub, faces, finish, likeness, matching, media, paint
from lipwright.dubbers import Scene, retime
from lipwright.finishing import shake
from lipwright.measure import judging, measure
from lipwright.repair import other_than
from lipwright.types import Clip, Int, Picture

FIGURES = ("flicker", "jitter", "sharpness", "expression_distance", "expression_brows", "expression_eyes")
WAYS: dict[str, dict[str, object]] = {
    "dubbed": {},
    "calm 0.5": {"calm": 0.5},
    "calm": {"calm": 1.0},
    "stabilise": {"stabilise": 0.5},
    "stabilise, regrain": {"stabilise": 0.5, "regrain": True},
    "calm, stabilise, regrain": {"calm": 1.0, "stabilise": 0.5, "regrain": True},
}
Table = defaultdict[str, list[list[float]]]


def clips(data: Path, most: int, seconds: float) -> Iterator[Clip]:
    """A clip each of the first val speakers."""
    rows = csv.DictReader((data / "manifest.csv").open(encoding="utf-8"))
    own: dict[str, str] = {}
    for row in rows:
        if row["split"] == "val" and float(row["seconds"]) > seconds and float(row["fps"]) >= 24:
            own.setdefault(row["speaker"], row["file"])
    for name in list(own.values())[:most]:
        clip = media.open(data / name)
        yield clip.part(0, round(seconds * clip.fps))


def held(clip: Clip) -> Clip:
    """The clip with its pictures in memory."""
    pictures = list(clip.read())
    return replace(clip, frames=lambda start, stop: iter(pictures[start:stop]), key="")


def averaged(clip: Clip) -> Clip:
    """The mean of five frames in place."""
    pictures = [picture.astype(np.float32) for picture in clip.read()]
    made = [np.mean(pictures[max(0, t - 2) : t + 3], axis=0).astype(np.uint8) for t in range(len(pictures))]
    return replace(clip, frames=lambda start, stop: iter(made[start:stop]), key="")


def figures(clip: Clip, source: Clip) -> list[float]:
    """`FIGURES` of a clip beside its source, and its grain."""
    found = measure(clip, source=source)
    values = {one.name: one.value for one in found.metrics}
    grain = np.median([paint.grain(picture) for picture in clip.read()])
    return [*(values.get(name, np.nan) for name in FIGURES), float(grain)]


def flicker(some: list[Clip], dubber: str) -> Table:
    table: Table = defaultdict(list)
    for number, clip in enumerate(some):
        voice = some[(number + 1) % len(some)].audio
        assert voice is not None
        speech = voice.cut(0, clip.duration)
        table["ceiling: the real clip"].append(figures(clip, clip))
        for name, how in WAYS.items():
            made = held(dub(clip, speech, dubber=dubber, **how))
            table[name].append(figures(made, clip))
            if name == "dubbed":
                table["peer: mean of 5 frames"].append(figures(averaged(made), clip))
                wrong = reordered(clip, np.roll(np.arange(clip.length), clip.length // 2))
                table["floor: source of another second"].append(figures(made, wrong))
    return table


def shaken(clip: Clip, seed: int) -> tuple[Clip, Clip]:
    """The middle 9 tenths of a clip with a shake of about 0.8 % of the width and 0.3 degrees, and without."""
    random = np.random.default_rng(seed)
    wide, tall = (round(0.9 * side) // 2 * 2 for side in clip.size)
    moves = random.normal(0, (0.008 * wide, 0.008 * wide, np.radians(0.3)), (clip.length, 3))

    def cut(picture: Picture, x: float, y: float, turn: float) -> Picture:
        about = np.array([picture.shape[1], picture.shape[0]]) / 2
        matrix = cv2.getRotationMatrix2D(about.tolist(), float(np.degrees(turn)), 1.0)
        matrix[:, 2] += np.array([wide, tall]) / 2 - about + (x, y)
        return np.asarray(cv2.warpAffine(picture, matrix, (wide, tall), flags=cv2.INTER_CUBIC), np.uint8)

    pictures = list(clip.read())
    both = []
    for share in (1.0, 0.0):
        made = [cut(picture, *(share * move)) for picture, move in zip(pictures, moves, strict=True)]
        both.append(replace(clip, size=(wide, tall), frames=lambda a, b, m=made: iter(m[a:b]), key=""))
    return both[0], both[1]


def wobble(clip: Clip) -> float:
    """Second differences of the way of the camera, in thousandths of the width."""
    steps = shake.path(clip).steps
    return float(1000 * np.abs(np.diff(steps[:, 2:], 2, axis=0)).mean())


def steadiness(some: list[Clip]) -> Table:
    table: Table = defaultdict(list)
    for number, clip in enumerate(some):
        floor, ceiling = shaken(clip, number)
        done = held(finish(floor, stabilise=0.5))
        for name, one in (("floor: shaken", floor), ("stabilised", done), ("ceiling: not shaken", ceiling)):
            sharp = float(np.mean([likeness.detail(likeness.grey(picture)) for picture in one.read()]))
            black = float(np.mean([(picture.max(2) < 2).mean() for picture in one.read()]))
            table[name].append([wobble(one), sharp, 100 * black])
    return table


def grain(some: list[Clip]) -> Table:
    """Clips with a grain of 3 grey levels, which stabilising takes some of."""
    table: Table = defaultdict(list)
    for number, clip in enumerate(some):
        random = np.random.default_rng(number)
        pictures = [
            np.clip(p + random.normal(0, 3, p.shape[:2])[..., None], 0, 255).astype(np.uint8) for p in clip.read()
        ]
        grainy = replace(clip, frames=lambda start, stop, m=pictures: iter(m[start:stop]), key="")
        shaky = shaken(grainy, number)[0]
        made = {"floor: without grain": shaken(clip, number)[1], "stabilised": held(finish(shaky, stabilise=0.5))}
        made["stabilised, regrained"] = held(finish(shaky, source=grainy, stabilise=0.5, regrain=True))
        made["thinned out"] = held(finish(grainy, source=clip, regrain=True))
        for name, one in {**made, "ceiling: with grain": grainy}.items():
            table[name].append([float(np.median([paint.grain(picture) for picture in one.read()]))])
    return table


def minterpolated(pictures: list[Picture]) -> list[Picture]:
    """ffmpeg's motion-compensated interpolation to twice the rate."""
    graph, (tall, wide) = av.filter.Graph(), pictures[0].shape[:2]
    source = graph.add_buffer(width=wide, height=tall, format="yuv444p", time_base=Fraction(1, 25))
    middle = graph.add("minterpolate", "fps=50:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1")
    sink = graph.add("buffersink")
    source.link_to(middle)
    middle.link_to(sink)
    graph.configure()
    made: list[Picture] = []
    for number, picture in enumerate([*pictures, None]):
        frame = None
        if picture is not None:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv444p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
        graph.push(frame)
        try:
            while True:
                made.append(graph.pull().to_ndarray(format="rgb24"))
        except (av.BlockingIOError, av.EOFError):
            continue
    return made


def between(some: list[Clip]) -> Table:
    table: Table = defaultdict(list)
    for clip in some:
        pictures = list(clip.read())
        kept, left = pictures[::2], pictures[1::2]
        half = replace(clip, fps=clip.fps / 2, length=len(kept), frames=lambda a, b, k=kept: iter(k[a:b]), key="")
        begun = time.perf_counter()
        ours = list(finish(half, fps=clip.fps).read())[1::2]
        took = {"finish --fps": [1000 * (time.perf_counter() - begun) / len(ours)]}
        begun = time.perf_counter()
        peer = minterpolated(kept)[1::2]
        took["peer: minterpolate"] = [1000 * (time.perf_counter() - begun) / len(peer)]
        inner = range(1, len(left) - 3)
        mixed = [cv2.addWeighted(kept[i], 0.5, kept[i + 1], 0.5, 0) for i in inner]
        every = {"floor: the frame before": [kept[i] for i in inner], "peer: mean of both": mixed,
                 "peer: minterpolate": [peer[i] for i in inner], "finish --fps": [ours[i] for i in inner]}  # fmt: skip
        for name, made in every.items():
            psnr = float(np.mean([likeness.psnr(one, left[i]) for one, i in zip(made, inner, strict=True)]))
            sharp = float(np.mean([likeness.detail(likeness.grey(one)) for one in made]))
            own = float(np.mean([likeness.detail(likeness.grey(left[i])) for i in inner]))
            table[name].append([psnr, sharp / own, *took.get(name, [np.nan])])
    return table


def timing(some: list[Clip], offsets: dict[str, int]) -> Table:
    table: Table = defaultdict(list)
    random = np.random.default_rng(0)
    one, other = judging.expert("lipsight"), other_than("lipsight", "lipmesh")[1]
    for clip in some:
        assert clip.audio is not None
        speech = later(media.resample(clip.audio, 16000), offsets.get(f"clips_{Path(str(clip.source)).stem}", 0))
        clip = clip.with_audio(speech)
        jittered = reordered(clip, shuffled(clip, random))
        scene = Scene(jittered, faces.track(jittered), speech, np.arange(clip.length))
        made = {
            "ceiling: undisturbed": clip,
            "floor: jittered": jittered,
            "peer: whole frames (repair)": reordered(jittered, retime.Dubber(scene).canvas),
            "finish --retime": held(finish(jittered, retime=True)),
        }
        for name, shown in made.items():
            track = faces.track(shown)
            table[name].append([*(distance(expert, shown, track, speech) for expert in (one, other)), jumps(shown)])
    return table


def reordered(clip: Clip, order: Int) -> Clip:
    """The frames ``order`` of a clip."""
    return held(replace(clip, frames=lambda start, stop: matching.shown(clip, order[start:stop]), key=""))


def jumps(clip: Clip) -> float:
    """How far frames lie from the middle of their neighbours, grey levels: jumps show."""
    pictures = [likeness.grey(picture).astype(np.float32) for picture in clip.read()]
    return float(np.mean([likeness.trembling(*pictures[t - 1 : t + 2]) for t in range(1, len(pictures) - 1)]))


def tell(name: str, heads: str, table: Table) -> None:
    print(f"\n{name}\n{'':36s}{heads}")
    for row, values in table.items():
        print(f"{row:36s}" + "".join(f"{value:12.3f}" for value in np.nanmean(values, axis=0)), flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--most", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--dubbers", nargs="*", default=["landmark", "compact"])
    told = options.parse_args()
    some = [held(clip) for clip in clips(told.data, told.most, told.seconds)]
    print(f"{len(some)} clips of {told.seconds:g} s")
    heads = "".join(f"{name:>12s}" for name in ("PSNR, dB", "detail", "ms a frame"))
    tell("frames between", heads, between(some))
    heads = "".join(f"{name:>12s}" for name in ("wobble", "detail", "black, %"))
    tell("shake", heads, steadiness(some))
    tell("grain", f"{'grey levels':>12s}", grain(some))
    offsets = Path(__file__).with_name("val_offsets.csv")
    known = {row["clip"]: int(row["offset"]) for row in csv.DictReader(offsets.open(encoding="utf-8"))}
    heads = "".join(f"{name:>12s}" for name in ("lipsight", "lipmesh", "trembling"))
    tell("timing", heads, timing(some, known))
    heads = "".join(f"{name.replace('expression_', ''):>12s}" for name in (*FIGURES, "grain"))
    for dubber in told.dubbers:
        tell(f"flicker, dubber {dubber}", heads, flicker(some, dubber))


if __name__ == "__main__":
    main()
