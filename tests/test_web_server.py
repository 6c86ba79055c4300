"""The server as a process: its command, its link, kill -9 and the next start, real work, and webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")


import drawn
import lipwright
from lipwright import cli, media, registry
from lipwright.errors import InputError, OutputError
from lipwright.ondisk import content_key
from lipwright.web import children, hooks
from lipwright.web.settings import Settings
from served import TOKEN, command, ended, serving, speaking, uploaded

API = "/api/v1"


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small drawn face that speaks for 3 s."""
    for name in ("face_landmark", "face_detection_full_range"):
        if not registry.is_here(name):
            pytest.skip(f"{name} is not here; `lipwright models pull` brings it")
    clip = drawn.talking(75, size=(240, 180))
    assert clip.audio is not None
    path = tmp_path_factory.mktemp("drawn") / "talk.mp4"
    return drawn.write(path, clip.read(), audio=clip.audio.samples[None], rate=16000)


def finished(results: Path) -> set[tuple[int, int]]:
    """The finished first segment of a dub: its file and when it was written."""
    found = set()
    for file in results.glob(".*/000000.segment"):
        with suppress(OSError):
            found.add((file.stat().st_ino, file.stat().st_mtime_ns))
    return found


def children_of(process: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(folder.name))
    return found


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_server_killed_at_work_goes_on_at_its_next_start(tmp_path: Path, talk: Path) -> None:
    speech = drawn.write_sound(tmp_path / "speech.wav", drawn.voice(16.0, seed=2).samples, 16000)
    with command(tmp_path / "files") as (server, client, _):
        video, sound = uploaded(client, talk), uploaded(client, speech)
        body = {"verb": "dub", "inputs": {"video": video, "speech": sound}, "consent": True}
        number = client.post(f"{API}/jobs", json=body).json()["id"]
        waiting = client.post(f"{API}/jobs", json={"verb": "speak", "options": {"text": "a"}}).json()["id"]
        results = tmp_path / "files" / "jobs" / number / "results"
        for _ in range(1200):
            told = client.get(f"{API}/jobs/{number}").json()
            if finished(results) or told["state"] == "done":
                break
            time.sleep(0.02)
        assert told["state"] == "running"
        (worker,) = children_of(server.pid)
        kept = finished(results)
        server.kill()
        server.wait()
    for _ in range(200):
        if gone(worker):
            break
        time.sleep(0.02)
    assert gone(worker)
    with command(tmp_path / "files") as (server, client, _):
        seen: set[tuple[int, int]] = set()
        while (told := client.get(f"{API}/jobs/{number}").json())["state"] != "done":
            assert told["state"] in ("queued", "running"), told["error"]
            seen |= finished(results)
            time.sleep(0.02)
        assert kept
        assert kept <= seen  # the first frames were not made again
        (result,) = told["results"]
        (tmp_path / "made.mp4").write_bytes(client.get(result["url"]).content)
        assert ended(client, waiting)["state"] == "done"
    assert media.open(tmp_path / "made.mp4").length == 400


def test_a_server_that_is_stopped_says_nothing_ill_and_queues_what_ran(tmp_path: Path, talk: Path) -> None:
    with command(tmp_path) as (server, client, _):
        body = {"verb": "repair", "inputs": {"video": uploaded(client, talk)}}
        number = client.post(f"{API}/jobs", json=body).json()["id"]
        ended(client, number, "running")
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    from lipwright.web.jobs import Jobs

    jobs = Jobs(tmp_path)
    job = jobs.job(number)
    assert job is not None
    assert (job.state, job.lost) == ("queued", 0)
    jobs.close()


def test_each_verb_works_on_what_was_uploaded_and_nothing_of_it_is_kept(tmp_path: Path, talk: Path) -> None:
    kept = registry.cache_dir() / "faces"
    with serving(tmp_path / "files", real=True) as client:
        video = uploaded(client, talk, "Frau Müller spricht.mp4")
        measured = client.post(f"{API}/jobs", json={"verb": "measure", "inputs": {"video": video}}).json()["id"]
        asked = {"verb": "repair", "inputs": {"video": video}, "options": {"how": "offset", "copy": True}}
        repaired = client.post(f"{API}/jobs", json=asked).json()["id"]
        asked = {"verb": "finish", "inputs": {"video": video}, "options": {"calm": 0.5}}
        finished = client.post(f"{API}/jobs", json=asked).json()["id"]
        checked = client.post(f"{API}/jobs", json={"verb": "check", "inputs": {"video": video}}).json()["id"]
        told = ended(client, checked)
        assert told["state"] == "done", told["error"]
        issues = client.get(f"{API}/jobs/{checked}/answer").json()["data"]["issues"]
        assert "low_resolution" in {issue["code"] for issue in issues}
        told = ended(client, finished)
        assert (told["state"], told["results"][0]["name"]) == ("done", "video.mp4"), told["error"]
        told = ended(client, measured)
        assert told["state"] == "done", told["error"]
        answer = client.get(f"{API}/jobs/{measured}/answer").json()
        assert answer["data"]["verdict"] in ("in sync", "out of sync", "cannot say")
        assert len(answer["data"]["curve"]["offset_ms"]) == len(answer["data"]["curve"]["distance"])
        report = client.get(told["results"][0]["url"])
        assert report.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
        told = ended(client, repaired)
        assert told["state"] == "done", told["error"]
        assert str(tmp_path) not in json.dumps(client.get(f"{API}/jobs/{repaired}/answer").json())
        called = client.get(told["results"][0]["url"], params={"save": True}).headers["content-disposition"]
        assert called == "attachment; filename*=UTF-8''Frau%20M%C3%BCller%20spricht-repair.mp4"
        given = client.get(f"{API}/jobs/{repaired}/inputs/video", headers={"range": "bytes=4-7"})
        assert given.content == b"ftyp"
        assert list(kept.glob(f"{content_key(talk)}-*"))
        for number in (measured, repaired, finished, checked):
            assert client.delete(f"{API}/jobs/{number}").status_code == 204
            assert not (tmp_path / "files" / "jobs" / number).exists()
        assert not list(kept.glob(f"{content_key(talk)}-*"))


def test_faces_are_found_on_a_frame_and_named_as_dub_takes_them(tmp_path: Path, talk: Path) -> None:
    with serving(tmp_path / "files", real=True) as client:
        video = uploaded(client, talk)
        seen = client.get(f"{API}/uploads/{video}/faces", params={"at": 1.0}).json()
        (face,) = seen["faces"]
        x0, y0, x1, y1 = face["box"]
        assert x0 < 120 < x1
        assert y0 < 90 < y1
        assert (face["number"], face["face"]) == (1, f"{(x0 + x1) // 2},{(y0 + y1) // 2}@1.000")
        picture = client.get(seen["picture"])
        assert picture.content.startswith(b"\x89PNG")
        sound = drawn.write_sound(tmp_path / "a.wav", drawn.voice(1.5).samples, 16000)
        body = {"verb": "dub", "inputs": {"video": video, "speech": uploaded(client, sound)}, "consent": True}
        job = client.post(f"{API}/jobs", json=body | {"options": {"face": face["face"]}}).json()["id"]
        told = ended(client, job)
        assert told["state"] == "done", told["error"]
        upload = uploaded(client, sound)
        assert "no video and no picture" in client.get(f"{API}/uploads/{upload}/faces").json()["detail"]


def test_a_look_at_a_file_has_its_limits(tmp_path: Path) -> None:
    path = drawn.still(tmp_path / "a.png", np.zeros((64, 64, 3), np.uint8))
    order = {"path": str(path), "most_seconds": 1, "most_side": 10, "most_pixels": 10, "most_rate": 1}
    with pytest.raises(InputError, match="64 x 64 pixels"):
        children.asked("sniff", **order)
    with pytest.raises(InputError, match=r"within 0 s"):
        children.asked("sniff", seconds=0.05, **order)
    large = cv2.imencode(".png", np.zeros((8_000, 8_000), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    path.write_bytes(large.tobytes())
    assert path.stat().st_size < 200_000
    order |= {"most_side": 10**6, "most_pixels": 10**9}
    assert children.asked("sniff", **order)["size"] == [8_000, 8_000]
    with pytest.raises(InputError, match="no frame that can be decoded|memory"):
        children.asked("sniff", memory=150 << 20, **order)


# the command ------------------------------------------------------------------------------------------------


def test_one_server_holds_a_folder(tmp_path: Path) -> None:
    first = lipwright.serve(port=0, folder=tmp_path)
    try:
        with pytest.raises(InputError, match="another server holds"):
            lipwright.serve(port=0, folder=tmp_path)
        assert first.link == f"{first.url}/#token={first.token}"
        assert (tmp_path.stat().st_mode & 0o777, first.reachable) == (0o700, False)
    finally:
        first.close()
    lipwright.serve(port=0, folder=tmp_path).close()


def test_options_that_cannot_be_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    lines = {
        f"serve --folder {tmp_path / 'a'} --token short": "at least 16 letters",
        f"serve --folder {tmp_path / 'file' / 'a'}": "cannot be used for uploads",
        f"serve --folder {tmp_path / 'a'} --port 99999": "another --host or --port",
        f"serve --folder {tmp_path / 'a'} --host 203.0.113.1": "another --host or --port",
        f"serve --folder {tmp_path / 'a'} --keep 0": "--keep",
        f"serve --folder {tmp_path / 'a'} --workers 0": "--workers",
        f"serve --folder {tmp_path / 'a'} --memory nan": "--memory",
        f"serve --folder {tmp_path / 'a'} --memory inf": "--memory",
    }
    for line, said in lines.items():
        assert cli.main(line.split()) == 1
        assert said in capsys.readouterr().err
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "jobs.db").write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match="cannot be used as a database"):
        serving(tmp_path / "b").__enter__()


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    from lipwright.web.jobs import Jobs

    Jobs(tmp_path).close()
    Jobs(tmp_path).close()
    with sqlite3.connect(tmp_path / "jobs.db") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(OutputError, match="another version of lipwright"):
        Jobs(tmp_path)


# webhooks ---------------------------------------------------------------------------------------------------


class _Ear(BaseHTTPRequestHandler):
    """Takes what is told; answers as the server's ``answers`` say, and then 204."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        answers: list[int] = self.server.answers  # type: ignore[attr-defined]
        self.send_response(answers.pop(0) if answers else 204)
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def ear() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Ear)
    server.heard, server.answers = [], []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def heard(ear: HTTPServer, count: int) -> list[tuple[str, dict[str, str], bytes]]:
    for _ in range(400):
        if len(ear.heard) >= count:  # type: ignore[attr-defined]
            break
        time.sleep(0.05)
    return list(ear.heard)  # type: ignore[attr-defined]


def test_an_end_is_told_signed_and_again_until_it_is_taken(
    tmp_path: Path, ear: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks.Hooks.__init__, "__kwdefaults__", {"pauses": (0.05, 0.05)})
    ear.answers += [500, 302]  # type: ignore[attr-defined]
    secret = "a secret of some length"
    hook = {"url": f"http://127.0.0.1:{ear.server_port}/told?a=1", "secret": secret}
    with serving(tmp_path, Settings(webhooks="any")) as client:
        number = speaking(client, "hello", webhook=hook)["id"]
        tries = heard(ear, 3)
        for _ in range(100):
            if client.get(f"{API}/jobs/{number}").json()["webhook"] == "told":
                break
            time.sleep(0.05)
        assert client.get(f"{API}/jobs/{number}").json()["webhook"] == "told"
        assert secret not in client.get(f"{API}/jobs/{number}").text
    assert [path for path, _, _ in tries] == ["/told?a=1"] * 3
    _, headers, body = tries[-1]
    told = json.loads(body)
    assert (told["event"], told["job"]["id"], told["job"]["state"]) == ("job.done", number, "done")
    given = {name.lower(): value for name, value in headers.items()}["lipwright-signature"]
    when, made = (part.partition("=")[2] for part in given.split(","))
    assert abs(time.time() - int(when)) < 60
    assert made == hmac.new(secret.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()


def test_what_nobody_takes_is_given_up(tmp_path: Path, ear: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks.Hooks.__init__, "__kwdefaults__", {"pauses": (0.05,)})
    ear.answers += [500] * 10  # type: ignore[attr-defined]
    hook = {"url": f"http://127.0.0.1:{ear.server_port}/", "secret": "s" * 16}
    with serving(tmp_path, Settings(webhooks="any")) as client:
        number = speaking(client, "refuse", webhook=hook)["id"]
        heard(ear, 2)
        time.sleep(1.5)
        assert "it answered 500" in client.get(f"{API}/jobs/{number}").json()["webhook"]
    assert len(ear.heard) == 2  # type: ignore[attr-defined]
    assert json.loads(ear.heard[0][2])["event"] == "job.failed"  # type: ignore[attr-defined]


def test_a_name_that_leads_to_this_machine_is_not_told(
    tmp_path: Path, ear: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lead(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", ear.server_port))]

    monkeypatch.setattr(socket, "getaddrinfo", lead)
    with pytest.raises(InputError, match="address of this machine's network"):
        hooks.send(f"http://innocent.example:{ear.server_port}/", "s" * 16, b"{}", anywhere=False)
    assert ear.heard == []  # type: ignore[attr-defined]
    hooks.send(f"http://innocent.example:{ear.server_port}/", "s" * 16, b"{}", anywhere=True)
    assert len(ear.heard) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest/", "http://0.0.0.0/",
     "http://[::ffff:127.0.0.1]/", "http://[fd00::1]/", "http://[2002:7f00:1::]/", "http://[64:ff9b::7f00:1]/",
     "http://224.0.0.1/", "ftp://example.com/", "http://user:word@example.com/", "http:///a", "http://a:99999/",
     "http://a:0/", "http://100.64.0.1/"],
)  # fmt: skip
def test_an_address_that_may_not_be_told_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError):
        hooks.checked(url, anywhere=False)


def test_an_address_on_the_internet_may_be_told() -> None:
    assert hooks.checked("https://8.8.8.8/x", anywhere=False).hostname == "8.8.8.8"
    assert hooks.public("2606:4700::1111")


def test_the_token_is_kept_out_of_the_page(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        assert TOKEN not in client.get("/").text


def test_the_link_holds_any_token_whole(tmp_path: Path) -> None:
    token = "pass+word %20&x=0123#z"
    studio = lipwright.serve(port=0, folder=tmp_path / "a", token=token)
    studio.close()
    assert parse_qs(urlsplit(studio.link).fragment) == {"token": [token]}
