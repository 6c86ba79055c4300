"""One person of a clip, as followed so far."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk
from lipwright.faces.looks import Looks, colours, look
from lipwright.types import Float, Picture

STEPS = 5
"""Frames over which the speed is taken."""

RECENT = 150
"""Sights that can be taken back or given to another: more than 2 s."""


class Sight:
    """A face in one frame: ``mesh`` (468, 3) px, its ``score`` 0-1, ``tint`` and ``look``, ``centre`` (2,) px and
    ``size`` px, the mean side of its box."""

    def __init__(self, picture: Picture, mesh: Float, score: float) -> None:
        self.mesh, self.score = mesh.astype(np.float32), score
        low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
        self.centre: Float = (low + high) / 2
        self.size = float((high - low).mean())
        self.tint = colours(picture, mesh)
        self.look = look(self.tint)

    def gap(self, centre: Float, size: float) -> float:
        """How far it lies from a face at ``centre``, in sizes of the larger one."""
        return float(np.hypot(*(self.centre - centre))) / max(self.size, size)


class Person:
    """``frames`` in which the person was seen and ``scores``, their ``looks``, and what was seen of them: the last
    `RECENT` sights and more in memory, those before on the disk where they are many."""

    def __init__(self, frame: int, sight: Sight) -> None:
        self.frames: list[int] = []
        self.scores: list[float] = []
        self.wide = 0.0
        self.breaks: list[int] = []
        self.looks = Looks(sight.look)
        self.elsewhere = False
        self.now: Sight | None = None
        self._recent: list[Sight] = []
        self._points, self._tints = ondisk.Growing[np.float32](), ondisk.Growing[np.uint8]()
        self.take(frame, sight)

    def take(self, frame: int, sight: Sight) -> None:
        """Seen in ``frame``, the first or one after the last so far."""
        self.now, self.elsewhere = sight, False
        self.size = sight.size
        self.frames.append(frame)
        self._recent.append(sight)
        if len(self._recent) > 2 * RECENT:
            self._put_by(len(self._recent) - RECENT)

    def recent(self) -> Iterator[tuple[int, Sight]]:
        """Frames and sights, the last first."""
        return zip(reversed(self.frames), reversed(self._recent), strict=False)

    def whole(self) -> tuple[Float, Float, NDArray[np.uint8]]:
        """All that was seen: points (N, 468, 3), scores (N,), colours (N, 468, 3) in the N ``frames``; asked once."""
        self._put_by(len(self._recent))
        return self._points.whole(), np.array(self.scores, np.float32), self._tints.whole()

    def _put_by(self, count: int) -> None:
        """Put the first of the recent sights by."""
        for sight in self._recent[:count]:
            self._points.add(sight.mesh[None])
            self._tints.add(sight.tint[None])
            self.scores.append(sight.score)
            self.wide += float(np.ptp(sight.mesh[:, 0]))
        del self._recent[:count]

    def lose(self, elsewhere: bool = False) -> None:
        """Not seen any more; ``elsewhere``: another shot has begun."""
        self.now = None
        self.elsewhere |= elsewhere

    def forget(self) -> None:
        """Not seen in the last of its frames after all."""
        self.frames.pop()
        self._recent.pop()

    def expected(self, frame: int, most: int) -> Float:
        """Where the centre should be in ``frame`` if it moves on as before, for ``most`` frames."""
        last, since = self._recent[-1].centre, self.frames[-1]
        begin, first = [(f, s) for f, s in itertools.islice(self.recent(), STEPS) if f > since - STEPS][-1]
        speed = (last - first.centre) / max(1, since - begin)
        return np.asarray(last + speed * min(frame - since, most), np.float32)

    def swap(self, other: Person, since: int) -> None:
        """What was seen of the two from frame ``since`` on, a recent one, was seen of the other one."""
        mine, theirs = (sum(frame >= since for frame, _ in person.recent()) for person in (self, other))
        for name in ("frames", "_recent"):
            ours, yours = getattr(self, name), getattr(other, name)
            ours[len(ours) - mine :], yours[len(yours) - theirs :] = (
                yours[len(yours) - theirs :],
                ours[len(ours) - mine :],
            )
        self.now, other.now = other.now, self.now
        self.size, other.size = other.size, self.size
        self.elsewhere, other.elsewhere = other.elsewhere, self.elsewhere
        for person in (self, other):
            person.breaks.append(since)
