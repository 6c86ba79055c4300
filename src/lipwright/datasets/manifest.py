"""Any footage, described by a table: ``manifest.csv`` in the data folder.

Columns ``file`` (relative path), ``speaker``, ``split`` (train, val, test); ``language`` and ``source`` are
read where they are there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lipwright.errors import InputError
from lipwright.types import DataItem

NEEDED = ("file", "speaker", "split")


def items(data: Path) -> Iterator[DataItem]:
    """The clips that ``data/manifest.csv`` lists."""
    table = data / "manifest.csv"
    if not table.is_file():
        raise InputError(f"{table} is missing; a manifest dataset is described by it, with the columns {NEEDED}")
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{table} lacks the columns {missing}; it has {reader.fieldnames}")
        for row in reader:
            path = data / row["file"]
            name = path.relative_to(data).with_suffix("").as_posix().replace("/", "_")
            yield DataItem(
                name, path, row["speaker"], row["split"], row.get("language") or "und", row.get("source") or ""
            )
