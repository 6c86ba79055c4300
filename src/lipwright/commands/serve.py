"""``lipwright serve``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", help="the address to listen at; 0.0.0.0 lets other machines in (127.0.0.1)")
    add("--port", type=int, help="0 takes a free one (8765)")
    add("--token", help="what callers must show, 16 letters at least (a new one each time)")
    add(
        "--name", dest="names", action="append", metavar="HOST", help="a host name it is reached by; may be given again"
    )
    add("--folder", type=Path, help="where uploads and jobs lie (serve, in lipwright's cache)")
    add("--workers", type=int, metavar="N", help="jobs done at the same time (1)")
    add("--keep", type=float, metavar="HOURS", help="when uploads and ended jobs are deleted (24)")
    limits = parser.add_argument_group("limits").add_argument
    limits("--most-size", type=int, metavar="MIB", help="of a file (2048)")
    limits("--most-minutes", type=float, metavar="N", help="of a video or a sound (30)")
    limits("--time-limit", type=float, metavar="MINUTES", help="of a job (120)")
    limits("--memory", type=float, metavar="GIB", help="of a job (8)")
    told = "whom a job may tell that it has ended: nobody, hosts on the internet, or this network's too (off)"
    add("--webhooks", choices=["off", "public", "any"], help=told)


def _run(options: Options, progress: Progress) -> Answer:  # noqa: ARG001 - it goes on until it is stopped
    from lipwright.web import serve

    if "names" in options:
        options["names"] = tuple(options["names"])
    studio = serve(**options)
    lines = [f"studio: {studio.link}", f"API: {studio.url}/openapi.json, with Authorization: Bearer {studio.token}"]
    lines.append(f"files: {studio.folder}, deleted after {studio.settings.keep_hours:g} hours; Ctrl-C stops")
    if studio.reachable:
        lines.append("warning: other machines reach it, without encryption; put a proxy with https before it")
    data = {"url": studio.url, "link": studio.link, "token": studio.token, "folder": str(studio.folder)}
    return Answer("\n".join(lines), data, then=studio.run)


VERB = Verb("open a studio in the browser, with a REST API", _options, _run)
