"""Which recordings of a prepared folder a fine-tuning learns from, which say when to stop, and which judge it.

A `Choice` becomes a prepared folder of its own (`view`) whose manifest and file lists name those recordings and whose
files are the other's, so that every task can read it.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lipwright.errors import InputError, OutputError
from lipwright.prepare import layouts

Row = dict[str, str]
"""A line of a manifest.csv."""

SHARE = 5
"""One of so many recordings, or speakers, is kept aside."""
SPEAKERS = 4
"""With fewer speakers, recordings are kept aside and not speakers."""
SEEN = 40
"""Recordings that say how well is done what was learnt from."""


@dataclass(frozen=True)
class Choice:
    """The recordings to ``learn`` from, those that say when to ``stop``, and those of the ``gate``; and whether the
    gate has no speaker in common with the rest."""

    learn: list[Row]
    stop: list[Row]
    gate: list[Row]
    apart: bool

    @property
    def seen(self) -> list[Row]:
        """Some of what is learnt from, evenly taken."""
        return self.learn[:: -(-len(self.learn) // SEEN)]

    def words(self, language: str, speaker: str) -> str:
        """What the gate judges on."""
        count = len({row["speaker"] for row in self.gate})
        who = f"speaker {speaker}" if speaker else f"{count} speaker{'s' * (count > 1)}"
        known = "" if self.apart else ", of whom other recordings were learnt from"
        if any(row["split"] == "train" for row in self.gate):
            known += ", which the start may have learnt from"
        where, many = f" in {language}" if language else "", "s" * (len(self.gate) > 1)
        return f"{len(self.gate)} held-out recording{many} of {who}{where}{known}"


def rows(folder: Path) -> list[Row]:
    """The lines of a prepared folder's manifest.

    Raises:
        InputError: there is none, or a column is missing.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise InputError(f"{folder} is not a prepared folder: it has no manifest.csv; make it with: lipwright prepare")
    with manifest.open(newline="", encoding="utf-8") as lines:
        found = list(csv.DictReader(lines))
    if missing := [name for name in ("id", "speaker", "split") if found and name not in found[0]]:
        raise InputError(f"{manifest} has no column {missing[0]}; prepare the folder again")
    return found


def choose(found: Sequence[Row], language: str = "", speaker: str = "") -> Choice:
    """Part the recordings of a ``language`` or a ``speaker`` (empty: of all).

    The val recordings judge, where there are any, and else, as for one speaker, some of those to learn from that are
    kept aside. Others kept aside say when to stop. Those of split test are left alone.

    Raises:
        InputError: nothing of that language or speaker is there, or too little to be parted.
    """
    known = [row for row in found if row["split"] != "test"]
    what = " of ".join(["recordings", *([f"speaker {speaker}"] if speaker else []), *([language] if language else [])])
    meant = [row for row in known if _is(row, "language", language) and _is(row, "speaker", speaker)]
    if not meant:
        names = sorted({row.get("speaker" if speaker else "language") or "none" for row in known})
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise InputError(f"there are no {what} outside of split test; there are: {shown}")
    learn = [row for row in meant if row["split"] == "train" or speaker]
    gate = [] if speaker else [row for row in meant if row["split"] == "val"]
    if not gate:
        learn, gate = _part(learn)
    learn, stop = _part(learn)
    if not (learn and stop and gate):
        raise InputError(
            f"{len(meant)} {what} are too few to learn from, to say when to stop and to judge; prepare more"
        )
    return Choice(learn, stop, gate, not {row["speaker"] for row in gate} & {row["speaker"] for row in learn + stop})


def _is(row: Row, name: str, value: str) -> bool:
    return not value or row.get(name, "") == value


def _part(found: list[Row]) -> tuple[list[Row], list[Row]]:
    """A fifth kept aside: whole speakers, at even steps from the longest to the shortest, or recordings."""
    lengths: dict[str, int] = {}
    for row in found:
        lengths[row["speaker"]] = lengths.get(row["speaker"], 0) + int(row.get("frames") or 1)
    if len(lengths) < SPEAKERS:
        return [row for k, row in enumerate(found) if k % SHARE != SHARE // 2], found[SHARE // 2 :: SHARE]
    ordered = sorted(lengths, key=lambda name: (-lengths[name], name))
    aside = set(ordered[SHARE // 2 :: SHARE])
    return [r for r in found if r["speaker"] not in aside], [r for r in found if r["speaker"] in aside]


def view(source: Path, folder: Path, train: list[Row], val: list[Row]) -> Path:
    """A prepared folder of these recordings at ``folder``; its files are links to those of ``source``.

    Raises:
        OutputError: it cannot be written, or the disk knows no links.
    """
    chosen = [{**row, "split": split} for split, part in (("train", train), ("val", val)) for row in part]
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        for entry in sorted(source.iterdir()):
            if entry.name not in {"manifest.csv", "filelists"}:
                (folder / entry.name).symlink_to(entry.resolve(), target_is_directory=entry.is_dir())
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as lines:
            writer = csv.DictWriter(lines, list(chosen[0]))
            writer.writeheader()
            writer.writerows(chosen)
        if (source / "filelists").is_dir():
            layouts.write_lists(folder, [(row["split"], row["id"], row["speaker"]) for row in chosen])
    except OSError as error:
        raise OutputError(f"{folder} cannot be made, with links to {source}: {error.strerror or error}") from error
    return folder
