"""The shape of the house: what imports what, what loads what, what is public, how long things are."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest
import yaml

import lipwright
from lipwright import registry

ROOT = Path(__file__).parent.parent
HOUSE = Path(lipwright.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))

LEVELS = {
    "words": {"__init__", "types", "errors", "ondisk"},
    "instruments": set[str](),  # every module that is not named here
    "families": set(registry.FAMILIES),
    "verbs": {
        "calibrate",
        "check",
        "dub",
        "compare",
        "finish",
        "jobs",
        "measure",
        "repair",
        "speak",
        "prepare",
        "tune",
        "demo",
        "train",
        "visemes",
        "wav2lip",
    },
    "faces": {"cli", "commands", "web", "survey", "__main__"},
}

ROOMS = {
    "av": {"media"},
    "cv2": {
        "likeness",
        "crops",
        "faces",
        "paint",
        "steady",
        "canvas",
        "detectors",
        "dubbers",
        "finishing",
        "framing",
        "tiling",
    },
    "openvino": {"runtime"},
    "onnxruntime": {"runtime"},
    "torch": {"train"},
    "lightning": {"train"},
    "fastapi": {"serving", "web", "survey"},
    "sqlmodel": {"serving", "web", "survey"},
    "uvicorn": {"serving"},
    "c2pa": {"provenance", "signing"},
    "cryptography": {"signing"},
    "optuna": {"tune"},
    "plotly": {"tune"},
    "rich": {"cli"},
    "urllib.request": {"fetch"},
    "subprocess": {"fetch", "workers", "voices", "web"},
    "pyworld": {"vocoder"},
    "pystoi": {"conversion"},
    "ray": {"cluster", "train"},
}
"""Third parties, and the only places that import them."""


def room(file: Path) -> str:
    """The top-level module or package that a file belongs to."""
    return file.relative_to(HOUSE).parts[0].removesuffix(".py")


def level(name: str) -> int:
    return next((n for n, names in enumerate(LEVELS.values()) if name in names), 1)


@cache
def imports(file: Path) -> set[str]:
    """Every module imported anywhere in a file, as dotted names; ``from a import b`` gives a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def neighbours(file: Path) -> set[str]:
    """The rooms of the house that a file imports; the package itself for a name of its façade."""
    parts = {name.split(".")[1] for name in imports(file) if name.startswith("lipwright.")}
    return {part for part in parts if (HOUSE / part).is_dir() or (HOUSE / f"{part}.py").is_file()} - {room(file)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_imports_point_downward(file: Path) -> None:
    mine = level(room(file))
    for other in neighbours(file):
        assert level(other) <= mine, f"{room(file)} imports {other}, which stands above it"
        if room(file) in registry.FAMILIES:
            assert other not in registry.FAMILIES, f"{file.name} imports the family {other}; go through registry"


def test_no_room_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {}
    for file in FILES:
        graph.setdefault(room(file), set()).update(neighbours(file))
    TopologicalSorter(graph).prepare()


def private(family: str) -> set[str]:
    """What members of a family may share: names of its __init__ and its files that begin with an underscore."""
    shared = {file.stem for file in (HOUSE / family).glob("_*.py")}
    return shared | set(vars(import_module(f"lipwright.{family}"))) - set(registry.members(family))


def test_members_do_not_import_their_siblings() -> None:
    for family in registry.families():
        for member in registry.members(family):
            file = HOUSE / family / f"{member}.py"
            if not file.is_file():
                continue
            siblings = {f"lipwright.{family}.{other}" for other in registry.members(family)} - {
                f"lipwright.{family}.{member}"
            }
            for name in imports(file):
                assert not any(name == s or name.startswith(f"{s}.") for s in siblings), f"{family}.{member}: {name}"


@pytest.mark.parametrize("package", ROOMS)
def test_third_parties_keep_to_their_room(package: str) -> None:
    where = {room(f) for f in FILES if any(n == package or n.startswith(f"{package}.") for n in imports(f))}
    assert where <= ROOMS[package]


def loaded_by(code: str) -> set[str]:
    """Modules that a fresh Python has loaded after running ``code``."""
    run = [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(list(sys.modules)))"]
    return set(json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout))


HEAVY = {"numpy", "scipy", "cv2", "av", "openvino", "torch", "soxr", "rich", "yaml"}


@pytest.mark.parametrize("code", ["import lipwright", "from lipwright.cli import parser; parser().format_help()"])
def test_importing_the_package_or_asking_for_help_loads_nothing_heavy(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_no_verb_loads_torch_or_a_runtime_when_imported() -> None:
    verbs = [v for v in LEVELS["verbs"] if (HOUSE / f"{v}.py").is_file() or ((HOUSE / v).is_dir() and v != "train")]
    assert not loaded_by("\n".join(f"import lipwright.{verb}" for verb in verbs)) & {"torch", "openvino"}


def test_the_stub_is_the_table_of_contents() -> None:
    stub = ast.parse((HOUSE / "__init__.pyi").read_text(encoding="utf-8"))
    names = {a.asname or a.name for node in stub.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert sorted(names | {"__version__"}) == lipwright.__all__ == dir(lipwright)
    for name in lipwright.__all__:
        assert getattr(lipwright, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lipwright.nonsense


@pytest.mark.parametrize(
    "verb",
    [
        "check",
        "compare",
        "dub",
        "finish",
        "measure",
        "repair",
        "prepare",
        "train",
        "tune",
        "demo",
        "speak",
        "visemes",
        "wav2lip",
    ],
)
def test_a_verb_is_a_function_even_after_its_module_was_imported(verb: str) -> None:
    import_module(f"lipwright.{verb}")
    assert isinstance(getattr(lipwright, verb), FunctionType)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_files_and_functions_stay_readable(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"
        assert not isinstance(node, ast.Global), "no global state"


CARDS = sorted(registry.WEIGHTS.glob("*.yaml"))


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.stem)
def test_every_card_is_complete_and_what_is_shipped_is_sound(file: Path) -> None:
    card = registry.card(file.stem)
    assert card.licence
    assert card.what
    assert card.data
    assert len(card.sha256) == 64
    if not card.source:
        assert registry.verify(card.name).stat().st_size == card.size


def test_shipped_weights_are_small() -> None:
    assert sum(file.stat().st_size for file in registry.WEIGHTS.iterdir()) < 25e6


def test_the_version_is_said_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == lipwright.__version__


@pytest.mark.parametrize("path", sorted((ROOT / "src" / "lipwright" / "weights").glob("*.onnx")), ids=lambda p: p.name)
def test_shipped_weights_name_no_folder_of_the_machine_that_made_them(path: Path) -> None:
    content = path.read_bytes()
    found = [word for word in (b"/home/", b"/root/", b"/work/", b"/tmp/", b"/Users/", b'.py"') if word in content]
    assert not found
