"""Threads that give jobs to processes, follow what these say, and take up what a killed server left."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from lipwright.web.children import Child
from lipwright.web.jobs import Job, Jobs
from lipwright.web.settings import Settings

PARTS = {
    "check": {"pictures": (0.1, 0.9)},
    "dub": {"speaking": (0.0, 0.04), "converting": (0.04, 0.1), "joining": (0.04, 0.1), "faces": (0.1, 0.4),
            "who speaks": (0.4, 0.45), "write": (0.45, 1.0)},
    "finish": {"shake": (0.0, 0.3), "faces": (0.3, 0.5), "write": (0.5, 1.0)},
    "measure": {"faces": (0.0, 0.7)},
    "repair": {"faces": (0.0, 0.4), "write": (0.6, 1.0)},
    "speak": {"speaking": (0.0, 0.5), "converting": (0.5, 1.0), "joining": (0.5, 1.0)},
}  # fmt: skip
"""From where to where the progress of a verb goes while it tells of each thing."""
SURE = 0.03
"""Progress from which on a time left is told."""
PAUSE = 5.0
"""Seconds until a database that takes nothing is tried again."""

T = TypeVar("T")


@dataclass
class Going:
    """A job being done: ``progress`` 0-1, ``what`` is done now, since when."""

    job: Job
    began: float = field(default_factory=time.monotonic)
    progress: float = 0.0
    what: str = "starting"
    cancelled: bool = False
    child: Child | None = None

    def tell(self, done: int, total: int, what: str) -> None:
        """Take what a verb says of its progress; what is shown never goes back."""
        first, last = PARTS.get(self.job.verb, {}).get(what, (self.progress, self.progress))
        share = min(1.0, done / total) if total > 0 else 0.0
        self.progress, self.what = max(self.progress, first + share * (last - first)), what

    @property
    def left(self) -> float | None:
        """Seconds left, by the pace so far; None while that says nothing."""
        spent = time.monotonic() - self.began
        return spent * (1 - self.progress) / self.progress if self.progress > SURE else None


class Crew:
    """``settings.workers`` jobs of ``jobs`` at a time, each in a process from ``begin``, from `start` to `stop`."""

    def __init__(self, jobs: Jobs, settings: Settings, begin: Callable[..., Child] = Child) -> None:
        self._jobs, self._settings, self._begin = jobs, settings, begin
        self._going: dict[str, Going] = {}
        self._wake = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Queue again what was running, and begin."""
        self._jobs.recover()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._settings.workers)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the processes; their jobs are queued for the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
            for going in self._going.values():
                if going.child is not None:
                    going.child.kill()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """There is a new job."""
        with self._wake:
            self._wake.notify()

    def going(self, number: str) -> Going | None:
        """How far a running job is."""
        return self._going.get(number)

    def cancel(self, number: str) -> bool:
        """End a job, its process at once; False where it had ended."""
        with self._wake:
            if self._jobs.change(number, "queued", state="cancelled"):
                return True
            going = self._going.get(number)
            if going is not None:
                going.cancelled = True
                if going.child is not None:
                    going.child.kill()
            return self._jobs.change(number, "running", state="cancelled")

    def _work(self) -> None:
        while not self._stopping:
            going = self._surely(self._next)
            if going is None:
                continue
            try:
                self._do(going)
            except Exception as problem:  # noqa: BLE001 - whatever it is, the next job must be done
                self._ends(going.job.id, state="failed", error=f"the server could not do it: {problem}")
            finally:
                with self._wake:
                    del self._going[going.job.id]

    def _next(self) -> Going | None:
        """The job that waits longest, now at work; None where none is there, after a while."""
        with self._wake:
            job = None if self._stopping else self._jobs.take()
            if job is not None:
                going = self._going[job.id] = Going(job)
                return going
            if not self._stopping:
                self._wake.wait(PAUSE)
            return None

    def _ends(self, number: str, **new: str) -> None:
        """Keep what came of a running job."""
        self._surely(partial(self._jobs.change, number, "running", **new))

    def _surely(self, work: Callable[[], T]) -> T | None:
        """What ``work`` gives, tried again while the database takes nothing, as the disk is full or others hold it;
        None where the server is stopped meanwhile: what ran is then taken up at the next start."""
        while True:
            try:
                return work()
            except SQLAlchemyError as problem:
                why = getattr(problem, "orig", problem)
                logging.getLogger(__name__).warning("the database of the jobs takes nothing now: %s", why)
            with self._wake:
                if self._stopping:
                    return None
                self._wake.wait(PAUSE)

    def _do(self, going: Going) -> None:
        job, folder = going.job, self._jobs.job_folder(going.job.id)
        order: dict[str, Any] = {
            "task": "verb",
            "folder": str(folder),
            "verb": job.verb,
            "inputs": job.inputs,
            "options": job.options,
        }
        order |= {"memory": self._settings.memory, "threads": max(1, (os.cpu_count() or 1) // self._settings.workers)}
        with self._begin(order, self._settings.job_seconds, folder / "log.txt") as child:
            with self._wake:
                going.child = child
                if going.cancelled or self._stopping:
                    child.kill()
            answer = self._followed(going, child)
            ended = child.ended()
        if "answer" in answer:
            self._ends(job.id, state="done")
        elif "error" in answer:
            self._ends(job.id, state="failed", error=answer["error"])
        elif self._stopping:
            self._ends(job.id, state="queued")
        elif child.late:
            minutes = self._settings.job_seconds / 60
            said = f"it took longer than {minutes:g} minutes; give a shorter video, or allow more (--time-limit)"
            self._ends(job.id, state="failed", error=said)
        elif not going.cancelled:
            going.what = f"the process {ended}"
            self._surely(partial(self._jobs.lost, job.id))
            self.wake()

    @staticmethod
    def _followed(going: Going, child: Child) -> dict[str, Any]:
        """The last word of a process: its answer, an error, or nothing."""
        for said in child.said():
            if "progress" in said:
                going.tell(*said["progress"])
            elif "answer" in said or "error" in said:
                return said
        return {}
