"""Files in: exact rates and lengths, own colours, sound in its place, and a sentence for everything that fails."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import wave
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import drawn
from counting import counted, numbers
from lipwright import media
from lipwright.errors import InputError, MediaError
from lipwright.types import Audio, Colour

NTSC = Fraction(30000, 1001)


# reading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fps", [Fraction(25), NTSC, Fraction(24000, 1001), Fraction(50), Fraction(15), Fraction(47, 2)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_steady_rates_are_exact_fractions(tmp_path: Path, fps: Fraction, suffix: str) -> None:
    clip = media.open(counted(tmp_path / f"a{suffix}", 40, fps=fps))
    assert (clip.fps, clip.length, clip.size) == (fps, 40, (64, 48))
    assert numbers(clip.read()) == list(range(40))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.avi", {"codec": "mpeg4", "options": {}}),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}),
        ("a.ts", {}),
        ("a.mov", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}}),
    ],
)
def test_reads_what_ffmpeg_reads(tmp_path: Path, name: str, how: dict[str, object]) -> None:
    clip = media.open(counted(tmp_path / name, 30, **how))
    assert (clip.fps, clip.length) == (25, 30)
    assert numbers(clip.read(11, 17)) == [11, 12, 13, 14, 15, 16]


def test_any_part_is_the_same_frames(tmp_path: Path) -> None:
    clip = media.open(counted(tmp_path / "a.mp4", 90, options={"crf": "12", "g": "24", "bf": "3"}))
    for start, stop in [(0, 3), (1, 2), (23, 26), (24, 25), (47, 60), (88, 90), (30, 30)]:
        assert numbers(clip.read(start, stop)) == list(range(start, stop))


def test_looking_gives_the_same_frames_hardly_darker(tmp_path: Path) -> None:
    clip = media.open(counted(tmp_path / "a.mp4", 60, options={"crf": "12", "g": "24"}))
    assert numbers(clip.look(21, 27)) == numbers(clip.part(20, 40).look(1, 7)) == [21, 22, 23, 24, 25, 26]
    lost = np.stack(list(clip.read(0, 9))).astype(int) - np.stack(list(clip.look(0, 9)))
    assert 0 <= lost.mean() < 2
    bright = replace(clip, frames=lambda start, stop: (255 - picture for picture in clip.frames(start, stop)))
    assert np.array_equal(next(bright.look(3)), next(bright.read(3)))


def test_late_first_frame_and_trimmed_start(tmp_path: Path) -> None:
    times = [3.0 + n / 25 for n in range(30)]
    clip = media.open(counted(tmp_path / "a.mkv", 30, times=times))
    assert (clip.fps, clip.length) == (25, 30)
    assert numbers(clip.read(12, 15)) == [12, 13, 14]


def test_variable_rate_shows_the_frame_of_the_instant(tmp_path: Path) -> None:
    """Thirty a second, with a hole of half a second, then fifteen a second."""
    times = [n / 30 for n in range(30)] + [1.5 + n / 30 for n in range(30)] + [2.5 + n / 15 for n in range(10)]
    path = counted(tmp_path / "a.mp4", len(times), times=times)
    clip = media.open(path)
    assert media.probe(path).video.variable
    assert clip.fps == 30
    assert abs(clip.length - 30 * (times[-1] + 1 / 15)) <= 2
    instants = np.arange(clip.length) / 30 + 1e-3
    expected = np.searchsorted(np.round(times, 4), instants, side="right") - 1
    assert numbers(clip.read()) == list(expected)
    assert numbers(clip.read(40, 44)) == list(expected[40:44])


def test_jitter_is_not_a_variable_rate(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    times = [n / 30 + 0.004 + random.uniform(-0.004, 0.004) for n in range(60)]
    path = counted(tmp_path / "a.mp4", 60, times=times)
    assert not media.probe(path).video.variable
    assert numbers(media.open(path).read()) == list(range(60))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, rotation: int) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = (250, 10, 10)
    path = drawn.write(tmp_path / "a.mp4", [picture] * 3, rotation=rotation)
    clip = media.open(path)
    upright = np.rot90(picture, rotation // 90)
    assert clip.size == (upright.shape[1], upright.shape[0])
    assert np.abs(next(clip.read()).astype(int) - upright).mean() < 12
    again = media.open(media.write(clip, tmp_path / "b.mp4"))
    assert (again.size, media.probe(again.source).video.rotation) == (clip.size, 0)


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (1, 5, 6, 5), (2, 1, 1, 1), (2, 6, 6, 6), (1, 9, 14, 9)])
def test_colours_follow_the_tags_and_stay(tmp_path: Path, tags: tuple[int, int, int, int]) -> None:
    patches = np.zeros((48, 64, 3), np.uint8)
    for column, colour in enumerate([(200, 40, 40), (40, 200, 40), (40, 40, 200), (230, 230, 230)]):
        patches[:, column * 16 : column * 16 + 16] = colour
    pix_fmt = "yuvj420p" if tags[0] == 2 else "yuv420p"
    clip = media.open(drawn.write(tmp_path / "a.mp4", [patches] * 3, tags=tags, pix_fmt=pix_fmt, options={"crf": "1"}))
    assert clip.colour == Colour(*tags[1:], full_range=tags[0] == 2)
    again = media.open(media.write(clip, tmp_path / "b.mp4", quality=1))
    assert again.colour == clip.colour
    for opened in (clip, again):
        seen = next(opened.read())[20:28, 6::16]
        assert np.abs(seen.astype(int) - patches[20:28, 6::16]).max() <= 6


def test_reading_and_writing_does_not_darken(tmp_path: Path) -> None:
    """ffmpeg's default conversion loses more than one level; five rounds would show."""
    random = np.random.default_rng(0)
    soft = np.kron(random.integers(40, 220, (6, 8, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    clip = first = media.open(drawn.write(tmp_path / "0.mp4", [soft] * 2, options={"crf": "1"}))
    for round_ in range(1, 6):
        clip = media.open(media.write(clip, tmp_path / f"{round_}.mp4", quality=1))
    lost = next(first.read()).astype(int) - next(clip.read())
    assert abs(lost.mean()) < 0.5


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_stills_by_content(tmp_path: Path, suffix: str) -> None:
    picture = drawn.face(0.5, (81, 60))
    path = drawn.still(tmp_path / f"a{suffix}", picture)
    misnamed = path.rename(tmp_path / "a%03d[1]é.mp4")
    clip = media.open(misnamed)
    assert (clip.length, clip.fps, clip.size, clip.audio) == (1, 25, (81, 60), None)
    assert media.probe(misnamed).still
    assert np.abs(next(clip.read()).astype(int) - picture).mean() < 4


@pytest.mark.parametrize("frames", [1, 12])
def test_a_png_that_moves_is_a_video(tmp_path: Path, frames: int) -> None:
    pictures = [drawn.numbered(number, (320, 240)) for number in range(frames)]
    path = drawn.write(tmp_path / "a.apng", pictures, codec="apng", pix_fmt="rgba", options={}).rename(
        tmp_path / "a%03d.png"
    )
    clip = media.open(path)
    assert [drawn.number_of(picture) for picture in clip.read()] == list(range(frames))
    assert (clip.size, clip.fps) == ((320, 240), 25)
    assert media.probe(path).still == (frames == 1)


@pytest.mark.parametrize("look", [media.open, media.probe, media.open_audio])
def test_a_webp_that_moves_says_so(tmp_path: Path, look: Callable[[Path], object]) -> None:
    path = drawn.write(tmp_path / "a.webp", drawn.talking(5).read(), codec="libwebp_anim", pix_fmt="bgra", options={})
    with pytest.raises(MediaError, match=r"a\.webp is a WebP picture that moves, .*; convert it to a video") as told:
        look(path)
    assert "ffmpeg" not in str(told.value)


def test_a_photo_taken_sideways_is_upright(tmp_path: Path) -> None:
    picture = drawn.face(0.5, (80, 60))
    content = drawn.still(tmp_path / "a.jpg", picture).read_bytes()
    turned = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, 6, 0, 0)
    path = tmp_path / "b.jpg"
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(turned) + 2) + turned + content[2:])
    clip = media.open(path)
    assert clip.size == (60, 80)
    assert np.abs(next(clip.read()).astype(int) - np.rot90(picture, -1)).mean() < 4


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)
        for n in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(drawn.numbered(n), format="rgb24")))
        output.mux(stream.encode(None))
    assert media.probe(path).video.aspect == Fraction(16, 11)
    assert media.probe(media.write(media.open(path), tmp_path / "b.mp4")).video.aspect == Fraction(16, 11)


def test_key_is_the_content(tmp_path: Path) -> None:
    path = counted(tmp_path / "a.mp4", 5)
    assert media.open(path).key == hashlib.sha256(path.read_bytes()).hexdigest()


def test_probe_tells_what_is_inside(tmp_path: Path, talk: Path) -> None:
    found = media.probe(talk)
    assert found.streams == ("video h264", "audio aac")
    assert (found.video.codec, found.video.pix_fmt, found.video.size) == ("h264", "yuv420p", (320, 240))
    assert (found.audio.codec, found.audio.rate, found.audio.channels) == ("aac", 44100, 2)
    assert found.duration == 3
    assert not found.still
    assert not found.video.variable
    sound = media.probe(drawn.write_sound(tmp_path / "a.wav", drawn.tone(1.5).samples, 16000))
    assert (sound.video, sound.audio.rate, sound.duration) == (None, 16000, 1.5)


def test_the_cover_of_a_song_is_not_a_video(tmp_path: Path, talk: Path) -> None:
    song = tmp_path / "song.mp4"
    with av.open(str(talk)) as source, av.open(str(song), "w") as output:
        sound = output.add_stream_from_template(source.streams.audio[0])
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(drawn.numbered(3), format="rgb24").reformat(format="yuvj420p")
        output.mux([*cover.encode(frame), *cover.encode(None)])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                output.mux(packet)
    with pytest.raises(MediaError, match="no picture, only sound"):
        media.open(song)
    assert media.open_audio(song).duration == pytest.approx(3, abs=0.03)


# damage ------------------------------------------------------------------------------------------------


def test_damage_in_the_middle_keeps_the_length(tmp_path: Path) -> None:
    path = counted(tmp_path / "a.mp4", 100, options={"crf": "12", "g": "10"})
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        spots = [p.pos for p in container.demux(video=0) if p.size]
    for spot in spots[40:55]:
        content[spot : spot + 400] = b"\xff" * len(content[spot : spot + 400])
    path.write_bytes(content)
    clip = media.open(path)
    shown = numbers(clip.read())
    assert (clip.length, len(shown)) == (100, 100)
    assert shown[:38] == list(range(38))
    assert shown[75:] == list(range(75, 100))
    assert len(numbers(clip.read(48, 52))) == 4


def test_a_transport_stream_cut_off_reads_to_the_cut(tmp_path: Path) -> None:
    whole = counted(tmp_path / "a.ts", 100)
    part = tmp_path / "b.ts"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    clip = media.open(part)
    shown = numbers(clip.read())
    assert 20 < clip.length < 80
    assert len(shown) == clip.length
    assert shown[:15] == list(range(15))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_video_cut_off_after_its_index_reads_to_the_cut(tmp_path: Path, talk: Path, share: float) -> None:
    content = media.write(media.open(talk), tmp_path / "a.mp4").read_bytes()
    path = tmp_path / "b.mp4"
    path.write_bytes(content[: int(len(content) * share)])
    clip = media.open(path)
    assert 0 < clip.length <= 75
    assert sum(1 for _ in clip.read()) == clip.length
    assert abs(clip.audio.duration - clip.duration) < 0.4


def bad_file(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("these are the minutes of the meeting\n" * 200)
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.ts\n#EXT-X-ENDLIST\n")
    elif kind == "zeros":
        path.write_bytes(bytes(50_000))
    elif kind == "random":
        path.write_bytes(np.random.default_rng(1).bytes(50_000))
    elif kind == "cut":
        whole = counted(tmp_path / "whole.mp4", 50).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "picture cut":
        picture = drawn.still(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))
        path.write_bytes(picture.read_bytes()[:60])
    return path


ELSEWHERE = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{other}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{other}'\n",
    "concat, beside it": "ffconcat version 1.0\nfile 'other.ts'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="1" bandwidth="1" mimeType="video/mp4"><BaseURL>{other}</BaseURL>'
    '<SegmentBase indexRange="0-10"/></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "asx": "[Reference]\nRef1=http://127.0.0.1/a.asf\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file://{other}"/></svg>',
    "html": "<html><script>alert(1)</script></html>",
    "xbm": "#define a_width 8\n#define a_height 1\nstatic char a_bits[] = {{ 0x13 }};",
    "mpjpeg": "--x\r\nContent-Type: image/jpeg\r\nContent-Length: 3\r\n\r\nabc",
}
"""Files that are text, and mostly send the reader on to others."""


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("reader", [media.open, media.open_audio, media.probe])
def test_a_file_that_names_others_is_refused_and_they_are_not_opened(tmp_path: Path, kind: str, reader) -> None:
    other, path = tmp_path / "other.ts", tmp_path / "a.mp4"
    os.mkfifo(other)
    path.write_text(ELSEWHERE[kind].format(other=other))
    opened = threading.Event()

    def feed() -> None:
        with other.open("wb"):  # waits until somebody opens it to read
            opened.set()

    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    with pytest.raises(MediaError, match="its content is text"):
        reader(path)
    assert not opened.is_set()
    reading = os.open(other, os.O_RDONLY | os.O_NONBLOCK)  # so that the thread ends
    feeding.join(10)
    os.close(reading)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("absent", "there is no file"),
        ("folder", "is a folder"),
        ("empty", r"is empty \(0 bytes\)"),
        ("text", "its content is text"),
        ("playlist", "its content is text"),
        ("zeros", "holds no data"),
        ("random", "damaged or of a kind"),
        ("cut", "cut off or its index is missing"),
        ("picture cut", "no frame that can be decoded|damaged"),
    ],
)
@pytest.mark.parametrize("reader", [media.open, media.open_audio, media.probe])
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, kind: str, said: str, reader, capfd) -> None:
    path = bad_file(tmp_path, kind)
    with pytest.raises(MediaError, match=said if reader is media.open else None) as caught:
        reader(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""  # ffmpeg says nothing of its own


# sound -------------------------------------------------------------------------------------------------


def test_sound_is_mono_at_its_own_rate(tmp_path: Path) -> None:
    left, right = drawn.tone(1, 22050, 300).samples, drawn.tone(1, 22050, 700).samples
    audio = media.open_audio(drawn.write_sound(tmp_path / "a.wav", np.stack([left, right]), 22050))
    assert (audio.rate, audio.samples.dtype, audio.source.name) == (22050, np.float32, "a.wav")
    np.testing.assert_allclose(audio.samples, (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.opus", "libopus"), ("a.m4a", "aac")]
)
def test_sound_of_any_kind_starts_in_time(tmp_path: Path, name: str, codec: str) -> None:
    voice = drawn.voice(2, 48000)
    audio = media.open_audio(drawn.write_sound(tmp_path / name, voice.samples, 48000, codec))
    assert audio.duration == pytest.approx(2, abs=0.06)
    overlap = min(len(audio.samples), len(voice.samples))
    lags = range(-60, 61)
    score = [np.dot(audio.samples[100 + lag : overlap - 100 + lag], voice.samples[100 : overlap - 100]) for lag in lags]
    assert abs(lags[int(np.argmax(score))]) <= 2


def test_sound_is_laid_on_the_first_frame(tmp_path: Path) -> None:
    """A track that starts 0.5 s before or after the picture keeps its distance, decoded and copied."""
    for late in (-0.5, 0.5):
        path = tmp_path / f"{late}.mp4"
        times = [max(0.0, -late) + n / 25 for n in range(50)]
        clicks = np.zeros((1, 2 * 48000), np.float32)
        clicks[0, 48000 : 48000 + 480] = 0.8
        drawn.write(path, (drawn.numbered(n) for n in range(50)), times=times, audio=clicks, rate=48000)
        if late > 0:
            path = _later(path, tmp_path / "later.mkv", late)
        clip = media.open(path)
        assert _click(clip.audio) == pytest.approx(1 + late, abs=0.005)
        copied = media.open(media.write(clip, tmp_path / f"{late} copied.mp4"))
        assert _click(copied.audio) == pytest.approx(1 + late, abs=0.005)


def _later(path: Path, to: Path, seconds: float) -> Path:
    """The same file with its sound moved by copying packets."""
    with av.open(str(path)) as source, av.open(str(to), "w") as output:
        streams = [output.add_stream_from_template(s) for s in source.streams]
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts += round(seconds / packet.time_base)
                packet.dts += round(seconds / packet.time_base)
            packet.stream = streams[packet.stream_index]
            output.mux(packet)
    return to


def _click(audio: Audio) -> float:
    return int(np.argmax(np.abs(audio.samples) > 0.4)) / audio.rate


def test_sound_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no sound track"):
        media.open_audio(counted(tmp_path / "a.mp4", 5))
    broken = drawn.tone(1).samples
    broken[5000] = np.nan
    with pytest.raises(MediaError, match="not numbers"):
        media.open_audio(drawn.write_sound(tmp_path / "nan.wav", broken, 16000))
    with wave.open(str(tmp_path / "none.wav"), "wb") as empty:
        empty.setparams((1, 2, 16000, 0, "NONE", ""))
    with pytest.raises(MediaError, match=r"without a single sample"):
        media.open_audio(tmp_path / "none.wav")


def test_resampling_keeps_time_and_pitch(tmp_path: Path) -> None:
    audio = media.resample(drawn.tone(1, 44100, 1000), 16000)
    assert (audio.rate, len(audio.samples), audio.samples.dtype) == (16000, 16000, np.float32)
    assert np.argmax(np.abs(np.fft.rfft(audio.samples))) == 1000
    assert media.resample(audio, 16000) is audio
    with pytest.raises(InputError, match="above 0 Hz"):
        media.resample(audio, 0)


def test_the_sound_of_a_clip_is_decoded_only_when_used(talk: Path) -> None:
    audio = media.open(talk).audio
    assert "samples" not in vars(audio)
    assert audio.duration == pytest.approx(3, abs=0.03)
    assert replace(audio, source=None).samples is audio.samples


def test_real_footage_of_variable_rate(footage: Path) -> None:
    path = footage / "full" / "s003_3f8754.mp4"
    clip = media.open(path)
    assert media.probe(path).video.variable
    assert clip.fps == 30
    assert abs(clip.duration - clip.audio.duration) < 0.25
    assert sum(1 for _ in clip.read()) == clip.length
