"""What a clip shall say: a text, subtitles or a sound, as long as it needs or as the clip has time for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lipwright import conversion, subtitles
from lipwright.errors import InputError
from lipwright.media.stretch import stretch
from lipwright.speak.slots import FASTER, SLOWER, fitted, speak_in
from lipwright.speak.verb import Like, speak
from lipwright.subtitles import Cue
from lipwright.types import Audio, Clip, Issue, Progress
from lipwright.voices import Spoken

OWN, NOBODY = "own", "none"


def speak_for(
    clip: Clip,
    *,
    text: str = "",
    srt: str | Path | None = None,
    fit: bool = False,
    language: str = "",
    like: Like = OWN,
    progress: Progress | None = None,
    **how: Any,
) -> Spoken:
    """What ``clip`` shall say, in its own speaker's voice.

    Args:
        clip: the video.
        text: a text to speak; or
        srt: subtitles (.srt, .vtt), each spoken in its slot: the sound is as long as the clip.
        fit: a text is spoken when the clip's own speaker speaks, as fast as that takes; subtitles fill their slots.
        language: its code; "" takes that of the subtitles' name (talk.fr.srt), else en.
        like: own, who speaks in the clip; none, the voice as it is; or a recording of somebody else.
        progress: told the pieces spoken.
        how: ``voice``, ``pace``, ``pitch``, ``volume`` and options of the voice as `lipwright.speak` takes them.

    Where ``own`` cannot be known (no sound, too little speech, two voices) it speaks as it is, and an issue says why.

    Raises as `lipwright.speak` does, and InputError for neither or both of text and srt, subtitles that overlap or go
    past the clip's end, a still picture to fit, and a text too long for the clip.
    """
    if bool(text.strip()) == (srt is not None):
        raise InputError("give either a text (--text) or subtitles (--srt) to speak")
    cues = _cues(clip, text, srt, fit)
    how["language"] = language or (subtitles.language_of(srt) if srt is not None else "") or "en"
    target, issues = _target(clip, like)
    if cues is None:
        made = speak(text, like=target, progress=progress, **how)
    else:
        made = speak_in(cues, clip.duration, like=target, fill=fit, progress=progress, **how)
    return replace(made, issues=(*issues, *made.issues))


def stretched(speech: Audio, clip: Clip) -> Audio:
    """A speech made as long as the clip, at its own pitch: 0.6 to 2 times as fast; InputError for more or less."""
    seconds = _length(clip)
    pace = speech.duration / seconds
    if not SLOWER <= pace <= FASTER:
        raise InputError(
            f"{speech.source or 'the speech'} lasts {speech.duration:.1f} s and the video {seconds:.1f} s; to fit it "
            f"would have to be {pace:.1f} times as fast, and {SLOWER:g} to {FASTER:g} still sounds like speech"
        )
    return speech if round(seconds * speech.rate) == len(speech.samples) else stretch(speech, seconds)


def _cues(clip: Clip, text: str, srt: str | Path | None, fit: bool) -> tuple[Cue, ...] | None:
    """The slots to speak in; None where a text takes the time it takes."""
    if srt is not None:
        cues = subtitles.read(srt)
        subtitles.checked(cues, _length(clip), str(srt))
        return cues
    return fitted(text, _length(clip), clip.audio) if fit else None


def _length(clip: Clip) -> float:
    if clip.length == 1:
        raise InputError(
            "a still picture has no length for a speech to fit; leave out --fit and --srt, or give a video"
        )
    return clip.duration


def _target(clip: Clip, like: Like) -> tuple[Like | None, list[Issue]]:
    """Whom to sound like, and what is to be said of it."""
    if isinstance(like, str) and like == NOBODY:
        return None, []
    if not (isinstance(like, str) and like == OWN):
        return like, []
    try:
        if clip.audio is None:
            raise InputError("the video has no sound")
        return conversion.listen(clip.audio), []
    except InputError as problem:
        remedy = "give a recording of the speaker (--like FILE), or say that the voice may be any (--like none)"
        return None, [Issue("voice", "warning", f"the speaker's own voice is not known: {problem}", remedy)]
