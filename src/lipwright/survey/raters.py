"""Let raters in: links for them, and the server that the links lead to."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from lipwright import ondisk, serving
from lipwright.errors import InputError
from lipwright.survey import study as studies

MOST_LINKS = 10_000


def invite(study: Path, count: int) -> list[str]:
    """Tokens of ``count`` new raters of the study in a folder; a rater's link is ``/r/TOKEN`` at its server.

    Raises InputError: no study, a damaged one, a count that is not 1 to 10,000.
    """
    serving.needed()
    from lipwright.survey.store import Store

    folder = ondisk.named(study).absolute()
    if not 1 <= count <= MOST_LINKS:
        raise InputError(f"1 to {MOST_LINKS} raters are invited at a time; given {count}")
    store = Store.open(folder, studies.read(folder))
    try:
        return store.invite(count)
    finally:
        store.close()


def prepared(
    study: Path, *, host: str = serving.LOOPBACK, port: int = serving.PORT, sign_up: int | None = None
) -> tuple[socket.socket, Callable[[], None]]:
    """The socket at which the study in a folder is served, and what serves it until it is stopped.

    Raises InputError: no study, a damaged one, an address that is not to be had.
    """
    serving.needed()
    from lipwright.survey import app

    if sign_up is not None and sign_up < 1:
        raise InputError(f"--sign-up lets at least 1 rater in; given {sign_up}")
    made = app.make(ondisk.named(study).absolute(), sign_up=sign_up)
    listening = serving.listen(host, port)
    return listening, lambda: serving.run(made, listening)


def serve(study: Path, *, host: str = serving.LOOPBACK, port: int = serving.PORT, sign_up: int | None = None) -> None:
    """Serve the study in a folder until Ctrl-C or SIGTERM.

    Args:
        study: its folder.
        host: the address to listen at; other machines reach no loopback address.
        port: 0 takes a free one.
        sign_up: how many raters there may be in all, for anybody to take part without being invited (None: nobody may).

    Raises:
        InputError: no study, a damaged one, an address that is not to be had.
        MissingExtraError: without the extra ``web``.
    """
    prepared(study, host=host, port=port, sign_up=sign_up)[1]()
