"""The studio in a browser: dropped files, a picked face, a dub to its end, cancel, keyboard, phone, dark."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

import drawn
from lipwright import registry
from lipwright.web import app
from served import command

CHROMIUM = Path("/usr/bin/chromium")
SECONDS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    for name in ("face_landmark", "face_detection_full_range"):
        if not registry.is_here(name):
            pytest.skip(f"{name} is not here; `lipwright models pull` brings it")
    with command(tmp_path_factory.mktemp("files"), "--workers", "2") as (_, _, link):
        yield link


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """talk.mp4, a drawn face for 2 s; speech.wav, 1.5 s; long.wav, 60 s."""
    folder = tmp_path_factory.mktemp("drawn")
    clip = drawn.talking(50, size=(240, 180))
    assert clip.audio is not None
    drawn.write(folder / "talk.mp4", clip.read(), audio=clip.audio.samples[None], rate=16000)
    voice = drawn.voice(1.5, seed=3).samples
    drawn.write_sound(folder / "speech.wav", voice, 16000)
    drawn.write_sound(folder / "long.wav", np.tile(voice, 40), 16000)
    return folder


class Seen:
    """A page, all that it asked for, and what went wrong on it."""

    def __init__(self, browser: Browser, link: str, **how: Any) -> None:
        self.page = browser.new_context(**how).new_page()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.goto(link)
        expect(self.page.locator("#panel-dub")).to_be_visible()


@pytest.fixture
def seen(browser: Browser, link: str) -> Iterator[Seen]:
    made = Seen(browser, link)
    yield made
    made.page.context.close()
    assert made.wrong == []
    assert {url.split("/")[2] for url in made.asked if not url.startswith(("data:", "blob:"))} == {link.split("/")[2]}


def let_fall(page: Page, place: str, file: Path, kind: str) -> None:
    """Drop a file on a place, as a mouse does."""
    content = base64.b64encode(file.read_bytes()).decode()
    made = page.evaluate_handle(
        """([content, name, type]) => {
            const made = new DataTransfer();
            made.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name, { type }));
            return made;
        }""",
        [content, file.name, kind],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(place, event, {"dataTransfer": made})


def filled(page: Page, files: Path, speech: str) -> None:
    """The form of dubbing with its two files."""
    let_fall(page, "#dub .drop[data-role=video]", files / "talk.mp4", "video/mp4")
    page.set_input_files("#dub .drop[data-role=speech] input", files / speech)
    expect(page.locator("#dub .drop.full")).to_have_count(2, timeout=SECONDS)


def test_a_dub_from_dropped_files_to_the_download(seen: Seen, files: Path, tmp_path: Path) -> None:
    page = seen.page
    filled(page, files, "speech.wav")
    face = page.get_by_role("button", name="face A")
    expect(face).to_be_visible(timeout=SECONDS)
    face.click()
    expect(face).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("face A").and_(page.locator("input"))).to_be_checked()
    page.get_by_role("button", name="Dub", exact=True).click()
    expect(page.locator("#dub [data-problem]")).to_have_text("Tick that everybody shown and heard agreed.")
    page.get_by_role("button", name="Check the files first").click()
    expect(page.locator("article .issues")).to_contain_text("the picture has 240 x 180 pixels", timeout=SECONDS)
    page.get_by_label("They agreed").check()
    page.get_by_role("button", name="Dub", exact=True).click()
    card = page.locator("article").first
    expect(card.get_by_text("frames of 240 x 180")).to_be_visible(timeout=SECONDS)
    expect(card.locator(".stage video")).to_have_count(2)
    expect(card.locator("svg.plot .curve").first).to_be_visible(timeout=SECONDS)
    expect(card.locator(".badge")).to_have_text(re.compile("sync|cannot say"))
    with page.expect_download() as kept:
        card.get_by_role("link", name="Download").click()
    assert kept.value.suggested_filename == "talk-dub.mp4"
    kept.value.save_as(tmp_path / "made.mp4")
    assert (tmp_path / "made.mp4").read_bytes()[4:8] == b"ftyp"
    page.screenshot(path=tmp_path / "done.png", full_page=True)
    with page.context.expect_page() as opened:
        card.get_by_role("link", name="Report").click()
    expect(opened.value.get_by_role("heading", name="Offset")).to_be_visible()
    assert opened.value.evaluate("() => self.origin") == "null"  # it has no part in the page's cookies and storage


def test_before_and_after_play_in_step(seen: Seen, files: Path) -> None:
    page = seen.page
    page.get_by_role("tab", name="Repair").click()
    page.set_input_files("#repair .drop input", files / "talk.mp4")
    expect(page.locator("#repair .drop.full")).to_be_visible(timeout=SECONDS)
    page.get_by_label("What may move").select_option("offset")
    page.get_by_role("button", name="Repair").click()
    stage = page.locator("article .stage")
    expect(stage).to_be_visible(timeout=SECONDS)
    page.get_by_label("time").fill("1.2")
    page.wait_for_timeout(500)
    times = page.evaluate("() => [...document.querySelectorAll('.stage video')].map((video) => video.currentTime)")
    assert times == pytest.approx([1.2, 1.2], abs=0.09)
    page.get_by_role("button", name="Side by side").click()
    expect(stage).to_have_class("stage side")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=SECONDS)  # it played to the end
    times = page.evaluate("() => [...document.querySelectorAll('.stage video')].map((video) => video.currentTime)")
    assert abs(times[0] - times[1]) < 0.25


def test_a_job_is_cancelled_and_the_list_shows_it(seen: Seen, files: Path) -> None:
    page = seen.page
    filled(page, files, "long.wav")
    page.get_by_label("everybody").check()
    page.get_by_label("They agreed").check()
    page.get_by_role("button", name="Dub", exact=True).click()
    card = page.locator("article")
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_text("cancelled")).to_be_visible(timeout=SECONDS)
    page.get_by_role("tab", name="Jobs").click()
    row = page.locator("#jobs > li").filter(has_text="long.wav").first
    expect(row).to_contain_text("cancelled")
    count = page.locator("#jobs > li").filter(has_text="long.wav").count()
    row.get_by_role("button", name="Delete").click()
    expect(page.locator("#jobs > li").filter(has_text="long.wav")).to_have_count(count - 1, timeout=10_000)


def test_pictures_that_the_browser_cannot_show_are_told(seen: Seen, files: Path, tmp_path: Path) -> None:
    clip = drawn.talking(10, size=(240, 180))
    assert clip.audio is not None
    samples = clip.audio.samples[None]
    drawn.write(tmp_path / "old.mp4", clip.read(), codec="mpeg4", options={}, audio=samples, rate=16000)
    page = seen.page
    page.set_input_files("#dub .drop[data-role=video] input", tmp_path / "old.mp4")
    expect(page.get_by_text("This browser cannot show this video.")).to_be_visible(timeout=SECONDS)
    expect(page.locator("#dub .drop video")).to_be_hidden()
    expect(page.get_by_role("button", name="face A")).to_be_visible(timeout=SECONDS)
    page.set_input_files("#dub .drop[data-role=speech] input", files / "speech.wav")
    expect(page.locator("#dub .drop.full")).to_have_count(2, timeout=SECONDS)
    page.locator("#dub-preview").evaluate("(field) => { field.value = 0.2; }")
    page.get_by_label("They agreed").check()
    page.get_by_role("button", name="Dub", exact=True).click()
    card = page.locator("article").first
    expect(card.get_by_text("the result can be played")).to_be_visible(timeout=SECONDS)
    expect(card.get_by_text("before", exact=True)).to_be_hidden()
    expect(card.get_by_role("button", name="Side by side")).to_be_hidden()


def test_what_the_server_refuses_is_said_at_its_place(seen: Seen, tmp_path: Path, files: Path) -> None:
    page = seen.page
    (tmp_path / "talk.mp4").write_text("#EXTM3U\n#EXTINF:5,\n/etc/passwd\n")
    let_fall(page, "#dub .drop[data-role=video]", tmp_path / "talk.mp4", "video/mp4")
    expect(page.get_by_role("alert").filter(has_text="its content is text")).to_be_visible(timeout=SECONDS)
    page.set_input_files("#dub .drop[data-role=video] input", files / "speech.wav")
    expect(page.get_by_role("alert").filter(has_text="is of the kind sound")).to_be_visible(timeout=SECONDS)
    seen.wrong[:] = [said for said in seen.wrong if "422" not in said]  # the browser's own note of the answer


def test_everything_is_reached_and_done_with_the_keyboard(seen: Seen) -> None:
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    for name in ("measure", "repair", "jobs", "dub"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{name}")).to_be_focused()
        expect(page.locator(f"#panel-{name}")).to_be_visible()
        assert page.locator("[role=tabpanel]:visible").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.type") == "file"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("a text", exact=True)).to_be_checked()
    expect(page.get_by_label("Text", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("Hello")
    assert page.get_by_label("Text", exact=True).input_value() == "Hello"
    for tab, button in (("measure", "Measure"), ("repair", "Repair")):
        page.locator(f"#tab-{tab}").click()
        page.get_by_role("button", name=button).press("Enter")
        expect(page.locator(f"#{tab} [data-problem]")).to_have_text("Give a video first.")


def test_a_tab_chosen_before_the_server_answered_stays(browser: Browser, link: str) -> None:
    page = browser.new_context().new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/about", hold)
    page.goto(link)
    page.locator("#tab-jobs").click()
    expect(page.locator("#panel-jobs")).to_be_visible()
    while not held:
        page.wait_for_timeout(20)
    with page.expect_response("**/api/v1/about"):
        held[0].continue_()
    expect(page.locator("#dub-language option").first).to_be_attached()
    expect(page.locator("#panel-jobs")).to_be_visible()
    expect(page.locator("#panel-dub")).to_be_hidden()
    page.context.close()


def test_everything_has_a_name(seen: Seen) -> None:
    seen.page.evaluate("() => document.querySelectorAll('[hidden], details').forEach((e) => "
                       "{ e.hidden = false; e.open = true; })")  # fmt: skip
    nameless = seen.page.evaluate(
        """() => [...document.querySelectorAll('input, select, textarea, button, a, video, audio, progress')]
            .filter((e) => e.type !== 'hidden')
            .filter((e) => !((e.labels && e.labels.length && e.labels[0].textContent.trim())
                || e.getAttribute('aria-label') || e.textContent.trim()))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    ids = seen.page.evaluate("() => [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


def test_it_fits_a_phone(browser: Browser, link: str, files: Path, tmp_path: Path) -> None:
    how = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
    page = Seen(browser, link, **how).page
    filled(page, files, "speech.wav")
    expect(page.get_by_role("button", name="face A")).to_be_visible(timeout=SECONDS)
    page.locator("summary").first.click()
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, summary, label.check, .choice label, [role=tab]')]
            .filter((e) => e.offsetParent && !e.closest('.frame') && e.getBoundingClientRect().height < 43.5)
            .map((e) => e.outerHTML)"""
    )
    assert small == []
    page.context.close()


def test_nobody_gets_in_without_the_token(browser: Browser, link: str) -> None:
    page = browser.new_context().new_page()
    page.goto(link.partition("#")[0])
    expect(page.get_by_label("Token")).to_be_focused()
    expect(page.locator("#panel-dub")).to_be_hidden()
    page.get_by_label("Token").fill("no token at all")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert").filter(has_text="not the token")).to_be_visible()
    page.get_by_label("Token").fill(link.partition("=")[2])
    page.keyboard.press("Enter")
    expect(page.locator("#panel-dub")).to_be_visible()
    page.goto(link)
    expect(page.locator("#panel-dub")).to_be_visible()
    assert "token" not in page.url
    page.context.close()


# without a browser ------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_they_are_on(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (app.PAGE / "studio.css").read_text(), re.DOTALL)
    named = dict(re.findall(r"--([\w-]+): (#\w+);", blocks[scheme == "dark"]))
    pairs = [(name, ground) for name in ("ink", "soft", "own", "good", "bad", "open") for ground in ("card", "page")]
    pairs += [("on-own", "own"), ("own", "tint")]
    for name, ground in pairs:
        light, dark = sorted((luminance(named[name]), luminance(named[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)


def test_every_file_of_the_page_is_served_and_none_has_inline_script_or_style() -> None:
    files = {file.name for file in app.PAGE.iterdir()}
    assert files == {"index.html", *app.FILES}
    page = (app.PAGE / "index.html").read_text()
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=|https?:", page)
