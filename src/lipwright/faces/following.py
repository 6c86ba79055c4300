"""Following everybody through a clip, and telling them apart.

The detector looks at the first frame, after a cut, every 2 s and where somebody is lost; between, each mesh follows
itself. Who a face is follows from where it should be, how large it is and what it looks like, see `looks`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from lipwright.faces import detecting
from lipwright.faces.detecting import Box, Detector
from lipwright.faces.person import Person, Sight
from lipwright.types import Clip, Float, Picture, Progress

CHECK_SECONDS, SMALL_CHECKS = 2.0, 2
"""Seconds between two searches, and of how many of them one is for small faces, too."""

SEARCH_SECONDS = 0.4
"""A person just lost is searched for in each frame for so long, then each time that so much has passed."""

CUT, SHIFT = 30.0, 10.0
"""Mean grey levels between two frames that are a new shot for sure, or one if the face looks different, too."""

LEAP, GROWTH = 0.5, 0.4
"""Sizes that a face moves, and its size grows (natural logarithm), in one frame without being doubted."""

SAME_PLACE, NEARBY = 0.45, 1.6
"""Two faces that are fewer sizes apart are one; fewer than the second may get into each other's way."""

OFF = 0.2
"""Sizes between a mesh and what the detector sees from which on the two are compared."""

LONG_SECONDS = 10.0
"""For so long somebody hidden may come out from behind another."""

ALIKE, STILL_THERE, SUDDEN = 24.0, 40.0, 30.0
"""Grey levels of look: the same person elsewhere, the same at the place expected, a change in one frame."""

SAME = 14.0
"""Grey levels of look: somebody taken for new is, after all, one seen before."""

SURER, CLEAR = 6.0, 15.0
"""By how many grey levels a look must fit another person better."""

TELL_FRAMES = 5


def follow(clip: Clip, name: str, inside: Box | None, progress: Progress | None) -> tuple[list[Person], list[int]]:
    """Everybody seen in a clip, inside a box where one is given, and the first frame of each new shot."""
    crowd = Crowd(detecting.detector(name), float(clip.fps), inside)
    cuts: list[int] = []
    before: Float | None = None
    for frame, picture in enumerate(clip.look()):
        glance = picture[:: max(1, picture.shape[0] // 32), :: max(1, picture.shape[1] // 32)].astype(np.float32)
        change = 0.0 if before is None else float(np.abs(glance - before).mean())
        before = glance
        if change > CUT:
            cuts.append(frame)
        crowd.see(frame, picture, change)
        if progress is not None:
            progress(frame + 1, clip.length, "faces")
    return crowd.people, cuts


class Crowd:
    """The people of a clip, while its frames are seen one after the other."""

    def __init__(self, detector: Detector, fps: float, inside: Box | None = None) -> None:
        self.people: list[Person] = []
        self._detector, self._fps, self._inside = detector, fps, inside
        self._every = max(1, round(CHECK_SECONDS * fps))
        self._soon = max(1, round(SEARCH_SECONDS * fps))
        self._found: dict[int, Float] = {}

    def see(self, frame: int, picture: Picture, change: float) -> None:
        """The next frame, ``change`` mean grey levels from the last."""
        cut = change > CUT
        for person, last in self._here():
            if cut:
                person.lose(elsewhere=True)
            else:
                self._go_on(person, last, frame, picture, change)
        self._part(frame)
        if cut or not frame % self._every or self._missing(frame):
            small = cut or not frame % (SMALL_CHECKS * self._every)
            self._search(frame, picture, small)
        if not frame % TELL_FRAMES:
            self._tell_apart(frame)

    def _here(self) -> list[tuple[Person, Sight]]:
        return [(person, person.now) for person in self.people if person.now is not None]

    def _go_on(self, person: Person, last: Sight, frame: int, picture: Picture, change: float) -> None:
        """Follow a person by the mesh; lose them where it lands on somebody else, or on nobody."""
        sight = self._sight(picture, self._detector.roi(last.mesh), 1)
        crowded = self._crowded(person, last, frame)
        if crowded:
            sight = self._surer(person, sight, frame, picture)
        if sight is None:
            person.lose()
            return
        sudden = float(np.sqrt(((sight.look - last.look) ** 2).mean())) > SUDDEN
        leapt = sight.gap(person.expected(frame, 1), person.size) > LEAP
        grown = abs(np.log(sight.size / person.size)) > GROWTH
        if (crowded or sudden or leapt or grown) and person.looks.distance(sight.look) > ALIKE:
            person.lose(elsewhere=sudden and change > SHIFT)
        else:
            person.take(frame, sight)

    def _crowded(self, person: Person, last: Sight, frame: int) -> bool:
        """Whether somebody else is so near, seen or not, that a mesh may be drawn between the two."""
        return any(
            other is not person
            and not other.elsewhere
            and len(other.frames) >= TELL_FRAMES
            and frame - other.frames[-1] < LONG_SECONDS * self._fps
            and last.gap(other.expected(frame, self._soon), other.size) < NEARBY
            for other in self.people
        )

    def _surer(self, person: Person, sight: Sight | None, frame: int, picture: Picture) -> Sight | None:
        """In a crowd: ``sight``, or what the detector sees where the person should be, if that looks more like them."""
        if frame not in self._found:
            self._found = {frame: detecting.find(self._detector, picture, self._inside)}
        rows = self._found[frame]
        if not len(rows):
            return sight
        gaps = np.linalg.norm((rows[:, :2] + rows[:, 2:4]) / 2 - person.expected(frame, 1), axis=1)
        row = rows[int(gaps.argmin())]
        centre, size = (row[:2] + row[2:4]) / 2, float((row[2:4] - row[:2]).mean())
        if gaps.min() > NEARBY / 2 * person.size or (sight is not None and sight.gap(centre, size) < OFF):
            return sight
        other = self._sight(picture, self._detector.roi_of_face(row), 1)
        both = [one for one in (sight, other) if one is not None]
        return min(both, key=lambda one: person.looks.distance(one.look), default=None)

    def _sight(self, picture: Picture, roi: Float, rounds: int) -> Sight | None:
        """The face found from ``roi``, if there is one, where faces are looked for."""
        mesh, score = detecting.settle(self._detector, picture, roi, rounds)
        sight = None if mesh is None else Sight(picture, mesh, score)
        return sight if sight is not None and self._in(sight) else None

    def _in(self, sight: Sight) -> bool:
        """Whether a face lies where faces are looked for."""
        if self._inside is None:
            return True
        x0, y0, x1, y1 = self._inside
        return bool(x0 <= sight.centre[0] <= x1 and y0 <= sight.centre[1] <= y1)

    def _part(self, frame: int) -> None:
        """Of two meshes on one face, or one before the other, keep the one that looks like its person."""
        for (one, mine), (other, theirs) in itertools.combinations(self._here(), 2):
            if one.now is None or other.now is None or mine.gap(theirs.centre, theirs.size) > SAME_PLACE:
                continue
            surer = one.looks.distance(mine.look) <= other.looks.distance(theirs.look)
            kept, gone = (one, other) if surer else (other, one)
            self._take_back(gone, kept, frame)
            gone.lose()

    def _take_back(self, gone: Person, kept: Person, frame: int) -> None:
        """Forget the last frames of one person in which it was the other that was seen, and this one."""
        for past, sight in gone.recent():
            alike = gone.looks.distance(sight.look) <= kept.looks.distance(sight.look)
            if len(gone.frames) == 1 or past <= frame - self._soon or (past < frame and alike):
                break
            gone.forget()

    def _missing(self, frame: int) -> bool:
        """Whether somebody is to be searched for in this frame."""
        if not self._here():
            return True
        for person in self.people:
            if person.now is None and len(person.frames) >= TELL_FRAMES:
                since = frame - person.frames[-1]
                if not since % self._soon or (since < self._soon and not person.elsewhere):
                    return True
        return False

    def _search(self, frame: int, picture: Picture, small: bool) -> None:
        """Faces that nobody here has: people who come back, and new ones."""
        fresh: list[Sight] = []
        here = [sight for _, sight in self._here()]
        for row in detecting.find(self._detector, picture, self._inside, small):
            centre, size = (row[:2] + row[2:4]) / 2, float((row[2:4] - row[:2]).mean())
            if any(known.gap(centre, size) < SAME_PLACE for known in (*here, *fresh)):
                continue
            sight = self._sight(picture, self._detector.roi_of_face(row), 2)
            if sight is not None and not any(
                known.gap(sight.centre, sight.size) < SAME_PLACE for known in (*here, *fresh)
            ):
                fresh.append(sight)
        self._name(frame, fresh)

    def _name(self, frame: int, fresh: Sequence[Sight]) -> None:
        """Say who the faces found are: those absent whom they fit, or new people."""
        absent = [person for person in self.people if person.now is None and person.frames[-1] < frame]
        cost = np.array([[min(1.0, self._strange(person, frame, s)) for person in absent] for s in fresh], np.float64)
        pairs = dict(zip(*linear_sum_assignment(cost), strict=True)) if cost.size else {}
        for k, sight in enumerate(fresh):
            if k in pairs and cost[k, pairs[k]] < 1:
                absent[pairs[k]].take(frame, sight)
            elif not self._unsure(sight, absent, frame):
                self.people.append(Person(frame, sight))

    def _unsure(self, sight: Sight, absent: Sequence[Person], frame: int) -> bool:
        """Whether a face found may be a mesh drawn between two people who were lost a moment ago."""
        return any(
            not person.elsewhere
            and len(person.frames) >= TELL_FRAMES
            and frame - person.frames[-1] <= self._fps
            and sight.gap(person.expected(frame, self._soon), person.size) < NEARBY
            for person in absent
        )

    def _strange(self, person: Person, frame: int, sight: Sight) -> float:
        """How little a face found fits somebody absent; from 1 on it is not them."""
        gone = (frame - person.frames[-1]) / self._fps
        gap = sight.gap(person.expected(frame, self._soon), person.size)
        near = not person.elsewhere and gap < min(1 + 1.5 * gone, 3) and abs(np.log(sight.size / person.size)) < GROWTH
        apart = person.looks.distance(sight.look)
        return apart / STILL_THERE + 0.1 * gap if near else apart / ALIKE

    def _tell_apart(self, frame: int) -> None:
        """See to it that everybody is who they look like, and remember the looks of those who stand alone."""
        for one, other in itertools.combinations(self.people, 2):
            if not (one.frames and other.frames):
                continue
            if one.now is not None and other.now is not None:
                own = one.looks.distance(one.now.look) + other.looks.distance(other.now.look)
                crossed = one.looks.distance(other.now.look) + other.looks.distance(one.now.look)
                if crossed < own - 2 * SURER:
                    one.swap(other, self._since(one, other, frame))
            else:
                self._hand_over(one, other, frame)
        here = self._here()
        for person, seen in here:
            if all(seen.gap(sight.centre, sight.size) > NEARBY for _, sight in here if sight is not seen):
                person.looks.add(seen.look)

    def _hand_over(self, one: Person, other: Person, frame: int) -> None:
        """A face goes to somebody absent where it looks like them and not like its own person, or is a new one."""
        here, absent = (one, other) if one.now is not None else (other, one)
        if here.now is None or absent.now is not None:
            return
        own, crossed = here.looks.distance(here.now.look), absent.looks.distance(here.now.look)
        came = here.frames[0]
        if own > ALIKE and crossed < min(ALIKE, own - CLEAR):
            here.swap(absent, self._since(here, absent, frame))
        elif crossed < SAME and absent.frames[-1] < came >= frame - self._every:
            here.swap(absent, came)
        if not here.frames:
            self.people.remove(here)

    def _since(self, one: Person, other: Person, frame: int) -> int:
        """The first frame of those up to ``frame`` in which one looks like the other."""
        since = frame
        for past, sight in one.recent():
            alike = one.looks.distance(sight.look) <= other.looks.distance(sight.look)
            if past < frame - self._every or past > frame or alike:
                break
            since = past
        return since
