"""media.stream: a stage that runs ahead of the next."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest

from counting import streams
from lipwright import media
from lipwright.errors import MediaError


def test_a_stream_is_the_same_items_made_in_a_thread() -> None:
    where: set[int] = set()

    def items() -> Iterator[int]:
        for n in range(100):
            where.add(threading.get_ident())
            yield n

    assert list(media.stream(items(), depth=3)) == list(range(100))
    assert where.isdisjoint({threading.get_ident()})
    assert not streams()


def test_a_stream_stays_bounded() -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        for n in range(1000):
            made += 1
            yield n

    running = media.stream(items(), depth=4)
    next(running)
    time.sleep(0.1)
    assert made <= 4 + 3
    running.close()
    assert made <= 4 + 5
    assert not streams()


def test_a_stream_carries_exceptions_in_their_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise MediaError("the third is broken")

    running = media.stream(items())
    assert [next(running), next(running)] == [1, 2]
    with pytest.raises(MediaError, match="third"):
        next(running)
    assert not streams()


def test_a_stream_that_is_dropped_closes_its_source() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    for item in media.stream(items(), depth=2):
        if item == 5:
            break
    gc.collect()
    assert closed.wait(2)
    assert not streams()
