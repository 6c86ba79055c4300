"""What the studio and the survey share: headers, limits, the database, the socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import text

from lipwright import serving
from lipwright.errors import InputError, OutputError


def made() -> FastAPI:
    app = FastAPI()
    serving.protect(app, most_bytes=1000, room={"/long": 2000})

    @app.post("/long")
    @app.post("/count")
    async def count(request: Request) -> int:
        return len(await request.body())

    return app


def test_answers_tell_the_browser_to_ask_no_other_host() -> None:
    answer = TestClient(made()).post("/count", content=b"x" * 1000)
    assert answer.json() == 1000
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("said", [True, False], ids=["length said", "length not said"])
def test_a_body_that_is_too_long_is_refused(said: bool) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 600] * 2

    answer = TestClient(made()).post("/count", content=b"x" * 1200 if said else pieces())
    assert answer.status_code == 413
    assert "1000 bytes" in answer.json()["detail"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_path_may_take_longer_bodies_than_others() -> None:
    client = TestClient(made())
    assert client.post("/long", content=b"x" * 2000).json() == 2000
    assert "2000 bytes" in client.post("/long", content=b"x" * 2001).json()["detail"]


def test_a_length_that_is_no_number_is_refused() -> None:
    assert TestClient(made()).post("/count", headers={"content-length": "-1"}).status_code == 413


def test_a_caller_may_ask_so_often_and_again_after_a_while() -> None:
    now = [0.0]
    limiter = serving.Limiter(rate=0.5, burst=2, clock=lambda: now[0])
    assert [limiter.wait("a"), limiter.wait("a"), limiter.wait("b")] == [0, 0, 0]
    assert limiter.wait("a") == pytest.approx(2)
    now[0] = 2.0
    assert limiter.wait("a") == 0


def test_tokens_differ() -> None:
    assert len({serving.token() for _ in range(100)}) == 100
    assert len(serving.token()) == 43


def test_the_database_takes_writes_of_many_at_once(tmp_path: Path) -> None:
    engine = serving.store(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE vote (rater INTEGER)"))

    def vote(rater: int) -> None:
        for _ in range(20):
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO vote VALUES (:rater)"), {"rater": rater})

    threads = [threading.Thread(target=vote, args=(rater,)) for rater in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM vote")).scalar_one() == 200
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


@pytest.mark.parametrize("name", ["what?", "what?a=b", "50%41", "a#b", "é"])
def test_a_database_lies_where_it_is_said_whatever_the_folder_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    serving.store(tmp_path / name / "a.db").dispose()
    assert (tmp_path / name / "a.db").is_file()
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match=r"a\.db cannot be used as a database: .*not a database"):
        serving.store(tmp_path / "a.db")


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    engine = serving.store(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE vote (rater INTEGER)"))
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    with pytest.raises(OutputError, match="cannot be made"):
        serving.store(tmp_path / "none" / "a.db")


def test_a_port_that_is_taken_is_told() -> None:
    with serving.listen(port=0) as first, pytest.raises(InputError, match=r"\(Address already in use\); give another"):
        serving.listen(port=first.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.1", "a\0b", "é" * 70])
def test_an_address_of_another_machine_is_told(host: str) -> None:
    with pytest.raises(InputError, match=f"nothing can listen at {host}"):
        serving.listen(host)


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("nowhere", False)]
)
def test_what_is_this_machines_own_address(host: str, own: bool) -> None:
    assert serving.loopback(host) is own


def test_a_server_answers_at_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[uvicorn.Server] = []
    begin = uvicorn.Server.run

    def kept(self: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        servers.append(self)
        begin(self, sockets=sockets)

    monkeypatch.setattr(uvicorn.Server, "run", kept)
    listening = serving.listen(port=0)
    at = serving.url(listening)
    thread = threading.Thread(target=serving.run, args=(made(), listening))
    thread.start()
    while not (servers and servers[0].started):
        time.sleep(0.01)
    assert httpx.post(f"{at}/count", content=b"abc").json() == 3
    servers[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()
