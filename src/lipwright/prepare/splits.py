"""Which speakers are learned from, which say when to stop, and which are only judged."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lipwright.types import DataItem

LONGEST = 180
"""Bytes of an id: file systems take names of 255."""
TAKEN = (".expert", ".part")
"""Endings of the names of what is kept of a recording, which no id has."""
SHARE = 0.1
"""The part of the clips that val, and test, get where a dataset has no splits."""


def assigned(items: Sequence[DataItem]) -> list[DataItem]:
    """The items, each with a split: the dataset's own where it has one, else by speaker, the same every time.

    A speaker who has a split for other clips gets the same for the rest. The others are put in an order that depends on
    nothing but their names (sha256), and val and then test take whole speakers from it until they hold a tenth of
    the clips, where the dataset has none of that split. Two speakers are train and val; one speaker is all three,
    by clips, so that val says nothing of others: `lipwright.prepare.doctor` says so.
    """
    known = {item.speaker: item.split for item in items if item.split}
    open_ = [item for item in items if not item.split]
    free = Counter(item.speaker for item in open_ if item.speaker not in known)
    if len({item.speaker for item in items}) == 1 and not known:
        parted = _parted(Counter(item.id for item in items), set())
        return [replace(item, split=parted[item.id]) for item in items]
    chosen = known | _parted(free, set(known.values()))
    return [item if item.split else replace(item, split=chosen[item.speaker]) for item in items]


def _parted(counts: Counter[str], there: Iterable[str]) -> dict[str, str]:
    """A split for each name; ``counts`` says how many clips each has, ``there`` which splits need none."""
    order = sorted(counts, key=lambda name: hashlib.sha256(name.encode()).digest())
    wanted = [split for split in ("val", "test") if split not in set(there)][: max(0, len(order) - 1)]
    found: dict[str, str] = {}
    for after, split in zip(range(len(wanted), 0, -1), wanted, strict=True):
        held = 0
        while held < SHARE * counts.total() and len(order) > after:
            name = order.pop(0)
            found[name], held = split, held + counts[name]
    return found | dict.fromkeys(order, "train")


def unique(items: Iterable[DataItem]) -> list[DataItem]:
    """The items, in order; one whose id was there before, or cannot be that of a file, gets another, by its path."""
    seen: set[str] = set()
    found = []
    for item in items:
        if item.id in seen or len(item.id.encode()) > LONGEST or item.id.endswith(TAKEN):
            short = item.id.encode()[:LONGEST].decode(errors="ignore")
            item = replace(item, id=f"{short}_{hashlib.sha256(str(item.path).encode()).hexdigest()[:8]}")
        seen.add(item.id)
        found.append(item)
    return found
