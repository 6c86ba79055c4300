"""The routes: the REST API under /api/v1, and the page of the studio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy.exc import OperationalError

from lipwright import __version__, serving
from lipwright.errors import InputError, LipwrightError, OutputError
from lipwright.web import routes
from lipwright.web.asking import Busy, Conflict
from lipwright.web.children import Child
from lipwright.web.cleaning import Cleaner
from lipwright.web.crew import Crew
from lipwright.web.guard import Guard
from lipwright.web.hooks import Hooks
from lipwright.web.jobs import Jobs
from lipwright.web.settings import Settings
from lipwright.web.told import Told
from lipwright.web.uploads import Taker, TooLarge

PAGE = Path(__file__).parent / "page"
FILES = ("studio.css", "icon.svg", "studio.js", "api.js", "drop.js", "faces.js", "player.js", "plots.js", "result.js")
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
MOST_BODY = 256 << 10
"""Bytes of a request that brings no file."""
FORM = 64 << 10
"""Bytes that a form has around its file."""


@dataclass(frozen=True)
class Parts:
    """What a server is made of."""

    jobs: Jobs
    crew: Crew
    taker: Taker
    settings: Settings
    token: str


def parts(folder: Path, settings: Settings, token: str, begin: Callable[..., Child] = Child) -> Parts:
    """Everything on the files in ``folder``; nothing is done before the app of it starts. ``begin`` starts the process
    of a job."""
    jobs = Jobs(folder)
    return Parts(jobs, Crew(jobs, settings, begin), Taker(jobs, settings), settings, token)


def application(made: Parts) -> FastAPI:
    """The app, which does jobs, tells of their ends and deletes what is old from its start to its end."""
    app = FastAPI(
        title="lipwright",
        version=__version__,
        description="Make the lips in a video match a voice, and measure how well they do.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(made),
    )
    _tell_errors(app)
    routes.add(app, made.jobs, made.crew, made.taker, made.settings, made.token)
    app.add_api_route("/", _page("index.html"), methods=["GET"], include_in_schema=False)
    for name in FILES:
        app.add_api_route(f"/page/{name}", _page(name), methods=["GET"], include_in_schema=False)
    app.add_middleware(Guard, token=made.token, settings=made.settings)
    room = {"/api/v1/uploads": made.settings.most_bytes + FORM}
    serving.protect(app, most_bytes=MOST_BODY, room=room)
    app.openapi = _described(app)  # type: ignore[method-assign]
    return app


def _lifespan(made: Parts) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anywhere = made.settings.webhooks == "any"
        hooks = Hooks(made.jobs, lambda job: Told.of(job, made.jobs).model_dump(mode="json"), anywhere=anywhere)
        working = (made.crew, hooks, Cleaner(made.jobs, made.settings.keep_hours))
        for each in working:
            each.start()
        try:
            yield
        finally:
            for each in working:
                each.stop()
            made.jobs.close()

    return lifespan


def _page(name: str) -> Callable[[], Response]:
    def page() -> Response:
        return FileResponse(
            PAGE / name, media_type=TYPES[name.rpartition(".")[2]], headers={"cache-control": "no-cache"}
        )

    return page


STATUS: dict[type[Exception], int] = {TooLarge: 413, Conflict: 409, Busy: 429, InputError: 422, OutputError: 507}
"""How what is wrong is answered; the first that fits."""


def _tell_errors(app: FastAPI) -> None:
    """Every error as a sentence in ``detail``."""

    def problem(_: Request, error: Exception) -> Response:
        status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
        headers = {"retry-after": "10"} if status == 429 else {}
        return JSONResponse({"detail": str(error)}, status, headers)

    def invalid(_: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        return JSONResponse({"detail": "; ".join(_said(each) for each in found)}, 422)

    def full(_: Request, __: Exception) -> Response:
        said = "the database of the server takes nothing now: its disk is full, or others hold it; ask again later"
        return JSONResponse({"detail": said}, 503, {"retry-after": "10"})

    app.add_exception_handler(OperationalError, full)
    app.add_exception_handler(LipwrightError, problem)
    app.add_exception_handler(RequestValidationError, invalid)


def _said(error: dict[str, object]) -> str:
    """One finding about a request."""
    place = error.get("loc", ())
    names = [str(each) for each in place if each != "body"] if isinstance(place, tuple) else []
    return f"{'.'.join(names)}: {error.get('msg', '')}" if names else str(error.get("msg", ""))


def _described(app: FastAPI) -> Callable[[], dict[str, object]]:
    """The OpenAPI description, with the token that all but the page's own routes need."""

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            scheme = {"type": "http", "scheme": "bearer", "description": "the token the server said when it started"}
            schema.setdefault("components", {})["securitySchemes"] = {"token": scheme}
            schema["security"] = [{"token": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    return openapi
