"""The studio in the browser, and the REST API that it uses: ``lipwright serve``.

::

    settings  what is taken, and how much of it
    asked     what a request may say, verb by verb
    jobs      uploads and jobs in SQLite: queued, running, done, failed, cancelled
    uploads   a body streamed to a file, and what that file is
    children  processes of their own, with limits: they look at uploads and do the verbs' work (``worker``)
    crew      gives jobs to such processes, and takes up what a killed server left
    hooks     tells an address that a job has ended
    cleaning  deletes what is old
    guard     who may ask: token, host, origin, rate
    app       the routes
    page/     the studio
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright import serving
from lipwright.errors import InputError

if TYPE_CHECKING:
    from lipwright.web.server import Studio


def serve(
    *,
    host: str = serving.LOOPBACK,
    port: int = serving.PORT,
    folder: str | Path | None = None,
    token: str = "",
    workers: int = 1,
    keep: float = 24.0,
    most_size: int = 2048,
    most_minutes: float = 30.0,
    time_limit: float = 120.0,
    memory: float = 8.0,
    names: tuple[str, ...] = (),
    webhooks: str = "off",
) -> Studio:
    """A studio in the browser and a REST API at ``host`` and ``port``, once its ``run()`` is called.

    Args:
        host: the address to listen at; others than this machine reach it only where that is not a loopback address.
        port: 0 takes a free one.
        folder: where uploads and jobs lie; "serve" in lipwright's cache unless told. One server at a time holds it.
        token: what callers must show, at least 16 letters; a new one unless told.
        workers: jobs that are done at the same time, each in a process of its own.
        keep: hours after which uploads and ended jobs are deleted.
        most_size: MiB that a file may have.
        most_minutes: length of a video or a sound that is taken.
        time_limit: minutes that a job may take.
        memory: GiB that a job may use.
        names: host names under which the server is reached, beside its addresses and localhost.
        webhooks: "off"; "public" tells addresses on the internet that a job has ended; "any" also those of this
            machine and its network.

    Raises:
        InputError: an option out of range; nothing can listen there; another server holds the folder.
        OutputError: the folder cannot be written.
        MissingExtraError: the extra ``web`` is not installed.
    """
    from lipwright.web.server import Studio
    from lipwright.web.settings import Settings

    if not math.isfinite(memory):
        raise InputError(f"the memory of a job is a number of GiB; given {memory} (--memory)")
    settings = Settings(
        workers=workers,
        keep_hours=keep,
        most_bytes=most_size << 20,
        most_seconds=most_minutes * 60,
        job_seconds=time_limit * 60,
        memory=round(memory * (1 << 30)),
        names=tuple(names),
        webhooks=webhooks,
    )
    return Studio(settings, host=host, port=port, folder=folder, token=token)
