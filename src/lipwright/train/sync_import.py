"""Bring other people's sync experts here: told from their tensors, checked, written as the two halves that are run.

Every tensor of a network and no other is in the file (batch norms of 2017 did not count their batches, and may lack
that count). Nothing of a file is run; see `lipwright.train.checkpoint`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from lipwright import runtime
from lipwright.errors import WeightsError
from lipwright.train import syncnets
from lipwright.train.checkpoint import Found, faults, unlike
from lipwright.train.syncnets import Halves
from lipwright.train.tracing import write_onnx

Side = Literal["video", "audio"]

CLOSE = 1e-4
"""The most that a network's answers may change when it is converted, as a part of the largest of them."""

UNCOUNTED = ".num_batches_tracked"


@dataclass(frozen=True)
class Kind:
    """A published network: the ``member`` of the experts it serves, how to ``make`` it, and what its halves take:
    ``size`` (width, height) of ``frames`` pictures, ``heard`` (bins, steps)."""

    member: str
    make: Callable[[], Halves]
    size: tuple[int, int]
    frames: int
    heard: tuple[int, int]


def _kinds(part: int) -> dict[str, Kind]:
    return {
        "SyncNet v2": Kind("syncnet", lambda: syncnets.SyncNet(part), (224, 224), 5, (13, 20)),
        "SyncNet_color": Kind("wav2lip_expert", lambda: syncnets.Wav2LipExpert(part), (96, 48), 5, (80, 16)),
        "StableSyncNet with attention": Kind(
            "stable_syncnet", lambda: syncnets.StableSync(True, part), (256, 128), 16, (80, 52)
        ),
        "StableSyncNet without attention": Kind(
            "stable_syncnet", lambda: syncnets.StableSync(False, part), (256, 128), 16, (80, 52)
        ),
    }


KINDS = _kinds(1)
TINY_PART = 64
KNOWN = KINDS | {f"{name}, tiny": kind for name, kind in _kinds(TINY_PART).items()}


def is_expert(tensors: Mapping[str, Tensor]) -> bool:
    """Whether a file holds (a part of) a sync expert."""
    first = {key.partition(".")[0] for key in tensors}
    return bool(first & {"netcnnaud", "netcnnlip", "netfcaud", "netfclip", "face_encoder", "visual_encoder"})


def expert(found: Found, path: Path) -> tuple[str, Halves]:
    """The name of the network in ``KNOWN`` that a file holds, and the network with its values.

    Raises:
        WeightsError: for another network; the sentence names tensors that are missing and that do not belong.
    """
    with torch.device("meta"):
        known = {name: kind.make() for name, kind in KNOWN.items()}
    wrong = {name: faults(network, _counted(found.tensors, network)) for name, network in known.items()}
    name = min(wrong, key=lambda each: sum(map(len, wrong[each])))
    if any(wrong[name]):
        raise WeightsError(unlike(path, name, *wrong[name], tuple(KINDS)))
    with torch.device("meta"):
        network = KNOWN[name].make()
    network.load_state_dict(
        {
            key: value.float() if value.is_floating_point() else value
            for key, value in _counted(found.tensors, network).items()
        },
        assign=True,
    )
    network.eval()
    return name, network


def _counted(tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The tensors with the batch norms' counts, which are not used, where the file has none."""
    wanted = [key for key in network.state_dict() if key.endswith(UNCOUNTED) and key not in tensors]
    whole = {key for key in wanted if key.removesuffix(UNCOUNTED) + ".running_mean" in tensors}
    return {**tensors, **{key: torch.zeros((), dtype=torch.int64) for key in wanted if key in whole}}


class _Seeing(nn.Module):
    def __init__(self, network: Halves) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network.seeing(pictures)


class _Hearing(nn.Module):
    def __init__(self, network: Halves) -> None:
        super().__init__()
        self.network = network

    def forward(self, windows: Tensor) -> Tensor:
        return self.network.hearing(windows)


def to_onnx(network: Halves, kind: Kind, side: Side, path: Path) -> float:
    """Write one half of an expert as ONNX; gives the largest difference of its answers, relative to the largest.

    ``video`` takes pictures uint8 (N, H, W, 3) RGB and gives (N - frames + 1, D), ``audio`` windows (B, bins, steps)
    and gives (B, D).

    Raises:
        WeightsError: when the difference is above `CLOSE`.
    """
    random = np.random.default_rng(0)
    wide, tall = kind.size
    if side == "video":
        half: nn.Module = _Seeing(network)
        given = random.integers(0, 256, (kind.frames + 2, tall, wide, 3), dtype=np.uint8)
        many = torch.export.Dim("pictures", min=kind.frames + 1, max=4096)
    else:
        half = _Hearing(network)
        given = random.normal(0, 2, (3, *kind.heard)).astype(np.float32)
        many = torch.export.Dim("windows", min=1, max=4096)
    name = "pictures" if side == "video" else "windows"
    write_onnx(half, (torch.from_numpy(given),), path, [name], ["embedding"], ({0: many},))
    with torch.no_grad():
        here = half(torch.from_numpy(given)).numpy()
    there = runtime.load(path, precision="f32", device="cpu")(given)[0]
    most = float(np.abs(here - there).max() / max(1e-6, np.abs(here).max()))
    if not most <= CLOSE:
        raise WeightsError(f"the converted {side} half answers otherwise than the original, by up to {most:.2g}")
    return most


def tiny(name: str, seed: int = 0) -> Halves:
    """An untrained network with the shape of the one called ``name`` in ``KINDS``, the same for the same ``seed``.

    Its batch norms know the statistics of noise, so that its answers depend on what it sees and hears.
    """
    kind = _kinds(TINY_PART)[name]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = kind.make().train()
        normed = any("running_mean" in key for key in network.state_dict())
        for _ in range(10 if normed else 0):
            wide, tall = kind.size
            pictures = torch.randint(0, 256, (kind.frames + 7, tall // 8, wide // 8, 3)).to(torch.uint8)
            pictures = pictures.repeat_interleave(8, 1).repeat_interleave(8, 2)
            network.seeing(pictures)
            network.hearing(3 * torch.randn(16, *kind.heard))
    network.eval()
    return network
