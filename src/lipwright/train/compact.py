"""Train `compact`, our own small generator: it redraws a lower face from other pictures of the same person.

It learns on real frames: the frame's own mouth is hidden, and what is wanted is told by the frame's own mesh and sound.
So it learns to draw a mouth of any shape; which shape speech asks for is the motion network's to say when it dubs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from lipwright import compact
from lipwright.errors import InputError
from lipwright.train import data, export, lowerfaces
from lipwright.train.compact_networks import Generator
from lipwright.train.critic import Adversary
from lipwright.train.recipes import Recipe
from lipwright.train.tasks import Outcome, Part, Training
from lipwright.train.tracing import write_onnx
from lipwright.train.watcher import Watcher

MOUTH = 4.0
"""How much more a pixel of the lips and of what is between them counts than one of the skin."""
JUDGED, SHOWN = 32, 8
"""Examples of the val recordings that are judged, and shown."""


@dataclass(frozen=True)
class CompactRecipe(Recipe):
    """How to train the compact generator."""

    expert: str = ""
    """Checkpoint (best.pt) of our own sync expert, whose layers compare pictures; empty = do without."""
    temper: float = 0.6
    """0 draws all speakers alike, 1 as recorded."""
    change: float = 1.0
    """Strength of what is done to pictures and sound."""
    alike: float = 1.0
    """Weight of the mean difference of pixels."""
    edges: float = 1.0
    """Weight of the difference of the pixels' differences to their neighbours."""
    detail: float = 8.0
    """Weight of the difference in how much fine detail there is around each pixel, wherever it lies."""
    steady: float = 0.5
    """Weight of the difference in how pixels change from frame to frame."""
    looks: float = 0.1
    """Weight of the difference in what the expert's layers find."""
    sync: float = 0.01
    """Weight of the expert's distance between what is drawn and the sound."""
    fooled: float = 0.05
    """Weight of the adversary's judgement."""
    features: float = 1.0
    """Weight of the difference in what the adversary's layers find."""
    adversary: int = 300
    """The step at which the adversary begins."""
    adversary_rate: float = 1e-3
    """The adversary's learning rate."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("alike", "edges", "detail", "steady", "looks", "sync", "fooled", "features", "adversary"):
            if not getattr(self, name) >= 0:
                raise InputError(f"recipe: {name} must be 0 or more; given {getattr(self, name)}")
        if self.frames < 2:
            raise InputError(f"recipe: frames must be at least 2, for what changes between them; given {self.frames}")


class CompactTask:
    """Training of a :class:`Generator` on the lower faces of prepared recordings."""

    name = "compact"

    def __init__(self, recipe: CompactRecipe, prepared: data.Prepared, folder: Path) -> None:
        self.recipe = recipe
        shortest = recipe.frames + lowerfaces.NEAR
        lowers = lowerfaces.read(prepared.train, folder, shortest)
        self.size = lowers[0].size
        if self.size % 16:
            raise InputError(f"lower faces are {self.size} px wide; prepare them with a --size that 16 divides")
        self.examples = lowerfaces.Draw(lowers, recipe.frames, recipe.temper, recipe.change)
        self.held = lowerfaces.read(prepared.val, folder, shortest)
        self.adversary = Adversary(recipe.size, recipe.adversary_rate, recipe.adversary, recipe.seed)
        self.watcher = Watcher(Path(recipe.expert), self.size) if recipe.expert else None
        self.alpha = torch.from_numpy(compact.alpha(self.size))

    def network(self) -> Generator:
        """A fresh generator."""
        return Generator(self.recipe.size).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def groups(self, network: Generator) -> Iterable[dict[str, Any]]:
        """All of it alike."""
        yield {"params": list(network.parameters())}

    def parts(self) -> dict[str, Part]:
        """The adversary, where it has a say."""
        return {"adversary": self.adversary} if self.recipe.fooled or self.recipe.features else {}

    def draw(self, random: np.random.Generator) -> dict[str, Tensor]:
        """Examples of several recordings."""
        return {name: torch.from_numpy(one) for name, one in self.examples(random, self.recipe.clips).items()}

    def losses(self, network: Generator, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Pixels, edges, changes, the expert's view and the adversary's."""
        recipe, frames = self.recipe, self.recipe.frames
        seen, truth, painted = self._painted(network, batch)
        weight = self._weight(seen)
        gap = (painted - truth).abs() * weight
        parts = {"alike": gap.mean() / weight.mean(), "edges": _edges(painted - truth, weight)}
        parts["detail"] = ((_detail(painted) - _detail(truth)).abs() * weight).mean() / weight.mean()
        change = _apart(painted - truth, frames).diff(dim=1).abs()
        parts["steady"] = (change * _apart(weight, frames)[:, 1:]).mean() / weight.mean()
        if self.watcher is not None:
            views = (_apart(pictures, frames) for pictures in (painted, truth))
            parts |= self.watcher.to(seen.device)(*views, batch["around"].float() / 255, batch["sound"])
        if self.parts():
            said = self.adversary.losses(painted, truth, seen[:, 9:])
            parts |= {"fooled": said["fooled"], "features": said["alike"]}
        loss = sum((getattr(recipe, name) * part for name, part in parts.items()), seen.new_zeros(()))
        return {"loss": loss, **parts}

    def _painted(self, network: Generator, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen, what is true, and what a viewer of the dub would see: float32, 0-1."""
        seen, truth = batch["seen"].float() / 255, batch["truth"].float() / 255
        made = network(seen.contiguous(memory_format=torch.channels_last), batch["heard"], batch["gaps"])[0].float()
        share = self.alpha.to(seen.device)
        return seen, truth, share * made + (1 - share) * truth

    def _weight(self, seen: Tensor) -> Tensor:
        """(N, 1, S, S): how much each pixel counts."""
        reach = 2 * round(self.size / 32) + 1
        mouth = F.avg_pool2d(seen[:, 10:11], reach, 1, reach // 2, count_include_pad=False)
        return (self.alpha.to(seen.device) > 0).float() * (1 + MOUTH * (3 * mouth).clamp(max=1))

    @property
    def judged(self) -> list[dict[str, Tensor]]:
        """Examples of ``held`` that are the same at every validation: of every speaker as often, unchanged."""
        draw = lowerfaces.Draw(self.held, self.recipe.frames, 0.0, 0.0)
        batches = [draw(np.random.default_rng([9, number]), 1) for number in range(JUDGED)]
        return [{name: torch.from_numpy(one) for name, one in batch.items()} for batch in batches]

    def validate(self, network: Generator) -> dict[str, float]:
        """Frames of the val recordings: see `figures`, with what showing the warped open reference comes to
        (``copied``)."""
        device = next(network.parameters()).device
        drawn, copies = [], []
        for example in self.judged:
            seen, truth, painted = self._painted(network, {name: one.to(device) for name, one in example.items()})
            share = self.alpha.to(device)
            drawn.append(figures(painted, truth, seen[:, 10:11]))
            copies.append(figures(share * seen[:, 6:9] + (1 - share) * truth, truth, seen[:, 10:11]))
        mean = {name: float(np.mean([one[name] for one in drawn])) for name in drawn[0]}
        copied = {f"{name}_copied": float(np.mean([one[name] for one in copies])) for name in ("error", "ssim")}
        return {"score": mean["ssim"] - 0.2 * abs(float(np.log(mean["sharp"]))), **mean, **copied}

    def samples(self, network: Generator) -> dict[str, NDArray[np.uint8]]:
        """Rows of a val frame: as it is, as it is seen, both references warped, as it is drawn."""
        rows = []
        device = next(network.parameters()).device
        for example in self.judged[:SHOWN]:
            seen, truth, painted = self._painted(network, {name: one.to(device) for name, one in example.items()})
            row = torch.cat([truth[0], seen[0, :3], seen[0, 3:6], seen[0, 6:9], painted[0]], 2)
            rows.append((row.clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy())
        return {"drawn": np.concatenate(rows)}


def figures(painted: Tensor, truth: Tensor, lips: Tensor) -> dict[str, float]:
    """How pictures (L, 3, S, S) 0-1 of consecutive frames compare with the true ones around the mouth.

    ``lips`` (L, 1, S, S) are drawn. ``error``, mean difference in grey levels; ``ssim`` [Wang et al., 2004, of 7 x 7
    pixels]; ``sharp``, fine detail over the true; ``flicker``, change from frame to frame over the true.
    """
    size = truth.shape[-1]
    reach = 2 * round(size / 16) + 1
    mouth = (F.max_pool2d(lips, reach, 1, reach // 2) > 0.5).float()
    grey, true = (pictures.mean(1, keepdim=True) for pictures in (painted, truth))

    def mean(value: Tensor) -> float:
        return float((value * mouth).sum() / mouth.sum().clamp(min=1))

    fine = [mean((one - F.avg_pool2d(one, 3, 1, 1)).abs()) for one in (grey, true)]
    moved = [float((one.diff(dim=0).abs() * mouth[1:]).sum()) for one in (grey, true)]
    return {
        "error": 255 * mean((grey - true).abs()),
        "ssim": mean(_ssim(grey, true)),
        "sharp": fine[0] / max(fine[1], 1e-6),
        "flicker": moved[0] / max(moved[1], 1e-6),
    }


def _ssim(one: Tensor, other: Tensor) -> Tensor:
    def near(value: Tensor) -> Tensor:
        return F.avg_pool2d(value, 7, 1, 3, count_include_pad=False)

    a, b = near(one), near(other)
    spread_a, spread_b, both = near(one * one) - a * a, near(other * other) - b * b, near(one * other) - a * b
    first, second = 0.01**2, 0.03**2
    return (2 * a * b + first) * (2 * both + second) / ((a * a + b * b + first) * (spread_a + spread_b + second))


def _detail(pictures: Tensor) -> Tensor:
    """(N, 1, H, W): the mean fine detail of 7 x 7 pixels around each."""
    grey = pictures.mean(1, keepdim=True)
    fine = (grey - F.avg_pool2d(grey, 3, 1, 1, count_include_pad=False)).abs()
    return F.avg_pool2d(fine, 7, 1, 3, count_include_pad=False)


def _apart(pictures: Tensor, frames: int) -> Tensor:
    """(B·L, ...) as (B, L, ...)."""
    return pictures.view(-1, frames, *pictures.shape[1:])


def _edges(gap: Tensor, weight: Tensor) -> Tensor:
    across = (gap.diff(dim=3).abs() * weight[..., 1:]).mean()
    down = (gap.diff(dim=2).abs() * weight[:, :, 1:]).mean()
    return (across + down) / weight.mean()


def _task(recipe: CompactRecipe, folder: Path, offsets: Path | None) -> CompactTask:
    return CompactTask(recipe, data.read(folder, offsets), folder)


def write(network: Generator, path: Path, size: int) -> None:
    """Write a generator for pictures of ``size`` px as ONNX: any number of them at a time."""
    many = torch.export.Dim("pictures", min=1, max=256)
    examples = (
        torch.rand(2, compact.PLANES, size, size),
        torch.randn(2, compact.COLUMNS, 64),
        torch.rand(2, compact.GAPS),
    )
    whole = network.float().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    write_onnx(whole, examples, path, ["seen", "heard", "gaps"], ["picture", "shares"], ({0: many},) * 3, lean=True)


def _export(task: CompactTask, done: Outcome[Generator], folder: Path, source: str) -> dict[str, float]:
    write(done.network, folder / "compact.onnx", task.size)
    what = "redraws lower faces; the network of dubber compact"
    export.own_card(folder / "compact.onnx", what, done.network, done.figures, source)
    return done.figures


TRAININGS = {"compact": Training("generator", "compact", CompactRecipe, _task, _export)}
