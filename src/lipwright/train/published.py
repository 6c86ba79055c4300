"""Train the sync experts of others as their authors do: Wav2Lip's SyncNet_color, LatentSync's StableSyncNet.

Both see a window of lower halves and hear the sound of a window of the same recording; half of the time it is the same
window, else another's pictures. The loss is the binary cross-entropy of the cosine of both embeddings
[Rudrabha/Wav2Lip, color_syncnet_train.py; bytedance/LatentSync, scripts/train_syncnet.py].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright import calibrate, features, sync
from lipwright.errors import InputError, WeightsError
from lipwright.train import checkpoint, sync_import
from lipwright.train.adversary import against, laid_out, precise
from lipwright.train.faces import TRIES, Faces, Pictures, Talk
from lipwright.train.foreign import keep
from lipwright.train.kept import load, save
from lipwright.train.networks import count
from lipwright.train.recipes import Recipe
from lipwright.train.syncnets import Halves, StableSync, Wav2LipExpert
from lipwright.train.tasks import N, Outcome, Random, Training
from lipwright.types import AudioSpec

PARTS = {"tiny": sync_import.TINY_PART, "small": 8, "full": 1}
"""What the channels are divided by."""
SPAN = 50
"""Frames (2 s) whose offset is found at a time."""
LONGEST = 200
"""Frames of a recording that are looked at for it."""


@dataclass(frozen=True)
class PublishedRecipe(Recipe):
    """How to train a published sync expert. ``frames`` is what it sees at a time, ``clips`` the batch."""

    begin: str = ""
    """What it begins with: best.pt of such a training, or its checkpoint as it is published; "" = nothing."""
    judged: int = 2048
    """Windows of val on which the authors' loss is measured, the same at every validation."""
    heard: int = 40
    """Recordings of val whose offsets are found."""
    memory: float = 4.0
    """Gigabytes in which pictures and mels are kept ready."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("judged", "heard"):
            if getattr(self, name) < 1:
                raise InputError(f"recipe: {name} must be at least 1; given {getattr(self, name)}")
        if self.memory < 0:
            raise InputError(f"recipe: memory must be 0 GB or more; given {self.memory}")


@dataclass(frozen=True)
class Manner:
    """What an expert sees and hears: ``size`` of the faces (px), ``frames`` at a time, ``hears``, RGB from -1 to 1
    where ``signed``, else BGR from 0 to 1; and what it is in ``KNOWN`` of `sync_import`."""

    size: int
    frames: int
    hears: AudioSpec
    signed: bool
    scaling: Literal["linear", "cubic"]
    shortest: int
    known: str


COLOR = Manner(96, 5, features.WAV2LIP_MEL, False, "linear", 16, "SyncNet_color")
STABLE = Manner(256, 16, replace(features.WAV2LIP_MEL, steps=52), True, "cubic", 32, "StableSyncNet with attention")


def lower(pictures: Tensor, *, signed: bool) -> Tensor:
    """Windows uint8 (B, T, S, S, 3) BGR to the lower halves that an expert sees: (B, 3 · T, S / 2, S).

    Picture after picture, BGR of 0 to 1, or, ``signed``, RGB of -1 to 1.
    """
    halves = pictures[:, :, pictures.shape[2] // 2 :]
    if signed:
        halves = halves.flip(-1)
    planes = halves.permute(0, 1, 4, 2, 3).flatten(1, 2).float() / 255
    return (planes - 0.5) / 0.5 if signed else planes


def agreement(heard: Tensor, seen: Tensor) -> Tensor:
    """The cosine of embeddings (B, D) and (B, D): (B,), in full precision."""
    return F.cosine_similarity(precise(heard), precise(seen))


def same_or_not(heard: Tensor, seen: Tensor, same: Tensor | int) -> Tensor:
    """The authors' loss: binary cross-entropy of the cosine with 1 for the same moment, 0 for another, (B, 1)."""
    return against(agreement(heard, seen)[:, None], same)


def held(path: Path, setting: str) -> Mapping[str, Tensor]:
    """The tensors of ``best.pt`` of a training of ours, or of a checkpoint as it is published.

    Raises:
        InputError: there is no such file; the sentence names the ``setting`` that names it.
        WeightsError: it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"recipe: {setting} names {path}, and there is no such file")
    ours = load(path).get("network") if path.suffix == ".pt" else None
    return checkpoint.read(path).tensors if ours is None else ours


def filled(network: N, tensors: Mapping[str, Tensor], path: Path, name: str) -> N:
    """A network with the tensors of a file.

    Raises:
        WeightsError: they are another network's; the sentence names those that are missing and that do not belong.
    """
    wrong = checkpoint.faults(network, dict(tensors))
    if any(wrong):
        raise WeightsError(checkpoint.unlike(path, name, *wrong, (name,)))
    network.load_state_dict(tensors)
    return network


def begun(network: N, begin: str, name: str) -> N:
    """A network as a recipe's ``begin`` says: with the values of that file, or as it is."""
    return filled(network, held(Path(begin), "begin"), Path(begin), name) if begin else network


@dataclass
class PublishedTask:
    """Training of a published expert on a folder of faces."""

    recipe: PublishedRecipe
    manner: Manner
    data: Path
    name: str = field(init=False)
    chance: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        recipe, manner = self.recipe, self.manner
        if recipe.frames != manner.frames:
            raise InputError(f"recipe: {recipe.network} sees {manner.frames} frames at a time; given {recipe.frames}")
        self.name, self.chance = recipe.network, {"loss": math.log(2)}
        self.faces, self.val = (
            Faces(
                self.data, split, window=manner.frames, size=manner.size, shortest=manner.shortest,
                scaling=manner.scaling, memory=recipe.memory * share,
            )
            for split, share in (("train", 0.9), ("val", 0.1))
        )  # fmt: skip

    def network(self) -> Halves:
        """A fresh network, or what the recipe begins with."""
        recipe, part = self.recipe, PARTS[self.recipe.size]
        made: Halves = laid_out(StableSync(True, part) if self.manner.signed else Wav2LipExpert(part), part)
        return begun(made, recipe.begin, f"{recipe.network}, size {recipe.size}")

    def groups(self, network: Halves) -> Iterable[dict[str, Any]]:
        """All alike."""
        yield {"params": list(network.parameters())}

    def draw(self, random: Random) -> dict[str, Tensor]:
        """A batch: ``pictures`` uint8 (B, T, S, S, 3), ``mel`` (B, 1, 80, steps), ``same`` (B, 1)."""
        return self._drawn(self.faces, random, self.recipe.clips)

    def _drawn(self, faces: Faces, random: Random, many: int) -> dict[str, Tensor]:
        manner = self.manner
        pictures = np.empty((many, manner.frames, manner.size, manner.size, 3), np.uint8)
        mel = np.empty((many, 1, manner.hears.bins, manner.hears.steps), np.float32)
        same = np.empty((many, 1), np.float32)
        for k in range(many):
            seen, heard, same[k] = self._pair(faces, random)
            pictures[k], mel[k, 0] = seen, heard.T
        return {name: torch.from_numpy(a) for name, a in (("pictures", pictures), ("mel", mel), ("same", same))}

    def _pair(self, faces: Faces, random: Random) -> tuple[list[Pictures], np.ndarray, bool]:
        """Pictures, sound, and whether they are of one moment; the moment of the sound is drawn, then another."""
        for _ in range(TRIES):
            talk, row, other = faces.draw(random)
            same = bool(random.integers(2))
            heard = faces.heard(talk, int(talk.frames[row]), self.manner.hears)
            seen = faces.pictures(talk, row if same else other)
            if heard is not None and seen is not None:
                return seen, heard, same
        raise InputError(
            f"{TRIES} draws in a row from {self.data} found no whole window of pictures with its sound; see whether "
            "each audio.wav is as long as its pictures"
        )

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The authors' loss, and the share told right with a cosine of 0.5 between."""
        heard, seen = network(batch["mel"], lower(batch["pictures"], signed=self.manner.signed))
        right = (agreement(heard, seen) > 0.5) == (batch["same"][:, 0] > 0.5)
        return {"loss": same_or_not(heard, seen, batch["same"]), "accuracy": right.float().mean()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """``eval_loss`` and ``accuracy`` as the authors measure them, ``auc`` and ``offset``, as we do.

        ``auc``: sound in sync against sound 5 frames off or more. ``offset``: the share of stretches of 2 s whose
        offset is found within a frame of 0, ±15 searched. The score is the authors': less loss is better.
        """
        figures = self._as_the_authors(network)
        near, far, found = [], [], []
        for talk in self.val.talks[: self.recipe.heard]:
            rows = self._table(network, talk)
            if rows is None:
                continue
            shifted = [k for k in range(rows.shape[1]) if abs(k - sync.REACH) >= calibrate.SHIFT]
            near.append(rows[:, sync.REACH])
            far.append(rows[:, shifted].ravel())
            found += [abs(sync.judge(some).offset) <= 1 for some in _spans(rows)]
        if found:
            inside, outside = (rows[np.isfinite(rows)] for rows in (np.concatenate(near), np.concatenate(far)))
            judged = calibrate.judged(inside, outside, len(near), str(self.data))
            figures |= {"auc": judged.auc, "offset": float(np.mean(found))}
        return {**figures, "score": -figures["eval_loss"]}

    def _as_the_authors(self, network: nn.Module) -> dict[str, float]:
        recipe, random = self.recipe, np.random.default_rng(0)
        total = {"eval_loss": 0.0, "accuracy": 0.0}
        for start in range(0, recipe.judged, recipe.clips):
            batch = self._drawn(self.val, random, min(recipe.clips, recipe.judged - start))
            there = _device(network)
            found = self.losses(network, {name: value.to(there) for name, value in batch.items()})
            for name, value in zip(total, (found["loss"], found["accuracy"]), strict=True):
                total[name] += float(value) * len(batch["same"]) / recipe.judged
        return total

    def _table(self, network: nn.Module, talk: Talk) -> np.ndarray | None:
        """Banded distances (T, 31) of a recording's windows; NaN where one is not whole. None where none is."""
        frames = range(int(talk.frames[0]), min(int(talk.frames[-1]), int(talk.frames[0]) + LONGEST) + 1)
        rows = {int(frame): row for row, frame in enumerate(talk.frames)}
        video: np.ndarray | None = None
        audio: np.ndarray | None = None
        for some in _batches(list(frames), self.recipe.clips):
            found = [(k, self._moment(talk, rows.get(frame), frame)) for k, frame in some]
            whole = [(k, *pair) for k, pair in found if pair is not None]
            if not whole:
                continue
            heard, seen = self._embedded(network, [p for _, p, _ in whole], [h for _, _, h in whole])
            if video is None or audio is None:
                video, audio = (np.full((len(frames), heard.shape[1]), np.nan, np.float32) for _ in range(2))
            at = [k for k, _, _ in whole]
            video[at], audio[at] = seen, heard
        return None if video is None or audio is None else sync.band(video, audio)

    def _moment(self, talk: Talk, row: int | None, frame: int) -> tuple[list[Pictures], np.ndarray] | None:
        seen = None if row is None else self.val.pictures(talk, row)
        heard = self.val.heard(talk, frame, self.manner.hears)
        return None if seen is None or heard is None else (seen, heard)

    def _embedded(
        self, network: nn.Module, pictures: list[list[Pictures]], sounds: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        there = _device(network)
        mel = torch.from_numpy(np.stack([sound.T for sound in sounds])[:, None]).to(there)
        faces = torch.from_numpy(np.stack([np.stack(window) for window in pictures])).to(there)
        with torch.no_grad():
            heard, seen = network(mel, lower(faces, signed=self.manner.signed))
        return heard.float().cpu().numpy(), seen.float().cpu().numpy()


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _batches(frames: list[int], many: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(frames), many):
        yield list(enumerate(frames[start : start + many], start))


def _spans(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Stretches of 2 s, or all of a recording that is shorter, in which something was compared."""
    for start in range(0, max(1, len(rows) - SPAN + 1), SPAN):
        some = rows[start : start + SPAN]
        if np.isfinite(some).any():
            yield some


def export(task: PublishedTask, outcome: Outcome[Any], folder: Path, recipe: str) -> dict[str, float]:
    """Write both halves as ONNX with cards, and the whole as a checkpoint in the authors' manner (``NAME.pth``)."""
    network, kind = outcome.network, sync_import.KNOWN[task.manner.known]
    save(folder / f"{task.name}.pth", {"state_dict": network.state_dict(), "global_step": outcome.step})
    told = ", ".join(f"{name} {value:.3f}" for name, value in outcome.figures.items())
    for side, sees in (("video", "pictures"), ("audio", "sound")):
        place = folder / f"{kind.member}_{side}.onnx"
        beside = place.with_suffix(".part.onnx")
        sync_import.to_onnx(network, kind, side, beside)  # type: ignore[arg-type]
        lines = {
            "what": f"{sees} of the sync expert {kind.member}, trained here",
            "licence": "the trainer's to say",
            "architecture": f"{task.manner.known}, {count(network)} values; made by: lipwright train expert, {recipe}",
            "data": "a folder of faces of the trainer's own",
            "quality": f"step {outcome.step}; on the val recordings: {told}",
            "member": kind.member,
        }
        keep(beside, place, lines)
    return outcome.figures


def _refuse(offsets: Path | None) -> None:
    if offsets is not None:
        raise InputError("--offsets are for folders of our own layout; `lipwright prepare` has moved the sound already")


def color(recipe: PublishedRecipe, data: Path, offsets: Path | None = None) -> PublishedTask:
    """The training of Wav2Lip's SyncNet_color."""
    _refuse(offsets)
    return PublishedTask(recipe, COLOR, data)


def stable(recipe: PublishedRecipe, data: Path, offsets: Path | None = None) -> PublishedTask:
    """The training of LatentSync's StableSyncNet, with attention."""
    _refuse(offsets)
    return PublishedTask(recipe, STABLE, data)


TRAININGS = {
    "syncnet_color": Training("expert", "syncnet_color", PublishedRecipe, color, export),
    "stable_syncnet": Training("expert", "stable_syncnet", PublishedRecipe, stable, export),
}
