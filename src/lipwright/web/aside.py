"""A thread that works beside the server, from its start to its stop."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import ClassVar


class Aside(ABC):
    """Does `_work` in a thread of its own, which looks at ``_end`` to know when it is over."""

    PATIENCE: ClassVar[float | None] = None
    """Seconds that `stop` waits for what is at hand; None: until it is done."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End once what is at hand is done."""
        self._end.set()
        self._thread.join(self.PATIENCE)

    @abstractmethod
    def _work(self) -> None:
        """Work until ``_end`` is set."""
