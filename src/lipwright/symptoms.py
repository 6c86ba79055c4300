"""What people see, what lies behind it, what helps: one table for checks, reports and the troubleshooting page.

The rows are in ``symptoms.yaml``. Each has a ``code``: that of an issue of `lipwright.check`, of what
`lipwright.measure` shows, or of something no figure tells; ``by`` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lipwright.errors import InputError

TABLE = Path(__file__).parent / "symptoms.yaml"

ABOUT = {
    "measure": "In a dubbed video",
    "sound": "In a sound",
    "picture": "In a video",
    "environment": "In the environment",
    "people": "What no figure tells",
}
"""Who tells a symptom, in the order of the page, and the heading it stands under."""


@dataclass(frozen=True)
class Symptom:
    """What is ``seen``, its likely ``cause``, what helps (``fix``); ``code`` names it and ``by`` says who tells it:
    measure, the check's sound, picture or environment, or people only."""

    code: str
    by: str
    seen: str
    cause: str
    fix: str


@cache
def table() -> tuple[Symptom, ...]:
    """Every row, in the table's order."""
    import yaml

    groups = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return tuple(Symptom(code, by, **row) for by, rows in groups.items() for code, row in rows.items())


def of(code: str) -> Symptom:
    """The row of one code. Raises InputError where there is none."""
    found = next((row for row in table() if row.code == code), None)
    if found is None:
        raise InputError(f"there is no symptom called {code!r}; {TABLE.name} lists them")
    return found


def page() -> str:
    """The whole table in Markdown, a heading for each who tells."""
    parts = []
    for by, heading in ABOUT.items():
        rows = [f"| {row.seen} | {row.cause} | {row.fix} | `{row.code}` |" for row in table() if row.by == by]
        parts.append(
            "\n".join(
                [f"## {heading}", "", "| what you see | likely cause | what helps | code |", "|---|---|---|---|", *rows]
            )
        )
    return "\n\n".join(parts)
