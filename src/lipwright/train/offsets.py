"""Which recordings were published out of sync, and by how much: found by experts that never saw them.

Two experts, each trained on half of the speakers, judge the other half (recordings of validation
speakers are judged by both). Short recordings cannot be judged alone: a speaker's recordings are
pooled, and a recording long and clear enough keeps an opinion of its own.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipwright import sync
from lipwright.train import data, expert, kept
from lipwright.train.networks import Expert
from lipwright.train.recipes import build
from lipwright.types import Float

OTHERS = 4
"""Wrong sounds each recording is held against, to learn what contrast means nothing."""
FAR = 8
"""Frames; a larger offset is rare, and believed only where it is very clear."""


@dataclass(frozen=True)
class Finding:
    """What was found of a recording: ``offset`` frames (> 0: its sound comes early), ``confidence`` (the
    contrast as a multiple of what wrong sounds reach; below 1 it means nothing), and whether to train on it."""

    clip: str
    offset: int
    confidence: float
    keep: bool


def find(prepared: data.Prepared, folders: dict[str, Path]) -> list[Finding]:
    """Judge every recording with the experts of ``folders`` ("a" and "b", as :func:`fit` left them)."""
    experts = {half: read_expert(folder / "best.pt", prepared.vertices) for half, folder in folders.items()}
    speakers = expert.halves(prepared.train)
    tables: dict[str, Float] = {}
    nulls: dict[str, Float] = {}
    for half, (network, sees) in experts.items():
        other = "b" if half == "a" else "a"
        judged = [r for r in prepared.train if r.speaker in speakers[other]] + prepared.val
        embedded = [expert.embed(network, recording, sees) for recording in judged]
        right = [sync.band(video, audio) for video, audio in embedded]
        # What an expert finds of all recordings together is its own bias, not theirs.
        bias = sync.judge(np.concatenate(right)).offset
        for index, recording in enumerate(judged):
            wrong = [embedded[(index + 17 * (k + 1)) % len(judged)][1] for k in range(OTHERS)]
            _put(tables, recording.id, _moved(right[index], bias))
            _put(nulls, recording.id, np.concatenate([sync.band(embedded[index][0], audio) for audio in wrong]))
    return _findings(prepared, tables, nulls)


def _moved(table: Float, bias: int) -> Float:
    """Columns moved so that ``bias`` comes to lie at nought; NaN where nothing is known."""
    moved = np.roll(table, -bias, axis=1)
    if bias:
        moved[:, slice(-bias, None) if bias > 0 else slice(0, -bias)] = np.nan
    return moved


def _put(tables: dict[str, Float], name: str, table: Float) -> None:
    tables[name] = np.concatenate([tables[name], table]) if name in tables else table


def _findings(prepared: data.Prepared, tables: dict[str, Float], nulls: dict[str, Float]) -> list[Finding]:
    by_speaker: dict[str, list[data.Recording]] = {}
    for recording in prepared.train + prepared.val:
        by_speaker.setdefault(recording.speaker, []).append(recording)
    findings = []
    for recordings in by_speaker.values():
        pooled, sure = _verdict([tables[r.id] for r in recordings], [nulls[r.id] for r in recordings])
        for recording in recordings:
            own, own_sure = _verdict([tables[recording.id]], [nulls[recording.id]])
            alone = len(recording) >= 75 and own_sure > 1.3
            offset, confidence = (own, own_sure) if alone else (pooled, sure)
            certain = confidence > (1.0 if abs(offset) <= FAR else 2.0)
            keep = certain or abs(offset) <= 2
            findings.append(Finding(recording.id, offset if certain else 0, round(confidence, 2), keep))
    return findings


def _verdict(tables: list[Float], nulls: list[Float]) -> tuple[int, float]:
    """Offset and confidence of recordings put together: contrast as a multiple of the wrong sounds' highest."""
    curve = sync.judge(np.concatenate(tables))
    contrasts = []
    for k in range(OTHERS):
        parts = [np.array_split(null, OTHERS)[k] for null in nulls]
        joined = np.concatenate(parts)
        if np.isfinite(joined).any():
            contrasts.append(sync.judge(joined).contrast)
    return curve.offset, curve.contrast / max(max(contrasts, default=0.0), 1e-6)


def read_expert(path: Path, vertices: int) -> tuple[Expert, str]:
    """The expert kept in a checkpoint, ready to embed, and what its picture side sees."""
    state = kept.load(path)
    recipe = build(expert.ExpertRecipe, dict(state["recipe"]), str(path))
    network = Expert(recipe.sees, recipe.size, recipe.drop, vertices * 3)
    network.load_state_dict(state["network"])
    return network.eval(), recipe.sees


def write(findings: list[Finding], path: Path) -> None:
    """Write ``offsets.csv``: clip, offset, confidence, keep (1 or 0)."""
    beside = path.with_suffix(".part")
    with beside.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["clip", "offset", "confidence", "keep"])
        writer.writerows([f.clip, f.offset, f.confidence, int(f.keep)] for f in findings)
    beside.replace(path)
