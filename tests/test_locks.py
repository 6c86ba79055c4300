"""One process at a time in a folder."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from lipwright import locks
from lipwright.errors import InputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked on Windows")


def test_a_folder_is_held_until_it_is_let_go(tmp_path: Path) -> None:
    with locks.hold(tmp_path, "taken"):
        with pytest.raises(InputError, match="^taken$"):
            locks.hold(tmp_path, "taken")
        with (tmp_path / locks.NAME).open("ab") as file:
            assert not locks.take(file)
    locks.hold(tmp_path, "taken").close()


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    code = "import sys, time, pathlib; from lipwright import locks; a = locks.hold(pathlib.Path(sys.argv[1]), 'taken')"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}; print('held', flush=True); time.sleep(60)", str(tmp_path)],
        stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="taken"):
            locks.hold(tmp_path, "taken")
        other.kill()
    locks.hold(tmp_path, "taken").close()


def test_everybody_may_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(file: IO[bytes]) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_lock", refused)
    with locks.hold(tmp_path, "taken"), locks.hold(tmp_path, "taken") as file:
        assert not locks.take(file)
