"""What a measurement found, and how it is told to machines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Literal

from lipwright import __version__, sync
from lipwright.drift import Drift, Intervals, Span, Verdict
from lipwright.provenance import Told
from lipwright.registry import Calibration
from lipwright.speaker import Turn
from lipwright.types import Float, Issue, Measure

Code = Literal["", "early", "late", "weak", "still", "silence", "no-face", "other"]


@dataclass(frozen=True)
class Problem:
    """One span as a person should see it: the ``span``, how much of it is ``speech`` (0-1), and what is wrong there.

    ``code``: "" nothing; ``early``, ``late``: the sound lies outside what viewers accept; ``weak``: the lips fit the
    sound no better than a wrong voice; ``still``: speech, and the mouth does not move; ``silence``: nothing is said, so
    nothing is judged; ``no-face``: no face was seen; ``other``: another face speaks. ``speaker`` is the id of the face
    that speaks, None where it is nobody seen.
    """

    span: Span
    speech: float
    code: Code
    speaker: int | None = None


@dataclass(frozen=True, eq=False)
class Judged:
    """What one expert says of picture and sound.

    ``fps`` frames a second of all its figures; ``curve`` over the pairs that exist, ``classic`` as SyncNet
    publishes it; ``wrong``, the same two, averaged, with wrong voices; ``least``, the contrast that a wrong voice may
    reach; ``table``, the distances of every frame.
    """

    expert: str
    fps: float
    calibration: Calibration
    table: sync.Table
    curve: sync.SyncCurve
    classic: sync.Classic
    intervals: Intervals | None
    drift: Drift | None
    least: float
    accuracy: float
    verdict: Verdict
    wrong: Mapping[str, float]
    spans: tuple[Problem, ...] = ()

    @property
    def offset(self) -> int:
        """Frames; > 0 when the sound comes early."""
        return self.curve.offset

    @property
    def words(self) -> str:
        """The offset, or why there is none, as people say it."""
        if self.verdict == "cannot say" and not self.curve.contrast > self.least:
            return "the lips fit this sound no better than a wrong voice, so there is no offset to tell"
        return self.curve.words(self.fps)

    def scores(self) -> dict[str, float]:
        """The four scores by name."""
        return {
            "lse_d": self.classic.lse_d,
            "lse_c": self.classic.lse_c,
            "lse_d_valid": self.curve.distance,
            "lse_c_valid": self.curve.contrast,
        }

    def data(self) -> dict[str, Any]:
        """Everything but the spans, for JSON."""
        inside = self.intervals
        ms = 1000 / self.fps
        return {
            "offset_frames": self.offset,
            "offset_ms": self.offset * ms,
            "offset_words": self.words,
            "offset_interval_ms": None if inside is None else [inside.offset.low * ms, inside.offset.high * ms],
            "verdict": self.verdict,
            **self.scores(),
            "lse_d_valid_interval": None if inside is None else [inside.lse_d.low, inside.lse_d.high],
            "lse_c_valid_interval": None if inside is None else [inside.lse_c.low, inside.lse_c.high],
            "contrast_of_wrong_voice": self.least,
            "sync_accuracy": self.accuracy,
            "drift_ms_per_minute": None if self.drift is None else asdict(self.drift),
            "auc_calibration": self.calibration.auc,
            "curve": self.drawn(),
        }

    def drawn(self) -> dict[str, list[float]]:
        """The curve of the offset: the mean ``distance`` of lips and sound if the sound came early by ``offset_ms``."""
        offsets = range(-self.curve.reach, len(self.curve.distances) - self.curve.reach)
        return {
            "offset_ms": [offset * 1000 / self.fps for offset in offsets],
            "distance": [float(distance) for distance in self.curve.distances],
        }


@dataclass(frozen=True, eq=False)
class Measured:
    """All that was found of one video.

    ``judged``, the first expert's opinion, and ``others``; ``metrics`` by name, the same with a wrong voice (``floor``)
    and of the reference, or the source with its own sound (``ceiling``, whose judge is ``best``); ``tells``, what
    each name stands for; ``issues``; ``inputs``, file and sha256 of each; ``opening`` float32 (T,) and ``voiced``
    (T,), the mouth's opening and the share of speech at every frame; ``face``, the id of the face measured among
    ``faces`` of them, and, where there are several, the ``turns`` in which they speak; ``told``, what the file says of
    itself.
    """

    name: str
    fps: Fraction
    judged: Judged
    others: tuple[Judged, ...]
    metrics: tuple[Measure, ...]
    floor: tuple[Measure, ...]
    ceiling: tuple[Measure, ...]
    best: Judged | None
    tells: Mapping[str, str]
    issues: tuple[Issue, ...]
    inputs: Mapping[str, Mapping[str, str]]
    opening: Float
    voiced: Float
    asked: Float
    phones: tuple[Any, ...] = field(default=())
    face: int = 0
    faces: int = 1
    turns: tuple[Turn, ...] = ()
    told: Told | None = None

    def __getitem__(self, name: str) -> float:
        """One figure by its name in JSON: ``lse_d``, ``offset_frames``, ``openness`` ... KeyError if not there."""
        return {**self.judged.data(), **_values(self.metrics)}[name]

    def data(self) -> dict[str, Any]:
        """For ``--json``: stable keys, no value that is not a number (null instead)."""
        told = {
            "video": self.name,
            "expert": self.judged.expert,
            "version": __version__,
            **self.judged.data(),
            "experts": {one.expert: one.data() for one in self.others},
            "metrics": _values(self.metrics),
            "units": {measure.name: measure.unit for measure in self.metrics},
            "floor": {**self.judged.wrong, **_values(self.floor)},
            "ceiling": {**(self.best.scores() if self.best else {}), **_values(self.ceiling)},
            "spans": [_span(problem, self.judged.fps) for problem in self.judged.spans],
            "face": self.face,
            "faces": self.faces,
            "turns": [asdict(turn) for turn in self.turns],
            "issues": [asdict(issue) for issue in self.issues],
            "inputs": {role: dict(file) for role, file in self.inputs.items()},
            "provenance": None if self.told is None else asdict(self.told),
        }
        return {key: _plain(value) for key, value in told.items()}


def _values(measures: Iterable[Measure]) -> dict[str, float]:
    return {measure.name: measure.value for measure in measures}


def _span(problem: Problem, fps: float) -> dict[str, Any]:
    span = problem.span
    return {
        "start": span.start,
        "stop": span.stop,
        "offset_frames": span.offset,
        "offset_ms": span.offset * 1000 / fps,
        "contrast": span.contrast,
        "distance": span.distance,
        "seen": span.seen,
        "speech": problem.speech,
        "problem": problem.code,
        "speaker": problem.speaker,
    }


def _plain(value: Any) -> Any:
    """Values that JSON can hold: a number that is none becomes None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
