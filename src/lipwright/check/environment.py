"""What this computer brings: Python, packages, processor, GPU, codecs, disks, memory, weights; and what mends each."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

from lipwright import registry, runtime
from lipwright.check import packages
from lipwright.check.found import Checked, Notes
from lipwright.errors import WeightsError
from lipwright.media import codecs

SUBJECT = "environment"
DISK, MEMORY = 2.0, 2.0
"""GB that should be free, and that there should be."""
DRIVERS = {11: 450, 12: 525, 13: 580}
"""The oldest NVIDIA driver that runs programs built for a CUDA of this major version."""
NVIDIA = Path("/proc/driver/nvidia/version")
PROCESSOR = Path("/proc/cpuinfo")
MEMINFO = Path("/proc/meminfo")
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_GB = 1e9


def check() -> Checked:
    """Look at all of it; nothing is brought here, and torch is not imported."""
    notes = Notes(SUBJECT)
    _python(notes)
    packages.check(notes)
    _processor(notes)
    _gpu(notes)
    _codecs(notes)
    _room(notes)
    _weights(notes)
    return Checked((), tuple(notes.figures), packages.worst_first(notes.issues))


def _python(notes: Notes) -> None:
    least = packages.python_needed()
    here = sys.version_info[:3]
    fine = packages.meets(".".join(map(str, here)), least)
    notes.figure("python", "Python", platform.python_version(), "", least, fine)
    notes.figure("system", "system", f"{platform.system()} {platform.machine()}")
    if not fine:
        notes.issue("python_old", "error", f"this is Python {platform.python_version()}, and {least} is needed")


def _processor(notes: Notes) -> None:
    flags = processor_flags()
    known = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd") if name in flags]
    slow = bool(flags) and platform.machine().lower() in ("x86_64", "amd64") and "avx2" not in flags
    notes.figure("cores", "cores used", runtime.cores())
    notes.figure("processor", "processor knows", ", ".join(known) or None, "", "avx2 or asimd", not slow)
    notes.figure(
        "bf16", "computes in bfloat16", "yes" if runtime.has_bf16() else "no", "", "twice as fast where it does"
    )
    if slow:
        notes.issue("cpu_slow", "warning", "this processor has no AVX2")


def processor_flags() -> frozenset[str]:
    """What Linux says that the processor knows; empty elsewhere."""
    try:
        text = PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def driver() -> int | None:
    """The major version of the NVIDIA driver, 0 where there is one of unknown version, None where there is none."""
    try:
        found = re.search(r"\s(\d{3,})\.\d+", NVIDIA.read_text(encoding="utf-8", errors="replace"))
        return int(found[1]) if found else 0
    except OSError:
        return 0 if Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") else None


def torch_cuda() -> int | None:
    """The major CUDA version that the installed PyTorch was built for; 0 for processors only, None without PyTorch."""
    version = packages.version("torch")
    if version is None:
        return None
    if found := re.search(r"\+cu(\d\d)", version):
        return int(found[1])
    if "+" in version:
        return 0
    named = [(13, "nvidia-cuda-runtime"), (12, "nvidia-cuda-runtime-cu12"), (11, "nvidia-cuda-runtime-cu11")]
    return next((major for major, name in named if packages.version(name)), 0)


def _gpu(notes: Notes) -> None:
    found, built = driver(), torch_cuda()
    said = "none" if found is None else f"NVIDIA, driver {found or 'of unknown version'}"
    notes.figure("gpu", "GPU", said, "", "not needed to dub")
    if built is not None:
        what = f"CUDA {built}" if built else "processors only"
        notes.figure("torch_cuda", "PyTorch is built for", what)
    if found is None:
        return
    if built == 0:
        notes.issue("gpu_unused", "warning", "there is an NVIDIA GPU, and PyTorch is built for processors only")
    elif built and 0 < found < DRIVERS.get(built, 0):
        message = f"PyTorch is built for CUDA {built}, which needs driver {DRIVERS[built]}; this one is {found}"
        notes.issue("cuda_mismatch", "error", message)


def _codecs(notes: Notes) -> None:
    gone = codecs.missing()
    every = len(codecs.READ) + len(codecs.WRITTEN)
    notes.figure("codecs", "codecs", f"{every - len(gone)} of {every}", "", "all", not gone)
    if gone:
        notes.issue("codec_missing", "warning", f"these codecs are not there: {', '.join(gone)}")


def _room(notes: Notes) -> None:
    for name, what, folder in (
        ("disk_cache", "free where weights are kept", registry.cache_dir()),
        ("disk_temporary", "free for temporary files", Path(tempfile.gettempdir())),
    ):
        free = shutil.disk_usage(_there(folder)).free / _GB
        notes.figure(name, what, round(free, 1), "GB", f"at least {DISK:g}", free >= DISK)
        if free < DISK:
            notes.issue("disk_full", "error", f"{free:.1f} GB are free at {folder}")
    memory = _memory()
    if memory is not None:
        notes.figure("memory", "memory", round(memory, 1), "GB", f"at least {MEMORY:g}", memory >= MEMORY)
        if memory < MEMORY:
            notes.issue("memory_low", "warning", f"there are {memory:.1f} GB of memory")


def _there(folder: Path) -> Path:
    """``folder``, or the nearest above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())


def _memory() -> float | None:
    """GB of memory that this process may use; None where it is not known."""
    held: list[float] = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        held.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB)
    for limit in LIMITS:
        try:
            held.append(int(limit.read_text()) / _GB)
        except (OSError, ValueError):
            continue
    return min(held, default=None)


def _weights(notes: Notes) -> None:
    """Read all weights that are here, and compare their sha256 with their cards."""
    sound, away = 0, []
    cards = registry.cards()
    for card in cards:
        if card.source and not registry.place(card.name).is_file():
            away.append(card)
            continue
        try:
            registry.verify(card.name)
            sound += 1
        except WeightsError as problem:
            said, _, remedy = str(problem).partition("; ")
            notes.issue("weights_damaged", "error", said, remedy=remedy)
    if away:
        names, size = ", ".join(card.name for card in away), sum(card.size for card in away) / 1e6
        message = f"{len(away)} of {len(cards)} weights ({size:.1f} MB) are not here yet: {names}"
        remedy = f"lipwright models pull {' '.join(card.name for card in away)}"
        notes.issue("weights_missing", "info", message, remedy=remedy)
    notes.figure("weights", "weights here and sound", f"{sound} of {len(cards)}", "", "all", sound == len(cards))
    notes.figure("cache", "kept in", str(registry.cache_dir()))
