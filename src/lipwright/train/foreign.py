"""Bring other people's checkpoints here: read once, checked, kept as ONNX with a card beside it.

    bring("wav2lip_gan.pth", name="gan")
    dub(clip, speech, dubber="wav2lip", weights="gan")
    bring("syncnet_v2.model")                                   # a sync expert: two files, `syncnet_video` and _audio

An ONNX file needs no torch. Everything else is read by `lipwright.train.checkpoint`, which runs nothing of it.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright import ondisk, registry
from lipwright.errors import InputError, MissingExtraError, OutputError, WeightsError

if TYPE_CHECKING:
    from lipwright.train.checkpoint import Found

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class Imported:
    """What was brought: its ``name`` from now on, how it was saved (``dialect``), the network (``architecture``), the
    side of its pictures (``size``, px), the ``step`` of training, if the file says, the largest ``difference`` to the
    original's answers (0-1; None for a file taken as it is), the ``path`` of the ONNX file (of an expert, the half that
    sees), and the ``member`` that it is for."""

    name: str
    dialect: str
    architecture: str
    size: int
    step: int | None
    difference: float | None
    path: Path
    member: str = "wav2lip"


def bring(file: str | Path, *, name: str = "") -> Imported:
    """Take a checkpoint of the Wav2Lip family, or of a sync expert, and keep it in the cache under ``name``.

    Unless told, the name is that of the file, or an expert's own.

    An earlier import of that name is replaced. The file itself is only read.

    Raises:
        InputError: no such file, or a name that cannot be one.
        WeightsError: a file that is damaged, holds another network, or could only be read by running it.
        MissingExtraError: a PyTorch file, and torch is not installed.
        OutputError: the cache cannot be written.
    """
    source = Path(file)
    if not source.is_file():
        raise InputError(f"there is no file {source}")
    told = name
    name = _name(name or re.sub(r"[^a-z0-9._-]+", "-", source.stem.lower()).strip("-._"))
    found = None if _is_onnx(source) else _read(source)
    beside = registry.imported_dir() / f"{name}.part.onnx"
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        if found is not None and _is_expert(found):
            return _expert(source, found, told)
        made = _take(source, name, beside) if found is None else _convert(source, found, name, beside)
        keep(beside, made.path, _card(made, source))
    except OSError as problem:
        raise OutputError(f"{registry.imported_dir()} cannot be filled: {problem.strerror or problem}") from problem
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return made


def _name(name: str) -> str:
    if not NAME.fullmatch(name) or name.endswith(".onnx"):
        raise InputError(f"a name is small letters, digits, '.', '_' and '-', not ending in .onnx; given {name!r}")
    if registry.is_shipped(name):
        raise InputError(f"{name!r} is the name of weights that lipwright has itself; choose another (--name)")
    return name


def _is_onnx(source: Path) -> bool:
    """Whether a file is ONNX rather than PyTorch's; WeightsError for what is neither."""
    try:
        with source.open("rb") as stream:
            head = stream.read(512)
    except OSError as problem:
        raise InputError(f"{source} cannot be read: {problem.strerror or problem}") from problem
    if not head:
        raise WeightsError(f"{source} is empty (0 bytes); bring it again")
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise WeightsError(
            f"{source} is a web page (HTML), not weights: a sign-in or error page was saved in their place"
        )
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{source} is a pointer of Git LFS, not the weights; `git lfs pull` brings them")
    return source.suffix.lower() == ".onnx" or head[0] == 0x08


def _take(source: Path, name: str, beside: Path) -> Imported:
    """An ONNX file as it is, once it has been loaded and its ports are seen to be right."""
    size = registry.load("dubbers", "wav2lip").Painter(source, "f32").size
    shutil.copyfile(source, beside)
    return Imported(name, "ONNX", f"Wav2Lip family, {size} px", size, None, None, _place(name))


def _read(source: Path) -> Found:
    for package in ("torch", "onnxscript"):
        if find_spec(package) is None:
            raise MissingExtraError("train", package)
    from lipwright.train import checkpoint

    return checkpoint.read(source)


def _convert(source: Path, found: Found, name: str, beside: Path) -> Imported:
    from lipwright.train import checkpoint

    architecture, network = checkpoint.generator(found, source)
    checkpoint.to_onnx(network, beside)
    difference = checkpoint.gap(network, beside)
    return Imported(name, found.dialect, architecture, network.layout.size, found.step, difference, _place(name))


def _is_expert(found: Found) -> bool:
    from lipwright.train import sync_import

    return sync_import.is_expert(found.tensors)


def _expert(source: Path, found: Found, told: str) -> Imported:
    """Keep the two halves of a sync expert, `NAME_video` and `NAME_audio`, each with a card."""
    from lipwright.train import sync_import

    architecture, network = sync_import.expert(found, source)
    kind = sync_import.KNOWN[architecture]
    name = _name(told or kind.member)
    made = Imported(
        name, found.dialect, architecture, kind.size[0], found.step, 0.0, _place(f"{name}_video"), kind.member
    )
    for side in ("video", "audio"):
        place = _place(f"{name}_{side}")
        place.with_suffix(".yaml").unlink(missing_ok=True)
        beside = place.with_suffix(".part.onnx")
        try:
            gap = sync_import.to_onnx(network, kind, side, beside)
            made = replace(made, difference=max(gap, made.difference or 0.0))
            what = f"{'pictures' if side == 'video' else 'sound'} of the sync expert {kind.member}, imported"
            keep(beside, place, _card(made, source) | {"what": what, "member": kind.member})
        finally:
            beside.unlink(missing_ok=True)
    return made


def _place(name: str) -> Path:
    return registry.imported_dir() / f"{name}.onnx"


def _card(made: Imported, source: Path) -> dict[str, Any]:
    """What the card of an imported file says, but for what `keep` measures."""
    step = "" if made.step is None else f", step {made.step}"
    exact = (
        "taken as it is" if made.difference is None else f"differs from the original by {made.difference:.1g} at most"
    )
    return {
        "what": f"generator of the Wav2Lip family, {made.size} px, imported; for the dubber wav2lip",
        "licence": "not known here; whoever published it says what it may be used for",
        "architecture": f"{made.architecture}, from {source.name}: {made.dialect}{step}; {exact}",
        "data": "not known here",
        "member": made.member,
    }


def keep(beside: Path, place: Path, lines: dict[str, Any]) -> None:
    """Put a file in its place, and a card of ``lines`` beside it; the card comes last, so that none is without its
    file."""
    digest = ondisk.content_key(beside)
    card = place.with_suffix(".yaml")
    card.unlink(missing_ok=True)
    lines = lines | {"file": place.name, "sha256": digest, "size": beside.stat().st_size}
    beside.replace(place)
    registry.write_card(card, lines)
