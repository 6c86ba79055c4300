"""Dubbers answer, for every output instant, which source frame is shown and what is painted on it.

A file here is a member; its name is its public name. A member has a class ``Dubber``, built as
``Dubber(scene, **options)`` from a `Scene`: building it plans the whole take (cheap to keep, no pictures),
and ``takes(start, stop)`` gives pictures and `lipwright.types.Take` one by one, in constant memory. Its
options are the keyword arguments of its ``__init__``; unknown ones are refused, and numbers outside what its
``RANGES`` says, where it has any. A member that needs something of
the user's, such as weights, has ``TINY``, options that make it work in tests without. One that shows a face as it is
where that fits the speech says ``PASSES = True``, one that paints nothing ``PAINTS = False``. Nothing else has to be
edited: the new member appears in ``lipwright models``, in error messages and in the contract tests by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lipwright import canvas as playback
from lipwright.types import Audio, Clip, FaceTrack, Frames, Int, Phone, Picture, Take

SMOOTH = 0.5


class Scene:
    """What a dubber works from.

    Args:
        clip: the source.
        track: the face to dub, or a function that looks for it.
        speech: what is to be said.
        canvas: int64 (T,), the source frame shown at each of the T output frames (at the clip's own rate).
        smooth: by how many frames at 25 fps motion is smoothed in time (0 = not).
        phones: the speech sounds of ``speech`` with their times, in seconds from its start, where they are known.
        under: makes the output frames on which this face is painted where others were painted before, see `shown`.
    """

    def __init__(
        self,
        clip: Clip,
        track: FaceTrack | Callable[[], FaceTrack],
        speech: Audio,
        canvas: Int,
        smooth: float = SMOOTH,
        phones: tuple[Phone, ...] = (),
        under: Frames | None = None,
    ) -> None:
        self.clip, self.speech, self.canvas, self.smooth, self.phones = clip, speech, canvas, smooth, phones
        self._track, self._under = track, under

    def shown(self, canvas: Int, start: int, stop: int) -> Iterator[Picture]:
        """The pictures to paint on for output frames ``start`` to ``stop``: those of the clip that ``canvas`` int64
        (T,) shows, or what was made of them for the faces before this one."""
        return playback.shown(self.clip, canvas[start:stop]) if self._under is None else self._under(start, stop)

    @property
    def track(self) -> FaceTrack:
        """The face to dub. It is looked for when it is first asked for: a dubber that needs no track does not ask,
        one that does asks while it plans.

        Raises:
            NoFaceError: no frame shows a face.
        """
        if not isinstance(self._track, FaceTrack):
            self._track = self._track()
        return self._track

    @property
    def followed(self) -> FaceTrack | None:
        """`track` where it is known by now, else None."""
        return self._track if isinstance(self._track, FaceTrack) else None


class Dubber(Protocol):
    """What every member's ``Dubber`` does."""

    canvas: Int
    """int64 (T,): the source frame shown at each output frame; a re-timing dubber changes it."""

    untouched: Sequence[str]
    """For each output frame why it passes through untouched, or ""."""

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """For output frames ``start`` to ``stop``: the picture shown, and the take whose face goes on it.

        The picture is that of `Scene.shown`, or a copy in which the dubber moved what lies around the face (a jaw).
        """
        ...
