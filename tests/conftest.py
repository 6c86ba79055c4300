"""What several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import drawn

_FOOTAGE = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _unsigned() -> Iterator[None]:
    """What is written is the same every time: no signature, and always the same date; `test_provenance` wants both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPWRIGHT_SIGN", "off")
        patch.setenv("SOURCE_DATE_EPOCH", "1750000000")
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_realtime_process() -> Iterator[None]:
    """A library that makes this process a realtime one would starve all others: `test_footage` tells of one."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture(scope="session")
def footage() -> Path:
    """The folder of real footage (clips/, full/, manifest.csv); tests that need it are skipped without."""
    if not (_FOOTAGE / "manifest.csv").is_file():
        pytest.skip("real footage is not here (../shared/data)")
    return _FOOTAGE


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn face that speaks a drawn voice: 3 s, 320x240, 25 fps, H.264 with AAC at 44.1 kHz stereo."""
    clip = drawn.talking(75, rate=44100)
    assert clip.audio is not None
    path = tmp_path_factory.mktemp("drawn") / "talk.mp4"
    return drawn.write(path, clip.read(), audio=np.stack([clip.audio.samples] * 2), rate=44100)


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn voice of 2.02 s, wav, 48 kHz mono: not a whole number of frames."""
    path = tmp_path_factory.mktemp("drawn") / "speech.wav"
    return drawn.write_sound(path, drawn.voice(2.02, 48000, seed=1).samples, 48000)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """torch computes with one thread: small networks are quicker so, and give the same every time."""
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
