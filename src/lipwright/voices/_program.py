"""A program run once to speak a text."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lipwright.errors import InputError


def run(words: Sequence[str], told: str, seconds: float) -> None:
    """Run a program, no shell between, with ``told`` on its standard input.

    Raises InputError: it cannot be started, is not done after ``seconds``, or fails; with the last line that it said.
    """
    try:
        done = subprocess.run(
            words, input=told, capture_output=True, text=True, encoding="utf-8", errors="replace",
            check=False, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as problem:
        raise InputError(f"the command {words[0]} was not done after {seconds:g} s") from problem
    except (OSError, ValueError) as problem:
        raise InputError(f"the command {words[0]} cannot be run ({problem})") from problem
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise InputError(f"the command {words[0]} failed with code {done.returncode}: {reason[:200]}")
