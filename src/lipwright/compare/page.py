"""A comparison as one page: no scripts, nothing loaded from elsewhere; the videos lie beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

import numpy as np

from lipwright import __version__, drift, faces
from lipwright.compare.found import OFFSET, Compared, Entry, headline
from lipwright.errors import LipwrightError
from lipwright.measure.drawing import Plot, inline
from lipwright.measure.report import COLOURS, STYLE
from lipwright.tiling import fitted
from lipwright.types import Clip, Picture

INKS = ("#1f5fbf", "#d9822b", "#12805c", "#8e44ad", "#b42318", "#00798c", "#8a6100", "#5c677d")
SHOTS, SIDE = 6, 148
ROOM = 0.18
"""Room around a face in the pictures, in sizes of it."""

OWN = (
    "".join(f".s{n}{{stroke:{ink}}}circle.s{n}{{fill:{ink};stroke:none}}" for n, ink in enumerate(INKS))
    + """
video{width:100%;border-radius:6px;background:#000}.wide{overflow-x:auto}td.best{font-weight:700;color:var(--good)}
.sheet td,.sheet th{border:0;padding:2px 6px 2px 0}.sheet img{width:100%;min-width:90px;border-radius:4px;display:block}
.sheet th{font-weight:600;vertical-align:middle;white-space:nowrap}.badge,.names td:first-child{white-space:nowrap}
.figures td:first-child,.figures th:first-child{min-width:190px}.wide td.best{white-space:nowrap}
"""
)


def page(found: Compared, clips: Mapping[str, Clip]) -> str:
    """The page of ``found`` as HTML; ``clips`` are those of the grid, by name, the source first where there is one."""
    parts = [_head(found), _verdicts(found), _figures(found), _curves(found), _mouths(found), _sheet(clips)]
    body = "".join(f"<section>{part}</section>" for part in parts if part)
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    names = ", ".join(entry.name for entry in found.entries)
    top = f"<head>{meta}<title>{escape(names)}: compared</title><style>{STYLE}{OWN}</style></head>"
    foot = f'<p class="soft">lipwright {escape(__version__)}</p>'
    return f'<!doctype html><html lang="en">{top}<body><main>{body}{foot}</main></body></html>\n'


def _head(found: Compared) -> str:
    video = (
        "" if found.grid is None else f'<video controls loop preload="metadata" src="{quote(found.grid.name)}"></video>'
    )
    return f"<h1>{len(found.entries)} videos compared</h1>{video}"


def _verdicts(found: Compared) -> str:
    rows = []
    for number, entry in enumerate(found.entries):
        link = escape(entry.name)
        if entry.file is not None and entry.file.parent == found.folder:
            link = f'<a href="{quote(entry.file.name)}">{link}</a>'
        verdict = entry.figures["verdict"] if entry.figures else ""
        badge = f'<span class="badge {COLOURS[verdict]}">{escape(verdict)}</span>' if verdict else "failed"
        said = entry.problem or headline(entry).split("; ", 1)[1]
        rows.append(f"<tr><td>{_key(number)}{link}</td><td>{badge}</td><td>{escape(said)}</td></tr>")
    return f'<h2>Lips and voice</h2><div class="names wide"><table>{"".join(rows)}</table></div>'


def _key(number: int) -> str:
    return f'<span class="key" style="background:{INKS[number % len(INKS)]}"></span>'


def _figures(found: Compared) -> str:
    """The table of all figures; the best of each row stands out where one way is good."""
    head = "".join(f"<th>{escape(name)}</th>" for name in ["figure", *found.heads()])
    rows = []
    for key, what, values in found.rows():
        best = _best(key, values[1:-1], found.better(key))
        told = [f"<td>{escape(what)}</td>"]
        for column, value in enumerate(values):
            mark = ' class="best"' if column - 1 in best else ""
            told.append(f"<td{mark}>{'–' if value is None else f'{value:.3f}'}</td>")
        rows.append(f"<tr>{''.join(told)}</tr>")
    if not rows:
        return ""
    about = "The wrong voice is the floor, the median over the videos; the ceiling is the reference, or the source "
    about += "with its own sound. The best of a row is bold where one way is good."
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<h2>Figures</h2><p class="soft">{about}</p><div class="figures wide">{table}</div>'


def _best(key: str, values: Sequence[float | None], better: str) -> set[int]:
    """Which of ``values`` are best, counted from 0; none where no way is good or all are one."""
    known = [abs(value) if key == OFFSET else value for value in values if value is not None]
    better = "lower" if key == OFFSET else better
    if better == "none" or len({round(value, 3) for value in known}) < 2:
        return set()
    best = min(known) if better == "lower" else max(known)
    size = [None if value is None else abs(value) if key == OFFSET else value for value in values]
    return {place for place, value in enumerate(size) if value is not None and round(value - best, 3) == 0}


def _measured(found: Compared) -> list[tuple[int, Entry]]:
    return [(number, entry) for number, entry in enumerate(found.entries) if entry.figures]


def _legend(found: Compared) -> str:
    return "".join(f"{_key(number)}{escape(entry.name)}" for number, entry in _measured(found))


def _curves(found: Compared) -> str:
    """The offset curves of all, over each other."""
    told = [(n, entry.figures["curve"]) for n, entry in _measured(found) if entry.figures]
    if not told:
        return ""
    arrays = [(n, np.array(c["offset_ms"], float), np.array(c["distance"], float)) for n, c in told]
    known = np.concatenate([distance[np.isfinite(distance)] for _, _, distance in arrays])
    room = 0.08 * float(np.ptp(known)) + 1e-3
    ends = min(float(at[0]) for _, at, _ in arrays), max(float(at[-1]) for _, at, _ in arrays)
    plot = Plot(ends, (float(known.min()) - room, float(known.max()) + room), "sound early by, ms", "distance")
    plot.band(-drift.LATE_MS, drift.EARLY_MS, "fine")
    for number, at, distance in arrays:
        plot.line(at, distance, f"s{number % len(INKS)}")
    about = f"Distance of lips and sound if the sound were moved: a deep dip near 0 is good.{_legend(found)}"
    return f'<h2>Offset</h2><p class="soft">{about}</p>{plot.svg()}'


def _mouths(found: Compared) -> str:
    """How far each mouth is open, over each other."""
    lines = [
        (n, np.arange(len(entry.opening)) / entry.fps, np.array(entry.opening, float))
        for n, entry in _measured(found)
        if len(entry.opening)
    ]
    if not lines:
        return ""
    most = max([0.05, *(float(np.nanmax(opening)) for _, _, opening in lines if np.isfinite(opening).any())])
    plot = Plot((0.0, max(float(at[-1]) for _, at, _ in lines) or 0.1), (0.0, 1.08 * most), "s", "eye distances")
    for number, at, opening in lines:
        plot.line(at, opening, f"s{number % len(INKS)}")
    return f'<h2>Mouths</h2><p class="soft">Opening of the mouth.{_legend(found)}</p>{plot.svg()}'


def _sheet(clips: Mapping[str, Clip]) -> str:
    """Faces of all at the same moments."""
    seconds = min(clip.duration for clip in clips.values())
    moments = np.linspace(0, seconds, SHOTS + 2)[1:-1].tolist()
    rows = []
    for name, clip in clips.items():
        frames = [min(clip.length - 1, int(moment * clip.fps)) for moment in moments]
        shots = _faces(clip, frames)
        told = "".join(
            f"<td>{inline(shot, f'{name}, {at:.2f} s')}</td>" for shot, at in zip(shots, moments, strict=True)
        )
        rows.append(f"<tr><th>{escape(name)}</th>{told}</tr>")
    head = "".join(f"<th>{moment:.2f} s</th>" for moment in moments)
    table = f"<table><thead><tr><th></th>{head}</tr></thead>{''.join(rows)}</table>"
    return f'<h2>Frames</h2><div class="sheet wide">{table}</div>'


def _faces(clip: Clip, frames: Sequence[int]) -> list[Picture]:
    """Squares around the face in some frames; the whole picture where none is found."""
    pictures = [next(iter(clip.read(frame, frame + 1))) for frame in frames]
    try:
        track = faces.track(clip)
    except LipwrightError:
        return [fitted(picture, (SIDE, SIDE)) for picture in pictures]
    x0, y0, x1, y1 = np.median(track.box[track.present], axis=0)
    half = (0.5 + ROOM) * max(x1 - x0, y1 - y0)
    wide, tall = clip.size
    left, right = round(max(0, (x0 + x1) / 2 - half)), round(min(wide, (x0 + x1) / 2 + half))
    top, bottom = round(max(0, (y0 + y1) / 2 - half)), round(min(tall, (y0 + y1) / 2 + half))
    return [fitted(picture[top:bottom, left:right], (SIDE, SIDE)) for picture in pictures]
