"""Moving the sound against the picture without touching the picture: its packets, and where the sound lands."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

import drawn
from lipwright import media
from lipwright.errors import MediaError, OutputError
from lipwright.media.remux import fits, remux

RATE = 48000


def sweep(seconds: float) -> np.ndarray:
    """float32 (2, N): a tone that rises and never sounds the same twice."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.stack([0.5 * np.sin(2 * np.pi * (300 * time + 500 * time**2))] * 2).astype(np.float32)


def clip(folder: Path, suffix: str = ".mp4", **more: object) -> Path:
    """3 s of numbered pictures with a sweep, B-frames and all."""
    pictures = (drawn.numbered(n) for n in range(75))
    options = {"g": "25", "bf": "2"} if more.get("codec", "libx264") == "libx264" else {}
    return drawn.write(folder / f"clip{suffix}", pictures, audio=sweep(3.0), rate=RATE, options=options, **more)  # type: ignore[arg-type]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]


def lag(one: np.ndarray, other: np.ndarray, at: float, span: float = 1.0) -> float:
    """By how many seconds ``other`` is later than ``one`` around ``at`` s."""
    first, last = round((at - span / 2) * RATE), round((at + span / 2) * RATE)
    reach = round(0.7 * RATE)
    piece, wide = one[first:last], np.pad(other, reach)[first : last + 2 * reach]
    return (int(np.correlate(wide, piece, "valid").argmax()) - reach) / RATE


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("remux"))


@pytest.mark.parametrize(("suffix", "delay"), [(".mp4", 0.32), (".mp4", -0.48), (".mov", -0.1), (".mkv", -0.48)])
def test_a_constant_delay_copies_the_picture_bit_by_bit(
    source: Path, tmp_path: Path, suffix: str, delay: float
) -> None:
    made = remux(source, tmp_path / f"out{suffix}", delay=delay)
    assert packets(made) == packets(source)
    before, after = media.open(source), media.open(made)
    assert (after.fps, after.length, after.size) == (before.fps, before.length, before.size)
    assert [drawn.number_of(p) for p in after.read(30, 33)] == [30, 31, 32]
    assert abs(lag(before.audio.samples, after.audio.samples, 1.5) - delay) < 0.003
    tags = {name.lower(): value for name, value in media.probe(made).metadata.items()}
    assert "edited with lipwright" in tags["comment"]


def test_webm_too(tmp_path: Path) -> None:
    delay = -0.2
    source = clip(tmp_path, ".webm", codec="libvpx-vp9", audio_codec="libopus")
    made = remux(source, tmp_path / "out.webm", delay=delay)
    assert packets(made) == packets(source)
    before, after = media.open(source).audio, media.open(made).audio
    assert abs(lag(before.samples[: 3 * RATE], after.samples, 1.5) - delay) < 0.003


def test_a_rotated_picture_stays_rotated(tmp_path: Path) -> None:
    source = clip(tmp_path, rotation=90)
    made = remux(source, tmp_path / "out.mp4", delay=0.1)
    assert media.open(made).size == media.open(source).size == (48, 64)


def test_unsteady_pictures_keep_their_times(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(1).choice([0.03, 0.05, 0.09], 60)).tolist()
    pictures = (drawn.numbered(n) for n in range(60))
    source = drawn.write(tmp_path / "vfr.mp4", pictures, times=times, audio=sweep(3.0), rate=RATE)
    made = remux(source, tmp_path / "out.mkv", delay=0.08)
    one, other = (list(media.open(path).read()) for path in (source, made))
    assert [drawn.number_of(p) for p in one] == [drawn.number_of(p) for p in other]


@pytest.mark.parametrize("drift", [0.02, -0.02])
def test_drift_is_taken_out_of_the_sound_alone(tmp_path: Path, drift: float) -> None:
    sound = np.zeros((2, 3 * RATE), np.float32)
    for at in (0.8, 2.2):
        sound[:, round(at * RATE) : round(at * RATE) + 48] = 0.8
    source = drawn.write(tmp_path / "clip.mp4", (drawn.numbered(n) for n in range(75)), audio=sound, rate=RATE)
    made = remux(source, tmp_path / "out.mp4", delay=0.1, drift=drift)
    assert packets(made) == packets(source)
    heard = np.abs(media.open(made).audio.samples)
    for at in (0.8, 2.2):
        due = at + 0.1 + drift * at
        near = heard[round((due - 0.2) * RATE) : round((due + 0.2) * RATE)]
        assert abs(near.argmax() / RATE - 0.2) < 0.004
    assert media.probe(made).audio.channels == 2


def test_a_sound_that_the_file_type_does_not_take_is_encoded(tmp_path: Path) -> None:
    source = clip(tmp_path, ".mkv", audio_codec="pcm_s16le")
    made = remux(source, tmp_path / "out.mp4", delay=-0.2)
    assert media.probe(made).audio.codec == "aac"
    assert packets(made) == packets(source)
    before, after = (media.open(path).audio.samples for path in (source, made))
    assert abs(lag(before, after, 1.5) + 0.2) < 0.003


def test_a_picture_that_the_file_type_does_not_take(source: Path, tmp_path: Path) -> None:
    assert fits(source, "a.mov") and fits(source, "a.mkv") and not fits(source, "a.webm")
    with pytest.raises(OutputError, match=r"cannot take the picture .* end its name in \.mkv"):
        remux(source, tmp_path / "out.webm", delay=0.1)
    assert not (tmp_path / "out.webm").exists()


def test_nothing_to_move(source: Path, tmp_path: Path) -> None:
    mute = drawn.write(tmp_path / "mute.mp4", (drawn.numbered(n) for n in range(10)))
    with pytest.raises(MediaError, match="no sound track"):
        remux(mute, tmp_path / "out.mp4", delay=0.1)
    with pytest.raises(OutputError, match="a drift goes up to"):
        remux(source, tmp_path / "out.mp4", drift=0.5)
    assert list(tmp_path.glob("*out*")) == []


def test_another_sound_leaves_the_pictures_as_they_are(talk: Path, tmp_path: Path) -> None:
    sound = drawn.voice(3.0, 48000, seed=4)
    out = media.with_sound(talk, tmp_path / "out.mp4", sound)
    assert all(np.array_equal(a, b) for a, b in zip(media.open(talk).read(), media.open(out).read(), strict=True))
    heard = media.open_audio(out)
    assert heard.rate == 48000 and heard.duration == pytest.approx(3.0, abs=0.05)
    both = np.stack([heard.samples[:140000], sound.samples[:140000]])
    assert np.corrcoef(both)[0, 1] > 0.95


def test_another_sound_needs_a_picture_that_the_file_takes(talk: Path, speech: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end its name in \.mkv"):
        media.with_sound(talk, tmp_path / "out.webm", drawn.voice(1.0))
    with pytest.raises(OutputError):
        media.with_sound(speech, tmp_path / "out.mp4", drawn.voice(1.0))
