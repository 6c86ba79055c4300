"""How well does the dubbed mouth follow the speech, on speakers that nothing was trained on?

For every val clip of at least 4 s the first half of the picture is dubbed with the sound of the second half
(so that no frame holds the answer), written, read back and tracked again. Printed for each clip and as a mean:

    predicted   correlation of the predicted inner-lip opening with the real recording's
    rendered    the same for the opening tracked in the written file
    floor       the same with another speaker's voice
    ceiling     the real second half, written and tracked the same way, with itself
    amplitude   deviation of the rendered opening over the real one's
    flicker     frame-to-frame trembling of the aligned mouth pictures over the real recording's (1 = as steady)
    sharp       fine detail of the aligned mouth pictures over the real recording's (1 = as sharp)
    leak        share of frames in which the mouth stands open (0.03 above rest) when dubbed with digital silence
    lmd         mean distance of the lip landmarks from the real recording's, in eye distances; its floor and ceiling

    python benchmarks/dub_quality.py ../shared/data [--most N] [--offsets offsets.csv] [--json out.json]
                                     [--dubber NAME [--weights W]]

With ``--offsets`` (from `lipwright train crossfit`: clip, offset in frames at 25 fps;
`val_offsets.csv` beside this file holds those of the val clips) a clip that was published out of
sync is put right before it is used: its sound is delayed by its own measured offset.

A clip whose mouth hardly moves (opening within 0.05 eye distances) has nothing to correlate and is named, not scored.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import lipwright
from lipwright import faces, likeness, media, motion, mouth
from lipwright.errors import LipwrightError
from lipwright.likeness import correlation
from lipwright.metrics import UPPER, Case, View, landmarks, steadiness, views
from lipwright.metrics.leak import OPEN
from lipwright.types import Audio, Clip, Float

SHORTEST, LONGEST = 4.0, 24.0
COLUMNS = (
    "predicted", "rendered", "lagged", "floor", "ceiling", "amplitude", "lmd", "lmd_floor", "lmd_ceiling",
    "flicker", "sharp", "leak",
)  # fmt: skip
LAG = 4


def shapes(clip: Clip) -> Float:
    """Mouth shapes (T, 177, 3) of a clip, pose and size taken out."""
    points = faces.track(clip).points
    pose = faces.steady_pose(points, 0.06 * float(clip.fps))
    return faces.to_canonical(points, pose)[:, faces.canonical().moving]


@dataclass(frozen=True)
class Scorer:
    """Scores dubs made by one dubber, written into ``folder``."""

    folder: Path
    how: dict[str, str]

    def spoken(self, source: Clip, speech: Audio, name: str) -> Clip:
        """The written dub of ``source`` saying ``speech``."""
        dubbed = lipwright.dub(source, speech, silence="close", **self.how)  # type: ignore[arg-type]
        return media.open(media.write(dubbed, self.folder / f"{name}.mp4"))

    def leak(self, source: Clip) -> float:
        """Share of frames with an open mouth in a dub with digital silence.

        The metric of that name judges a video alone: what it calls closed is the video's own, and more than 0.05 is
        never. Here the source is there, and closed is what its person's closed mouth is.
        """
        length = source.length / float(source.fps)
        silence = Audio(np.zeros(round(16000 * length), np.float32), 16000)
        gap = mouth.opening(shapes(self.spoken(source, silence, "silent")))
        rest = mouth.Speaker.of(shapes(source)[faces.track(source).present]).closed
        return float(np.nanmean(gap > mouth.opening(rest[None])[0] + OPEN))

    def scored(self, clip: Clip, wrong: Audio) -> dict[str, float] | None:
        """The row of one clip, or None where the real mouth hardly moves."""
        half = min(clip.length, round(LONGEST * clip.fps)) // 2
        source, real = clip.part(0, half), clip.part(half, 2 * half)
        wanted = mouth.opening(shapes(real))
        seen = wanted[np.isfinite(wanted)]
        if len(seen) < half / 2 or np.quantile(seen, 0.97) - np.quantile(seen, 0.03) < mouth.TALKING:
            return None
        assert real.audio is not None
        predicted = motion.predict(media.resample(real.audio, 16000), clip.fps, half).opening
        dubbed, gap = compared(self.spoken(source, real.audio, "dubbed"), real)
        other, _ = compared(self.spoken(source, wrong.cut(0, real.audio.duration), "wrong"), real)
        again, _ = compared(media.open(media.write(real, self.folder / "real.mp4")), real)
        return {
            "predicted": correlation(predicted, wanted),
            "rendered": dubbed["opening_reference"],
            "floor": other["opening_reference"],
            "ceiling": again["opening_reference"],
            "amplitude": dubbed["opening_amplitude"],
            "lmd": dubbed["lmd_motion"],
            "lmd_floor": other["lmd_motion"],
            "lmd_ceiling": again["lmd_motion"],
            "lagged": lagged(gap, wanted),
            "flicker": dubbed["flicker"] / again["flicker"],
            "sharp": dubbed["detail"] / again["detail"],
            "leak": self.leak(source),
        }


def lagged(one: Float, other: Float) -> float:
    """The best correlation within ±4 frames: what a recording that is itself a little out of sync allows.

    No metric of `lipwright.measure` says this: there the delay is an expert's, of sound and picture, not of two mouths.
    """
    return max(correlation(one[max(0, k) :], other[max(0, -k) :]) for k in range(-LAG, LAG + 1))


def watched(clip: Clip) -> Iterator[View]:
    """The face in every frame of a clip."""
    track = faces.track(clip)
    return views(clip.read(), track, np.arange(clip.length), float(clip.fps))


def compared(clip: Clip, real: Clip) -> tuple[dict[str, float], Float]:
    """What the metrics `landmarks` and `steadiness` say of ``clip`` beside ``real``, with ``detail``, the mean fine
    detail of its mouth in grey levels; and its mouth opening (T,)."""
    case = Case(clip.fps, clip.size, clip.length, reference=real)
    lips, trembling = landmarks.Metric(case), steadiness.Metric(case)
    opening, fine = np.full(clip.length, np.nan, np.float32), []
    for view, beside in zip(watched(clip), watched(real), strict=False):
        if view.seen:
            opening[view.frame] = view.opening
            fine.append(likeness.detail(view.strip[UPPER:]))
            trembling.see(view, None)
        if view.seen and beside.seen:
            lips.see(view, beside)
    said = {one.name: one.value for one in (*lips.result(), *trembling.result())}
    return {**said, "detail": float(np.mean(fine))}, opening


def in_sync(clip: Clip, offset: int) -> Clip:
    """``clip`` with its sound delayed by ``offset`` frames at 25 fps (< 0: brought forward)."""
    if clip.audio is None or not offset:
        return clip
    by = round(offset / 25 * clip.audio.rate)
    samples = clip.audio.samples
    samples = np.pad(samples, (by, 0)) if by > 0 else samples[-by:]
    return clip.with_audio(Audio(samples, clip.audio.rate))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=999, help="clips at most, one per speaker first")
    parser.add_argument("--offsets", type=Path, help="the clips' own offsets, to be taken out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--dubber", default="landmark")
    parser.add_argument("--weights", help="for a dubber that takes some")
    options = parser.parse_args()
    with (options.data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val" and float(row["seconds"]) >= SHORTEST]
    how = {"dubber": options.dubber} | ({"weights": options.weights} if options.weights else {})
    offsets: dict[str, int] = {}
    if options.offsets:
        with options.offsets.open(newline="", encoding="utf-8") as file:
            offsets = {row["clip"]: int(row["offset"]) for row in csv.DictReader(file)}
    order = sorted(range(len(rows)), key=lambda i: sum(row["speaker"] == rows[i]["speaker"] for row in rows[:i]))
    rows = [rows[i] for i in order][: options.most]
    sounds = [media.resample(media.open_audio(options.data / row["file"]), 16000) for row in rows]
    results: dict[str, dict[str, float]] = {}
    print(f"{'clip':24}" + "".join(f"{name:>11}" for name in COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for index, row in enumerate(rows):
            others = [s for s, r in zip(sounds, rows, strict=True) if r["speaker"] != row["speaker"]]
            wrong = max(others[index % 3 :: 3] or others or sounds, key=lambda s: s.duration)
            try:
                name = Path(row["file"]).with_suffix("").as_posix().replace("/", "_")
                clip = in_sync(media.open(options.data / row["file"]), offsets.get(name, 0))
                score = Scorer(Path(folder), how).scored(clip, wrong)
            except LipwrightError as error:
                print(f"{row['file'][6:]:24}{error}")
                continue
            if score is None:
                print(f"{row['file'][6:]:24}the mouth hardly moves: not scored")
                continue
            results[row["file"]] = score
            print(f"{row['file'][6:]:24}" + "".join(f"{score[name]:11.3f}" for name in COLUMNS), flush=True)
    for name, how in (("mean", np.nanmean), ("median", np.nanmedian)):
        print(f"{name:24}" + "".join(f"{how([s[c] for s in results.values()]):11.3f}" for c in COLUMNS))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
