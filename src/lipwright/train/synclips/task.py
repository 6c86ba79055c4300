"""Train the layout `synclips`: encoders of sound and picture first, each in the other's light, then all that paints.

The encoders learn to find the sound of a picture among those around it (`lipwright.train.losses.contrast`). After
``alone`` steps what brings them together and what paints learns with them: the mouths of consecutive frames, after a
reference of another time, by the mean difference of pixels, an adversary (`lipwright.train.adversary`), and, where its
checkpoint is given, what our own sync expert finds (`lipwright.train.watcher`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipwright import compact
from lipwright.errors import InputError
from lipwright.train import data, losses, lowerfaces
from lipwright.train.adversary import Adversary
from lipwright.train.networks import EDGE
from lipwright.train.recipes import Recipe
from lipwright.train.synclips import judging
from lipwright.train.synclips.encoders import ALIGN, AUDIO, HEARS, VIDEO
from lipwright.train.synclips.export import export
from lipwright.train.synclips.networks import LEVELS, Layout, Synclips
from lipwright.train.synclips.windows import MOMENTS, Draw, Spoiling, Whole, whole
from lipwright.train.tasks import Part, Training
from lipwright.train.watcher import Watcher

if TYPE_CHECKING:
    from lightning.fabric import Fabric

PARTS = {"tiny": 32, "small": 4, "full": 1}
"""What the adversary's channels are divided by."""
BETAS = (0.5, 0.999)
"""How long the adversary remembers gradients and their squares."""
LONGEST = 100
"""Frames of a val recording that are painted and judged."""
SHOWN = 2
"""Val recordings shown in TensorBoard."""
SMALLEST, LARGEST = 48, 512


@dataclass(frozen=True)
class SynclipsRecipe(Recipe):
    """How to train the layout `synclips`."""

    hears: str = "mel"
    """What is heard: mel (normalised log-mel, 64 bands) or mfcc (13 cepstra)."""
    audio_encoder: str = "conv1d"
    """conv1d or transformer."""
    video_encoder: str = "cnn"
    """cnn or vit."""
    align: str = "gru"
    """What brings sound and picture together in time: gru, lstm or transformer."""
    face: int = 96
    """Side of the lower faces in pixels: a multiple of 16 from 48 to 512; prepared ones are resized to it."""
    alone: int = 400
    """Steps in which only the encoders learn, before all learn together."""
    paint: int = 5
    """Consecutive frames that are painted in the middle of each window; the others are only seen and heard."""
    encoders: float = 0.1
    """Weight of the encoders' own loss once all learn together."""
    others: float = 0.5
    """Weight, in the encoders' loss, of that over the whole batch beside the one over time."""
    adversary: float = 0.02
    """Weight of the adversary's opinion; 0 = no adversary."""
    expert: str = ""
    """Checkpoint (best.pt) of our own sync expert, which judges sync on val; empty = do without."""
    looks: float = 0.0
    """Weight of the difference in what the expert's layers find."""
    sync: float = 0.0
    """Weight of the expert's distance between what is painted and the sound."""
    sound: float = 1.0
    """Strength of what is done to the sound."""
    picture: float = 1.0
    """Strength of what is done to the pictures that the encoders see; to those that are painted less."""
    temper: float = 0.5
    """0 draws all speakers alike, 1 as recorded."""
    judged: int = 8
    """Val recordings that are painted and judged, the same at every validation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in SWITCHES.items():
            if getattr(self, name) not in known:
                raise InputError(f"recipe: {name} must be {' or '.join(known)}; given {getattr(self, name)!r}")
        if self.face % 2**LEVELS or not SMALLEST <= self.face <= LARGEST:
            raise InputError(f"recipe: face must be a multiple of 16 from {SMALLEST} to {LARGEST}; given {self.face}")
        for name in ("alone", "encoders", "others", "adversary", "looks", "sync", "sound", "picture"):
            if not getattr(self, name) >= 0:
                raise InputError(f"recipe: {name} must be 0 or more; given {getattr(self, name)}")
        if self.judged < 1 or not 1 <= self.paint <= self.frames - MOMENTS or self.frames < MOMENTS + 4:
            raise InputError(
                f"recipe: frames must be at least {MOMENTS + 4}, paint from 1 to frames - {MOMENTS}, and judged at "
                f"least 1; given {self.frames}, {self.paint} and {self.judged}"
            )
        if (self.looks or self.sync) and not self.expert:
            raise InputError("recipe: looks and sync are the expert's; name its checkpoint (expert), or set both to 0")

    @property
    def layout(self) -> Layout:
        """Which network."""
        return Layout(
            self.hears, self.audio_encoder, self.video_encoder, self.align, self.face, self.size, self.drop
        )  # fmt: skip

    @property
    def partly(self) -> bool:
        """Some steps leave a part of the network alone: several devices must know."""
        return True


SWITCHES = {
    "hears": tuple(HEARS), "audio_encoder": tuple(AUDIO), "video_encoder": tuple(VIDEO), "align": ALIGN,
}  # fmt: skip


class Stage:
    """Whether the encoders are still alone: a part of the training that knows the step, from its checkpoint too."""

    def __init__(self, alone: int) -> None:
        self.alone, self.step = alone, 0

    @property
    def joint(self) -> bool:
        """Whether the step to come is one of all parts."""
        return self.step >= self.alone

    def setup(self, fabric: Fabric) -> None:
        """It is a number, and lies on no device."""

    def after_step(self, step: int) -> dict[str, float]:
        """Count."""
        self.step = step
        return {"joint": float(self.joint)}

    def after_validation(self, figures: dict[str, float]) -> None:
        """Nothing follows from those."""

    def state_dict(self) -> dict[str, Any]:
        """The step."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.step = int(state["step"])


@dataclass
class SynclipsTask:
    """Training of a `Synclips` on the lower faces of prepared recordings."""

    recipe: SynclipsRecipe
    prepared: data.Prepared
    folder: Path
    name: str = field(init=False, default="synclips")

    def __post_init__(self) -> None:
        recipe = self.recipe
        known = lowerfaces.read(self.prepared.train, self.folder, recipe.frames // 2)
        spoil = Spoiling(recipe.sound, recipe.picture)
        self.windows = Draw(known, recipe.frames, recipe.face, recipe.hears, recipe.temper, spoil)
        others = lowerfaces.read(self.prepared.val, self.folder, recipe.frames)
        chosen = np.unique(np.linspace(0, len(others) - 1, recipe.judged).round().astype(int))
        self.val = [whole(others[k], LONGEST, recipe.face, recipe.hears) for k in chosen]
        self.stage = Stage(recipe.alone)
        self.watcher = Watcher(Path(recipe.expert), recipe.face) if recipe.expert else None
        part = PARTS[recipe.size]
        self.adversary = Adversary(recipe.face, part, recipe.rate, BETAS, recipe.seed + 1) if recipe.adversary else None
        self.alpha = torch.from_numpy(compact.alpha(recipe.face))

    @property
    def chance(self) -> dict[str, float]:
        """The loss over time of encoders that guess among the moments of a window."""
        return {"time": math.log(self.recipe.frames - MOMENTS)}

    def network(self) -> Synclips:
        """A fresh network."""
        return Synclips(self.recipe.layout)

    def groups(self, network: Synclips) -> Iterable[dict[str, Any]]:
        """All alike; what gets no gradient, as what paints in the steps of the encoders, stays as it is."""
        yield {"params": list(network.parameters())}

    def parts(self) -> dict[str, Part]:
        """The stage, and the adversary where there is one."""
        found: dict[str, Part] = {"stage": self.stage}
        return found if self.adversary is None else {**found, "adversary": self.adversary}

    def draw(self, random: np.random.Generator) -> dict[str, Tensor]:
        """Windows of several recordings."""
        return self.windows(random, self.recipe.clips)

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The encoders' loss; once all learn together also what is painted: see `SynclipsRecipe` for the weights."""
        recipe = self.recipe
        frames, reference = (self._middle(batch["truth"]), batch["reference"]) if self.stage.joint else (None, None)
        found = network(batch["heard"], batch["seen"], frames, reference)
        video, audio = (found[side][:, EDGE:-EDGE].float() for side in ("video", "audio"))
        parts = losses.contrast(video, audio, found["sharpness"])
        loss = parts["time"] + recipe.others * parts["others"]
        if frames is None:
            return {"loss": loss, **parts}
        more = self._looked_at(found["painted"].float(), frames, batch)
        weights = {"alike": 1.0, "fooled": recipe.adversary, "looks": recipe.looks, "sync": recipe.sync}
        loss = recipe.encoders * loss + sum(weights[name] * part for name, part in more.items())
        return {"loss": loss, **parts, **more}

    def _looked_at(self, painted: Tensor, truth: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is said of painted frames (B, P, 3, S, S): ``alike``, and what the adversary and the expert find."""
        share = self.alpha.to(painted.device)
        parts = {"alike": (painted - truth).abs().mean((0, 1, 2)).sum() / share.sum()}
        if self.adversary is not None:
            parts["fooled"] = self.adversary.loss(painted.flatten(0, 1))
            self.adversary.keep(truth.flatten(0, 1), painted.flatten(0, 1))
        if self.watcher is not None and (self.recipe.looks or self.recipe.sync):
            watcher = self.watcher.to(painted.device)
            wide = self._middle(batch["truth"], EDGE)
            around = watcher.mouths(wide.flatten(0, 1)).view(*wide.shape[:2], 48, 64)
            sound = self._middle(batch["sound"].view(len(painted), -1, 4, 64), EDGE).flatten(1, 2)
            parts |= watcher(painted, truth, around, sound)
        return parts

    def _middle(self, each: Tensor, more: int = 0) -> Tensor:
        """The frames of (B, L, ...) that are painted, and ``more`` to either side."""
        wanted = self.recipe.paint + 2 * more
        first = (self.recipe.frames - wanted) // 2
        return each[:, first : first + wanted]

    def validate(self, network: Synclips) -> dict[str, float]:
        """Figures on val recordings of up to 4 s: ``accuracy`` of the encoders (chance 1 / moments); once all learn
        together also those of `judging.figures`, of which ``psnr`` is the score, and, with an expert, the sync
        error, ``sync`` frames, beside that of the real mouths, ``sync_real``.

        While the encoders are alone the score is what is left of their steps, below nought, so that patience does not
        end the training before anything paints, and whatever paints is better.
        """
        found = [judging.accuracy(network, one, self.recipe.frames) for one in self.val]
        known = {"accuracy": float(np.nanmean(found))}
        if not self.stage.joint or self.stage.step == self.stage.alone > 0:
            return {"score": float(min(self.stage.step, self.stage.alone) - self.stage.alone), **known}
        told = [self._figures(network, one) for one in self.val]
        mean = {name: float(np.nanmean([each[name] for each in told])) for name in told[0]}
        return {"score": mean["psnr"], **known, **mean}

    def _figures(self, network: Synclips, one: Whole) -> dict[str, float]:
        made = judging.painted(network, one)
        found = judging.figures(one, made)
        if self.watcher is None:
            return found
        watcher = self.watcher.to(made.device)
        real = one.frames[0].to(made.device)
        offsets = {name: judging.offset(watcher, one, each) for name, each in (("sync", made), ("sync_real", real))}
        return {**found, **offsets}

    def samples(self, network: Synclips) -> dict[str, NDArray[np.uint8]]:
        """Clips of val recordings: the reference, what is left of each frame, what is painted, what was there."""
        return {
            f"faces/{k}": judging.beside(one, judging.painted(network, one)) for k, one in enumerate(self.val[:SHOWN])
        }


def _task(recipe: SynclipsRecipe, folder: Path, offsets: Path | None = None) -> SynclipsTask:
    return SynclipsTask(recipe, data.read(folder, offsets), folder)


TRAININGS = {"synclips": Training("generator", "synclips", SynclipsRecipe, _task, export)}
