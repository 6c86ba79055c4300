"""workers: many processes do the same as one, and none of them outlives the one that asked."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import jobs
from lipwright import cluster, runtime, workers
from lipwright.errors import InputError, LipwrightError, MissingExtraError

HERE = Path(__file__).parent


def gone(process: int) -> bool:
    """Whether a process has ended; one that only waits to be asked for its exit code has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def within(seconds: float, what: partial[bool]) -> bool:
    """Whether something comes true in time."""
    for _ in range(round(seconds / 0.05)):
        if what():
            return True
        time.sleep(0.05)
    return False


def script(folder: Path, text: str) -> subprocess.Popen[str]:
    """A script of a user, without ``if __name__ == "__main__"``, running in a process group of its own."""
    (folder / "script.py").write_text(f"import sys\nsys.path.insert(0, {str(HERE)!r})\n{text}")
    pipe = subprocess.PIPE
    command = [sys.executable, folder / "script.py"]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    found = workers.spread(jobs.double, (number for number in range(7)), workers=count)
    assert list(found) == [0, 2, 4, 6, 8, 10, 12]
    assert list(workers.spread(jobs.double, [], workers=count)) == []


def test_each_is_a_process_of_its_own_with_one_thread_that_knows_nothing_of_the_script() -> None:
    found = list(workers.spread(jobs.about, range(4), workers=2))
    assert len({process for process, _, _ in found} - {os.getpid()}) == 2
    assert all(threads == {"openvino": 1, "opencv": 1, "blas": 1} for _, threads, _ in found)
    assert all(loaded == [] for _, _, loaded in found)
    assert within(5, partial(all_gone, [process for process, _, _ in found]))


def all_gone(processes: list[int]) -> bool:
    return all(gone(process) for process in processes)


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_is_raised_in_its_place(count: int) -> None:
    found = workers.spread(jobs.refused, range(5), workers=count)
    assert list(itertools.islice(found, 2)) == [0, 1]
    with pytest.raises(ValueError, match="2 is no number") as caught:
        next(found)
    if count == 2:
        assert "in refused" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (jobs.odd, "OddError in a process at work: 0 and 0"),
        (jobs.left, "SystemExit in a process at work"),
        (jobs.killed, r"was ended from outside \(SIGKILL\), perhaps for want of memory; .* fewer"),
    ],
)
def test_what_ends_a_process_is_a_sentence(task: object, said: str) -> None:
    with pytest.raises(LipwrightError, match=said):
        list(workers.spread(task, range(3), workers=2))  # type: ignore[arg-type]


def test_what_libraries_print_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(workers.spread(jobs.loud, range(2), workers=2)) == [0, 1]
    told = capfd.readouterr()
    assert told.out == "" and told.err.count("hello") == 2


def test_what_cannot_be_sent_is_a_sentence() -> None:
    with pytest.raises(InputError, match="put it into a module"):
        list(workers.spread(lambda number: number, range(2), workers=2))
    with pytest.raises(InputError, match="cannot be sent to another process"):
        list(workers.spread(jobs.double, [lambda: 1] * 2, workers=2))  # type: ignore[list-item]
    with pytest.raises(InputError, match="given 0"):
        workers.spread(jobs.double, range(2), workers=0)


def test_a_lock_that_another_thread_holds_is_not_copied(tmp_path: Path) -> None:
    """Forked processes wait for ever here, as they did for the threads of OpenBLAS."""
    text = "import jobs\nfrom lipwright import workers\njobs.LOCK.acquire()\n"
    running = script(tmp_path, text + "print(list(workers.spread(jobs.locked, range(4), workers=2)))")
    assert running.communicate(timeout=60) == ("[0, 1, 2, 3]\n", "")


def test_a_script_of_its_own_cannot_give_its_functions(tmp_path: Path) -> None:
    text = "from lipwright import workers\ndef own(x): return x\n"
    running = script(tmp_path, text + "list(workers.spread(own, range(4), workers=2))")
    said = running.communicate(timeout=60)[1].splitlines()[-1]
    assert "__main__.own cannot be sent to other processes; put it into a module" in said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_one_that_asked(how: signal.Signals, tmp_path: Path) -> None:
    text = "import jobs\nfrom functools import partial\nfrom pathlib import Path\nfrom lipwright import workers\n"
    call = f"list(workers.spread(partial(jobs.noted, Path({str(tmp_path)!r})), range(4), workers=2))"
    running = script(tmp_path, text + f"try: {call}\nexcept KeyboardInterrupt: print('stopped')")
    assert within(60, partial(lambda: len(list(tmp_path.glob("*.pid"))) == 2))
    processes = [int(path.read_text()) for path in tmp_path.glob("*.pid")]
    assert not any(map(gone, processes))
    os.killpg(running.pid, how)
    told = running.communicate(timeout=60)
    assert told == (("stopped\n", "") if how == signal.SIGINT else ("", ""))
    assert within(20, partial(all_gone, processes))


@pytest.mark.parametrize("count", [1, 2])
def test_a_lost_process_is_replaced_where_that_is_asked_for(count: int) -> None:
    found = workers.spread(
        jobs.killed, range(4), workers=count, lost=lambda item, error: -item - len(str(error)) // 1000
    )
    assert list(found) == [0, -1, 2, 3]


def test_a_lost_process_is_told_in_words() -> None:
    found = workers.spread(jobs.killed, [1], workers=1, lost=lambda item, error: (item, str(error)))  # type: ignore[arg-type,return-value]
    assert next(iter(found))[1].startswith("a process at work was ended from outside (SIGKILL)")  # type: ignore[index]


def test_closing_ends_the_processes() -> None:
    found = workers.spread(jobs.about, range(40), workers=2)
    process, _, _ = next(found)
    found.close()  # type: ignore[attr-defined]
    assert gone(process)


def test_threads_are_told_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPWRIGHT_THREADS", "3")
    assert runtime.cores() == 3
    monkeypatch.setenv("LIPWRIGHT_THREADS", "none")
    with pytest.raises(InputError, match="'none'"):
        runtime.cores()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "nobody"])
def test_where_no_cluster_answers_is_a_sentence(address: str) -> None:
    pytest.importorskip("ray", reason='Ray is not here; it comes with: pip install "lipwright[ray]"')
    with pytest.raises(
        InputError, match=f"there is no Ray cluster at {address}: .*; start one with `ray start --head`"
    ):
        list(workers.spread(jobs.double, [1], workers=1, ray=address))


def test_without_ray_a_sentence_says_how_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"lipwright\[ray\]"):
        workers.spread(jobs.double, [1], workers=1, ray="local")
