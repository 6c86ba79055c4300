"""The survey as raters meet it: in a browser, many at once, and when the server is killed."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("sqlmodel", reason="the extra web is not installed")

import httpx

from asked import TRUTH, films, folder, opinion, planned, serving  # noqa: F401
from lipwright import survey
from lipwright.survey import pages, study as studies, texts
from lipwright.survey.store import Page, Store
from lipwright.survey.study import Study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page as Tab

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 390, "height": 844}
NAMED = "[...document.querySelectorAll('input:not([type=hidden]), select')].every((c) => c.labels.length)"
"""Whether every control has a label."""
SMALL = (
    "[...document.querySelectorAll('.scale label, button, select, summary, .back')]"
    ".map((c) => c.getBoundingClientRect()).filter((r) => r.height && r.height < 44).length"
)
"""How many things to touch are lower than 44 pixels."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip("no Chromium at /usr/bin/chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


Site = tuple[Path, str]
"""A study's folder, and where it is served."""


@pytest.fixture(scope="module")
def site(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A study that takes answers at once."""
    folder = Path(shutil.copytree(planned, tmp_path_factory.mktemp("site") / "study"))
    with serving(folder) as (url, _):
        yield folder, url


@pytest.fixture(scope="module")
def watched(films: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A shorter one, whose videos have to be watched to their end."""
    folder = tmp_path_factory.mktemp("watched") / "study"
    survey.plan(folder, systems=films, ratings=3, pairs=2)
    with serving(folder) as (url, _):
        yield folder, url


def of_rater(folder: Path, token: str) -> tuple[Study, list[Page]]:
    study = studies.read(folder)
    store = Store.open(folder, study)
    rater = store.rater(token)
    assert rater is not None
    own = store.pages(rater)
    store.close()
    return study, own


def until(tab: Tab, expression: str) -> None:
    """Wait for something; the page itself lets nobody evaluate words, so each look comes from outside."""
    for _ in range(200):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(50)
    raise AssertionError(expression)


def keyed(tab: Tab, folder: Path, token: str, random: np.random.Generator) -> None:
    """Answer every page by keys alone, as a rater of known taste."""
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/0")
    study, own = of_rater(folder, token)
    for page in own:
        for number in range(tab.locator("video").count()):
            tab.keyboard.press("Space")
            tab.locator("video[data-seen]").nth(number).wait_for(state="attached")
        tab.wait_for_selector("#answers[data-watched='1']", state="attached")
        for name, value in opinion(study, page, random).items():
            tab.keyboard.press(str(study.questions(page.trial())[name].index(value) + 1))
        tab.keyboard.press("Enter")
        tab.wait_for_url(f"**/{page.position + 1}" if page is not own[-1] else f"**/{token}")
    assert tab.locator("h1").inner_text() == texts.texts("en")["thanks_title"]


@pytest.mark.parametrize("size", [{"width": 1200, "height": 900}, PHONE], ids=["desktop", "phone"])
def test_a_rater_answers_all_by_keys_and_nothing_is_asked_of_others(browser: Browser, watched: Site, size: Any) -> None:
    folder, url = watched
    (token,) = survey.invite(folder, 1)
    asked: list[str] = []
    problems: list[str] = []
    context = browser.new_context(viewport=size, locale="en")
    tab = context.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    tab.goto(f"{url}/r/{token}")
    keyed(tab, folder, token, np.random.default_rng(1))
    assert not context.cookies()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing has to be pushed sideways"
    context.close()
    assert not problems
    assert asked
    assert not [address for address in asked if not address.startswith((url, "data:"))]
    study, own = of_rater(folder, token)
    random, store = np.random.default_rng(1), Store.open(folder, study)
    for page in own:
        assert store.answers(page) == opinion(study, page, random), "what was typed is what is kept"
    store.close()


def test_answers_wait_for_the_videos(browser: Browser, watched: Site) -> None:
    folder, url = watched
    (token,) = survey.invite(folder, 1)
    tab = browser.new_page(locale="en")
    tab.goto(f"{url}/r/{token}")
    tab.check("#agree")
    tab.click("main button")
    tab.wait_for_url("**/0")
    assert tab.locator("fieldset:disabled").count() == 3
    tab.keyboard.press("3")
    assert tab.locator("input:checked").count() == 0
    until(tab, "document.querySelector('video').readyState >= 1")
    tab.evaluate("document.querySelector('video').currentTime = 0.75")
    tab.evaluate("document.querySelector('video').play()")
    until(tab, "document.querySelector('video').ended")
    assert tab.locator("fieldset:disabled").count() == 3, "the end alone is not the video"
    tab.keyboard.press("Space")
    tab.wait_for_selector("#answers[data-watched='1']", state="attached")
    assert tab.locator("fieldset:disabled").count() == 0
    assert tab.locator("#state[aria-live=polite]").inner_text() == texts.texts("en")["ready"]
    tab.close()


def test_a_video_that_does_not_play_is_told(browser: Browser, watched: Site) -> None:
    folder, url = watched
    (token,) = survey.invite(folder, 1)
    tab = browser.new_page(locale="en")
    tab.route("**/*.mp4", lambda route: route.fulfill(body=b"no video", content_type="video/mp4"))
    tab.goto(f"{url}/r/{token}")
    tab.check("#agree")
    tab.click("main button")
    tab.wait_for_url("**/0")
    tab.get_by_text(texts.texts("en")["broken"]).wait_for()
    assert tab.locator("fieldset:disabled").count() == 3
    tab.close()


def test_the_page_works_without_scripts(browser: Browser, site: Site) -> None:
    folder, url = site
    (token,) = survey.invite(folder, 1)
    context = browser.new_context(java_script_enabled=False, locale="en")
    tab = context.new_page()
    tab.goto(f"{url}/r/{token}")
    tab.locator("#agree").check()
    tab.locator("main button").first.click()
    for question in studies.RATINGS:
        tab.locator(f"input[name={question}][value='4']").check()
    tab.locator("#answers button").click()
    tab.wait_for_url("**/1")
    context.close()
    study, own = of_rater(folder, token)
    store = Store.open(folder, study)
    assert store.answers(own[0]) == dict.fromkeys(studies.RATINGS, "4")
    store.close()


def test_every_control_has_a_name_and_its_place_in_the_order(browser: Browser, site: Site) -> None:
    folder, url = site
    (token,) = survey.invite(folder, 1)
    context = browser.new_context(viewport=PHONE, locale="ar")
    tab = context.new_page()
    tab.goto(f"{url}/r/{token}")
    assert tab.evaluate(NAMED)
    tab.locator("#agree").check()
    tab.locator("main button").first.click()
    tab.wait_for_url("**/0")
    assert tab.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    assert tab.evaluate(NAMED)
    assert tab.evaluate("[...document.querySelectorAll('fieldset > legend')].length") == 3
    assert tab.evaluate("document.querySelector('video').getAttribute('aria-label')") == "الفيديو"
    assert tab.evaluate("document.querySelectorAll('h1, main').length") == 2
    assert tab.evaluate("[...document.querySelectorAll('[tabindex]')].length") == 0, "the order is that of the page"
    assert tab.evaluate(SMALL) == 0, "fingers need 44 pixels"
    tab.locator("video").focus()
    order = []
    for _ in range(30):
        tab.keyboard.press("Tab")
        order.append(tab.evaluate("document.activeElement.name || document.activeElement.tagName"))
    wanted = [*studies.RATINGS, "BUTTON", "SUMMARY", "SUMMARY", "language", "BUTTON"]
    assert [name for name in order if name in wanted][: len(wanted)] == wanted
    context.close()


# colours -----------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Of WCAG 2.2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def palettes() -> list[dict[str, str]]:
    """The colours by day and by night."""
    css = (pages.FOLDER / "survey.css").read_text()
    return [dict(re.findall(r"--(\S+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)]


@pytest.mark.parametrize("palette", palettes(), ids=["day", "night"])
def test_text_stands_out(palette: dict[str, str]) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for text, under in [
        ("ink", "paper"), ("ink", "back"), ("ink", "chosen"), ("soft", "paper"), ("soft", "back"), ("strong", "back"),
        ("on-strong", "strong"), ("warn", "warn-back"), ("paper", "warn"),
    ]:  # fmt: skip
        assert contrast(palette[text], palette[under]) >= 4.5, (text, under)
    for edge in ("line", "strong"):
        assert contrast(palette[edge], palette["paper"]) >= 3, edge


# many at once, and the end of a process --------------------------------------------------------------


def polled(url: str, folder: Path, token: str, seed: int, most: int = 99) -> dict[tuple[int, str], str]:
    """What a rater answered and the server confirmed: to the end, for ``most`` pages, or until the server is gone."""
    study, random, kept = studies.read(folder), np.random.default_rng(seed), {}
    with httpx.Client(base_url=url, timeout=60) as client, suppress(httpx.TransportError):
        client.post(f"/r/{token}/start", data={"agree": "yes", "language": "en"})
        for page in of_rater(folder, token)[1][:most]:
            answers = opinion(study, page, random)
            client.get(f"/r/{token}/{page.position}").raise_for_status()
            done = client.post(f"/r/{token}/{page.position}", data=answers)
            assert done.status_code == 303, done.text
            kept |= {(page.position, name): value for name, value in answers.items()}
    return kept


def stored(folder: Path, token: str) -> dict[tuple[int, str], str]:
    with sqlite3.connect(folder / "study.db") as database:
        found = database.execute(
            "SELECT page.position, question, value FROM vote JOIN page ON page.id = vote.page "
            "JOIN rater ON rater.id = page.rater WHERE token = ?", (token,),
        )  # fmt: skip
        return {(position, question): value for position, question, value in found}


def test_50_raters_at_once_lose_no_vote_and_their_order_is_found(site: Site) -> None:
    folder, url = site
    tokens = survey.invite(folder, 50)
    with ThreadPoolExecutor(50) as pool:
        kept = list(pool.map(lambda n: polled(url, folder, tokens[n], n), range(50)))
    assert [stored(folder, token) for token in tokens] == kept
    assert all(len(each) == 3 * 8 + 2 * 7 for each in kept), "eight pages of three questions, seven of two"
    found = survey.stats(folder)
    assert (found.raters.finished, len(found.raters.count)) == (50, 50), "who tried the page besides is left out"
    order = sorted(TRUTH, key=lambda system: -TRUTH[system])
    for each in found.ratings:
        assert sorted(each.scores, key=lambda score: -score.mean.value) == [
            next(s for s in each.scores if s.system == name) for name in order
        ]
    assert {score.votes for each in found.ratings for score in each.scores} == {100}


def test_kill_9_loses_no_vote_that_was_confirmed(folder: Path) -> None:
    tokens = survey.invite(folder, 8)
    store = Store.open(folder, study := studies.read(folder))
    for token in tokens:
        store.agree(token, "en", study)
    store.close()
    with serving(folder) as (url, process), ThreadPoolExecutor(8) as pool:
        begun = [pool.submit(polled, url, folder, tokens[n], n) for n in range(8)]
        while sum(len(stored(folder, token)) for token in tokens) < 40:
            assert not all(each.done() for each in begun)
        process.send_signal(signal.SIGKILL)
        kept = [each.result() for each in begun]
    assert 0 < sum(map(len, kept)) < 8 * 38, "it was killed in the middle"
    for token, confirmed in zip(tokens, kept, strict=True):
        assert confirmed.items() <= stored(folder, token).items()
    with serving(folder) as (url, _):
        for number, token in enumerate(tokens):
            at = httpx.get(f"{url}/r/{token}", follow_redirects=True)
            assert at.url.path == f"/r/{token}/{len({position for position, _ in stored(folder, token)})}", number


def test_a_study_served_twice_takes_votes_in_both_and_ends_when_asked(folder: Path) -> None:
    """Two servers of one folder, as behind a balancer, share one database."""
    tokens = survey.invite(folder, 4)
    with serving(folder) as (one, first), serving(folder) as (two, _), ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda n: polled((one, two)[n % 2], folder, tokens[n], n, 4), range(4)))
        first.send_signal(signal.SIGINT)
        assert first.wait(20) == 0
    assert [stored(folder, token) for token in tokens] == kept
    with sqlite3.connect(folder / "study.db") as database:
        numbers = database.execute("SELECT number FROM rater ORDER BY number").fetchall()
    assert numbers == [(0,), (1,), (2,), (3,)]
