"""A study as it was fixed before the first vote: its questions, its videos under names that tell nothing, its rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import yaml

from lipwright import __version__
from lipwright.errors import InputError
from lipwright.media.target import beside, refused
from lipwright.survey import design, texts

FILE, DATABASE, MEDIA = "study.yaml", "study.db", "media"
RATINGS = ("realism", "sync", "naturalness")
PAIRS = ("sync", "realism")
SCALE = ("1", "2", "3", "4", "5")
"""Bad, poor, fair, good, excellent: the absolute category rating of ITU-T P.910 and P.800."""
SIDES = ("a", "same", "b")
LOW = ("1", "2")
"""What a video whose sound is far off may be given for sync by somebody who looks and listens."""
MOST_CHECKS = 6
"""Of a rater."""
ASKED = ("2", "4", "1", "5", "3")
"""What the checks that only have to be read ask for, in turn."""

Kind = Literal["rate", "compare", "told"]
Role = Literal["practice", "vote", "check"]


@dataclass(frozen=True)
class Stimulus:
    """One video: ``name``, by which it is served, says nothing of its ``clip`` and ``system``; ``moved``, by how many
    seconds its sound was moved for a check; ``seconds``, its length; ``sha256`` and ``source``, of the file given."""

    name: str
    clip: str
    system: str
    seconds: float
    sha256: str
    source: str
    moved: float = 0.0


@dataclass(frozen=True)
class Trial:
    """One page: ``rate`` the video ``a``, ``compare`` ``a`` and ``b``, or do what the page says (``told``, where ``a``
    is the answer it asks for). ``expected``: the answers to each question that pass, where it is a check."""

    kind: Kind
    role: Role
    a: str
    b: str = ""
    expected: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class Study:
    """What study.yaml holds.

    ``ratings`` and ``pairs``, the questions asked; ``per_rater_ratings``, ``_pairs`` and ``_checks``, how many pages of
    each; ``most_failed``, how many checks a rater may fail and still count; ``watch``, whether a video must have been
    played to its end; ``contact``, whom raters may ask; ``id``, which study.db names too.
    """

    id: str
    title: str
    contact: str
    seed: int
    languages: tuple[str, ...]
    ratings: tuple[str, ...]
    pairs: tuple[str, ...]
    per_rater_ratings: int
    per_rater_pairs: int
    per_rater_checks: int
    most_failed: int
    watch: bool
    clips: tuple[str, ...]
    systems: tuple[str, ...]
    stimuli: tuple[Stimulus, ...]
    version: str = __version__

    @cached_property
    def design(self) -> design.Design:
        """Its numbers."""
        return design.Design(
            len(self.clips), len(self.systems), self.per_rater_ratings, self.per_rater_pairs, self.seed
        )

    @cached_property
    def by_name(self) -> dict[str, Stimulus]:
        """Its videos by the name under which they are served."""
        return {stimulus.name: stimulus for stimulus in self.stimuli}

    @cached_property
    def items(self) -> dict[tuple[str, str], Stimulus]:
        """Its videos by (clip, system), without those of checks."""
        return {(each.clip, each.system): each for each in self.stimuli if not each.moved}

    @cached_property
    def fixed(self) -> str:
        """A sha256 of all that raters do and of whose votes count; words may change, these may not."""
        told = asdict(self)
        for words in ("title", "contact", "languages", "version"):
            del told[words]
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def playlist(self, rater: int) -> list[Trial]:
        """All pages of rater number ``rater`` (from 0), in order."""
        rating = [Trial("rate", "vote", self._name(clip, system)) for clip, system in design.rated(self.design, rater)]
        pairing = [
            Trial("compare", "vote", self._name(clip, one), self._name(clip, two))
            for clip, one, two in design.compared(self.design, rater)
        ]
        first, second = self._checks(rater)
        return [*self._practice(rating), *self._with(rating, first, rater), *self._with(pairing, second, rater)]

    def questions(self, trial: Trial) -> dict[str, tuple[str, ...]]:
        """What a page asks: the answers that each question takes."""
        pairwise = trial.kind == "compare" or (trial.kind == "told" and not self.per_rater_ratings)
        return dict.fromkeys(self.pairs, SIDES) if pairwise else dict.fromkeys(self.ratings, SCALE)

    def _name(self, clip: int, system: int) -> str:
        return self.items[self.clips[clip], self.systems[system]].name

    def _practice(self, rating: list[Trial]) -> list[Trial]:
        """One page to get used to it, the same for all, of a video that is rated as well."""
        if rating:
            return [Trial("rate", "practice", self._name(0, 0))]
        return [Trial("compare", "practice", self._name(0, 0), self._name(0, 1))]

    def _checks(self, rater: int) -> tuple[list[Trial], list[Trial]]:
        """The checks among the ratings and among the pairs: in turn, a sound that is far off, and an order to read."""
        moved = [each for each in self.stimuli if each.moved]
        paired = "sync" in self.pairs and self.per_rater_pairs > 0
        found: tuple[list[Trial], list[Trial]] = ([], [])
        for number in range(self.per_rater_checks):
            turn = number // 2
            if number % 2 or not moved:
                found[0 if self.per_rater_ratings else 1].append(self._told(number if not moved else turn))
            elif paired:
                found[1].append(self._apart(moved[turn % len(moved)], rater + turn))
            else:
                found[0].append(Trial("rate", "check", moved[turn % len(moved)].name, expected={"sync": LOW}))
        return found

    def _told(self, turn: int) -> Trial:
        wanted = (ASKED if self.per_rater_ratings else SIDES)[turn % (5 if self.per_rater_ratings else 3)]
        asked = self.ratings if self.per_rater_ratings else self.pairs
        return Trial("told", "check", wanted, expected=dict.fromkeys(asked, (wanted,)))

    def _apart(self, moved: Stimulus, turn: int) -> Trial:
        """A video beside itself with its sound moved; which of them comes first changes from rater to rater."""
        own = self.items[moved.clip, moved.system].name
        first, second = (moved.name, own) if turn % 2 else (own, moved.name)
        return Trial("compare", "check", first, second, {"sync": ("b" if turn % 2 else "a",)})

    def _with(self, trials: list[Trial], checks: list[Trial], rater: int) -> list[Trial]:
        """``trials`` with the checks in their places."""
        mixed = list(trials)
        spots = design.places(self.design, rater, len(trials), len(checks)) if checks else []
        for place, check in reversed(list(zip(spots, checks, strict=True))):
            mixed.insert(place, check)
        return mixed


def write(study: Study, folder: Path) -> Path:
    """Write study.yaml into a folder. Raises OutputError."""
    path, told = folder / FILE, asdict(study)
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
    with beside(path, folder) as part, refused(path):
        text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)
        part.write_text(text, encoding="utf-8")
    return path


def read(folder: Path) -> Study:
    """The study in a folder.

    Raises:
        InputError: there is none, or its file is not one that `write` made, or a video of it is missing.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"there is no study in {folder} (no {FILE}); make one with: lipwright survey plan {folder}")
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        made = _made(told)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is damaged ({error}); bring back the file that `lipwright survey plan` wrote"
        ) from error
    if missing := [each.name for each in made.stimuli if not (folder / MEDIA / f"{each.name}.mp4").is_file()]:
        raise InputError(f"{folder / MEDIA} lacks {len(missing)} of the study's videos, {missing[0]}.mp4 first")
    return made


def _made(told: Any) -> Study:
    """A study of what a file says; TypeError or ValueError where it says something else."""
    if not isinstance(told, dict) or told.keys() != {field.name for field in fields(Study)}:
        raise ValueError("it does not hold the settings of a study, and those alone")
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    made = Study(**(rest | {"stimuli": tuple(Stimulus(**each) for each in told["stimuli"])}))
    _typed(made)
    if unknown := (set(made.ratings) - set(RATINGS)) | (set(made.pairs) - set(PAIRS)):
        raise ValueError(f"no question is called {sorted(unknown)[0]}")
    if unknown := set(made.languages) - set(texts.languages()):
        raise ValueError(f"no texts are in {sorted(unknown)[0]}")
    if any((clip, system) not in made.items for clip in made.clips for system in made.systems):
        raise ValueError("a clip of a system is not among its stimuli")
    _counted(made)
    return made


def _typed(made: Study) -> None:
    """ValueError where a setting is of another kind than `write` wrote."""
    kinds = {"int": (int, "a whole number"), "str": (str, "text"), "bool": (bool, "true or false")}
    for field in fields(Study):
        kind, said = kinds.get(str(field.type), (tuple, "a list"))
        if type(getattr(made, field.name)) is not kind:
            raise ValueError(f"{field.name} is not {said}")
    if not all(type(value) in (int, float) for each in made.stimuli for value in (each.seconds, each.moved)):
        raise ValueError("seconds and moved of the stimuli are not all numbers")


def _counted(made: Study) -> None:
    """ValueError where raters cannot be asked so much."""
    whole, step = made.design, max(1, len(made.systems))
    checks = (
        ("languages", len(made.languages) > 0),
        ("per_rater_ratings", made.per_rater_ratings in range(0, whole.all_ratings + 1, step)),
        ("per_rater_pairs", made.per_rater_pairs in range(whole.all_pairs + 1)),
        ("per_rater_checks", made.per_rater_checks in range(MOST_CHECKS + 1)),
        ("most_failed", made.most_failed >= 0),
        ("ratings", bool(made.ratings) == bool(made.per_rater_ratings)),
        ("pairs", bool(made.pairs) == bool(made.per_rater_pairs)),
        ("per_rater_ratings", made.per_rater_ratings + made.per_rater_pairs > 0),
    )
    for name, fine in checks:
        if not fine:
            raise ValueError(f"{name} is {getattr(made, name)!r}, which does not fit the rest")
