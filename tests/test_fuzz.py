"""Readers of files that people make, or that come from anywhere: whatever is in them is read, or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")

from hypothesis import HealthCheck, given, settings, strategies as st

import drawn
from lipwright import media, shards, subtitles
from lipwright.commands import dub as command, table
from lipwright.datasets import manifest
from lipwright.errors import LipwrightError
from lipwright.measure import lists, settings as thresholds
from lipwright.prepare import doctor
from lipwright.provenance import told
from lipwright.types import Audio

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

SCRAPS = st.sampled_from(
    [
        "1\n", "00:00:01,000 --> 00:00:02,500\n", "00:00:02.5 --> 00:00:01\n", "99:99:99,999 --> 1\n", "WEBVTT\n\n",
        "NOTE\n", "<i>Hello</i>\n", "-->", "\ufeff", "\r\n", "\n\n", '"', ",", "\0", "\t", "0x", "~", "::",
        "file,speaker,split\n", "a.mp4,b,train\n", "../../x,,val\n", "video,out\n", "a,b\n", "id,split\n", "x,train\n",
        "smooth: 1\n", "- 1\n", "{", "}", "[", "&a [*a]\n", "!!python/object:os.system x\n", ".nan", "1e999", "-.inf",
        "%TAG ! x\n", "--- ---\n", "contrast: 0.1\n", "rate: {low: 1, high: 2}\n", "network: ours\n", "a b\n",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(SCRAPS, st.text(max_size=20)), max_size=12).map("".join)
CONTENTS = st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=200))


def read_table(path: Path) -> object:
    return table.lines(path, command._options)


def read_manifest(path: Path) -> object:
    return list(manifest.items(path.rename(path.with_name("manifest.csv")).parent))


def read_recipe(path: Path) -> object:
    recipes = pytest.importorskip("lipwright.train.recipes", reason="the extra train is not installed")
    return recipes.read(path.rename(path.with_name("a.yaml")))


def read_space(path: Path) -> object:
    space = pytest.importorskip("lipwright.tune.space", reason="the extra tune is not installed")
    return space.read(path.rename(path.with_name("a.yaml")), "expert")


def read_check(path: Path) -> object:
    return doctor.check(path.rename(path.with_name("manifest.csv")).parent)


READERS: dict[str, Callable[[Path], object]] = {
    "subtitles": subtitles.read,
    "table": read_table,
    "manifest": read_manifest,
    "prepared": read_check,
    "recipe": read_recipe,
    "space": read_space,
    "list": lists.read,
    "thresholds": thresholds.read,
    "probe": media.probe,
    "sound": lambda path: media.open_audio(path).samples[:1],
    "shards": lambda path: shards.read(path.rename(path.with_name("index.json")).parent),
}


@pytest.mark.parametrize("reader", READERS)
@quick
@given(content=CONTENTS)
def test_any_content_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, reader: str, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.srt"
    path.write_bytes(content)
    refused_or_read(READERS[reader], path)


def refused_or_read(read: Callable[[Path], object], path: Path) -> None:
    try:
        read(path)
    except LipwrightError as error:
        assert len(str(error)) > 20


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Small files of several kinds."""
    folder = tmp_path_factory.mktemp("samples")
    clip = drawn.talking(6, size=(64, 48))
    kinds = [media.write(clip, folder / f"a{suffix}", resume=False) for suffix in (".mp4", ".mkv", ".webm", ".mov")]
    kinds.append(drawn.write_sound(folder / "a.wav", drawn.voice(0.2, 8000).samples, 8000))
    return [path.read_bytes() for path in kinds]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.integers(0, 4),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=8),
)
def test_damaged_media_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory,
    samples: list[bytes],
    kind: int,
    cut: float,
    flips: list[tuple[float, int]],
) -> None:
    content = bytearray(samples[kind][: max(1, round(len(samples[kind]) * cut))])
    for where, bits in flips:
        content[round(where * (len(content) - 1))] ^= bits
    path = tmp_path_factory.mktemp("fuzz") / "a.mp4"
    path.write_bytes(bytes(content))
    refused_or_read(media.probe, path)
    refused_or_read(whole, path)
    refused_or_read(lambda found: told(found, {}), path)


def whole(path: Path) -> Any:
    """Every frame and sample of a file of at most so many."""
    clip = media.open(path)
    if clip.length > 200 or clip.size[0] * clip.size[1] > 4e6:
        return None  # what a damaged head claims
    sound = clip.audio.samples if clip.audio else np.zeros(0)
    return sum(int(picture[0, 0, 0]) for picture in clip.read()), float(np.sum(sound[:1000]))


@quick
@given(st.lists(st.floats(width=32), max_size=50), st.integers(-5, 50000))
def test_any_samples_are_a_sound_or_refused(samples: list[float], rate: int) -> None:
    try:
        sound = Audio(np.array(samples, np.float32), rate)
    except LipwrightError:
        assert rate <= 0
        return
    assert sound.cut(0.0, 1.0).duration <= sound.duration
    assert json.dumps(sound.padded(0.01, 0.02).duration)
