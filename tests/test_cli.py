"""The command line: options are keywords, answers for people and machines, exit codes."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module

import pytest

from lipwright import cli, registry
from lipwright.commands import VERBS, Answer, Verb
from lipwright.errors import InputError


def actions(verb: str) -> dict[str, argparse.Action]:
    """What a verb takes, by keyword."""
    parser = argparse.ArgumentParser(add_help=False)
    VERBS[verb].options(parser)
    return {action.dest: action for action in parser._actions}


def keywords(verb: str) -> dict[str, inspect.Parameter]:
    """What a verb's function takes by keyword; for dub, what the default dubber takes as well."""
    taken = dict(inspect.signature(getattr(VERB[verb], verb)).parameters)
    if verb == "dub":
        taken |= inspect.signature(registry.load("dubbers", taken["dubber"].default).Dubber).parameters
        taken |= {name: p for name, p in keywords("finish").items() if name not in {"source", "face"}}
    return {
        name: p
        for name, p in taken.items()
        if name not in {"progress", "clip", "options", "scene", "changes", "phones", "timeline", "watch"}
    }


VERB = {
    verb: import_module(f"lipwright.{verb}")
    for verb in ("dub", "compare", "finish", "measure", "repair", "prepare", "speak", "train", "demo", "visemes")
}
SPOKEN = {"text", "srt", "like", "fit", "language", "voice", "pace", "pitch", "volume", "voice_more"}
COMMAND_ONLY = {
    "dub": {"video", "out", "quality", "resume", "more"} | SPOKEN | {"jobs", "workers", "ray", "report", "tries"},
    "speak": {"out", "more"},
    "train": {"settings"},
}
COMMAND_ONLY["prepare"] = {"check"}
COMMAND_ONLY["compare"] = {"more"}
COMMAND_ONLY["finish"] = {"video", "out", "quality", "resume"}
COMMAND_ONLY["visemes"] = {"out", "shapes", "preview"}
COMMAND_ONLY["measure"] = {"videos", "report", "pairs", "root", "list_order", "text", "language"}
"""Options of a command that are not keywords of its function."""


@pytest.mark.parametrize("verb", VERB)
def test_options_are_the_keywords_of_the_function(verb: str) -> None:
    assert actions(verb).keys() - COMMAND_ONLY.get(verb, set()) == keywords(verb).keys()


@pytest.mark.parametrize("verb", VERB)
def test_defaults_told_in_help_are_the_functions_own(verb: str) -> None:
    for name, parameter in keywords(verb).items():
        action = actions(verb).get(name)
        if action is None or parameter.default in (inspect.Parameter.empty, None, "") or name == "settings":
            continue
        told = re.search(r"\(([^()]*)\)$", action.help or "")
        assert told is not None, f"--{name} does not tell its default"
        assert told[1] == str(parameter.default)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert all(action.help for action in actions(verb).values())
    with pytest.raises(SystemExit) as stop:
        cli.main([verb, "--help"])
    assert stop.value.code == 0
    assert VERBS[verb].about[1:] in " ".join(capsys.readouterr().out.split())


def play(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Answer]) -> None:
    """Put a verb ``play`` on the command line, with one option --times."""
    options = lambda parser: parser.add_argument("--times", type=int, help="how often")  # noqa: E731
    monkeypatch.setitem(VERBS, "play", Verb("play", options, run))


def test_an_answer_is_text_or_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    play(monkeypatch, lambda options, progress: Answer("three times", options))
    assert cli.main(["play", "--times", "3"]) == 0
    assert capsys.readouterr().out == "three times\n"
    assert cli.main(["play", "--times", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"times": 3}
    assert cli.main(["play", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {}, "an option left out is not passed on"


def test_what_a_verb_goes_on_with_comes_after_its_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    play(monkeypatch, lambda options, progress: Answer("at http://a", 1, lambda: told.append(capsys.readouterr().out)))
    assert cli.main(["play"]) == 0
    assert told == ["at http://a\n"], "a server says where it is before it serves"


def test_an_error_is_a_sentence_and_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(options: object, progress: object) -> Answer:
        raise InputError("the file talk.mp4 is empty")

    play(monkeypatch, fail)
    assert cli.main(["play"]) == 1
    assert capsys.readouterr() == ("", "lipwright: the file talk.mp4 is empty\n")
    assert cli.main(["play", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"error": "the file talk.mp4 is empty", "kind": "InputError"}


def test_ctrl_c_is_a_sentence_and_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(options: object, progress: object) -> Answer:
        raise KeyboardInterrupt

    play(monkeypatch, stop)
    assert cli.main(["play"]) == 130
    assert capsys.readouterr().err.startswith("stopped")


def test_sigterm_stops_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wait(options: object, progress: object) -> Answer:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        return Answer("not stopped", None)

    before = signal.getsignal(signal.SIGTERM)
    play(monkeypatch, wait)
    assert cli.main(["play"]) == 130
    assert capsys.readouterr().err.startswith("stopped")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_reader_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "lipwright", "models", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        told = process.stderr.read()
    assert (process.returncode, told) == (0, b"")


@pytest.mark.parametrize(
    "line", [[], ["fly"], ["repair"], ["dub", "a", "b", "-o", "c", "--quality", "x"], ["models", "x"]]
)
def test_wrong_usage_is_2_and_says_where_help_is(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(line)
    assert stop.value.code == 2
    assert re.search(r"see: lipwright\S* ?\w* --help\n$", capsys.readouterr().err)


def test_progress_is_drawn_for_a_person_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(options: object, progress: Callable[[int, int, str], None]) -> Answer:
        for done in range(3):
            progress(done + 1, 3, "frames")
        progress(5, 0, "bytes")
        return Answer("done", None)

    play(monkeypatch, work)
    assert cli.main(["play"]) == 0
    assert capsys.readouterr() == ("done\n", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert cli.main(["play"]) == 0
    assert "frames" in capsys.readouterr().err


def test_options_of_another_dubber_are_read_as_what_they_are() -> None:
    line = ["dub", "a", "b", "-o", "c", "--with", "depth=3", "--with", "mode=soft", "--with", "keep=true"]
    assert dict(cli.parser().parse_args(line).more) == {"depth": 3, "mode": "soft", "keep": True}
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["dub", "a", "b", "-o", "c", "--with", "depth"])


def test_models_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 0
    told = capsys.readouterr().out
    assert "detectors: mediapipe" in told
    assert "face_landmark: puts the 468-point mesh on one face" in told
    assert cli.main(["models", "list", "--json"]) == 0
    assert {"families", "weights"} == json.loads(capsys.readouterr().out).keys()
    assert cli.main(["models", "verify", "nobody"]) == 1
