"""Lower faces of prepared recordings, drawn with two other pictures of the same person.

``lipwright prepare --size PX`` keeps them beside what `lipwright.train.data` reads: ``lower`` uint8, JPEG files one
after the other, ``places`` int64 (T, 2), where that of a row begins and ends, ``mesh`` float16 (T, 468, 2) in their
pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipwright import compact, crops, faces, shards
from lipwright.errors import InputError
from lipwright.train import augment, data
from lipwright.train.networks import EDGE
from lipwright.types import Float, Int, Picture

Random = np.random.Generator
KEPT = ("lower", "places", "mesh")
AWAY, NEAR = 8, 2
"""Frames that a reference lies from what is drawn, where the recording allows; else at least."""
TURNED = 0.04
"""How far, as a share of the side, what speech does not move may lie elsewhere in a reference."""
CLOSED, OPENED = (0.0, 0.4), (0.5, 0.98)
"""From which part of a recording's frames, by opening, each reference is taken."""
ALIKE, ANY = 0.1, 0.15
"""How often both references are one, and how often they are any frames."""


@dataclass
class Lower:
    """A recording's lower faces, ``size`` px; ``gaps`` (T,) how far its mouth opens (`compact.opening`); ``usable``
    int64, the rows that have one; ``columns`` (C, 64), its sound (`compact.columns`)."""

    recording: data.Recording
    files: NDArray[np.uint8]
    places: Int
    mesh: NDArray[np.float16]
    gaps: Float
    usable: Int
    columns: Float
    size: int

    def __len__(self) -> int:
        return len(self.recording)

    @property
    def id(self) -> str:
        """The recording's."""
        return self.recording.id

    @property
    def speaker(self) -> str:
        """The recording's."""
        return self.recording.speaker

    def picture(self, row: int) -> Picture:
        """The lower face of a row, uint8 (S, S, 3)."""
        start, stop = self.places[row]
        return crops.decoded(self.files[start:stop])

    def points(self, row: int) -> Float:
        """Its mesh (468, 2) px."""
        return self.mesh[row].astype(np.float32)


def read(recordings: list[data.Recording], folder: Path, shortest: int) -> list[Lower]:
    """The lower faces of recordings that have at least ``shortest`` of them.

    Raises:
        InputError: a recording was prepared without, or none is long enough, or their sizes differ.
    """
    packed = shards.read(folder)
    found = [lower for lower in (_read(one, folder, packed) for one in recordings) if len(lower.usable) >= shortest]
    if not found:
        raise InputError(f"no recording in {folder} shows {shortest} lower faces; lower frames in the recipe")
    sizes = {lower.size for lower in found}
    if len(sizes) > 1:
        raise InputError(f"the lower faces in {folder} are {min(sizes)} to {max(sizes)} px wide; prepare it anew")
    return found


def _read(recording: data.Recording, folder: Path, packed: shards.Shards | None) -> Lower:
    try:
        arrays = data.arrays(folder, recording.id, KEPT, packed)
    except InputError as error:
        raise InputError(f"{error}, with lower faces: lipwright prepare ... --size 128") from error
    if arrays is None:
        raise InputError(f"{folder} lost its recording {recording.id}; prepare the folder again")
    files, places, mesh = (arrays[key] for key in KEPT)
    places, mesh = places[: len(recording)], mesh[: len(recording)]
    usable = np.flatnonzero(recording.present & np.isfinite(mesh).all((1, 2)) & (places[:, 1] > places[:, 0]))
    size = len(crops.decoded(files[slice(*places[usable[0]])])) if len(usable) else 0
    gaps = faces.opening(mesh.astype(np.float32)) * np.float32(10 * faces.LOWER_SPAN / max(size, 1))
    columns = compact.columns(recording.samples.astype(np.float32) / np.float32(32768))
    return Lower(recording, files, places, mesh, gaps, usable, columns, size)


@dataclass
class Example:
    """Consecutive frames of one recording.

    ``seen`` uint8 (L, 11, S, S) and ``heard`` float32 (L, 32, 64), ``gaps`` float32 (L, 3) as `compact.Asked` has them;
    ``truth`` uint8 (L, 3, S, S); ``around`` uint8 (L + 2·EDGE, 48, 64), grey mouths of these frames and those around
    them; ``sound`` float32 (4·(L + 2·EDGE), 64), their log-mel.
    """

    seen: NDArray[np.uint8]
    heard: Float
    gaps: Float
    truth: NDArray[np.uint8]
    around: NDArray[np.uint8]
    sound: Float


class Draw:
    """Draws examples: speakers evenly but for the many-clip ones, then a recording, a place, and its references.

    ``temper`` as in `lipwright.train.data.Draw`; ``strength`` of what is done to pictures and sound, 0 = nothing.
    """

    def __init__(self, lowers: list[Lower], frames: int, temper: float, strength: float) -> None:
        self.lowers, self.frames, self.strength = lowers, frames, strength
        self._draw = data.Draw([lower.recording for lower in lowers], frames, temper, 0.0)
        self._by_id = {lower.recording.id: lower for lower in lowers}

    def __call__(self, random: Random, clips: int) -> dict[str, NDArray[np.generic]]:
        """A batch of ``clips`` examples, one after the other; ``around`` and ``sound`` stay apart by example."""
        windows = self._draw(random, clips)
        chosen = [self._by_id[self._draw.recordings[clip].id] for clip in windows.clips]
        made = [self._example(random, lower, int(at[0])) for lower, at in zip(chosen, windows.at, strict=True)]
        joined = {name: np.concatenate([getattr(one, name) for one in made]) for name in ("seen", "gaps", "truth")}
        heard = augment.columns(np.stack([one.heard for one in made]).reshape(len(made), -1, 64), random, self.strength)
        joined["heard"] = heard.reshape(-1, compact.COLUMNS, 64)
        return joined | {name: np.stack([getattr(one, name) for one in made]) for name in ("around", "sound")}

    def _example(self, random: Random, lower: Lower, start: int) -> Example:
        rows = nearest(lower.usable, np.arange(start, start + self.frames))
        references = _references(random, lower, rows)
        example = example_of(lower, rows, references)
        if self.strength <= 0:
            return example
        if random.random() < 0.5:
            sides = (example.seen, example.truth, example.around)
            example.seen, example.truth, example.around = (np.ascontiguousarray(one[..., ::-1]) for one in sides)
        light = np.exp(random.uniform(-0.3, 0.3, 3) * 0.3 * self.strength + random.uniform(-0.3, 0.3) * self.strength)
        bend = np.exp(random.uniform(-0.2, 0.2) * self.strength)
        table = np.clip(255 * (np.arange(256) / 255)[None] ** bend * light[:, None] + 0.5, 0, 255).astype(np.uint8)
        for pictures in (example.seen, example.truth):
            for plane in range(3 * min(3, pictures.shape[1] // 3)):
                pictures[:, plane] = table[plane % 3][pictures[:, plane]]
        return example


def nearest(usable: Int, rows: Int) -> Int:
    """For each of ``rows`` the nearest of the ``usable`` ones, both ascending."""
    at = np.searchsorted(usable, rows).clip(0, len(usable) - 1)
    before = (at - 1).clip(0)
    return usable[np.where(np.abs(usable[before] - rows) <= np.abs(usable[at] - rows), before, at)]


def _references(random: Random, lower: Lower, rows: Int) -> tuple[int, int]:
    """Rows of another time: one with a rather closed mouth, one with a rather open one."""
    still = lower.mesh[:, np.array(faces.STABLE)].astype(np.float32)
    turned = np.abs(still[lower.usable] - still[rows[0]]).mean((1, 2))
    alike = lower.usable[turned <= max(TURNED * lower.size, float(np.quantile(turned, 0.2)))]
    others = lower.usable
    for away in (NEAR, AWAY):
        apart = alike[(alike < rows[0] - away) | (alike > rows[-1] + away)]
        others = apart if len(apart) >= 6 or (len(apart) and away == NEAR) else others
    ordered = others[np.argsort(lower.gaps[others], kind="stable")]
    chance = random.random()
    spans = (CLOSED, OPENED) if chance > ANY else ((0.0, 1.0), (0.0, 1.0))
    one, other = (int(ordered[int(random.uniform(*span) * len(ordered) * 0.999)]) for span in spans)
    if random.random() < ALIKE:
        return (one, one) if random.random() < 0.5 else (other, other)
    return one, other


def example_of(lower: Lower, rows: Int, references: tuple[int, int]) -> Example:
    """An example as it is: rows of a recording, to be drawn from two other rows of it."""
    shown = [(lower.picture(row), lower.points(row)) for row in references]
    seen, truth, heard, gaps = [], [], [], []
    for row in rows.tolist():
        picture, wanted = lower.picture(row), lower.points(row)
        warped = [compact.warped(other, mesh, wanted) for other, mesh in shown]
        seen.append(compact.planes(compact.hidden(picture), warped[0], warped[1], compact.guide(wanted, lower.size)))
        truth.append(picture.transpose(2, 0, 1))
        heard.append(compact.heard(lower.columns, row - lower.recording.offset))
        gaps.append([lower.gaps[row], *(lower.gaps[other] for other in references)])
    around = np.arange(int(rows[0]) - EDGE, int(rows[0]) + len(rows) + EDGE)
    mouths = lower.recording.crop[np.clip(around, 0, len(lower.recording) - 1)]
    first = 4 * (int(around[0]) - lower.recording.offset)
    sound = np.full((4 * len(around), 64), compact.SILENCE, np.float32)
    low, high = max(0, first), min(len(lower.columns), first + len(sound))
    if high > low:
        sound[low - first : high - first] = lower.columns[low:high]
    return Example(np.stack(seen), np.stack(heard), np.array(gaps, np.float32), np.stack(truth), mouths, sound)
