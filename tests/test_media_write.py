"""Files out: exact to the frame, sound copied, nothing half-written, flat memory."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import drawn
from counting import counted_frames, drawn_clip, numbers, packets, streams
from lipwright import media
from lipwright.errors import InputError, LipwrightError, MediaError, OutputError
from lipwright.types import Audio, Clip, Picture

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)


@pytest.mark.parametrize("fps", [Fraction(25), NTSC, FILM, Fraction(47, 2), Fraction(60)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_written_frames_rate_and_length_are_exact(tmp_path: Path, fps: Fraction, suffix: str) -> None:
    path = media.write(drawn_clip(53, fps=fps), tmp_path / f"a{suffix}")
    found = media.probe(path)
    assert (found.video.fps, found.video.length, found.video.variable) == (fps, 53, False)
    assert counted_frames(path) == 53
    assert numbers(media.open(path).read()) == list(range(53))
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(float(53 / fps), abs=0.002)


@pytest.mark.parametrize("size", [(63, 47), (64, 47), (2, 2), (1, 1)])
def test_odd_sizes_stay(tmp_path: Path, size: tuple[int, int]) -> None:
    path = media.write(drawn_clip(5, size), tmp_path / "a.mp4")
    video = media.probe(path).video
    assert video.size == size
    assert video.pix_fmt == ("yuv420p" if size == (2, 2) else "yuv444p")


def test_webm_is_vp9_and_opus(tmp_path: Path) -> None:
    clip = drawn_clip(10).with_audio(drawn.voice(0.4, 44100))
    found = media.probe(media.write(clip, tmp_path / "a.webm"))
    assert (found.video.codec, found.video.length) == ("vp9", 10)
    assert (found.audio.codec, found.audio.rate) == ("opus", 48000)


def test_the_whole_track_is_copied(tmp_path: Path, talk: Path) -> None:
    clip = media.open(talk)
    written = media.open(media.write(clip, tmp_path / "a.mp4"))
    np.testing.assert_array_equal(written.audio.samples, clip.audio.samples)
    assert packets(talk) == packets(written.source)
    assert media.probe(written.source).audio.channels == 2


def test_a_part_of_a_sound_keeps_its_rate_and_channels(tmp_path: Path) -> None:
    left, right = drawn.voice(2, 44100).samples, 0.5 * drawn.voice(2, 44100).samples[::-1]
    speech = media.open_audio(drawn.write_sound(tmp_path / "a.wav", np.stack([left, right]), 44100, "pcm_s16le"))
    part = media.resample(speech.cut(0.4), 16000).cut(0.1, 1.1)
    assert (part.source, part.span) == (speech.source, (0.5, 1.5))
    written = media.write(drawn_clip(25).with_audio(part), tmp_path / "a.mkv")
    info = media.probe(written).audio
    assert (info.codec, info.rate, info.channels) == ("aac", 44100, 2)
    heard = media.open_audio(written).samples[:44100]
    asked = speech.samples[22050 : 22050 + len(heard)]
    assert len(heard) >= 44100 - 2048
    assert np.corrcoef(heard, asked)[0, 1] > 0.98


def test_silence_before_and_after_a_sound_is_written(tmp_path: Path) -> None:
    both = np.stack([drawn.voice(1, 44100).samples] * 2)
    speech = media.open_audio(drawn.write_sound(tmp_path / "a.wav", both, 44100, "pcm_s16le"))
    padded = speech.padded(0.5, 0.5)
    assert padded.span == (-0.5, 1.5) and padded.duration == 2
    written = media.write(drawn_clip(50).with_audio(padded), tmp_path / "a.mkv")
    assert media.probe(written).audio.channels == 2
    heard = media.open_audio(written).samples
    assert np.abs(heard[:21000]).max() < 0.01 and np.abs(heard[67500:]).max() < 0.01
    assert np.corrcoef(heard[22050:66000], speech.samples[: 66000 - 22050])[0, 1] > 0.98
    with pytest.raises(InputError, match="give 0 or more"):
        speech.padded(-1)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize(
    ("name", "codec", "copied_into"),
    [
        ("a.wav", "pcm_s16le", {".mov", ".mkv"}),
        ("a.mp3", "libmp3lame", {".mp4", ".mov", ".mkv"}),
        ("a.flac", "flac", {".mp4", ".mkv"}),
        ("a.opus", "libopus", {".mp4", ".mkv", ".webm"}),
        ("a.m4a", "aac", {".mp4", ".mov", ".mkv"}),
        ("a.aac", "aac", {".mp4", ".mov", ".mkv"}),
        ("a.ts", "aac", {".mp4", ".mov", ".mkv"}),
        ("a.ac3", "ac3", {".mp4", ".mov", ".mkv"}),
    ],
)
def test_speech_is_copied_where_the_file_type_allows_it(
    tmp_path: Path, name: str, codec: str, copied_into: set[str], suffix: str
) -> None:
    voice = drawn.voice(1, 48000).samples
    speech = media.open_audio(drawn.write_sound(tmp_path / name, np.stack([voice, voice]), 48000, codec))
    written = media.write(drawn_clip(25).with_audio(speech), tmp_path / f"out{suffix}")
    before, after = media.probe(tmp_path / name).audio, media.probe(written).audio
    assert (after.codec == before.codec) == (suffix in copied_into)
    assert (after.rate, after.channels) == (48000, 2)
    heard = media.open_audio(written).samples
    overlap = min(len(heard), len(speech.samples)) - 100
    scores = [np.dot(heard[50 + lag : overlap + lag], speech.samples[50:overlap]) for lag in range(-40, 41)]
    assert abs(int(np.argmax(scores)) - 40) <= 24  # half a millisecond: Matroska keeps whole ones
    assert counted_frames(written) == 25


@pytest.mark.parametrize(("rate", "channels", "written"), [(48000, 2, 48000), (22050, 1, 22050), (96000, 6, 96000)])
def test_other_sound_is_encoded_at_its_own_rate_and_channels(
    tmp_path: Path, rate: int, channels: int, written: int
) -> None:
    samples = np.stack([drawn.voice(1, rate, seed=n).samples for n in range(channels)])
    speech = media.open_audio(drawn.write_sound(tmp_path / "a.wav", samples, rate))
    path = media.write(drawn_clip(25).with_audio(speech), tmp_path / "a.mp4")
    found = media.probe(path)
    assert (found.audio.codec, found.audio.rate, found.audio.channels) == ("aac", written, channels)
    heard = media.open_audio(path).samples[: len(speech.samples)]
    assert np.corrcoef(heard, speech.samples[: len(heard)])[0, 1] > 0.95


def test_odd_rates_go_to_the_next_one_the_encoder_knows(tmp_path: Path) -> None:
    path = media.write(drawn_clip(25).with_audio(drawn.voice(1, 37000)), tmp_path / "a.mp4")
    assert media.probe(path).audio.rate == 44100
    assert media.open_audio(path).duration == pytest.approx(1, abs=0.05)


def test_the_file_says_that_it_was_edited(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mov", ".mkv", ".webm"):
        tags = media.probe(media.write(drawn_clip(3), tmp_path / f"a{suffix}")).metadata
        assert any("edited with lipwright" in value for value in tags.values()), (suffix, tags)


def test_mp4_can_be_played_while_it_loads(tmp_path: Path) -> None:
    content = media.write(drawn_clip(10), tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_progress_and_quality(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    fine = media.write(drawn_clip(9), tmp_path / "a.mp4", quality=5, progress=lambda *step: seen.append(step))
    coarse = media.write(drawn_clip(9), tmp_path / "b.mp4", quality=45)
    assert seen == [(n, 9, "write") for n in range(1, 10)]
    assert coarse.stat().st_size < fine.stat().st_size
    with pytest.raises(InputError, match=r"quality goes from 0 .* given 52"):
        media.write(drawn_clip(9), tmp_path / "b.mp4", quality=52)


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.xyz", "end its name in .mp4"), ("a", "end its name"), ("none/a.mp4", "no folder"), ("dir.mp4", "is a folder")],
)
def test_where_it_cannot_be_written_is_a_sentence(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(OutputError, match=said):
        media.write(drawn_clip(3), tmp_path / name)
    with pytest.raises(OutputError, match=said):
        media.output_path(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["dir.mp4"]


def test_an_output_that_can_be_is_left_alone(tmp_path: Path) -> None:
    old = tmp_path / "a.mp4"
    old.write_bytes(b"old")
    assert media.output_path(old, tmp_path / "absent.mp4", None) == old
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody can write to")
def test_a_place_that_takes_no_file_is_a_sentence() -> None:
    with pytest.raises(OutputError, match=r"/proc/a.mp4 cannot be written"):
        media.write(drawn_clip(3), "/proc/a.mp4")


def test_an_input_is_never_overwritten(tmp_path: Path, talk: Path) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes(talk.read_bytes())
    (tmp_path / "link.mp4").symlink_to(video)
    for path in (video, tmp_path / "link.mp4"):
        with pytest.raises(OutputError, match="is an input"):
            media.write(media.open(video), path)
        with pytest.raises(OutputError, match="is an input"):
            media.write(drawn_clip(3).with_audio(media.open_audio(video)), path)
    assert video.read_bytes() == talk.read_bytes()


@contextmanager
def no_room(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes: what a full disk looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noisy = Clip(
        Fraction(25),
        (320, 240),
        40,
        lambda a, b: (random.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(a, b)),
    )
    old = tmp_path / "a.mp4"
    old.write_bytes(b"old")
    with no_room(200_000), pytest.raises(OutputError, match=r"cannot be written .*; free some space"):
        media.write(noisy, old)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


class StopError(Exception):
    pass


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt, MediaError])
def test_a_failure_on_the_way_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def frames(start: int, stop: int) -> Iterator[Picture]:
        yield from (drawn.numbered(n) for n in range(start, stop - 5))
        raise error("half-way")

    with pytest.raises(error):
        media.write(replace(drawn_clip(60), frames=frames), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
    assert not streams()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"length": 0}, "without frames"),
        ({"frames": lambda a, b: iter([])}, "promised 5 frames and gave 0"),
        ({"size": (32, 32)}, "should be uint8"),
        ({"audio": Audio(np.full(800, np.nan, np.float32), 16000)}, "not numbers"),
    ],
)
def test_a_clip_that_breaks_its_word_is_a_sentence(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(LipwrightError, match=said):
        media.write(replace(drawn_clip(5), **change), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def resident() -> int:
    """Bytes of memory in use now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Ten times the frames, the same peak (a frame is 230 kB: 900 more kept would be 207 MB)."""

    def peak(length: int) -> int:
        seen: list[int] = []
        path = media.write(drawn_clip(length, (320, 240)), tmp_path / f"{length}.mp4", quality=40)
        media.write(media.open(path), tmp_path / "again.mp4", quality=40, progress=lambda *_: seen.append(resident()))
        return max(seen)

    short = peak(100)
    assert peak(1000) - short < 40e6


def test_real_footage_passes_through(footage: Path, tmp_path: Path) -> None:
    source = media.open(footage / "full" / "s204_3fbd2c.mp4")  # 1080p, full range, not quite steady
    part = replace(source, length=12)
    path = media.write(part, tmp_path / "a.mp4")
    written = media.open(path)
    assert (written.fps, written.size, written.length, written.colour) == (source.fps, source.size, 12, source.colour)
    assert packets(source.source) == packets(path)
    for before, after in zip(part.read(), written.read(), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 2.5
