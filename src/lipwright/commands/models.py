"""``lipwright models``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb

if TYPE_CHECKING:
    from lipwright.types import Progress


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    choices = ["list", "show", "pull", "verify", "import", "calibrate"]
    add("action", nargs="?", default="list", choices=choices, help="what to do (list)")
    add(
        "names",
        nargs="*",
        default=[],
        metavar="NAME",
        help="which weights (all); for import, the FILE; for show, weights or a video",
    )
    add("--name", help="what imported weights are called from then on (as the file)")
    add("--data", type=Path, metavar="FOLDER", help="for calibrate: videos in sync, of one face each")
    add("--offsets", type=Path, metavar="CSV", help="for calibrate: clips that are not in sync, and by how much")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright import registry

    if options["action"] == "list":
        return _list()
    if options["action"] == "show":
        return _show(options["names"])
    if options["action"] == "import":
        return _import(options["names"], options.get("name", ""))
    if options["action"] == "calibrate":
        return _calibrate(options, progress)
    names = options["names"] or [card.name for card in registry.cards()]
    if options["action"] == "pull":
        paths = {name: str(registry.pull(name, progress)) for name in names}
    else:
        paths = {name: str(registry.verify(name)) for name in names}
    return Answer("\n".join(f"{name}: {path}" for name, path in paths.items()), paths)


def _show(names: list[str]) -> Answer:
    """The whole card of each of the weights, or what a video or sound says of itself."""
    from lipwright.errors import InputError

    if not names:
        raise InputError("give the weights to show, or a video that lipwright wrote: lipwright models show NAME|FILE")
    found = [_of_itself(Path(name)) if Path(name).is_file() else _card(name) for name in names]
    return Answer("\n\n".join(answer.text for answer in found), [answer.data for answer in found])


def _card(name: str) -> Answer:
    from lipwright import registry

    said = {key: value for key, value in asdict(registry.card(name)).items() if value}
    return Answer("\n".join(f"{key}: {value}" for key, value in said.items()), said)


def _of_itself(file: Path) -> Answer:
    from lipwright import media, provenance

    told = provenance.told(file, media.probe(file).metadata)
    lines = told.lines() or ["does not say that lipwright edited it, and carries no manifest that can be read"]
    lines += [f"written {told.created}"] if told.comment and told.created else []
    return Answer("\n".join([f"{file}:", *lines]), asdict(told) | {"file": str(file)})


def _import(files: list[str], name: str) -> Answer:
    from lipwright.errors import InputError
    from lipwright.train.foreign import bring

    if len(files) != 1:
        raise InputError(f"give the one FILE to import: lipwright models import FILE; given {len(files)}")
    made = bring(files[0], name=name)
    said = [f"saved as {made.dialect}", f"network {made.architecture}", f"pictures of {made.size} px"]
    said += [] if made.step is None else [f"step {made.step}"]
    said += [] if made.difference is None else [f"answers within {made.difference:.1g} of the original's"]
    use = f"lipwright dub talk.mp4 speech.wav -o out.mp4 --dubber wav2lip --with weights={made.name}"
    if made.member != "wav2lip":
        use = f"before its numbers mean anything: lipwright models calibrate {made.name} --data FOLDER"
    return Answer(
        f"{made.name}: {made.path}\n    {', '.join(said)}\n    {use}", asdict(made) | {"path": str(made.path)}
    )


def _calibrate(options: Options, progress: Progress) -> Answer:
    from lipwright import registry
    from lipwright.calibrate import calibrate
    from lipwright.errors import InputError

    if len(options["names"]) != 1 or "data" not in options:
        raise InputError("give one expert and its footage: lipwright models calibrate NAME --data FOLDER")
    name = options["names"][0]
    found = calibrate(name, options["data"], offsets=options.get("offsets"), progress=progress)
    stored = not registry.is_shipped(f"{name}_video")
    where = registry.calibrate(name, found) if stored else "not stored: its card came with lipwright"
    text = (
        f"{name}: AUC {found.auc:.3f} for windows in sync against {found.shift} frames off and more (chance 0.500)\n"
        f"    {found.near} windows in sync, {found.far} shifted, {found.clips} clips; threshold {found.threshold:.3f}\n"
        f"    {where}"
    )
    return Answer(text, asdict(found) | {"name": name, "stored": stored})


def _list() -> Answer:
    from lipwright import registry

    families = {family: registry.members(family) for family in registry.families()}
    cards = {card: registry.is_here(card.name) for card in registry.cards()}
    lines = [f"{family}: {', '.join(names) or '-'}" for family, names in families.items()]
    for card, here in cards.items():
        lines += ["", f"{card.name}: {card.what}"]
        lines += [f"    {card.size / 1e6:.1f} MB, {'here' if here else 'to pull'}, {card.licence}"]
    return Answer(
        "\n".join(lines), {"families": families, "weights": [asdict(c) | {"here": h} for c, h in cards.items()]}
    )


VERB = Verb("list the members and weights; show, pull, verify, import or calibrate weights", _options, _run)
