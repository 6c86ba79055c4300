"""Whether a training on a prepared folder is worth starting.

The limits are rules of thumb: with less a training of an expert seldom leaves chance, or its figures mean nothing.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lipwright.datasets._walk import SPLITS
from lipwright.errors import InputError
from lipwright.prepare import alike, layouts
from lipwright.prepare.deciding import Limits
from lipwright.prepare.recording import FPS, silence
from lipwright.types import Issue

LEAST_MINUTES, MINUTES = 5.0, 30.0
SPEAKERS = 10
SILENCE, DUPLICATES, UNSURE = 0.5, 0.05, 0.2

Line = dict[str, str]
"""A line of manifest.csv."""


@dataclass(frozen=True)
class Checked:
    """What a prepared folder holds.

    ``recordings`` kept; ``minutes`` and ``speakers`` by split; ``offsets``, how many recordings had each, frames
    (empty where it was not measured); ``silence``, the share of the time; ``duplicates``, how many sound like another;
    ``leaks``, what is in two splits; ``issues``, what speaks against a training, of severity error or warning.
    """

    folder: Path
    recordings: int
    minutes: dict[str, float]
    speakers: dict[str, int]
    offsets: dict[int, int]
    silence: float
    duplicates: int
    leaks: tuple[str, ...]
    issues: tuple[Issue, ...]

    @property
    def worth(self) -> bool:
        """Whether a training is worth starting: nothing but warnings speaks against it."""
        return all(issue.severity != "error" for issue in self.issues)

    def text(self) -> str:
        """All of it for people."""
        lines = [f"{self.folder}: {self.recordings} recordings, {sum(self.minutes.values()):.1f} minutes"]
        lines += [
            f"  {split:5} {self.minutes[split]:7.1f} minutes, {_persons(self.speakers[split])}" for split in SPLITS
        ]
        lines.append(f"silence: {self.silence:.0%} of the time; near-duplicates: {self.duplicates}")
        most = max(self.offsets.values(), default=1)
        if self.offsets:
            lines.append("offsets that were put right (frames; > 0: the sound came early):")
        for offset, count in sorted(self.offsets.items()):
            lines.append(f"  {offset:+3d} {count:6d} {'#' * max(1, round(40 * count / most))}")
        lines += [f"{issue.severity}: {issue.message}; {issue.remedy}" for issue in self.issues]
        lines.append("a training is worth starting" if self.worth else "a training is not worth starting")
        return "\n".join(lines)

    def data(self) -> dict[str, object]:
        """All of it for machines."""
        return asdict(self) | {"folder": str(self.folder), "worth": self.worth}


def check(folder: Path) -> Checked:
    """Look through a folder that `lipwright.prepare` made, in either layout.

    Raises:
        InputError: it is no such folder, or its manifest cannot be read.
    """
    lines = _lines(folder)
    kept = [line for line in lines if line.get("kept", "yes") == "yes"]
    there = [line for line in kept if _place(folder, line).exists()]
    sound, twice = _heard(folder, there)
    minutes = {s: sum(int(line["frames"]) for line in there if line["split"] == s) / FPS / 60 for s in SPLITS}
    speakers = {s: len({line["speaker"] for line in there if line["split"] == s}) for s in SPLITS}
    judged = [line for line in there if line.get("judged")]
    alone = len({line["speaker"] for line in there}) == 1
    leaks = (*(() if alone else _torn(there)), *_shared(there, twice))
    found = Checked(
        folder,
        len(there),
        {split: round(value, 2) for split, value in minutes.items()},
        speakers,
        dict(Counter(int(line["offset"]) for line in judged)),
        sound,
        len(twice),
        leaks,
        (),
    )
    unsure = [line for line in judged if float(line["confidence"]) < Limits.confidence]
    issues = [*_few(found, alone), *_bad(found, len(kept) - len(there), len(judged), len(unsure))]
    return Checked(**{**vars(found), "issues": tuple(issues)})


def _lines(folder: Path) -> list[Line]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise InputError(f"{folder} is not a prepared folder: it has no manifest.csv; make it with: lipwright prepare")
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{manifest} is no table; prepare the folder again") from None
    for number, line in enumerate(lines, 2):
        missing = [name for name in ("id", "speaker", "split", "frames") if not line.get(name)]
        if missing or line["split"] not in SPLITS or not line["frames"].isdecimal():
            raise InputError(f"{manifest}, line {number} is not one that prepare writes; prepare the folder again")
    return lines


def _place(folder: Path, line: Line) -> Path:
    ours = layouts.place(folder, "ours", line["id"], line["speaker"])
    return ours if ours.is_file() else layouts.place(folder, "wav2lip", line["id"], line["speaker"]) / "audio.wav"


def _heard(folder: Path, lines: list[Line]) -> tuple[float, dict[str, str]]:
    """The share of silence, and near-duplicates by id: as the manifest says, or by listening where it does not."""
    quiet, frames = 0.0, sum(int(line["frames"]) for line in lines)
    prints: dict[str, alike.Prints] = {}
    for line in lines:
        if line.get("silence"):
            share = float(line["silence"])
        else:
            with np.load(_place(folder, line), allow_pickle=False) as arrays:
                samples = np.asarray(arrays["samples"] / np.float32(32768), np.float32)
            share, prints[line["id"]] = silence(samples), alike.prints(samples)
        quiet += share * int(line["frames"])
    ids = {line["id"] for line in lines}
    told = {line["id"]: line["duplicate"] for line in lines if line.get("duplicate") in ids}
    return quiet / max(1, frames), told | alike.duplicates(prints)


def _torn(lines: list[Line]) -> Iterator[str]:
    """Speakers who are in two splits."""
    splits: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        splits[line["speaker"]].add(line["split"])
    for speaker, own in sorted(splits.items()):
        if len(own) > 1:
            yield f"speaker {speaker} is in {' and '.join(split for split in SPLITS if split in own)}"


def _shared(lines: list[Line], twice: dict[str, str]) -> Iterator[str]:
    """Near-duplicates that are in two splits."""
    split = {line["id"]: line["split"] for line in lines}
    for one, other in twice.items():
        if split[one] != split[other]:
            yield f"{one} in {split[one]} sounds like {other} in {split[other]}"


def _persons(count: int) -> str:
    return "1 speaker" if count == 1 else f"{count} speakers"


def _few(found: Checked, alone: bool) -> Iterator[Issue]:
    """What there is too little of."""
    more = "prepare more footage, or loosen the limits: manifest.csv says why recordings were dropped"
    minutes, speakers = found.minutes["train"], found.speakers["train"]
    if minutes < LEAST_MINUTES:
        yield Issue("minutes", "error", f"train has {minutes:.1f} minutes; {LEAST_MINUTES:g} are the least", more)
    elif minutes < MINUTES:
        yield Issue("minutes", "warning", f"train has {minutes:.1f} minutes; {MINUTES:g} and more are better", more)
    if not found.minutes["val"]:
        remedy = "add speakers, or give some the split val in a manifest"
        yield Issue("val", "error", "there is no recording of split val, so nothing says when to stop", remedy)
    if alone:
        remedy = "fine for one person's own network; add speakers for any other"
        yield Issue("speakers", "warning", "there is one speaker only, so val says nothing of other people", remedy)
    elif speakers < SPEAKERS:
        yield Issue("speakers", "warning", f"train has {_persons(speakers)}; {SPEAKERS} and more are better", more)


def _bad(found: Checked, missing: int, judged: int, unsure: int) -> Iterator[Issue]:
    """What is wrong with what there is."""
    again = "run the same lipwright prepare again"
    if missing:
        yield Issue("missing", "error", f"{missing} recordings of the manifest are not there", again)
    if found.leaks:
        more = f" and {len(found.leaks) - 3} more" if len(found.leaks) > 3 else ""
        remedy = "give each speaker one split, and drop near-duplicates, in a manifest"
        yield Issue("leak", "error", f"splits share: {', '.join(found.leaks[:3])}{more}", remedy)
    if found.recordings and not judged:
        remedy = "prepare it without --sync off, or run a crossfit: lipwright train crossfit"
        yield Issue("sync", "warning", "it was not measured whether sound and picture are in sync", remedy)
    elif judged and unsure > UNSURE * judged:
        message = f"{unsure} of {judged} recordings are not surely in sync"
        yield Issue("sync", "warning", message, "drop them: --sync drop")
    if found.silence > SILENCE:
        yield Issue("silence", "warning", f"{found.silence:.0%} of the time is silent", "cut pauses out of the source")
    if found.duplicates > DUPLICATES * found.recordings:
        message = f"{found.duplicates} of {found.recordings} recordings sound like another"
        yield Issue("duplicates", "warning", message, "take them out of the source; manifest.csv names them")
