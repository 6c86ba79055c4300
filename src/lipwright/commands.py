"""What each verb takes on the command line, and how it answers; ``cli`` runs them and prints.

Options left out are not passed on, so that defaults stand in one place, the verb's function. Nothing heavy is
imported before a verb runs.
"""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipwright.types import Dubbed, Person, Progress

Options = dict[str, Any]
"""What was typed, by keyword."""


@dataclass(frozen=True)
class Answer:
    """What a verb tells: ``text`` for people, ``data`` for ``--json``."""

    text: str
    data: object


@dataclass(frozen=True)
class Verb:
    """One command: ``about`` in one line, its options, and what it does with them."""

    about: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Options, Progress], Answer]


def _near(path: Path) -> Path:
    """A path as a person here would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


# ---------------------------------------------------------------------------------------------- dub


def _dub_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, help="the video (or picture) of somebody's face")
    add("speech", type=Path, help="the sound to speak: any sound file, or a video whose sound is taken")
    add("-o", "--out", type=Path, required=True, help="the video to write: .mp4, .mov, .mkv or .webm")
    add("--quality", type=int, metavar="CRF", help="0 best, 51 worst (18)")
    add("--preview", type=float, metavar="SECONDS", help="dub only the first so many seconds of the speech")
    add("--compare", choices=["side", "stack"], help="show the source beside, or above, the result")
    modes = ["bounce", "loop", "cut_off", "silence", "remap"]
    add("--sync-mode", choices=modes, help="what happens where video and speech differ in length (bounce)")
    add("--start", type=float, metavar="SECONDS", help="when the speech begins; the mouth is closed until then (0.0)")
    add("--blend", choices=["feather", "multiband", "poisson"], help="how the mouth meets the frame (feather)")
    flag = argparse.BooleanOptionalAction
    add("--smooth", type=float, metavar="X", help="smoothing of the motion in time, frames at 25 fps (0.5)")
    add("--colour", action=flag, help="bring the mouth's colours to those around it (True)")
    add("--grain", action=flag, help="bring the mouth's grain to the frame's (True)")
    add("--resume", action=flag, help="go on where the same command was interrupted (True)")
    add("--silence", choices=["refuse", "close"], help="what to do with a silent speech: close the mouth, or (refuse)")
    add("--dubber", metavar="NAME", help="how mouths are made; `lipwright models` names them (landmark)")
    add("--face", metavar="WHO", help="who is dubbed: all, a face's number, X,Y or X,Y@SECONDS, or who speaks (auto)")
    add("--box", type=_box, metavar="X0,Y0,X1,Y1", help="look for faces only inside, in pixels")
    own = parser.add_argument_group("options of the dubber landmark").add_argument
    own("--strength", type=float, metavar="X", help="how far the mouth opens, 0 to 2: 1 as this person does (1.0)")
    other = "an option of another dubber; may be given again"
    parser.add_argument("--with", dest="more", action="append", type=_setting, metavar="NAME=VALUE", help=other)


def _box(text: str) -> tuple[int, ...]:
    """Four whole numbers with commas between."""
    edges = text.split(",")
    if len(edges) != 4 or not all(edge.strip().isdecimal() for edge in edges):
        raise argparse.ArgumentTypeError(f"{text!r} is not X0,Y0,X1,Y1 in whole pixels")
    return tuple(int(edge) for edge in edges)


def _setting(text: str) -> tuple[str, Any]:
    """A keyword and its value, read as a number, true, false or else as text."""
    name, equals, value = text.partition("=")
    if not (name.isidentifier() and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _more(options: Options, verb: Callable[..., object], what: str) -> Options:
    """The NAME=VALUE settings among ``options``, taken out; none may be a keyword that ``verb`` has of its own."""
    from lipwright.errors import InputError

    more = dict(options.pop("more", ()))
    if taken := sorted(more.keys() & inspect.signature(verb).parameters.keys()):
        raise InputError(f"{what}, and '{taken[0]}' is none of them; see: lipwright {verb.__name__} --help")
    return more


def _dub(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.dub import dub

    video, speech = options.pop("video"), options.pop("speech")
    out = media.output_path(options.pop("out"), video, speech)
    how = {name: options.pop(name) for name in ("quality", "resume") if name in options}
    if "quality" in how:
        media.checked_quality(how["quality"])
    options |= _more(options, dub, "--with sets the options of another dubber")
    dubbed = dub(media.open(video), media.open_audio(speech), progress=progress, **options)
    return _written(dubbed, media.write(dubbed, out, progress=progress, **how))


def _written(dubbed: Dubbed, written: Path) -> Answer:
    """What is said of a dubbed video."""
    width, height = dubbed.size
    lines = [f"{_near(written)}: {dubbed.duration:.2f} s, {dubbed.length} frames of {width} x {height}"]
    lines += [f"{issue.severity}: {issue.message}; {issue.remedy}" for issue in dubbed.issues]
    lines += [_told(person) for person in dubbed.people if len(dubbed.people) > 1]
    data = {"out": str(written), "seconds": dubbed.duration, "frames": dubbed.length, "size": dubbed.size}
    data["faces"] = [asdict(person) for person in dubbed.people]
    return Answer("\n".join(lines), data | {"issues": [asdict(issue) for issue in dubbed.issues]})


def _told(person: Person) -> str:
    """One line about somebody seen."""
    x0, y0, x1, y1 = person.box
    where = f"x {x0} to {x1}, y {y0} to {y1} at {person.first:.2f} s, seen for {person.seconds:.2f} s"
    said = "" if person.speaks is None else f", speaks for {person.speaks:.2f} s"
    return f"face {person.id}: {where}{said}{', dubbed' if person.dubbed else ''}"


# ------------------------------------------------------------------------------------------ wav2lip


def _wav2lip_options(parser: argparse.ArgumentParser) -> None:
    add, four = parser.add_argument, ("TOP", "BOTTOM", "LEFT", "RIGHT")
    add("--checkpoint_path", required=True, metavar="W", help="a checkpoint (.pth, .pt, .onnx), or imported weights")
    add("--face", type=Path, required=True, metavar="V", help="the video, or picture, of the face")
    add("--audio", type=Path, required=True, metavar="A", help="the sound, or a video whose sound is taken")
    add("--outfile", type=Path, help="the video to write (results/result_voice.mp4)")
    add("--static", nargs="?", const=True, type=_truth, metavar="BOOL", help="show the first frame only (False)")
    add("--fps", type=float, help="frames a second where the face is a picture (25.0)")
    add("--pads", nargs=4, type=int, metavar=four, help="added to the face's box, px (0 10 0 0 with --compat, else 0)")
    add("--face_det_batch_size", type=int, metavar="N", help="taken, and not needed (16)")
    add("--wav2lip_batch_size", type=int, metavar="N", help="taken, and not needed (128)")
    add("--resize_factor", type=int, metavar="N", help="divide width and height by this first (1)")
    add("--crop", nargs=4, type=int, metavar=four, help="what is shown, after that and --rotate (0 -1 0 -1)")
    add("--box", nargs=4, type=int, metavar=four, help="the face's box in every frame, not looked for (-1 -1 -1 -1)")
    add("--rotate", action="store_true", help="turn the video right by 90 degrees")
    add("--nosmooth", action="store_true", help="leave the boxes as they are found")
    add("--compat", nargs="?", const="strict", choices=["strict"], help="the original's pixels and length")


def _truth(text: str) -> bool:
    """What the original reads as True whatever it says."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")
    return known[text.lower()]


def _wav2lip(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.wav2lip import wav2lip

    out = options.pop("outfile", None)
    if out is None:
        out = Path("results", "result_voice.mp4")
        out.parent.mkdir(exist_ok=True)
    out = media.output_path(out, options["face"], options["audio"])
    dubbed = wav2lip(**options, progress=progress)
    return _written(dubbed, media.write(dubbed, out, progress=progress))


# ------------------------------------------------------------------------------------------ measure


def _measure_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("videos", type=Path, nargs="*", metavar="VIDEO", help="the video to measure; several are compared")
    add("--reference", type=Path, metavar="VIDEO", help="what it should look like: the real recording of the speech")
    add("--source", type=Path, metavar="VIDEO", help="the video before it was dubbed")
    add("--speech", type=Path, metavar="SOUND", help="the voice, where it is not the video's own sound")
    who = "whose mouth: an id, X,Y or X,Y@SECONDS in pixels, or who speaks most (auto)"
    add("--face", metavar="WHO", help=who)
    add("--expert", metavar="NAME", help="whose scores come first; `lipwright models` names them (lipsight)")
    add("--experts", action="append", metavar="NAME", help="another expert that judges, too; may be given again")
    add("--report", type=Path, metavar="HTML", help="write a page with curves, pictures and what helps")
    lists = parser.add_argument_group("file lists, as Wav2Lip's evaluation has them").add_argument
    lists("--list", type=Path, dest="pairs", metavar="TXT", help="score the lines of this file: <video> <audio>")
    lists("--root", type=Path, metavar="FOLDER", help="where the files of the list lie (beside the list)")
    lists("--list-order", choices=["video-audio", "audio-video"], help="what a line names first (video-audio)")


def _measure(options: Options, progress: Progress) -> Answer:
    from lipwright import media
    from lipwright.errors import InputError
    from lipwright.measure import measure, report, table

    videos, pairs, page = options.pop("videos", []), options.pop("pairs", None), options.pop("report", None)
    if pairs is not None:
        return _measure_list(videos, pairs, page, options, progress)
    if not videos:
        raise InputError("give a VIDEO to measure, several to compare, or --list TXT; see: lipwright measure --help")
    if page is not None and len(videos) > 1:
        raise InputError(f"--report makes the page of one video; {len(videos)} were given: measure them one by one")
    for name in options.keys() & {"reference", "source"}:
        options[name] = media.open(options[name])
    if "speech" in options:
        options["speech"] = media.open_audio(options["speech"])
    found = [measure(media.open(video), progress=progress, **options) for video in videos]
    if len(found) > 1:
        return Answer(table.several(found), {"videos": [each.data() for each in found]})
    text, data = table.one(found[0]), found[0].data()
    if page is not None:
        written = report.write(found[0], media.open(videos[0]), page)
        text, data = f"{text}\n\nreport: {_near(written)}", data | {"report": str(written)}
    return Answer(text, data)


def _measure_list(videos: list[Path], pairs: Path, page: Path | None, options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError
    from lipwright.measure import lists

    beside = [f"--{name}" for name in ("reference", "source", "speech", "experts") if name in options]
    beside += ["VIDEO"] * bool(videos) + ["--report"] * (page is not None)
    if beside:
        raise InputError(f"--list brings its own videos and sounds; leave out {', '.join(beside)}")
    order = options.pop("list_order", "video-audio")
    scored = lists.score(lists.read(pairs, options.pop("root", None), order), progress=progress, **options)
    return Answer(scored.text(), scored.data())


# ------------------------------------------------------------------------------------------- repair


def _repair_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("video", type=Path, help="the video of one speaking person, with its sound")
    add("-o", "--out", type=Path, required=True, help="the video to write: .mp4, .mov, .mkv or .webm")
    ways = ["auto", "offset", "retime", "transplant"]
    add("--how", choices=ways, help="what moves: the sound, frames or mouths; the mildest that helps (auto)")
    add("--copy", action="store_true", help="write a copy also where nothing is to be repaired (False)")
    add(
        "--expert",
        metavar="NAME",
        help="the sync expert that says what to do; `lipwright models` names them (lipsight)",
    )
    add("--judge", metavar="NAME", help="the one that says whether it helped (another one that is calibrated)")
    add("--quality", type=int, metavar="CRF", help="where pictures are encoded: 0 best, 51 worst (18)")
    own = parser.add_argument_group("options of retime and transplant").add_argument
    own("--window", type=_window, metavar="N", help="frames at 25 fps searched either way, 1 to 12, or auto (3)")
    own("--jump", type=float, metavar="X", help="what a frame left out or repeated costs; more moves fewer (0.2)")
    own("--greedy", action="store_true", help="choose each frame by itself, without a path: for comparison (False)")
    own("--compat", action="store_true", help="carry mouths over as the LipSync report did: for comparison (False)")


def _window(text: str) -> int | str:
    """A number of frames, or the word auto."""
    return int(text) if text.lstrip("-").isdigit() else text


def _repair(options: Options, progress: Progress) -> Answer:
    from lipwright.repair import repair

    done = repair(options.pop("video"), options.pop("out"), progress=progress, **options)
    return Answer(done.text(None if done.out is None else _near(done.out)), done.data())


# ------------------------------------------------------------------------------------------ prepare


def _prepare_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    known = "how the folder is laid out; `lipwright models list` names those known"
    add("dataset", nargs="?", metavar="DATASET", help=known)
    add("data", nargs="?", type=Path, default=None, metavar="FOLDER", help="where the dataset lies; it is only read")
    add("-o", "--out", type=Path, help="the folder to fill; clips already there are kept")
    add("--check", type=Path, metavar="PREPARED", help="say of a folder made so whether to train on it, and do no more")
    add("--workers", type=int, metavar="N", help="processes at work (2)")
    add("--report", type=Path, metavar="HTML", help="write a page with what was found of each recording")
    add("--layout", choices=["ours", "wav2lip"], help="what is written: for our trainers, or for Wav2Lip's (ours)")
    add("--size", type=int, metavar="PX", help="with wav2lip: width and height of the faces (as found)")
    insync = parser.add_argument_group("what is in sync").add_argument
    modes = "drop what is not surely in sync, shift only what surely is, or measure nothing: off (drop)"
    insync("--sync", choices=["drop", "shift", "off"], help=modes)
    insync("--expert", metavar="NAME", help="the sync expert that judges (lipsight)")
    wrong = "how much clearer than the clearest of eleven wrong sounds a recording must be (1.0)"
    insync("--confidence", type=float, metavar="X", help=wrong)
    insync("--most-offset", type=int, metavar="N", help="frames at 25 fps that are put right (8)")
    good = parser.add_argument_group("what is good enough").add_argument
    good("--sharpness", type=float, metavar="X", help="the least detail of the mouth, grey levels (0.0)")
    good("--least-face", type=float, metavar="PX", help="the least width of the face (48.0)")
    good("--yaw", type=float, metavar="DEGREES", help="how far the head may be turned (60.0)")


def _prepare(options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError
    from lipwright.prepare import doctor, prepare

    if options.get("data") is None:  # a default left out would be made a Path
        options.pop("data", None)
    if "check" in options:
        folder = options.pop("check")
        if options:
            raise InputError("--check looks at a folder that was prepared and takes nothing else; give it alone")
        found = doctor.check(folder)
        return Answer(found.text(), found.data())
    if not {"dataset", "data", "out"} <= options.keys():
        raise InputError("give DATASET, FOLDER and --out, or --check PREPARED; see: lipwright prepare --help")
    counts = prepare(**options, progress=progress)
    text = f"{options['out']}: {counts['kept']} recordings kept, {counts['skipped']} skipped"
    text += f"; {counts['shifted']} shifted, {counts['duplicates']} near-duplicates"
    return Answer(text, counts)


# -------------------------------------------------------------------------------------------- train


def _train_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", choices=["crossfit", "expert", "motion"], help="what to train; crossfit finds which clips are off")
    add("--data", type=Path, required=True, metavar="FOLDER", help="a folder that `lipwright prepare` made")
    add("-o", "--out", type=Path, required=True, metavar="FOLDER", help="the run's folder; a run there goes on")
    add(
        "--recipe",
        metavar="R",
        help="a YAML file, or the name of a shipped recipe; the one named like WHAT if left out",
    )
    add("--offsets", type=Path, metavar="CSV", help="offsets.csv of a crossfit; clips are moved by it")
    add("--steps", type=int, metavar="N", help="steps of training, in place of the recipe's")
    add("--resume", action=argparse.BooleanOptionalAction, help="go on from the last checkpoint (True)")
    add("--threads", type=int, metavar="N", help="CPU threads")
    setting = "a setting of the recipe, such as size=tiny; may be given again"
    add("--set", dest="more", action="append", type=_setting, metavar="NAME=VALUE", help=setting)


def _train(options: Options, progress: Progress) -> Answer:
    from lipwright.train import crossfit, train

    options |= _more(options, train, "--set sets what is in the recipe")
    if options["what"] == "crossfit":
        del options["what"]
        path = crossfit(**options, progress=progress)
        return Answer(f"offsets: {path}", {"offsets": str(path)})
    figures = train(**options, progress=progress)
    lines = [f"{name}: {value:.3f}" for name, value in figures.items()]
    return Answer("\n".join([f"run: {options['out']}", *lines]), figures)


# ------------------------------------------------------------------------------------------- models


def _models_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    choices = ["list", "pull", "verify", "import", "calibrate"]
    add("action", nargs="?", default="list", choices=choices, help="what to do (list)")
    add("names", nargs="*", default=[], metavar="NAME", help="which weights (all); for import, the FILE")
    add("--name", help="what imported weights are called from then on (as the file)")
    add("--data", type=Path, metavar="FOLDER", help="for calibrate: videos in sync, of one face each")
    add("--offsets", type=Path, metavar="CSV", help="for calibrate: clips that are not in sync, and by how much")


def _models(options: Options, progress: Progress) -> Answer:
    from lipwright import registry

    if options["action"] == "list":
        return _models_list()
    if options["action"] == "import":
        return _models_import(options["names"], options.get("name", ""))
    if options["action"] == "calibrate":
        return _models_calibrate(options, progress)
    names = options["names"] or [card.name for card in registry.cards()]
    if options["action"] == "pull":
        paths = {name: str(registry.pull(name, progress)) for name in names}
    else:
        paths = {name: str(registry.verify(name)) for name in names}
    return Answer("\n".join(f"{name}: {path}" for name, path in paths.items()), paths)


def _models_import(files: list[str], name: str) -> Answer:
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


def _models_calibrate(options: Options, progress: Progress) -> Answer:
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


def _models_list() -> Answer:
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


# --------------------------------------------------------------------------------------------- demo


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", type=Path, help="the folder to fill (demo)")


def _demo(options: Options, progress: Progress) -> Answer:
    from lipwright.demo import demo

    made = demo(**options, progress=progress)
    files = {"portrait speaks": made.portrait_speaks, "second sentence": made.second_sentence}
    files |= {"contact sheet": made.contact_sheet}
    lines = [f"{name}: {_near(path)}" for name, path in files.items()]
    lines += [f"{measure.name}: {measure.value:.2f} {measure.unit}" for measure in made.measures]
    measures = {measure.name: measure.value for measure in made.measures}
    return Answer("\n".join(lines), {name: str(path) for name, path in files.items()} | {"measures": measures})


VERBS = {
    "dub": Verb("make the lips in a video match a voice", _dub_options, _dub),
    "wav2lip": Verb("the same, by the names of Wav2Lip's own command line", _wav2lip_options, _wav2lip),
    "measure": Verb("say how well lips and voice match, and how good the picture is", _measure_options, _measure),
    "repair": Verb("bring lips and voice of a video together", _repair_options, _repair),
    "prepare": Verb("turn a dataset into what training reads", _prepare_options, _prepare),
    "train": Verb("train our networks on a prepared dataset", _train_options, _train),
    "demo": Verb("show what lipwright does; needs no input", _demo_options, _demo),
    "models": Verb("list the members and weights; pull, verify, import or calibrate weights", _models_options, _models),
}
