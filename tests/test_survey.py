"""A study: who sees what, what is fixed in its folder, and what its server takes and refuses."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("sqlmodel", reason="the extra web is not installed")

import yaml
from fastapi.testclient import TestClient
from hypothesis import given, settings, strategies as st

import drawn
from asked import films, folder, planned, vote_all  # noqa: F401
from lipwright import cli, media, serving, survey
from lipwright.errors import InputError, OutputError
from lipwright.survey import app, design, study as studies, texts
from lipwright.survey.design import Design
from lipwright.survey.store import Store
from lipwright.survey.study import MEDIA

# who sees what ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 12))
def test_every_condition_stands_and_follows_equally_often(count: int) -> None:
    rows = design.williams(count)
    assert all(sorted(row) == list(range(count)) for row in rows)
    for place in range(count):
        assert len(set(Counter(row[place] for row in rows).values())) == 1
    after = Counter(pair for row in rows for pair in pairwise(row))
    assert len(after) == count * (count - 1)
    assert len(set(after.values())) <= 1


designs = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 6), st.integers(0, 20), st.integers(0, 9)).map(
    lambda n: Design(n[0], n[1], n[1] * min(n[2], n[0]), min(n[3], n[0] * n[1] * (n[1] - 1) // 2), n[4])
)


@settings(deadline=None)
@given(designs, st.integers(1, 30))
def test_ratings_are_spread_evenly(made: Design, raters: int) -> None:
    lists = [design.rated(made, rater) for rater in range(raters)]
    assert all(len(set(each)) == len(each) == made.ratings for each in lists), "nobody rates a video twice"
    seen = Counter(item for each in lists for item in each)
    counts = [seen[clip, system] for clip in range(made.clips) for system in range(made.systems)]
    assert max(counts) - min(counts) <= 1, "each video is rated as often as any other"
    rows = len(design.williams(made.systems))
    whole = lists[: raters // rows * rows]
    for place in range(made.ratings if whole else 0):
        stood = Counter(each[place][1] for each in whole)
        assert len(stood) == made.systems
        assert len(set(stood.values())) == 1, "each system stands at each position equally often"


@settings(deadline=None)
@given(designs.filter(lambda made: made.pairs > 0), st.integers(1, 30))
def test_pairs_are_spread_evenly_and_turned(made: Design, raters: int) -> None:
    lists = [design.compared(made, rater) for rater in range(raters)]
    assert all(len({(c, frozenset((a, b))) for c, a, b in each}) == made.pairs for each in lists)
    seen = Counter((c, frozenset((a, b))) for each in lists for c, a, b in each)
    assert len(seen) == min(made.all_pairs, raters * made.pairs)
    assert max(seen.values()) - (min(seen.values()) if len(seen) == made.all_pairs else 0) <= 1
    ways = Counter(item for each in lists for item in each)
    assert all(abs(ways[c, a, b] - ways[c, b, a]) <= 1 for c, a, b in ways), "each comes first as often as second"


@settings(deadline=None)
@given(designs, st.integers(0, 99), st.integers(1, 24), st.integers(1, 3))
def test_checks_are_spread_and_never_first(made: Design, rater: int, length: int, count: int) -> None:
    spots = design.places(made, rater, length, count)
    assert len(spots) == count
    assert spots == sorted(spots)
    assert all(1 <= spot <= max(1, length) for spot in spots)


def test_orders_are_the_seeds() -> None:
    one, other = Design(4, 3, 12, 12, 1), Design(4, 3, 12, 12, 2)
    assert design.rated(one, 3) == design.rated(one, 3)
    assert design.rated(one, 3) != design.rated(other, 3)
    assert design.rated(one, 3) != design.rated(one, 4)


# its folder --------------------------------------------------------------------------------------------


def test_a_study_says_nothing_of_its_systems_to_raters(folder: Path, films: dict[str, Path]) -> None:
    study = studies.read(folder)
    assert len(study.items) == 6
    names = [each.name for each in study.stimuli]
    assert len(set(names)) == len(names) == 7, "six videos, and one whose sound was moved"
    assert not [name for name in names if any(system in name for system in films)]
    assert sorted(file.stem for file in (folder / MEDIA).iterdir()) == sorted(names)
    content = b"".join(file.read_bytes() for file in (folder / MEDIA).iterdir())
    assert not [word for word in (*films, "clip-0", "clip-1") if word.encode() in content]
    client = TestClient(app.make(folder))
    token = survey.invite(folder, 1)[0]
    client.post(f"/r/{token}/start", data={"agree": "yes", "language": "en"})
    for position in range(len(study.playlist(0))):
        text = client.get(f"/r/{token}/{position}").text
        assert not [word for word in (*films, "clip-0", "clip-1") if word in text]
        asked = study.questions(study.playlist(0)[position])
        client.post(f"/r/{token}/{position}", data={name: values[0] for name, values in asked.items()})
    assert "Thank you" in client.get(f"/r/{token}").text
    with sqlite3.connect(folder / "study.db") as database:
        before = database.execute("SELECT * FROM vote").fetchall()
        assert "Thank you" in client.post(f"/r/{token}/0", data=ALL).text
        assert database.execute("SELECT * FROM vote").fetchall() == before, "after the last page all answers stand"


def test_the_video_of_a_check_has_its_sound_moved(folder: Path) -> None:
    study = studies.read(folder)
    (moved,) = [each for each in study.stimuli if each.moved]
    assert moved.system == "camera"
    own = media.open_audio(folder / MEDIA / f"{study.items[moved.clip, 'camera'].name}.mp4")
    late = media.open_audio(folder / MEDIA / f"{moved.name}.mp4")
    by = round(moved.moved * own.rate)
    n = len(own.samples) - by - 2000
    assert abs(late.samples[by : by + n] - own.samples[:n]).max() < 0.02


def test_a_video_that_browsers_do_not_play_is_encoded_again(tmp_path: Path) -> None:
    clip = drawn.talking(15, size=(64, 48))
    assert clip.audio is not None
    file = drawn.write(tmp_path / "old.mkv", clip.read(), codec="mpeg4", audio=clip.audio.samples[None], rate=16000)
    made = survey.plan(tmp_path / "study", videos=[file], checks=0)
    look = media.probe(tmp_path / "study" / MEDIA / f"{made.stimuli[0].name}.mp4")
    assert look.video is not None
    assert look.audio is not None
    assert (look.video.codec, look.video.pix_fmt, look.audio.codec) == ("h264", "yuv420p", "aac")


def test_one_system_is_rated_and_not_compared(films: dict[str, Path], tmp_path: Path) -> None:
    made = survey.plan(tmp_path / "study", videos=sorted(films["camera"].iterdir()), checks=2)
    kinds = Counter((trial.kind, trial.role) for trial in made.playlist(5))
    assert kinds == {("rate", "practice"): 1, ("rate", "vote"): 2, ("rate", "check"): 1, ("told", "check"): 1}


def test_pairs_alone_are_a_study_too(films: dict[str, Path], tmp_path: Path) -> None:
    made = survey.plan(tmp_path / "study", systems=films, ratings=0, compare=["realism"], checks=3)
    kinds = Counter((trial.kind, trial.role) for trial in made.playlist(0))
    assert kinds == {("compare", "practice"): 1, ("compare", "vote"): 6, ("told", "check"): 3}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"systems": None}, "give --videos"),
        ({"ratings": 7}, "1 to 6 videos, all that there are; given 7"),
        ({"ratings": 4}, "4 ratings are not as many of each of 3 systems; give 3 or 6"),
        ({"pairs": 7}, "pairs lies between 1 and 6 here; given 7"),
        ({"checks": 6}, "6 checks need 3 clips; there are 2"),
        ({"checks": 9}, "between 0 and 6"),
        ({"questions": ["beauty"]}, "no question is called 'beauty'"),
        ({"languages": ["xx"]}, "no language is called 'xx'"),
        ({"questions": [], "compare": []}, "nothing is asked"),
        ({"most_failed": 2}, "most_failed lies between 0 and 1"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_planned_is_told(
    films: dict[str, Path], tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        survey.plan(tmp_path / "study", **{"systems": films, **changes})  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir()), "nothing half made stays"


def test_systems_of_different_clips_are_told(films: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "less").mkdir()
    (tmp_path / "less" / "clip-0.mp4").write_bytes((films["dubbed"] / "clip-0.mp4").read_bytes())
    with pytest.raises(InputError, match="do not show the same clips: clip-1 is in one of them alone"):
        survey.plan(tmp_path / "study", systems={"camera": films["camera"], "less": tmp_path / "less"})
    with pytest.raises(InputError, match="no folder .*nowhere for the system other"):
        survey.plan(tmp_path / "study", systems={"camera": films["camera"], "other": tmp_path / "nowhere"})
    with pytest.raises(InputError, match="two of the videos given are called clip-0"):
        survey.plan(tmp_path / "study", videos=[films["camera"] / "clip-0.mp4", films["dubbed"] / "clip-0.mp4"])


def test_a_video_without_sound_is_told_and_nothing_stays(tmp_path: Path) -> None:
    silent = drawn.write(tmp_path / "silent.mp4", drawn.talking(5, size=(64, 48)).read())
    with pytest.raises(InputError, match=r"silent\.mp4 has no sound"):
        survey.plan(tmp_path / "study", videos=[silent])
    assert [path.name for path in tmp_path.iterdir()] == ["silent.mp4"]


def test_a_study_is_not_planned_twice(folder: Path, films: dict[str, Path], tmp_path: Path) -> None:
    before = (folder / "study.yaml").read_bytes()
    with pytest.raises(OutputError, match="holds a study already"):
        survey.plan(folder, systems=films)
    with pytest.raises(OutputError, match="not empty"):
        survey.plan(tmp_path, systems=films)
    assert (folder / "study.yaml").read_bytes() == before


def test_what_is_damaged_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no study in .*nowhere"):
        studies.read(tmp_path / "nowhere")
    study = studies.read(folder)
    (folder / "study.db").rename(tmp_path / "kept.db")
    with pytest.raises(InputError, match=r"study\.db is missing"):
        app.make(folder)
    (folder / "study.db").write_bytes(b"not a database" * 999)
    with pytest.raises(InputError, match=r"study\.db is damaged"):
        app.make(folder)
    (folder / "study.db").unlink()
    sqlite3.connect(folder / "study.db").close()
    with pytest.raises(InputError, match="tables are missing"):
        app.make(folder)
    (folder / "study.db").unlink()
    Store.make(folder, replace(study, id="another")).close()
    with pytest.raises(InputError, match="belongs to another study"):
        app.make(folder)
    (folder / MEDIA / f"{study.stimuli[2].name}.mp4").unlink()
    with pytest.raises(InputError, match="lacks 1 of the study's videos"):
        studies.read(folder)


@pytest.mark.parametrize("text", ["", "a: [", "seed: 1", "42"])
def test_a_damaged_study_file_is_told(folder: Path, text: str) -> None:
    (folder / "study.yaml").write_text(text)
    with pytest.raises(InputError, match=r"study\.yaml is damaged"):
        studies.read(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"languages": ["xx"]}, {"ratings": ["beauty"]}, {"systems": ["camera", "gone"]}, {"languages": []},
        {"ratings": [], "pairs": []}, {"per_rater_ratings": 1000}, {"per_rater_ratings": "4"}, {"title": 2024},
        {"per_rater_pairs": -3}, {"per_rater_checks": 50}, {"most_failed": "two"}, {"watch": "no"}, {"seed": None},
    ],
)  # fmt: skip
def test_a_study_file_that_names_what_cannot_be_is_told(folder: Path, change: dict[str, object]) -> None:
    told = yaml.safe_load((folder / "study.yaml").read_text()) | change
    (folder / "study.yaml").write_text(yaml.safe_dump(told))
    with pytest.raises(InputError, match=r"study\.yaml is damaged"):
        studies.read(folder)


# its server --------------------------------------------------------------------------------------------


@pytest.fixture
def client(folder: Path) -> TestClient:
    return TestClient(app.make(folder), follow_redirects=False)


def joined(folder: Path, client: TestClient) -> str:
    """The address of a rater who agreed."""
    own = f"/r/{survey.invite(folder, 1)[0]}"
    assert client.post(f"{own}/start", data={"agree": "yes", "language": "en"}).headers["location"] == own
    return own


ALL = {"realism": "4", "sync": "3", "naturalness": "5"}


def test_a_link_of_nobody_is_a_page_in_words(client: TestClient) -> None:
    for address in ("/r/nobody", "/r/nobody/3", "/r/nobody/media/a.mp4"):
        answer = client.get(address, headers={"accept-language": "fr"})
        assert answer.status_code == 404
        assert "Ce lien n&#x27;appartient à personne" in answer.text
    assert "could not be understood" in client.get("/elsewhere").text
    assert client.post("/r/nobody/3", data=ALL).status_code == 404


def test_who_has_not_agreed_is_asked_first(folder: Path, client: TestClient) -> None:
    own = f"/r/{survey.invite(folder, 1)[0]}"
    assert "of my own free will" in client.get(own).text
    assert "survey@example.org" in client.get(own).text
    client.post(f"{own}/start", data={"language": "en"})
    assert client.get(f"{own}/0").headers["location"] == own
    assert client.post(f"{own}/0", data=ALL).headers["location"] == own
    client.post(f"{own}/start", data={"language": "en", "agree": "yes"})
    assert client.get(own).headers["location"] == f"{own}/0"


def test_answers_are_kept_changed_and_resumed(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    assert client.post(f"{own}/0", data=ALL).status_code == 303
    assert client.get(own).headers["location"] == f"{own}/1", "it goes on where it was left"
    assert client.post(f"{own}/0", data=ALL | {"sync": "1"}).status_code == 303
    assert client.get(f"{own}/3").headers["location"] == own, "no page is skipped"
    shown = client.get(f"{own}/0").text
    assert 'name="sync" value="1" required checked' in shown
    with sqlite3.connect(folder / "study.db") as database:
        votes = database.execute("SELECT question, value FROM vote ORDER BY question").fetchall()
    assert votes == [("naturalness", "5"), ("realism", "4"), ("sync", "1")], "one vote for each question, the last"


def test_a_vote_is_one_for_each_page_and_question(folder: Path, client: TestClient) -> None:
    client.post(f"{joined(folder, client)}/0", data=ALL)
    with sqlite3.connect(folder / "study.db") as database, pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO vote SELECT page, question, '5' FROM vote LIMIT 1")
    with sqlite3.connect(folder / "study.db") as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(
            "INSERT INTO page (rater, position, item, kind, role, a, b, expected, answered) "
            "SELECT rater, 99, item, kind, role, a, b, expected, 0 FROM page LIMIT 1"
        )


@pytest.mark.parametrize("given_", [{"sync": "3"}, ALL | {"sync": "6"}, ALL | {"sync": ""}, {}])
def test_answers_that_are_none_come_back(folder: Path, client: TestClient, given_: dict[str, str]) -> None:
    own = joined(folder, client)
    answer = client.post(f"{own}/0", data=given_)
    assert answer.status_code == 422
    assert 'role="alert">Please answer every question' in answer.text
    assert client.get(own).headers["location"] == f"{own}/0"


def test_a_video_is_watched_to_its_end_first(folder: Path) -> None:
    told = yaml.safe_load((folder / "study.yaml").read_text()) | {"watch": True}
    (folder / "study.yaml").write_text(yaml.safe_dump(told))
    now = [1000.0]
    client = TestClient(app.make(folder, now=lambda: now[0]), follow_redirects=False)
    own = joined(folder, client)
    assert client.post(f"{own}/0", data=ALL).status_code == 422, "the page was never shown"
    client.get(f"{own}/0")
    now[0] += 0.5
    answer = client.post(f"{own}/0", data=ALL)
    assert (answer.status_code, "to the end" in answer.text) == (422, True)
    now[0] += 0.3
    assert client.post(f"{own}/0", data=ALL).status_code == 303
    with sqlite3.connect(folder / "study.db") as database:
        assert database.execute("SELECT count(*) FROM page WHERE shown IS NOT NULL").fetchone() == (0,)


def test_nothing_of_a_rater_is_stored(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    answer = client.post(f"{own}/0", data=ALL, headers={"user-agent": "the-agent", "x-forwarded-for": "203.0.113.9"})
    assert "set-cookie" not in answer.headers
    content = b"".join(path.read_bytes() for path in folder.glob("study.db*"))
    assert not [word for word in (b"the-agent", b"203.0.113.9", b"testclient") if word in content]


def test_who_leaves_takes_everything(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    client.post(f"{own}/0", data=ALL)
    assert client.post(f"{own}/leave").status_code == 303
    assert "Your answers were deleted" in client.get(own).text
    assert client.post(f"{own}/0", data=ALL).status_code == 303
    with sqlite3.connect(folder / "study.db") as database:
        assert database.execute("SELECT (SELECT count(*) FROM vote), (SELECT count(*) FROM page)").fetchone() == (0, 0)


def test_videos_come_in_ranges_to_those_with_a_link(folder: Path, client: TestClient) -> None:
    own, name = joined(folder, client), studies.read(folder).stimuli[0].name
    whole = client.get(f"{own}/media/{name}.mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] == "video/mp4"
    part = client.get(f"{own}/media/{name}.mp4", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert client.get(f"{own}/media/{name}.mp4", headers={"range": "bytes=99999999-"}).status_code == 416
    assert client.head(f"{own}/media/{name}.mp4").headers["content-length"] == str(len(whole.content))
    for wrong in ("..%2Fstudy", "study", "%2e%2e/study.yaml"):
        assert client.get(f"{own}/media/{wrong}.mp4").status_code == 404
    for wrong in ("pages.py", "..%2Fapp.py", "frame.html"):
        assert client.get(f"/page/{wrong}").status_code == 404


def test_who_asks_too_often_waits(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    answers = [client.get(f"{own}/0") for _ in range(260)]
    slow = next(answer for answer in answers if answer.status_code == 429)
    assert int(slow.headers["retry-after"]) >= 1
    assert "Too many requests" in slow.text
    assert client.get(joined(folder, client)).status_code == 303, "others go on"
    strangers = [client.get(f"/r/guess-{n}").status_code for n in range(120)]
    assert set(strangers) == {404, 429}


def test_so_many_may_sign_up(folder: Path) -> None:
    client = TestClient(app.make(folder, sign_up=2), follow_redirects=False)
    assert 'action="/join"' in client.get("/").text
    addresses = {client.post("/join").headers["location"] for _ in range(2)}
    assert len(addresses) == 2
    full = client.post("/join")
    assert (full.status_code, "Enough people" in full.text) == (403, True)
    closed = TestClient(app.make(folder))
    assert "personal link only" in closed.get("/").text
    assert closed.post("/join").status_code == 403


def test_an_answer_that_cannot_be_stored_is_not_confirmed(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    with sqlite3.connect(folder / "study.db") as database:
        database.execute("ALTER TABLE vote RENAME TO lost")
    answer = client.post(f"{own}/0", data=ALL)
    assert (answer.status_code, "could not be saved" in answer.text) == (503, True)
    with sqlite3.connect(folder / "study.db") as database:
        database.execute("ALTER TABLE lost RENAME TO vote")
    assert client.get(own).headers["location"] == f"{own}/0"


@pytest.mark.parametrize("address", ["/r/%00", "/r/a%2Fb", "/r/" + "x" * 3000, "/r/a/-1", "/r/a/1e9", "/join", "/r//0"])
def test_odd_addresses_are_pages_in_words(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code in {404, 405}
    assert "<h1>" in answer.text


def test_odd_positions_and_forms_lead_back(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    assert client.get(f"{own}/{10**30}").headers["location"] == own
    odd = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post(f"{own}/0", content=b"--x\r\nno form", headers=odd).status_code in {400, 422}
    assert client.post(f"{own}/0", content=b"\xff\xfe=%ff&sync=%00").status_code == 422
    assert client.post(f"{own}/0", files={"sync": b"3"}).status_code == 422


def test_a_long_form_is_refused(folder: Path, client: TestClient) -> None:
    assert client.post(f"{joined(folder, client)}/0", data={"sync": "1" * 20000}).status_code == 413


def test_a_title_is_no_html(films: dict[str, Path], tmp_path: Path) -> None:
    survey.plan(tmp_path / "s", videos=sorted(films["camera"].iterdir()), title="<b>&", contact='"<i>', checks=0)
    client = TestClient(app.make(tmp_path / "s"))
    text = client.get(f"/r/{survey.invite(tmp_path / 's', 1)[0]}").text
    assert "<h1>&lt;b&gt;&amp;</h1>" in text
    assert "<i>" not in text


# what raters read --------------------------------------------------------------------------------------


def shape(value: object) -> object:
    """The names in texts, and the places that are filled."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return sorted(re.findall(r"\{(\w+)\}", str(value)))


@pytest.mark.parametrize("code", texts.languages())
def test_every_language_says_the_same_things(code: str) -> None:
    assert shape(texts.texts(code)) == shape(texts.texts("en"))
    assert all(str(value).strip() for value in texts.texts(code).values())
    assert texts.texts(code)["dir"] == ("rtl" if code == "ar" else "ltr")


@pytest.mark.parametrize(
    ("accepted", "code"),
    [("de-AT,en;q=0.5", "de"), ("en;q=0.1,ar;q=0.9", "ar"), ("pt", "en"), ("", "en"), (";;q=x", "en")],
)
def test_the_browsers_language_is_taken(accepted: str, code: str) -> None:
    assert texts.wanted(accepted, ("en", "ar", "de")) == code


def test_the_language_can_be_changed(folder: Path, client: TestClient) -> None:
    own = joined(folder, client)
    assert '<html lang="en" dir="ltr">' in client.get(f"{own}/0").text
    assert client.get(f"{own}?language=ar").headers["location"] == f"{own}/0"
    assert '<html lang="ar" dir="rtl">' in client.get(f"{own}/0").text


# the command -------------------------------------------------------------------------------------------


def test_the_command_plans_invites_and_tells(
    films: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    systems = [f"{name}={path}" for name, path in films.items()]
    assert cli.main(["survey", "plan", "study", "--systems", *systems, "--no-watch", "--languages", "en", "ar"]) == 0
    assert "2 clips of 3 systems" in capsys.readouterr().out
    assert cli.main(["survey", "invite", "study", "3", "--url", "https://faces.example"]) == 0
    links = capsys.readouterr().out.split()
    assert len(set(links)) == 3
    assert all(re.fullmatch(r"https://faces\.example/r/[\w-]{43}", link) for link in links)
    assert cli.main(["survey", "stats", "study"]) == 1
    assert "no votes that count" in capsys.readouterr().err
    vote_all(tmp_path / "study", 8)
    assert cli.main(["survey", "stats", "study", "--report", "r.html", "--votes", "v.csv"]) == 0
    assert "Krippendorff" in capsys.readouterr().out
    assert (tmp_path / "r.html").is_file()
    assert (tmp_path / "v.csv").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stats", "study", "--seed", "3"], "--seed belongs to `lipwright survey plan`, not to stats"),
        (["serve", "study", "4"], "N belongs to `lipwright survey invite`"),
        (["invite", "study"], "say how many raters to invite"),
        (["plan", "study", "--systems", "dubbed"], "--systems takes NAME=FOLDER"),
        (["plan", "study"], "give --videos"),
        (["serve", "study"], "there is no study in"),
        (["invite", "study", "0"], "1 to 10000 raters"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["survey", *words]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["plan", "s", "--videos", "a.mp4"], ["invite", "s", "2"], ["serve", "s"], ["stats", "s"]], ids="-".join
)
def test_without_the_extra_it_says_what_to_install(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    assert cli.main(["survey", *words]) == 1
    assert 'pip install "lipwright[web]"' in capsys.readouterr().err


def test_servers_are_not_loaded_before_they_are_needed() -> None:
    code = "import sys, lipwright.survey, lipwright.survey.report; print({'fastapi', 'sqlmodel'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
