"""A server in a test: its app called directly, with a token, doing jobs for real or by a stand-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from lipwright.web import app
from lipwright.web.children import Child
from lipwright.web.settings import Settings

TOKEN = "a token of a test"
STANDIN = (sys.executable, str(Path(__file__).parent / "standin.py"))


@contextmanager
def serving(folder: Path, settings: Settings | None = None, *, real: bool = False) -> Iterator[TestClient]:
    """A client with the token; jobs are done by the stand-in unless ``real``."""
    folder.mkdir(exist_ok=True)
    begin = Child if real else partial(Child, program=STANDIN)
    made = app.parts(folder, settings or Settings(), TOKEN, begin)
    with TestClient(app.application(made), base_url="http://127.0.0.1:8765") as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield client


def uploaded(client: Any, path: Path, name: str = "") -> str:
    """The id of a file that was taken."""
    answer = client.post("/api/v1/uploads", files={"file": (name or path.name, path.read_bytes())})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def speaking(client: Any, text: str = "hello", **more: Any) -> dict[str, Any]:
    """A job that speaks, as it is told when it is asked for."""
    answer = client.post("/api/v1/jobs", json={"verb": "speak", "options": {"text": text}, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def ended(client: Any, number: str, *states: str) -> dict[str, Any]:
    """A job once it is in one of the states, or has ended."""
    for _ in range(2400):
        told = dict(client.get(f"/api/v1/jobs/{number}").json())
        if told["state"] in (states or ("done", "failed", "cancelled")):
            return told
        time.sleep(0.05)
    raise AssertionError(f"the job is still {told}")


@contextmanager
def command(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client, str]]:
    """``lipwright serve`` as somebody would start it, a client with its token, and its link."""
    line = [sys.executable, "-m", "lipwright", "serve", "--port", "0", "--folder", str(folder), "--json", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdout=pipe, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as server:
        try:
            assert server.stdout is not None
            told = "".join(iter(server.stdout.readline, "}\n")) + "}"
            data = json.loads(told)
            with httpx.Client(base_url=data["url"], headers={"authorization": f"Bearer {data['token']}"}) as client:
                for _ in range(200):
                    with suppress(httpx.TransportError):
                        client.get("/")
                        break
                    time.sleep(0.05)
                yield server, client, data["link"]
        finally:
            server.kill()
