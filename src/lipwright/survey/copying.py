"""Copy videos for a study: for any browser, under names that tell nothing, and some with a sound that is far off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex

from lipwright import media
from lipwright.errors import InputError
from lipwright.ondisk import content_key
from lipwright.survey.study import Stimulus
from lipwright.types import Progress

OFF = 1.0
"""Seconds by which the sound of a check is moved, or two fifths of a video shorter than 2.5 s."""
PICTURES, SOUNDS = {"h264"}, {"aac", "mp3"}
"""What every browser plays in an MP4."""
QUALITY = 12
"""Of what is encoded again: more than the eye tells from the source."""


def copied(
    found: Mapping[str, Mapping[str, Path]], folder: Path, moved: int, progress: Progress | None = None
) -> Iterator[Stimulus]:
    """Copy every clip of every system into ``folder``, and ``moved`` of the first system's, the longest, once more with
    the sound far off.

    What a browser plays is copied packet by packet, without its tags; the rest is encoded again.

    Raises:
        InputError: a picture, or a video without sound.
        MediaError: what cannot be read.
        OutputError: what cannot be written.
    """
    first = next(iter(found))
    total, made = sum(map(len, found.values())), []
    for system, clips in found.items():
        for clip, file in sorted(clips.items()):
            made.append(_copy(clip, system, file, folder))
            if progress:
                progress(len(made), total, "copying videos")
    yield from made
    own = sorted((each for each in made if each.system == first), key=lambda each: (-each.seconds, each.clip))
    for each in own[:moved]:
        off = min(OFF, 0.4 * each.seconds)
        name = token_hex(12)
        media.remux(folder / f"{each.name}.mp4", folder / f"{name}.mp4", delay=off)
        yield Stimulus(name, each.clip, each.system, each.seconds, each.sha256, each.source, off)


def _copy(clip: str, system: str, file: Path, folder: Path) -> Stimulus:
    look = media.probe(file)
    if look.video is None or look.still:
        raise InputError(f"{file} is not a video; a study shows videos")
    if look.audio is None:
        raise InputError(f"{file} has no sound; lips are judged beside the voice that they speak")
    name = token_hex(12)
    target = folder / f"{name}.mp4"
    plays = look.video.codec in PICTURES and look.video.pix_fmt == "yuv420p" and look.audio.codec in SOUNDS
    if plays and media.fits(file, target):
        media.remux(file, target)
    else:
        media.write(media.open(file), target, quality=QUALITY)
    return Stimulus(name, clip, system, round(look.duration, 3), content_key(file), file.name)
