"""What a file says of itself before anything of it is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

import drawn
from lipwright.errors import MediaError
from lipwright.media.outline import outline


def test_a_video_says_its_size_and_length(talk: Path) -> None:
    found = outline(talk)
    assert (found.size, found.streams) == ((320, 240), 2)
    assert found.seconds == pytest.approx(3.0, abs=0.05)


def test_a_sound_has_no_size(speech: Path) -> None:
    found = outline(speech)
    assert (found.size, found.streams) == ((0, 0), 1)
    assert found.seconds == pytest.approx(2.02, abs=0.01)


def test_the_longest_time_of_any_packet_counts(tmp_path: Path) -> None:
    pictures = [drawn.numbered(number) for number in range(3)]
    path = drawn.write(tmp_path / "far.mkv", pictures, times=[0.0, 0.04, 500.0], options={})
    assert outline(path).seconds == pytest.approx(500.0, abs=1.0)


def test_what_is_damaged_behind_its_head_is_not_looked_at(tmp_path: Path, talk: Path) -> None:
    content = bytearray(talk.read_bytes())
    start = content.index(b"mdat") + 4
    content[start : start + 2000] = bytes(2000)
    (tmp_path / "a.mp4").write_bytes(content)
    assert outline(tmp_path / "a.mp4").size == (320, 240)


def test_what_is_no_media_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("#EXTM3U\n")
    with pytest.raises(MediaError, match="its content is text"):
        outline(tmp_path / "a.mp4")
