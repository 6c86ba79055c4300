"""Batches drawn ahead of their time, by threads, while the network works."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

B = TypeVar("B")


def ahead(draw: Callable[[int], B], start: int, stop: int, threads: int) -> Iterator[B]:
    """``draw(start)``, ``draw(start + 1)`` … up to ``stop``, in order; ``2 · threads`` wait ready at most.

    ``draw`` must be a function of its argument alone, so that it does not matter who draws when. With no ``threads``
    each is drawn when it is asked for. An error in one comes where its batch would have.
    """
    if threads < 1:
        yield from map(draw, range(start, stop))
        return
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="draw")
    try:
        for number in range(start, stop):
            waiting.append(pool.submit(draw, number))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
