"""Scenes for what users suffer: drawn people who move, are hidden or gone, and what is seen of their mouths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

import lipwright
from lipwright import cli, faces, media, mouth
from lipwright.types import Audio, Clip, Picture

LIPS = (180, 80, 80)
MOUTH = (slice(140, 215), slice(105, 215))
"""Where the mouth of a face that `drawn.face` draws in the middle of 320 x 240 may change."""


def spoken(seconds: float, rate: int = 16000) -> Audio:
    """The synthetic voice of the demonstration, over and over."""
    sentence = Path(lipwright.__file__).parent / "assets" / "sentence-1.m4a"
    said = media.resample(media.open_audio(sentence), rate).samples
    return Audio(np.resize(said, round(seconds * rate)), rate)


def film(pictures: Sequence[Picture], fps: Fraction = Fraction(25)) -> Clip:
    """A clip of pictures held in memory."""
    height, width = pictures[0].shape[:2]
    return Clip(fps, (width, height), len(pictures), lambda start, stop: iter(pictures[start:stop]))


def made(draw: Callable[[int], Picture], length: int, fps: Fraction = Fraction(25)) -> Clip:
    """A clip whose pictures are drawn when they are asked for."""

    def frames(start: int, stop: int) -> Iterator[Picture]:
        return (draw(number) for number in range(start, stop))

    height, width = draw(0).shape[:2]
    return Clip(fps, (width, height), length, frames)


def apart(one: Picture, other: Picture) -> np.ndarray:
    """int (H, W): how far two pictures are apart, in levels."""
    return np.abs(one.astype(int) - other.astype(int)).max(axis=2)


def mouths(picture: Picture) -> np.ndarray:
    """float (N, 2): the middles x, y of the patches that have the colour of drawn lips."""
    near = np.abs(picture.astype(int) - LIPS).sum(axis=2) < 60
    count, _, stats, centres = cv2.connectedComponentsWithStats(near.astype(np.uint8))
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= 12]
    return centres[large]


def openings(clip: Clip) -> np.ndarray:
    """float (T,): how far the mouth is open in each frame, in distances between the eyes' outer corners."""
    track = faces.track(replace(clip, key=""))
    pose = faces.steady_pose(track.points, 1.5)
    return mouth.opening(faces.to_canonical(track.points, pose)[:, faces.canonical().moving])


def said(arguments: Sequence[str | Path], capfd: pytest.CaptureFixture[str]) -> str:
    """The one sentence of a command that cannot be done."""
    capfd.readouterr()
    assert cli.main([str(argument) for argument in arguments]) == 1
    told = capfd.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1 and "Traceback" not in told.err
    return told.err


@pytest.fixture
def torch() -> Iterator[ModuleType]:
    """PyTorch in one thread; several wait for each other where processors are few and busy."""
    found = pytest.importorskip("torch")
    pytest.importorskip("lightning")
    before = found.get_num_threads()
    found.set_num_threads(1)
    yield found
    found.set_num_threads(before)
