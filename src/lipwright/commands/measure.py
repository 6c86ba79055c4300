"""``lipwright measure``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, near

if TYPE_CHECKING:
    from lipwright.types import Audio, Phone, Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("videos", type=Path, nargs="*", metavar="VIDEO", help="the video to measure; several are compared")
    add("--reference", type=Path, metavar="VIDEO", help="what it should look like: the real recording of the speech")
    add("--source", type=Path, metavar="VIDEO", help="the video before it was dubbed")
    add("--speech", type=Path, metavar="SOUND", help="the voice, where it is not the video's own sound")
    who = "whose mouth: an id, X,Y or X,Y@SECONDS in pixels, or who speaks most (auto)"
    add("--face", metavar="WHO", help=who)
    add("--expert", metavar="NAME", help="whose scores come first; `lipwright models` names them (lipsight)")
    add("--experts", action="append", metavar="NAME", help="another expert that judges, too; may be given again")
    add(
        "--settings",
        type=Path,
        metavar="YAML",
        help="thresholds of the verdict, as `lipwright tune measure` finds them",
    )
    add("--text", help="what is said: also judges each kind of speech sound (needs the extra voices)")
    add("--language", metavar="CODE", help="what the text is written in: en, fr, pt-BR, zh ... (en)")
    add("--report", type=Path, metavar="HTML", help="write a page with curves, pictures and what helps")
    lists = parser.add_argument_group("file lists, as Wav2Lip's evaluation has them").add_argument
    lists("--list", type=Path, dest="pairs", metavar="TXT", help="score the lines of this file: <video> <audio>")
    lists("--root", type=Path, metavar="FOLDER", help="where the files of the list lie (beside the list)")
    lists("--list-order", choices=["video-audio", "audio-video"], help="what a line names first (video-audio)")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.errors import InputError
    from lipwright.measure import measure, report, table

    videos, pairs, page = options.pop("videos", []), options.pop("pairs", None), options.pop("report", None)
    if pairs is not None:
        return _list(videos, pairs, page, options, progress)
    if not videos:
        raise InputError("give a VIDEO to measure, several to compare, or --list TXT; see: lipwright measure --help")
    if page is not None and len(videos) > 1:
        raise InputError(f"--report makes the page of one video; {len(videos)} were given: measure them one by one")
    for name in options.keys() & {"reference", "source"}:
        options[name] = media.open(options[name])
    if "speech" in options:
        options["speech"] = media.open_audio(options["speech"])
    text, language = options.pop("text", ""), options.pop("language", "en")
    clips = [media.open(video) for video in videos]
    spoken = [_phones(options.get("speech", clip.audio), text, language) for clip in clips]
    found = [
        measure(clip, phones=phones, progress=progress, **options) for clip, phones in zip(clips, spoken, strict=True)
    ]
    if len(found) > 1:
        return Answer(table.several(found), {"videos": [each.data() for each in found]})
    text, data = table.one(found[0]), found[0].data()
    if page is not None:
        written = report.write(found[0], media.open(videos[0]), page)
        text, data = f"{text}\n\nreport: {near(written)}", data | {"report": str(written)}
    return Answer(text, data)


def _phones(sound: Audio | None, text: str, language: str) -> tuple[Phone, ...]:
    """The speech sounds of a text in a sound, as they look in its language."""
    if not text or sound is None:
        return ()
    from lipwright import aligning, languages, phones

    timeline = aligning.align(sound, text, languages.voice(language))
    return phones.respelt(timeline, languages.find(language).spelling)


def _list(videos: list[Path], pairs: Path, page: Path | None, options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError
    from lipwright.measure import lists

    beside = [
        f"--{name}"
        for name in ("reference", "source", "speech", "experts", "settings", "text", "language")
        if name in options
    ]
    beside += ["VIDEO"] * bool(videos) + ["--report"] * (page is not None)
    if beside:
        raise InputError(f"--list brings its own videos and sounds; leave out {', '.join(beside)}")
    order = options.pop("list_order", "video-audio")
    scored = lists.score(lists.read(pairs, options.pop("root", None), order), progress=progress, **options)
    return Answer(scored.text(), scored.data())


VERB = Verb("say how well lips and voice match, and how good the picture is", _options, _run)
