"""The installed packages against what lipwright asks for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from importlib import metadata

from lipwright.check.found import ORDER, Finding, Notes, Severity

BANNED = ("torchvision", "torchaudio")
"""Whose builds seldom fit torch's; broken, they break whatever looks for them. Nothing here needs them."""
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*?)\s*(?:;(.*))?$")
_CLAUSE = re.compile(r"(>=|<=|==|!=|<|>|~=)\s*([0-9][\w.!*+-]*)")
_AGAIN = ("all", "dev", "site")
"""Extras that name what others do, or what only its makers need."""
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")


def version(name: str) -> str | None:
    """The installed version of a package, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def python_needed() -> str:
    """The versions of Python that lipwright runs on, such as ``>=3.11``."""
    return str(metadata.metadata("lipwright")["Requires-Python"] or ">=3.11")


def needed() -> list[tuple[str, str, str]]:
    """(package, versions such as ``>=2,<5``, extra or "" for those always needed), as the installed metadata says;
    those of the extras all, dev and site are left out."""
    found = []
    for line in metadata.requires("lipwright") or []:
        parts = _REQUIREMENT.match(line)
        if parts is None:
            continue
        name, wanted, marker = parts.groups()
        extra = _EXTRA.search(marker or "")
        if name != "lipwright" and (extra is None or extra[1] not in _AGAIN):
            found.append((name, wanted.strip("() "), extra[1] if extra else ""))
    return found


def meets(here: str, wanted: str) -> bool:
    """Whether a version meets all clauses of a requirement; what is unlike ``>=1.2`` is taken as met.

    >>> meets("4.13.0.92", ">=4.11,<5")
    True
    """
    return all(_meets(_numbers(here), sign, _numbers(bound)) for sign, bound in _CLAUSE.findall(wanted))


def _meets(here: tuple[int, ...], sign: str, bound: tuple[int, ...]) -> bool:
    mine, other = zip(*itertools.zip_longest(here, bound, fillvalue=0), strict=True) if here or bound else ((), ())
    known = {">=": mine >= other, "<": mine < other, "<=": mine <= other, ">": mine > other}
    return known.get(sign, True)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers at the start of a version: 2.9.0rc1+cpu gives (2, 9, 0)."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def check(notes: Notes) -> None:
    """Note every package that is always needed, those of extras that are there, and those that must not be."""
    for name, wanted, extra in dict.fromkeys(needed()):
        here = version(name)
        if not extra:
            fine = here is not None and meets(here, wanted)
            notes.figure(f"package_{name}", name, here, "", wanted, fine)
            if here is None:
                notes.issue("package_missing", "error", f"{name} is not installed", remedy=_install(name, wanted))
        if here is not None and not meets(here, wanted):
            what = f", which the extra {extra} needs" if extra else ""
            severity: Severity = "warning" if extra else "error"
            message = f"{name} is {here}, not {wanted}{what}"
            notes.issue("package_old", severity, message, remedy=_install(name, wanted))
    _extras(notes)
    for name in BANNED:
        if (here := version(name)) is not None:
            message = f"{name} {here} is installed; its builds seldom fit torch's, and then training fails"
            notes.issue("package_banned", "warning", message, remedy=f"pip uninstall -y {name}")


def _install(name: str, wanted: str) -> str:
    return f'pip install "{name}{wanted}"'


def _extras(notes: Notes) -> None:
    """Which extras are whole."""
    wanted: dict[str, list[str]] = {}
    for name, _, extra in needed():
        if extra:
            wanted.setdefault(extra, []).append(name)
    for extra, names in wanted.items():
        gone = [name for name in names if version(name) is None]
        said = f"without {', '.join(gone)}" if gone else "here"
        said = "not installed" if len(gone) == len(names) else said
        notes.figure(f"extra_{extra}", f"extra {extra}", said, "", f'pip install "lipwright[{extra}]"' if gone else "")


def worst_first(issues: Iterable[Finding]) -> tuple[Finding, ...]:
    """Issues by severity, one for each code and message."""
    return tuple(sorted(dict.fromkeys(issues), key=lambda issue: ORDER.index(issue.severity)))
