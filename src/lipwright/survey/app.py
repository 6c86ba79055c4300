"""The server of a study: pages by link, votes kept before they are answered. Nothing of a caller is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from lipwright import serving
from lipwright.survey import pages, study as studies, texts
from lipwright.survey.pages import Reader
from lipwright.survey.store import Page, Rater, Store
from lipwright.survey.study import MEDIA

MOST_BYTES = 10_000
"""Of a form; ours are a few hundred long."""
NEARLY = 0.9
"""How much of the videos' length must have passed before they are answered; clocks and players are not exact."""
PRIVATE = {"Cache-Control": "no-store"}
KEPT = {"Cache-Control": "private, max-age=86400"}

Form = dict[str, str]


def make(folder: Path, *, sign_up: int | None = None, now: Callable[[], float] = time.time) -> FastAPI:
    """The app of the study in a folder; ``sign_up``: how many raters there may be in all, for anybody to take part
    without being invited (None: nobody may); ``now``: seconds since 1970.

    Raises InputError where the study is missing or damaged.
    """
    study = studies.read(folder)
    survey = _Survey(folder, study, Store.open(folder, study), sign_up, now)
    app = FastAPI(title="lipwright survey", openapi_url=None, docs_url=None, redoc_url=None)
    serving.protect(app, most_bytes=MOST_BYTES)
    options = {"response_class": HTMLResponse, "response_model": None}
    app.get("/", **options)(survey.home)  # type: ignore[arg-type]
    app.post("/join", **options)(survey.join)  # type: ignore[arg-type]
    app.get("/page/{name}", **options)(survey.asset)  # type: ignore[arg-type]
    app.get("/r/{token}", **options)(survey.begin)  # type: ignore[arg-type]
    app.post("/r/{token}/start", **options)(survey.start)  # type: ignore[arg-type]
    app.post("/r/{token}/leave", **options)(survey.leave)  # type: ignore[arg-type]
    app.get("/r/{token}/{position:int}", **options)(survey.show)  # type: ignore[arg-type]
    app.post("/r/{token}/{position:int}", **options)(survey.vote)  # type: ignore[arg-type]
    app.api_route("/r/{token}/media/{name}.mp4", methods=["GET", "HEAD"], **options)(survey.video)  # type: ignore[arg-type]
    app.exception_handler(_Refused)(survey.refused)
    app.exception_handler(HTTPException)(survey.failed)
    app.exception_handler(OperationalError)(survey.unsaved)
    return app


class _Refused(Exception):  # noqa: N818
    """Ends a request with a page that says why: names of texts, and their values."""

    def __init__(self, status: int, title: str, text: str, **values: int) -> None:
        super().__init__(text)
        self.status, self.title, self.text, self.values = status, title, text, values


async def _form(request: Request) -> Form:
    """The fields of a form; files are none of ours."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Given = Annotated[Form, Depends(_form)]


class _Survey:
    """What every request needs, and the answer to each."""

    def __init__(
        self, folder: Path, study: studies.Study, store: Store, sign_up: int | None, now: Callable[[], float]
    ) -> None:
        self._folder, self._study, self._store, self._sign_up, self._now = folder, study, store, sign_up, now
        self._strangers = serving.Limiter(rate=1, burst=100)
        self._raters = serving.Limiter(rate=10, burst=200)

    def home(self, request: Request) -> Response:
        """What is seen without a link."""
        reader = self._reader(request)
        if self._sign_up is None:
            return _html(pages.message(self._study, reader, "closed_title", "closed"))
        return _html(pages.welcome(self._study, reader))

    def join(self, request: Request) -> Response:
        """A link for somebody who was not invited."""
        self._limit(self._strangers, _caller(request))
        if self._sign_up is None:
            raise _Refused(403, "closed_title", "closed")
        made = self._store.invite(1, self._sign_up)
        if not made:
            raise _Refused(403, "full_title", "full")
        return _to(f"/r/{made[0]}")

    def asset(self, name: str) -> Response:
        """The style and the script."""
        if name not in pages.ASSETS:
            raise HTTPException(404)
        return FileResponse(pages.FOLDER / name, media_type=pages.ASSETS[name], headers={"Cache-Control": "no-cache"})

    def begin(self, request: Request, token: str) -> Response:
        """Where a rater stands: whether they agree, the next page, or the end."""
        rater = self._rater(request, token)
        reader = self._reader(request, rater)
        if rater.left:
            return _html(pages.message(self._study, reader, "left_title", "left"))
        if rater.number is None:
            total = len(self._study.playlist(0))
            return _html(pages.consent(self._study, reader, total))
        if reader.language != rater.language:
            self._store.agree(token, reader.language, self._study)
        following = _next(self._store.pages(rater))
        return _html(pages.thanks(self._study, reader)) if following is None else _to(f"{reader.own}/{following}")

    def start(self, request: Request, token: str, given: Given) -> Response:
        """They agree."""
        rater = self._rater(request, token)
        language = given.get("language", "")
        if given.get("agree") == "yes" and language in self._study.languages:
            self._store.agree(token, language, self._study)
        return _to(self._reader(request, rater).own)

    def leave(self, request: Request, token: str) -> Response:
        """They take everything back."""
        rater = self._rater(request, token)
        self._store.leave(token)
        return _to(self._reader(request, rater).own)

    def show(self, request: Request, token: str, position: int) -> Response:
        """One page."""
        reader, own = self._open(request, token, position)
        if not own:
            return _to(reader.own)
        page = own[position]
        self._store.shown(page, self._now())
        answers = self._store.answers(page) if page.answered else None
        return _html(pages.trial(self._study, reader, page.trial(), position, len(own), answers=answers))

    def vote(self, request: Request, token: str, position: int, given: Given) -> Response:
        """The answers of one page; while there are open pages they may be changed."""
        reader, own = self._open(request, token, position)
        if not own:
            return _to(reader.own)
        page, asked = own[position], self._study.questions(own[position].trial())
        answers = {name: given[name] for name, values in asked.items() if given.get(name) in values}
        alert = "missing" if len(answers) < len(asked) else "early" if self._early(page) else ""
        if alert:
            self._store.shown(page, self._now())
            shown = pages.trial(
                self._study, reader, page.trial(), position, len(own), answers=answers if page.answered else None,
                alert=alert,
            )  # fmt: skip
            return _html(shown, 422)
        self._store.vote(page, answers)
        return _to(reader.own)

    def video(self, request: Request, token: str, name: str) -> Response:
        """A video of the study, or a part of it."""
        self._rater(request, token)
        if name not in self._study.by_name:
            raise HTTPException(404)
        return FileResponse(self._folder / MEDIA / f"{name}.mp4", media_type="video/mp4", headers=KEPT)

    def refused(self, request: Request, problem: Exception) -> Response:
        """A page that says why not."""
        assert isinstance(problem, _Refused)  # noqa: S101 - the handler is registered for it
        said = pages.message(self._study, self._reader(request), problem.title, problem.text, values=problem.values)
        more = {"Retry-After": str(problem.values["seconds"])} if "seconds" in problem.values else {}
        return _html(said, problem.status, more)

    def failed(self, request: Request, problem: Exception) -> Response:
        """A page for what no address of ours is, or takes."""
        status = problem.status_code if isinstance(problem, HTTPException) else 400
        return _html(pages.message(self._study, self._reader(request), "wrong_title", "wrong"), status)

    def unsaved(self, request: Request, _: Exception) -> Response:
        """A page for a disk that is full, or a database that others hold for too long."""
        said = pages.message(self._study, self._reader(request), "unsaved_title", "unsaved")
        return _html(said, 503, {"Retry-After": "10"})

    def _early(self, page: Page) -> bool:
        """Whether the videos cannot have been seen to their end since their page was first shown."""
        if not self._study.watch or page.answered or page.kind == "told":
            return False
        needed = sum(self._study.by_name[name].seconds for name in (page.a, page.b) if name)
        return page.shown is None or self._now() - page.shown < NEARLY * needed

    def _open(self, request: Request, token: str, position: int) -> tuple[Reader, list[Page]]:
        """Who reads, and all their pages; none where the page at ``position`` is not theirs to see (yet)."""
        rater = self._rater(request, token)
        own = self._store.pages(rater)
        following = _next(own)
        seen = following is not None and 0 <= position <= following
        return self._reader(request, rater), own if seen else []

    def _rater(self, request: Request, token: str) -> Rater:
        rater = self._store.rater(token)
        if rater is None:
            self._limit(self._strangers, _caller(request))
            raise _Refused(404, "unknown_title", "unknown")
        self._limit(self._raters, token)
        return rater

    def _limit(self, limiter: serving.Limiter, caller: str) -> None:
        if wait := limiter.wait(caller):
            raise _Refused(429, "fast_title", "fast", seconds=int(wait) + 1)

    def _reader(self, request: Request, rater: Rater | None = None) -> Reader:
        """In which language: what was just asked for, what the rater chose, what the browser prefers."""
        offered = self._study.languages
        asked = request.query_params.get("language", "")
        chosen = rater.language if rater else ""
        known = next((code for code in (asked, chosen) if code in offered), "")
        language = known or texts.wanted(request.headers.get("accept-language", ""), offered)
        return Reader(language, f"/r/{rater.token}" if rater else "")


def _caller(request: Request) -> str:
    """Where a request comes from; held in memory for the limit alone."""
    return request.client.host if request.client else ""


def _next(own: list[Page]) -> int | None:
    """The first page that is open; None where all are answered."""
    return next((page.position for page in own if not page.answered), None)


def _html(text: str, status: int = 200, more: dict[str, str] | None = None) -> Response:
    return HTMLResponse(text, status, headers=PRIVATE | (more or {}))


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, headers=PRIVATE)
