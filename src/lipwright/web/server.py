"""One server: its folder held, its socket open, its app made."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from lipwright import locks, ondisk, registry, serving
from lipwright.errors import InputError, OutputError
from lipwright.web.settings import Settings

SHORTEST_TOKEN = 16


class Studio:
    """A studio that listens; ``run`` answers until Ctrl-C or SIGTERM.

    ``url``, where it listens; ``token``, what callers show; ``link``, which lets a browser in; ``folder``, where its
    files lie.
    """

    def __init__(self, settings: Settings, *, host: str, port: int, folder: str | Path | None, token: str) -> None:
        serving.needed()
        if token and len(token) < SHORTEST_TOKEN:
            raise InputError(f"a token has at least {SHORTEST_TOKEN} letters; this one has {len(token)}")
        self.token = token or serving.token()
        self.folder = _made(ondisk.named(folder or registry.cache_dir() / "serve").absolute())
        self._lock = locks.hold(self.folder, f"another server holds {self.folder}; stop it, or give another --folder")
        try:
            self._listening = serving.listen(host, port)
        except BaseException:
            self._lock.close()
            raise
        self.url = serving.url(self._listening)
        self.settings = settings
        self.reachable = not serving.loopback(host)

    @property
    def link(self) -> str:
        """The page's address with the token, which browsers do not send on: it stands after the #."""
        return f"{self.url}/#token={quote(self.token, safe='')}"

    def run(self) -> None:
        """Serve until it is stopped; jobs that are not done are taken up at the next start."""
        from lipwright.web.app import application, parts

        with self._lock:
            serving.run(application(parts(self.folder, self.settings, self.token)), self._listening)

    def close(self) -> None:
        """Let go of folder and socket, where it is not run."""
        self._listening.close()
        self._lock.close()


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as problem:
        raise OutputError(
            f"{folder} cannot be used for uploads and jobs ({problem.strerror}); give another --folder"
        ) from problem
    return folder
