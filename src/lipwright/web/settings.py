"""What a server takes, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from lipwright.errors import InputError

HOOKS = ("off", "public", "any")


@dataclass(frozen=True)
class Settings:
    """The limits of one server.

    ``workers`` jobs at a time; ``keep_hours`` after which things are deleted; ``most_bytes`` of an upload,
    ``most_seconds`` of its length, ``most_side`` and ``most_pixels`` of its picture, ``most_rate`` frames a second;
    ``job_seconds`` and ``memory`` (bytes) of a job; ``most_jobs`` that wait; ``names`` of this host; ``webhooks``, one
    of `HOOKS`; ``rate`` requests a second of each caller, ``burst`` at once; ``spare`` bytes stay free on the disk.
    """

    workers: int = 1
    keep_hours: float = 24.0
    most_bytes: int = 2 << 30
    most_seconds: float = 1800.0
    most_side: int = 8192
    most_pixels: int = 4096 * 2304
    most_rate: float = 240.0
    job_seconds: float = 7200.0
    memory: int = 8 << 30
    most_jobs: int = 200
    names: tuple[str, ...] = ()
    webhooks: str = "off"
    rate: float = 100.0
    burst: int = 300
    spare: int = 256 << 20

    def __post_init__(self) -> None:
        checks = (
            (1 <= self.workers <= 64, f"1 to 64 jobs can be done at a time; given {self.workers} (--workers)"),
            (
                0 < self.keep_hours <= 24 * 365,
                f"hours to keep lie between 0 and 8760; given {self.keep_hours} (--keep)",
            ),
            (
                1 << 20 <= self.most_bytes <= 1 << 40,
                f"the largest file is 1 MiB to 1 TiB; given {self.most_bytes} bytes",
            ),
            (
                0 < self.most_seconds <= 86400,
                f"the longest video is up to 1440 minutes; given {self.most_seconds / 60:g}",
            ),
            (0 < self.job_seconds <= 7 * 86400, f"a job takes up to 10080 minutes; given {self.job_seconds / 60:g}"),
            (self.memory >= 1 << 30, f"a job needs 1 GiB or more; given {self.memory / 2**30:g} (--memory)"),
            (self.webhooks in HOOKS, f"webhooks are one of {', '.join(HOOKS)}; given {self.webhooks}"),
        )
        for fine, said in checks:
            if not fine:
                raise InputError(said)
