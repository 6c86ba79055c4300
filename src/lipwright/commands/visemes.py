"""``lipwright visemes``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, near

if TYPE_CHECKING:
    from lipwright.types import Progress
    from lipwright.visemes import Found


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", type=Path, metavar="SPEECH|VIDEO", help="a sound, or a video of somebody who speaks")
    add("-o", "--out", type=Path, required=True, help=".tsv, .json or .xml: mouth shapes; .csv: ARKit's blendshapes")
    add("--text", help="what is said; gives every speech sound its own time and shape (needs the extra voices)")
    add("--language", metavar="CODE", help="what the text is written in: en, fr, pt-BR, zh ... (en)")
    add("--shapes", choices=["rhubarb", "oculus", "microsoft"], help="how mouth shapes are named (rhubarb)")
    add("--fps", type=float, metavar="N", help="frames a second of the curves, 1 to 240 (60.0)")
    add("--face", metavar="WHO", help="of a video: an id, X,Y or X,Y@SECONDS in pixels, or the largest (auto)")
    add("--preview", type=Path, metavar="VIDEO", help="also write a video of a drawn face that speaks so")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.media import output_path
    from lipwright.visemes import visemes, writing

    file, out, preview = options.pop("source"), options.pop("out"), options.pop("preview", None)
    named = {"shapes": options.pop("shapes")} if "shapes" in options else {}
    if preview is not None:
        output_path(preview, file.absolute())
    source = media.open(file) if media.probe(file).video else media.open_audio(file)
    found = visemes(source, progress=progress, **options)
    written = [writing.write(found, out, sound=file.absolute(), **named)]
    if preview is not None:
        written.append(_previewed(found, source, preview, progress))
    return _told(found, written)


def _previewed(found: Found, source: object, preview: Path, progress: Progress) -> Path:
    from fractions import Fraction

    from lipwright import media
    from lipwright.types import Audio
    from lipwright.visemes import drawing

    sound = source if isinstance(source, Audio) else getattr(source, "audio", None)
    clip = drawing.clip(found.curve, Fraction(found.fps).limit_denominator(1001), sound)
    return media.write(clip, preview, progress=progress)


_BY = {"text": "the text", "mesh": "the face's mesh", "voice": "the voice alone"}


def _told(found: Found, written: list[Path]) -> Answer:
    frames = len(found.blendshapes)
    said = f"{found.duration:.2f} s, {len(found.cues)} mouth shapes by {_BY[found.cues_by]}"
    curves = f"{frames} frames of curves by {_BY[found.curves_by]}"
    lines = [f"{near(written[0])}: {said}, {curves}", *(f"{near(path)}: a drawn face" for path in written[1:])]
    data = {"out": str(written[0]), "preview": str(written[1]) if len(written) > 1 else None}
    data |= {"seconds": found.duration, "cues": len(found.cues), "cues_by": found.cues_by}  # type: ignore[dict-item]
    return Answer("\n".join(lines), data | {"frames": frames, "curves_by": found.curves_by})


VERB = Verb("mouth shapes and blendshapes of a speech, for animated characters", _options, _run)
