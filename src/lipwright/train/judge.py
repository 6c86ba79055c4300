"""How well a motion network speaks for people it has not heard, and how far it should open its mouth."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from lipwright.features import level, log_mel, normalise
from lipwright.likeness import correlation
from lipwright.train import data
from lipwright.train.networks import MotionNet, MotionNets
from lipwright.train.space import CLOSED, speaker_units
from lipwright.types import Float


def calibrate(network: MotionNets, recordings: list[data.Recording]) -> float:
    """Open the network's mouth as far as real ones; returns the factor, 1 / (median amplitude).

    What is learnt from little data moves too little on speakers it has not heard. The opening is
    stretched about its mean; the factor is folded into the last layers' weights.
    """
    factor = 1 / max(judge(network, recordings)["amplitude"], 0.3)
    centre = float(np.mean([hear(network, r, r.offset)[1].mean() for r in recordings]))
    for member in network.members:
        _stretch(cast(MotionNet, member), factor, centre)
    return factor


def _stretch(network: MotionNet, factor: float, centre: float) -> None:
    weight, bias = network.out.weight, network.out.bias
    with torch.no_grad():
        weight[-2] *= factor
        if bias is not None:
            bias[-2] = centre + factor * (bias[-2] - centre)


def hear(network: MotionNet | MotionNets, recording: data.Recording, offset: int = 0) -> tuple[Float, Float]:
    """Coefficients (T, K) and opening (T,) for a recording's sound, ``offset`` frames taken out."""
    windows = data.Windows(np.zeros(1, np.int64), np.arange(len(recording))[None].astype(float), np.ones(1))
    shifted = data.Recording(**{**vars(recording), "offset": offset})
    columns = log_mel(data.sounds([shifted], windows))
    with torch.no_grad():
        coefficients, opening, _ = network(torch.from_numpy(normalise(columns, level(columns))))
    return coefficients[0].numpy(), opening[0].numpy()


def judge(network: MotionNet | MotionNets, recordings: list[data.Recording]) -> dict[str, float]:
    """Figures on whole recordings of unseen speakers; see :meth:`MotionTask.validate`.

    ``score`` is the mean of the speakers' correlations, each the mean of their recordings': of our 37 recordings of 17
    speakers 15 are of one, whose sentences are alike, and networks that knew these better were no better for others.
    """
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
        "score": _by_speaker(own, recordings),
        "mean": float(np.mean(own)),
        "median": float(np.median(own)),
        "nominal": float(np.mean(nominal)),
        "floor": float(np.mean(wrong)),
        "amplitude": float(np.median(ratio)),
        "closed": float(np.nanmean(shut)),
        "distance": float(np.mean(far)),
        "still": float(np.mean(still)),
    }


def _by_speaker(values: list[float], recordings: list[data.Recording]) -> float:
    own: dict[str, list[float]] = {}
    for value, recording in zip(values, recordings, strict=True):
        own.setdefault(recording.speaker, []).append(value)
    return float(np.mean([np.mean(each) for each in own.values()]))


def _distance(
    network: MotionNet | MotionNets, recording: data.Recording, coefficients: Float, opening: Float, own: float
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
    """Correlation of two series; 0 where either is still, or shorter than 10 frames."""
    value = correlation(a, b)
    return value if np.isfinite(value) else 0.0
