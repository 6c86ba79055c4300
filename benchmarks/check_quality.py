"""Does `lipwright check` find a defect that was put into a real clip, and is it silent where there is none?

First every clip as it is: how often each code is told. Then each defect at several strengths, put into one clip of each
speaker whose clean version is not told to have it: the share in which it is found. Strengths that a limit allows are
controls: a face of 100 pixels is no small one. Where the defect fills a known part of the clip, the last column is the
median distance of the span's ends from it.

    python benchmarks/check_quality.py ../shared/data [--split val] [--clips N] [--only CODE ...]

Nothing here turns a head: off_frontal is judged on the clean clips alone, some of which show people who turn.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from lipwright import check, faces, media
from lipwright.check import voices
from lipwright.check.found import Finding
from lipwright.check.sound import ends
from lipwright.loudness import loudness
from lipwright.media.soundfile import write_sound
from lipwright.types import Audio, Clip, Picture

RATE = 16000
FRAMES = 32
HURT = slice(10, 24)
"""Frames of the picture that are hurt, where not all are."""


@dataclass(frozen=True)
class Case:
    """A defect ``what`` at one strength: the ``code`` that should be told, and ``make``, what puts it into a clip; the
    ``part`` of the clip in which it is, s."""

    code: str
    what: str
    make: Callable[[Clip, int], Clip | Audio | Path]
    part: tuple[float, float] | None = None
    also: frozenset[str] = frozenset()
    """Codes that tell it as well."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--clips", type=int, default=100, help="at most so many clips a defect")
    parser.add_argument("--only", nargs="*", default=[], metavar="CODE", help="these codes alone")
    options = parser.parse_args()
    files = listed(options.data, options.split)
    clean = as_they_are([file for own in files.values() for file in own])
    chosen = [own[0] for own in files.values()][: options.clips]
    with tempfile.TemporaryDirectory() as folder:
        for case in [case for case in cases(chosen, Path(folder)) if not options.only or case.code in options.only]:
            report(case, [file for file in chosen if case.code not in clean[file]])


def listed(data: Path, split: str) -> dict[str, list[Path]]:
    """The clips of each speaker, the longest first."""
    found: dict[str, list[tuple[float, Path]]] = defaultdict(list)
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                found[row["speaker"]].append((-float(row["seconds"]), data / row["file"]))
    return {speaker: [path for _, path in sorted(own)] for speaker, own in sorted(found.items())}


def as_they_are(files: list[Path]) -> dict[Path, set[str]]:
    """The codes told of each clip as it is; printed by code."""
    told = {file: check(file).issues for file in files}
    by_code: dict[str, list[str]] = defaultdict(list)
    for file, issues in told.items():
        for issue in issues:
            by_code[issue.code].append(f"{file.stem} {issue.spans[:2] if issue.spans else ''}")
    print(f"{len(files)} clips as they are")
    for code, names in sorted(by_code.items(), key=lambda pair: -len(pair[1])):
        print(f"  {code:20} {len(names):3d}  {'; '.join(names[:6])}")
    return {file: {issue.code for issue in issues} for file, issues in told.items()}


def report(case: Case, files: list[Path]) -> None:
    found, errors, seen = 0, [], 0
    for number, file in enumerate(files):
        try:
            made = case.make(media.open(file), number)
        except Unfit:
            continue
        told = check(None, made) if isinstance(made, Audio) else check(made)
        mine = [issue for issue in told.issues if issue.code in {case.code, *case.also}]
        seen, found = seen + 1, found + bool(mine)
        if mine and case.part:
            errors += _ends(mine[0], case.part)
    rate = f"{found}/{seen}"
    error = f"{np.median(errors):.2f} s" if errors else ""
    print(f"{case.code:20} {case.what:44} {rate:>7} {found / max(1, seen):5.0%}  {error}", flush=True)


def _ends(issue: Finding, part: tuple[float, float]) -> list[float]:
    at = issue.at or (np.nan, np.nan)
    return [abs(mine - true) for mine, true in zip(at, part, strict=True)]


class Unfit(Exception):  # noqa: N818 - it says something of the clip
    """A clip into which a defect cannot be put."""


# sound -------------------------------------------------------------------------------------------------


def sound(clip: Clip, seconds: float = 7.0) -> Audio:
    assert clip.audio is not None
    whole = media.resample(clip.audio, RATE)
    return Audio(np.array(whole.samples[: round(seconds * RATE)]), RATE)


def level(samples: np.ndarray) -> float:
    """Power of the louder half of the tenths of a second."""
    power = (samples[: len(samples) // 1600 * 1600].reshape(-1, 1600).astype(float) ** 2).mean(1)
    return float(power[power >= np.median(power)].mean())


def with_noise(db: float, colour: str) -> Callable[[Clip, int], Audio]:
    def make(clip: Clip, seed: int) -> Audio:
        audio = sound(clip)
        noise = np.random.default_rng(seed).normal(0, 1, len(audio.samples))
        if colour == "brown":
            spectrum = np.fft.rfft(noise)
            spectrum /= np.maximum(np.fft.rfftfreq(len(noise), 1 / RATE), 50)
            noise = np.fft.irfft(spectrum, len(noise))
        return mixed(audio, noise, db)

    return make


def mixed(audio: Audio, other: np.ndarray, db: float) -> Audio:
    """``other`` added ``db`` below the voice."""
    gain = np.sqrt(level(audio.samples) / 10 ** (db / 10) / max(1e-12, float((other**2).mean())))
    return Audio((audio.samples + gain * other).astype(np.float32), RATE)


def clipped(share: float, folder: Path | None) -> Callable[[Clip, int], Audio]:
    def make(clip: Clip, _: int) -> Audio:
        audio = sound(clip)
        limit = float(np.quantile(np.abs(audio.samples), 1 - share))
        cut = Audio((np.clip(audio.samples, -limit, limit) / limit * 0.9).astype(np.float32), RATE)
        if folder is None:
            return cut
        return media.open_audio(write_sound(cut, folder / "cut.m4a"))

    return make


def padded(before: float, after: float) -> Callable[[Clip, int], Audio]:
    """Near-silence, -66 dB, at the ends of the part that is speech."""

    def make(clip: Clip, seed: int) -> Audio:
        audio = sound(clip)
        spoken = voices.listen(audio).spoken
        if not spoken.any():
            raise Unfit
        first, last = ends(spoken, audio.duration)
        audio = Audio(audio.cut(first, audio.duration - last).samples, RATE).padded(before, after)
        noise = np.random.default_rng(seed).normal(0, 5e-4, len(audio.samples))
        return Audio((audio.samples + noise).astype(np.float32), RATE)

    return make


def two(share: float, others: list[Path]) -> Callable[[Clip, int], Audio]:
    """Another speaker, for a share of the time, after the first."""

    def make(clip: Clip, number: int) -> Audio:
        one, other = spoken(clip, others, number)
        length = min(len(one), len(other) * (1 - share) / share)
        return Audio(np.concatenate([one[: round(length)], other[: round(length * share / (1 - share))]]), RATE)

    return make


def spoken(clip: Clip, others: list[Path], number: int) -> tuple[np.ndarray, np.ndarray]:
    """5 s and more of this speaker and of another one, at one level."""
    one = sound(clip).samples
    rest = [path for path in others[number + 1 :] + others[:number] if path != clip.source]
    other = next((s for s in (sound(media.open(path)).samples for path in rest) if len(s) >= 4.5 * RATE), None)
    if len(one) < 4.5 * RATE or other is None:
        raise Unfit
    return one, (other * np.sqrt(level(one) / level(other))).astype(np.float32)


def overlapped(others: list[Path]) -> Callable[[Clip, int], Audio]:
    def make(clip: Clip, number: int) -> Audio:
        one, other = spoken(clip, others, number)
        length = min(len(one), len(other))
        return Audio((one[:length] + other[:length]).astype(np.float32), RATE)

    return make


def chords(count: int, seed: int) -> np.ndarray:
    random, time, made = np.random.default_rng(seed), np.arange(RATE) / RATE, np.zeros(count + RATE)
    for start in range(0, count, RATE):
        root = 220 * 2 ** (random.integers(0, 12) / 12)
        for step in ((0, 4, 7), (0, 3, 7), (0, 5, 9))[random.integers(3)]:
            for harmonic in range(1, 5):
                wave = np.sin(2 * np.pi * root * 2 ** (step / 12) * harmonic * time)
                made[start : start + RATE] += wave * np.exp(-time) / harmonic**1.5
    return made[:count]


def drums(count: int, seed: int) -> np.ndarray:
    random, time, made = np.random.default_rng(seed), np.arange(2000) / RATE, np.zeros(count + 2000)
    for beat, start in enumerate(range(0, count, 4000)):
        kick = 2 * np.sin(2 * np.pi * (60 + 80 * np.exp(-30 * time)) * time) * np.exp(-15 * time)
        made[start : start + 2000] += random.normal(0, 1, 2000) * np.exp(-40 * time) if beat % 2 else kick
    return made[:count]


def in_sound(others: list[Path], folder: Path) -> Iterator[Case]:
    for colour in ("white", "brown"):
        for db in (25, 20, 15, 10, 5, 0) if colour == "white" else (15, 5):
            yield Case("noisy", f"{colour} noise {db} dB below the voice", with_noise(db, colour))
    for share in (0.0005, 0.001, 0.01, 0.05):
        yield Case("clipped", f"{share:.2%} of the samples cut off", clipped(share, None))
        yield Case("clipped", f"{share:.2%} of the samples cut off, then AAC", clipped(share, folder))
    for offset in (0.002, 0.01, 0.05):
        yield Case("dc_offset", f"{offset:g} of full scale", lambda clip, _, by=offset: moved(sound(clip), by))
    for seconds in (0.3, 0.7, 1.5, 3.0):
        yield Case("silence_at_start", f"{seconds:g} s", padded(seconds, 0.0), (0.0, seconds))
        yield Case("silence_at_end", f"{seconds:g} s", padded(0.0, seconds))
    for db in (-30, -40, -50):
        yield Case("too_quiet", f"brought to {db} LUFS", lambda clip, _, to=db: brought(sound(clip), to))
    for rate in (8000, 11025, 12000):
        yield Case("low_sample_rate", f"{rate} Hz", lambda clip, _, rate=rate: media.resample(sound(clip), rate))
        yield Case(
            "narrow_band",
            f"{rate} Hz, resampled to 16000",
            lambda clip, _, rate=rate: media.resample(media.resample(sound(clip), rate), RATE),
        )
    for share in (0.25, 0.5):
        yield Case("several_voices", f"another speaker for {share:.0%} of the time", two(share, others))
    yield Case("several_voices", "another speaker at the same time, 0 dB", overlapped(others))
    for name, music in (("chords", chords), ("drums", drums)):
        for db in (30, 20, 10, 0):
            yield Case(
                "music",
                f"{name} {db} dB below the voice",
                lambda clip, n, music=music, db=db: mixed(sound(clip), music(len(sound(clip).samples), n), db),
            )


def moved(audio: Audio, by: float) -> Audio:
    return Audio((audio.samples + by).astype(np.float32), RATE)


def brought(audio: Audio, to: float) -> Audio:
    return Audio((audio.samples * 10 ** ((to - loudness(audio)) / 20)).astype(np.float32), RATE)


# picture -----------------------------------------------------------------------------------------------

Change = Callable[[Picture], Picture]


def short(clip: Clip) -> Clip:
    """The first frames, without sound or a name in the cache."""
    if clip.length < FRAMES:
        raise Unfit
    return replace(clip.part(0, FRAMES), audio=None, key="", source=None)


def changed(change: Change, part: slice | None = None) -> Callable[[Clip, int], Clip]:
    def make(clip: Clip, _: int) -> Clip:
        whole = short(clip)

        def frames(first: int, last: int) -> Iterator[Picture]:
            for number, picture in enumerate(whole.frames(first, last), first):
                hurt = part is None or part.start <= number < part.stop
                yield np.ascontiguousarray(change(picture)) if hurt else picture

        size = change(next(whole.read())).shape[1::-1]
        return replace(whole, frames=frames, size=size)

    return make


def times(factor: float) -> Change:
    return lambda picture: np.clip(picture * factor, 0, 255).astype(np.uint8)


def flat(factor: float) -> Change:
    return lambda picture: (128 + factor * (picture.astype(np.float32) - 128)).astype(np.uint8)


def blur(sigma: float) -> Change:
    return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * picture.shape[1] / 256))


def shade(factor: float) -> Change:
    """One side darker, with a soft edge through the middle: the clips are cut around the face."""

    def change(picture: Picture) -> Picture:
        x = np.linspace(-1, 1, picture.shape[1])[None, :, None]
        return (picture * (1 - (1 - factor) / (1 + np.exp(-12 * x)))).astype(np.uint8)

    return change


def small_face(width: int) -> Callable[[Clip, int], Clip]:
    """The clip in a grey picture of 1280 x 720, its face ``width`` px wide."""

    def make(clip: Clip, number: int) -> Clip:
        box = faces.track(short(clip)).box
        side = round(clip.size[0] * width / float(np.nanmedian(box[:, 2] - box[:, 0])))

        def change(picture: Picture) -> Picture:
            whole = np.full((720, 1280, 3), 100, np.uint8)
            whole[60 : 60 + side, 400 : 400 + side] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            return whole

        return changed(change)(clip, number)

    return make


def hidden(size: float, colour: str) -> Callable[[Clip, int], Clip]:
    """A card before the mouth, ``size`` face widths wide, while the frames `HURT` last."""

    def make(clip: Clip, _: int) -> Clip:
        whole = short(clip)
        track = faces.track(whole)
        paint = (40, 160, 60) if colour == "green" else None

        def frames(first: int, last: int) -> Iterator[Picture]:
            for number, picture in enumerate(whole.frames(first, last), first):
                if HURT.start <= number < HURT.stop and track.present[number]:
                    picture = picture.copy()
                    x, y = track.points[number, 13, :2].astype(int)
                    half = int(size * (track.box[number, 2] - track.box[number, 0]) / 2)
                    skin = tuple(0.75 * picture[tuple(np.clip(track.points[number, 50, 1::-1].astype(int), 0, 191))])
                    picture[max(0, y - half) : y + half, max(0, x - half) : x + half] = paint or skin
                yield picture

        return replace(whole, frames=frames)

    return make


def ordered(order: Callable[[int], int]) -> Callable[[Clip, int], Clip]:
    def make(clip: Clip, _: int) -> Clip:
        whole = short(clip)
        held = list(whole.read())
        return replace(whole, frames=lambda first, last: (held[order(n)] for n in range(first, last)))

    return make


def joined(others: list[Path], how: str) -> Callable[[Clip, int], Clip]:
    """Another speaker's clip beside this one, or after its first half."""

    def make(clip: Clip, number: int) -> Clip:
        one, other = short(clip), short(media.open(others[(number + 1) % len(others)]))
        mine = list(one.read())
        theirs = [cv2.resize(picture, one.size, interpolation=cv2.INTER_AREA) for picture in other.read()]
        if how == "beside":
            both = [np.concatenate(pair, axis=1) for pair in zip(mine, theirs, strict=True)]
        else:
            both = [*mine[: FRAMES // 2], *theirs[: FRAMES // 2]]
        size = both[0].shape[1::-1]
        return replace(one, size=size, frames=lambda first, last: iter(both[first:last]))

    return make


def woven(apart: int) -> Callable[[Clip, int], Clip]:
    """Every other row from a frame ``apart`` later."""

    def make(clip: Clip, _: int) -> Clip:
        whole = short(clip)
        held = list(whole.read())

        def weave(number: int) -> Picture:
            picture = held[number].copy()
            picture[1::2] = held[min(number + apart, FRAMES - 1)][1::2]
            return picture

        return replace(whole, frames=lambda first, last: (weave(n) for n in range(first, last)))

    return make


def unsteady(folder: Path, jitter: float, drop: int = 0) -> Callable[[Clip, int], Path]:
    """A file whose frames come early or late by up to ``jitter`` of their distance, each ``drop``-th not at all."""

    def make(clip: Clip, seed: int) -> Path:
        whole, random, path = short(clip), np.random.default_rng(seed), folder / f"unsteady{seed}.mp4"
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=whole.fps)
            stream.width, stream.height = whole.size
            stream.codec_context.time_base = Fraction(1, 90000)
            for number, picture in enumerate(whole.read()):
                if drop and number % drop == drop - 1:
                    continue
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = round((number + 1 + random.uniform(-jitter, jitter)) * 90000 / float(whole.fps))
                frame.time_base = Fraction(1, 90000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    return make


def in_picture(others: list[Path], folder: Path) -> Iterator[Case]:
    for name, code, change, strengths in (
        ("light times", "too_dark", times, (0.7, 0.5, 0.3, 0.15)),
        ("light times", "too_bright", times, (1.3, 1.7, 2.2, 3.0)),
        ("contrast times", "low_contrast", flat, (0.7, 0.5, 0.3, 0.15)),
        ("one side times", "side_lit", shade, (0.7, 0.5, 0.3, 0.15)),
        ("Gaussian blur, px in 256:", "blurred", blur, (0.7, 1.5, 2.5, 4.0)),
    ):
        for strength in strengths:
            yield Case(code, f"{name} {strength:g}", changed(change(strength)))
    for width in (100, 70, 50, 35):
        yield Case("face_too_small", f"{width} px wide", small_face(width))
    for colour in ("green", "skin"):
        for size in (0.3, 0.5, 0.8):
            what = f"{colour} card {size:g} face widths wide, 14 frames (or lost)"
            yield Case("occluded", what, hidden(size, colour), also=frozenset({"mouth_hidden", "face_lost"}))
    for frames in (3, 5, 8, 15):
        yield Case("frozen", f"{frames} frames", ordered(lambda n, f=frames: 12 if 12 <= n < 13 + f else n))
    for every in (25, 10, 5):
        yield Case("duplicate_frames", f"each {every}th twice", ordered(lambda n, e=every: n - (n % e == e - 1)))
    yield Case("shot_cuts", "another speaker's clip after half", joined(others, "after"))
    yield Case("several_faces", "another speaker beside", joined(others, "beside"))
    for apart in (1, 2, 4):
        yield Case("interlaced", f"rows of a frame {apart} later woven in", woven(apart))
    for jitter, drop in ((0.1, 0), (0.3, 0), (0.45, 0), (0.0, 8)):
        what = f"each {drop}th frame missing" if drop else f"frames {jitter:.0%} of a period early or late"
        yield Case("variable_frame_rate", what, unsteady(folder, jitter, drop))


def cases(others: list[Path], folder: Path) -> Iterator[Case]:
    yield from in_sound(others, folder)
    yield from in_picture(others, folder)


if __name__ == "__main__":
    main()
