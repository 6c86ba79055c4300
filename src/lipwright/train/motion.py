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

from lipwright.errors import InputError, WeightsError
from lipwright.features import level, log_mel, normalise
from lipwright.train import augment, data, export, kept, losses
from lipwright.train.judge import calibrate, judge
from lipwright.train.networks import MotionNet, MotionNets
from lipwright.train.recipes import Recipe
from lipwright.train.space import CLOSED, Space, fit_space, speaker_units, target
from lipwright.train.tasks import Outcome, Training


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
    hold: float = 0.1
    """Share of the training speakers kept aside to say when to stop and how far to open; 0 = val says."""
    beside: str = ""
    """Checkpoint of another motion training, averaged with this one in what is exported; empty = alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.hold <= 0.5:
            raise InputError(f"recipe: hold must lie in 0 to 0.5; given {self.hold}")
        if not 2 <= self.components <= 64:
            raise InputError(f"recipe: components must lie in 2 to 64; given {self.components}")


class MotionTask:
    """Supervised training of a :class:`MotionNet` on prepared recordings."""

    name = "motion"

    def __init__(self, recipe: MotionRecipe, prepared: data.Prepared) -> None:
        self.recipe, self.prepared = recipe, prepared
        learn, aside = data.hold(prepared.train, recipe.hold)
        self.held = [recording for recording in aside if recording.keep] or prepared.val
        self.windows = data.Draw(learn, recipe.frames, recipe.temper, recipe.stretch)
        self._learn_in(fit_space(self.windows.recordings, recipe.components))

    def _learn_in(self, space: Space) -> None:
        """Express what the mouths did in a ``space``."""
        self.space, units = space, speaker_units(self.windows.recordings)
        self.targets = [target(r, space, units[r.speaker]) for r in self.windows.recordings]
        deviation = np.linalg.norm(space.basis, axis=1)
        self.weights = torch.from_numpy((deviation / deviation.sum()).astype(np.float32))

    def adopt(self, weights: dict[str, Tensor]) -> None:
        """Mean the movements that a network with these ``weights`` means."""
        if {"basis", "slope", "spread"} <= weights.keys():
            spread, least = weights["spread"].tolist()
            self._learn_in(Space(weights["basis"].numpy(), weights["slope"].numpy(), spread, least))

    def network(self) -> MotionNet:
        """A network that knows the space, its sound side taken from the teacher if there is one."""
        network = self._blank()
        if self.recipe.teacher:
            network.trunk.load_state_dict(kept.part(Path(self.recipe.teacher), "audio.trunk."))
        return network

    def _blank(self) -> MotionNet:
        network = MotionNet(self.recipe.components, self.prepared.vertices, self.recipe.size, self.recipe.drop)
        network.basis.copy_(torch.from_numpy(self.space.basis))
        network.slope.copy_(torch.from_numpy(self.space.slope))
        network.spread.copy_(torch.tensor([self.space.spread, self.space.least]))
        return network

    def joined(self, network: MotionNet) -> MotionNets:
        """What is exported: the network, averaged with that of ``beside`` if the recipe names one."""
        if not self.recipe.beside:
            return MotionNets([network])
        path, other = Path(self.recipe.beside), self._blank()
        state = kept.part(path, "")
        if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in other.state_dict().items()}:
            raise WeightsError(f"{path} is not of a motion training of this size and these components; train one")
        other.load_state_dict(state)
        if not torch.allclose(other.basis.abs(), network.basis.abs(), atol=1e-4):
            raise WeightsError(f"{path} was trained on other recordings, and means other movements; train it on these")
        return MotionNets([network, other.eval()])

    def groups(self, network: MotionNet) -> Iterable[dict[str, Any]]:
        """What the teacher knew changes slowly."""
        known = set(network.trunk.parameters())
        yield {"params": list(network.trunk.parameters()), "scale": self.recipe.slow if self.recipe.teacher else 1.0}
        yield {"params": [p for p in network.parameters() if p not in known]}

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Windows: what is heard, and what the mouths did: components, opening, and where there was a face."""
        recipe, recordings = self.recipe, self.windows.recordings
        windows = self.windows(random, recipe.clips)
        sound = augment.sound(data.sounds(recordings, windows), random, recipe.sound)
        columns = log_mel(sound)
        columns = augment.columns(normalise(columns, level(columns)), random, recipe.sound)
        shape = torch.from_numpy(data.values([self.targets[i].coefficients for i in windows.clips], windows))
        opening = torch.from_numpy(data.values([self.targets[i].opening for i in windows.clips], windows))
        mask = torch.from_numpy(data.present(recordings, windows))
        return torch.from_numpy(columns), shape, opening, mask

    def losses(self, network: MotionNet, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """A batch of windows against what the mouths did."""
        columns, shape, opening, mask = batch
        return self._compare(network(columns), shape, opening, mask)

    def _compare(
        self, said: tuple[Tensor, Tensor, Tensor], shape: Tensor, opening: Tensor, mask: Tensor
    ) -> dict[str, Tensor]:
        coefficients, opened, closed = said
        recipe, weights, step = self.recipe, self.weights.to(mask.device), mask[:, 1:] & mask[:, :-1]
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
        loss = sum((getattr(recipe, name) * part for name, part in parts.items()), torch.zeros((), device=mask.device))
        return {"loss": loss, **parts}

    def validate(self, network: MotionNet) -> dict[str, float]:
        """Speakers kept aside, whole recordings: correlation (``score`` by speaker, ``mean`` of all), amplitude,
        closing, and the floor (another's sound)."""
        return judge(network, self.held)


def _centred(x: Tensor, mask: Tensor) -> Tensor:
    weight = mask.float() if x.ndim == 2 else mask.float().unsqueeze(-1)
    return x - (x * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1)


def _task(recipe: MotionRecipe, folder: Path, offsets: Path | None) -> MotionTask:
    return MotionTask(recipe, data.read(folder, offsets))


def _export(task: MotionTask, done: Outcome[MotionNet], folder: Path, source: str) -> dict[str, float]:
    """The network, opened as far as real mouths, and judged on the val recordings, which chose nothing."""
    joined = task.joined(done.network)
    factor = calibrate(joined, task.held)
    export.motion(joined, folder / "motion.onnx")
    figures = {**judge(joined, task.prepared.val), "factor": factor}
    export.own_card(folder / "motion.onnx", "moves lips, jaw and chin to speech", joined, figures, source)
    return figures


TRAININGS = {"motion": Training("motion", "motion", MotionRecipe, _task, _export)}
