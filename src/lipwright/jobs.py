"""Many dubs at a time: by processes of this machine or a Ray cluster, tried again where that may help, taken up again.

What came of each job is a line of a report, which is written anew after every job, so that whatever ends the work, the
same call goes on with what is not done. A video that is half made is taken up, too (`lipwright.media.write`).
"""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lipwright import __version__, media, ondisk, workers as crew
from lipwright.dub import dub
from lipwright.errors import InputError, LipwrightError, MissingExtraError, OutputError
from lipwright.media.target import beside, refused
from lipwright.runtime import cores
from lipwright.speak import speak_for, stretched
from lipwright.types import Audio, Clip, Dubbed, Progress
from lipwright.voices import Spoken

SPEAKING = ("text", "srt", "like", "language", "voice", "pace", "pitch", "volume")
"""Keywords of `lipwright.speak.speak_for`."""
WRITING = ("quality", "resume")
"""Keywords of `lipwright.media.write`."""
TRIES = 3


@dataclass(frozen=True)
class Job:
    """One dub from files to a file: ``video``, ``speech`` (None: spoken from a text), ``out``, and the ``options`` of
    `dub`, of `SPEAKING` and of `WRITING` by keyword."""

    video: Path
    speech: Path | None
    out: Path
    options: dict[str, Any]

    def files(self) -> list[Path]:
        """What it reads, as far as it is there."""
        named = [self.video, self.speech, *(self.options.get(name) for name in ("srt", "like"))]
        return [Path(file) for file in named if file is not None and Path(file).is_file()]

    def signature(self) -> str:
        """sha256 of all that the result depends on: the files' content, the options, the version of lipwright."""
        keys = [ondisk.content_key(file) for file in self.files()]
        said = (__version__, str(self.out), sorted(self.options.items(), key=lambda pair: pair[0]), keys)
        return hashlib.sha256(repr(said).encode("utf-8", "surrogateescape")).hexdigest()


def made(job: Job, progress: Progress | None = None) -> tuple[Dubbed, Path, Audio]:
    """Do one job: the dubbed clip, the file written, and the sound that is spoken in it.

    Raises what `lipwright.dub`, `lipwright.speak` and `lipwright.media.write` do.
    """
    out = media.output_path(job.out, job.video, job.speech)
    options = dict(job.options)
    how = {name: options.pop(name) for name in WRITING if name in options}
    if "quality" in how:
        media.checked_quality(how["quality"])
    clip = media.open(job.video)
    sound = _spoken(clip, job.speech, options, progress)
    if isinstance(sound, Spoken):
        options["phones"] = sound.phones
    dubbed = dub(clip, sound, progress=progress, **options)
    if isinstance(sound, Spoken):
        dubbed = replace(dubbed, issues=(*sound.issues, *dubbed.issues))
    return dubbed, media.write(dubbed, out, progress=progress, **how), sound


def _spoken(clip: Clip, speech: Path | None, options: dict[str, Any], progress: Progress | None) -> Audio:
    """The sound to speak; takes what says so out of ``options``."""
    said, fit = {name: options.pop(name) for name in SPEAKING if name in options}, options.pop("fit", False)
    more = options.pop("voice_more", {})
    if speech is None:
        return speak_for(clip, fit=fit, progress=progress, **said, **more)
    if said or more:
        raise InputError(f"a speech is given, {speech}, so that --{next(iter(said), 'voice-with')} says nothing")
    sound = media.open_audio(speech)
    return stretched(sound, clip) if fit else sound


# ---------------------------------------------------------------------------------------------- many


State = Literal["done", "kept", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What came of a job: ``done`` now, ``kept`` from an earlier call, or ``failed`` after so many ``tries``; the
    ``seconds`` it took, the ``frames`` of the video, the codes of its ``issues``, and, where it failed, why
    (``message``)."""

    out: str
    state: State
    tries: int
    seconds: float
    frames: int
    issues: str
    message: str
    signature: str


def many(
    jobs: Sequence[Job],
    report: str | Path,
    *,
    workers: int | None = None,
    ray: str = "",
    tries: int = TRIES,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Do all ``jobs``; one that fails stops no other.

    Args:
        jobs: what to do; no two write the same file, and none writes what another reads.
        report: a CSV, a line a job, fields of `Outcome`; jobs that it calls done, whose inputs, options and output are
            still the same, are kept.
        workers: processes at work, with one thread each; None: one for each core, 4 at most.
        ray: the address of a Ray cluster that does the work, see `lipwright.cluster`; all machines see the same files.
        tries: how often a job is tried whose process is lost, or whose output cannot be written. What is wrong with an
            input is wrong the second time, too, and is not tried again.
        progress: told how many are finished.

    Raises:
        InputError: no jobs, two with one output, an output that is an input, fewer than one worker or try, no such
            cluster.
        OutputError: the report cannot be written, or is another file.
    """
    place = ondisk.named(report).absolute()
    _checked(jobs, place, tries)
    before = {outcome.out: outcome for outcome in _read(place)} if place.exists() else {}
    found: dict[int, Outcome] = {}
    for number, job in enumerate(jobs):
        kept = before.get(str(job.out))
        if kept and kept.state != "failed" and job.out.is_file() and kept.signature == job.signature():
            found[number] = replace(kept, state="kept")
    _write(place, [found[key] for key in sorted(found)])  # where that is refused, it is before the work
    tell = progress or (lambda *_: None)
    for attempt in range(1, tries + 1):
        left = [(number, job) for number, job in enumerate(jobs) if _is_left(found.get(number), attempt)]
        lost = partial(_lost, attempt=attempt)
        task = partial(_tried, attempt=attempt)
        count = cores() if workers is None else workers
        for number, outcome in crew.spread(task, left, workers=count, ray=ray, lost=None if ray else lost):
            found[number] = outcome
            _write(place, [found[key] for key in sorted(found)])
            tell(sum(not _is_left(one, 0) for one in found.values()), len(jobs), "videos")
    _write(place, [found[key] for key in sorted(found)])
    return [found[key] for key in sorted(found)]


def _is_left(outcome: Outcome | None, attempt: int) -> bool:
    """Whether a job is to be tried (again)."""
    return outcome is None or (outcome.state == "failed" and outcome.signature == "" and outcome.tries < attempt)


def _tried(numbered: tuple[int, Job], attempt: int) -> tuple[int, Outcome]:
    """One attempt at a job. A failure that may not come again has no signature."""
    number, job = numbered
    begun = time.monotonic()
    try:
        dubbed, _, _ = made(job)
        codes = " ".join(dict.fromkeys(issue.code for issue in dubbed.issues))
        took = time.monotonic() - begun
        return number, Outcome(str(job.out), "done", attempt, round(took, 2), dubbed.length, codes, "", job.signature())
    except (InputError, MissingExtraError) as error:
        return number, _failed(job, attempt, str(error), job.signature())
    except Exception as error:  # noqa: BLE001 - one job's fault must not end the others
        said = str(error) if isinstance(error, LipwrightError) else f"{type(error).__name__}: {error}"
        return number, _failed(job, attempt, said, "")


def _lost(numbered: tuple[int, Job], error: LipwrightError, *, attempt: int) -> tuple[int, Outcome]:
    number, job = numbered
    return number, _failed(job, attempt, str(error), "")


def _failed(job: Job, attempt: int, why: str, signature: str) -> Outcome:
    return Outcome(str(job.out), "failed", attempt, 0.0, 0, "", why, signature)


def _checked(jobs: Sequence[Job], report: Path, tries: int) -> None:
    if not jobs:
        raise InputError("there are no jobs; give a line for each video")
    if tries < 1:
        raise InputError(f"a job is tried once at least; given {tries}")
    outs = Counter(job.out.resolve() for job in jobs)
    twice = next((out for out, count in outs.items() if count > 1), None)
    if twice:
        raise InputError(f"two jobs write {twice}; give each an output of its own")
    lost = next((file for job in jobs for file in job.files() if file.resolve() in outs), None)
    if lost:
        raise InputError(f"{lost} is read by a job and would be written by one; give the output another name")
    if not report.parent.is_dir():
        raise OutputError(f"there is no folder {report.parent} for the report; make it first, or name another")


def _read(place: Path) -> list[Outcome]:
    """The report of an earlier call."""
    kinds: dict[str, Any] = {"tries": int, "seconds": float, "frames": int}
    try:
        rows = list(csv.DictReader(io.StringIO(place.read_text(encoding="utf-8"))))
        names = [field.name for field in fields(Outcome)]
        return [Outcome(**{name: kinds.get(name, str)(row[name]) for name in names}) for row in rows]
    except (KeyError, OSError, TypeError, ValueError, csv.Error) as error:
        raise OutputError(f"{place} is there and is no report of jobs; move it away, or name another") from error


def _write(place: Path, outcomes: Sequence[Outcome]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(Outcome)])
    table.writeheader()
    table.writerows(asdict(outcome) for outcome in outcomes)
    with beside(place, place.parent) as part, refused(place):
        part.write_text(text.getvalue(), encoding="utf-8", newline="")
