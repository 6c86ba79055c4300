"""Who takes part: dubbers with their weights and detectors, or videos that are there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipwright import registry
from lipwright.dub import dub
from lipwright.errors import InputError
from lipwright.finishing import NAMES as WISHES


@dataclass(frozen=True)
class Entrant:
    """A way to dub, by the ``name`` that stands above it: a ``dubber``, its ``weights`` ("" = its own), the
    ``detector`` that finds faces for it ("" = the usual one)."""

    name: str
    dubber: str
    weights: str = ""
    detector: str = ""

    @property
    def stem(self) -> str:
        """The name as that of a file."""
        return re.sub(r"[^\w.-]+", "-", self.name).strip("-.") or "video"


def entrants(dubbers: Sequence[str], detectors: Sequence[str] = ()) -> list[Entrant]:
    """Each of ``dubbers``, as DUBBER or DUBBER:WEIGHTS, with each of ``detectors``; no two of one name.

    >>> [one.name for one in entrants(["landmark", "wav2lip:runs/gan.onnx"])]
    ['landmark', 'wav2lip gan']
    """
    found: list[Entrant] = []
    for said in dubbers:
        dubber, _, weights = said.partition(":")
        for detector in detectors or ("",):
            parts = [dubber, Path(weights).stem if weights else "", f"({detector})" if len(detectors) > 1 else ""]
            found.append(Entrant(" ".join(filter(None, parts)), dubber, weights, detector))
    return [Entrant(name, one.dubber, one.weights, one.detector) for name, one in zip(apart(found), found, strict=True)]


def apart(found: Sequence[Entrant]) -> list[str]:
    """Names of which no two give the same file: the later ones are numbered."""
    seen: dict[str, int] = {}
    names = []
    for one in found:
        count = seen[one.stem.lower()] = seen.get(one.stem.lower(), 0) + 1
        names.append(one.name if count == 1 else f"{one.name} {count}")
    return names


def shared(options: Mapping[str, Any], takers: Sequence[Entrant]) -> list[dict[str, Any]]:
    """The ``options`` that each of ``takers`` understands: those of `lipwright.dub` and `lipwright.finish` all of them,
    those of a dubber that one.

    Raises InputError for one that nobody understands.
    """
    every = {*inspect.signature(dub).parameters, *WISHES} - {"clip", "speech", "options", "progress"}
    own = [every | _own(one.dubber) for one in takers]
    for name in options:
        if not any(name in known for known in own):
            raise InputError(f"none of {', '.join(one.name for one in takers)} has an option {name}")
    return [{name: value for name, value in options.items() if name in known} for known in own]


def _own(dubber: str) -> set[str]:
    """The options of a dubber; none where there is no such dubber, which is told when it is its turn."""
    try:
        return set(inspect.signature(registry.load("dubbers", dubber).Dubber).parameters) - {"scene"}
    except InputError:
        return set()
