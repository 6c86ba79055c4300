"""What runs lipwright on other machines: the container's recipe, and the script for Modal."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import pytest

from lipwright import cli

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "modal_train.py"


IMAGES = ("Dockerfile", "Dockerfile.gpu")


@pytest.mark.parametrize("image", IMAGES)
def test_the_container_is_built_from_files_that_are_here(image: str) -> None:
    text = (ROOT / image).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r'EXTRAS="?\[([\w,]+)\]', text)
    assert named
    assert {extra for group in named for extra in group.split(",")} <= extras.keys()
    assert "models pull" in text, "the image needs no network afterwards"


def test_the_image_for_gpus_takes_another_torch_and_nothing_that_breaks_it() -> None:
    text = (ROOT / "Dockerfile.gpu").read_text(encoding="utf-8")
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert "sed -i '/^torch==/d' constraints.txt" in text
    assert "onnxruntime-gpu" in text
    assert "torchvision" not in text


@pytest.mark.parametrize("image", IMAGES)
def test_commands_shown_for_the_container_parse(image: str) -> None:
    shown = re.findall(r"^#.* lipwright(?::\w+)? (dub|train|serve) (.*)$", (ROOT / image).read_text(), re.MULTILINE)
    assert {verb for verb, _ in shown} >= {"dub"}
    for verb, rest in shown:
        cli.parser().parse_args([verb, *shlex.split(rest)])


@pytest.fixture
def modal(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Stands for the package modal: its decorators leave functions as they are."""
    stand_in = MagicMock()
    stand_in.App.return_value.function = lambda **how: lambda function: function
    stand_in.App.return_value.local_entrypoint = lambda: lambda function: function
    module = ModuleType("modal")
    module.__dict__.update({name: getattr(stand_in, name) for name in ("App", "Image", "Volume", "Retries")})
    monkeypatch.setitem(sys.modules, "modal", module)
    return stand_in


def test_a_rented_machine_runs_the_same_command_and_keeps_what_it_wrote(
    modal: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def run(line: list[str], *, cwd: str, check: bool) -> None:
        ran.append((line, cwd))
        raise subprocess.CalledProcessError(1, line)

    monkeypatch.setattr(subprocess, "run", run)
    shown = re.search(r'--command "(.*)"', SCRIPT.read_text(encoding="utf-8"))
    assert shown
    with pytest.raises(subprocess.CalledProcessError):
        runpy.run_path(str(SCRIPT))["train"](shown[1])
    ((line, cwd),) = ran
    assert (line[0], cwd) == ("lipwright", "/volume")
    options = cli.parser().parse_args(line[1:])
    assert (options.what, options.more) == ("expert", {"precision": "bf16-mixed"})
    modal.Volume.from_name.return_value.commit.assert_called_once()
