"""What can be trained: the networks of each kind, and the file of this folder that trains each."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright.errors import InputError

if TYPE_CHECKING:
    from lipwright.train.recipes import Recipe
    from lipwright.train.tasks import Training

KINDS = {
    "expert": {"ours": "expert", "syncnet_color": "published", "stable_syncnet": "published"},
    "generator": {"wav2lip": "generator", "compact": "compact", "synclips": "synclips"},
    "motion": {"motion": "motion"},
}
"""Module by network by kind; the first network is meant where a recipe names none."""


def training(kind: str, network: str = "") -> Training:
    """How a network is trained.

    Raises:
        InputError: nothing of that name can be trained.
    """
    if kind not in KINDS:
        raise InputError(f"there is no training called {kind!r}; there are: {', '.join(KINDS)}")
    networks = KINDS[kind]
    chosen = network or next(iter(networks))
    if chosen not in networks:
        raise InputError(f"{kind} trains no network called {chosen!r}; it trains: {', '.join(networks)}")
    found: Training = import_module(f"lipwright.train.{networks[chosen]}").TRAININGS[chosen]
    return found


def chosen(kind: str, source: str | Path, changes: dict[str, Any]) -> tuple[Training, Recipe]:
    """What a recipe trains, and the recipe, ``changes`` in place of what it says.

    Raises:
        InputError: as `lipwright.train.recipes.read`, `lipwright.train.recipes.build` and `training` do.
    """
    from lipwright.train import recipes

    values = {**recipes.read(source), **changes}
    found = training(kind, str(values.get("network", "")))
    return found, recipes.build(found.recipe, values, str(source))
