"""Delete what is old: uploads, ended jobs, and folders that nothing knows of."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from lipwright.web.aside import Aside
from lipwright.web.jobs import Jobs

EVERY = 60.0
"""Seconds between two looks."""
STRAY = 86400.0
"""Seconds after which a folder that no upload or job is known by is deleted: a file may still be on its way into it."""


def clean(jobs: Jobs, keep_hours: float, now: float | None = None) -> int:
    """Delete what was uploaded, or ended, more than ``keep_hours`` before ``now`` (s since 1970); how many things."""
    now = time.time() if now is None else now
    uploads, ended = jobs.old(now - keep_hours * 3600)
    count = sum(jobs.remove_upload(number) for number in uploads) + sum(jobs.remove_job(number) for number in ended)
    known = jobs.known()
    for folder in [*(jobs.folder / "uploads").iterdir(), *(jobs.folder / "jobs").iterdir()]:
        if folder.is_dir() and folder.name not in known and now - folder.stat().st_mtime > STRAY:
            shutil.rmtree(folder, ignore_errors=True)
            count += 1
    return count


class Cleaner(Aside):
    """Cleans every minute."""

    def __init__(self, jobs: Jobs, keep_hours: float) -> None:
        super().__init__()
        self._jobs, self._keep = jobs, keep_hours

    def _work(self) -> None:
        while True:
            with suppress(OSError, SQLAlchemyError):  # a full disk, a folder that others deleted: again in a minute
                clean(self._jobs, self._keep)
            if self._end.wait(EVERY):
                return
