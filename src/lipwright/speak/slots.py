"""Speech in given slots of time: subtitles, or where a clip's own speaker speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lipwright import speech
from lipwright.errors import InputError
from lipwright.media.stretch import stretch
from lipwright.speak.verb import Like, Talker, checked_text
from lipwright.subtitles import Cue
from lipwright.types import Audio, Issue, Phone, Progress
from lipwright.voices import Manner, Spoken, sentences

FASTER, SLOWER = 2.0, 0.6
"""How many times as fast, at most, a speech is made to fit its slot, and how slow, with ``fill``, to fill it."""

_RUSHED = 1.5
_GRID = 100  # points a second


def speak_in(
    cues: Sequence[Cue],
    seconds: float,
    *,
    language: str = "en",
    voice: str = "espeak",
    like: Like | None = None,
    pace: float = 1.0,
    pitch: float = 0.0,
    volume: float = 0.0,
    fill: bool = False,
    progress: Progress | None = None,
    **options: object,
) -> Spoken:
    """Each of ``cues`` spoken in its slot: a sound that lasts at least ``seconds``, silent between them.

    A speech begins when its cue does, to the sample. One that is longer than its slot is spoken faster, up to twice,
    and with ``fill`` one that is shorter slower, down to 0.6; what the voice's own pace leaves over is stretched, so
    that it then ends with the slot, too. The other keywords are those of `lipwright.speak`.

    Raises as `lipwright.speak` does, and InputError for no cues, and for a slot too short for its text.
    """
    if not cues:
        raise InputError("there is nothing to speak: no subtitle has words")
    talker = Talker(language, voice, like, Manner(pace, pitch, volume), options)
    for cue in cues:
        checked_text(cue.text, language)
    said, issues = [], []
    for number, cue in enumerate(cues, 1):
        part, faster = _fitting(talker, cue, fill)
        said.append((cue.start, part))
        if faster > _RUSHED:
            issues.append(_hurried(cue, faster))
        (progress or _say_nothing)(number, len(cues), "speaking")
    made = talker.joined(said, seconds, progress)
    return replace(made, issues=(*issues, *made.issues))


def segments(audio: Audio, pause: float = 0.6) -> tuple[tuple[float, float], ...]:
    """From when to when, in seconds, somebody speaks in a sound; pauses of up to ``pause`` s do not part them."""
    voiced = speech.voiced(audio, _GRID, int(audio.duration * _GRID), ramp=0.01, pause=pause) > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[False], voiced, [False]]).astype(np.int8)))
    return tuple((int(a) / _GRID, int(b) / _GRID) for a, b in edges.reshape(-1, 2))


def fitted(text: str, seconds: float, own: Audio | None) -> tuple[Cue, ...]:
    """A text's sentences in the slots in which the clip of ``seconds`` speaks by itself (``own`` its sound).

    Each stretch of speech takes as many sentences as come nearest to its share of the whole; with fewer sentences than
    stretches, or no speech, there is one slot, from the first to the last speech, or the whole clip.
    """
    spans = [span for span in (segments(own) if own is not None else ()) if span[0] < seconds]
    spans = [(a, min(b, seconds)) for a, b in spans] or [(0.0, seconds)]
    parts = sentences(text)
    if len(parts) < len(spans):
        return (Cue(1, spans[0][0], spans[-1][1], text),)
    lengths = np.cumsum([stop - start for start, stop in spans]) / sum(stop - start for start, stop in spans)
    letters = np.cumsum([len(part) for part in parts]) / sum(len(part) for part in parts)
    cues, first = [], 0
    for number, (span, share) in enumerate(zip(spans, lengths, strict=True), 1):
        left = len(spans) - number
        last = len(parts) if not left else int(np.abs(letters - share).argmin()) + 1
        last = min(max(last, first + 1), len(parts) - left)
        cues.append(Cue(number, *span, " ".join(parts[first:last])))
        first = last
    return tuple(cues)


def _fitting(talker: Talker, cue: Cue, fill: bool) -> tuple[Spoken, float]:
    """A cue spoken so that it fits, and how many times as fast as it would be by itself."""
    slot = cue.stop - cue.start
    said = _trimmed(talker.say(cue.text))
    wanted = said.duration / slot
    if wanted > FASTER:
        raise InputError(
            f"{cue.text[:40]!r} takes {said.duration:.1f} s to say and has {slot:.1f} s, from {cue.start:.2f} s on; "
            f"it is spoken up to {FASTER:g} times as fast: shorten its text or give it more time"
        )
    if wanted <= 1 and not fill:
        return said, 1.0
    pace = max(wanted, SLOWER)
    nearer = _trimmed(talker.say(cue.text, pace)) if "pace" in talker.voice.follows else said
    seconds = slot if wanted > 1 else min(slot, said.duration / pace)
    if wanted > 1 and nearer.duration <= slot and not fill:
        return nearer, pace
    return _stretched(nearer, seconds), pace


def _trimmed(said: Spoken, quiet: float = 1e-3) -> Spoken:
    """Without the silence at both ends."""
    loud = np.flatnonzero(np.abs(said.samples) > quiet)
    if len(loud) == 0:
        return said
    first, last = int(loud[0]), int(loud[-1]) + 1
    begin, end = first / said.rate, last / said.rate
    phones = tuple(Phone(p.symbol, max(0.0, p.start - begin), min(p.end, end) - begin) for p in said.phones)
    return replace(said, samples=said.samples[first:last], phones=phones)


def _stretched(said: Spoken, seconds: float) -> Spoken:
    made = stretch(said, seconds)
    scale = made.duration / said.duration
    phones = tuple(Phone(p.symbol, p.start * scale, p.end * scale) for p in said.phones)
    return replace(said, samples=made.samples, rate=made.rate, phones=phones)


def _hurried(cue: Cue, faster: float) -> Issue:
    return Issue(
        "hurried", "warning",
        f"{cue.text[:40]!r} is spoken {faster:.1f} times as fast as usual to fit into {cue.stop - cue.start:.1f} s",
        "shorten its text or give it more time", (cue.start, cue.stop),
    )  # fmt: skip


def _say_nothing(done: int, total: int, what: str) -> None:
    """Progress nobody asked for."""
