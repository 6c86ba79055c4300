"""The page of a measurement: whole in itself, and true to what was measured."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from lipwright import drift, sync
from lipwright.errors import OutputError
from lipwright.measure import Judged, Measured, Problem, drawing, report, symptoms
from lipwright.registry import Calibration
from lipwright.types import Clip, Issue, Measure

LENGTH = 500
PICTURE = np.full((90, 160, 3), 90, np.uint8)
CLIP = Clip(Fraction(25), (160, 90), LENGTH, lambda start, stop: repeat(PICTURE, stop - start))


def judged(offset: int) -> Judged:
    both = np.random.default_rng(0).normal(size=(LENGTH + 40, 16)).astype(np.float32)
    table = sync.stream([both[20 : 20 + LENGTH]], [both[20 + offset : 20 + offset + LENGTH]])
    curve, inside = sync.judge(table.rows), drift.intervals(table, 25)
    code = "late" if offset * 40 < -drift.LATE_MS else ""
    spans = tuple(Problem(span, 1.0, code) for span in drift.spans(table, 25))
    return Judged(
        "lipsight", 25.0, Calibration(0.93, 1.1, 5, 9, 9, 3), table, curve, sync.classic(table), inside,
        drift.drift(table, 25), 0.1, drift.accuracy(drift.spans(table, 25)),
        drift.verdict(inside.offset, 25, curve.contrast, 0.1), {"lse_d": 5.0}, spans,
    )  # fmt: skip


def measured(offset: int = 0, **metrics: float) -> Measured:
    wave = (0.1 + 0.05 * np.sin(np.arange(LENGTH) * 0.5)).astype(np.float32)
    return Measured(
        name="/somewhere/<talk> & more.mp4", fps=Fraction(25), judged=judged(offset), others=(),
        metrics=tuple(Measure(name, value, "") for name, value in metrics.items()), floor=(),
        ceiling=(Measure("flicker", 1.0, ""),), best=None, tells={"leak": "share of silence"},
        issues=(Issue("odd", "info", "a thing <was> odd", "look"),),
        inputs={"video": {"file": "/somewhere/talk.mp4", "sha256": "ab" * 32}},
        opening=wave, voiced=np.ones(LENGTH, np.float32), asked=wave,
    )  # fmt: skip


class Balanced(HTMLParser):
    """Notes tags that are opened and not closed, and everything a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Balanced:
    seen = Balanced()
    seen.feed(re.sub(r"<(\w+)([^<>]*)/>", r"<\1\2></\1>", page))
    return seen


def test_a_page_needs_nothing_from_elsewhere() -> None:
    seen = read(report.page(measured(-5), CLIP))
    assert not seen.open
    assert seen.loads
    assert all(load.startswith("data:image/png;base64,") for load in seen.loads)
    assert not {"script", "link", "iframe"} & seen.tags
    assert "url(" not in report.STYLE
    assert "@import" not in report.STYLE


def test_what_is_wrong_is_told_with_pictures_and_what_helps() -> None:
    page = report.page(measured(-5), CLIP)
    assert "out of sync" in page
    assert "The sound comes 5 frames (200 ms) late" in page
    assert "0.0 s to 20.0 s</b>: the sound comes too late" in page
    assert "cut the silence from the start of the sound" in page
    assert page.count("data:image/png") == 1 + report.SHOTS


def test_what_is_right_has_no_list_of_faults() -> None:
    page = report.page(measured(), CLIP)
    assert "in sync" in page
    assert "Where to look" not in page
    assert "What may lie behind it" not in page


def test_names_cannot_break_the_page() -> None:
    page = report.page(measured(), CLIP)
    assert "&lt;talk&gt; &amp; more.mp4" in page
    assert "a thing &lt;was&gt; odd" in page


@pytest.mark.parametrize(
    ("figures", "seen"),
    [
        ({"leak": 0.9}, "keeps moving when nobody speaks"),
        ({"flicker": 2.0}, "jittery output"),
        ({"opening_amplitude": 0.3}, "hardly opens"),
        ({"opening_amplitude": 2.0}, "gapes"),
        ({"frames_off_sound": -9.0}, "the end is cut off"),
        ({"identity_lower": 0.2}, "not quite the same person"),
        ({"expression_brows": 0.1}, "eyes and brows"),
    ],
)
def test_figures_lead_to_symptoms(figures: dict[str, float], seen: str) -> None:
    assert any(seen in symptom.seen for symptom in symptoms.applying(measured(**figures)))
    assert not list(symptoms.applying(measured(leak=0.0, flicker=1.0, opening_amplitude=1.0, frames_off_sound=0.0)))


def test_spans_lead_to_symptoms() -> None:
    found = measured()
    for code, seen in (("still", "does not move"), ("weak", "say something else"), ("no-face", "not dubbed")):
        spans = tuple(replace(problem, code=code) for problem in found.judged.spans)
        told = symptoms.applying(replace(found, judged=replace(found.judged, spans=spans)))
        assert any(seen in symptom.seen for symptom in told), code


def test_a_page_of_hours_is_no_larger_than_one_of_minutes() -> None:
    hours = sync.Table(np.tile(judged(0).table.rows, (180, 1)), np.zeros(90000, np.float32), 90000)
    assert drawing.shaded(hours.rows).shape[1] <= drawing.MOST_POINTS
    plot = drawing.Plot((0, 3600), (0, 1), "s", "x")
    plot.line(np.arange(90000) / 25, np.ones(90000), "own")
    assert len(plot.svg()) < 40000


def test_lines_break_where_nothing_is_known() -> None:
    plot = drawing.Plot((0, 10), (0, 1), "s", "x")
    plot.line(np.arange(10), np.where(np.arange(10) == 5, np.nan, 0.5), "own")
    assert plot.parts[0].count("M") == 2
    assert "nan" not in plot.svg()


def test_thumbnails_are_means_of_blocks() -> None:
    picture = np.zeros((90, 480, 3), np.uint8)
    picture[:, 240:] = 200
    small = drawing.small(picture, 120)
    assert small.shape == (22, 120, 3)
    assert small[0, 0, 0] == 0
    assert small[-1, -1, 0] == 200


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    page = report.write(measured(), CLIP, tmp_path / "out.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype")
    assert "h1,p{overflow-wrap:anywhere}" in page, "a sha256 is wider than a phone"
    with pytest.raises(OutputError, match="choose another folder"):
        report.write(measured(), CLIP, tmp_path / "none" / "out.html")
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
