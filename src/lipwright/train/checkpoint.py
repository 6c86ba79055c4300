"""Read Wav2Lip checkpoints as other people publish them, find out which network they are, and write it as ONNX.

Nothing in a file is ever run: ``torch.load`` with ``weights_only`` reads everything, TorchScript archives too
(their code is left out and only the tensors they name are taken).
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipwright import registry, runtime
from lipwright.errors import WeightsError
from lipwright.train import wav2lip
from lipwright.train.tracing import write_onnx

Tensors = dict[str, Tensor]

SHOWN = 4
"""Names of tensors in a sentence."""

CLOSE = 1e-3
"""The most that a network's answers may change when it is converted; its answers lie between 0 and 1."""

ONNX_INSTEAD = "where it was trained, write it as ONNX with pictures of values 0 to 1, which is taken as it is"

UNREADABLE = (OSError, RuntimeError, EOFError, ValueError, KeyError, UnpicklingError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Found:
    """What a file holds: its ``dialect`` in words, the ``tensors`` by name, and the ``step`` of training, if said."""

    dialect: str
    tensors: Tensors
    step: int | None


def read(path: Path) -> Found:
    """The tensors of a PyTorch file, in any of the dialects they are published in.

    Raises:
        WeightsError: for what is cut short, is no checkpoint, or could only be read by running code in it.
    """
    if _is_script(path):
        tensors = dict(_named(_load(_without_code(path), path, _script_names(path)), ""))
        return Found("TorchScript archive", _plain(tensors), None)
    saved = _load(path, path)
    if not isinstance(saved, dict):
        raise WeightsError(f"{path} holds {type(saved).__name__}, not tensors by name; save the network's state_dict")
    inner = saved.get("state_dict")
    tensors = {k: v for k, v in (saved if inner is None else inner).items() if isinstance(v, Tensor)}
    kind = "bare state_dict" if inner is None else "training checkpoint" if "optimizer" in saved else "state_dict"
    wrapped = any("module." in key for key in tensors)
    step = saved.get("global_step")
    dialect = f"{kind} of a DataParallel network" if wrapped else kind
    return Found(dialect, _plain(tensors), step if isinstance(step, int) else None)


def _plain(tensors: Mapping[str, Tensor]) -> Tensors:
    """Names without the ``module.`` that DataParallel puts into them."""
    return {key.replace("module.", ""): value for key, value in tensors.items()}


def _load(source: Path | io.BytesIO, path: Path, allowed: tuple[tuple[Any, str], ...] = ()) -> Any:
    try:
        with torch.serialization.safe_globals(list(allowed)):
            return torch.load(source, map_location="cpu", weights_only=True)
    except UNREADABLE as problem:
        raise WeightsError(_why(path)) from problem


def _why(path: Path) -> str:
    """Why a file cannot be read, as a sentence."""
    if path.open("rb").read(2) == b"PK" and not zipfile.is_zipfile(path):
        return f"{path} is cut short or damaged: the end of the archive is missing; bring it again"
    try:
        objects = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except UNREADABLE:
        objects = []
    if objects:
        return (
            f"{path} holds pickled objects ({', '.join(sorted(objects)[:SHOWN])}); reading them would run code that "
            "comes with the file, so they are refused; load it where you trust it and save its state_dict()"
        )
    return f"{path} cannot be read as a PyTorch checkpoint: it is damaged, cut short, or another kind of file"


# ---------------------------------------------------------------------------------------- TorchScript


class _Inert:
    """Stands for an object of a TorchScript archive: it holds what was saved and can do nothing."""


def _as_is(value: Any, *_: Any) -> Any:
    return value


def _is_script(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _script_names(path: Path) -> tuple[tuple[Any, str], ...]:
    """Names of the scripted classes (and of TorchScript's lists) in an archive, each with what stands for it."""
    with zipfile.ZipFile(path) as archive:
        found = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if found is None:
            raise WeightsError(f"{path} is a TorchScript archive without data; bring it again")
        asked = (
            str(what).replace(" ", ".")
            for op, what, _ in pickletools.genops(archive.read(found))
            if op.name == "GLOBAL"
        )
        names = sorted(set(asked))
    classes = tuple((_Inert, name) for name in names if name.startswith("__torch__."))
    return classes + tuple((_as_is, name) for name in names if name.startswith("torch.jit._pickle."))


def _without_code(path: Path) -> io.BytesIO:
    """A TorchScript archive without its code and constants: what is left is what ``torch.save`` writes."""
    kept = io.BytesIO()
    try:
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(kept, "w") as plain:
            for name in archive.namelist():
                inside = name.split("/", 1)[-1]
                if inside == "data.pkl" or inside.startswith("data/") or inside in {"version", "byteorder"}:
                    plain.writestr(name, archive.read(name))
    except zipfile.BadZipFile as problem:
        raise WeightsError(f"{path} is damaged: {problem}; bring it again") from problem
    kept.seek(0)
    return kept


def _named(item: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Every tensor below an object, by the path that leads to it, as in a state_dict."""
    for key, value in vars(item).items() if isinstance(item, _Inert) else ():
        if isinstance(value, Tensor):
            yield f"{name}{key}", value
        else:
            yield from _named(value, f"{name}{key}.")


# ------------------------------------------------------------------------------- which network it is


def generator(found: Found, path: Path) -> tuple[str, wav2lip.Generator]:
    """The generator that a file holds, and the name of its layout; every tensor of it and no other is in the file.

    Raises:
        WeightsError: for another network; the sentence names tensors that are missing and that do not belong.
    """
    if any(key.startswith("face_encoder.") for key in found.tensors):
        raise WeightsError(f"{path} is Wav2Lip's sync expert, not a generator; import the generator's file")
    if any(key.startswith("binary_pred.") for key in found.tensors):
        raise WeightsError(f"{path} is Wav2Lip's discriminator, not a generator; import the generator's file")
    with torch.device("meta"):
        layouts = wav2lip.LAYOUTS | {"wav2lip-tiny": wav2lip.TINY}
        known = {name: wav2lip.Generator(layout) for name, layout in layouts.items()}
    if reason := _untold(found.tensors):
        raise WeightsError(f"{path} is {reason}; {ONNX_INSTEAD}")
    wrong = {name: faults(network, found.tensors) for name, network in known.items()}
    name = min(wrong, key=lambda each: sum(map(len, wrong[each])))
    if any(wrong[name]):
        raise WeightsError(unlike(path, name, *wrong[name], tuple(wav2lip.LAYOUTS)))
    network = known[name]
    network.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in found.tensors.items()},
        assign=True,
    )
    return name, network.eval()


def _untold(tensors: Tensors) -> str:
    """Why a network that is known by name cannot be run with certainty, as the end of a sentence, or ""."""
    first = tensors.get("face_encoder_blocks.0.0.conv_block.0.weight", torch.empty(0)).shape
    if first == (6, 6, 7, 7):
        return (
            "primepake's network of 512 pixels, which is refused: its code as published cannot be built (its growing "
            "blocks are given an activation that they do not take), and no script published with it trains or runs "
            "it, so neither its activations, nor its range of values, nor its mask are known"
        )
    if first == (8, 6, 7, 7) and "sam.sa.conv1.weight" in tensors:
        return (
            "primepake's Wav2Lip_384, which is refused: no script published with it trains or runs it, so neither its "
            "range of values nor its mask are known"
        )
    steps = tensors.get("audio_refine.0.conv_block.1.num_batches_tracked")
    if "sam.sa.conv1.weight" in tensors and steps is not None and int(steps):
        return (
            f"a network of 384 pixels whose audio_refine was trained for {int(steps)} steps, which is refused: of two "
            "published networks with these tensors primepake's uses it and ends in a tanh or a sigmoid, and "
            "langzizhixin's, the one known here, never uses it; the tensors do not tell which end this one has"
        )
    return ""


def faults(network: nn.Module, tensors: Tensors) -> tuple[list[str], list[str], list[str]]:
    """Names that are missing, that do not belong, and that have another shape."""
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in tensors]
    strange = [key for key in tensors if key not in wanted]
    shapes = [
        f"{key} {tuple(tensors[key].shape)} instead of {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in tensors and tensors[key].shape != value.shape
    ]
    return missing, strange, shapes


def unlike(
    path: Path, name: str, missing: list[str], strange: list[str], shapes: list[str], known: tuple[str, ...]
) -> str:
    """The sentence for a file that is none of the networks ``known``, nearest to ``name``; see `faults`."""
    parts = [
        f"{len(keys)} {what} ({', '.join(keys[:SHOWN])}{', ...' if len(keys) > SHOWN else ''})"
        for what, keys in (("missing", missing), ("that do not belong", strange), ("of another shape", shapes))
        if keys
    ]
    names = ", ".join(known)
    return f"{path} is none of the networks known here ({names}); nearest is {name}, with tensors {'; '.join(parts)}"


# --------------------------------------------------------------------------------------------- ONNX


def to_onnx(network: wav2lip.Generator, path: Path, *, lead: float = -1.0) -> None:
    """Write a generator as ONNX: ``mel`` (B, 1, 80, 16) and ``faces`` (B, 6, S, S) in, ``painted`` (B, 3, S, S) out.

    A generator that was not trained to hear a frame early, with a ``lead`` of 0, says so by another name of its mel.
    """
    heard = registry.load("dubbers", "wav2lip").NOW if lead == 0 else "mel"
    size = network.layout.size
    batch = torch.export.Dim("batch", min=1, max=4096)
    examples = (torch.zeros(2, 1, 80, 16), torch.zeros(2, 6, size, size))
    write_onnx(network, examples, path, [heard, "faces"], ["painted"], ({0: batch}, {0: batch}))


def gap(network: wav2lip.Generator, path: Path) -> float:
    """The largest difference between a network's answers and those of its ONNX file, for two drawn inputs.

    Raises:
        WeightsError: when it is above `CLOSE`.
    """
    random, size = np.random.default_rng(0), network.layout.size
    mel = random.uniform(-4, 4, (2, 1, 80, 16)).astype(np.float32)
    faces = random.random((2, 6, size, size), np.float32)
    with torch.no_grad():
        here = network(torch.from_numpy(mel), torch.from_numpy(faces)).numpy()
    there = runtime.load(path, precision="f32", device="cpu")(mel, faces)[0]
    most = float(np.abs(here - there).max())
    if not most <= CLOSE:
        raise WeightsError(f"the converted network answers otherwise than the original, by up to {most:.2g}")
    return most
