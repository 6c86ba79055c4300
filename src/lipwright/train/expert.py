"""Train a sync expert: two encoders that put a moment's picture and its sound in the same place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipwright import calibrate, sync
from lipwright.crops import SHAPE_SCALE
from lipwright.errors import InputError, WeightsError
from lipwright.features import level, log_mel, normalise
from lipwright.train import augment, data, export, kept, losses
from lipwright.train.networks import EDGE, SIDES, Expert, Experts
from lipwright.train.recipes import Recipe
from lipwright.train.tasks import Outcome, Training
from lipwright.types import Float

SPAN = 50
"""Frames (2 s) that validation judges at a time."""
MEMBERS = {"crop": "lipsight", "points": "lipmesh"}
"""Which of our experts sees what."""
LONGEST = 400
"""Frames of a validation recording that are looked at."""


@dataclass(frozen=True)
class ExpertRecipe(Recipe):
    """How to train a sync expert."""

    sees: str = "crop"
    """What the picture side sees: crop (grey mouth pictures) or points (pose-free mesh)."""
    others: float = 0.5
    """Weight of the loss over the whole batch beside the one over time."""
    sound: float = 1.0
    """Strength of what is done to the sound."""
    picture: float = 1.0
    """Strength of what is done to the pictures."""
    stretch: float = 0.1
    """Largest change of speed, as a logarithm."""
    temper: float = 0.5
    """0 draws all speakers alike, 1 as recorded."""
    half: str = "all"
    """Which training speakers: all, a or b; the halves judge each other's offsets."""
    teacher: str = ""
    """Checkpoint of another expert whose sound side this one begins with; empty = from scratch."""
    slow: float = 0.2
    """Learning rate of what came from the teacher, as a share of the rest's."""
    hold: float = 0.0
    """Share of the training speakers kept aside to say when to stop; 0 = the val recordings say."""
    beside: str = ""
    """Checkpoint of another training of such an expert, put beside this one in what is exported; empty = alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sees not in {"crop", "points"}:
            raise InputError(f"recipe: sees must be crop or points; given {self.sees!r}")
        if not 0 <= self.hold <= 0.5:
            raise InputError(f"recipe: hold must lie in 0 to 0.5; given {self.hold}")
        if self.half not in {"all", "a", "b"}:
            raise InputError(f"recipe: half must be all, a or b; given {self.half!r}")
        if self.frames < 2 * EDGE + 4:
            raise InputError(f"recipe: frames must be at least {2 * EDGE + 4}, as {EDGE} at each edge are not judged")


def halves(recordings: list[data.Recording]) -> dict[str, set[str]]:
    """Speakers in two halves, the longest dealt first; length counts by its root."""
    lengths: dict[str, int] = {}
    for recording in recordings:
        lengths[recording.speaker] = lengths.get(recording.speaker, 0) + len(recording)
    dealt: dict[str, set[str]] = {"a": set(), "b": set()}
    totals = {"a": 0.0, "b": 0.0}
    for speaker in sorted(lengths, key=lambda name: (-lengths[name], name)):
        side = min(totals, key=lambda name: totals[name])
        dealt[side].add(speaker)
        totals[side] += lengths[speaker] ** 0.5
    return dealt


def heard(samples: Float) -> Tensor:
    """Sound (B, N) to what the audio side hears: normalised log-mel (B, C, 64)."""
    columns = log_mel(samples)
    return torch.from_numpy(normalise(columns, level(columns)))


def shapes(motion: Float) -> Float:
    """Mouth points (B, L, V, 3) relative to their mean over time, in units of about 1."""
    return (motion - motion.mean(1, keepdims=True)) * np.float32(SHAPE_SCALE)


class ExpertTask:
    """Contrastive training of an :class:`Expert` on prepared recordings."""

    name = "expert"

    def __init__(self, recipe: ExpertRecipe, prepared: data.Prepared) -> None:
        self.recipe, self.prepared = recipe, prepared
        chosen, kept = data.hold(prepared.train, recipe.hold)
        self.held = [recording for recording in kept if recording.keep] or prepared.val
        if recipe.half != "all":
            speakers = halves(prepared.train)[recipe.half]
            chosen = [recording for recording in chosen if recording.speaker in speakers]
        self.windows = data.Draw(chosen, recipe.frames, recipe.temper, recipe.stretch)

    @property
    def _values(self) -> int:
        """Of the mesh, a frame."""
        return self.prepared.vertices * 3

    @property
    def chance(self) -> dict[str, float]:
        """The loss over time of one who guesses among the moments of a recording."""
        return {"time": math.log(self.recipe.frames - 2 * EDGE)}

    def network(self) -> Expert:
        """A fresh expert, its sound side taken from the teacher if there is one."""
        recipe = self.recipe
        network = Expert(recipe.sees, recipe.size, recipe.drop, self._values)
        if recipe.teacher:
            network.audio.load_state_dict(kept.part(Path(recipe.teacher), "audio."))
        return network

    def joined(self, network: Expert) -> Experts:
        """What is exported: the expert, with that of ``beside`` if the recipe names one."""
        if not self.recipe.beside:
            return Experts([network])
        path, other = Path(self.recipe.beside), Expert(self.recipe.sees, self.recipe.size, 0.0, self._values)
        state = kept.part(path, "")
        if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in other.state_dict().items()}:
            raise WeightsError(f"{path} is not of the training of an expert of this size that sees the same; train one")
        other.load_state_dict(state)
        return Experts([network, other.eval()])

    def groups(self, network: Expert) -> Iterable[dict[str, Any]]:
        """What the teacher knew changes slowly."""
        known = set(network.audio.parameters())
        yield {"params": list(network.audio.parameters()), "scale": self.recipe.slow if self.recipe.teacher else 1.0}
        yield {"params": [p for p in network.parameters() if p not in known]}

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Windows: what is seen, and what is heard."""
        recipe, recordings = self.recipe, self.windows.recordings
        windows = self.windows(random, recipe.clips)
        sound = augment.sound(data.sounds(recordings, windows), random, recipe.sound)
        columns = augment.columns(heard(sound).numpy(), random, recipe.sound)
        return self._seen(windows, random), torch.from_numpy(columns)

    def losses(self, network: Expert, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """A batch of windows; their outermost frames know where they are and are not judged."""
        recipe = self.recipe
        video, audio, sharpness = network(*batch)
        parts = losses.contrast(video[:, EDGE:-EDGE], audio[:, EDGE:-EDGE], sharpness)
        return {"loss": parts["time"] + recipe.others * parts["others"], **parts}

    def _seen(self, windows: data.Windows, random: np.random.Generator) -> Tensor:
        recipe, recordings = self.recipe, self.windows.recordings
        if recipe.sees == "crop":
            return augment.crops(data.pictures(recordings, windows), random, recipe.picture)
        motion = data.values([recordings[i].motion for i in windows.clips], windows)
        return torch.from_numpy(augment.points(shapes(motion), random, recipe.picture)).flatten(2)

    def validate(self, network: Expert | Experts) -> dict[str, float]:
        """Offsets of 2 s spans of speakers kept aside, ±15 searched: within one frame of nought, and of the
        recording's own offset (which may not be nought); the contrast; and the score, `depth`.

        The shares move by a whole span at a time: of some 80 spans, they chose steps whose curves were a fifth
        shallower than at the end of the same training, and of which half as many short recordings were sure."""
        nominal, own, contrast, deep = [], [], [], []
        for recording in self.held:
            table = distances(network, recording, self.recipe.sees)
            whole = sync.judge(table)
            for start in range(0, len(table) - SPAN + 1, SPAN):
                curve = sync.judge(table[start : start + SPAN])
                nominal.append(abs(curve.offset - recording.offset) <= 1)
                own.append(abs(curve.offset - whole.offset) <= 1)
                contrast.append(curve.contrast)
                deep.append(depth(curve, recording.offset))
        figures = {"nominal": float(np.mean(nominal)), "own": float(np.mean(own)), "contrast": float(np.mean(contrast))}
        return {**figures, "score": float(np.mean(deep))}


def depth(curve: sync.SyncCurve, offset: int) -> float:
    """How far the distance at ``offset`` lies below those `calibrate.SHIFT` frames away and further, in their standard
    deviations; 0 is chance."""
    away = np.abs(np.arange(-curve.reach, curve.reach + 1) - offset) >= calibrate.SHIFT
    far = curve.distances[away & np.isfinite(curve.distances)]
    here = float(curve.distances[curve.reach + offset])
    return float((far.mean() - here) / max(float(far.std()), 1e-6)) if len(far) and math.isfinite(here) else 0.0


def embed(network: Expert | Experts, recording: data.Recording, sees: str) -> tuple[Float, Float]:
    """Embeddings of a recording as it is: picture and sound, float32 (T, D) each; NaN where no face is."""
    length = min(len(recording), len(recording.samples) // data.FRAME, LONGEST)
    samples = recording.samples[None, : length * data.FRAME].astype(np.float32) / np.float32(32768)
    if sees == "crop":
        seen = torch.from_numpy(recording.crop[None, :length].astype(np.float32) / 255)
    else:
        seen = torch.from_numpy(shapes(recording.motion[None, :length].astype(np.float32))).flatten(2)
    with torch.no_grad():
        video, audio = network.video(seen)[0].numpy(), network.audio(heard(samples))[0].numpy()
    video[~recording.present[:length]] = np.nan
    return video, audio


def distances(network: Expert | Experts, recording: data.Recording, sees: str) -> Float:
    """Banded distances (T, 31) of a recording as it is; see :func:`lipwright.sync.band`."""
    return sync.band(*embed(network, recording, sees))


def _task(recipe: ExpertRecipe, folder: Path, offsets: Path | None) -> ExpertTask:
    return ExpertTask(recipe, data.read(folder, offsets))


def _export(task: ExpertTask, done: Outcome[Expert], folder: Path, source: str) -> dict[str, float]:
    """Both encoders, each with a card."""
    name, joined = MEMBERS[task.recipe.sees], task.joined(done.network)
    export.expert(joined, *(folder / f"{name}_{side}.onnx" for side in SIDES))
    with torch.no_grad():
        figures = task.validate(joined) if task.recipe.beside else done.figures
    for side in SIDES:
        what = f"{side} half of a sync expert"
        export.own_card(folder / f"{name}_{side}.onnx", what, getattr(joined, side), figures, source)
    return figures


TRAININGS = {"ours": Training("expert", "ours", ExpertRecipe, _task, _export)}
