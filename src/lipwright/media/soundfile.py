"""Write a sound as a file: beside the target first, then renamed, so that a failure leaves nothing behind."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import av

from lipwright import provenance
from lipwright.errors import InputError, OutputError
from lipwright.media.encode import created
from lipwright.media.soundtrack import add_sound
from lipwright.media.target import beside, checked_target, why
from lipwright.types import Audio

SOUNDS = {".wav": "pcm_s16le", ".flac": "flac", ".mp3": "libmp3lame", ".m4a": "aac", ".ogg": "libopus"}
"""How a sound is encoded, by the suffix of its file."""


def sound_path(path: str | Path, *inputs: Path | None) -> Path:
    """``path`` as an absolute Path to which a sound may be written. Raises OutputError that says what is in the way."""
    return checked_target(path, SOUNDS, inputs)


def write_sound(audio: Audio, path: str | Path) -> Path:
    """Write ``audio`` to ``path`` (.wav 16 bit, .flac, .mp3, .m4a, .ogg) at its own rate, where the codec knows it.

    The file says how it was made, by the sound's ``edits``: see `lipwright.provenance`.

    Raises OutputError when the file cannot be written, InputError for a sound without samples or with NaN among them.
    """
    target = sound_path(path, audio.source)
    if len(audio.samples) == 0:
        raise InputError(f"a sound without samples cannot be written to {target}")
    provenance.wanted(target)
    origin = provenance.origin(audio.edits, sound=audio.source)
    with beside(target, target.parent) as part:
        try:
            with ExitStack() as stack:
                output = stack.enter_context(created(part, {}, origin))
                codec = SOUNDS[target.suffix.lower()]
                for packet in add_sound(output, audio, codec, frozenset(), stack):
                    output.mux(packet)
        except av.FFmpegError as error:
            raise OutputError(why(target, error)) from error
        provenance.sign(part, origin, target.name)
    return target
