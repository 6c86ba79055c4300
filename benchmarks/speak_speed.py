"""How long `speak` takes for a second of speech, and what `dub --text` adds to `dub`.

Times are CPU seconds of this process, one thread (set OMP_NUM_THREADS=1), after everything was loaded once; of dub both
ways in one run. Real-time factor: seconds of work for a second of speech; the recording to sound like is listened to
anew each time, and that is in it.

python benchmarks/speak_speed.py [--like ../shared/data/full/s009_23d736.mp4] [--no-dub]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import lipwright
from lipwright import media
from lipwright.speak import speak, speak_for

SENTENCE = "The quick brown fox jumps over the lazy dog, and we wait for the weather to change before we travel home. "


def timed(what: Callable[[], Any]) -> tuple[Any, float, float]:
    """What came of it, CPU seconds and seconds."""
    cpu, wall = process_time(), perf_counter()
    made = what()
    return made, process_time() - cpu, perf_counter() - wall


def factors(like: Path) -> None:
    print(f"{'':28}{'speech s':>9}{'CPU s':>8}{'factor':>8}")
    for name, count in (("one sentence", 1), ("four sentences", 4), ("a page", 16), ("six pages", 96)):
        for target in (None, like):
            if target is not None and count > 16:
                continue
            said, cpu, _ = timed(lambda: speak(SENTENCE * count, like=target))  # noqa: B023
            label = name + (", converted" if target else "")
            print(f"{label:28}{said.duration:9.1f}{cpu:8.2f}{cpu / said.duration:8.3f}", flush=True)


def dubbed(like: Path, folder: Path) -> None:
    clip = media.open(like)
    said, spoken, _ = timed(lambda: speak_for(clip, text=SENTENCE * 2))
    for name, given in (("dub", said), ("dub, phones known", said)):
        options = {"phones": said.phones} if "phones" in name else {}
        _, cpu, wall = timed(
            lambda: media.write(lipwright.dub(media.open(like), given, **options), folder / "out.mp4", resume=False)  # noqa: B023
        )
        print(
            f"{name}: {cpu:.2f} s CPU, {wall:.2f} s, for {said.duration:.1f} s; --text adds {100 * spoken / cpu:.0f} %"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    data = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--like", type=Path, default=data / "full" / "s009_23d736.mp4")
    parser.add_argument("--dub", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    speak("Hello.", like=asked.like)
    factors(asked.like)
    if asked.dub:
        with tempfile.TemporaryDirectory() as folder:
            dubbed(asked.like, Path(folder))


if __name__ == "__main__":
    main()
