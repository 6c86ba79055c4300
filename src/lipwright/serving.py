"""Serve a web page from this machine: what the studio and the survey share. Needs the extra ``web``.

Pages ask nothing of other hosts: `protect` tells the browser so, and refuses bodies that are too long. A server binds
to the loopback address unless it is told otherwise.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright.errors import InputError, MissingExtraError, OutputError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine

LOOPBACK, PORT = "127.0.0.1", 8765
BUSY_MS = 30_000
"""How long a write waits for another's."""
KEYS = 10_000
"""Callers that a `Limiter` remembers."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Scripts and styles from files of ours alone, no frame around the page, nothing told to other hosts."""


def needed() -> None:
    """Raises MissingExtraError where the extra ``web`` is not installed."""
    for package in ("fastapi", "python_multipart", "sqlmodel", "uvicorn"):
        if find_spec(package) is None:
            raise MissingExtraError("web", package)


def token() -> str:
    """43 letters that cannot be guessed, fit for a link."""
    return secrets.token_urlsafe(32)


def store(path: Path) -> Engine:
    """An SQLite database at ``path``, for many readers and writers: a write waits up to 30 s for others, and is on the
    disk before it is answered, so that ``kill -9`` loses nothing that was answered. A new one can be read by its owner
    alone. Makes no tables.

    Raises:
        OutputError: it cannot be opened, or is no database.
    """
    from sqlalchemy import URL, event, text
    from sqlalchemy.exc import DatabaseError
    from sqlmodel import create_engine

    place = URL.create("sqlite", database=str(path))  # as text, a ? or a % in a name would mean something
    made = create_engine(place, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

    def settle(connection: Any, _: object) -> None:
        for line in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {line}")

    event.listen(made, "connect", settle)
    try:
        with suppress(FileExistsError):  # what SQLite puts beside it has the same rights
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise OutputError(f"{path} cannot be made ({error.strerror}); name another place") from error
    try:
        with made.connect() as connection:
            connection.execute(text("SELECT count(*) FROM sqlite_master"))
    except DatabaseError as error:
        raise OutputError(
            f"{path} cannot be used as a database: {error.orig}; move it away, or name another"
        ) from error
    return made


class Limiter:
    """So many requests from each caller: a bucket that holds ``burst`` of them and gets ``rate`` new ones a second.

    The caller longest unheard of is forgotten beyond 10,000.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str) -> float:
        """Seconds until the caller may ask (again); 0: now, and that request is counted."""
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(caller, (float(self._burst), now))
            left = min(self._burst, left + (now - since) * self._rate)
            allowed = left >= 1
            self._left[caller] = (left - allowed, now)
            if len(self._left) > KEYS:
                self._left.popitem(last=False)
            return 0.0 if allowed else (1 - left) / self._rate


def protect(app: FastAPI, *, most_bytes: int, room: Mapping[str, int] | None = None) -> None:
    """Add `HEADERS` to every answer, and refuse bodies of more than ``most_bytes``, their length said or not; of more
    than ``room[path]`` at a path that is named there."""
    app.add_middleware(_Protection, most_bytes=most_bytes, room=dict(room or {}))


Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Protection:
    """ASGI middleware, see `protect`."""

    def __init__(self, app: Any, most_bytes: int, room: Mapping[str, int]) -> None:
        self._app, self._usual, self._room = app, most_bytes, room

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._room.get(scope["path"], self._usual)
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > most:
            await _refuse(send, most)
            return
        counted, begun = 0, False

        async def counting() -> Message:
            nonlocal counted
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > most:
                raise _TooLong
            return message

        async def adding(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                known = {name.lower() for name, _ in message["headers"]}
                more = [(n.lower().encode(), v.encode()) for n, v in HEADERS.items() if n.lower().encode() not in known]
                message = message | {"headers": [*message["headers"], *more]}
            await send(message)

        try:
            await self._app(scope, counting, adding)
        except _TooLong:
            if not begun:
                await _refuse(send, most)


class _TooLong(Exception):  # noqa: N818
    """A body went on for too long."""


async def _refuse(send: Send, most: int) -> None:
    said = f'{{"detail": "the request is too long; {most} bytes are taken at most"}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    headers += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": said})


def loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str = LOOPBACK, port: int = PORT) -> socket.socket:
    """A socket that listens there; ``port`` 0 takes a free one.

    Raises:
        InputError: the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        made.close()
        why = getattr(error, "strerror", None) or error
        raise InputError(f"nothing can listen at {host}, port {port} ({why}); give another --host or --port") from error
    return made


def url(listening: socket.socket) -> str:
    """What a browser asks for to reach a socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: FastAPI, listening: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; requests that have begun are answered, and the end is no error."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        proxy_headers=False,
    )
    with listening, suppress(KeyboardInterrupt):  # which uvicorn raises again when all is answered
        uvicorn.Server(config).run(sockets=[listening])
