"""The documentation as a site: it builds without a warning, holds every page and name, and asks no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import lipwright

ROOT = Path(__file__).parent.parent
LOADED = re.compile(r"""<(?:link|script|img|iframe|video|audio|source)\b[^>]*?(?:href|src)=["']?(https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("material") is None or find_spec("mkdocstrings") is None:
        pytest.skip("the extra site is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()
        assert f'href="{page.stem}.html"' in text, f"{page.name} is not in the navigation"


def test_the_site_asks_nothing_of_other_hosts(site: Path) -> None:
    for page in site.rglob("*.html"):
        found = LOADED.search(re.sub(r'<link rel="canonical"[^>]*>', "", page.read_text(encoding="utf-8")))
        assert found is None, f"{page.name}: {found}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style.name


def test_a_page_that_shows_a_file_shows_all_of_it(site: Path) -> None:
    shown = re.sub(r"<[^>]+>", "", (site / "comfyui.html").read_text(encoding="utf-8"))
    text = (ROOT / "examples" / "comfyui" / "lipwright_node.py").read_text(encoding="utf-8")
    names = re.findall(r"^(?:class|def) (\w+)|^    def (\w+)", text, re.MULTILINE)
    assert len(names) > 4
    assert all((one or other) in shown for one, other in names)


def test_the_reference_holds_every_public_name(site: Path) -> None:
    text = (site / "reference.html").read_text(encoding="utf-8")
    shown = set(re.findall(r'id="lipwright\.([\w.]+)"', text))
    stub = (Path(lipwright.__file__).with_suffix(".pyi")).read_text(encoding="utf-8")
    public = set(re.findall(r"(\w+) as \1\b", stub))
    there = {name.rpartition(".")[2] for name in shown}
    assert len(public) > 30
    assert public <= there, public - there


def test_every_card_and_benchmark_is_told() -> None:
    cards = (ROOT / "docs" / "cards.md").read_text(encoding="utf-8")
    told = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for card in (ROOT / "src" / "lipwright" / "weights").glob("*.yaml"):
        assert yaml.safe_load(card.read_text(encoding="utf-8"))["sha256"] in cards
    for script in (ROOT / "benchmarks").glob("*.py"):
        assert script.name in told
