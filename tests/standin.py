"""Stands for the process that does a job of the server: it does what the text of the order says, at once."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import wave
from pathlib import Path


def listen() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def company(running: Path, all_in_all: int) -> None:
    """Wait until another is at work at the same time, or all have begun."""
    for _ in range(1000):
        marks = running.read_text()
        if marks.count("+") - marks.count("-") > 1 or marks.count("+") == all_in_all:
            return
        time.sleep(0.01)


def main() -> None:
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=listen, daemon=True).start()
    folder, text = Path(order["folder"]), order["options"].get("text", "")
    with (folder.parent / "running").open("a") as file:
        file.write("+")
    if text == "die" or (text == "die once" and not (folder / "died").exists()):
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if text == "refuse":
        say(error="this cannot be said")
        return
    say(progress=[1, 2, "speaking"])
    if text == "long":
        time.sleep(600)
    if text.startswith("one of "):
        company(folder.parent / "running", int(text.removeprefix("one of ")))
    (folder / "results").mkdir(exist_ok=True)
    with wave.open(str(folder / "results" / "speech.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    (folder / "answer.json").write_text(json.dumps({"text": f"said {text}", "data": {"seconds": 1.0}}))
    with (folder.parent / "running").open("a") as file:
        file.write("-")
    say(answer={})


if __name__ == "__main__":
    main()
