"""Every figure and finding about a sound."""

from __future__ import annotations

import math

import numpy as np

from lipwright import loudness, ondisk
from lipwright.check import levels, voices
from lipwright.check.found import Figure, Notes, Severity, Spans, total
from lipwright.errors import MediaError, PullError, UnsoundError
from lipwright.media import resample
from lipwright.types import Audio

SUBJECT = "sound"
RATE, BANDWIDTH = 16000, 6500.0
"""Hz; speech is heard up to half the one, a sound that ends below the other was resampled up."""
SNR = 15.0
"""dB"""
OFFSET = 0.005
"""Parts of full scale"""
OVER = 1.01
"""Parts of full scale; a rounding error is no matter."""
CLIPPED = 0.25
"""Seconds of blocks in which waves are cut off."""
LOUD = -35.0
"""LUFS"""
ENDS, SPEECH, LEAST = 0.5, 0.3, 0.3
"""Seconds of silence at either end; the share of speech; seconds of it."""
CANCEL = 0.8


def check(audio: Audio, notes: Notes, own: bool = False) -> None:
    """Note all of a sound, in pieces: memory does not grow with its length.

    ``own``: it is a video's own, whose silences belong to it and are no more than told.

    Raises:
        MediaError: its file cannot be read.
        PullError: the network that hears speech is not here and cannot be brought.
    """
    try:
        samples = audio.samples
    except UnsoundError as problem:
        notes.issue("not_a_number", "error", str(problem))
        return
    if not ondisk.finite(samples):
        notes.issue("not_a_number", "error", "the sound holds samples that are not numbers (NaN or infinite)")
        return
    notes.figure("sound_seconds", "length", round(audio.duration, 3), "s")
    _rate(audio, notes)
    if audio.duration < LEAST:
        _no_speech(0.0, audio.duration, notes)
        return
    _levels(audio, notes)
    heard_at = resample(audio, voices.RATE)
    _heard(heard_at, voices.listen(heard_at), audio.duration, notes, own)


def _rate(audio: Audio, notes: Notes) -> None:
    fine = audio.rate >= RATE
    notes.figure("sample_rate", "sample rate", audio.rate, "Hz", f"at least {RATE}", fine)
    if not fine:
        message = f"the sound has {audio.rate} samples a second; {RATE} and more are needed to hear s, f and t"
        notes.issue("low_sample_rate", "warning", message)
    if audio.source is not None:
        share = levels.cancelling(audio.source)
        notes.figure("cancelling", "lost when channels are added", share, "", f"below {CANCEL:g}", share < CANCEL)
        if share >= CANCEL:
            message = f"{share:.0%} of the sound is lost when its two channels are added: one is upside down"
            notes.issue("channels_cancel", "error", message)


def _levels(audio: Audio, notes: Notes) -> None:
    found = levels.levels(audio)
    over = found.peak > OVER
    notes.figure("peak", "peak", found.peak, "of full scale", f"at most {OVER:g}", not over)
    if over:
        message = f"the sound reaches {found.peak:.2f} of full scale; players cut off what is above 1"
        notes.issue("over_full_scale", "info", message)
    fine = abs(found.offset) < OFFSET
    notes.figure("dc_offset", "offset from zero", found.offset, "of full scale", f"within {OFFSET:g}", fine)
    if not fine:
        message = f"the sound lies {found.offset:+.3f} of full scale beside zero"
        notes.issue("dc_offset", "warning", message)
    cut = total(found.clipped)
    notes.figure("clipped", "waves cut off", cut, "s", "none", cut < CLIPPED)
    if cut >= CLIPPED:
        message = f"the tops of the waves are cut off in {cut:.2f} s, at {found.peak:.2f} of full scale"
        notes.issue("clipped", "warning", message, found.clipped)
    narrow = audio.rate >= RATE and 0 < found.bandwidth < BANDWIDTH
    limit = f"at least {BANDWIDTH:.0f}"
    notes.figure("bandwidth", "highest frequency heard", found.bandwidth or math.nan, "Hz", limit, not narrow)
    if narrow:
        message = (
            f"nothing is heard above {found.bandwidth:.0f} Hz, though the sample rate would carry {audio.rate // 2}"
        )
        notes.issue("narrow_band", "warning", message)
    loud = loudness.loudness(audio)
    notes.figure("loudness", "loudness", loud, "LUFS", f"at least {LOUD:g}", loud >= LOUD)
    if -math.inf < loud < LOUD:
        message = f"the loudness is {loud:.1f} LUFS; {loudness.TARGET:g} is usual, and below {LOUD:g} words are lost"
        notes.issue("too_quiet", "warning", message)


def _heard(audio: Audio, heard: voices.Heard, seconds: float, notes: Notes, own: bool) -> None:
    spoken = heard.spoken
    said = float(spoken.sum()) * voices.STEP
    share = min(1.0, said / seconds)
    notes.figure("speech", "speech", round(100 * share), "%", f"at least {100 * SPEECH:.0f}", share >= SPEECH)
    if said < LEAST:
        _no_speech(said, seconds, notes)
    else:
        if share < SPEECH:
            message = f"speech is heard in {said:.1f} of {seconds:.1f} s"
            notes.issue("mostly_silent", "info", message)
        _ends(spoken, seconds, notes, "info" if own else "warning")
        ratio = voices.snr(heard)
        notes.figure("snr", "voice above noise", ratio, "dB", f"at least {SNR:g}", not ratio < SNR)
        if ratio < SNR:
            notes.issue(
                "noisy", "warning", f"the voice lies {ratio:.0f} dB above the noise; {SNR:g} and more are needed"
            )
    held, spans = voices.music(audio)
    limit = f"below {voices.PARTIALS:g}"
    notes.figure("held_tones", "tones that are held", held, "at a time", limit, not spans)
    if spans:
        notes.issue("music", "warning", f"tones are held as in music for {total(spans):.1f} s", spans)
    _company(audio, heard, notes)


def _no_speech(said: float, seconds: float, notes: Notes) -> None:
    notes.issue("no_speech", "error", f"speech is heard in {said:.1f} of {seconds:.1f} s only")


def ends(spoken: np.ndarray, seconds: float) -> tuple[float, float]:
    """Seconds before the first speech and after the last; ``spoken`` bool (T,), every 32 ms, not all False."""
    steps = np.flatnonzero(spoken)
    return float(steps[0]) * voices.STEP, max(0.0, seconds - float(steps[-1] + 1) * voices.STEP)


def _ends(spoken: np.ndarray, seconds: float, notes: Notes, severity: Severity) -> None:
    first, last = ends(spoken, seconds)
    both: tuple[tuple[str, str, float, Spans], ...] = (
        ("silence_at_start", "before", first, ((0.0, first),)),
        ("silence_at_end", "after", last, ((seconds - last, seconds),)),
    )
    for code, where, value, spans in both:
        what = f"silence {where} the speech"
        notes.figure(code, what, value, "s", f"at most {ENDS:g}", value <= ENDS)
        if value > ENDS:
            notes.issue(code, severity, f"nothing is said for {value:.2f} s {where} the speech", spans)


def _company(audio: Audio, heard: voices.Heard, notes: Notes) -> None:
    what, limit = "likeness of its two most different voices", "at least 0.7"
    try:
        found = voices.company(audio, heard)
    except (PullError, MediaError) as problem:
        notes.figures.append(Figure("voices", what, None, "", f"not measured: {problem}", subject=notes.subject))
        return
    if math.isnan(found.alike):
        limit = "takes 4 s of speech"
    notes.figure("voices", what, found.alike, "", limit, not found.other)
    if found.other:
        message = f"two voices are heard, as unlike as {found.alike:.2f}; the one heard less"
        notes.issue("several_voices", "warning", message, found.other)
