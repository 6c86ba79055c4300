"""Whether a video and a sound are fit for dubbing, and whether this computer is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from lipwright import media, registry
from lipwright.check import environment, mending, picture, sound
from lipwright.check.found import ORDER, Checked, Notes
from lipwright.errors import InputError
from lipwright.media.sound import lazy_audio
from lipwright.types import Audio, Clip, Progress

Source: TypeAlias = str | Path


def check(
    video: Source | Clip | None = None,
    sound: Source | Audio | None = None,
    *,
    fix: bool = False,
    out: Source | None = None,
    dubber: str = "landmark",
    progress: Progress | None = None,
) -> Checked:
    """What speaks against dubbing ``video`` with ``sound``, where in them, and what helps; no file is changed.

    Args:
        video: a video or picture, as a file or a clip; a file without a picture counts as the sound. None, and no
            sound: this computer is looked at, its packages, processor, GPU, codecs, disks and weights.
        sound: the speech; without it the video's own sound is looked at.
        fix: write repaired copies of what can be mended, ``talk.fixed.mp4`` and ``speech.fixed.wav``.
        out: the folder to write them to; None: each beside its original.
        dubber: the dubber whose need of pixels counts.
        progress: called while faces are looked for and pictures are looked through.

    Raises:
        InputError: no such dubber; ``fix`` of what is no file; ``out`` without ``fix``, or a file.
        MediaError: a file cannot be read.
        OutputError: a repaired file cannot be written.
    """
    _check(video, sound, fix, out, dubber)
    if video is None and sound is None:
        return environment.check()
    clip, speech, info = _opened(video, sound)
    notes = _looked(clip, speech, info, dubber, progress)
    figures = tuple(figure for note in notes for figure in note.figures)
    issues = sorted((issue for note in notes for issue in note.issues), key=lambda issue: ORDER.index(issue.severity))
    names = tuple(_name(each) for each in (clip, speech) if each is not None)
    found = Checked(names, figures, tuple(issues))
    if not fix:
        return found
    repaired = mending.mend(clip, speech, found, None if out is None else Path(out), progress)
    mended = {code for one in repaired for code in one.codes}
    remain = tuple(issue.code for issue in issues if issue.code not in mended and issue.severity != "info")
    return replace(found, repaired=repaired, remain=remain)


def _check(video: object, sound: object, fix: bool, out: Source | None, dubber: str) -> None:
    known = registry.members("dubbers")
    if dubber not in known:
        raise InputError(f"there is no {dubber!r} among the dubbers; there are: {', '.join(known)}")
    if out is not None and not fix:
        raise InputError(f"a folder to write to ({out}) was given, and nothing is written without --fix")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise InputError(f"{out} is a file; give a folder to write repaired files to")
    if fix and video is None and sound is None:
        raise InputError("give the VIDEO or SOUND to be repaired with --fix")
    if fix and any(isinstance(given, Clip | Audio) and given.source is None for given in (video, sound)):
        raise InputError("only a file can be repaired; what was given lies in memory")


def _opened(
    video: Source | Clip | None, sound: Source | Audio | None
) -> tuple[Clip | None, Audio | None, media.VideoInfo | None]:
    """The clip, the sound given, and what the video's file says."""
    clip = video if isinstance(video, Clip) else None
    info: media.VideoInfo | None = None
    if isinstance(video, str | Path):
        found = media.probe(video)
        if found.video is None and sound is None:
            return None, _sound(video), None
        clip, info = media.open(video), found.video
    return clip, _sound(sound), info


def _sound(sound: Source | Audio | None) -> Audio | None:
    """A sound whose samples were not looked at yet, so that what is wrong with them can be told."""
    if sound is None or isinstance(sound, Audio):
        return sound
    found = lazy_audio(sound)
    if found is None:
        raise InputError(f"{sound} has no sound track; give a file with speech in it")
    return found


def _looked(
    clip: Clip | None, speech: Audio | None, info: media.VideoInfo | None, dubber: str, progress: Progress | None
) -> list[Notes]:
    """The notes on picture and sound."""
    heard, seen = Notes(sound.SUBJECT), Notes(picture.SUBJECT)
    audio = speech if speech is not None or clip is None else clip.audio
    if audio is not None:
        sound.check(audio, heard, own=speech is None)
    elif clip is not None and clip.length > 1:
        heard.issue("no_sound", "info", "the video has no sound, and none was given beside it")
    if clip is not None:
        readable = audio if audio is not None and not any(i.code == "not_a_number" for i in heard.issues) else None
        picture.check(clip, info, readable, dubber, seen, progress)
    return [seen, heard]


def _name(each: Clip | Audio) -> str:
    return str(each.source) if each.source else "in memory"
