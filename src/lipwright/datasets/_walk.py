"""What members share: videos of a folder, names of clips, lists of clips."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lipwright.errors import InputError

KINDS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".flv", ".wmv", ".ts", ".3gp"})
"""Endings of files that are taken for videos, in lower case."""

SPLITS = ("train", "val", "test")


def videos(folder: Path) -> Iterator[Path]:
    """Every video of a folder and those in it, by name; hidden files and folders are left out.

    Raises InputError where it is no folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder in which the dataset lies")
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in KINDS and not hidden and path.is_file():
            yield path


def name(path: Path, folder: Path) -> str:
    """The id of a clip: its way from the folder without the ending, ``_`` between the parts."""
    return word(path.relative_to(folder).with_suffix("").as_posix())


def word(text: str) -> str:
    """``text`` as a name that any file system takes: letters, digits, ``.``, ``-`` and ``_``."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "_"


def lists(*folders: Path) -> dict[str, str]:
    """The split of each clip that ``train.txt``, ``val.txt`` or ``test.txt`` names; the first word of a line counts.

    Looked for in ``folders`` and in ``filelists`` of each; the first of them that has a list is taken.

    Raises InputError for a clip that two lists name, and for a list that is no text.
    """
    for folder in (place for each in folders for place in (each, each / "filelists")):
        there = [(split, folder / f"{split}.txt") for split in SPLITS if (folder / f"{split}.txt").is_file()]
        if there:
            break
    else:
        return {}
    found: dict[str, str] = {}
    for split, path in there:
        for clip in _lines(path):
            if found.setdefault(clip, split) != split:
                raise InputError(f"{path} names {clip}, and so does {found[clip]}.txt; a clip belongs to one split")
    return found


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a list of clips: it is no UTF-8 text") from None
    return [line.split()[0].removesuffix(".mp4") for line in text.splitlines() if line.strip()]
