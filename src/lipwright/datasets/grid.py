"""GRID (Cooke et al., "An audio-visual corpus", 2006): 34 speakers, 1000 sentences each, folders ``s1`` to ``s34``.

The speakers' folders may lie in ``data`` or deeper, and the videos in them at any depth (``s1/bbaf2n.mpg``,
``s1/video/mpg_6000/bbaf2n.mpg``, ``video/s1/...``). Where a sentence is there twice, in two sizes, the larger file is
taken. There are no splits, and no picture of speaker 21 was ever published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lipwright.datasets._walk import videos
from lipwright.errors import InputError
from lipwright.types import DataItem

SPEAKER = re.compile(r"s([1-9]|[12]\d|3[0-4])", re.ASCII)


def items(data: Path) -> Iterator[DataItem]:
    """One clip for each sentence of each speaker; InputError where there is no speaker's folder."""
    largest: dict[tuple[str, str], Path] = {}
    for path in videos(data):
        folders = [part for part in path.relative_to(data).parts[:-1] if SPEAKER.fullmatch(part)]
        key = (folders[0] if folders else "", path.stem)
        if folders and (key not in largest or path.stat().st_size > largest[key].stat().st_size):
            largest[key] = path
    if not largest:
        raise InputError(f"{data} is not laid out as GRID: no folder s1 to s34 in it holds a video")
    for (speaker, sentence), path in largest.items():
        yield DataItem(f"{speaker}_{sentence}", path, speaker, "", "en", "GRID")
