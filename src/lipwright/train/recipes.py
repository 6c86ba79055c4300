"""Recipes: what a training does, written in YAML, read into dataclasses and checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml

from lipwright.errors import InputError

R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """What every training needs."""

    size: str = "base"
    """Size of the network: tiny, base or large."""
    steps: int = 1000
    """Steps of gradient descent."""
    clips: int = 20
    """Recordings a step."""
    frames: int = 30
    """Pictures of each recording, at 25 fps."""
    rate: float = 2e-3
    """Highest learning rate; it rises over the first steps and falls along a cosine."""
    warmup: int = 40
    """Steps until the highest rate is reached."""
    decay: float = 0.05
    """Weight decay."""
    drop: float = 0.1
    """Share of values dropped while training."""
    clip: float = 1.0
    """Longest gradient."""
    average: float = 0.99
    """How slowly the averaged weights follow (EMA)."""
    every: int = 50
    """Steps between two validations."""
    patience: int = 10
    """Validations without gain after which training stops."""
    seed: int = 1
    """Seed of everything drawn."""

    def __post_init__(self) -> None:
        positive = ("steps", "clips", "frames", "every", "patience", "warmup")
        for name in positive:
            if getattr(self, name) < 1:
                raise InputError(f"recipe: {name} must be at least 1; given {getattr(self, name)}")
        if not 0 < self.rate < 1:
            raise InputError(f"recipe: rate must lie between 0 and 1; given {self.rate}")
        for name in ("drop", "average"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InputError(f"recipe: {name} must lie in 0 (included) to 1 (excluded); given {value}")


def load(kind: type[R], source: str | Path, **changes: Any) -> R:
    """Read a recipe: a YAML file, or the name of one that is shipped (``expert``, ``points``, ``motion``).

    ``changes`` replace what the file says. Unknown names, wrong types and impossible values raise
    InputError naming the file, the setting, the value and what is allowed.
    """
    path = Path(source)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise InputError(f"there is no recipe {path}; write one or name a shipped one: {', '.join(shipped())}")
        text = path.read_text(encoding="utf-8")
    elif str(source) in shipped():
        text = (resources.files("lipwright.train") / "recipes" / f"{source}.yaml").read_text(encoding="utf-8")
    else:
        raise InputError(f"there is no recipe named {source}; shipped are: {', '.join(shipped())}")
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InputError(f"recipe {source} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"recipe {source} must hold 'setting: value' lines; it holds a {type(values).__name__}")
    return build(kind, {**values, **changes}, str(source))


def shipped() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("lipwright.train") / "recipes"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def build(kind: type[R], values: dict[str, Any], where: str) -> R:
    """A recipe of ``kind`` from plain values; ``where`` is named in errors."""
    known = {field.name for field in fields(kind)}
    hints = get_type_hints(kind)
    for name, value in values.items():
        if name not in known:
            raise InputError(f"recipe {where}: there is no setting {name}; there are: {', '.join(sorted(known))}")
        values[name] = _fitted(name, value, hints[name], where)
    return kind(**values)


def _fitted(name: str, value: Any, hint: Any, where: str) -> Any:
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint in (int, str, bool, float) and type(value) is not hint:
        raise InputError(f"recipe {where}: {name} must be of type {hint.__name__}; given {value!r}")
    return value
