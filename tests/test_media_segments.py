"""Resuming a write: the same file after any interruption, no more than needed done again, nothing left over."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import drawn
from lipwright import media
from lipwright.errors import InputError, OutputError
from lipwright.media import videotrack
from lipwright.types import Clip, Picture

LENGTH, SEGMENT = 70, 20
FPS = Fraction(30000, 1001)


class StopError(Exception):
    """Stands for whatever ends a write half-way."""


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videotrack, "SEGMENT", SEGMENT)
    monkeypatch.setattr(media.encode, "SEGMENT", SEGMENT)


def numbered(stop: int = LENGTH, begun: list[int] | None = None, key: str = "numbers") -> Clip:
    """A clip that says its frames' numbers and fails at frame ``stop``; notes in ``begun`` where reading starts."""

    def frames(start: int, end: int) -> Iterator[Picture]:
        if begun is not None:
            begun.append(start)
        yield from (drawn.numbered(n) for n in range(start, min(end, stop)))
        if stop < end:
            raise StopError

    return Clip(FPS, (64, 48), LENGTH, frames, drawn.voice(float(LENGTH / FPS), 16000), key=key)


def stopped(clip: Clip, path: Path, **options: object) -> Path:
    """The folder that a write which fails leaves beside ``path``."""
    with pytest.raises(StopError):
        media.write(clip, path, **options)  # type: ignore[arg-type]
    (folder,) = (p for p in path.parent.iterdir() if p != path)
    return folder


def packets(path: Path) -> list[tuple[int | None, int | None, bool, bytes]]:
    with av.open(str(path)) as container:
        return [(p.pts, p.dts, p.is_keyframe, bytes(p)) for p in container.demux(video=0) if p.size]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_resumed_file_has_the_packets_of_an_uninterrupted_one(tmp_path: Path, suffix: str) -> None:
    whole = media.write(numbered(), tmp_path / f"whole{suffix}")
    part = tmp_path / "again" / f"out{suffix}"
    part.parent.mkdir()
    kept = stopped(numbered(stop=55), part)
    assert sorted(p.name for p in kept.iterdir()) == [".lock", "000000.segment", "000001.segment"]
    begun: list[int] = []
    media.write(numbered(begun=begun), part)
    assert begun == [2 * SEGMENT]
    assert packets(part) == packets(whole)
    assert list(part.parent.iterdir()) == [part]
    if suffix in (".mp4", ".mov"):  # Matroska numbers every file at random
        assert part.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_segments_join_without_a_seam(tmp_path: Path, suffix: str) -> None:
    path = media.write(numbered(), tmp_path / f"a{suffix}")
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        rate = container.streams.video[0].average_rate
    assert [drawn.number_of(f.to_ndarray(format="rgb24")) for f in frames] == list(range(LENGTH))
    unit = frames[0].time_base
    assert all(abs(f.pts - n / FPS / unit) <= Fraction(1, 2) for n, f in enumerate(frames))
    assert rate == FPS
    assert {n for n, f in enumerate(frames) if f.key_frame} >= set(range(0, LENGTH, SEGMENT))
    if suffix == ".mp4":
        decoded = [dts for _, dts, _, _ in packets(path) if dts is not None]
        assert (np.diff(decoded) > 0).all()
        assert all(pts is not None and dts is not None and pts >= dts for pts, dts, *_ in packets(path))


def test_the_same_pictures_give_the_same_packets_every_time(tmp_path: Path) -> None:
    assert len({media.write(numbered(key=""), tmp_path / "a.mp4").read_bytes() for _ in range(6)}) == 1


def test_reading_may_start_at_any_segment_of_a_short_last_one(tmp_path: Path) -> None:
    """One frame more than whole segments: the last encoder sees a single frame."""
    clip = replace(numbered(), length=3 * SEGMENT + 1)
    assert media.open(media.write(clip, tmp_path / "a.mp4")).length == 3 * SEGMENT + 1


def test_all_finished_but_the_renaming(tmp_path: Path) -> None:
    """Stopped after the last picture, within the sound: no picture is made again."""
    path = tmp_path / "a.mp4"
    clip = replace(numbered(), audio=replace(drawn.voice(3.0, 16000), samples=np.full(48000, np.nan, np.float32)))
    with pytest.raises(InputError, match="not numbers"):
        media.write(clip, path)
    whole = media.write(numbered(), tmp_path / "b.mp4").read_bytes()

    def late(done: int, total: int, what: str) -> None:
        if done == total:
            raise StopError

    with pytest.raises(StopError):
        media.write(numbered(), path, progress=late)
    assert media.write(numbered(), path).read_bytes() == whole


def test_what_is_half_written_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    kept = stopped(numbered(stop=45), path)
    (kept / "000001.segment").rename(kept / "000001.part")
    (kept / "out.1234.part.mp4").touch()
    begun: list[int] = []
    media.write(numbered(begun=begun), path)
    assert begun == [SEGMENT]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("changed", ["key", "quality", "resume", "length"])
def test_only_the_same_content_is_taken_up(tmp_path: Path, changed: str) -> None:
    path = tmp_path / "a.mp4"
    stopped(numbered(stop=55), path)
    begun: list[int] = []
    clip = numbered(begun=begun, key="other" if changed == "key" else "numbers")
    clip = replace(clip, length=LENGTH - 1) if changed == "length" else clip
    quality = 30 if changed == "quality" else 18
    media.write(clip, path, quality=quality, resume=changed != "resume")
    assert begun == [0]
    if changed != "resume":
        assert list(tmp_path.iterdir()) == [path], "segments of another content for this output are of no use any more"


def test_another_outputs_segments_are_left_alone(tmp_path: Path) -> None:
    kept = stopped(numbered(stop=55), tmp_path / "a.mp4")
    other = media.write(numbered(), tmp_path / "b.mp4")
    assert sorted(tmp_path.iterdir()) == sorted([kept, other])


@pytest.mark.parametrize("how", ["no key", "no resume", "no segment finished"])
def test_a_failure_leaves_nothing_where_nothing_can_be_kept(tmp_path: Path, how: str) -> None:
    clip = numbered(stop=SEGMENT - 5 if how == "no segment finished" else 55, key="" if how == "no key" else "k")
    with pytest.raises(StopError):
        media.write(clip, tmp_path / "a.mp4", resume=how != "no resume")
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_file_keep_out_of_each_others_way(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    made: list[bytes] = []

    def meanwhile(done: int, total: int, what: str) -> None:
        if done == SEGMENT + 5:
            made.append(media.write(numbered(), path).read_bytes())

    media.write(numbered(), path, progress=meanwhile)
    assert made == [path.read_bytes()]
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_keeps_what_is_finished(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 255, (LENGTH, 120, 160, 3), np.uint8)
    begun: list[int] = []

    def frames(start: int, stop: int) -> Iterator[Picture]:
        begun.append(start)
        yield from noise[start:stop]

    clip = Clip(FPS, (160, 120), LENGTH, frames, key="noise")
    whole = media.write(clip, tmp_path / "whole.mp4").read_bytes()
    old = tmp_path / "out" / "a.mp4"
    old.parent.mkdir()
    old.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (round(0.7 * len(whole)), hard))
    try:
        with pytest.raises(OutputError, match=r"cannot be written .*; free some space"):
            media.write(clip, old)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert old.read_bytes() == b"old"
    begun.clear()
    assert media.write(clip, old).read_bytes() == whole
    assert begun[0] > 0
    assert list(old.parent.iterdir()) == [old]


def test_where_no_folder_can_be_made_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "mkdir", refused)
    path = media.write(numbered(), tmp_path / "a.mp4")
    assert media.open(path).length == LENGTH
    assert list(tmp_path.iterdir()) == [path]
