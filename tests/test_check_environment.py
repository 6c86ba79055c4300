"""check without a file: what this computer brings, with what is missing or damaged made up."""

from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from lipwright import check, cli, registry
from lipwright.check import environment, packages
from lipwright.media import codecs


def codes() -> set[str]:
    return {issue.code for issue in check().issues}


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """Versions to be believed instead of the installed ones; None: not installed."""
    faked: dict[str, str | None] = {}
    real = metadata.version

    def version(name: str) -> str:
        if name in faked:
            if faked[name] is None:
                raise metadata.PackageNotFoundError(name)
            return str(faked[name])
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    return faked


def test_here_everything_needed_is_there() -> None:
    found = check()
    assert found.worst in (None, "info", "warning")
    assert found.figure("python").fine and found.figure("codecs").fine
    assert {figure.subject for figure in found.figures} == {"environment"}
    named = {figure.what for figure in found.figures}
    assert {"av", "numpy", "openvino", "memory", "GPU", "free for temporary files", "weights here and sound"} <= named


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == 0
    assert "numpy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "version", "code", "remedy"),
    [
        ("numpy", "1.26.4", "package_old", 'pip install "numpy>=2"'),
        ("opencv-python-headless", "5.0.0", "package_old", 'pip install "opencv-python-headless'),
        ("soxr", None, "package_missing", 'pip install "soxr>=0.5"'),
        ("torchvision", "0.28.0", "package_banned", "pip uninstall -y torchvision"),
        ("torchaudio", "2.11.0", "package_banned", "pip uninstall -y torchaudio"),
        ("torch", "1.13.0", "package_old", 'pip install "torch>=2.9"'),
    ],
)
def test_packages_that_do_not_fit_are_told_with_the_command(
    name: str, version: str | None, code: str, remedy: str, versions: dict[str, str | None]
) -> None:
    versions[name] = version
    found = [issue for issue in check().issues if issue.code == code]
    assert len(found) == 1 and name in found[0].message and found[0].remedy.startswith(remedy)


def test_an_old_python_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    found = check()
    assert found["python_old"].severity == "error" and found.worst == "error"


@pytest.mark.parametrize(
    ("here", "wanted", "met"),
    [
        ("2.9.0+cpu", ">=2.9", True),
        ("2.10", ">=2.9,<3", True),
        ("4.13.0.92", ">=4.11,<5", True),
        ("5.0", ">=4.11,<5", False),
        ("2", ">=2.0.1", False),
        ("0.3.6.post1", ">=0.3.6.post1", True),
        ("1.0rc1", "", True),
    ],
)
def test_versions_are_compared_as_numbers(here: str, wanted: str, met: bool) -> None:
    assert packages.meets(here, wanted) is met


def test_requirements_are_those_of_the_package() -> None:
    needed = packages.needed()
    assert ("numpy", ">=2", "") in needed
    assert any(name == "torch" and extra == "train" for name, _, extra in needed)
    assert not any(name == "lipwright" for name, _, _ in needed)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of weights."""
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_weights_that_are_not_here_yet_are_a_note(cache: Path) -> None:
    found = check()["weights_missing"]
    assert found.severity == "info" and "silero_vad" in found.message
    assert found.remedy.startswith("lipwright models pull ") and "silero_vad" in found.remedy


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"x" + data[1:]], ids=["short", "changed"])
def test_damaged_weights_are_an_error_with_the_command(damage: Callable[[bytes], bytes], cache: Path) -> None:
    card = registry.card("silero_vad")
    place = registry.place("silero_vad")
    assert place.is_relative_to(cache)
    place.parent.mkdir(parents=True)
    place.write_bytes(damage(b"0" * card.size))
    found = check()["weights_damaged"]
    assert found.severity == "error" and str(place) in found.message
    assert "lipwright models pull silero_vad" in found.remedy


def test_shipped_weights_that_are_damaged_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(registry.WEIGHTS, tmp_path / "weights")
    (tmp_path / "weights" / registry.card("motion").file).write_bytes(b"nothing")
    monkeypatch.setattr(registry, "WEIGHTS", tmp_path / "weights")
    assert "install lipwright again" in check()["weights_damaged"].remedy


def test_a_full_disk_and_little_memory_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**12, 10**12, 10**8))
    monkeypatch.setattr(environment, "_memory", lambda: 0.5)
    found = check()
    assert found["disk_full"].severity == "error" and "0.1 GB are free" in found["disk_full"].message
    assert "0.5 GB" in found["memory_low"].message


def test_a_container_may_use_less_memory_than_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("1000000000\n")
    monkeypatch.setattr(environment, "LIMITS", (tmp_path / "none", tmp_path / "max"))
    assert check()["memory_low"].message == "there are 1.0 GB of memory"


def test_a_missing_codec_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "WRITTEN", ("libx264", "libnothing"))
    assert codecs.missing() == ("write libnothing",)
    assert "write libnothing" in check()["codec_missing"].message


@pytest.mark.parametrize(
    ("driver", "torch", "code"),
    [
        ("550.54.15", "2.13.0+cu130", "cuda_mismatch"),
        ("550.54.15", "2.9.0+cu126", None),
        ("580.65.06", "2.13.0+cu130", None),
        ("580.65.06", "2.13.0+cpu", "gpu_unused"),
        ("580.65.06", None, None),
        (None, "2.13.0+cu130", None),
    ],
)
def test_the_gpu_and_the_cuda_of_torch_must_fit(
    driver: str | None, torch: str | None, code: str | None, versions: dict[str, str | None],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    said = tmp_path / "version"
    if driver:
        said.write_text(f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {driver}  Release Build\n")
    else:
        monkeypatch.setattr(environment, "driver", lambda: None)
    monkeypatch.setattr(environment, "NVIDIA", said)
    versions["torch"] = torch
    assert codes() & {"cuda_mismatch", "gpu_unused"} == ({code} if code else set())


def test_a_torch_without_a_label_is_known_by_its_runtime(versions: dict[str, str | None]) -> None:
    versions |= {"torch": "2.13.0", "nvidia-cuda-runtime": "13.0.1"}
    assert environment.torch_cuda() == 13
    versions |= {"nvidia-cuda-runtime": None, "nvidia-cuda-runtime-cu12": None, "nvidia-cuda-runtime-cu11": None}
    assert environment.torch_cuda() == 0
    versions["torch"] = None
    assert environment.torch_cuda() is None


def test_a_processor_without_avx2_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu sse sse2 avx\n")
    monkeypatch.setattr(environment, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(environment.platform, "machine", lambda: "x86_64")
    assert environment.processor_flags() == {"fpu", "sse", "sse2", "avx"}
    assert "cpu_slow" in check()
    monkeypatch.setattr(environment, "PROCESSOR", tmp_path / "none")
    assert environment.processor_flags() == frozenset() and "cpu_slow" not in check()


def test_torch_is_not_imported() -> None:
    import subprocess

    code = "import sys, lipwright; lipwright.check(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
