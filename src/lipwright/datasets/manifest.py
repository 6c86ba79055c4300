"""Any footage, described by a table: ``manifest.csv`` in the data folder.

Columns ``file`` (relative path), ``speaker``, ``split`` (train, val, test, or empty); ``language`` and ``source`` are
read where they are there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lipwright.datasets._walk import SPLITS, name
from lipwright.errors import InputError
from lipwright.types import DataItem

NEEDED = ("file", "speaker", "split")


def items(data: Path) -> Iterator[DataItem]:
    """The clips that ``data/manifest.csv`` lists."""
    table = data / "manifest.csv"
    if not table.is_file():
        raise InputError(f"{table} is missing; a manifest dataset is described by it, with the columns {NEEDED}")
    try:
        yield from _listed(data, table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table} is no table in UTF-8 ({error}); save it as CSV, UTF-8") from error


def _listed(data: Path, table: Path) -> Iterator[DataItem]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{table} lacks the columns {missing}; it has {reader.fieldnames}")
        for row in reader:
            path, split = data / (row["file"] or ""), row["split"] or ""
            where = f"{table}, line {reader.line_num}"
            if path == data or Path(row["file"]).is_absolute() or ".." in path.relative_to(data).parts:
                raise InputError(f"{where}: file must be a path inside {data}; it is {row['file']!r}")
            if split not in ("", *SPLITS):
                raise InputError(f"{where}: split must be {', '.join(SPLITS)} or empty; it is {split!r}")
            speaker, language = row["speaker"] or path.stem, row.get("language") or "und"
            yield DataItem(name(path, data), path, speaker, split, language, row.get("source") or "")
