"""Open a file as ffmpeg sees it, and turn every way in which that can fail into a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from lipwright import ondisk
from lipwright.errors import MediaError

_PNG = b"\x89PNG\r\n\x1a\n"
# The first bytes of still pictures and the demuxer that reads them. Naming the demuxer keeps ffmpeg
# from reading "a%03d.png" as the name of a whole series.
_STILLS = (
    (_PNG, "png_pipe"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"BM", "bmp_pipe"),
    (b"II*\x00", "tiff_pipe"),
    (b"MM\x00*", "tiff_pipe"),
)
# The demuxers that may read a file: those that look into that file alone. Playlists (hls, dash, concat, imf), session
# descriptions (sdp) and the like, which send the reader on to other files or hosts, and everything written as text
# (svg, subtitles, xbm) are not among them, whatever a file is called.
_PLAIN = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,asf,mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,vvc,av1,"
    "obu,ivf,vc1,rm,mxf,gxf,nut,nsv,dv,dirac,wtv,yuv4mpegpipe,mjpeg,mjpeg_2000,gif,apng,jpegxl_anim,webp,webp_pipe,"
    "png_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,j2k_pipe,bmp_pipe,tiff_pipe,ppm_pipe,pgm_pipe,pbm_pipe,pam_pipe,"
    "exr_pipe,dpx_pipe,qoi_pipe,psd_pipe,"
    "wav,w64,rf64,aiff,caf,au,voc,flac,mp3,aac,loas,latm,ac3,eac3,ac4,dts,dtshd,truehd,mlp,ogg,amr,amrnb,amrwb,ape,wv,"
    "tta,tak,mpc,mpc8,shn,dsf,iff,oma,gsm,sox,avs2,avs3,evc,apv,iamf,xwma,qcp"
)
_HEAD = 4096
_WEBP_MOVES = 2  # a bit of the flags of VP8X


def still_format(path: Path) -> str | None:
    """The demuxer of a still picture, chosen by content, or None when ``path`` is not a still.

    Raises MediaError for a WebP that moves, which ffmpeg does not decode.
    """
    head = _head(path)
    if head.startswith(_PNG) and _moving_png(path):
        return None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        if head[12:16] == b"VP8X" and any(flags & _WEBP_MOVES for flags in head[20:21]):
            raise MediaError(f"{path} is a WebP picture that moves, which cannot be read; convert it to a video (MP4)")
        return "webp_pipe"
    return next((name for magic, name in _STILLS if head.startswith(magic)), None)


@contextmanager
def opened(path: str | Path) -> Iterator[InputContainer]:
    """The file as an open container; closed at the end. No other file is read, whatever it says.

    Raises MediaError, naming the file and what is wrong with it, when it cannot be opened.
    """
    file = existing(path)
    demuxer = still_format(file) or ("apng" if _moving_png(file) else None)
    try:
        container = av.open(
            f"file:{file}",
            format=demuxer,
            options={"protocol_whitelist": "file", "format_whitelist": _PLAIN},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(_why(file, error)) from error
    with container:
        yield container


def existing(path: str | Path) -> Path:
    """``path`` as an absolute Path of a file that has content; MediaError says what else it is."""
    file = ondisk.named(path).absolute()
    try:
        if file.is_dir():
            raise MediaError(f"{file} is a folder; give a video, a picture or a sound file")
        if not file.exists():
            raise MediaError(f"there is no file {file}")
        if not file.is_file():
            raise MediaError(f"{file} is not an ordinary file; give a video, a picture or a sound file")
        if file.stat().st_size == 0:
            raise MediaError(f"{file} is empty (0 bytes); copy or download it again")
        _head(file)
    except OSError as error:
        raise MediaError(f"{file} cannot be read ({error.strerror or error})") from error
    return file


def video_of(container: InputContainer) -> VideoStream | None:
    """The first moving picture (or still) of a container; the cover of a song does not count."""
    for stream in container.streams.video:
        if not int(stream.disposition) & int(av.stream.Disposition.attached_pic):
            return stream
    return None


def audio_of(container: InputContainer) -> AudioStream | None:
    """The container's own choice of sound track, or None; MediaError where there is no decoder for it."""
    track = cast(AudioStream | None, container.streams.best("audio"))
    if track is not None and cast(object, track.codec_context) is None:
        name = container.name.removeprefix("file:")
        raise MediaError(f"{name} holds a kind of sound for which there is no decoder here; convert it to AAC or WAV")
    return track


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _moving_png(path: Path) -> bool:
    """Whether a file is a PNG of several frames: it says so in a chunk acTL before the first IDAT."""
    with path.open("rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return False
        while len(start := file.read(8)) == 8 and start[4:] != b"IDAT":
            if start[4:] == b"acTL":
                return int.from_bytes(file.read(4), "big") > 1
            file.seek(int.from_bytes(start[:4], "big") + 4, 1)  # the chunk and its checksum
    return False


def _why(path: Path, error: Exception) -> str:
    """The sentence for a file that ffmpeg does not open."""
    head = _head(path)
    if not head.strip(b"\0"):
        return f"{path} holds no data (its first bytes are all zero); copy or download it again"
    if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip"):
        return f"{path} is damaged: it is cut off or its index is missing; copy or download it again"
    if _is_text(head):
        return f"{path} is not a video, a picture or a sound (its content is text)"
    reason = getattr(error, "strerror", None) or str(error)
    return f"{path} is damaged or of a kind that cannot be read (ffmpeg says: {reason})"


def _is_text(head: bytes) -> bool:
    return b"\0" not in head and sum(byte < 9 or 13 < byte < 32 for byte in head) * 50 < len(head)
