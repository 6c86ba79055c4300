"""Who sees what, and when: counts and positions balanced, whatever the number of raters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from random import Random

TRIES = 20
"""Orders of blocks that are drawn, of which the one with the fewest repeats of a clip is taken."""


@dataclass(frozen=True)
class Design:
    """``clips`` x ``systems`` videos, each of them once; a rater rates ``ratings`` of them, a multiple of ``systems``,
    and compares ``pairs`` of the same clip. All is drawn from ``seed``."""

    clips: int
    systems: int
    ratings: int
    pairs: int
    seed: int = 1

    @property
    def all_ratings(self) -> int:
        """How many videos there are."""
        return self.clips * self.systems

    @property
    def all_pairs(self) -> int:
        """How many pairs of the same clip there are, whichever comes first."""
        return self.clips * self.systems * (self.systems - 1) // 2


def williams(count: int) -> list[list[int]]:
    """Orders of ``count`` conditions, each once a row: each is as often at each place, and as often just after each
    other, as any (Williams 1949). ``count`` rows where it is even or 1, else twice as many.

    >>> williams(4)
    [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]]
    """
    first = [(step + 1) // 2 if step % 2 else (count - step // 2) % count for step in range(count)]
    rows = [[(value + shift) % count for value in first] for shift in range(count)]
    return rows + [row[::-1] for row in rows] if count % 2 and count > 1 else rows


def rated(design: Design, rater: int) -> list[tuple[int, int]]:
    """The (clip, system) that rater number ``rater`` (from 0) rates, in order.

    Blocks show each system once. Each video is seen by as many raters as any other, or by one more; each system stands
    equally often at each position once every row of `williams` was used.
    """
    clips, systems = _mixed(design)
    rows, size = williams(design.systems), design.ratings // design.systems
    blocks = [(rater * size + number) % design.clips for number in range(size)]
    random = _random(design, rater)

    def played(order: list[int]) -> list[tuple[int, int]]:
        return [
            (clips[(block + system) % design.clips], systems[system])
            for number, block in enumerate(order)
            for system in rows[(rater + number) % len(rows)]
        ]

    orders = [played(random.sample(blocks, size)) for _ in range(TRIES)]
    return min(orders, key=lambda order: sum(one[0] == two[0] for one, two in pairwise(order)))


def compared(design: Design, rater: int) -> list[tuple[int, int, int]]:
    """The (clip, first system, second system) that rater number ``rater`` compares, in order.

    Each pair is seen by as many raters as any other, or by one more, and every second time the other way round.
    """
    clips, systems = _mixed(design)
    pairs = list(combinations(systems, 2))
    found = []
    for number in range(rater * design.pairs, (rater + 1) * design.pairs):
        turn, place = divmod(number, design.all_pairs)
        block, pair = divmod(place, len(pairs))
        one, two = pairs[pair][:: -1 if (turn + place) % 2 else 1]
        found.append((clips[(block + pair) % design.clips], one, two))
    _random(design, rater, "pairs").shuffle(found)
    return found


def places(design: Design, rater: int, length: int, count: int) -> list[int]:
    """Where ``count`` checks stand among ``length`` trials: before these, spread, never first; ascending."""
    random = _random(design, rater, "checks")
    ends = [1 + (length - 1) * part // count for part in range(count + 1)]
    return [random.randrange(low, max(low + 1, high)) for low, high in pairwise(ends)]


def _mixed(design: Design) -> tuple[list[int], list[int]]:
    """Clips and systems in an order of the study's own."""
    random = Random(f"{design.seed}")
    return random.sample(range(design.clips), design.clips), random.sample(range(design.systems), design.systems)


def _random(design: Design, rater: int, what: str = "ratings") -> Random:
    return Random(f"{design.seed} {what} {rater}")
