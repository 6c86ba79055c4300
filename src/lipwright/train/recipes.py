"""Recipes: what a training does, written in YAML, read into dataclasses and checked."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass, fields
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml

from lipwright.errors import InputError

R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """What every training needs."""

    network: str = ""
    """Which of the networks of its kind is trained; see `lipwright.train.kinds`."""
    size: str = "small"
    """Size of the network: tiny (for tests), small or full."""
    steps: int = 1000
    """Steps of gradient descent."""
    clips: int = 20
    """Recordings a step (on each device, and for each gradient accumulated)."""
    frames: int = 30
    """Pictures of each recording, at 25 fps."""
    optimizer: str = "adamw"
    """adamw or adam."""
    rate: float = 2e-3
    """Highest learning rate."""
    schedule: str = "cosine"
    """How the rate falls after its rise: along a cosine to a hundredth, or not at all (constant)."""
    warmup: int = 40
    """Steps until the highest rate is reached."""
    beta1: float = 0.9
    """How long gradients are remembered."""
    beta2: float = 0.98
    """How long their squares are."""
    decay: float = 0.05
    """Weight decay."""
    drop: float = 0.1
    """Share of values dropped while training."""
    clip: float = 1.0
    """Longest gradient; 0 = any."""
    average: float = 0.99
    """How slowly the averaged weights follow (EMA), which are validated and kept; 0 = the weights themselves."""
    accumulate: int = 1
    """Batches whose gradients make one step."""
    precision: str = "32-true"
    """32-true, bf16-mixed, or 16-mixed (GPUs only)."""
    devices: int = 1
    """Processes (CPU) or GPUs on each machine; as torchrun or SLURM says where they start the training."""
    nodes: int = 1
    """Machines."""
    ahead: int = 1
    """Threads that draw batches ahead."""
    every: int = 50
    """Steps between two validations."""
    patience: int = 10
    """Validations without gain after which training stops."""
    keep: int = 0
    """Steps between checkpoints that are kept for good, as step-N.pt; 0 = none."""
    seed: int = 1
    """Seed of everything drawn."""
    adapt: str = "all"
    """What learns in a network that begins with weights: all of it, adapters (low-rank changes), or its last layers."""
    rank: int = 8
    """Rank of the adapters."""

    def __post_init__(self) -> None:
        at_least = {"keep": 0, "ahead": 0}
        at_least |= dict.fromkeys(("steps", "clips", "frames", "every", "patience", "warmup", "accumulate", "rank"), 1)
        at_least |= dict.fromkeys(("devices", "nodes"), 1)
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise InputError(f"recipe: {name} must be at least {least}; given {getattr(self, name)}")
        if not 0 < self.rate < 1:
            raise InputError(f"recipe: rate must lie between 0 and 1; given {self.rate}")
        for name in ("drop", "average", "beta1", "beta2"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InputError(f"recipe: {name} must lie in 0 (included) to 1 (excluded); given {value}")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(f"recipe: {name} must be {' or '.join(known)}; given {getattr(self, name)!r}")


CHOICES = {
    "adapt": ("all", "adapters", "last"),
    "size": ("tiny", "small", "full"),
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "constant"),
    "precision": ("32-true", "bf16-mixed", "16-mixed"),
}


def load(kind: type[R], source: str | Path, **changes: Any) -> R:
    """Read a recipe of a ``kind``; see `read` and `build`. ``changes`` replace what the file says."""
    return build(kind, {**read(source), **changes}, str(source))


def read(source: str | Path) -> dict[str, Any]:
    """What a recipe says: a YAML file, or the name of one that is shipped (``expert``, ``points``, ``motion`` ...).

    Raises:
        InputError: there is none, or it does not hold ``setting: value`` lines.
    """
    path = Path(source)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise InputError(f"there is no recipe {path}; write one or name a shipped one: {', '.join(shipped())}")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise InputError(f"recipe {path} cannot be read ({why}); write 'setting: value' lines") from error
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
    return values


def shipped() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("lipwright.train") / "recipes"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def build(kind: type[R], values: dict[str, Any], where: str) -> R:
    """A recipe of ``kind`` from plain values.

    Raises:
        InputError: for unknown names, wrong types and impossible values; it names ``where``, the setting, the value and
            what is allowed.
    """
    known = {field.name for field in fields(kind)}
    hints = get_type_hints(kind)
    for name in values:
        if name not in known:
            raise InputError(f"recipe {where}: there is no setting {name}; there are: {', '.join(sorted(known))}")
    return kind(**{name: _fitted(name, value, hints[name], where) for name, value in values.items()})


def _fitted(name: str, value: Any, hint: Any, where: str) -> Any:
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint in (int, str, bool, float) and type(value) is not hint:
        raise InputError(f"recipe {where}: {name} must be of type {hint.__name__}; given {value!r}")
    return value


def abouts(kind: type[Recipe]) -> dict[str, str]:
    """What each setting of a kind of recipe means, by name: the string below it in the class."""
    found = {}
    for each in reversed(kind.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        for line, below in pairwise(body.body if isinstance(body, ast.ClassDef) else []):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(below, ast.Expr):
                found[line.target.id] = " ".join(str(ast.literal_eval(below.value)).split())
    return found


def named(source: str | Path, changes: dict[str, Any]) -> str:
    """A name for a run: its recipe's, and what differs from it, as in ``expert-rate=0.001-size=tiny``."""
    parts = [Path(source).stem, *(f"{name}={value}" for name, value in sorted(changes.items()))]
    return re.sub(r"[^\w.=+-]+", "_", "-".join(parts))[:200]
