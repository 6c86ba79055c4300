"""Work spread over processes of this machine, or a Ray cluster; what comes back is in the order of what was given.

::

    for made in workers.spread(partial(prepared, folder=out), files, workers=4):
        ...

Every process is a new Python, started from nothing: it is no copy of this one and does not run the script that this one
runs, so that a script needs no ``if __name__ == "__main__"``, and no lock of another thread is copied. Each computes
with one thread (`ONE_THREAD`). They end with this process, however that ends, as what they listen to is closed then;
Ctrl-C reaches this process alone, which ends them. What goes between them is what `multiprocessing` would send; nothing
of it is kept.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from multiprocessing.reduction import ForkingPickler
from typing import IO, Any, NamedTuple, TypeVar, cast

from lipwright.errors import InputError, LipwrightError

T = TypeVar("T")
R = TypeVar("R")

ONE_THREAD = dict.fromkeys(
    (
        "LIPWRIGHT_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "OPENCV_FOR_THREADS_NUM", "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)  # fmt: skip
"""What the libraries at work here read, once, when they are imported: how many threads they may start."""

_BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.stdin.buffer.readline()); "
    "from lipwright import workers; workers.serve()"
)
_SIZE = 8


class _Answer(NamedTuple):
    """What came of the job ``number``: its result, or, where it did not ``work``, an exception. A ``number`` below 0:
    the process was lost."""

    number: int
    work: bool
    value: Any


def spread(
    task: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    ray: str = "",
    lost: Callable[[T, LipwrightError], R] | None = None,
) -> Iterator[R]:
    """``task(item)`` of each item, in their order, by so many processes; by this one where ``workers`` is 1.

    Args:
        task: a function of an importable module, or a `functools.partial` of one: not a lambda, nor one of the script
            that is run.
        items: what it is called with, one after the other; all are taken at once, and handed to whoever is free.
        workers: processes at work.
        ray: the address of a Ray cluster that does the work, so many items at a time, see `lipwright.cluster`.
        lost: gives what is returned for an item whose process was ended from outside, and another one takes its place;
            this process then works on none. Without it that is the end of all.

    Returns:
        An iterator; the work goes on while it is waited for. Closing it ends the processes.

    Raises:
        InputError: ``workers`` is below 1, task or items cannot be sent to another process, or there is no such
            cluster.
        MissingExtraError: ``ray`` is given and not installed.
        LipwrightError: a process was ended from outside, and ``lost`` is not given.
        Exception: what ``task`` raised, in its place in the order.
    """
    if workers < 1:
        raise InputError(f"at least one process must be at work; given {workers}")
    jobs = list(items)
    if ray:
        from lipwright import cluster

        _checked(task)
        sent = [_packed(task, job) for job in jobs]
        return _values(cluster.answers(_done, sent, workers=workers, address=ray, environment=ONE_THREAD))
    if lost is None and (workers == 1 or len(jobs) < 2):
        return map(task, jobs)
    _checked(task)
    return _spread(task, jobs, min(workers, len(jobs)), lost)


def _checked(task: Callable[[T], R]) -> None:
    """InputError where another process cannot import ``task``."""
    function = getattr(task, "func", task)
    name = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
    if function.__module__ == "__main__" or "<" in name:
        raise InputError(f"{name} cannot be sent to other processes; put it into a module that can be imported")


def _packed(task: Callable[[T], R], item: T) -> bytes:
    """A job as bytes; InputError where it cannot be sent."""
    try:
        return bytes(ForkingPickler.dumps((task, item)))
    except Exception as error:  # picklers raise whatever the object raises
        raise InputError(f"{item!r} cannot be sent to another process: {error}") from error


def _done(job: bytes) -> bytes:
    """What comes of a job, as bytes: (True, result), or (False, exception)."""
    try:
        task, item = ForkingPickler.loads(job)
        return bytes(ForkingPickler.dumps((True, task(item))))
    except BaseException as error:  # noqa: BLE001 - it is raised again where the work was asked for
        return _failed(error)


def _unpacked(answer: bytes) -> tuple[bool, Any]:
    """What `_done` made."""
    found: tuple[bool, Any] = ForkingPickler.loads(answer)
    return found


def _values(answers: Generator[bytes]) -> Iterator[Any]:
    """What answers hold, in order; the exception raised where one holds that."""
    with closing(answers):
        for answer in answers:
            worked, value = _unpacked(answer)
            if not worked:
                raise value
            yield value


def _failed(error: BaseException) -> bytes:
    """An exception as bytes; where it cannot be sent as it is, what it says."""
    if not isinstance(error, LipwrightError):
        error.add_note("in a process at work:\n" + "".join(traceback.format_exception(error)))
    with suppress(Exception):
        told = bytes(ForkingPickler.dumps((False, error)))
        ForkingPickler.loads(told)
        if isinstance(error, Exception):  # anything else would end the process that asked for the work
            return told
    return bytes(ForkingPickler.dumps((False, LipwrightError(f"{type(error).__name__} in a process at work: {error}"))))


# -------------------------------------------------------------------------------------- in this process


def _spread(
    task: Callable[[T], R], jobs: list[T], workers: int, lost: Callable[[T, LipwrightError], R] | None
) -> Iterator[R]:
    waiting: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    for job in enumerate(jobs):
        waiting.put(job)
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
    crew: list[_Post] = []
    try:
        while len(crew) < workers:
            crew.append(_Post(task, waiting, answers, lost))
        yield from _in_order(len(jobs), answers)
    finally:
        for post in crew:
            post.leave()
        for post in crew:
            post.end()


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-c", _BEGIN]
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=os.environ | ONE_THREAD, process_group=0)
    except OSError as error:
        raise LipwrightError(f"another process cannot be started: {error.strerror}; take fewer workers") from error


class _Post:
    """A process that is given one job after the other, while there are any; another one where it is lost and that is
    not meant to end everything."""

    def __init__(
        self,
        task: Callable[[Any], Any],
        waiting: queue.SimpleQueue[tuple[int, Any]],
        answers: queue.SimpleQueue[_Answer],
        lost: Callable[[Any, LipwrightError], Any] | None,
    ) -> None:
        self._task, self._waiting, self._answers, self._lost = task, waiting, answers, lost
        self._lock, self._left = threading.Lock(), False
        self._process = _started()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """End the process at once; none takes its place."""
        with self._lock:
            self._left = True
            self._process.kill()

    def end(self) -> None:
        """Wait until all is over."""
        self._thread.join()
        self._process.wait()
        _closed(self._process)

    def _work(self) -> None:
        while self._hand() and self._replaced():
            pass

    def _replaced(self) -> bool:
        """Whether a new process is at work."""
        with self._lock:
            if self._left:
                return False
            _closed(self._process)
            try:
                self._process = _started()
            except LipwrightError as error:
                self._answers.put(_Answer(-1, False, error))
                return False
            return True

    def _hand(self) -> bool:
        """Give the process jobs; whether it was lost over one of them and the others go on."""
        process, number, item = self._process, -1, None
        source, target = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stdin)
        try:
            target.write(json.dumps(sys.path).encode() + b"\n")
            while True:
                number, item = self._waiting.get_nowait()
                _send(target, _packed(self._task, item))
                self._answers.put(_Answer(number, *_unpacked(_receive(source))))
                number = -1
        except queue.Empty:
            with suppress(OSError):
                target.close()
        except (EOFError, OSError):
            error = _lost(process.wait())
            if self._lost is not None and number >= 0:
                self._answers.put(_Answer(number, True, self._lost(item, error)))
                return True
            self._answers.put(_Answer(-1, False, error))
        except Exception as error:  # noqa: BLE001 - what could not be sent, either way; raised in its place
            self._answers.put(_Answer(number, False, error))
        return False


def _closed(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _in_order(count: int, answers: queue.SimpleQueue[_Answer]) -> Iterator[Any]:
    there: dict[int, _Answer] = {}
    for number in range(count):
        while number not in there:
            answer = answers.get()
            if answer.number < 0:
                raise answer.value
            there[answer.number] = answer
        answer = there.pop(number)
        if not answer.work:
            raise answer.value
        yield answer.value


def _lost(code: int) -> LipwrightError:
    if code < 0:
        how = f"was ended from outside ({signal.Signals(-code).name}), perhaps for want of memory"
    else:
        how = f"ended by itself (exit code {code})"
    return LipwrightError(f"a process at work {how}; run the same again with fewer of them (--workers)")


# -------------------------------------------------------------------------------------- in each process at work


def serve() -> None:
    """What a process at work does: a job from its input, an answer to its output, until the input is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not lie among the answers
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True).start()
    try:
        while True:
            _send(answers, _done(jobs.get()))
    except OSError:
        os._exit(0)


def _listen(source: IO[bytes], jobs: queue.SimpleQueue[bytes]) -> None:
    """Take jobs; end the process at once when there is nobody left to work for."""
    try:
        while True:
            jobs.put(_receive(source))
    except (EOFError, OSError):
        os._exit(0)


def _send(target: IO[bytes], content: bytes) -> None:
    """Write bytes with their length before them."""
    target.write(len(content).to_bytes(_SIZE, "little"))
    target.write(content)
    target.flush()


def _receive(source: IO[bytes]) -> bytes:
    """Read what `_send` wrote; EOFError where it stops before its end."""
    size = int.from_bytes(_exactly(source, _SIZE), "little")
    return _exactly(source, size)


def _exactly(source: IO[bytes], size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise EOFError
    return content
