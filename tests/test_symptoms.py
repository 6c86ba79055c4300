"""The table of symptoms: a row for every code that checks and measurements use, and the page that is made from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lipwright
from lipwright import symptoms
from lipwright.errors import InputError
from lipwright.measure.symptoms import SHOWS

PACKAGE = Path(lipwright.__file__).parent


def codes_in_use() -> set[str]:
    """Every code that a check's source notes."""
    text = "".join(file.read_text(encoding="utf-8") for file in (PACKAGE / "check").glob("*.py"))
    found = re.findall(r'\.issue\(\s*"(\w+)"|\bevery\(\s*"(\w+)"|\(\s*"(silence_at_\w+)"', text)
    return {code for each in found for code in each if code}


def test_every_row_says_what_helps() -> None:
    rows = symptoms.table()
    assert all(row.seen and row.cause and row.fix and row.by in symptoms.ABOUT for row in rows)
    assert len({row.code for row in rows}) == len({row.seen for row in rows}) == len(rows)


def test_every_code_of_a_check_has_a_row_and_every_row_a_code() -> None:
    told = {row.code for row in symptoms.table() if row.by in ("sound", "picture", "environment")}
    assert codes_in_use() == told


def test_every_symptom_of_a_measurement_has_a_row() -> None:
    assert set(SHOWS) == {row.code for row in symptoms.table() if row.by == "measure"}


def test_the_rows_of_the_first_checklist_are_there() -> None:
    seen = {row.seen for row in symptoms.table()}
    assert {"the mouth does not move", "jittery output", "the model crashes", "the lips look off in places"} <= seen


def test_the_page_shows_every_row() -> None:
    page = symptoms.page()
    assert all(f"| {row.seen} | {row.cause} | {row.fix} | `{row.code}` |" in page for row in symptoms.table())
    shown = (Path(__file__).parents[1] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert page in shown


def test_an_unknown_code_is_a_sentence() -> None:
    with pytest.raises(InputError, match="no symptom called 'nonsense'"):
        symptoms.of("nonsense")
