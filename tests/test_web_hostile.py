"""Uploads that mean harm are refused, each with a sentence, and leave nothing behind."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

import drawn
from lipwright.web import uploads, worker
from lipwright.web.jobs import Jobs
from lipwright.web.settings import Settings
from served import serving

UPLOADS = "/api/v1/uploads"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    with serving(folder, Settings(most_seconds=600.0)) as client:
        yield client


def give(client: TestClient, content: bytes, name: str = "a.mp4", kind: str = "video/mp4") -> tuple[int, str]:
    answer = client.post(UPLOADS, files={"file": (name, content, kind)})
    return answer.status_code, answer.json().get("detail", "")


def png(width: int, height: int, rows: int) -> bytes:
    """A grey PNG that says it is so large, and holds so many rows of it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    body = b"".join([*(packer.compress(bytes(width + 1)) for _ in range(rows)), packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def zipped() -> bytes:
    """8 MiB of nought as 8 kB: what a zip bomb is made of."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escaped.mp4", bytes(8 << 20))
    return made.getvalue()


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("../../../etc/cron.d/a")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
    return made.getvalue()


def long_flac(tmp_path: Path) -> bytes:
    """Half a second of sound whose head says that it has 2**36 - 1 samples."""
    content = bytearray(drawn.write_sound(tmp_path / "a.flac", drawn.voice(0.5).samples, 16000, "flac").read_bytes())
    content[21] |= 0x0F  # the last 36 bits before the checksum
    content[22:26] = b"\xff" * 4
    return bytes(content)


def far_apart(tmp_path: Path) -> bytes:
    """Two frames a day apart."""
    pictures = [drawn.numbered(0), drawn.numbered(1), drawn.numbered(2)]
    return drawn.write(tmp_path / "far.mkv", pictures, times=[0.0, 0.04, 86400.0], options={}).read_bytes()


def late_sound(tmp_path: Path) -> bytes:
    """A short video whose sound goes on an hour later."""
    import av

    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        for at in (0, 8000 * 3600):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 8000, at
            for packet in stream.encode(frame):
                output.mux(packet)
        output.mux(stream.encode(None))
    return path.read_bytes()


def fast(tmp_path: Path) -> bytes:
    """1000 frames a second."""
    pictures = [drawn.numbered(n) for n in range(10)]
    return drawn.write(tmp_path / "fast.mkv", pictures, 1000, options={}).read_bytes()


HARMFUL: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a zip": (lambda _: zipped(), "damaged or of a kind"),
    "a tar": (lambda _: tarred(), "damaged or of a kind|content is text"),
    "a picture of a million pixels a row": (lambda _: png(1_000_000, 4, 4), "1000000 x 4 pixels"),
    "a picture that says it is a million pixels a row": (lambda _: png(1_000_000, 1_000_000, 1), "pixels|frame|memory"),
    "a picture that unpacks to a gigabyte": (lambda _: png(30_000, 30_000, 300), "30000 x 30000 pixels|frame|memory"),
    "a sound that says it lasts 50 days": (long_flac, "says that it lasts 4294967 s"),
    "frames a day apart": (far_apart, "says that it lasts 864"),
    "a sound that goes on an hour later": (late_sound, "says that it lasts 36"),
    "a thousand frames a second": (fast, "1000 frames a second"),
    "a page": (lambda _: b"<!doctype html><script>alert(1)</script>" * 20, "content is text"),
    "a drawing that runs scripts": (
        lambda _: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
        "content is text",
    ),
    "a program": (lambda _: Path("/bin/true").resolve().read_bytes(), "damaged or of a kind"),
    "a page behind a picture's first bytes": (
        lambda _: b"\xff\xd8\xff<html><script>alert(1)</script>",
        "frame|damaged",
    ),
    "noughts": (lambda _: bytes(100_000), "all zero"),
}


@pytest.mark.parametrize(("make", "said"), HARMFUL.values(), ids=HARMFUL)
def test_what_means_harm_is_refused_and_nothing_is_kept(
    client: TestClient, folder: Path, tmp_path: Path, make: Callable[[Path], bytes], said: str
) -> None:
    import re

    status, detail = give(client, make(tmp_path))
    assert status == 422
    assert re.search(said, detail), detail
    assert str(folder) not in detail
    assert list((folder / "uploads").iterdir()) == []


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{other}\n#EXT-X-ENDLIST\n",
    "hls by its protocol": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nconcat:{other}|/etc/passwd\n",
    "ffconcat": "ffconcat version 1.0\nfile '{other}'\n",
    "m3u": "#EXTM3U\nhttp://127.0.0.1:{port}/a.ts\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_that_names_a_file_of_the_server_is_refused_unopened(
    client: TestClient, tmp_path: Path, kind: str
) -> None:
    secret, opened = tmp_path / "secret.ts", threading.Event()
    os.mkfifo(secret)

    def feed() -> None:
        with secret.open("wb"):
            opened.set()

    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    status, detail = give(client, PLAYLISTS[kind].format(other=secret, port=9).encode(), "talk.m3u8")
    assert (status, opened.is_set()) == (422, False)
    assert "content is text" in detail
    reading = os.open(secret, os.O_RDONLY | os.O_NONBLOCK)
    feeding.join(10)
    os.close(reading)


def test_a_picture_with_a_page_behind_it_is_a_picture_to_every_browser(client: TestClient, tmp_path: Path) -> None:
    both = drawn.still(tmp_path / "a.png", drawn.face(0.2)).read_bytes() + b"<script>alert(1)</script>"
    answer = client.post(UPLOADS, files={"file": ("a.html", both, "text/html")})
    assert answer.status_code == 201
    given = client.get(answer.json()["content"])
    assert given.headers["content-type"] == "image/png"
    assert given.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in given.headers["content-security-policy"]


NAMES = {
    "../../../../etc/passwd": "passwd",
    "..\\..\\windows\\system32\\a.wav": "a.wav",
    "/etc/passwd": "passwd",
    "..": "file",
    "": "file",
    "a\u202egnp.exe\x00\n.wav": "agnp.exe.wav",
    "<img src=x onerror=alert(1)>.wav": "<img src=x onerror=alert(1)>.wav",
    "n" * 5000: "n" * 100,
}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_shown_and_never_a_path(name: str) -> None:
    assert uploads.shown(name) == NAMES[name]


def test_names_that_lead_elsewhere_lead_nowhere(client: TestClient, folder: Path, tmp_path: Path) -> None:
    sound = drawn.write_sound(tmp_path / "voice.wav", drawn.voice(0.3).samples, 16000).read_bytes()
    before = {path for path in folder.parent.rglob("*") if folder not in path.parents}
    answer = client.post(UPLOADS, files={"file": ("../../../escaped.wav", sound)}).json()
    assert answer["name"] == "escaped.wav"
    assert [file.name for file in (folder / "uploads" / answer["id"]).iterdir()] == ["file"]
    assert {path for path in folder.parent.rglob("*") if folder not in path.parents} == before
    client.delete(f"{UPLOADS}/{answer['id']}")


@pytest.mark.parametrize("path", ["..%2f..%2fjobs.db", "%2e%2e/jobs.db", "a" * 24 + "/../../jobs.db", "\u0000"])
def test_no_path_leads_out_of_a_folder(client: TestClient, path: str) -> None:
    for url in (f"{UPLOADS}/{path}/content", f"/page/{path}", f"/api/v1/jobs/{'a' * 24}/results/{path}"):
        assert client.get(url.replace("\u0000", "%00")).status_code in (401, 404, 405, 422)


@pytest.mark.parametrize("folder", ["/srv/plain", '/srv/jürgen\'s "files"'])
def test_no_answer_says_where_files_lie(folder: str) -> None:
    said = json.dumps({"text": f"{folder}/results/video.mp4 of {folder}/inputs/video"})
    assert worker._named(said, {"folder": folder}) == '{"text": "video.mp4 of video"}'


def test_a_database_that_takes_nothing_is_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Jobs, "add_job", refused)
    answer = client.post("/api/v1/jobs", json={"verb": "speak", "options": {"text": "hello"}})
    assert answer.status_code == 503
    assert "takes nothing now" in answer.json()["detail"]
