"""Who may ask: the host that is asked for, how often, with which token, and from which page."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from lipwright.serving import Limiter
from lipwright.web.settings import Settings

COOKIE = "lipwright"
SESSION = "/api/v1/session"
OPEN = {"/", "/openapi.json", SESSION}
"""What is answered without a token: the page itself, which shows nothing of anybody."""
SAFE = {"GET", "HEAD", "OPTIONS"}

Scope = dict[str, Any]
Handler = Callable[..., Awaitable[None]]


def session(token: str) -> str:
    """What the page's cookie holds: it proves the token and does not tell it."""
    return hmac.new(token.encode(), b"lipwright studio", hashlib.sha256).hexdigest()


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are the same; takes as long whether or not."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


class Guard:
    """ASGI middleware that lets nobody in who may not."""

    def __init__(self, app: Handler, token: str, settings: Settings) -> None:
        self._app, self._token, self._session = app, token, session(token)
        self._names = {name.lower().rstrip(".") for name in (*settings.names, "localhost")}
        self._often = Limiter(settings.rate, settings.burst)
        self._wrong = Limiter(settings.rate / 500, 10)
        self._entering = Limiter(settings.rate / 200, 20)

    async def __call__(self, scope: Scope, receive: Handler, send: Handler) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, send)
            return
        status, said, headers = refused
        body = json.dumps({"detail": said}).encode()
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    def _refused(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        """Status, sentence and headers for who may not ask; None for who may."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        caller = (scope.get("client") or ("nobody", 0))[0]
        host = headers.get("host", "")
        if not self._known(host):
            return 421, "this host name is not the server's; start it with --name to add it", {}
        wait = self._often.wait(caller)
        if wait:
            return 429, f"too many requests; ask again in {ceil(wait)} s", {"retry-after": str(ceil(wait))}
        if self._foreign(scope, headers, host) is not None:
            return 403, "a page of another site may not ask for this", {}
        if scope["path"] == SESSION and (wait := self._entering.wait(caller)):
            return 429, f"too many tries; try again in {ceil(wait)} s", {"retry-after": str(ceil(wait))}
        if scope["path"] in OPEN or scope["path"].startswith("/page/") or self._proven(headers):
            return None
        wait = self._wrong.wait(caller)
        if wait:
            return 429, f"too many wrong tokens; try again in {ceil(wait)} s", {"retry-after": str(ceil(wait))}
        said = "give the token that the server said when it started: header Authorization: Bearer TOKEN"
        return 401, said, {"www-authenticate": "Bearer"}

    def _known(self, host: str) -> bool:
        """Whether a Host header names this server: an address, which no other site's name leads to, or a known name."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        try:
            return bool(ipaddress.ip_address(name))
        except ValueError:
            return name in self._names

    @staticmethod
    def _foreign(scope: Scope, headers: dict[str, str], host: str) -> str | None:
        """The site whose page asks for a change, where that is not this one."""
        if scope["method"] in SAFE or "authorization" in headers:
            return None
        origin = headers.get("origin")
        if origin is not None:
            return None if origin.partition("://")[2].lower() == host.lower() else origin
        site = headers.get("sec-fetch-site", "same-origin" if "cookie" not in headers else "unknown")
        return None if site == "same-origin" else site

    def _proven(self, headers: dict[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and same(given.strip(), self._token):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and same(cookie.value, self._session)
