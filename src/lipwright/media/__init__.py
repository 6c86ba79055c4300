"""Video, pictures and sound, in and out: the only place that knows ffmpeg (through PyAV).

``probe`` looks, ``open`` gives a lazy Clip, ``open_audio`` a sound, ``write`` makes a file (``output_path`` says
before the work whether it will), ``remux`` moves the sound against an untouched picture, ``with_sound`` gives it
another, ``stream`` runs one stage of a pipeline ahead of the next. Everything is streamed: memory does not grow with
length.
"""

from lipwright.media.encode import checked_quality, output_path, write
from lipwright.media.pipeline import stream
from lipwright.media.remux import fits, remux, with_sound
from lipwright.media.sound import AudioInfo, open_audio, resample
from lipwright.media.video import Probe, VideoInfo, open, probe

__all__ = [
    "AudioInfo",
    "Probe",
    "VideoInfo",
    "checked_quality",
    "fits",
    "open",
    "open_audio",
    "output_path",
    "probe",
    "remux",
    "resample",
    "stream",
    "with_sound",
    "write",
]
