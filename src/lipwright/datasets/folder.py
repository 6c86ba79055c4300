"""Any folder of videos, however deep; the first sub-folder is the speaker, at the top the file itself is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lipwright.datasets._walk import name, videos, word
from lipwright.types import DataItem


def items(data: Path) -> Iterator[DataItem]:
    """Every video in ``data`` and its sub-folders; no splits."""
    for path in videos(data):
        first, *rest = path.relative_to(data).parts
        yield DataItem(name(path, data), path, word(first if rest else path.stem), "")
