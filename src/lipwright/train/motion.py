"""Train the motion network: from speech to the mouth's movement, in units of the speaker's own spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lipwright.errors import InputError
from lipwright.features import level, log_mel, normalise
from lipwright.train import augment, data, engine, losses
from lipwright.train.networks import MotionNet
from lipwright.train.recipes import Recipe
from lipwright.types import Float

CLOSED = 0.5
"""A mouth is closed where its opening is at most this many of its own spreads above its least."""


@dataclass(frozen=True)
class MotionRecipe(Recipe):
    """How to train the motion network."""

    components: int = 12
    """Principal components of the mouth's movement."""
    teacher: str = ""
    """Checkpoint of an expert whose sound side the network begins with; empty = from scratch."""
    slow: float = 0.1
    """Learning rate of what came from the teacher, as a share of the rest's."""
    sound: float = 1.0
    """Strength of what is done to the sound."""
    stretch: float = 0.1
    """Largest change of speed, as a logarithm."""
    temper: float = 0.5
    """0 draws all speakers alike, 1 as recorded."""
    shape: float = 1.0
    """Weight of the components."""
    opening: float = 1.0
    """Weight of the inner-lip opening."""
    together: float = 1.0
    """Weight of correlation over time."""
    speed: float = 0.5
    """Weight of velocity."""
    lively: float = 0.3
    """Weight of matching the spread of real mouths, against mumbling."""
    closed: float = 0.3
    """Weight of knowing when the mouth is closed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.components <= 64:
            raise InputError(f"recipe: components must lie in 2 to 64; given {self.components}")


@dataclass(frozen=True)
class Space:
    """How mouths are compared, in units of a speaker's own spread of the inner-lip opening.

    ``slope`` float32 (V·3,), movement for a unit of opening; ``basis`` (K, V·3), the principal components of
    what opening does not explain, for each unit coefficient; both in inter-ocular units of a typical
    speaker; ``spread`` and ``least``, that speaker's standard deviation and least of the opening.
    """

    basis: Float
    slope: Float
    spread: float
    least: float


def speaker_units(recordings: list[data.Recording]) -> dict[str, tuple[float, float]]:
    """Each speaker's least (10th percentile) and spread (standard deviation) of the opening."""
    openings: dict[str, list[Float]] = {}
    for recording in recordings:
        openings.setdefault(recording.speaker, []).append(recording.opening[recording.present])
    units = {}
    for speaker, parts in openings.items():
        together = np.concatenate(parts)
        units[speaker] = (float(np.percentile(together, 10)), float(max(together.std(), 0.004)))
    return units


def fit_space(recordings: list[data.Recording], components: int, seed: int = 0) -> Space:
    """Principal components over speakers alike, each recording about its own mean and in its speaker's spread."""
    units, random = speaker_units(recordings), np.random.default_rng(seed)
    spread = float(np.median([unit[1] for unit in units.values()]))
    least = float(np.median([unit[0] for unit in units.values()]))
    rows, openings = [], []
    for recording in recordings:
        own = units[recording.speaker][1]
        moved = recording.motion.astype(np.float32).reshape(len(recording), -1)
        picked = random.permutation(len(recording))[:24]
        rows.append(((moved - moved.mean(0)) * (spread / own))[picked])
        openings.append(((recording.opening - recording.opening.mean()) / own)[picked])
    points, opened = np.concatenate(rows), np.concatenate(openings)
    kept = np.abs(opened) < 6
    points, opened = points[kept], opened[kept]
    slope = (points * opened[:, None]).sum(0) / (opened**2).sum()
    rest = points - opened[:, None] * slope
    _, deviations, directions = np.linalg.svd(rest - rest.mean(0), full_matrices=False)
    scale = deviations[:components] / np.sqrt(len(points))
    return Space((directions[:components] * scale[:, None]).astype(np.float32), slope.astype(np.float32), spread, least)


@dataclass
class Target:
    """A recording in the space: coefficients (T, K) about their mean, opening (T,) in spreads above its least."""

    coefficients: Float
    opening: Float


def target(recording: data.Recording, space: Space, unit: tuple[float, float]) -> Target:
    """Express a recording in the space.

    The closed mouth is the recording's mean shape, brought back along ``slope`` by its mean opening, so
    that it exists also where the mouth never closed.
    """
    low, own = unit
    opened = (recording.opening - low) / own
    moved = recording.motion.astype(np.float32).reshape(len(recording), -1)
    moved = (moved - moved.mean(0)) * (space.spread / own) - space.slope * (opened - opened.mean())[:, None]
    coefficients = moved @ (space.basis / (space.basis**2).sum(1, keepdims=True)).T
    return Target(np.clip(coefficients, -6, 6).astype(np.float32), np.clip(opened, -2, 8).astype(np.float32))


class MotionTask:
    """Supervised training of a :class:`MotionNet` on prepared recordings."""

    name = "motion"

    def __init__(self, recipe: MotionRecipe, prepared: data.Prepared) -> None:
        self.recipe, self.prepared = recipe, prepared
        self.draw = data.Draw(prepared.train, recipe.frames, recipe.temper, recipe.stretch)
        self.space = fit_space(self.draw.recordings, recipe.components)
        units = speaker_units(self.draw.recordings)
        self.targets = [target(r, self.space, units[r.speaker]) for r in self.draw.recordings]
        deviation = np.linalg.norm(self.space.basis, axis=1)
        self.weights = torch.from_numpy((deviation / deviation.sum()).astype(np.float32))

    def network(self) -> MotionNet:
        """A network that knows the space, its sound side taken from the teacher if there is one."""
        network = MotionNet(self.recipe.components, self.prepared.vertices, self.recipe.size, self.recipe.drop)
        network.basis.copy_(torch.from_numpy(self.space.basis))
        network.slope.copy_(torch.from_numpy(self.space.slope))
        network.spread.copy_(torch.tensor([self.space.spread, self.space.least]))
        if self.recipe.teacher:
            network.trunk.load_state_dict(engine.part(Path(self.recipe.teacher), "audio.trunk."))
        return network

    def groups(self, network: MotionNet) -> Iterable[dict[str, Any]]:
        """What the teacher knew changes slowly."""
        known = set(network.trunk.parameters())
        yield {"params": list(network.trunk.parameters()), "scale": self.recipe.slow if self.recipe.teacher else 1.0}
        yield {"params": [p for p in network.parameters() if p not in known]}

    def losses(self, network: MotionNet, random: np.random.Generator) -> dict[str, Tensor]:
        """A batch of windows against what the mouths did."""
        recipe, recordings = self.recipe, self.draw.recordings
        windows = self.draw(random, recipe.clips)
        sound = augment.sound(data.sounds(recordings, windows), random, recipe.sound)
        columns = log_mel(sound)
        columns = augment.columns(normalise(columns, level(columns)), random, recipe.sound)
        shape = torch.from_numpy(data.values([self.targets[i].coefficients for i in windows.clips], windows))
        opening = torch.from_numpy(data.values([self.targets[i].opening for i in windows.clips], windows))
        mask = torch.from_numpy(data.present(recordings, windows))
        return self._compare(network(torch.from_numpy(columns)), shape, opening, mask)

    def _compare(
        self, said: tuple[Tensor, Tensor, Tensor], shape: Tensor, opening: Tensor, mask: Tensor
    ) -> dict[str, Tensor]:
        coefficients, opened, closed = said
        recipe, weights, step = self.recipe, self.weights, mask[:, 1:] & mask[:, :-1]
        error = F.smooth_l1_loss(_centred(coefficients, mask), _centred(shape, mask), reduction="none")
        far = F.smooth_l1_loss(coefficients, shape, reduction="none")
        is_closed = opening < CLOSED
        heavy = 1 + is_closed.float()
        gap = heavy * F.smooth_l1_loss(opened, opening, reduction="none")
        centred_gap = F.smooth_l1_loss(_centred(opened, mask), _centred(opening, mask), reduction="none")
        parts = {
            "shape": ((error + 0.05 * far) @ weights)[mask].mean(),
            "opening": (0.5 * gap + centred_gap)[mask].mean(),
            "together": 1
            - losses.correlation(opened, opening, mask).mean()
            + (1 - losses.correlation(coefficients, shape, mask)).mean(0) @ weights,
            "speed": F.smooth_l1_loss(opened.diff(dim=1), opening.diff(dim=1), reduction="none")[step].mean()
            + (F.smooth_l1_loss(coefficients.diff(dim=1), shape.diff(dim=1), reduction="none") @ weights)[step].mean(),
            "lively": (losses.spread(opened, mask) / losses.spread(opening, mask)).log().square(),
            "closed": F.binary_cross_entropy_with_logits(closed, is_closed.float(), reduction="none")[mask].mean(),
        }
        loss = sum((getattr(recipe, name) * part for name, part in parts.items()), torch.zeros(()))
        return {"loss": loss, **parts}

    def validate(self, network: MotionNet) -> dict[str, float]:
        """Unseen speakers, whole recordings: correlation, amplitude, closing, and the floor (another's sound)."""
        return judge(network, self.prepared.val)


def calibrate(network: MotionNet, recordings: list[data.Recording]) -> float:
    """Open the network's mouth as far as real ones; returns the factor, 1 / (median amplitude).

    What is learnt from little data moves too little on speakers it has not heard. The opening is
    stretched about its mean; the factor is folded into the last layer's weights.
    """
    factor = 1 / max(judge(network, recordings)["amplitude"], 0.3)
    centre = float(np.mean([hear(network, r, r.offset)[1].mean() for r in recordings]))
    with torch.no_grad():
        weight, bias = network.out.weight, network.out.bias
        weight[-2] *= factor
        if bias is not None:
            bias[-2] = centre + factor * (bias[-2] - centre)
    return factor


def _centred(x: Tensor, mask: Tensor) -> Tensor:
    weight = mask.float() if x.ndim == 2 else mask.float().unsqueeze(-1)
    return x - (x * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1)


def hear(network: MotionNet, recording: data.Recording, offset: int = 0) -> tuple[Float, Float]:
    """Coefficients (T, K) and opening (T,) for a recording's sound, ``offset`` frames taken out."""
    windows = data.Windows(np.zeros(1, np.int64), np.arange(len(recording))[None].astype(float), np.ones(1))
    shifted = data.Recording(**{**vars(recording), "offset": offset})
    columns = log_mel(data.sounds([shifted], windows))
    with torch.no_grad():
        coefficients, opening, _ = network(torch.from_numpy(normalise(columns, level(columns))))
    return coefficients[0].numpy(), opening[0].numpy()


def judge(network: MotionNet, recordings: list[data.Recording]) -> dict[str, float]:
    """Figures on whole recordings of unseen speakers; see :meth:`MotionTask.validate`."""
    units = speaker_units(recordings)
    own, nominal, wrong, ratio, shut, far, still = ([] for _ in range(7))
    heard = {}
    for recording in recordings:
        coefficients, heard[recording.id] = hear(network, recording, recording.offset)
        gap, most = _distance(network, recording, coefficients, heard[recording.id], units[recording.speaker][1])
        far.append(gap)
        still.append(most)
    for index, recording in enumerate(recordings):
        low, unit = units[recording.speaker]
        truth, seen = (recording.opening - low) / unit, recording.present
        mine = heard[recording.id]
        plain = mine if recording.offset == 0 else hear(network, recording)[1]
        other = np.resize(heard[recordings[(index + 1) % len(recordings)].id], len(truth))
        own.append(pearson(mine[seen], truth[seen]))
        nominal.append(pearson(plain[seen], truth[seen]))
        wrong.append(pearson(other[seen], truth[seen]))
        ratio.append(mine[seen].std() / max(truth[seen].std(), 1e-3))
        closed = seen & (truth < CLOSED)
        shut.append((mine[closed] < CLOSED).mean() if closed.any() else np.nan)
    return {
        "score": float(np.mean(own)),
        "median": float(np.median(own)),
        "nominal": float(np.mean(nominal)),
        "floor": float(np.mean(wrong)),
        "amplitude": float(np.median(ratio)),
        "closed": float(np.nanmean(shut)),
        "distance": float(np.mean(far)),
        "still": float(np.mean(still)),
    }


def _distance(
    network: MotionNet, recording: data.Recording, coefficients: Float, opening: Float, own: float
) -> tuple[float, float]:
    """Mean landmark distance, in inter-ocular distances, of said from true movement, and of none at all."""
    true = recording.motion.astype(np.float32)[recording.present]
    true -= true.mean(0)
    with torch.no_grad():
        said = network.points(torch.from_numpy(coefficients)[None], torch.from_numpy(opening)[None])[0].numpy()
    said = said[recording.present] * np.float32(own / float(network.spread[0]))
    said -= said.mean(0)
    return float(np.linalg.norm(said - true, axis=-1).mean()), float(np.linalg.norm(true, axis=-1).mean())


def pearson(a: Float, b: Float) -> float:
    """Correlation of two series; 0 where either is still."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / scale) if scale > 1e-9 else 0.0
