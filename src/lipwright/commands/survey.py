"""``lipwright survey``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lipwright.commands.answering import Answer, Options, Verb, near

if TYPE_CHECKING:
    from lipwright.types import Progress

ASKED = ("realism", "sync", "naturalness")
OWN = {
    "plan": {
        "videos", "systems", "title", "contact", "questions", "compare", "ratings", "pairs", "checks", "most_failed",
        "languages", "watch", "seed",
    },
    "invite": {"count", "url"},
    "serve": {"host", "port", "sign_up"},
    "stats": {"measure", "report", "votes"},
}  # fmt: skip
"""Which options belong to which action."""


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("action", choices=sorted(OWN), help="make a study, make links for raters, serve it, say what came of it")
    add("study", type=Path, metavar="STUDY", help="the study's folder")
    add("count", type=int, nargs="?", default=None, metavar="N", help="for invite: how many raters")
    _planned(parser.add_argument_group("plan").add_argument)
    served = parser.add_argument_group("invite and serve").add_argument
    served("--url", help="for invite: where the study is served, as raters reach it (http://127.0.0.1:8765)")
    served("--host", help="for serve: the address to listen at (127.0.0.1, this machine alone)")
    served("--port", type=int, metavar="N", help="for serve: the port; 0 takes a free one (8765)")
    served("--sign-up", type=int, metavar="N", help="for serve: let anybody take part, N raters in all (links alone)")
    told = parser.add_argument_group("stats").add_argument
    told("--measure", action="store_true", help="measure the videos, once, and relate the figures to the votes")
    told("--report", type=Path, metavar="HTML", help="write a page with plots")
    told("--votes", type=Path, metavar="CSV", help="write every vote as a row")


def _planned(add: Callable[..., object]) -> None:
    add("--videos", type=Path, nargs="+", metavar="VIDEO", help="the videos to ask about, of one system; or")
    named = "a folder of videos for each system, with the same file names in each; checks are made from the first"
    add("--systems", nargs="+", metavar="NAME=FOLDER", help=named)
    add("--title", help="what raters read first (Talking faces)")
    add("--contact", help="whom raters may ask, as they read it")
    add("--questions", nargs="*", choices=ASKED, help="what is rated from 1 to 5 (all three)")
    add("--compare", nargs="*", choices=ASKED[1::-1], help="what is asked of two videos of a clip (both)")
    add("--ratings", type=int, metavar="N", help="videos that each rater rates (all, 24 at most)")
    add("--pairs", type=int, metavar="N", help="pairs that each rater compares (all, 12 at most)")
    add("--checks", type=int, metavar="N", help="pages that tell whether a rater looks and reads, 0 to 6 (2)")
    add("--most-failed", type=int, metavar="N", help="checks that a rater may fail and still count (0)")
    add("--languages", nargs="+", metavar="CODE", help="of the page, the usual one first (en ar de es fr zh)")
    seen = "take answers only once a video was played to its end (True)"
    add("--watch", action=argparse.BooleanOptionalAction, help=seen)
    add("--seed", type=int, metavar="N", help="seed of all orders (1)")


def _run(options: Options, progress: Progress) -> Answer:
    from lipwright.errors import InputError

    action, study = options.pop("action"), options.pop("study")
    options |= {"count": count} if (count := options.pop("count", None)) is not None else {}
    if others := sorted(options.keys() - OWN[action]):
        said = "N" if others[0] == "count" else "--" + others[0].replace("_", "-")
        owner = next(name for name, own in OWN.items() if others[0] in own)
        raise InputError(f"{said} belongs to `lipwright survey {owner}`, not to {action}")
    if action in {"plan", "stats"}:
        return (_plan if action == "plan" else _stats)(study, options, progress)
    return (_invite if action == "invite" else _serve)(study, options)


def _plan(study: Path, options: Options, progress: Progress) -> Answer:
    from lipwright import survey
    from lipwright.errors import InputError

    named: dict[str, Path] = {}
    for text in options.pop("systems", []):
        name, equals, folder = text.partition("=")
        if not (name and equals and folder) or name in named:
            raise InputError(f"--systems takes NAME=FOLDER, each name once; given {text!r}")
        named[name] = Path(folder)
    made = survey.plan(study, systems=named, progress=progress, **options)
    pages = len(made.playlist(0))
    each = f"{made.per_rater_ratings} ratings, {made.per_rater_pairs} pairs, {made.per_rater_checks} checks"
    lines = [f"{near(study.absolute())}: {len(made.clips)} clips of {len(made.systems)} systems"]
    lines += [f"each rater: {pages} pages, with {each} and a practice page; {', '.join(made.languages)}"]
    lines += [f"look at {near(study.absolute() / 'study.yaml')}, then: lipwright survey invite {study} N"]
    data = {"study": str(study.absolute()), "clips": made.clips, "systems": made.systems, "pages": pages}
    data |= {"ratings": made.per_rater_ratings, "pairs": made.per_rater_pairs, "checks": made.per_rater_checks}
    return Answer("\n".join(lines), data)


def _invite(study: Path, options: Options) -> Answer:
    from lipwright import serving, survey
    from lipwright.errors import InputError

    if "count" not in options:
        raise InputError(f"say how many raters to invite: lipwright survey invite {study} N")
    base = options.get("url", f"http://{serving.LOOPBACK}:{serving.PORT}").rstrip("/")
    links = [f"{base}/r/{token}" for token in survey.invite(study, options["count"])]
    return Answer("\n".join(links), links)


def _serve(study: Path, options: Options) -> Answer:
    from lipwright import serving
    from lipwright.survey import raters

    listening, run = raters.prepared(study, **options)
    at = serving.url(listening)
    lines = [f"{near(study.absolute())} is served at {at} until Ctrl-C"]
    if "sign_up" in options:
        lines.append(f"anybody may take part at {at}, {options['sign_up']} raters in all")
    else:
        lines.append(f"raters need a link: lipwright survey invite {study} N --url {at}")
    return Answer("\n".join(lines), {"url": at}, run)


def _stats(study: Path, options: Options, progress: Progress) -> Answer:
    from lipwright import survey
    from lipwright.survey import report

    page, votes = options.pop("report", None), options.pop("votes", None)
    found = survey.stats(study, progress=progress, **options)
    text, data = report.text(found), found.data()
    if options.get("measure"):
        text = "\n\n".join([text, *(f"{name} was not measured: {why}" for name, why in found.unmeasured.items())])
        if not found.relations:
            text += "\n\nfigures and votes cannot be related: fewer than 4 videos have both, or all votes are the same"
    if page is not None:
        written = report.write(found, page)
        text, data = f"{text}\n\nreport: {near(written)}", data | {"report": str(written)}
    if votes is not None:
        from lipwright.survey import ballots

        written = ballots.write(found.table, votes)
        text, data = f"{text}\n\nvotes: {near(written)}", data | {"votes": str(written)}
    return Answer(text, data)


VERB = Verb("ask people: plan a study, invite raters, serve it, say what came of it", _options, _run)
