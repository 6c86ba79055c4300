"""Repaired copies of a video and a sound: what a program can mend, and nothing else. The originals stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from lipwright import loudness, media, ondisk
from lipwright.check import levels, sound, voices
from lipwright.check.denoise import denoised
from lipwright.check.found import Checked, Repaired
from lipwright.errors import InputError
from lipwright.media.encode import FORMATS
from lipwright.media.sound import blocks
from lipwright.media.soundfile import write_sound
from lipwright.media.target import refused
from lipwright.types import Audio, Clip, Edit, Float, Progress

IN_SOUND = frozenset(
    {
        "channels_cancel",
        "clipped",
        "dc_offset",
        "low_sample_rate",
        "noisy",
        "over_full_scale",
        "too_quiet",
        "silence_at_start",
        "silence_at_end",
    }
)
"""What is mended in a sound, the last two only in one of its own: a video's goes with its picture."""
ENDS = ("silence_at_start", "silence_at_end")
IN_PICTURE = frozenset({"variable_frame_rate"})
KEPT = 0.2
"""Seconds of silence that stay at either end."""
_ROUND = 2.0  # times the level at which waves were cut off that a mended top may reach
_PIECE, _CONTEXT = 1 << 18, 256


def mend(
    clip: Clip | None, speech: Audio | None, found: Checked, folder: Path | None, progress: Progress | None
) -> tuple[Repaired, ...]:
    """Write what can be mended of what was ``found``, into ``folder`` or beside the originals, and say what was done.

    Raises OutputError where a file cannot be written.
    """
    codes = [issue.code for issue in found.issues]
    made: list[Repaired] = []
    if speech is not None and (wanted := _of(codes, IN_SOUND)):
        made.append(_speech(speech, wanted, folder))
    if clip is not None and clip.length > 1:
        own = _of(codes, IN_SOUND - set(ENDS)) if speech is None else ()
        picture = _of(codes, IN_PICTURE)
        if own or picture:
            made.append(_video(clip, own, picture, folder, progress))
    return tuple(made)


def _of(codes: list[str], mendable: frozenset[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if code in mendable)


def _place(source: Path, suffix: str, folder: Path | None) -> Path:
    """``talk.fixed.mp4`` beside ``talk.mp4``, or in ``folder``, which is made."""
    if folder is not None:
        with refused(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return (folder or source.parent) / f"{source.stem}.fixed{suffix}"


def _speech(speech: Audio, codes: tuple[str, ...], folder: Path | None) -> Repaired:
    source = _source(speech)
    mended, done = _mended(speech, codes)
    out = write_sound(mended, _place(source, ".wav", folder))
    return Repaired(source, out, done, codes)


def _video(
    clip: Clip, own: tuple[str, ...], picture: tuple[str, ...], folder: Path | None, progress: Progress | None
) -> Repaired:
    source = _source(clip)
    suffix = source.suffix.lower()
    out = _place(source, suffix if suffix in FORMATS else ".mp4", folder)
    done: tuple[str, ...] = ()
    sounding = clip.audio
    if own and clip.audio is not None:
        sounding, done = _mended(clip.audio, own)
    if picture or sounding is None or not media.fits(source, out):
        done = (*done, f"every picture encoded again, at {float(clip.fps):.6g} frames a second throughout")
        media.write(clip.with_audio(sounding), out, progress=progress)
    else:
        done = (*done, "the pictures are copied as they are")
        media.with_sound(source, out, sounding)
    return Repaired(source, out.absolute(), done, (*own, *picture))


def _source(given: Audio | Clip) -> Path:
    if given.source is None:
        raise InputError("only a file can be repaired; what was given lies in memory")
    return given.source


@dataclass
class _Work:
    """A sound on its way, and what was done to it so far."""

    audio: Audio
    done: list[str] = field(default_factory=list)


def _mended(audio: Audio, codes: tuple[str, ...]) -> tuple[Audio, tuple[str, ...]]:
    """The sound with all of ``codes`` mended, in an order in which one step does not undo another."""
    work = _Work(Audio(audio.samples, audio.rate))
    steps: dict[str, Callable[[_Work], None]] = {
        "channels_cancel": lambda work: _first_channel(audio, work),
        "clipped": _declip,
        "dc_offset": _centre,
        "low_sample_rate": _resample,
        "noisy": _quieten,
    }
    for code, step in steps.items():
        if code in codes:
            step(work)
    if set(codes) & set(ENDS):
        _trim(work, codes)
    _level(work)
    edit = Edit(f"sound repaired ({', '.join(codes)})")
    return replace(work.audio, edits=(*audio.edits, edit)), tuple(work.done)


def _first_channel(original: Audio, work: _Work) -> None:
    work.audio = Audio(ondisk.keep(block[0].copy() for block in blocks(_source(original))), original.rate)
    work.done.append("the first channel alone is taken")


def _declip(work: _Work) -> None:
    spans, rate, length = levels.levels(work.audio).clipped, work.audio.rate, len(work.audio.samples)

    def mended(samples: Float, places: range) -> Float:
        at = np.arange(places.start, places.stop) / rate
        cut = np.zeros(len(at), bool)
        for start, stop in spans:
            cut |= (at >= start) & (at < stop)
        return _rounded(samples, cut)

    samples = ondisk.by_blocks(mended, length, work.audio.samples, range(length), context=_CONTEXT, size=_PIECE)
    work.audio = Audio(samples, rate)
    work.done.append("the tops that were cut off are rounded by cubic curves, a guess at what is gone")


def _rounded(samples: Float, cut: np.ndarray) -> Float:
    """float32 (N,) with what stands at the highest level of the part ``cut`` bool (N,) drawn anew from its sides."""
    level = float(np.abs(samples[cut]).max(initial=0.0))
    bad = cut & (np.abs(samples) >= levels.TOP * level)
    good = np.flatnonzero(~bad)
    if not bad.any() or len(good) < 4:
        return samples
    curve = CubicSpline(good, samples[good].astype(np.float64))(np.flatnonzero(bad))
    mended = samples.astype(np.float32).copy()
    sign = np.sign(samples[bad])
    mended[bad] = sign * np.clip(sign * curve, np.abs(samples[bad]), _ROUND * level)
    return mended


def _centre(work: _Work) -> None:
    offset = levels.levels(work.audio).offset
    samples = ondisk.keep(piece - np.float32(offset) for piece in ondisk.pieces(work.audio.samples))
    work.audio = Audio(samples, work.audio.rate)
    work.done.append(f"the offset of {offset:+.4f} is taken out")


def _resample(work: _Work) -> None:
    before = work.audio.rate
    work.audio = Audio(media.resample(work.audio, sound.RATE).samples, sound.RATE)
    work.done.append(f"resampled from {before} to {sound.RATE} Hz; nothing is gained above {before // 2} Hz")


def _quieten(work: _Work) -> None:
    heard = _listen(work.audio)
    less = denoised(work.audio, heard)
    if less is None:
        work.done.append("the noise is left: there is no pause that tells what it is like")
        return
    before, after = voices.snr(heard), voices.snr(_listen(less))
    work.audio = less
    work.done.append(f"noise lowered: the voice lies {before:.0f} dB above it before, {after:.0f} dB after")


def _listen(audio: Audio) -> voices.Heard:
    return voices.listen(media.resample(audio, voices.RATE))


def _trim(work: _Work, codes: tuple[str, ...]) -> None:
    spoken = _listen(work.audio).spoken
    if not spoken.any():
        return
    first, last = sound.ends(spoken, work.audio.duration)
    start = max(0.0, first - KEPT) if ENDS[0] in codes else 0.0
    stop = work.audio.duration - (max(0.0, last - KEPT) if ENDS[1] in codes else 0.0)
    work.audio = Audio(work.audio.cut(start, stop).samples, work.audio.rate)
    work.done.append(f"cut to {start:.2f}-{stop:.2f} s, which leaves {KEPT:g} s of silence at an end")


def _level(work: _Work) -> None:
    found = loudness.loudness(work.audio)
    gain = loudness.gain(ondisk.peak(work.audio.samples), found)
    samples = ondisk.keep(piece * np.float32(gain) for piece in ondisk.pieces(work.audio.samples))
    work.audio = replace(work.audio, samples=samples)
    after = found + 20 * float(np.log10(gain))
    work.done.append(f"loudness brought from {found:.1f} to {after:.1f} LUFS")
