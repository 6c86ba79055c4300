"""Tell an address that a job has ended: a signed POST, tried again with growing pauses.

An address of this machine or its network is not asked unless the server allows it: names are resolved here, every
address that a name has is looked at, and the connection goes to the one that was looked at. Redirections are not
followed.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.exc import SQLAlchemyError

from lipwright.errors import InputError
from lipwright.web.aside import Aside
from lipwright.web.jobs import Job, Jobs

PAUSES = (2.0, 10.0, 60.0, 600.0)
"""Seconds until each next try; after the last it is given up."""
SECONDS = 10.0
"""What one try may wait for."""
_SIXTH = ipaddress.ip_network("2000::/3")
_BRIDGES = tuple(ipaddress.ip_network(each) for each in ("2001::/23", "2002::/16", "64:ff9b::/96"))


def signature(secret: str, when: int, body: bytes) -> str:
    """What the header ``lipwright-signature`` says: t=SECONDS,v1=HMAC-SHA256 of "SECONDS.BODY" in hex."""
    made = hmac.new(secret.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={when},v1={made}"


def public(address: str) -> bool:
    """Whether an IP address is one of the internet, and leads to no other that is not."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv6Address) and (found not in _SIXTH or any(found in each for each in _BRIDGES)):
        return False
    return found.is_global and not found.is_multicast


def checked(url: str, *, anywhere: bool) -> SplitResult:
    """An address that may be told; InputError says why not."""
    try:
        place = urlsplit(url)
        port = place.port
    except ValueError as problem:
        raise InputError(f"the webhook's address cannot be read: {problem}") from problem
    if place.scheme not in ("http", "https") or not place.hostname:
        raise InputError("a webhook's address begins with http:// or https:// and names a host")
    if place.username is not None or place.password is not None:
        raise InputError("a webhook's address holds no user name and no password; the signature says who sends it")
    if port == 0:
        raise InputError("a webhook's port is 1 to 65535")
    try:
        literal = ipaddress.ip_address(place.hostname)
    except ValueError:
        return place
    if not anywhere and not public(str(literal)):
        raise InputError("a webhook's address must be on the internet, unless the server was started to allow others")
    return place


def send(url: str, secret: str, body: bytes, *, anywhere: bool) -> None:
    """One try. Raises InputError for an address that may not be told, OSError for one that did not take it."""
    place = checked(url, anywhere=anywhere)
    host, secure = place.hostname or "", place.scheme == "https"
    port = place.port or (443 if secure else 80)
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not anywhere and not all(public(each) for each in found):
        raise InputError(f"{host} is an address of this machine's network, which is not told")
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    connection.sock = socket.create_connection((found[0], port), timeout=SECONDS)
    try:
        if secure:
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
        headers = {"content-type": "application/json", "user-agent": "lipwright"}
        headers["lipwright-signature"] = signature(secret, int(time.time()), body)
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    except http.client.HTTPException as problem:
        raise ConnectionError(f"{type(problem).__name__}") from problem
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise ConnectionError(f"it answered {status}")


class Hooks(Aside):
    """Tells of ends.

    Args:
        jobs: whose.
        told: what is sent of a job.
        anywhere: whether addresses of this machine and its network are told, too.
        pauses: until each next try.
    """

    PATIENCE = SECONDS * 2

    def __init__(
        self, jobs: Jobs, told: Callable[[Job], dict[str, Any]], *, anywhere: bool, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        super().__init__()
        self._jobs, self._told, self._anywhere, self._pauses = jobs, told, anywhere, pauses

    def _work(self) -> None:
        while not self._end.wait(0.5):
            try:
                for job in self._jobs.hooks(time.time()):
                    if not self._end.is_set():
                        self._try(job)
            except (OSError, SQLAlchemyError):  # a full disk, a job deleted meanwhile: the next ends are told as well
                self._end.wait(SECONDS)

    def _try(self, job: Job) -> None:
        body = json.dumps({"event": f"job.{job.state}", "job": self._told(job)}).encode()
        try:
            send(job.hook, job.hook_secret, body, anywhere=self._anywhere)
            following, said = None, "told"
        except InputError as problem:
            following, said = None, str(problem)
        except (OSError, UnicodeError) as problem:
            pause = self._pauses[job.hook_tries] if job.hook_tries < len(self._pauses) else None
            following, said = None if pause is None else time.time() + pause, f"it could not be told: {problem}"
        self._jobs.hook_told(job.id, job.hook_tries + 1, following, said)
