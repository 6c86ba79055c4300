"""Train Wav2Lip's generator as its authors do [Rudrabha/Wav2Lip, wav2lip_train.py and hq_wav2lip_train.py].

It sees five frames whose lower halves are black, beside five of another moment of the same recording, hears the sound
of each, and paints them. Its losses: the mean absolute difference; how well a sync expert, whose values are kept, finds
that the lower halves go with the sound; and a discriminator's opinion, where the recipe gives it a weight.

As published, frame f is painted to the sound that begins at frame f - 1 (the dubber ``wav2lip`` knows); with
``corrected`` to that of its own moment, as the original's inference takes it. As published, too, the expert normalises
by the batch it sees, for its authors never switch it to what it learnt in training (``norms``).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from lipwright import features
from lipwright.errors import InputError
from lipwright.train import checkpoint, kept
from lipwright.train.adversary import Adversary, laid_out, precise
from lipwright.train.faces import TRIES, Faces, Pictures
from lipwright.train.foreign import keep
from lipwright.train.networks import count
from lipwright.train.published import begun, filled, held, same_or_not
from lipwright.train.recipes import Recipe
from lipwright.train.schedules import SyncWeight
from lipwright.train.tasks import Outcome, Part, Random, Training
from lipwright.train.wav2lip import Generator, SyncExpert, layout
from lipwright.types import Float

if TYPE_CHECKING:
    from lightning.fabric import Fabric

PARTS = {"tiny": 32, "small": 4, "full": 1}
"""What the channels are divided by."""
WINDOW = 5
SHORTEST = 16
"""Recordings of fewer pictures are left out, as published."""
SIDE = 96
"""What the expert sees, px."""
SHOWN = 4
"""Windows shown in TensorBoard."""

TOGETHER = features.WAV2LIP_MEL
"""What is heard of a window by the expert: from its first frame on."""


@dataclass(frozen=True)
class Wav2LipRecipe(Recipe):
    """How to train Wav2Lip's generator. ``frames`` must be 5; ``clips`` is the batch."""

    face: int = 96
    """Side of the faces in pixels: an even number from 96 to 512."""
    expert: str = ""
    """The sync expert: best.pt of `lipwright train expert --recipe syncnet_color`, or a checkpoint of SyncNet_color."""
    sync: float = 0.03
    """Weight of the sync loss, once it is low enough on val; nought until then."""
    below: float = 0.75
    """Sync loss on val that is low enough."""
    adversary: float = 0.07
    """Weight of the discriminator's opinion; 0 = no discriminator."""
    begin: str = ""
    """What it begins with: best.pt of such a training, or a generator's checkpoint as it is published; "" = nothing."""
    corrected: bool = False
    """Hear each frame at its own moment, not one frame early as published."""
    norms: str = "batch"
    """What the expert's batch norms use: the batch, as published, or what was learnt (kept)."""
    judged: int = 2048
    """Windows of val that are judged, in whole batches, the same at every validation."""
    memory: float = 4.0
    """Gigabytes in which pictures and mels are kept ready."""

    def __post_init__(self) -> None:
        super().__post_init__()
        layout(self.face)
        if self.frames != WINDOW:
            raise InputError(f"recipe: Wav2Lip is trained on windows of {WINDOW} frames; given {self.frames}")
        if self.norms not in {"batch", "kept"}:
            raise InputError(f"recipe: norms must be batch or kept; given {self.norms!r}")
        if min(self.sync, self.adversary) < 0 or self.sync + self.adversary >= 1:
            raise InputError(
                "recipe: sync and adversary are shares of the loss, 0 or more and together below 1; given "
                f"{self.sync} and {self.adversary}"
            )
        if self.clips < 2 and self.norms == "batch":
            raise InputError(
                f"recipe: clips must be at least 2, for the expert normalises by the batch; given {self.clips}"
            )
        if self.judged < 1 or self.memory < 0:
            raise InputError(f"recipe: judged is at least 1, memory at least 0; given {self.judged} and {self.memory}")


class Judge:
    """A sync expert whose values are kept, as a part of a training: what it thinks of painted faces is a loss."""

    def __init__(self, path: Path, norms: str) -> None:
        found = expert(path).train(norms == "batch").requires_grad_(False)
        self.network: nn.Module = laid_out(found, found.part)
        self._fabric: Fabric | None = None

    def setup(self, fabric: Fabric) -> None:
        """Go to the device of the training."""
        self._fabric = fabric
        self.network = fabric.to_device(self.network)

    def loss(self, mel: Tensor, painted: Tensor) -> Tensor:
        """BCE of the cosine with 1, of what is heard (B, 1, 80, 16) and faces (5 · B, 3, S, S), frame after frame.

        Faces of other sizes are brought to 96 px first.
        """
        if painted.shape[-1] != SIDE:
            painted = F.interpolate(precise(painted), (SIDE, SIDE), mode="bilinear", antialias=True)
        windows = _by_frame(painted[:, :, SIDE // 2 :]).transpose(0, 1).flatten(1, 2)
        with self._precision():
            heard, seen = self.network(mel, windows)
        return same_or_not(heard, seen, 1)

    def _precision(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._fabric is None else self._fabric.autocast()

    def after_step(self, step: int) -> dict[str, float]:  # noqa: ARG002
        """Nothing changes in it."""
        return {}

    def after_validation(self, figures: dict[str, float]) -> None:
        """Nothing follows from those."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: it is read from its own file."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is needed."""


def expert(path: Path) -> SyncExpert:
    """A SyncNet_color of any width from ``best.pt`` of our training of it, or from a checkpoint as it is published.

    Raises:
        InputError: no file is named, or there is none.
        WeightsError: it holds something else; the sentence names tensors that are missing and that do not belong.
    """
    if not path.name:
        raise InputError(
            "recipe: expert must name a sync expert's checkpoint, such as the best.pt that "
            "`lipwright train expert --recipe syncnet_color` makes"
        )
    tensors = held(path, "expert")
    last = tensors.get("face_encoder.16.conv_block.0.weight")
    network = SyncExpert(1 if last is None else 512 // len(last))
    return filled(network, tensors, path, "SyncNet_color")


Batch = dict[str, Tensor]
"""``window`` and ``other`` uint8 (B, 5, S, S, 3) BGR, ``mels`` (B, 5, 1, 80, 16), ``mel`` (B, 1, 80, 16)."""


@dataclass
class Wav2LipTask:
    """Training of a `Generator` on a folder of faces."""

    recipe: Wav2LipRecipe
    data: Path
    name: str = field(init=False, default="wav2lip")

    def __post_init__(self) -> None:
        recipe = self.recipe
        self.judge = Judge(Path(recipe.expert), recipe.norms)
        self.weight = SyncWeight(recipe.sync, recipe.below)
        part, betas = PARTS[recipe.size], (recipe.beta1, recipe.beta2)
        twice, seed = recipe.precision == "16-mixed", recipe.seed + 1
        self.adversary = (
            Adversary(recipe.face, part, recipe.rate, betas, seed, twice=twice) if recipe.adversary else None
        )
        self.hears = TOGETHER if recipe.corrected else replace(TOGETHER, lead=-1.0)
        self.faces, self.val = (
            Faces(
                self.data, split, window=WINDOW, size=recipe.face, shortest=SHORTEST, scaling="linear",
                memory=recipe.memory * share,
            )
            for split, share in (("train", 0.9), ("val", 0.1))
        )  # fmt: skip

    def network(self) -> Generator:
        """A fresh generator, or what the recipe begins with."""
        recipe, part = self.recipe, PARTS[self.recipe.size]
        made = laid_out(Generator(layout(recipe.face, part)), part)
        return begun(made, recipe.begin, f"Wav2Lip, face {recipe.face}, size {recipe.size}")

    def groups(self, network: Generator) -> Iterable[dict[str, Any]]:
        """All alike."""
        yield {"params": list(network.parameters())}

    def parts(self) -> dict[str, Part]:
        """The expert, the weight of what it says, and the discriminator, where there is one."""
        found: dict[str, Part] = {"judge": self.judge, "sync_weight": self.weight}
        return found if self.adversary is None else {**found, "adversary": self.adversary}

    def draw(self, random: Random) -> Batch:
        """A batch, as its authors draw it."""
        return self._drawn(self.faces, random, self.recipe.clips)

    def _drawn(self, faces: Faces, random: Random, many: int) -> Batch:
        side = self.recipe.face
        window, other = (np.empty((many, WINDOW, side, side, 3), np.uint8) for _ in range(2))
        mels = np.empty((many, WINDOW, 1, TOGETHER.bins, TOGETHER.steps), np.float32)
        mel = np.empty((many, 1, TOGETHER.bins, TOGETHER.steps), np.float32)
        for k in range(many):
            window[k], other[k], heard, whole = self._moment(faces, random)
            mels[k, :, 0], mel[k, 0] = np.stack(heard).transpose(0, 2, 1), whole.T
        return {
            name: torch.from_numpy(array)
            for name, array in (("window", window), ("other", other), ("mels", mels), ("mel", mel))
        }

    def _moment(self, faces: Faces, random: Random) -> tuple[list[Pictures], list[Pictures], list[Float], Float]:
        """Pictures of a moment, of another, what is heard at each of the first, and of their window as a whole."""
        for _ in range(TRIES):
            talk, row, another = faces.draw(random)
            if not (talk.whole[row] and talk.whole[another]):
                continue
            frame = int(talk.frames[row])
            sounds = [faces.heard(talk, frame + k, self.hears) for k in range(WINDOW)]
            heard, whole = [sound for sound in sounds if sound is not None], faces.heard(talk, frame, TOGETHER)
            if whole is None or len(heard) < WINDOW:
                continue
            seen, other = faces.pictures(talk, row), faces.pictures(talk, another)
            if seen is not None and other is not None:
                return seen, other, heard, whole
        raise InputError(
            f"{TRIES} draws in a row from {self.data} found no whole window of pictures with its sound; see whether "
            "each audio.wav is as long as its pictures"
        )

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The authors' loss, and its parts; see the head of this file."""
        heard, shown, real = given(batch)
        painted = network(heard, shown)
        sync = self.judge.loss(batch["mel"], painted) if self.weight.value else None
        opinion = None if self.adversary is None else self.adversary.loss(painted)
        if self.adversary is not None:
            self.adversary.keep(real, painted)
        return total(F.l1_loss(precise(painted), real), sync, opinion, self.weight.value, self.recipe.adversary)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """``l1``, ``sync`` and, of a discriminator, ``perceptual``, ``fake`` and ``real``, on windows of val.

        The score is the loss with the weight that sync has in the end, without the discriminator, turned round.
        """
        recipe, random = self.recipe, np.random.default_rng(0)
        device = next(network.parameters()).device
        sums: dict[str, float] = {}
        batches = -(-recipe.judged // recipe.clips)
        for _ in range(batches):
            batch = {name: value.to(device) for name, value in self._drawn(self.val, random, recipe.clips).items()}
            for name, value in self._judged(network, batch).items():
                sums[name] = sums.get(name, 0.0) + value / batches
        share = 1 - recipe.sync - recipe.adversary
        return {**sums, "score": -(share * sums["l1"] + recipe.sync * sums["sync"])}

    def _judged(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        heard, shown, real = given(batch)
        painted = network(heard, shown)
        figures = {"l1": float(F.l1_loss(painted, real)), "sync": float(self.judge.loss(batch["mel"], painted))}
        return figures | ({} if self.adversary is None else self.adversary.judged(real, painted))

    def samples(self, network: nn.Module) -> dict[str, NDArray[np.uint8]]:
        """Clips of val: what it is shown of another moment, what of this one, what it paints, what was there."""
        batch = self._drawn(self.val, np.random.default_rng(1), SHOWN)
        heard, shown, real = given({name: value.to(next(network.parameters()).device) for name, value in batch.items()})
        rows = torch.cat((shown[:, 3:], shown[:, :3], network(heard, shown), real), 3)
        clips = (_by_frame(rows.flip(1)).permute(1, 0, 3, 4, 2) * 255).round().to(torch.uint8)
        return {f"faces/{k}": clip for k, clip in enumerate(clips.cpu().numpy())}


def given(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """What a generator is given, and what it should paint, all frames 0 first, then all frames 1, and so on.

    Mel (5 · B, 1, 80, 16); faces (5 · B, 6, S, S), BGR 0-1: lower half black, then those of another moment; and
    the faces as they were, (5 · B, 3, S, S).
    """
    real, other = (batch[name].transpose(0, 1).flatten(0, 1).to(batch["mels"]) / 255 for name in ("window", "other"))
    masked = real.clone()
    masked[:, real.shape[1] // 2 :] = 0
    shown = torch.cat((masked, other), 3).permute(0, 3, 1, 2)  # channels last already
    return batch["mels"].transpose(0, 1).flatten(0, 1), shown, real.permute(0, 3, 1, 2)


def _by_frame(pictures: Tensor) -> Tensor:
    """All frames 0 first, then all frames 1 and so on, (5 · B, ...), to (5, B, ...)."""
    return pictures.reshape(WINDOW, -1, *pictures.shape[1:])


def total(
    l1: Tensor, sync: Tensor | None, opinion: Tensor | None, weight: float, adversary: float
) -> dict[str, Tensor]:
    """The authors' loss: ``weight`` · sync + ``adversary`` · opinion + the rest · L1; and its parts."""
    parts = {"l1": l1} | ({} if sync is None else {"sync": sync}) | ({} if opinion is None else {"perceptual": opinion})
    loss = (1 - weight - adversary) * l1
    if sync is not None:
        loss = loss + weight * sync
    if opinion is not None:
        loss = loss + adversary * opinion
    return {"loss": loss, **parts}


def _task(recipe: Wav2LipRecipe, folder: Path, offsets: Path | None = None) -> Wav2LipTask:
    if offsets is not None:
        raise InputError("--offsets are for folders of our own layout; `lipwright prepare` has moved the sound already")
    return Wav2LipTask(recipe, folder)


def export(task: Wav2LipTask, outcome: Outcome[Generator], folder: Path, recipe: str) -> dict[str, float]:
    """Write ``wav2lip.onnx`` with its card, and ``wav2lip.pth``, a checkpoint in the authors' manner."""
    network, place = outcome.network, folder / "wav2lip.onnx"
    beside = place.with_suffix(".part.onnx")
    kept.save(folder / "wav2lip.pth", {"state_dict": network.state_dict(), "global_step": outcome.step})
    checkpoint.to_onnx(network, beside, lead=task.hears.lead)
    gap = checkpoint.gap(network, beside)
    told = ", ".join(f"{name} {value:.3f}" for name, value in outcome.figures.items())
    moment = "at its own moment" if task.recipe.corrected else "one frame early, as published"
    lines = {
        "what": f"generator of the Wav2Lip family, {task.recipe.face} px, trained here; for the dubber wav2lip",
        "licence": "the trainer's to say",
        "architecture": f"{count(network)} values, {task.recipe.face} px; hears each frame {moment}; differs from what "
        f"was trained by {gap:.1g} at most; made by: lipwright train generator, {recipe}",
        "data": "a folder of faces of the trainer's own",
        "quality": f"step {outcome.step}; on the val recordings: {told}",
        "member": "wav2lip",
    }
    keep(beside, place, lines)
    return outcome.figures


TRAININGS = {"wav2lip": Training("generator", "wav2lip", Wav2LipRecipe, _task, export)}
