"""Make a study: look at the videos, copy them under names that tell nothing, fix all rules before the first vote."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from lipwright import ondisk, serving
from lipwright.errors import InputError, OutputError
from lipwright.media.target import refused
from lipwright.survey import copying, study as studies, texts
from lipwright.survey.study import MEDIA, MOST_CHECKS, PAIRS, RATINGS, Study
from lipwright.types import Progress

SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}
ONE = "videos"
"""The name of the only system where videos are given one by one."""
MANY = 24
"""Ratings asked of a rater where nobody says how many: so many at most."""
SOME = 12


def plan(
    study: Path,
    *,
    videos: Sequence[Path] = (),
    systems: Mapping[str, Path] | None = None,
    title: str = "Talking faces",
    contact: str = "",
    questions: Sequence[str] = RATINGS,
    compare: Sequence[str] = PAIRS,
    ratings: int | None = None,
    pairs: int | None = None,
    checks: int = 2,
    most_failed: int = 0,
    languages: Sequence[str] | None = None,
    watch: bool = True,
    seed: int = 1,
    progress: Progress | None = None,
) -> Study:
    """Make the folder of a study: study.yaml, study.db and media/.

    Args:
        study: the folder to make.
        videos: the videos of one system, one by one; or
        systems: a folder of videos for each system, by its name, with the same file names in each; checks are made from
            the first.
        title: what raters read first.
        contact: whom they may ask, as they read it.
        questions: what is rated from 1 to 5: realism, sync, naturalness; none: pairs alone.
        compare: what is asked of two videos of the same clip: sync, realism; none: ratings alone.
        ratings: videos that each rater rates, a multiple of the number of systems (all, 24 at most).
        pairs: pairs that each rater compares (all, 12 at most; 0 with one system).
        checks: pages that tell whether a rater looks and reads (0 to 6): in turn, a video whose sound was moved by a
            second, and a page that says what to answer.
        most_failed: how many of them a rater may fail and still count.
        languages: of the page; the first where a browser asks for none of them (all there are).
        watch: whether a video must have been played to its end before it is answered.
        seed: of all orders.
        progress: told of each video.

    Raises:
        InputError: no videos, none in common, one without sound, a number that cannot be had.
        OutputError: the folder is there and not empty, or cannot be made.
        MissingExtraError: without the extra ``web``.
    """
    serving.needed()
    place = ondisk.named(study).absolute()
    _free(place)
    found = _found(videos, systems)
    asked = tuple(questions) if ratings != 0 else (), tuple(compare) if pairs != 0 else ()
    made = replace(_fixed(found, *asked, checks, most_failed), title=title.strip(), contact=contact.strip())
    spoken = _known("language", tuple(languages or texts.languages()), tuple(texts.languages()))
    made = _counted(replace(made, languages=spoken, watch=watch, seed=seed), ratings, pairs)
    return _filled(place, made, found, progress)


def _fixed(
    found: Mapping[str, Mapping[str, Path]],
    ratings: tuple[str, ...],
    pairs: tuple[str, ...],
    checks: int,
    most_failed: int,
) -> Study:
    """A study of the clips ``found`` that asks these questions, as yet without numbers and videos."""
    return Study(
        id=token_hex(16),
        title="",
        contact="",
        seed=1,
        languages=(),
        ratings=_known("question", ratings, RATINGS),
        pairs=_known("comparison", pairs, PAIRS) if len(found) > 1 else (),
        per_rater_ratings=0,
        per_rater_pairs=0,
        per_rater_checks=_within("checks", checks, 0, MOST_CHECKS),
        most_failed=_within("most_failed", most_failed, 0, max(0, checks - 1)),
        watch=True,
        clips=tuple(sorted(found[next(iter(found))])),
        systems=tuple(found),
        stimuli=(),
    )


def _filled(place: Path, made: Study, found: Mapping[str, Mapping[str, Path]], progress: Progress | None) -> Study:
    """The study with its videos, in its folder, which is there whole or not at all."""
    from lipwright.survey.store import Store

    part = place.with_name(f".{place.name}.{token_hex(4)}.part")
    with refused(place):
        try:
            (part / MEDIA).mkdir(parents=True)
            made = replace(made, stimuli=tuple(copying.copied(found, part / MEDIA, _moved(made), progress)))
            studies.write(made, part)
            Store.make(part, made).close()
            part.replace(place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return made


def _free(place: Path) -> None:
    if (place / studies.FILE).exists():
        raise OutputError(
            f"{place} holds a study already, which is not planned twice; go on with `lipwright survey serve {place}`, "
            "or name another folder"
        )
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise OutputError(f"{place} is there and is not empty; name a folder that is not there yet")


def _found(videos: Sequence[Path], systems: Mapping[str, Path] | None) -> dict[str, dict[str, Path]]:
    """The file of each clip of each system. InputError where they do not fit."""
    if bool(videos) == bool(systems):
        raise InputError("give --videos A.mp4 B.mp4 ..., or --systems NAME=FOLDER ..., and not both")
    if videos:
        return {ONE: _stems([Path(video) for video in videos], "the videos given")}
    found = {}
    for name, folder in (systems or {}).items():
        if not Path(folder).is_dir():
            raise InputError(f"there is no folder {folder} for the system {name}")
        files = sorted(file for file in Path(folder).iterdir() if file.suffix.lower() in SUFFIXES)
        if not files:
            known = ", ".join(sorted(SUFFIXES))
            raise InputError(f"{folder} holds no videos for the system {name}; they end in {known}")
        found[name] = _stems(files, str(folder))
    first, *others = found
    for other in others:
        if apart := sorted(found[first].keys() ^ found[other].keys()):
            raise InputError(
                f"the systems {first} and {other} do not show the same clips: {', '.join(apart[:5])} "
                f"{'is' if len(apart) == 1 else 'are'} in one of them alone; give files of the same clip the same name"
            )
    return found


def _stems(files: Sequence[Path], where: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise InputError(f"two of {where} are called {file.stem}; give each clip a name of its own")
        found[file.stem] = file
    return found


def _counted(made: Study, ratings: int | None, pairs: int | None) -> Study:
    """A study whose raters have so much to do; InputError where there is less than is asked for."""
    step, whole = len(made.systems), made.design.all_ratings
    if made.ratings:
        ratings = max(step, min(whole, MANY) // step * step) if ratings is None else ratings
        if not 0 < ratings <= whole:
            raise InputError(f"a rater rates 1 to {whole} videos, all that there are; given {ratings}")
        if ratings % step:
            near = sorted({max(step, ratings // step * step), min(whole, -(-ratings // step) * step)})
            wished = " or ".join(map(str, near))
            raise InputError(f"{ratings} ratings are not as many of each of {step} systems; give {wished}")
    if made.pairs:
        pairs = min(made.design.all_pairs, SOME) if pairs is None else pairs
        pairs = _within("pairs", pairs, 1, made.design.all_pairs)
    elif pairs:
        raise InputError(f"{pairs} pairs need two systems, and something to compare; give --systems A=FOLDER B=FOLDER")
    if not (made.ratings or made.pairs):
        raise InputError("nothing is asked; give at least one of --questions and --compare, and a number above 0")
    if (moved := _moved(made)) > len(made.clips):
        raise InputError(f"{made.per_rater_checks} checks need {moved} clips; there are {len(made.clips)}: give fewer")
    return replace(
        made,
        per_rater_ratings=(ratings or 0) if made.ratings else 0,
        per_rater_pairs=(pairs or 0) if made.pairs else 0,
    )


def _moved(made: Study) -> int:
    """How many videos with a moved sound the checks need; none where sync is not asked."""
    return (made.per_rater_checks + 1) // 2 if "sync" in made.ratings + made.pairs else 0


def _known(what: str, given: tuple[str, ...], all_of_them: tuple[str, ...]) -> tuple[str, ...]:
    for name in given:
        if name not in all_of_them:
            raise InputError(f"no {what} is called {name!r}; there are {', '.join(all_of_them)}")
    return tuple(dict.fromkeys(given))


def _within(what: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise InputError(f"{what} lies between {low} and {high} here; given {value}")
    return value
