"""Run an iterator ahead of its consumer, in a thread, with a bound on how far ahead."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Marks the end of a stream, with the exception that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def stream(items: Iterable[T], depth: int = 8) -> Generator[T, None, None]:
    """The same items in the same order, made in a thread at most ``depth`` items ahead.

    An exception of ``items`` is raised here in its place. When the consumer stops early (``close()``, an
    exception, or simply no reference left), the thread ends after the item it is working on, and
    ``items`` is closed in the thread that ran it.
    """
    queue: Queue[T | _End] = Queue(depth)
    stop = Event()
    worker = Thread(target=_fill, args=(items, queue, stop), name="lipwright-stream", daemon=True)
    worker.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        _drain(queue)
        worker.join()


def _fill(items: Iterable[T], queue: Queue[T | _End], stop: Event) -> None:
    source = iter(items)
    error: BaseException | None = None
    try:
        for item in source:
            queue.put(item)
            del item  # a picture waits in the queue, not here
            if stop.is_set():
                break
    except BaseException as caught:  # noqa: BLE001 - carried to the consumer, whatever it is
        error = caught
    finally:
        if hasattr(source, "close"):
            source.close()
    queue.put(_End(error))


def _drain(queue: Queue[T | _End]) -> None:
    """Make room, so that a worker that waits to put its item goes on and sees that it should stop."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
