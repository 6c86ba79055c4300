"""What the API tells: the models of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel

from lipwright.web.crew import Going
from lipwright.web.jobs import Job, Jobs, Upload

RESULTS = {"video.mp4": "video/mp4", "speech.wav": "audio/wav", "report.html": "text/html; charset=utf-8"}
"""Files that jobs leave, and how a browser reads them."""
MAIN = ("video.mp4", "speech.wav")
"""Those that another job may take."""

Verb = Literal["check", "dub", "finish", "measure", "repair", "speak"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["video", "picture", "sound", "subtitles"]


class Problem(BaseModel):
    """What is wrong, in a sentence."""

    detail: str


class Found(BaseModel):
    """An upload: what it is called, what it is, and for how long."""

    id: str
    name: str
    kind: Kind
    bytes: int
    created: datetime
    seconds: float
    size: tuple[int, int]
    fps: float
    sound: bool
    content: str

    @classmethod
    def of(cls, upload: Upload) -> Found:
        """What is told of an upload."""
        about = upload.about
        return cls(
            id=upload.id,
            name=upload.name,
            kind=about["kind"],
            bytes=upload.bytes,
            created=_when(upload.created),
            seconds=about["seconds"],
            size=(about["size"][0], about["size"][1]),
            fps=about["fps"],
            sound=about["sound"],
            content=f"/api/v1/uploads/{upload.id}/content",
        )


class FaceSeen(BaseModel):
    """A face on a frame: ``box`` x0 y0 x1 y1 px; ``face``, what names it in a job's options."""

    number: int
    box: tuple[int, int, int, int]
    face: str


class FacesSeen(BaseModel):
    """The faces of a frame at ``at`` seconds, ``size`` (width, height) px; ``picture``, where the frame lies."""

    at: float
    size: tuple[int, int]
    faces: list[FaceSeen]
    picture: str


class Result(BaseModel):
    """A file that a job left."""

    name: str
    type: str
    bytes: int
    url: str


class Told(BaseModel):
    """A job: its state, ``progress`` 0-1, ``what`` is done now, ``seconds_left`` where that can be told, the sentence
    ``error`` where it failed, ``inputs`` by role as their owner calls them, and ``results``."""

    id: str
    verb: Verb
    state: State
    created: datetime
    started: datetime | None
    ended: datetime | None
    progress: float
    what: str
    seconds_left: float | None
    error: str
    inputs: dict[str, str]
    options: dict[str, Any]
    results: list[Result]
    webhook: str

    @classmethod
    def of(cls, job: Job, jobs: Jobs, going: Going | None = None) -> Told:
        """What is told of a job; ``going``, how far it is."""
        running = going if job.state == "running" else None
        progress = 1.0 if job.state == "done" else 0.0 if running is None else running.progress
        folder = jobs.job_folder(job.id) / "results"
        files = [name for name in RESULTS if job.state == "done" and (folder / name).is_file()]
        results = [
            Result(name=n, type=RESULTS[n], bytes=(folder / n).stat().st_size, url=f"/api/v1/jobs/{job.id}/results/{n}")
            for n in files
        ]
        return cls(
            id=job.id,
            verb=cast(Verb, job.verb),
            state=cast(State, job.state),
            created=_when(job.created),
            started=None if job.started is None else _when(job.started),
            ended=None if job.ended is None else _when(job.ended),
            progress=progress,
            what="" if running is None else running.what,
            seconds_left=None if running is None else running.left,
            error=job.error,
            inputs=job.names,
            options=job.options,
            results=results,
            webhook=job.hook_said,
        )


class Answered(BaseModel):
    """What a verb answers: ``text`` for people, ``data`` as its ``--json``."""

    text: str
    data: Any


class Uploads(BaseModel):
    """A page of uploads, newest first, of ``total``."""

    items: list[Found]
    total: int


class ToldJobs(BaseModel):
    """A page of jobs, newest first, of ``total``."""

    items: list[Told]
    total: int


class About(BaseModel):
    """What this server does, and how much of it is taken."""

    version: str
    verbs: list[str]
    dubbers: list[str]
    experts: list[str]
    languages: dict[str, str]
    most_bytes: int
    most_seconds: float
    keep_hours: float
    webhooks: str


def title(job: Job, name: str) -> str:
    """What a result is called where it is kept: after the video it was made from."""
    stem = Path(job.names.get("video", "lipwright")).stem
    return f"{stem}-{job.verb}{Path(name).suffix}"


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
