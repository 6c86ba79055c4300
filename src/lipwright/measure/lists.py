"""Score the videos of a file list, as Wav2Lip's evaluation does, and count those that cannot be scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lipwright import media
from lipwright.errors import InputError, LipwrightError
from lipwright.measure.found import Measured
from lipwright.measure.verb import measure
from lipwright.types import Progress

Order = Literal["video-audio", "audio-video"]
KEYS = ("lse_d", "lse_c", "lse_d_valid", "lse_c_valid", "offset_frames", "sync_accuracy")


@dataclass(frozen=True, eq=False)
class Scored:
    """The pairs of a list: for each ``(video, audio, Measured, or the sentence why not)``; ``mean`` over those that
    were scored, by name."""

    pairs: tuple[tuple[Path, Path, Measured | str], ...]
    mean: dict[str, float]

    @property
    def failed(self) -> int:
        """How many could not be scored; the means are of the rest."""
        return sum(isinstance(found, str) for *_, found in self.pairs)

    def data(self) -> dict[str, Any]:
        """For ``--json``."""
        told = [
            {"video": str(video), "audio": str(audio)}
            | ({"error": found} if isinstance(found, str) else {key: _figure(found, key) for key in KEYS})
            for video, audio, found in self.pairs
        ]
        return {"pairs": told, "mean": self.mean, "scored": len(told) - self.failed, "failed": self.failed}

    def text(self) -> str:
        """For people."""
        lines = []
        for video, _, found in self.pairs:
            why = found if isinstance(found, str) else "  ".join(f"{key} {_figure(found, key):.3f}" for key in KEYS[:2])
            lines.append(f"{video.name}: {why}")
        mean = "  ".join(f"{key} {value:.3f}" for key, value in self.mean.items())
        return "\n".join([*lines, "", f"mean of {len(self.pairs) - self.failed}, {self.failed} not scored: {mean}"])


def read(path: Path, root: Path | None = None, order: Order = "video-audio") -> list[tuple[Path, Path]]:
    """The (video, audio) of every line of a list: two paths with a space between, relative to ``root`` (None: to the
    list's own folder); a name without a suffix, as LRS2's lists have, is an .mp4.

    Raises InputError: no such file, a line without exactly two names, an empty list.
    """
    if not path.is_file():
        raise InputError(f"there is no list {path}; give a text file with a video and a sound in each line")
    folder = root or path.parent
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        names = line.split()
        if not names:
            continue
        if len(names) != 2:
            raise InputError(f"line {number} of {path} names {len(names)} files; each line names a video and a sound")
        first, second = (folder / (name if Path(name).suffix else f"{name}.mp4") for name in names)
        pairs.append((first, second) if order == "video-audio" else (second, first))
    if not pairs:
        raise InputError(f"the list {path} names no files; each line names a video and a sound")
    return pairs


def score(
    pairs: Sequence[tuple[Path, Path]],
    expert: str = "lipsight",
    progress: Progress | None = None,
    how: Callable[..., Measured] = measure,
) -> Scored:
    """Measure each video with the sound beside it; those that cannot be are kept with the reason, never dropped."""
    found: list[tuple[Path, Path, Measured | str]] = []
    for done, (video, audio) in enumerate(pairs, 1):
        try:
            speech = None if video == audio else media.open_audio(audio)
            found.append((video, audio, how(media.open(video), speech=speech, expert=expert)))
        except LipwrightError as problem:
            found.append((video, audio, str(problem)))
        if progress is not None:
            progress(done, len(pairs), "pairs")
    scored = [each for *_, each in found if isinstance(each, Measured)]
    mean = {key: float(np.nanmean([_figure(each, key) for each in scored])) for key in KEYS if scored}
    return Scored(tuple(found), mean)


def _figure(found: Measured, key: str) -> float:
    return float(found[key])
