"""What a folder of a comparison holds already, so that the same call does not do it again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from lipwright import __version__
from lipwright.media.target import beside, refused
from lipwright.ondisk import content_key

STATE = ".compare.json"


class Kept:
    """What was done in ``folder``, by kind and name, each with a signature of all that it depends on.

    A state that cannot be read counts as none.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        self._done: dict[str, Any] = found if isinstance(found, dict) else {}

    def __call__(self, kind: str, name: str, signature: str) -> Any:
        """What was found under this signature, or None."""
        one = self._done.get(f"{kind} {name}")
        return one.get("found") if isinstance(one, dict) and one.get("signature") == signature else None

    def add(self, kind: str, name: str, signature: str, found: Any) -> None:
        """Remember what was found, on the disk, too."""
        self._done[f"{kind} {name}"] = {"signature": signature, "found": found}
        write_text(self._path, json.dumps(self._done))


def write_text(path: Path, text: str) -> None:
    """Write a text beside ``path`` and rename it. Raises OutputError."""
    with beside(path, path.parent) as part, refused(path):
        part.write_text(text, encoding="utf-8")


def signature(*said: object, files: tuple[str | Path | None, ...] = ()) -> str:
    """sha256 of this version, of what is ``said``, and of the content of ``files`` (what is no file counts by name)."""
    known = [content_key(Path(file)) if file and Path(file).is_file() else str(file) for file in files]
    return hashlib.sha256(repr((__version__, said, known)).encode("utf-8", "surrogateescape")).hexdigest()
