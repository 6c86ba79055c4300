"""What other processes are asked to do; they import it from here."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path

LOCK = threading.Lock()


def double(number: int) -> int:
    """Twice the number; the smaller it is, the longer it takes."""
    time.sleep(0.2 / (1 + number))
    return 2 * number


def about(_: int) -> tuple[int, dict[str, int], list[str]]:
    """The process, the threads it may use, and what it has loaded of the script that asked."""
    import cv2

    from lipwright import runtime

    time.sleep(0.3)
    threads = {"openvino": runtime.cores(), "opencv": cv2.getNumThreads(), "blas": int(os.environ["OMP_NUM_THREADS"])}
    return os.getpid(), threads, [name for name in sys.modules if name.startswith(("test_", "pytest"))]


def refused(number: int) -> int:
    """A ValueError for 2, the number else."""
    if number == 2:
        raise ValueError(f"{number} is no number")
    return number


class OddError(Exception):
    """Cannot be made again from what it says."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def odd(number: int) -> None:
    """Raises what cannot be sent."""
    raise OddError(number, number)


def left(number: int) -> None:
    """Asks to end the process."""
    sys.exit(number)


def killed(number: int) -> int:
    """Ends the process as the system does when there is no memory left."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return number


def locked(number: int) -> int:
    """Needs a lock that another thread of the process that asked may hold."""
    with LOCK:
        return number


def noted(folder: Path, number: int) -> None:
    """Leaves its process id in a folder and works for a minute."""
    (folder / f"{number}.part").write_text(str(os.getpid()))
    (folder / f"{number}.part").replace(folder / f"{number}.pid")
    time.sleep(60)


def loud(number: int) -> int:
    """Prints, as libraries do."""
    os.write(1, b"a library says hello\n")
    return number


def lost(_folder: Path, _making: object, _item: object) -> None:
    """Ends the process in the place of preparing a file."""
    os.kill(os.getpid(), signal.SIGKILL)


def full(_folder: Path, _making: object, _item: object) -> None:
    """Finds no room in the place of preparing a file."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
