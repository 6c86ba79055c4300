"""CREMA-D (Cao et al., 2014): 91 actors, 12 sentences in 6 emotions, ``VideoFlash/1001_DFA_ANG_XX.flv``.

A name is actor, sentence, emotion (ANG, DIS, FEA, HAP, NEU, SAD) and its level (LO, MD, HI, XX). The videos may have
been converted and may lie anywhere in the folder; a clip that is there twice is taken once. There are no splits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lipwright.datasets._walk import videos
from lipwright.errors import InputError
from lipwright.types import DataItem

NAME = re.compile(r"(?P<actor>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>[A-Z]{1,2})", re.ASCII)


def items(data: Path) -> Iterator[DataItem]:
    """The clips whose names are CREMA-D's, the emotion in their source; InputError where there is none."""
    seen: set[str] = set()
    for path in videos(data):
        found = NAME.fullmatch(path.stem)
        if found is not None and path.stem not in seen:
            seen.add(path.stem)
            yield DataItem(path.stem, path, found["actor"], "", "en", f"CREMA-D {found['emotion']} {found['level']}")
    if not seen:
        raise InputError(f"{data} is not laid out as CREMA-D: no video in it has a name like 1001_DFA_ANG_XX.flv")
