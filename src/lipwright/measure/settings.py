"""How sure a measurement must be before it says something; in a YAML file, `lipwright tune measure` writes one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from lipwright import drift
from lipwright.errors import InputError

SURE = 1.3


@dataclass(frozen=True)
class Settings:
    """Thresholds of the verdict; the values here are those of a measurement that is told nothing else."""

    sure: float = SURE
    """By how much a contrast must exceed the highest that wrong voices reach."""
    level: float = drift.LEVEL
    """Certainty of the offset's interval, which must lie inside, or outside, of what a viewer notices."""

    def __post_init__(self) -> None:
        for name, low, high in (("sure", 0.0, 100.0), ("level", 0.0, 1.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value < high:
                raise InputError(f"settings: {name} must be a number between {low:g} and {high:g}; given {value!r}")


def read(path: Path) -> Settings:
    """Settings from a YAML file of ``name: value`` lines; InputError for one that holds anything else."""
    import yaml

    known = [field.name for field in fields(Settings)]
    if not path.is_file():
        raise InputError(f"there is no file {path}; --settings takes YAML with lines such as: sure: {SURE}")
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(said, dict):
        raise InputError(f"{path} must hold lines such as 'sure: {SURE}'; it holds {said!r}")
    if strange := sorted(str(name) for name in said if name not in known):
        raise InputError(f"{path}: there is no setting {strange[0]}; there are: {', '.join(known)}")
    try:
        return Settings(**said)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
