"""What `lipwright measure` says of the videos of a study, once for each: kept in objective.json."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from lipwright.errors import InputError, LipwrightError
from lipwright.media.target import beside, refused
from lipwright.survey.study import MEDIA, Study
from lipwright.types import Progress

FILE = "objective.json"
SCORES = ("lse_d_valid", "lse_c_valid", "sync_accuracy")

Figures = dict[str, dict[str, float]]


def known(folder: Path) -> dict[str, Any]:
    """What was measured before: figures by the name of a video, or the sentence why there are none."""
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it, and it is measured again") from error


def figures(found: dict[str, Any]) -> Figures:
    """The figures alone."""
    return {name: told for name, told in found.items() if isinstance(told, dict)}


def measured(folder: Path, study: Study, progress: Progress | None = None) -> dict[str, Any]:
    """As `known`, after measuring what was not; written after each video, so that nothing is measured twice."""
    found = known(folder)
    videos = list(study.items.values())
    for done, each in enumerate(videos):
        if progress:
            progress(done, len(videos), "measuring videos")
        if each.name not in found:
            found[each.name] = _measured(folder / MEDIA / f"{each.name}.mp4")
            _write(folder / FILE, found)
    return found


def _measured(video: Path) -> dict[str, float] | str:
    from lipwright import media
    from lipwright.measure import measure

    try:
        found = measure(media.open(video))
    except LipwrightError as problem:
        return str(problem)
    data, curve = found.data(), found.judged.curve
    told = {name: data[name] for name in SCORES} | {"offset_ms_size": abs(data["offset_ms"])} | data["metrics"]
    told["distance_as_played"] = curve.distances[curve.reach]  # the LSE scores are those at the best offset
    return {name: float(value) for name, value in told.items() if value is not None and math.isfinite(value)}


def _write(path: Path, found: dict[str, Any]) -> None:
    with refused(path), beside(path, path.parent) as part:
        part.write_text(json.dumps(found, indent=1), encoding="utf-8")
