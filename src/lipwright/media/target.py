"""Where a file is written: its place checked first, its content written beside it and renamed."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from lipwright import ondisk
from lipwright.errors import OutputError


def checked_target(path: str | Path, suffixes: Collection[str], inputs: tuple[Path | None, ...]) -> Path:
    """``path`` as an absolute Path that takes a file, ends in one of ``suffixes`` and is none of the ``inputs``.

    Raises OutputError that says what is in the way.
    """
    target = ondisk.named(path).absolute()
    with refused(target):
        if target.is_dir():
            raise OutputError(f"{target} is a folder; give the name of a file")
        if target.suffix.lower() not in suffixes:
            known = ", ".join(suffixes)
            raise OutputError(f"{target} does not say what kind of video to write; end its name in {known}")
        if not target.parent.is_dir():
            raise OutputError(f"there is no folder {target.parent}; make it first or give another place")
        for source in inputs:
            if source and source.exists() and target.exists() and target.samefile(source):
                raise OutputError(f"{target} is an input; give the output another name")
        part = _part(target, target.parent)
        part.touch()
        part.unlink()
    return target


@contextmanager
def beside(target: Path, folder: Path) -> Iterator[Path]:
    """A file to write in ``folder``; takes the name ``target`` at the end, vanishes on any failure."""
    part = _part(target, folder)
    try:
        yield part
        with refused(target):
            part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def refused(target: Path) -> Iterator[None]:
    """Says in a sentence what the system refused (OutputError); ffmpeg's own errors are among these."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(why(target, error)) from error


def why(target: Path, error: Exception) -> str:
    """The sentence for a file that could not be written."""
    reason = getattr(error, "strerror", None) or str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    return f"{target} cannot be written ({reason}); {'free some space' if full else 'give another place or name'}"


def _part(target: Path, folder: Path) -> Path:
    return folder / f"{target.stem}.{token_hex(4)}.part{target.suffix}"
