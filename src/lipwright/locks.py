"""One process at a time in a folder: by a file that the system unlocks, however the process that holds it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

from lipwright.errors import InputError

NAME = ".lock"


def take(file: IO[Any]) -> bool:
    """Lock an open file; False where another process holds it, or nothing can be locked."""
    try:
        _lock(file)
    except OSError:
        return False
    return True


def hold(folder: Path, otherwise: str) -> IO[str]:
    """Hold a folder, until what is returned is closed; everybody may where nothing can be locked.

    Raises:
        InputError: another process holds it, which ``otherwise`` says.
        OSError: nothing can be written to the folder.
    """
    file = (folder / NAME).open("a", encoding="utf-8")
    try:
        _lock(file)
    except BlockingIOError as problem:
        file.close()
        raise InputError(otherwise) from problem
    except OSError:  # a file system without locks
        pass
    return file


def _lock(file: IO[Any]) -> None:
    """Raises BlockingIOError where another holds it, OSError where nothing can be locked, as on Windows, whose locks
    keep a folder from being removed."""
    if sys.platform == "win32":
        raise OSError("no locks here")
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
