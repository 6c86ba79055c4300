"""What people see, what lies behind it, what helps: the table behind reports and the troubleshooting page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lipwright.measure.found import Measured


@dataclass(frozen=True)
class Symptom:
    """What is ``seen``, its likely ``cause``, what helps (``fix``), and ``shows``: whether a measurement shows it."""

    seen: str
    cause: str
    fix: str
    shows: Callable[[Measured], bool] = lambda found: False  # noqa: ARG005 - most cannot be told from figures


def applying(found: Measured) -> Iterator[Symptom]:
    """The symptoms that a measurement shows."""
    return (symptom for symptom in SYMPTOMS if symptom.shows(found))


def _has(*codes: str) -> Callable[[Measured], bool]:
    """At least a fifth of the spans with speech, or one where there are few, have one of these problems."""

    def shows(found: Measured) -> bool:
        spoken = [problem for problem in found.judged.spans if problem.code not in ("silence", "other")]
        return sum(problem.code in codes for problem in spoken) > 0.2 * len(spoken)

    return shows


def _figure(name: str, test: Callable[[float], bool]) -> Callable[[Measured], bool]:
    """A metric's value passes a test."""

    def shows(found: Measured) -> bool:
        values = {measure.name: measure.value for measure in found.metrics}
        return name in values and test(values[name])

    return shows


def _beside(name: str, factor: float) -> Callable[[Measured], bool]:
    """A metric lies beyond ``factor`` times the ceiling's: above it for a factor above 1, below it for one below."""

    def shows(found: Measured) -> bool:
        mine = {measure.name: measure.value for measure in found.metrics}.get(name, math.nan)
        best = {measure.name: measure.value for measure in found.ceiling}.get(name, math.nan)
        return mine > factor * best if factor > 1 else mine < factor * best

    return shows


SYMPTOMS = (
    Symptom(
        "the mouth moves before the sound, or after it, all the time",
        "sound and picture were joined with a constant delay: another cut, a codec's lead-in, a wireless microphone",
        "move the sound by the offset that was found, then measure again",
        lambda found: found.judged.verdict == "out of sync",
    ),
    Symptom(
        "it fits at the start and no more at the end",
        "the offset drifts: frame rate read as another (29.97 as 30, 25 as 24), or a sound clock of another speed",
        "find the frame rate the picture was made with; stretch the sound by the drift; do not round rates",
        lambda found: found.judged.drift is not None and found.judged.drift.certain,
    ),
    Symptom(
        "the sound comes early",
        "the picture was delayed by processing (effects, capture cards, screens) and the sound was not",
        "delay the sound by the milliseconds that were found; above 45 ms viewers notice",
        _has("early"),
    ),
    Symptom(
        "the sound comes late",
        "the sound was delayed by processing or distance, or silence was left at its start",
        "cut the silence from the start of the sound, or move it forward by what was found",
        _has("late"),
    ),
    Symptom(
        "the mouth does not move",
        "sound and picture are misaligned, the face was not found there, or the speech was taken for silence",
        "trim and synchronise, check the frame rate, raise the level of the voice above music and noise",
        _has("still"),
    ),
    Symptom(
        "the lips move, but say something else",
        "another voice than this mouth's: a wrong track, a dub that failed, a second speaker off screen",
        "check which sound track and which face were taken; dub again with the clean voice alone",
        lambda found: _has("weak")(found) or not found.judged.curve.contrast > found.judged.least,
    ),
    Symptom(
        "the lips look off in places",
        "accent or unusual pronunciation, mumbling, several voices at once, music over the voice",
        "another take of the speech, slightly slower and clearer; the voice without music",
        lambda found: _has("weak")(found) and found.judged.verdict == "in sync",
    ),
    Symptom(
        "the mouth keeps moving when nobody speaks",
        "the source's own mouth shows through, or noise was taken for speech",
        "a cleaner speech; footage with a closed mouth in it; the dubber landmark, which closes it in silence",
        lambda found: _figure("leak", lambda v: v > 0.3)(found) or _figure("leak_motion", lambda v: v > 0.6)(found),
    ),
    Symptom(
        "jittery output",
        "low frame rate, unstable face tracking, small or badly lit face",
        "smooth more (--smooth 1), give footage of higher resolution, more light",
        lambda found: _beside("jitter", 1.5)(found) or _beside("flicker", 1.5)(found),
    ),
    Symptom(
        "the mouth is blurred",
        "a network that paints few pixels (96 a side), enlarged to the size of the face",
        "the dubber landmark, which keeps real pixels; a network with a larger face; footage of a smaller face",
        _beside("sharpness", 0.8),
    ),
    Symptom(
        "the mouth hardly opens",
        "a network that hedges, a quiet or processed voice",
        "more --strength; the voice without compression and noise",
        _figure("opening_amplitude", lambda v: v < 0.6),
    ),
    Symptom(
        "the mouth gapes",
        "a network trained on one that scores well for exaggeration, too much strength",
        "less --strength",
        _figure("opening_amplitude", lambda v: v > 1.6),
    ),
    Symptom(
        "it is not quite the same person",
        "the face was painted or restored by a network that does not know this one",
        "less restoration, a dubber that keeps real pixels",
        _figure("identity_lower", lambda v: v < 0.8),
    ),
    Symptom(
        "eyes and brows do not match the speech any more",
        "more than the mouth was changed, or frames were shown in another order",
        "a dubber that changes the mouth alone",
        _figure("expression_brows", lambda v: v < 0.5),
    ),
    Symptom(
        "the end is cut off, or stands still",
        "picture and sound have different lengths",
        "choose what happens where they differ: --sync-mode bounce, loop, cut_off, silence or remap",
        _figure("frames_off_sound", lambda v: abs(v) > 2),
    ),
    Symptom(
        "parts are not dubbed, or not judged",
        "no face is seen there: turned away, covered, too small, too dark, out of the picture",
        "cut those parts out, or give footage in which one face is seen from the front",
        lambda found: any(problem.code == "no-face" for problem in found.judged.spans),
    ),
    Symptom(
        "the program stops, or the computer has no memory left",
        "weights of another network, a damaged file, a graphics driver that does not fit",
        "lipwright models verify; try without a GPU; a short piece first (--preview 5)",
    ),
    Symptom(
        "it is slow",
        "a large picture, a face looked for in every frame, a network made for a GPU",
        "a short piece first; give the face's box; a smaller picture where that will do",
    ),
    Symptom(
        "frames are missing",
        "a file of variable frame rate that another program read as steady, a file that was cut",
        "copy or export the file again; lipwright reads variable rates as they are",
    ),
)
"""The first rows of a longer table: it grows as people report what they see."""
