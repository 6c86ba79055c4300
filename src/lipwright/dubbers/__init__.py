"""Dubbers answer, for every output instant, which source frame is shown and what is painted on it.

A file here is a member; its name is its public name. A member has a class ``Dubber``, built as
``Dubber(scene, **options)`` from a `Scene`: building it plans the whole take (cheap to keep, no pictures),
and ``takes(start, stop)`` gives pictures and `lipwright.types.Take` one by one, in constant memory. Its
options are the keyword arguments of its ``__init__``; unknown ones are refused, and numbers outside what its
``RANGES`` says, where it has any. A member that needs something of
the user's, such as weights, has ``TINY``, options that make it work in tests without. Nothing else has to be
edited: the new member appears in ``lipwright models``, in error messages and in the contract tests by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lipwright.types import Audio, Clip, FaceTrack, Int, Picture, Take

SMOOTH = 0.5


@dataclass(frozen=True)
class Scene:
    """What a dubber works from: the source ``clip``, the ``track`` of the face to dub, the ``speech``, and the
    ``canvas`` int64 (T,), the source frame shown at each of the T output frames (at the clip's own rate), and
    ``smooth``, by how many frames at 25 fps motion is smoothed in time (0 = not)."""

    clip: Clip
    track: FaceTrack
    speech: Audio
    canvas: Int
    smooth: float = SMOOTH


class Dubber(Protocol):
    """What every member's ``Dubber`` does."""

    canvas: Int
    """int64 (T,): the source frame shown at each output frame; a re-timing dubber changes it."""

    untouched: Sequence[str]
    """For each output frame why it passes through untouched, or ""."""

    def takes(self, start: int, stop: int) -> Iterator[tuple[Picture, Take]]:
        """For output frames ``start`` to ``stop``: the picture shown, and the take whose face goes on it.

        The picture is the source's, or a copy in which the dubber moved what lies around the face (a jaw).
        """
        ...
