"""Bring the help texts in docs/ and README.md up to date: each stands between marks that name its verb.

The tables of docs/recipes.md, too: one of what every training can be told, one for each network of its own.

python scripts/write_help.py            # rewrites what has changed
python scripts/write_help.py --check    # exit 1 where something has
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import fields
from pathlib import Path

from lipwright import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"<!-- help(?: (?P<verb>\w+))? -->\n.*?<!-- /help -->", re.DOTALL)

SETTINGS = re.compile(r"<!-- settings -->\n.*?<!-- /settings -->", re.DOTALL)


def helped(verb: str | None) -> str:
    """The block for one verb, or for the whole command."""
    os.environ["COLUMNS"] = "100"
    parser = cli.parser()
    if verb:
        verbs = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        parser = verbs.choices[verb]
    name = f" {verb}" if verb else ""
    return f"<!-- help{name} -->\n```text\n$ lipwright{name} --help\n{parser.format_help()}```\n<!-- /help -->"


def tables() -> str:
    """Every setting of every network that can be trained."""
    from lipwright.train import kinds, recipes

    common = recipes.abouts(recipes.Recipe)
    parts = [table(recipes.Recipe, list(common))]
    for kind, networks in kinds.KINDS.items():
        for network in networks:
            recipe = kinds.training(kind, network).recipe
            own = [name for name in recipes.abouts(recipe) if name not in common]
            parts += [f"## {kind}: {network}", table(recipe, own)]
    return "<!-- settings -->\n{}\n<!-- /settings -->".format("\n\n".join(parts))


def table(recipe: type, names: list[str]) -> str:
    from lipwright.train import recipes

    defaults, abouts = {field.name: field.default for field in fields(recipe)}, recipes.abouts(recipe)
    rows = [f"| `{name}` | {defaults[name]} | {abouts[name]} |" for name in names]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def main() -> int:
    stale = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fresh = BLOCK.sub(lambda found: helped(found["verb"]), text)
        if page.name == "recipes.md":
            fresh = SETTINGS.sub(lambda _: tables(), fresh)
        if fresh != text:
            stale.append(page.name)
            if "--check" not in sys.argv:
                page.write_text(fresh, encoding="utf-8")
    print(f"{'stale' if '--check' in sys.argv else 'rewritten'}: {', '.join(stale) or 'nothing'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
