"""One person who was taken for two: somebody who turns to the side can look like somebody else for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lipwright import ondisk
from lipwright.faces.geometry import boxes
from lipwright.faces.looks import Tint, look
from lipwright.types import Float

T = TypeVar("T", bound=np.generic)

AT_ONCE = 2
"""Frames from the last of the one to the first of the other."""
STILL, ALIKE = 0.25, 14.0
"""By how many sizes a face may have moved between the two, and its look (grey levels) have changed."""


@dataclass(frozen=True)
class Seen:
    """What was seen of somebody in all T frames of a clip: ``points`` (T, 468, 3) px, NaN where absent, ``score`` (T,),
    ``tint`` (T, 468, 3); ``wide``, the widths of the meshes together, and ``breaks``, where it is not smoothed."""

    points: Float
    score: Float
    tint: Tint
    wide: float
    breaks: tuple[int, ...]


def joined(people: Sequence[Seen], cuts: Sequence[int]) -> list[Seen]:
    """Those who are one and the same put together, see `same`."""
    found = list(people)
    while pair := next(
        (two for two in combinations(range(len(found)), 2) if same(found[two[0]], found[two[1]], cuts)), ()
    ):
        one, other = pair
        found[one] = _both(found[one], found.pop(other))
    return found


def same(one: Seen, other: Seen, cuts: Sequence[int]) -> bool:
    """Whether two are never seen at once, and the one goes over into the other at one place, within a shot, looking
    alike: then it is one face, named anew."""
    mine, theirs = boxes(one.points), boxes(other.points)
    owner = np.isfinite(mine[:, 0]) + 2 * np.isfinite(theirs[:, 0])
    if (owner == 3).any():
        return False
    rows = np.flatnonzero(owner)
    for row in np.flatnonzero(np.diff(owner[rows])):
        last, first = int(rows[row]), int(rows[row + 1])
        if first - last <= AT_ONCE and not any(last < cut <= first for cut in cuts):
            before, after = (one, mine), (other, theirs)
            if owner[last] == 2:
                before, after = after, before
            if _goes_over(before[1][last], after[1][first], before[0].tint[last], after[0].tint[first]):
                return True
    return False


def _goes_over(last: Float, first: Float, before: Tint, after: Tint) -> bool:
    """Whether a face with the box ``last`` (4,) and the colours ``before`` is the one seen next."""
    moved = np.hypot(*((first[:2] + first[2:] - last[:2] - last[2:]) / 2)) / (last[2:] - last[:2]).mean()
    changed = np.sqrt(((look(before) - look(after)) ** 2).mean())
    return bool(moved < STILL and changed < ALIKE)


def _both(one: Seen, other: Seen) -> Seen:
    """The two as one; a frame in which they were said to change places is no break any more."""
    there = np.isfinite(one.points[:, 0, 0])
    length, wide = len(there), one.wide + other.wide

    def either(mine: NDArray[T], theirs: NDArray[T], has: NDArray[np.bool_]) -> NDArray[T]:
        return np.where(has[:, None, None], mine, theirs)

    points = ondisk.by_blocks(either, length, one.points, other.points, there)
    tint = ondisk.by_blocks(either, length, one.tint, other.tint, there)
    score = np.where(there, one.score, other.score).astype(np.float32)
    between = set(one.breaks) ^ set(other.breaks)
    return replace(one, points=points, score=score, tint=tint, wide=wide, breaks=tuple(sorted(between)))
