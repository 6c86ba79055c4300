"""The pages that raters see, as HTML that works without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from lipwright.survey.study import Study, Trial
from lipwright.survey.texts import texts

FOLDER = Path(__file__).parent / "page"
ASSETS = {"survey.css": "text/css", "survey.js": "text/javascript"}


@dataclass(frozen=True)
class Reader:
    """Who reads: the ``language``, and the address of ``own`` pages ("" before there is a token)."""

    language: str
    own: str = ""

    def say(self, name: str, **values: object) -> str:
        """A text in that language, not yet escaped."""
        return str(texts(self.language)[name]).format(**values)

    def of(self, name: str) -> dict[str, str]:
        """The texts of a question or an answer, by name."""
        return dict(texts(self.language)[name])


def message(
    study: Study, reader: Reader, title: str, text: str, more: str = "", values: Mapping[str, int] | None = None
) -> str:
    """A page that says one thing; ``title`` and ``text`` are names of texts, ``more`` is HTML."""
    body = _fill("message", title=reader.say(title), text=reader.say(text, **(values or {})), more=_Html(more))
    return _page(study, reader, body, reader.say(title))


def welcome(study: Study, reader: Reader) -> str:
    """The page on which anybody may take part."""
    join = f'<form method="post" action="/join"><button>{escape(reader.say("join"))}</button></form>'
    body = _fill("message", title=study.title, text=reader.say("about"), more=_Html(join))
    return _page(study, reader, body, study.title)


def consent(study: Study, reader: Reader, total: int) -> str:
    """What it is about, and whether they agree."""
    contact = f"<p>{escape(reader.say('contact', contact=study.contact))}</p>" if study.contact else ""
    said = {name: reader.say(name) for name in ("about", "needs", "private", "agree", "start")}
    said |= {"length": reader.say("length", total=total), "title": study.title, "language": reader.language}
    body = _fill("consent", **said, contact=_Html(contact), action=f"{reader.own}/start")
    return _page(study, reader, body, study.title)


def thanks(study: Study, reader: Reader) -> str:
    """All is answered."""
    return message(study, reader, "thanks_title", "thanks", _leave(reader))


def trial(
    study: Study,
    reader: Reader,
    shown: Trial,
    position: int,
    total: int,
    *,
    answers: Mapping[str, str] | None = None,
    alert: str = "",
) -> str:
    """One page of a rater: the videos and what is asked of them; ``answers`` stand there already, ``alert`` is the name
    of a text that says why a form came back."""
    asked = study.questions(shown)
    compared = shown.kind == "compare"
    videos = [name for name in (shown.a, shown.b) if name] if shown.kind != "told" else []
    progress = reader.say("progress", n=position + 1, total=total)
    labels = _labels(reader, asked)
    back = f'<a class="back" href="{reader.own}/{position - 1}">{escape(reader.say("back"))}</a>' if position else ""
    body = _fill(
        "trial",
        progress=progress,
        total=total,
        done=position,
        alert=_Html(f'<p class="alert" role="alert">{escape(reader.say(alert))}</p>' if alert else ""),
        heading=_heading(reader, shown, labels),
        note=_Html(f'<p class="note">{escape(reader.say("practice"))}</p>' if shown.role == "practice" else ""),
        videos=_Html(_videos(reader, videos)),
        ready=reader.say("ready"),
        broken=reader.say("broken"),
        hint=reader.say("watch_pair" if compared else "watch") if videos else "",
        watched="1" if not (videos and study.watch) or answers else "",
        action=f"{reader.own}/{position}",
        questions=_Html("".join(_question(reader, name, values, answers or {}) for name, values in asked.items())),
        next=reader.say("next"),
        back=_Html(back),
        keys=reader.say("keys"),
        keys_help=reader.say("keys_help", numbers=" ".join(str(n + 1) for n in range(len(labels)))),
        leave=_Html(_leave(reader)),
    )
    return _page(study, reader, body, f"{progress} – {study.title}")


def _heading(reader: Reader, shown: Trial, labels: Mapping[str, str]) -> str:
    if shown.kind == "told":
        return reader.say("told", label=labels[shown.a])
    return reader.say("watch_pair" if shown.kind == "compare" else "watch")


def _labels(reader: Reader, asked: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What the answers are called, by value."""
    return reader.of("sides" if "same" in next(iter(asked.values())) else "scale")


def _videos(reader: Reader, names: Sequence[str]) -> str:
    parts = []
    for place, name in enumerate(names):
        title = escape(reader.say("video" if len(names) == 1 else ("video_a", "video_b")[place]))
        source = f"{reader.own}/media/{name}.mp4"
        head = f"<figcaption>{title}</figcaption>" if len(names) > 1 else ""
        video = f'<video src="{source}" aria-label="{title}" controls playsinline preload="auto" '
        video += 'controlslist="nodownload noplaybackrate" disablepictureinpicture></video>'
        parts.append(f"<figure>{head}{video}</figure>")
    return f'<div class="videos">{"".join(parts)}</div>' if parts else ""


def _question(reader: Reader, name: str, values: Sequence[str], answers: Mapping[str, str]) -> str:
    numbered = "same" not in values
    labels, legend = reader.of("scale" if numbered else "sides"), reader.of("questions" if numbered else "pairs")[name]
    parts = []
    for place, value in enumerate(values):
        mark = " checked" if answers.get(name) == value else ""
        parts.append(
            f'<label><input type="radio" name="{name}" value="{value}" required{mark}>'
            f"<b>{place + 1}</b> {escape(labels[value])}</label>"
        )
    kind = "scale" if numbered else "scale three"
    return f'<fieldset><legend>{escape(legend)}</legend><div class="{kind}">{"".join(parts)}</div></fieldset>'


def _leave(reader: Reader) -> str:
    return _fill("leave", leave=reader.say("leave"), sure=reader.say("leave_sure"), action=f"{reader.own}/leave")


def _page(study: Study, reader: Reader, body: str, title: str) -> str:
    said = texts(reader.language)
    return _fill(
        "frame", language=reader.language, dir=said["dir"], title=title, body=_Html(body),
        languages=_Html(_languages(study, reader)),
    )  # fmt: skip


def _languages(study: Study, reader: Reader) -> str:
    if len(study.languages) < 2:
        return ""
    options = []
    for code in study.languages:
        mark = " selected" if code == reader.language else ""
        options.append(f'<option value="{code}" lang="{code}"{mark}>{escape(texts(code)["name"])}</option>')
    said = {"label": reader.say("language"), "change": reader.say("change")}
    return _fill("languages", action=reader.own or "/", options=_Html("".join(options)), **said)


class _Html(str):
    """What is HTML already."""

    __slots__ = ()


def _fill(name: str, **values: Any) -> str:
    """A template of page/ with ``values``, escaped unless they are HTML."""
    told = {key: value if isinstance(value, _Html) else escape(str(value)) for key, value in values.items()}
    return _template(name).substitute(told)


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.html").read_text(encoding="utf-8"))
