"""Files that other programs read: Rhubarb's TSV, JSON and XML of mouth shapes, and CSV of ARKit's blendshapes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from lipwright.errors import InputError, OutputError
from lipwright.lips import Cue
from lipwright.media.target import beside, checked_target
from lipwright.visemes import blendshapes
from lipwright.visemes.verb import Found

Shapes = Literal["rhubarb", "oculus", "microsoft"]
SHAPES = ("rhubarb", "oculus", "microsoft")
SUFFIXES = (".tsv", ".json", ".xml", ".csv")


def write(found: Found, path: str | Path, *, sound: Path | None = None, shapes: Shapes = "rhubarb") -> Path:
    """Write what was found, as the suffix of ``path`` says; gives the absolute path.

    ``.tsv`` ``.json`` ``.xml``: mouth shapes in the layout of Rhubarb Lip Sync 1.13, with its letters or another set of
    ``shapes``; times in seconds with two decimals, ``sound`` named as their file; the JSON also has the phones, where
    they are known. ``.csv``: a line a frame, its time and ARKit's 52 blendshapes, 0-1. The file is whole or not there.

    Raises OutputError for another suffix, a folder that is missing, or where ``path`` is the ``sound``; InputError for
    a set of shapes that is not known.
    """
    if shapes not in SHAPES:
        raise InputError(f"mouth shapes are named as {', '.join(SHAPES)}; given {shapes!r}")
    target = checked_target(path, dict.fromkeys(SUFFIXES), (sound,))
    text = _TEXT[target.suffix.lower()](found, sound, shapes)
    try:
        with beside(target, target.parent) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    except OSError as problem:
        raise OutputError(f"{target} cannot be written: {problem.strerror}") from problem
    return target


def _cues(found: Found, shapes: Shapes) -> Iterator[tuple[str, str, str]]:
    """(start, end, shape), times with two decimals; neighbours of one shape are one, and none is of no length."""

    def name(cue: Cue) -> str:
        return str(getattr(cue, shapes))

    for shape, run in groupby(found.cues, name):
        cues = list(run)
        start, end = f"{cues[0].start:.2f}", f"{cues[-1].end:.2f}"
        if start != end:
            yield start, end, shape


def _tsv(found: Found, _: Path | None, shapes: Shapes) -> str:
    lines = [f"{start}\t{shape}\n" for start, _, shape in _cues(found, shapes)]
    last = "X" if shapes == "rhubarb" else "sil" if shapes == "oculus" else "0"
    return "".join(lines) + f"{found.duration:.2f}\t{last}\n"


def _json(found: Found, sound: Path | None, shapes: Shapes) -> str:
    cues = [{"start": float(start), "end": float(end), "value": shape} for start, end, shape in _cues(found, shapes)]
    data: dict[str, object] = {"metadata": {"soundFile": str(sound or ""), "duration": round(found.duration, 2)}}
    data["mouthCues"] = cues
    if found.phones:
        data["phones"] = [
            {"start": round(phone.start, 3), "end": round(phone.end, 3), "value": phone.symbol}
            for phone in found.phones
        ]
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _xml(found: Found, sound: Path | None, shapes: Shapes) -> str:
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>', "<rhubarbResult>", "  <metadata>",
        f"    <soundFile>{escape(str(sound or ''))}</soundFile>", f"    <duration>{found.duration:.2f}</duration>",
        "  </metadata>", "  <mouthCues>",
    ]  # fmt: skip
    lines += [
        f'    <mouthCue start="{start}" end="{end}">{shape}</mouthCue>' for start, end, shape in _cues(found, shapes)
    ]
    return "\n".join([*lines, "  </mouthCues>", "</rhubarbResult>", ""])


def _csv(found: Found, _: Path | None, __: Shapes) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time", *blendshapes.NAMES])
    for frame, row in enumerate(found.blendshapes):
        writer.writerow([f"{frame / found.fps:.4f}", *(f"{value:.4f}" for value in row)])
    return text.getvalue()


_TEXT = {".tsv": _tsv, ".json": _json, ".xml": _xml, ".csv": _csv}
