"""The REST API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Header, HTTPException, Path as InPath, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from lipwright import __version__, languages, registry
from lipwright.web import asking, guard
from lipwright.web.asked import JobRequest
from lipwright.web.crew import Crew
from lipwright.web.jobs import Job, Jobs, Upload
from lipwright.web.settings import Settings
from lipwright.web.told import (
    RESULTS,
    About,
    Answered,
    FaceSeen,
    FacesSeen,
    Found,
    Problem,
    State,
    Told,
    ToldJobs,
    Uploads,
    Verb,
    title,
)
from lipwright.web.uploads import Taker

BASE = "/api/v1"
VERBS = get_args(Verb)
WEEK = 7 * 86400
ALONE = "default-src 'none'; sandbox"
REPORT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
"""What files of others may do in a browser: nothing; a report may have its own styles and pictures."""

Number = Annotated[str, InPath(pattern="^[0-9a-f]{24}$")]
Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
At = Annotated[float, Query(ge=0, le=86400, allow_inf_nan=False, description="seconds")]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", pattern="^[!-~]{1,200}$", description="the same again gives the same job"),
]
Save = Annotated[bool, Query(description="as a file to keep")]

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers that tell what is wrong."""
    return {status: {"model": Problem} for status in (400, 401, 403, 413, 421, 422, 429, 503, *statuses)}


class Token(BaseModel):
    """What the server said when it started."""

    token: str


def add(app: FastAPI, jobs: Jobs, crew: Crew, taker: Taker, settings: Settings, token: str) -> None:
    """Add all routes."""
    for router in (_session(settings, token), _uploads(jobs, taker), _jobs(jobs, crew, settings), _files(jobs)):
        app.include_router(router, prefix=BASE)


def _session(settings: Settings, token: str) -> APIRouter:
    """The page's way in, and what it shows at first."""
    router = APIRouter()

    @router.post("/session", status_code=204, responses=problems(), openapi_extra={"security": []})
    def enter(given: Token) -> Response:
        """Give the token, and get a cookie that stands for it."""
        if not guard.same(given.token, token):
            raise HTTPException(401, "this is not the token that the server said when it started")
        answer = Response(status_code=204)
        answer.set_cookie(guard.COOKIE, guard.session(token), max_age=WEEK, httponly=True, samesite="strict", path="/")
        return answer

    @router.get("/about", responses=problems())
    def about() -> About:
        """What this server does, and how much of it is taken."""
        return About(
            version=__version__,
            verbs=list(VERBS),
            dubbers=registry.members("dubbers"),
            experts=registry.members("experts"),
            languages={code: languages.find(code).name for code in registry.members("languages")},
            most_bytes=settings.most_bytes,
            most_seconds=settings.most_seconds,
            keep_hours=settings.keep_hours,
            webhooks=settings.webhooks,
        )

    return router


def _uploads(jobs: Jobs, taker: Taker) -> APIRouter:
    router = APIRouter(tags=["uploads"])

    @router.post("/uploads", status_code=201, responses=problems(507), openapi_extra=_FORM)
    async def upload(request: Request, response: Response) -> Found:
        """Give a video, a picture, a sound or subtitles (.srt, .vtt), in the field file of a form."""
        said = int(request.headers.get("content-length", "0"))
        number, form = await taker.take(request.headers.get("content-type", ""), request.stream(), said)
        found = await run_in_threadpool(taker.look, number, form)
        response.headers["location"] = f"{BASE}/uploads/{number}"
        return Found.of(found)

    @router.get("/uploads", responses=problems())
    def uploads(limit: Limit = 20, offset: Offset = 0) -> Uploads:
        """Files that were uploaded, newest first."""
        items, total = jobs.uploads(limit, offset)
        return Uploads(items=[Found.of(each) for each in items], total=total)

    @router.get("/uploads/{number}", responses=problems(404))
    def one(number: Number) -> Found:
        """One upload."""
        return Found.of(_upload(jobs, number))

    @router.delete("/uploads/{number}", status_code=204, responses=problems(404))
    def remove(number: Number) -> Response:
        """Delete an upload. Jobs that use it keep a copy until they are deleted."""
        if not jobs.remove_upload(number):
            raise HTTPException(404, f"there is no upload {number}")
        return Response(status_code=204)

    @router.get("/uploads/{number}/content", response_class=FileResponse, responses=_file_answers())
    def content(number: Number) -> Response:
        """The file itself; parts of it by range requests."""
        found = _upload(jobs, number)
        return _file(jobs.upload_folder(number) / "file", found.about["type"], found.name)

    @router.get("/uploads/{number}/faces", responses=problems(404))
    def faces(number: Number, at: At = 0.0) -> FacesSeen:
        """The faces of a video or a picture on the frame at a second, from left to right."""
        seen = _seen(taker, _upload(jobs, number), at)
        people = [FaceSeen.model_validate(each) for each in seen["faces"]]
        picture = f"{BASE}/uploads/{number}/frame?at={round(at * 1000) / 1000:g}"
        return FacesSeen(at=seen["at"], size=seen["size"], faces=people, picture=picture)

    @router.get("/uploads/{number}/frame", response_class=FileResponse, responses=_file_answers())
    def frame(number: Number, at: At = 0.0) -> Response:
        """The frame of a video at a second, as a PNG."""
        found, place = _upload(jobs, number), jobs.upload_folder(number) / f"frame-{round(at * 1000)}.png"
        if not place.is_file():
            _seen(taker, found, at)
        return _file(place, "image/png", "frame.png")

    return router


def _seen(taker: Taker, upload: Upload, at: float) -> dict[str, Any]:
    return taker.faces(upload, at)


def _jobs(jobs: Jobs, crew: Crew, settings: Settings) -> APIRouter:
    router = APIRouter(tags=["jobs"])

    @router.post("/jobs", status_code=201, responses={200: {"model": Told}, **problems(409, 507)})
    def ask(request: JobRequest, response: Response, key: Key = None) -> Told:
        """Ask for a job. Its inputs are ids of uploads, or of done jobs whose result is meant."""
        job, new = asking.queued(request, key, jobs, settings)
        crew.wake()
        response.status_code = 201 if new else 200
        response.headers["location"] = f"{BASE}/jobs/{job.id}"
        return Told.of(job, jobs, crew.going(job.id))

    @router.get("/jobs", responses=problems())
    def several(limit: Limit = 20, offset: Offset = 0, state: State | None = None) -> ToldJobs:
        """Jobs, newest first."""
        items, total = jobs.jobs(limit, offset, state)
        return ToldJobs(items=[Told.of(each, jobs, crew.going(each.id)) for each in items], total=total)

    @router.get("/jobs/{number}", responses=problems(404))
    def one(number: Number) -> Told:
        """One job, and how far it is."""
        return Told.of(_job(jobs, number), jobs, crew.going(number))

    @router.post("/jobs/{number}/cancel", responses=problems(404))
    def cancel(number: Number) -> Told:
        """End a job at once; one that has ended stays as it is."""
        _job(jobs, number)
        crew.cancel(number)
        return Told.of(_job(jobs, number), jobs)

    @router.delete("/jobs/{number}", status_code=204, responses=problems(404))
    def remove(number: Number) -> Response:
        """End a job if need be, and delete it with all its files."""
        _job(jobs, number)
        crew.cancel(number)
        if not jobs.remove_job(number):
            raise HTTPException(404, f"there is no job {number}")
        return Response(status_code=204)

    @router.get("/jobs/{number}/answer", responses=problems(404))
    def answer(number: Number) -> Answered:
        """What the verb answers: text for people, data as its --json."""
        job = _job(jobs, number)
        place = jobs.job_folder(number) / "answer.json"
        if job.state != "done" or not place.is_file():
            raise HTTPException(404, f"the job {number} is {job.state}; an answer is there when it is done")
        return Answered.model_validate(json.loads(place.read_text(encoding="utf-8")))

    return router


def _files(jobs: Jobs) -> APIRouter:
    router = APIRouter(tags=["jobs"])

    @router.get("/jobs/{number}/results/{name}", response_class=FileResponse, responses=_file_answers())
    def result(number: Number, name: Literal["video.mp4", "speech.wav", "report.html"], save: Save = False) -> Response:
        """A file that a job left; parts of it by range requests."""
        job, place = _job(jobs, number), jobs.job_folder(number) / "results" / name
        if job.state != "done" or not place.is_file():
            raise HTTPException(404, f"the job {number} has no {name}")
        return _file(place, RESULTS[name], title(job, name), save=save, policy=REPORT if "html" in name else ALONE)

    @router.get("/jobs/{number}/inputs/video", response_class=FileResponse, responses=_file_answers())
    def given(number: Number) -> Response:
        """The video that a job was given, to compare its result with."""
        job, place = _job(jobs, number), jobs.job_folder(number) / "inputs" / "video"
        if not place.is_file():
            raise HTTPException(404, f"the job {number} was given no video")
        return _file(place, job.types["video"], job.names["video"])

    return router


def _upload(jobs: Jobs, number: str) -> Upload:
    found = jobs.upload(number)
    if found is None:
        raise HTTPException(404, f"there is no upload {number}")
    return found


def _job(jobs: Jobs, number: str) -> Job:
    found = jobs.job(number)
    if found is None:
        raise HTTPException(404, f"there is no job {number}")
    return found


def _file_answers() -> dict[int | str, dict[str, Any]]:
    binary = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
    return {200: binary, 206: binary, 416: {"description": "no such range"}, **problems(404)}


def _file(path: Path, kind: str, name: str, *, save: bool = False, policy: str = ALONE) -> Response:
    how = "attachment" if save else "inline"
    headers = {
        "content-security-policy": policy,
        "content-disposition": f"{how}; filename*=UTF-8''{quote(name)}",
        "cache-control": "private, no-store" if save else "private, max-age=3600",
    }
    return FileResponse(path, media_type=kind, headers=headers)
