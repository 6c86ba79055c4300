"""Bring what is generated in docs/ and README.md up to date: each part stands between marks that name it.

Help texts; settings of recipes; the table that checks and reports use; cards of weights; the list of benchmarks.

python scripts/write_help.py            # rewrites what has changed
python scripts/write_help.py --check    # exit 1 where something has
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from dataclasses import fields
from pathlib import Path

from lipwright import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"<!-- help(?: (?P<verb>\w+))? -->\n.*?<!-- /help -->", re.DOTALL)


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


def symptoms() -> str:
    """Every symptom with its cause and what helps."""
    from lipwright import symptoms

    return f"<!-- symptoms -->\n{symptoms.page()}\n<!-- /symptoms -->"


def cards() -> str:
    """Every card of weights, whole."""
    from lipwright import registry

    shown = [card for card in registry.cards() if registry.is_shipped(card.name)]
    parts = [f"{sum(card.size for card in shown if not card.source) / 1e6:.1f} MB ship in the wheel."]
    for card in shown:
        where = f"pulled from `{card.source}`" if card.source else "in the wheel"
        lines = [f"## {card.name}", f"{card.what[0].upper()}{card.what[1:]}.", "| | |\n|---|---|"]
        lines[-1] += f"\n| file | `{card.file}`, {card.size / 1e6:.2f} MB, {where} |\n| sha256 | `{card.sha256}` |"
        said = {"licence": card.licence, "network": card.architecture, "data": card.data, "quality": card.quality}
        lines[-1] += "".join(f"\n| {name} | {_cell(text)} |" for name, text in said.items() if text)
        parts += lines
    return "<!-- cards -->\n{}\n<!-- /cards -->".format("\n\n".join(parts))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def benchmarks() -> str:
    """What each script of benchmarks/ asks, how it is run, and which pages tell what it found."""
    pages = {
        page: page.read_text(encoding="utf-8") for page in PAGES if page.name not in ("README.md", "benchmarks.md")
    }
    rows = ["| question | command | figures |", "|---|---|---|"]
    for script in sorted((ROOT / "benchmarks").glob("*.py")):
        told = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
        call = next(
            (line.strip() for line in told.splitlines() if line.strip().startswith("python ")), f"python {script}"
        )
        found = [f"[{page.stem}]({page.name})" for page, text in pages.items() if script.name in text]
        rows.append(f"| {_cell(told.splitlines()[0])} | `{call.split('  #')[0].strip()}` | {', '.join(found)} |")
    return "<!-- benchmarks -->\n{}\n<!-- /benchmarks -->".format("\n".join(rows))


GENERATED = {
    "recipes.md": ("settings", tables),
    "troubleshooting.md": ("symptoms", symptoms),
    "cards.md": ("cards", cards),
    "benchmarks.md": ("benchmarks", benchmarks),
}
"""What else is made, by page: the name of its marks, and what makes it."""


def main() -> int:
    stale = []
    for page in sorted(PAGES, key=lambda page: page.name == "benchmarks.md"):  # it tells what stands in the others
        text = page.read_text(encoding="utf-8")
        fresh = BLOCK.sub(lambda found: helped(found["verb"]), text)
        if page.name in GENERATED:
            mark, made = GENERATED[page.name]
            now = made()
            fresh = re.sub(rf"<!-- {mark} -->\n.*?<!-- /{mark} -->", lambda _, now=now: now, fresh, flags=re.DOTALL)
        if fresh != text:
            stale.append(page.name)
            if "--check" not in sys.argv:
                page.write_text(fresh, encoding="utf-8")
    print(f"{'stale' if '--check' in sys.argv else 'rewritten'}: {', '.join(stale) or 'nothing'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
