"""Measure one video: everything that applies, with floor and ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipwright import faces, features, motion, provenance, speech as voices
from lipwright.errors import InputError
from lipwright.measure import whom
from lipwright.measure.found import Judged, Measured
from lipwright.measure.judging import SHORTEST, Expert, diagnosed, expert as chosen, judged
from lipwright.measure.settings import Settings, read
from lipwright.measure.watching import Watch, own, tells
from lipwright.media import probe, resample
from lipwright.metrics import Case
from lipwright.ondisk import content_key
from lipwright.types import Audio, Clip, FaceTrack, Float, Issue, Measure, Phone, Progress

SILENT = 10 ** (-70 / 20)
LEAST_SPEECH = 0.3
PIECE_SECONDS, AROUND_SECONDS = 60.0, 1.0
FILLED = 2048
"""Samples by which a codec may fill up the end of a sound."""


def measure(
    clip: Clip,
    *,
    reference: Clip | None = None,
    source: Clip | None = None,
    speech: Audio | None = None,
    face: str | int = "auto",
    expert: str = "lipsight",
    experts: Sequence[str] | None = None,
    phones: Sequence[Phone] = (),
    settings: Settings | str | Path = Settings(),  # noqa: B008
    progress: Progress | None = None,
) -> Measured:
    """How well the lips in ``clip`` match its voice, and how good the picture is.

    Args:
        clip: the video to measure.
        reference: what it should look like: the real recording of the same speech.
        source: the video before it was dubbed, as long as it or shown forward and backward.
        speech: the voice, where it is not the clip's own sound.
        face: whose mouth, where there are several people: ``auto`` for who speaks most (the largest where
            the sound does not tell), an id, ``x,y`` px, or ``x,y@seconds``; in reference and source it is the largest.
        expert: the member of ``experts`` whose scores come first.
        experts: more of them, that judge too.
        phones: the speech sounds with their times, where they are known.
        settings: thresholds of the verdict, or a YAML file with them, see `lipwright.measure.settings`.
        progress: called while faces are looked for.

    Returns:
        scores, offset, verdict, spans and metrics; the same with a wrong voice (floor) and, where a reference or source
        with sound is given, of that (ceiling).

    Raises:
        InputError: no sound, no speech in it, less than 0.6 s, a picture that is a still.
        NoFaceError: no frame shows a face, or hardly any.
        WeightsError: an expert that was never calibrated, or cannot tell in sync from shifted.
    """
    sure = settings if isinstance(settings, Settings) else read(Path(settings))
    judges = {name: chosen(name) for name in dict.fromkeys((expert, *(experts or ())))}
    heard = _heard(clip, speech)
    meant = whom.cast(clip, heard.speech, face, progress)
    others = {
        role: (other, whom.long(other, faces.track(other, progress=progress)))
        for role, other in _others(reference, source).items()
    }
    run = _run(clip, heard, meant, others, judges, sure, tuple(phones))
    spoken = tuple(phones) if reference is not None and speech is None else ()
    best = _ceiling(reference, source, others, judges[expert], expert, sure, spoken)
    inputs = _inputs(video=clip, reference=reference, source=source, speech=speech)
    issues = (*_issues(clip, reference, run.opening), *meant.issues)
    return _told(clip, heard, meant, run, best, issues, inputs, tuple(phones))


@dataclass(frozen=True, eq=False)
class _Heard:
    """A voice at 16 kHz, how much of each frame of a clip it fills, the opening that the motion network expects of it
    there, and how long it is in its file."""

    speech: Audio
    voiced: Float
    asked: Float
    seconds: float


@dataclass(frozen=True, eq=False)
class _Run:
    judged: list[Judged]
    results: tuple[Measure, ...]
    floors: tuple[Measure, ...]
    opening: Float


def _heard(clip: Clip, speech: Audio | None) -> _Heard:
    """The voice of a clip, once it is known to be one."""
    audio, name = speech or clip.audio, (speech.source if speech else clip.source) or "the clip"
    if clip.duration < SHORTEST:
        raise InputError(
            f"{clip.source or 'the clip'} lasts {clip.duration:.2f} s ({clip.length} frames); "
            f"a measurement needs {SHORTEST} s or more"
        )
    if audio is None:
        raise InputError(f"{name} has no sound, so there is nothing that its lips could match; give --speech SOUND")
    sound = resample(audio, features.RATE)
    if sound.duration < SHORTEST:
        raise InputError(f"the sound of {name} lasts {sound.duration:.2f} s; a measurement needs {SHORTEST} s or more")
    if not np.isfinite(sound.samples).all():
        raise InputError(f"the sound of {name} holds samples that are not numbers; export it again")
    if np.abs(sound.samples).max() < SILENT:
        raise InputError(f"the sound of {name} is silent from end to end; there is nothing that lips could match")
    voiced = voices.voiced(sound, clip.fps, clip.length)
    spoken = float(voiced.sum() / clip.fps)
    if spoken < LEAST_SPEECH:
        raise InputError(
            f"{spoken:.1f} s of speech are heard in {name}, which is music, noise or silence for the rest; "
            f"a measurement needs {LEAST_SPEECH} s of a voice that stands out"
        )
    over = audio.duration - clip.duration
    seconds = clip.duration if 0 < over <= FILLED / audio.rate else audio.duration
    return _Heard(sound, voiced, _asked(sound, float(clip.fps), clip.length), seconds)


def _asked(speech: Audio, fps: float, length: int) -> Float:
    """The opening float32 (length,) that the motion network expects of ``speech`` (16 kHz), in eye distances; a
    minute at a time, so that memory stays flat."""
    found = np.zeros(length, np.float32)
    hop = max(1, round(PIECE_SECONDS * fps))
    for first in range(0, length, hop):
        last = min(length, first + hop)
        begin = max(0, first - round(AROUND_SECONDS * fps))
        piece = speech.cut(begin / fps, (last / fps) + AROUND_SECONDS)
        if len(piece.samples):
            found[first:last] = motion.predict(piece, fps, last - begin).opening[first - begin :]
    return found


def _others(reference: Clip | None, source: Clip | None) -> dict[str, Clip]:
    """Clips to look at beside the measured one, by role; a reference serves as the source where none is given."""
    found = {"reference": reference, "source": source or reference}
    return {role: other for role, other in found.items() if other is not None}


def _run(
    clip: Clip,
    heard: _Heard,
    cast: whom.Cast,
    others: dict[str, tuple[Clip, FaceTrack]],
    judges: dict[str, Expert],
    settings: Settings,
    phones: tuple[Phone, ...] = (),
) -> _Run:
    """The opinions of all judges and all metrics of one clip."""
    beside = {role: other for role, (other, _) in others.items()}
    case = Case(
        clip.fps,
        clip.size,
        clip.length,
        heard.speech,
        heard.voiced,
        heard.asked,
        heard.seconds,
        phones=phones,
        **beside,
    )
    watch = Watch(case, clip, cast.track, others, cast.elsewhere)
    found = []
    for number, (name, one) in enumerate(judges.items()):
        seen = own(one, clip, cast.track, cast.elsewhere) if number else watch.crops(one)
        found.append(judged(name, one, seen, heard.speech, settings))
    rate, face = float(clip.fps), cast.track.id
    found = [diagnosed(one, rate, watch.opening, heard.voiced, cast.said, face) for one in found]
    return _Run(found, watch.results(), watch.floors(), watch.opening)


def _ceiling(
    reference: Clip | None,
    source: Clip | None,
    others: dict[str, tuple[Clip, FaceTrack]],
    judge: Expert,
    name: str,
    settings: Settings,
    phones: tuple[Phone, ...],
) -> _Run | None:
    """The same of the reference, else of the source with its own sound; None where neither speaks."""
    role = "reference" if reference is not None else "source"
    best = reference if reference is not None else source
    if best is None or best.audio is None:
        return None
    try:
        alone = whom.Cast(others[role][1], 1, None, np.zeros(best.length, bool), ())
        return _run(best, _heard(best, None), alone, {}, {name: judge}, settings, phones)
    except InputError:
        return None


def _told(
    clip: Clip,
    heard: _Heard,
    meant: whom.Cast,
    run: _Run,
    best: _Run | None,
    issues: tuple[Issue, ...],
    inputs: dict[str, dict[str, str]],
    phones: tuple[Phone, ...],
) -> Measured:
    """All that was found, together."""
    first, *rest = run.judged
    return Measured(
        name=str(clip.source or "the clip"),
        fps=clip.fps,
        judged=first,
        others=tuple(rest),
        metrics=run.results,
        floor=run.floors,
        ceiling=best.results if best else (),
        best=best.judged[0] if best else None,
        tells=tells(),
        issues=issues,
        inputs=inputs,
        opening=run.opening,
        voiced=heard.voiced,
        asked=heard.asked,
        phones=phones,
        face=meant.track.id,
        faces=meant.count,
        turns=meant.turns,
        told=_origin(clip),
    )


def _origin(clip: Clip) -> provenance.Told | None:
    """What the file of a clip says of itself."""
    file = clip.source
    return provenance.told(file, probe(file).metadata) if file is not None and file.is_file() else None


def _issues(clip: Clip, reference: Clip | None, opening: Float) -> tuple[Issue, ...]:
    """What the reader of the figures should know."""
    found = []
    unseen = float(np.isnan(opening).mean())
    if unseen > 0.02:
        found.append(
            Issue("face-missing", "warning", f"no face is seen in {100 * unseen:.0f} % of the frames; those are not "
                  "judged", "measure a part in which the face is seen")
        )  # fmt: skip
    if reference is not None and reference.size != clip.size:
        sizes = " and ".join(f"{wide} x {tall}" for wide, tall in (clip.size, reference.size))
        found.append(
            Issue("other-size", "info", f"video and reference have other sizes ({sizes}): no PSNR and SSIM",
                  "give a reference of the video's own size")
        )  # fmt: skip
    return tuple(found)


def _inputs(**given: Clip | Audio | None) -> dict[str, dict[str, str]]:
    """File and sha256 of everything that was given."""
    found = {}
    for role, one in given.items():
        if one is not None:
            path = one.source
            found[role] = {"file": str(path or ""), "sha256": content_key(path) if path and path.is_file() else ""}
    return found
