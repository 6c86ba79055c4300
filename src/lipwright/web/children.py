"""Processes of their own, with limits, that look at uploads and do the work of jobs: see ``worker``.

Each is a new Python in a process group of its own. It ends, with all that it started, when the server does, however
that ends: what it listens to is closed then.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from lipwright.errors import InputError, LipwrightError

PROGRAM = (sys.executable, "-P", "-m", "lipwright.commands.working")
LINE = 1 << 20
"""Bytes of one line that a child says."""
LOOK_SECONDS, LOOK_MEMORY = 60.0, 2 << 30
"""What a look at an upload may take."""


class Child:
    """One process at work on ``order``; a line of JSON each time it has something to say.

    Args:
        order: ``task``, one of `lipwright.web.worker.TASKS`, and what it takes; ``memory``, bytes.
        seconds: after which it is ended.
        log: a file that takes what libraries print.
        program: what is run.

    Raises:
        LipwrightError: no process can be started.
    """

    def __init__(
        self, order: dict[str, Any], seconds: float, log: Path | None = None, *, program: Sequence[str] = PROGRAM
    ) -> None:
        self.late = False
        pipe = subprocess.PIPE
        with (Path(os.devnull) if log is None else log).open("ab") as errors:
            try:
                self._process = subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=errors, process_group=0)
            except OSError as error:
                raise LipwrightError(f"a process cannot be started: {error.strerror}; try again later") from error
        self._timer = threading.Timer(seconds, self._overdue)
        self._timer.daemon = True
        self._timer.start()
        with suppress(OSError):
            target = cast(IO[bytes], self._process.stdin)
            target.write(json.dumps(order).encode() + b"\n")
            target.flush()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._timer.cancel()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast(IO[bytes], end).close()

    def kill(self) -> None:
        """End it, and all that it started, at once."""
        if self._process.poll() is None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def said(self) -> Iterator[dict[str, Any]]:
        """What it says, line by line, until it ends."""
        source = cast(IO[bytes], self._process.stdout)
        while line := source.readline(LINE):
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found

    def ended(self) -> str:
        """How it ended, as a part of a sentence."""
        code = self._process.wait()
        if code >= 0:
            return f"ended by itself (exit code {code})"
        return f"was ended from outside ({signal.Signals(-code).name}), perhaps for want of memory"

    def _overdue(self) -> None:
        self.late = True
        self.kill()


def asked(task: str, *, seconds: float = LOOK_SECONDS, **order: Any) -> dict[str, Any]:
    """What a child answers to one task.

    Raises:
        InputError: what it says is wrong with the file, that it took too long, or that it was lost over it.
    """
    with Child({"task": task, "memory": LOOK_MEMORY, "cpu": seconds, **order}, seconds) as child:
        for said in child.said():
            if "error" in said:
                raise InputError(said["error"])
            if "answer" in said:
                return cast(dict[str, Any], said["answer"])
        if child.late:
            raise InputError(f"the file could not be looked at within {seconds:.0f} s; give a shorter or smaller one")
        raise InputError(f"the file could not be looked at: the process that tried {child.ended()}; give another one")
