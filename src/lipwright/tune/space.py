"""What a search may change: a range or a list of values for each setting, read from YAML and checked.

::

    rate: {low: 1e-4, high: 1e-2, log: true}
    clips: [8, 16, 32]
    steps: {low: 200, high: 800, step: 200}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from lipwright.errors import InputError

Value = int | float | str | bool

KEYS = ("low", "high", "log", "step")


class Chooser(Protocol):
    """What is used of a trial: it chooses a value from a range or a list."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int: ...  # noqa: D102

    def suggest_float(  # noqa: D102
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...

    def suggest_categorical(self, name: str, choices: tuple[Value, ...]) -> Any: ...  # noqa: D102


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``, both included: whole numbers where both are; ``log`` looks at ratios, ``step`` at
    every ``step``-th value only (0: at all)."""

    low: float
    high: float
    log: bool = False
    step: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether it is one of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def ends(self) -> tuple[Value, ...]:
        """The values that must be allowed for all to be."""
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        """Whether ``value`` lies in it, and on a step."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return abs(steps - round(steps)) < 1e-6

    def choose(self, name: str, trial: Chooser) -> Value:
        """The value that a trial takes."""
        if self.whole:
            low, high, step = int(self.low), int(self.high), int(self.step) or 1
            return trial.suggest_int(name, low, high, step=step, log=self.log)
        return trial.suggest_float(name, float(self.low), float(self.high), step=self.step or None, log=self.log)


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Value, ...]

    def ends(self) -> tuple[Value, ...]:
        """The values that must be allowed for all to be."""
        return self.values

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is one of them."""
        return value in self.values

    def choose(self, name: str, trial: Chooser) -> Value:
        """The value that a trial takes."""
        chosen: Value = trial.suggest_categorical(name, self.values)
        return chosen


Space = dict[str, Range | Choice]


def read(source: str | Path | None, kind: str) -> Space:
    """The space in a YAML file; that of ``kind`` which comes with the package where ``source`` is None.

    Raises InputError naming the file, the setting, what it says and what may stand there.
    """
    if source is None:
        shipped = resources.files("lipwright.tune") / "spaces" / f"{kind}.yaml"
        if not shipped.is_file():
            raise InputError(
                f"there is no space of {kind} yet; write one, such as 'clips: [8, 16]', and give it: --space"
            )
        return parse(shipped.read_text(encoding="utf-8"), f"of {kind}")
    path = Path(source)
    if not path.is_file():
        raise InputError(f"there is no file {path}; --space takes a YAML file such as: rate: {{low: 1e-4, high: 1e-2}}")
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"space {path} is not a text file; write YAML such as: clips: [8, 16, 32]") from error


def parse(text: str, where: str) -> Space:
    """The space that a YAML text holds; ``where`` is named in errors."""
    import yaml

    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"space {where} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(said, dict) or not said:
        raise InputError(f"space {where} must hold lines such as 'clips: [8, 16, 32]'; it holds {said!r}")
    return {str(name): _part(said[name], f"space {where}: {name}") for name in said}


def _part(said: Any, where: str) -> Range | Choice:
    if isinstance(said, list):
        return _choice(said, where)
    if not isinstance(said, dict):
        raise InputError(f"{where} must be a list of values or {{low: .., high: ..}}; given {said!r}")
    if strange := sorted(str(key) for key in said if key not in KEYS):
        raise InputError(f"{where} has no {strange[0]}; there are: {', '.join(KEYS)}")
    if missing := [key for key in ("low", "high") if key not in said]:
        raise InputError(f"{where} lacks {missing[0]}; a range needs low and high")
    log = said.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"{where}: log must be true or false; given {log!r}")
    low, high, step = (_number(said.get(key, 0), f"{where}: {key}") for key in ("low", "high", "step"))
    _sound(low, high, step, log, where, "step" in said)
    if step:
        high = round(low + math.floor((high - low) / step + 1e-9) * step, 12)
    return Range(low, high, log, step)


def _choice(said: list[Any], where: str) -> Choice:
    values = [_plain(value) for value in said]
    if not values:
        raise InputError(f"{where} is an empty list; name the values to choose from")
    for value in values:
        if not isinstance(value, (int, float, str, bool)):
            raise InputError(f"{where}: every value must be a number, a word, true or false; given {value!r}")
    if len(set(map(repr, values))) < len(values):
        raise InputError(f"{where} names a value twice: {', '.join(map(str, values))}")
    return Choice(tuple(values))


def _sound(low: float, high: float, step: float, log: bool, where: str, stepped: bool) -> None:
    if not low < high:
        raise InputError(f"{where}: low must be below high; given {low} and {high}")
    if log and low <= 0:
        raise InputError(f"{where}: with log, low must be above 0; given {low}")
    if stepped and step <= 0:
        raise InputError(f"{where}: step must be above 0; given {step}")
    if stepped and log:
        raise InputError(f"{where}: give step or log, not both")
    if stepped and step > high - low:
        raise InputError(f"{where}: step {step} is longer than the range from {low} to {high}")


def _plain(value: Any) -> Any:
    """YAML reads 1e-4 as text; here it is a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _number(value: Any, where: str) -> float:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{where} must be a number; given {value!r}")
    return value


def allowed(space: Space, settings: dict[str, Any], build: Callable[[dict[str, Any]], object]) -> None:
    """Check that ``build`` (a recipe from its settings) takes the ends of every range and every choice.

    Raises what ``build`` raises: an InputError that names the setting and what is wrong with the value.
    """
    for name, part in space.items():
        for value in part.ends():
            build({**settings, name: value})


def chosen(space: Space, trial: Chooser) -> dict[str, Value]:
    """The settings that a trial takes."""
    return {name: part.choose(name, trial) for name, part in space.items()}


def own(space: Space, settings: dict[str, Any]) -> dict[str, Value] | None:
    """What ``settings`` (of a recipe as it is) say of what the space changes; None where it does not hold them."""
    inside = all(name in settings and part.holds(settings[name]) for name, part in space.items())
    return {name: settings[name] for name in space} if inside else None


def words(space: Space) -> Iterator[str]:
    """One line for each setting."""
    for name, part in space.items():
        if isinstance(part, Choice):
            yield f"{name}: one of {', '.join(map(str, part.values))}"
        else:
            how = " (by ratios)" if part.log else f" by {part.step:g}" if part.step else ""
            yield f"{name}: {part.low:g} to {part.high:g}{how}"
