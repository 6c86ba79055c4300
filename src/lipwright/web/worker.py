"""What a child process of the server does: one task, told on its input, answered on its output in lines of JSON.

``{"progress": [done, total, what]}`` while it goes on; then ``{"answer": ...}``, or ``{"error": sentence}``.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lipwright.errors import InputError, LipwrightError, MediaError

if TYPE_CHECKING:
    from lipwright.types import Progress

Order = dict[str, Any]
LARGEST_FILE = 64 << 30
"""Bytes of any file that a task writes."""
OUT = {"dub": "video.mp4", "finish": "video.mp4", "repair": "video.mp4", "speak": "speech.wav"}
"""What each verb writes, where it writes a file."""
BETWEEN = 0.1
"""Seconds between two lines about progress."""


def main(verbs: Mapping[str, Any]) -> None:
    """Do the one task that the first line of the input names; ``verbs`` are the commands by name, as
    `lipwright.commands.VERBS`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not lie among the answers
    order = json.loads(sys.stdin.buffer.readline() or b"{}")
    if not order:
        return
    threading.Thread(target=_listen, args=(sys.stdin.buffer,), daemon=True).start()
    _limit(order)
    if "threads" in order:
        os.environ.setdefault("LIPWRIGHT_THREADS", str(order["threads"]))
    _say(answers, _done(order | {"verbs": verbs}, answers))
    answers.close()
    os._exit(0)


def _listen(source: IO[bytes]) -> None:
    """End this process, and all that it started, when there is nobody left to work for."""
    with suppress(OSError):
        while source.read(1):
            pass
    os.killpg(0, signal.SIGKILL)


def _limit(order: Order) -> None:
    limits = {
        resource.RLIMIT_DATA: order.get("memory"),
        resource.RLIMIT_CPU: order.get("cpu"),
        resource.RLIMIT_FSIZE: LARGEST_FILE,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        if value is not None:
            most = resource.getrlimit(kind)[1]
            wanted = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
            resource.setrlimit(kind, (wanted, most))


def _done(order: Order, answers: IO[str]) -> Order:
    """What comes of the task; what goes wrong is a sentence."""
    try:
        return {"answer": TASKS[order["task"]](order, _Telling(answers))}
    except LipwrightError as problem:
        return {"error": _named(str(problem), order)}
    except MemoryError:
        return {"error": "it needs more memory than it may use; give a smaller or shorter file"}
    except Exception as problem:  # noqa: BLE001 - the caller must learn of any end; the log has the rest
        traceback.print_exc(file=sys.stderr)
        said = f"lipwright itself made an error, {type(problem).__name__}: {problem}; please report it"
        return {"error": _named(said, order)}


def _named(said: str, order: Order) -> str:
    """A sentence that names files as their owner does, not by where they lie on this machine."""
    said = said.replace(order.get("path", "\0"), order.get("name", ""))
    for part in ("inputs", "results"):
        place = f"{order.get('folder', chr(0))}/{part}/"
        for written in (place, json.dumps(place)[1:-1]):  # as it is, and as JSON has it: é, quotes
            said = said.replace(written, "")
    return said


class _Telling:
    """Progress as lines, ten a second at most."""

    def __init__(self, answers: IO[str]) -> None:
        self._answers, self._last, self._next = answers, "", 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        from time import monotonic

        now = monotonic()
        if what != self._last or now >= self._next or done == total:
            self._last, self._next = what, now + BETWEEN
            _say(self._answers, {"progress": [done, total, what]})


def _say(answers: IO[str], said: Order) -> None:
    answers.write(json.dumps(said) + "\n")
    answers.flush()


# ------------------------------------------------------------------------------------------------------- the tasks


def _verb(order: Order, progress: Progress) -> Order:
    """A verb's own command, in a job's folder that this process alone holds: its answer is left in answer.json."""
    folder, verb = Path(order["folder"]), order["verb"]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the child of a killed server may still be about to end
        results = folder / "results"
        results.mkdir(exist_ok=True)
        os.chdir(results)
        answer = order["verbs"][verb].run(_options(verb, order, folder), progress)
        beside = folder / "answer.json.part"
        told = json.dumps({"text": answer.text, "data": answer.data})
        beside.write_text(_named(told, order), encoding="utf-8")
        beside.replace(folder / "answer.json")
    return {}


def _options(verb: str, order: Order, folder: Path) -> Order:
    """What the command would have read from its line."""
    given = {role: folder / "inputs" / name for role, name in order["inputs"].items()}
    options = dict(order["options"])
    if verb == "dub":
        like = {"like": str(given.pop("like"))} if "like" in given else {}
        return {"speech": None} | given | options | like | {"out": Path(OUT[verb])}
    if verb == "measure":
        return {"videos": [given.pop("video")]} | given | options | {"report": Path("report.html")}
    return given | options | ({"out": Path(OUT[verb])} if verb in OUT else {})


def _sniff(order: Order, progress: Progress) -> Order:  # noqa: ARG001 - every task may tell progress
    """What an upload is; InputError where it is none of what is taken, or too much of it."""
    from lipwright import media, subtitles
    from lipwright.media.outline import outline

    path = Path(order["path"])
    try:
        said = outline(path)
    except MediaError:
        if _words(path) and subtitles.read(path):
            return {
                "kind": "subtitles",
                "seconds": 0.0,
                "size": [0, 0],
                "fps": 0.0,
                "sound": False,
                "type": "text/plain",
            }
        raise
    _small_enough(order, said.size, said.seconds)
    found = media.probe(path)
    seconds = max(found.duration, 0.0 if found.still else said.seconds)
    if found.video is not None:
        _small_enough(order, found.video.size, found.duration)
        if not found.still and float(found.video.fps) > order["most_rate"]:
            most = f"{order['most_rate']:g}"
            raise InputError(f"the video has {float(found.video.fps):g} frames a second; at most {most} are taken")
    elif found.audio is None:
        raise InputError("the file has neither a picture nor a sound; give a video, a picture or a sound")
    kind = "sound" if found.video is None else "picture" if found.still or found.video.length < 2 else "video"
    size = [0, 0] if found.video is None else list(found.video.size)
    fps = 0.0 if kind != "video" or found.video is None else float(found.video.fps)
    kept = {"kind": kind, "seconds": seconds, "size": size, "fps": fps, "sound": found.audio is not None}
    return kept | {"type": _type(kind, found.container)}


def _words(path: Path) -> bool:
    """Whether a file begins as subtitles do."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    return b"\0" not in head and b"-->" in head


def _small_enough(order: Order, size: tuple[int, int], seconds: float) -> None:
    wide, tall = size
    if max(wide, tall) > order["most_side"] or wide * tall > order["most_pixels"]:
        side, pixels = order["most_side"], order["most_pixels"]
        raise InputError(
            f"the picture is {wide} x {tall} pixels; at most {pixels / 1e6:.1f} million are taken, {side} along a side"
        )
    if not seconds <= order["most_seconds"]:
        raise InputError(
            f"the file says that it lasts {seconds:.0f} s; at most {order['most_seconds']:.0f} s are taken, so cut it"
        )


_TYPES = {
    "matroska": "video/webm", "avi": "video/x-msvideo", "mpegts": "video/mp2t", "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg", "ogg": "audio/ogg", "aac": "audio/aac", "png_pipe": "image/png", "apng": "image/png",
    "jpeg_pipe": "image/jpeg", "webp_pipe": "image/webp", "gif": "image/gif", "bmp_pipe": "image/bmp",
}  # fmt: skip


def _type(kind: str, container: str) -> str:
    """How a browser is told to read it: by what the file is, never by what it is called."""
    name = container.partition(",")[0]
    if name == "mov":
        return "audio/mp4" if kind == "sound" else "video/mp4"
    return _TYPES.get(name, "application/octet-stream")


def _faces(order: Order, progress: Progress) -> Order:
    """The faces on one frame of a video, and the frame as a PNG in the file ``picture``."""
    from lipwright import faces, media
    from lipwright.errors import NoFaceError
    from lipwright.media.picture import write_picture

    clip = media.open(order["path"])
    frame = min(clip.length - 1, max(0, round(order["at"] * clip.fps)))
    part = clip.part(frame, frame + 1)
    write_picture(next(part.read()), order["picture"])
    at = float(frame / clip.fps)
    try:
        found = faces.tracks(part, progress=progress)
    except NoFaceError:
        found = ()
    boxes = [[round(float(edge)) for edge in face.box[0]] for face in found if face.present[0]]
    boxes.sort(key=lambda box: box[0])
    when = "" if clip.length == 1 else f"@{at:.3f}"
    people = [
        {"number": number, "box": box, "face": f"{(box[0] + box[2]) // 2},{(box[1] + box[3]) // 2}{when}"}
        for number, box in enumerate(boxes, 1)
    ]
    return {"at": at, "size": list(clip.size), "faces": people}


TASKS: dict[str, Callable[[Order, Any], Order]] = {"verb": _verb, "sniff": _sniff, "faces": _faces}
