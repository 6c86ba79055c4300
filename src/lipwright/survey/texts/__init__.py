"""What raters read, a YAML file a language."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
FIRST = "en"


def languages() -> list[str]:
    """The codes of the languages that the page speaks, English first."""
    found = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    return [FIRST, *(code for code in found if code != FIRST)]


@cache
def texts(code: str) -> dict[str, Any]:
    """The texts in one language, by name; those of a question or an answer are dictionaries."""
    with (FOLDER / f"{code}.yaml").open(encoding="utf-8") as file:
        return dict(yaml.safe_load(file))


def wanted(accepted: str, offered: tuple[str, ...]) -> str:
    """The language among ``offered`` that a browser's Accept-Language asks for first; else the first offered.

    >>> wanted("pt-BR,fr;q=0.9,en;q=0.8", ("en", "fr"))
    'fr'
    """
    weighed = []
    for place, part in enumerate(accepted.split(",")[:20]):
        name, _, weight = part.partition(";")
        weighed.append((-_weight(weight), place, name.strip().lower().split("-")[0]))
    return next((code for _, _, code in sorted(weighed) if code in offered), offered[0])


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text.strip() else 1.0
    except ValueError:
        return 0.0
