"""LRS3 (Afouras et al., "LRS3-TED", 2018): ``pretrain``, ``trainval`` and ``test``, in each ``<id>/<5 digits>.mp4``.

``test`` is the test split. ``pretrain`` and ``trainval`` share their speakers, so that neither is a split: which of
their speakers are val is for `lipwright.prepare` to say. An ``<id>`` is a channel, which stands for the speaker.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lipwright.datasets._walk import name, videos
from lipwright.errors import InputError
from lipwright.types import DataItem

PARTS = {"pretrain": "", "trainval": "", "test": "test"}


def items(data: Path) -> Iterator[DataItem]:
    """The clips of the parts that are there; InputError where none is."""
    top = next((f for f in (data, *(data / n for n in ("lrs3", "lrs3_v0.4"))) if _has(f)), None)
    if top is None:
        raise InputError(f"{data} is not laid out as LRS3: it has none of the folders {', '.join(PARTS)}")
    for part, split in PARTS.items():
        for path in videos(top / part) if (top / part).is_dir() else ():
            yield DataItem(name(path, top), path, path.parent.name, split, "en", "LRS3")


def _has(folder: Path) -> bool:
    return any((folder / part).is_dir() for part in PARTS)
