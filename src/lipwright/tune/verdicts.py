"""The thresholds of the measurement, and how often its verdict is right with them.

Every span of a recording, whose own offset is taken out, is judged eight times, moved by -8 to 6 frames, and once with
the voice of somebody else. A right verdict counts 1, one that cannot say 0, a wrong one -5; "in sync" and "out of sync"
are both wrong of another's voice, and "cannot say" is right. The score is the mean of two means, of the person's own
voice and of another's. Half of the speakers choose; the other half say whether it is better.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lipwright import calibrate, drift, faces, media, sync
from lipwright.errors import InputError, LipwrightError
from lipwright.experts import Encoders
from lipwright.measure import judging
from lipwright.measure.settings import Settings
from lipwright.types import Audio, Float

if TYPE_CHECKING:
    from optuna import Trial

    from lipwright.types import Progress

MOVES = (-8, -5, -4, -3, 0, 1, 2, 6)
"""Frames by which a span is moved, at 25 fps."""
SECONDS = (1, 2, 4)
"""Lengths of the spans."""
MOST = 12
"""Spans of each length of one speaker."""
WRONG = 5.0
"""What a wrong verdict costs, in right ones."""
DRAWS = 1000


@dataclass(frozen=True)
class Case:
    """A span with a sound: its true verdict ("cannot say" for another's voice), its contrast as a multiple of the
    highest that wrong voices reach, and the offsets drawn for its interval, in frames (None: too short for one)."""

    speaker: str
    truth: drift.Verdict
    ratio: float
    offsets: NDArray[np.int8] | None
    fps: float

    def said(self, settings: Settings) -> drift.Verdict:
        """The verdict with these settings."""
        interval = None if self.offsets is None else drift.within(self.offsets.astype(np.float32), settings.level)
        return drift.verdict(interval, self.fps, self.ratio, settings.sure)

    def worth(self, settings: Settings) -> float:
        """1 where it is right, 0 where it cannot say, -5 where it is wrong."""
        said = self.said(settings)
        return 1.0 if said == self.truth else 0.0 if said == "cannot say" else -WRONG


@dataclass
class Verdicts:
    """The measurement on recordings of known offsets; see `lipwright.tune.verb.Search`."""

    data: Path
    offsets: Path | None
    expert: str = "lipsight"
    settings: dict[str, Any] = field(default_factory=lambda: asdict(Settings()))

    def about(self) -> dict[str, Any]:
        """The data and the expert."""
        offsets = str(self.offsets.resolve()) if self.offsets else ""
        return {"what": "measure", "data": str(self.data.resolve()), "offsets": offsets, "expert": self.expert}

    def ready(self) -> None:
        """Let the expert look at the recordings."""
        _ = self.cases

    def build(self, settings: dict[str, Any]) -> Settings:
        """The settings, checked."""
        if strange := sorted(settings.keys() - self.settings.keys()):
            raise InputError(f"settings: there is no setting {strange[0]}; there are: {', '.join(self.settings)}")
        return Settings(**settings)

    @cached_property
    def cases(self) -> tuple[list[Case], list[Case]]:
        """Those of the speakers that choose, and those of the speakers kept aside."""
        expert = calibrate.load(self.expert)
        found = list(_cases(list(_recordings(expert, self.data, self.offsets)), float(expert.face.fps)))
        speakers = sorted({case.speaker for case in found})
        if len(speakers) < 2:
            raise InputError(
                f"{self.data} holds {len(speakers)} speaker with a second or more of face and voice; two are needed, "
                "so that one can say whether what was tuned on the other is better"
            )
        aside = set(speakers[1::2])
        return [c for c in found if c.speaker not in aside], [c for c in found if c.speaker in aside]

    def score(self, settings: dict[str, Any], trial: Trial, folder: Path, progress: Progress | None) -> float:  # noqa: ARG002
        """How good the verdicts of the choosing speakers are."""
        return score(self.cases[0], self.build(settings))

    def conclude(self, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Write the settings, or, where the speakers kept aside do not say that they are better, those there were."""
        import yaml

        tuned, before = self.build(settings), Settings()
        aside = self.cases[1]
        gain, low, high = _gain(aside, tuned, before)
        better = gain > 0
        path = folder / "best.yaml"
        lines = yaml.safe_dump(asdict(tuned if better else before), sort_keys=False)
        path.write_text(f"# For: lipwright measure --settings\n{lines}", encoding="utf-8")
        after, old = figures(aside, tuned), figures(aside, before)
        verdict = (
            "not better, so that best.yaml holds the settings there were" if not better
            else "better" if low > 0 else "better, but by no more than chance may do"
        )  # fmt: skip
        note = (
            f"on {len({case.speaker for case in aside})} speakers kept aside: {after['score']:.4f} in place of "
            f"{old['score']:.4f} (gain {gain:+.4f}, 95 % {low:+.4f} to {high:+.4f}): {verdict}"
        )
        held = {"tuned": after, "before": old, "gain": [gain, low, high]}
        return {"file": str(path), "held": held, "better": better, "notes": [note]}


def score(cases: Sequence[Case], settings: Settings) -> float:
    """The mean worth of verdicts on people's own voices, and on others', half each."""
    return float(np.mean([np.mean(worths) for worths in _worths(cases, settings) if worths]))


def _worths(cases: Sequence[Case], settings: Settings) -> tuple[list[float], list[float]]:
    own = [case.worth(settings) for case in cases if case.truth != "cannot say"]
    return own, [case.worth(settings) for case in cases if case.truth == "cannot say"]


def figures(cases: Sequence[Case], settings: Settings) -> dict[str, float]:
    """The score; of people's own voices the share that is judged (``said``) and of that the share judged rightly
    (``right``); the share of others' voices that is called in sync or out of it (``taken_in``)."""
    own = [(case.said(settings), case.truth) for case in cases if case.truth != "cannot say"]
    given = [said == truth for said, truth in own if said != "cannot say"]
    other = [case.said(settings) != "cannot say" for case in cases if case.truth == "cannot say"]
    return {
        "score": score(cases, settings),
        "said": len(given) / max(1, len(own)),
        "right": float(np.mean(given)) if given else float("nan"),
        "taken_in": float(np.mean(other)) if other else float("nan"),
    }


def _gain(cases: Sequence[Case], tuned: Settings, before: Settings) -> tuple[float, float, float]:
    """How much better, with a 95 % interval: speakers are drawn with replacement."""
    random = np.random.default_rng(0)
    sums = np.array([_sums([c for c in cases if c.speaker == who], tuned, before) for who in _speakers(cases)])
    drawn = sums[random.integers(0, len(sums), (DRAWS, len(sums)))].sum(1)
    low, high = np.quantile(_mean(drawn), [0.025, 0.975])
    return float(_mean(sums.sum(0))), float(low), float(high)


def _speakers(cases: Sequence[Case]) -> list[str]:
    return sorted({case.speaker for case in cases})


def _sums(cases: Sequence[Case], tuned: Settings, before: Settings) -> list[float]:
    """What is gained on own voices, how many there are, and the same of others'."""
    found = []
    for new, old in zip(_worths(cases, tuned), _worths(cases, before), strict=True):
        found += [sum(new) - sum(old), float(len(new))]
    return found


def _mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    own, owns, other, others = np.moveaxis(sums, -1, 0)
    return np.asarray(own / np.maximum(owns, 1) + other / np.maximum(others, 1)) / 2


# ------------------------------------------------------------------------------------------- recordings


@dataclass(frozen=True)
class _Embedded:
    speaker: str
    offset: int
    video: Float
    audio: Float


def _recordings(expert: Encoders, folder: Path, offsets: Path | None) -> Iterator[_Embedded]:
    """Recordings of splits val and test of a prepared folder, or the videos of a folder that ``offsets`` names."""
    known = _table(offsets) if offsets else {}
    manifest = folder / "manifest.csv"
    if (folder / "clips").is_dir() and manifest.is_file() and expert.reads_prepared:
        with manifest.open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row["split"] in {"val", "test"}]
        clips = [(folder / "clips" / f"{row['id']}.npz", row["speaker"]) for row in rows]
    else:
        if not known:
            raise InputError(f"{folder} is no prepared folder; for videos give their offsets, too: --offsets CSV")
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in calibrate.KINDS)
        clips = [(path, known[path.stem].get("speaker") or path.stem) for path in found if path.stem in known]
    for path, speaker in clips:
        row = known.get(path.stem, {})
        if row.get("keep", "1") != "1":
            continue
        embedded = _embedded(expert, path)
        if embedded is not None:
            yield _Embedded(speaker, int(row.get("offset", 0)), *embedded)


def _table(path: Path) -> dict[str, dict[str, str]]:
    """The lines of an offsets.csv (clip, offset in frames > 0 where the sound comes early, and maybe speaker, keep)."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; --offsets takes a CSV with the columns clip and offset")
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        try:
            _ = row["clip"], int(row["offset"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path} must have the columns clip and offset (whole frames); one line is {row}"
            ) from error
    return {row["clip"]: row for row in rows}


def _embedded(expert: Encoders, path: Path) -> tuple[Float, Float] | None:
    """Both sequences of embeddings; None where there is no face or no sound."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                sound = Audio(arrays["samples"].astype(np.float32) / 32768, 16000)
                return expert.embed_video(list(expert.prepared(arrays))), expert.embed_audio(sound)
        clip = media.open(path)
        if clip.audio is None:
            return None
        seen = expert.crops(clip, faces.track(clip))
        return expert.embed_video(seen), expert.embed_audio(media.resample(clip.audio, expert.audio.rate))
    except (LipwrightError, OSError, ValueError):
        return None


def _cases(recordings: list[_Embedded], fps: float) -> Iterator[Case]:
    """Every span of every recording, moved, and with another's voice."""
    for seconds in SECONDS:
        count: dict[str, int] = {}
        span = round(seconds * fps)
        for number, one in enumerate(recordings):
            other = next((r for r in [*recordings[number:], *recordings] if r.speaker != one.speaker), None)
            for start in range(0, min(len(one.video), len(one.audio)) - span + 1, span):
                seen = one.video[start : start + span]
                if np.isfinite(seen).any(1).mean() < 0.5 or count.get(one.speaker, 0) >= MOST:
                    continue
                count[one.speaker] = count.get(one.speaker, 0) + 1
                yield from _moved(one, seen, start, fps)
                if other is not None and len(other.audio) >= span:
                    begin = start % (len(other.audio) - span + 1)
                    yield _case(one.speaker, "cannot say", seen, other.audio[begin : begin + span], fps)


def _moved(one: _Embedded, seen: Float, start: int, fps: float) -> Iterator[Case]:
    for move in MOVES:
        at = np.clip(np.arange(start, start + len(seen)) - one.offset + move, 0, len(one.audio) - 1)
        early = 1000 * move / fps
        truth: drift.Verdict = "in sync" if -drift.LATE_MS <= early <= drift.EARLY_MS else "out of sync"
        yield _case(one.speaker, truth, seen, one.audio[at], fps)


def _case(speaker: str, truth: drift.Verdict, seen: Float, heard: Float, fps: float) -> Case:
    table = sync.stream([seen], [heard])
    wrong = [sync.judge(sync.stream([seen], voice).rows).contrast for voice in judging.wrong_voices(heard)]
    drawn = drift.resampled(table, fps)
    offsets = None if drawn is None else drawn[0].astype(np.int8)
    return Case(speaker, truth, sync.judge(table.rows).contrast / max(*wrong, 1e-6), offsets, fps)
