"""Make the lips in a video match a voice."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from lipwright import __version__, canvas as playback, faces, ondisk, paint, registry, speaker, speech as voices
from lipwright.dubbers import SMOOTH, Dubber, Scene
from lipwright.errors import InputError
from lipwright.finishing import NAMES as WISHES, Finishing, Material, finished
from lipwright.ondisk import content_key
from lipwright.types import Audio, Clip, Dubbed, Edit, FaceTrack, Frames, Int, Issue, Person, Phone, Picture, Progress

Compare = Literal["side", "stack"]
Silence = Literal["refuse", "close"]
SyncMode = Literal["bounce", "loop", "cut_off", "silence", "remap"]

SHORTEST, LATEST = 0.1, 86400.0
SILENT = 10 ** (-70 / 20)
KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a word"),
}
"""What an option may be and how that is said, by the type of its default."""


def dub(
    clip: Clip,
    speech: Audio,
    *,
    dubber: str = "landmark",
    face: str | int = "auto",
    box: Sequence[int] | None = None,
    detector: str = "mediapipe",
    smooth: float = SMOOTH,
    blend: paint.Blend = "feather",
    colour: bool = True,
    grain: bool = True,
    silence: Silence = "refuse",
    sync_mode: SyncMode = "bounce",
    start: float = 0.0,
    preview: float | None = None,
    compare: Compare | None = None,
    phones: Sequence[Phone] = (),
    progress: Progress | None = None,
    **options: object,
) -> Dubbed:
    """``clip`` with a face of it saying ``speech``: a Clip that paints its frames as they are read.

    The result has round(duration of the speech · fps) frames at the clip's own rate and size, and carries the speech
    as its sound. Frames without a face, or with one turned away, pass through untouched and are named in ``issues``.

    Args:
        clip: the video, or a still picture opened as a clip.
        speech: at least 0.1 s of sound.
        dubber: a member of the family ``dubbers``.
        face: auto (who speaks most in the clip's sound), all, an id, or x,y[@seconds] px; see `lipwright.faces.choose`.
        box: x0 y0 x1 y1 px, where faces are looked for; for a dubber that takes a constant box it is that.
        detector: a member of the family ``detectors``, which finds them.
        smooth: temporal smoothing of the motion, in frames at 25 fps, 0 to 10.
        blend: how the mouth meets the frame: feather, multiband or poisson.
        colour: bring the mouth's colours to those of the frame around it.
        grain: bring the mouth's grain to that of the frame.
        silence: refuse a speech of nothing but silence (peak under -70 dBFS), or close the mouth.
        sync_mode: where the speech is longer, the video runs to and fro (bounce) or over and over (loop); else all of
            it is spread over the speech (remap), the longer is cut (cut_off), or the speech made as long (silence).
        start: seconds after which the speech begins; until then the mouth is closed.
        preview: dub only the first so many seconds of the speech.
        compare: show the source beside (side) or above (stack) the result.
        phones: the speech sounds of ``speech`` with their times, where they are known: lips meet at p, b and m.
        progress: called while faces are looked for.
        options: of the dubber, see its class (landmark: strength, emotion), and of `lipwright.finish`: calm, fps ...

    Raises:
        InputError: a speech that cannot be spoken, an option that the dubber does not know, a face that is not there.
        NoFaceError: no frame shows a face.
    """
    speech = _placed(_checked_speech(speech, silence), clip, sync_mode, start, preview)
    _check(blend, compare, smooth)
    wanted, member, said = _finishing(options), _member(dubber, options), _later(phones, start)
    cast = _Cast(clip, face, None if box is None else _four(box), detector, progress)
    options |= _constant_box(member, cast.inside)
    canvas = _canvas(sync_mode)(max(1, round(speech.duration * clip.fps)), clip.length)
    finish = paint.Finish(blend, colour, grain)
    layers = _layers(cast, (speech, canvas, smooth, said), partial(member, **options), finish)
    return _made(cast, layers, wanted, compare, options, (dubber, face, box, finish, compare))


def _finishing(options: dict[str, Any]) -> Finishing:
    """What is asked of a finish, taken out of the ``options``."""
    return Finishing(**{name: options.pop(name) for name in WISHES if name in options})


def _made(
    cast: _Cast,
    layers: list[_Layer],
    wanted: Finishing,
    compare: Compare | None,
    options: dict[str, object],
    how: tuple[object, ...],
) -> Dubbed:
    """The dubbed clip that the last of the layers paints, finished as ``wanted``; ``how``, from the dubber's name on,
    is all that it depends on beside them and the dubber's ``options``."""
    clip, speech, shown = cast.clip, layers[0].scene.speech, _same_canvas(layers, str(how[0]))
    key, edits = _key(layers, shown, options, *how), (*clip.edits, _edit(str(how[0])))
    made = replace(clip, length=len(shown), audio=speech, frames=layers[-1], key=key, edits=edits)
    material = Material(made, clip, shown, clip, lambda: [layer.scene.track for layer in layers])
    made = finished(material, replace(wanted, fps=None), cast.progress)
    made = _compared(clip, shown, made, compare)
    made = finished(replace(material, clip=made), Finishing(fps=wanted.fps))
    return _told(made, (*_unheard(speech), *_passed(layers, cast)), cast.people())


def _edit(dubber: str) -> Edit:
    """What is said of a video dubbed by a dubber: one that only moves frames makes nothing new."""
    painted = getattr(registry.load("dubbers", dubber).Dubber, "PAINTS", True)
    return Edit(f"lips dubbed by {dubber}", "composite") if painted else Edit(f"frames re-timed by {dubber}")


@dataclass(frozen=True)
class _Layer:
    """One face of the scene, painted on what lies under it; makes output frames."""

    scene: Scene
    planned: Dubber
    finish: paint.Finish

    def __call__(self, start: int, stop: int) -> Iterator[Picture]:
        for instant, (picture, take) in enumerate(self.planned.takes(start, stop), start):
            yield picture if take.face is None else paint.composite(picture, take.face, self.finish, instant)


class _Cast:
    """The people of a clip and those of them who are to speak.

    Args:
        clip: where they are.
        who: as `lipwright.faces.choose` takes it.
        inside: faces outside this box do not count; None: all do.
        detector: who finds them.
        progress: called while they are looked for.
    """

    def __init__(
        self, clip: Clip, who: str | int, inside: faces.Box | None, detector: str, progress: Progress | None
    ) -> None:
        registry.load("detectors", detector)
        self.clip, self._who, self.progress = clip, str(who).strip(), progress
        self.inside, self._detector = inside, detector
        self._found: tuple[FaceTrack, ...] = ()
        self._chosen: tuple[FaceTrack, ...] = ()
        self._heard: speaker.Speakers | None = None

    def tracks(self) -> Sequence[FaceTrack | Callable[[], FaceTrack]]:
        """Those who speak; where nobody is named, what looks for the one who does."""
        return [lambda: self._look()[0]] if self._who == "auto" else self._look()

    def people(self) -> tuple[Person, ...]:
        """Everybody found."""
        fps = float(self.clip.fps)
        return tuple(self._person(face, fps) for face in self._found)

    def name(self, face: FaceTrack | None) -> str:
        """How a face is called, "" where it is the only one."""
        return f"face {face.id}: " if face is not None and len(self._found) > 1 else ""

    def _look(self) -> tuple[FaceTrack, ...]:
        if not self._found:
            self._found = faces.tracks(self.clip, detector=self._detector, inside=self.inside, progress=self.progress)
            self._chosen = faces.choose(self._found, self._who, float(self.clip.fps), self._best)
        return self._chosen

    def _best(self, found: Sequence[FaceTrack]) -> FaceTrack:
        self._heard = speaker.active(self.clip, found, progress=self.progress)
        return speaker.chosen(found, self._heard)

    def doubts(self) -> Iterator[Issue]:
        """That it is not known who speaks."""
        issue = None if self._heard is None else speaker.doubt(self.clip, self._found, self._heard)
        if issue is not None:
            yield issue

    def _person(self, face: FaceTrack, fps: float) -> Person:
        first = int(face.present.argmax())
        x0, y0, x1, y1 = (round(float(edge)) for edge in face.box[first])
        spoken = any(face.id == other.id for other in self._chosen)
        said = self._heard.seconds(face.id) if self._heard is not None and self._heard.turns else None
        return Person(face.id, (x0, y0, x1, y1), first / fps, faces.seconds(face, fps), spoken, said)


def _told(made: Clip, issues: tuple[Issue, ...], people: tuple[Person, ...]) -> Dubbed:
    """A clip and what is to be said of it."""
    return Dubbed(**{field.name: getattr(made, field.name) for field in fields(Clip)}, issues=issues, people=people)


def _passed(layers: Sequence[_Layer], cast: _Cast) -> Iterator[Issue]:
    """Whether the right face was taken, and what passes through untouched, face by face."""
    yield from cast.doubts()
    for layer in layers:
        yield from _issues(layer.planned.untouched, float(layer.scene.clip.fps), cast.name(layer.scene.followed))


def _constant_box(member: Callable[..., Dubber], inside: faces.Box | None) -> dict[str, object]:
    """The option of a dubber that takes one box for all frames: top, bottom, left, right."""
    if inside is None or "box" not in inspect.signature(member).parameters:
        return {}
    return {"box": [round(inside[k]) for k in (1, 3, 0, 2)]}


def _four(box: Sequence[int]) -> faces.Box:
    if len(box) != 4:
        raise InputError(f"a box is four numbers, x0, y0, x1, y1 in pixels; given {list(box)}")
    return (box[0], box[1], box[2], box[3])


def _layers(
    cast: _Cast,
    said: tuple[Audio, Int, float, tuple[Phone, ...]],
    plan: Callable[[Scene], Dubber],
    finish: paint.Finish,
) -> list[_Layer]:
    """Everybody who speaks, each on those before; ``said``: the speech, the canvas, the smoothing, the sounds."""
    layers: list[_Layer] = []
    for track in cast.tracks():
        scene = Scene(cast.clip, track, *said, layers[-1] if layers else None)
        layers.append(_Layer(scene, plan(scene), finish))
    return layers


def _same_canvas(layers: Sequence[_Layer], dubber: str) -> Int:
    """The source frames that all faces are painted on."""
    canvas = layers[0].planned.canvas
    if not all(np.array_equal(layer.planned.canvas, canvas) for layer in layers[1:]):
        raise InputError(f"the dubber '{dubber}' moves whole pictures, so it dubs one face; name one of them")
    return canvas


def _check(blend: str, compare: str | None, smooth: float) -> None:
    for name, value, known in (("blend", blend, paint.BLENDS), ("compare", compare or "side", get_args(Compare))):
        if value not in known:
            raise InputError(f"{name} is one of {', '.join(known)}; given {value}")
    if not 0 <= smooth <= 10:
        raise InputError(f"smooth must lie between 0 and 10 frames; given {smooth}")


def _placed(speech: Audio, clip: Clip, mode: SyncMode, start: float, preview: float | None) -> Audio:
    """The speech as the output sounds: begun at ``start``, as long as the mode says, no longer than the preview."""
    if mode not in get_args(SyncMode):
        raise InputError(f"sync_mode is one of {', '.join(get_args(SyncMode))}; given {mode}")
    if not 0 <= start <= LATEST:
        raise InputError(f"the speech can start between 0 s and {LATEST:.0f} s (a day); given {start}")
    if preview is not None and not preview >= SHORTEST:
        raise InputError(f"a preview lasts at least {SHORTEST} s; given {preview}")
    if start:
        speech = speech.padded(start)
    if mode == "silence" and clip.length > 1 and speech.duration < clip.duration:
        speech = speech.padded(0, clip.duration - speech.duration)
    longest = clip.duration if mode in ("cut_off", "silence") and clip.length > 1 else speech.duration
    longest = min(longest, speech.duration if preview is None else preview)
    return speech if longest >= speech.duration else speech.cut(0, longest)


def _later(phones: Sequence[Phone], start: float) -> tuple[Phone, ...]:
    """Speech sounds of a speech that begins at ``start`` seconds."""
    return tuple(replace(phone, start=phone.start + start, end=phone.end + start) for phone in phones)


def _canvas(mode: SyncMode) -> Callable[[int, int], Int]:
    """Which frames a mode shows."""
    return {"loop": playback.loop, "remap": playback.remap}.get(mode, playback.bounce)


def _checked_speech(speech: Audio, silence: Silence) -> Audio:
    name = speech.source or "the speech"
    if not ondisk.finite(speech.samples):
        raise InputError(f"{name} holds samples that are not numbers; export it again from where it was made")
    if speech.duration < SHORTEST:
        raise InputError(f"{name} lasts {speech.duration * 1000:.0f} ms; give at least {SHORTEST * 1000:.0f} ms")
    if silence not in get_args(Silence):
        raise InputError(f"silence is one of {', '.join(get_args(Silence))}; given {silence}")
    if silence == "refuse" and ondisk.peak(speech.samples) < SILENT:
        raise InputError(
            f"{name} is silent from end to end; give another sound, or choose silence=close (--silence close)"
        )
    return speech


def _key(layers: Sequence[_Layer], canvas: Int, options: dict[str, object], *how: object) -> str:
    """Names the pictures of a dubbed clip by all that they depend on; "" where the source itself has no name.

    A face's track counts where the dubber asked for it.
    An option that names a file counts by the file's content. Every known network counts, used or not.
    """
    scene = layers[0].scene
    if not scene.clip.key:
        return ""
    files = [content_key(Path(value)) for value in options.values() if isinstance(value, str) and Path(value).is_file()]
    networks = [card.sha256 for card in registry.cards()]
    clip, speech = scene.clip, scene.speech
    said = (
        __version__,
        clip.key,
        clip.fps,
        clip.size,
        speech.rate,
        scene.smooth,
        scene.phones,
        *sorted(options.items()),
        *how,
    )
    digest = hashlib.sha256(repr((said, files, networks)).encode())
    arrays: list[np.ndarray] = [canvas, speech.samples]
    for layer in layers:
        track = () if layer.scene.followed is None else vars(layer.scene.followed).values()
        arrays += [value for value in track if isinstance(value, np.ndarray)]
    for array in arrays:
        for piece in ondisk.pieces(array):
            digest.update(np.ascontiguousarray(piece).reshape(-1).data)
    return digest.hexdigest()


def _member(name: str, options: dict[str, object]) -> Callable[..., Dubber]:
    """The class of a dubber, once its options are known to be its own."""
    member: Callable[..., Dubber] = registry.load("dubbers", name).Dubber
    known = {key: value for key, value in inspect.signature(member).parameters.items() if key != "scene"}
    for key, value in options.items():
        if key not in known:
            raise InputError(f"the dubber '{name}' has no option {key}; it has {', '.join(known)}")
        kind = KINDS.get(type(known[key].default))
        if kind and (not isinstance(value, kind[0]) or (isinstance(value, bool) and bool not in kind[0])):
            raise InputError(f"the option {key} of the dubber '{name}' is {kind[1]}; given {value}")
    for key, (low, high) in getattr(member, "RANGES", {}).items():
        if not low <= options.get(key, low) <= high:
            raise InputError(f"{key} must lie between {low:g} and {high:g}; given {options[key]}")
    return member


def _compared(clip: Clip, canvas: Int, made: Clip, compare: Compare | None) -> Clip:
    """``made``, with its source beside it where that is asked for."""
    if compare is None:
        return made
    (wide, tall), side = clip.size, compare == "side"
    frames = partial(_beside, clip, canvas, made.frames, 1 if side else 0)
    return replace(made, size=(2 * wide, tall) if side else (wide, 2 * tall), frames=frames)


def _beside(clip: Clip, canvas: Int, painted: Frames, axis: int, start: int, stop: int) -> Iterator[Picture]:
    sources = playback.shown(clip, canvas[start:stop])
    for source, picture in zip(sources, painted(start, stop), strict=True):
        yield np.concatenate([source, picture], axis=axis)


def _unheard(speech: Audio) -> Iterator[Issue]:
    """Says that a sound which is not silent holds no speech."""
    if ondisk.peak(speech.samples) >= SILENT and not voices.voiced(speech, 25, round(25 * speech.duration)).any():
        yield Issue(
            "no-speech", "warning",
            f"no speech is heard in {speech.source or 'the speech'}; a mouth that follows speech stays closed",
            "give a recording in which the voice stands out from noise and music", (0.0, speech.duration),
        )  # fmt: skip


def _issues(untouched: Sequence[str], fps: float, name: str = "") -> tuple[Issue, ...]:
    """One Issue for every span in which a face, called ``name``, passes through untouched."""
    found: list[Issue] = []
    start = 0
    for stop in range(1, len(untouched) + 1):
        if stop < len(untouched) and untouched[stop] == untouched[start]:
            continue
        if why := untouched[start]:
            at = (start / fps, stop / fps)
            found.append(
                Issue(
                    "untouched", "warning", f"{name}{at[0]:.2f} s to {at[1]:.2f} s pass through untouched: {why}",
                    "give footage in which the face is seen from the front", at,
                )
            )  # fmt: skip
        start = stop
    return tuple(found)
