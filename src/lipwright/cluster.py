"""Work done by a Ray cluster: by Ray Data, which keeps the order, hands a cluster no more than it can take, gives the
work of a machine that is lost to another, and grows with a cluster that does.

All machines of a cluster need the same Python and the same lipwright, and must see the same files under the same
absolute names. `lipwright.workers` says what a job is.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Generator
from functools import partial
from importlib.util import find_spec
from typing import Any

from lipwright.errors import InputError, LipwrightError, MissingExtraError

PATIENCE = 10.0
"""Seconds until somebody must have answered."""
PARTS = 1000
"""Into how many parts the work is divided, where there is more of it."""


def answers(
    work: Callable[[bytes], bytes], jobs: list[bytes], *, workers: int, address: str, environment: dict[str, str]
) -> Generator[bytes]:
    """``work(job)`` of each job, in order, ``workers`` of them at a time.

    Args:
        work: a function of an importable module.
        jobs: what it is called with.
        workers: jobs at a time, with a core each.
        address: "host:port", "auto" for the cluster this machine is part of, "local" to start one
            here, of so many cores, that ends with the work. A cluster this process has joined already is taken.
        environment: variables that are set before Python starts.

    Raises:
        InputError: there is no such cluster.
        MissingExtraError: ray is not installed.
        LipwrightError: the cluster did not finish the work.
    """
    if find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    return _answers(work, jobs, workers, address, environment)


def _answers(
    work: Callable[[bytes], bytes], jobs: list[bytes], workers: int, address: str, environment: dict[str, str]
) -> Generator[bytes]:
    import ray
    from ray import data

    mine = not ray.is_initialized()
    if mine:
        _join(address, workers, environment)
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        parts = min(len(jobs), max(PARTS, 20 * workers))
        rows = data.from_items([{"job": job} for job in jobs], override_num_blocks=max(1, parts))
        for row in rows.map(partial(_row, work), compute=data.TaskPoolStrategy(workers)).iter_rows():
            yield row["answer"]
    except ray.exceptions.RayError as error:
        raise LipwrightError(f"the Ray cluster at {address} did not finish the work: {_last(error)}") from error
    finally:
        if mine:
            ray.shutdown()


def _row(work: Callable[[bytes], bytes], row: dict[str, bytes]) -> dict[str, bytes]:
    return {"answer": work(row["job"])}


def _join(address: str, workers: int, environment: dict[str, str]) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    own: dict[str, Any] = {"num_cpus": workers, "include_dashboard": False} if address == "local" else {}
    options = {"logging_level": logging.ERROR, "log_to_driver": False, "runtime_env": {"env_vars": environment}}
    try:
        _knock(address)
        ray.init(address, **options, **own)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        message = f"there is no Ray cluster at {address}: {_last(error)}"
        raise InputError(f'{message}; start one with `ray start --head`, or give "local" to start one here') from error


def _knock(address: str) -> None:
    """OSError where nobody answers at "host:port": Ray would try for minutes, and then end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), PATIENCE).close()


def _last(error: Exception) -> str:
    """The last line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
