"""What is kept of what was found, and why not the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lipwright import sync
from lipwright.errors import InputError
from lipwright.prepare.judging import Opinion
from lipwright.prepare.recording import FPS, SHORTEST, Found

Sync = Literal["drop", "shift", "off"]
SYNC = ("drop", "shift", "off")
LEAST_SEEN = 0.8


@dataclass(frozen=True)
class Limits:
    """What a recording must be to be kept.

    ``sync``: "drop" shifts the sound by the measured offset and drops what is not surely in sync, "shift" leaves that
    as it is, "off" measures nothing. ``confidence``: what the contrast must be as a multiple of the highest that wrong
    sounds reach; ``most_offset``: frames at 25 fps. ``sharpness`` grey levels, ``face`` px wide and ``yaw`` degrees as
    in `lipwright.prepare.recording.Found`.

    Raises:
        InputError: a limit that nothing, or everything, meets.
    """

    sync: Sync = "drop"
    confidence: float = 1.0
    most_offset: int = 8
    sharpness: float = 0.0
    face: float = 48.0
    yaw: float = 60.0

    def __post_init__(self) -> None:
        if self.sync not in SYNC:
            raise InputError(f"sync is {', '.join(SYNC[:-1])} or {SYNC[-1]}; given {self.sync!r}")
        if not 0 <= self.most_offset < sync.REACH:
            raise InputError(f"the largest offset is 0 to {sync.REACH - 1} frames; given {self.most_offset}")
        for name, value in (
            ("confidence", self.confidence),
            ("sharpness", self.sharpness),
            ("width of a face", self.face),
        ):
            if not value >= 0:
                raise InputError(f"the least {name} is 0 or more; given {value}")
        if not 0 < self.yaw <= 180:
            raise InputError(f"the largest yaw is above 0 and up to 180 degrees; given {self.yaw}")


def decided(one: Found, heard: Opinion | None, limits: Limits) -> tuple[int, str]:
    """The frames that a recording's sound is shifted by, and why it is dropped; "" where it is kept."""
    if one.seen < LEAST_SEEN:
        return 0, f"the face is seen in {one.seen:.0%} of its frames; {LEAST_SEEN:.0%} are needed"
    if one.size < limits.face:
        return 0, f"its face is {one.size:.0f} px wide; {limits.face:g} are needed"
    if one.yaw > limits.yaw:
        return 0, f"its face is turned by {one.yaw:.0f} degrees; {limits.yaw:g} at most are wanted"
    if one.sharpness < limits.sharpness:
        return 0, f"its sharpness is {one.sharpness:.2f}; {limits.sharpness:g} is needed"
    if heard is None:
        return 0, ""
    sure = heard.confidence >= limits.confidence
    if sure and abs(heard.offset) <= limits.most_offset:
        short = one.frames - abs(heard.offset) < SHORTEST
        return heard.offset, f"less than {SHORTEST / FPS} s are left once its sound is moved" if short else ""
    if sure:
        return 0, f"{sync.words(heard.offset, FPS)}; up to {limits.most_offset} frames are put right"
    if limits.sync == "shift":
        return 0, ""
    if heard.of == "nothing":
        return 0, "its sync cannot be judged: there are too few other sounds to compare with; see --sync"
    return 0, (
        f"not surely in sync: its contrast is {heard.confidence:.2f} times what wrong sounds reach; "
        f"{limits.confidence:g} is needed"
    )
