"""A folder in which a person can be dubbed: the portrait as a video, and a synthetic voice."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

import drawn
import lipwright
from lipwright import media, registry
from lipwright.types import Audio

ASSETS = Path(lipwright.__file__).parent / "assets"


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """talk.mp4, 1 s of the portrait at 25 fps with silent sound; portrait.png; speech.wav, 1.02 s of a voice."""
    for name in ("portrait", "face_landmark", "face_detection_full_range"):
        if not registry.is_here(name):
            pytest.skip(f"{name} is not here; `lipwright models pull` brings it")
    folder = tmp_path_factory.mktemp("studio")
    still = media.open(registry.path("portrait"))
    picture = next(still.read())
    frames = lambda start, stop: repeat(picture, stop - start)  # noqa: E731
    clip = replace(still, length=25, frames=frames, audio=Audio(np.zeros(16000, np.float32), 16000), source=None)
    media.write(clip, folder / "talk.mp4")
    (folder / "portrait.png").write_bytes(registry.path("portrait").read_bytes())
    voice = media.open_audio(ASSETS / "sentence-1.m4a").cut(0.0, 1.02)
    drawn.write_sound(folder / "speech.wav", voice.samples, voice.rate)
    return folder
