"""From a request to a queued job: files found, kinds checked, and the same request not done twice."""

from __future__ import annotations

import errno
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from lipwright.errors import InputError, OutputError
from lipwright.web import hooks
from lipwright.web.asked import TAKES, Requests, Webhook
from lipwright.web.jobs import Job, Jobs, Taken, new_id
from lipwright.web.settings import Settings
from lipwright.web.told import MAIN, RESULTS, title
from lipwright.web.uploads import FULL


class Conflict(InputError):  # noqa: N818
    """An idempotency key that stands for another request."""


class Busy(InputError):  # noqa: N818
    """Too many jobs wait."""


@dataclass(frozen=True)
class _File:
    """A file that a request names: where it lies, what its owner calls it, its kind, and its type."""

    path: Path
    name: str
    kind: str
    type: str


def queued(request: Requests, key: str | None, jobs: Jobs, settings: Settings) -> tuple[Job, bool]:
    """The job of a request, and whether it is new: one with the same ``key`` and body is the job it was.

    Raises InputError for what cannot be done, Conflict for a key with another body, Busy for too many that wait,
    OutputError where the disk is full.
    """
    body = hashlib.sha256(json.dumps(request.model_dump(), sort_keys=True).encode()).hexdigest()
    if key is not None and (known := jobs.keyed(key)) is not None:
        return _same(known, body), False
    hook = _hook(request.webhook, settings)
    files = {role: _file(role, number, jobs) for role, number in _inputs(request.inputs).items()}
    if jobs.waiting() >= settings.most_jobs:
        raise Busy(f"{settings.most_jobs} jobs wait; ask again when some are done")
    job = Job(
        id=new_id(),
        verb=request.verb,
        created=time.time(),
        inputs={role: f"{role}.{_suffix(file)}" if role == "srt" else role for role, file in files.items()},
        names={role: file.name for role, file in files.items()},
        types={role: file.type for role, file in files.items()},
        options=request.options.given(),
        key=key,
        body=body,
        hook="" if hook is None else hook.url,
        hook_secret="" if hook is None else hook.secret,
    )
    try:
        return jobs.add_job(job, {role: file.path for role, file in files.items()}), True
    except Taken:
        known = jobs.keyed(key or "")
        if known is None:
            raise Conflict("the idempotency key was another job's; use a new one") from None
        return _same(known, body), False
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(FULL) from problem
        raise InputError("a file of the job was deleted meanwhile; upload it again") from problem


def _same(known: Job, body: str) -> Job:
    if known.body != body:
        raise Conflict("the idempotency key stands for another request; use a new one")
    return known


def _inputs(inputs: BaseModel) -> dict[str, str]:
    return {role: number for role, number in inputs.model_dump().items() if number is not None}


def _suffix(file: _File) -> str:
    """The end of a subtitle file's name, which may say the language: talk.fr.srt; letters alone."""
    words = [word for word in file.name.split(".")[1:] if word.isascii() and word.isalnum()]
    return ".".join(words[-2:]).lower() or "srt"


def _file(role: str, number: str, jobs: Jobs) -> _File:
    """The file that an id stands for, in a role that takes its kind."""
    found = _found(number, jobs)
    if found is None or not found.path.is_file():
        raise InputError(f"{role}: there is no upload and no done job {number}")
    if found.kind not in TAKES[role]:
        raise InputError(f"{role}: {found.name} is of the kind {found.kind}; give {' or '.join(TAKES[role])}")
    return found


def _found(number: str, jobs: Jobs) -> _File | None:
    upload = jobs.upload(number)
    if upload is not None:
        return _File(jobs.upload_folder(number) / "file", upload.name, upload.kind, upload.about["type"])
    job = jobs.job(number)
    if job is None or job.state != "done":
        return None
    for name in MAIN:
        path = jobs.job_folder(number) / "results" / name
        if path.is_file():
            return _File(path, title(job, name), "video" if name == "video.mp4" else "sound", RESULTS[name])
    return None


def _hook(hook: Webhook | None, settings: Settings) -> Webhook | None:
    if hook is None:
        return None
    if settings.webhooks == "off":
        raise InputError("webhooks are off; start the server with --webhooks public to allow them")
    hooks.checked(hook.url, anywhere=settings.webhooks == "any")
    return hook
