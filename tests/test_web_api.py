"""The REST API of the studio: who may ask, uploads, jobs and their states, limits."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

import drawn
from lipwright import cli
from lipwright.commands import VERBS
from lipwright.errors import InputError
from lipwright.web import asked, cleaning, crew, guard, hooks, uploads
from lipwright.web.jobs import LOST, Jobs, Upload
from lipwright.web.settings import Settings
from lipwright.web.told import RESULTS
from served import TOKEN, ended, serving, speaking, uploaded

API = "/api/v1"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(tmp_path_factory.mktemp("served"), Settings(workers=2)) as client:
        yield client


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return drawn.write_sound(tmp_path / "voice.wav", drawn.voice(0.5).samples, 16000)


# who may ask ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "Bearer no", "Basic abc", f"Bearer {TOKEN}x", "Bearer \xff"])
def test_nobody_without_the_token_is_let_in(client: TestClient, given: str | None) -> None:
    headers = {"authorization": given.encode("latin-1")} if given else {"authorization": ""}
    answer = client.get(f"{API}/jobs", headers=headers)
    assert answer.status_code == 401
    assert "Bearer" in answer.json()["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_page_is_let_in_by_a_cookie_that_does_not_tell_the_token(client: TestClient) -> None:
    bare = {"authorization": ""}
    assert client.post(f"{API}/session", json={"token": "wrong"}, headers=bare).status_code == 401
    answer = client.post(f"{API}/session", json={"token": TOKEN}, headers=bare)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 204
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert client.get(f"{API}/jobs", headers=bare).status_code == 200
    client.cookies.clear()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:8765"}, 422),
        ({"sec-fetch-site": "same-origin"}, 422),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({}, 403),
    ],
)
def test_a_page_of_another_site_changes_nothing_with_the_cookie(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    with_cookie = {"cookie": f"{guard.COOKIE}={guard.session(TOKEN)}"}
    del client.headers["authorization"]
    try:
        assert client.post(f"{API}/jobs", json={}, headers=headers | with_cookie).status_code == status
    finally:
        client.headers["authorization"] = f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200), ("localhost:1", 200), ("[::1]:8765", 200), ("192.0.2.7", 200), ("LOCALHOST.", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example:8765", 421), ("", 421), ("[", 421), ("a@127.0.0.1.x", 421),
    ],
)  # fmt: skip
def test_names_that_others_can_point_here_are_refused(client: TestClient, host: str, status: int) -> None:
    assert client.get(f"{API}/about", headers={"host": host}).status_code == status


def test_a_name_that_was_told_is_the_servers(tmp_path: Path) -> None:
    with serving(tmp_path, Settings(names=("studio.example",))) as client:
        assert client.get(f"{API}/about", headers={"host": "Studio.example:80"}).status_code == 200


def test_who_asks_too_often_waits(tmp_path: Path) -> None:
    with serving(tmp_path, Settings(rate=0.001, burst=3)) as client:
        answers = [client.get(f"{API}/about") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 100


def test_tokens_cannot_be_guessed_quickly(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        found = [client.get(f"{API}/about", headers={"authorization": f"Bearer {n}"}).status_code for n in range(12)]
        entered = [client.post(f"{API}/session", json={"token": str(n)}).status_code for n in range(22)]
    assert found == [401] * 10 + [429] * 2
    assert entered == [401] * 20 + [429] * 2


def test_answers_ask_the_browser_to_load_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", f"{API}/about", f"{API}/jobs/{'0' * 24}", "/nowhere"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


# uploads ----------------------------------------------------------------------------------------------------


def test_a_sound_is_taken_looked_at_and_given_back(client: TestClient, sound: Path) -> None:
    number = uploaded(client, sound)
    told = client.get(f"{API}/uploads/{number}").json()
    assert (told["kind"], told["name"], told["bytes"]) == ("sound", "voice.wav", sound.stat().st_size)
    assert told["seconds"] == pytest.approx(0.5, abs=0.01)
    part = client.get(told["content"], headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, sound.read_bytes()[4:8])
    assert part.headers["content-type"] == "audio/wav"
    assert "sandbox" in part.headers["content-security-policy"]
    assert client.get(f"{API}/uploads").json()["items"][0]["id"] == number
    assert client.delete(f"{API}/uploads/{number}").status_code == 204
    assert client.get(told["content"]).status_code == 404
    assert client.delete(f"{API}/uploads/{number}").status_code == 404


def test_subtitles_are_known_by_their_content(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    number = uploaded(client, tmp_path / "a.txt", "talk.fr.srt")
    assert client.get(f"{API}/uploads/{number}").json()["kind"] == "subtitles"


def test_a_file_larger_than_is_taken_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, Settings(most_bytes=1 << 20)) as client:
        answer = client.post(f"{API}/uploads", files={"file": ("a.mp4", bytes((1 << 20) + 1))})
        assert (answer.status_code, answer.json()["detail"]) == (
            413,
            "the file has more than 1 MiB; give a smaller one",
        )
        assert client.post(f"{API}/uploads", files={"file": ("a.mp4", bytes(2 << 20))}).status_code == 413
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_taken(tmp_path: Path, sound: Path) -> None:
    with serving(tmp_path, Settings(spare=shutil.disk_usage(tmp_path).total)) as client:
        answer = client.post(f"{API}/uploads", files={"file": ("a.wav", sound.read_bytes())})
    assert answer.status_code == 507
    assert "disk of the server is full" in answer.json()["detail"]


def test_a_disk_that_fills_up_meanwhile_is_told(
    client: TestClient, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lipwright.web import uploads

    def full(self: object, chunk: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads.Form, "feed", full)
    answer = client.post(f"{API}/uploads", files={"file": ("a.wav", sound.read_bytes())})
    assert answer.status_code == 507


BODIES = {
    "no form": ({"content": b"abc", "headers": {"content-type": "text/plain"}}, "multipart/form-data"),
    "no boundary": ({"content": b"abc", "headers": {"content-type": "multipart/form-data"}}, "multipart/form-data"),
    "no file": ({"files": {"other": ("a", b"x")}}, "no file in a field called file"),
    "an empty file": ({"files": {"file": ("a.wav", b"")}}, "empty"),
    "two files": ({"files": [("file", ("a", b"x")), ("file", ("b", b"y"))]}, "several files"),
    "cut off": (
        {
            "content": b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
        "ends before the form does",
    ),
    "no form as it says": (
        {"content": b"abc", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        "no form as it says",
    ),
    "a boundary too long": (
        {"content": b"abc", "headers": {"content-type": f"multipart/form-data; boundary={'x' * 300}"}},
        "boundary",
    ),
}


@pytest.mark.parametrize(("how", "said"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_form_with_a_file_is_refused(client: TestClient, how: dict[str, object], said: str) -> None:
    answer = client.post(f"{API}/uploads", **how)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


# jobs -------------------------------------------------------------------------------------------------------


def test_a_job_is_queued_runs_and_is_done(client: TestClient) -> None:
    answer = client.post(f"{API}/jobs", json={"verb": "speak", "options": {"text": " hello "}})
    job = answer.json()
    assert (answer.status_code, job["verb"], job["options"]) == (201, "speak", {"text": "hello"})
    assert answer.headers["location"] == f"{API}/jobs/{job['id']}"
    told = ended(client, job["id"])
    assert (told["state"], told["progress"], told["error"]) == ("done", 1.0, "")
    assert told["created"] <= told["started"] <= told["ended"]
    (result,) = told["results"]
    assert (result["name"], result["type"]) == ("speech.wav", "audio/wav")
    assert len(client.get(result["url"]).content) == result["bytes"]
    assert client.get(result["url"], headers={"range": "bytes=0-3"}).content == b"RIFF"
    kept = client.get(result["url"], params={"save": True})
    assert kept.headers["content-disposition"] == "attachment; filename*=UTF-8''lipwright-speak.wav"
    assert client.get(f"{API}/jobs/{job['id']}/answer").json() == {"text": "said hello", "data": {"seconds": 1.0}}


def test_an_error_of_the_verb_is_the_jobs(client: TestClient) -> None:
    told = ended(client, speaking(client, "refuse")["id"])
    assert (told["state"], told["error"]) == ("failed", "this cannot be said")
    assert client.get(f"{API}/jobs/{told['id']}/answer").status_code == 404


def test_a_running_job_tells_its_progress_and_is_cancelled_at_once(client: TestClient) -> None:
    number = speaking(client, "long")["id"]
    for _ in range(200):
        told = client.get(f"{API}/jobs/{number}").json()
        if told["what"] == "speaking":
            break
        time.sleep(0.05)
    assert told["progress"] == 0.25
    assert told["seconds_left"] > 0
    assert client.post(f"{API}/jobs/{number}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{API}/jobs/{number}/cancel").json()["state"] == "cancelled"
    assert ended(client, speaking(client)["id"])["state"] == "done"  # the worker is free again


def test_a_waiting_job_is_cancelled_and_a_deleted_one_is_gone(client: TestClient) -> None:
    busy = [speaking(client, "long")["id"] for _ in range(2)]
    waiting = speaking(client, "long")["id"]
    assert client.get(f"{API}/jobs", params={"state": "queued"}).json()["items"][0]["id"] == waiting
    assert client.post(f"{API}/jobs/{waiting}/cancel").json()["state"] == "cancelled"
    for number in (*busy, waiting):
        assert client.delete(f"{API}/jobs/{number}").status_code == 204
        assert client.get(f"{API}/jobs/{number}").status_code == 404


def test_a_job_that_loses_its_process_once_is_done_and_three_times_is_given_up(client: TestClient) -> None:
    once, always = speaking(client, "die once")["id"], speaking(client, "die")["id"]
    assert ended(client, once)["state"] == "done"
    told = ended(client, always)
    assert (told["state"], told["error"]) == ("failed", LOST)


def test_a_job_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with serving(tmp_path, Settings(job_seconds=0.5)) as client:
        told = ended(client, speaking(client, "long")["id"])
    assert told["state"] == "failed"
    assert "took longer than" in told["error"]


def test_twenty_jobs_at_once_on_two_workers_are_all_done_two_at_a_time(tmp_path: Path) -> None:
    with serving(tmp_path, Settings(workers=2)) as twenty:
        numbers = [speaking(twenty, "one of 20")["id"] for _ in range(20)]
        told = [ended(twenty, number) for number in numbers]
        assert [each["state"] for each in told] == ["done"] * 20
        begun = [each["started"] for each in told]
        assert begun == sorted(begun)
        page = twenty.get(f"{API}/jobs", params={"limit": 5, "offset": 18}).json()
        assert (page["total"], [each["id"] for each in page["items"]]) == (20, numbers[1::-1])
    marks = (tmp_path / "jobs" / "running").read_text()
    open_now = [marks[: at + 1].count("+") - marks[: at + 1].count("-") for at in range(len(marks))]
    assert len(marks) == 40
    assert max(open_now) == 2


def test_the_same_key_and_body_are_the_same_job(client: TestClient) -> None:
    body, key = {"verb": "speak", "options": {"text": "once"}}, {"Idempotency-Key": "abc-1"}
    first, again = (client.post(f"{API}/jobs", json=body, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = client.post(f"{API}/jobs", json=body | {"options": {"text": "twice"}}, headers=key)
    assert other.status_code == 409
    assert "another request" in other.json()["detail"]


def test_the_same_key_at_the_same_time_is_one_job(tmp_path: Path) -> None:
    body, key = {"verb": "speak", "options": {"text": "once"}}, {"Idempotency-Key": "abc-2"}
    with serving(tmp_path) as client, ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: client.post(f"{API}/jobs", json=body, headers=key), range(16)))
        assert client.get(f"{API}/jobs").json()["total"] == 1
    assert sorted(each.status_code for each in answers) == [200] * 15 + [201]
    assert len({each.json()["id"] for each in answers}) == 1
    assert len([folder for folder in (tmp_path / "jobs").iterdir() if folder.is_dir()]) == 1


def test_more_jobs_than_may_wait_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, Settings(most_jobs=2)) as client:
        ended(client, speaking(client, "long")["id"], "running")
        speaking(client), speaking(client)
        answer = client.post(f"{API}/jobs", json={"verb": "speak", "options": {"text": "more"}})
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)


def test_the_result_of_a_job_is_an_input_of_another(client: TestClient) -> None:
    number = ended(client, speaking(client)["id"])["id"]
    job = speaking(client, inputs={"like": number})
    assert job["inputs"] == {"like": "lipwright-speak.wav"}
    assert ended(client, job["id"])["state"] == "done"


def test_a_job_keeps_its_files_when_the_upload_is_deleted(client: TestClient, sound: Path, tmp_path: Path) -> None:
    number = uploaded(client, sound)
    job = speaking(client, inputs={"like": number})["id"]
    client.delete(f"{API}/uploads/{number}")
    assert ended(client, job)["state"] == "done"


NO = "0" * 24
WRONG = {
    "no verb": {},
    "no such verb": {"verb": "train", "inputs": {"video": NO}},
    "no such upload": {"verb": "repair", "inputs": {"video": NO}},
    "an id that is a path": {"verb": "repair", "inputs": {"video": "../../etc/passwd"}},
    "an option that is none": {"verb": "speak", "options": {"text": "a", "out": "/tmp/a.wav"}},
    "a voice that runs programs": {"verb": "speak", "options": {"text": "a", "voice": "command:touch {out}"}},
    "a voice that is a file": {"verb": "speak", "options": {"text": "a", "voice": "piper:/etc/passwd"}},
    "a dubber that is a file": {"verb": "dub", "consent": True, "inputs": {"video": NO, "speech": NO},
                                "options": {"dubber": "wav2lip:/etc/passwd"}},
    "no consent": {"verb": "dub", "inputs": {"video": NO, "speech": NO}},
    "consent that is none": {"verb": "dub", "consent": False, "inputs": {"video": NO, "speech": NO}},
    "nothing to check": {"verb": "check", "inputs": {}},
    "a network that is a file": {"verb": "finish", "inputs": {"video": NO}, "options": {"restore": "/etc/passwd"}},
    "nothing to say": {"verb": "dub", "consent": True, "inputs": {"video": NO}},
    "two things to say": {"verb": "dub", "consent": True, "inputs": {"video": NO, "speech": NO},
                          "options": {"text": "a"}},
    "a number that is none": {"verb": "dub", "consent": True, "inputs": {"video": NO, "speech": NO},
                              "options": {"smooth": "NaN"}},
    "a webhook where they are off": {"verb": "speak", "options": {"text": "a"},
                                     "webhook": {"url": "https://example.com/", "secret": "s" * 16}},
}  # fmt: skip


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_request_that_cannot_be_done_is_a_sentence(client: TestClient, body: dict[str, object]) -> None:
    before = client.get(f"{API}/jobs").json()["total"]
    answer = client.post(f"{API}/jobs", json=body)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)
    assert client.get(f"{API}/jobs").json()["total"] == before


ODD = {
    "half a character": (rb'{"verb": "speak", "options": {"text": "\ud800"}}', 422),
    "nested deeply": (b"[" * 100_000, 400),
    "longer than is taken": (b'{"verb": "speak", "options": {"text": "' + b"x" * 300_000 + b'"}}', 413),
    "an endless number": (b'{"verb": "speak", "options": {"text": "a", "pace": 1e999}}', 422),
    "no text": (b"\xff\xfe", 422),
    "nothing": (b"null", 422),
    "blanks": (b'{"verb": "speak", "options": {"text": "  "}}', 422),
}


@pytest.mark.parametrize(("body", "status"), ODD.values(), ids=ODD)
def test_an_odd_body_is_no_error_of_the_server(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post(f"{API}/jobs", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


def test_a_sound_is_no_video(client: TestClient, sound: Path) -> None:
    answer = client.post(f"{API}/jobs", json={"verb": "repair", "inputs": {"video": uploaded(client, sound)}})
    assert answer.status_code == 422
    assert "voice.wav is of the kind sound" in answer.json()["detail"]


@pytest.mark.parametrize("verb", ["check", "dub", "finish", "measure", "repair", "speak"])
def test_options_are_those_of_the_command(verb: str) -> None:
    options = getattr(asked, f"{verb.capitalize()}Options").model_fields
    inputs = getattr(asked, f"{verb.capitalize()}Inputs").model_fields
    top = cli.parser()._subparsers._group_actions[0].choices[verb]  # type: ignore[union-attr]
    actions = {action.dest: action for action in top._actions}
    names = {name.rstrip("_") for name in options}
    roles = set(inputs) - ({"video"} if verb == "measure" else set())
    assert names | roles <= actions.keys()
    assert verb in VERBS
    for name, field in options.items():
        words = getattr(actions[name.rstrip("_")], "choices", None)
        said = str(field.annotation)
        if words and "Literal" in said:
            assert all(f"'{word}'" in said for word in words), name


def test_every_result_has_its_type() -> None:
    assert all("/" in kind for kind in RESULTS.values())


def test_a_disk_that_was_full_for_a_while_stops_nothing_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: Counter[str] = Counter()

    def full_at_first(name: str, state: str | None = None) -> None:
        real = getattr(Jobs, name)

        def refusing(jobs: Jobs, *words: object, **more: object) -> object:
            if more.get("state") == state:
                asked_for[name] += 1
                if asked_for[name] == 1:
                    raise OperationalError("UPDATE job", {}, Exception("database or disk is full"))
            return real(jobs, *words, **more)

        monkeypatch.setattr(Jobs, name, refusing)

    for name, state in (("take", None), ("change", "done"), ("hooks", None), ("old", None)):
        full_at_first(name, state)
    for module, name in ((crew, "PAUSE"), (cleaning, "EVERY"), (hooks, "SECONDS")):
        monkeypatch.setattr(module, name, 0.1)
    with serving(tmp_path / "a") as client:
        assert ended(client, speaking(client)["id"])["state"] == "done"
        for _ in range(200):
            if min(asked_for.values()) > 1:
                break
            time.sleep(0.05)
    assert set(asked_for) == {"take", "change", "hooks", "old"}
    assert min(asked_for.values()) > 1


def test_pictures_of_frames_do_not_heap_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(_: str, *, at: float, picture: str, **more: object) -> dict[str, object]:
        Path(picture).write_bytes(b"picture")
        return {"at": at, "size": [2, 2], "faces": []}

    monkeypatch.setattr(uploads.children, "asked", seen)
    with serving(tmp_path / "a") as client:
        jobs = Jobs(tmp_path / "a")
        about = {"kind": "video", "type": "video/mp4"}
        found = jobs.add_upload(Upload(id="a" * 24, name="a.mp4", kind="video", bytes=1, created=1e10, about=about))
        folder = jobs.upload_folder(found.id)
        folder.mkdir()
        for at in range(30):
            assert client.get(f"{API}/uploads/{found.id}/faces", params={"at": at}).status_code == 200
        assert len(list(folder.glob("*.png"))) == uploads.MOST_FRAMES
        assert (folder / "frame-29000.png").is_file()
        jobs.close()


# what is old ------------------------------------------------------------------------------------------------


def test_what_is_old_is_deleted_and_what_is_not_is_kept(tmp_path: Path, sound: Path) -> None:
    with serving(tmp_path / "a", Settings()) as client:
        upload, job = uploaded(client, sound), ended(client, speaking(client)["id"])["id"]
        running = speaking(client, "long")["id"]
        stray = tmp_path / "a" / "uploads" / ("f" * 24)
        stray.mkdir()
        jobs = Jobs(tmp_path / "a")
        assert cleaning.clean(jobs, 1.0) == 0
        assert cleaning.clean(jobs, 1.0, time.time() + 3700) == 2
        assert client.get(f"{API}/uploads/{upload}").status_code == 404
        assert client.get(f"{API}/jobs/{job}").status_code == 404
        assert client.get(f"{API}/jobs/{running}").status_code == 200
        assert cleaning.clean(jobs, 1.0, time.time() + 90_000) == 1
        assert not stray.exists()
        jobs.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", 0), ("keep_hours", 0.0), ("most_bytes", 1), ("most_seconds", -1.0), ("job_seconds", float("nan")),
     ("memory", 1), ("webhooks", "all")],
)  # fmt: skip
def test_limits_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(InputError, match="given|GiB"):
        Settings(**{name: value})
