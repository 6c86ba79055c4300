"""A measurement as one page that needs nothing else: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np

from lipwright import __version__, drift
from lipwright.errors import OutputError
from lipwright.likeness import correlation
from lipwright.measure import table
from lipwright.measure.drawing import Plot, cells, inline, shaded, small
from lipwright.measure.found import Judged, Measured
from lipwright.measure.symptoms import applying
from lipwright.types import Clip

MOST_STRETCHES, SHOTS = 12, 3
COLOURS = {"in sync": "good", "out of sync": "bad", "cannot say": "open"}

STYLE = """
:root{color-scheme:light;--ink:#1d2433;--soft:#667085;--line:#e4e7ec;--good:#12805c;--bad:#b42318;--open:#8a6100;
  --own:#1f5fbf}*{box-sizing:border-box}
body{margin:0;background:#f6f7f9;color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:980px;margin:0 auto;padding:28px 20px 60px}h1{font-size:22px;margin:0 0 4px}h1,p{overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 6px}
section{background:#fff;border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:16px 0}
p{margin:4px 0 10px}.soft{color:var(--soft);font-size:14px}
.badge{display:inline-block;padding:2px 12px;border-radius:99px;color:#fff;font-weight:600}
.badge.good{background:var(--good)}.badge.bad{background:var(--bad)}.badge.open{background:var(--open)}
.big{font-size:19px;margin:10px 0 2px}svg,.map{width:100%;display:block}svg{height:auto}
.map{height:150px;image-rendering:auto;border-radius:4px}
.mapbox{display:grid;grid-template-columns:66px 1fr;gap:8px}
.mapbox div{display:flex;flex-direction:column;justify-content:space-between;text-align:right;font-size:12px;
  color:var(--soft)}text{font:12px system-ui,sans-serif;fill:var(--soft);text-anchor:middle}
text.side{text-anchor:end}.grid{stroke:var(--line)}path{fill:none;stroke-width:1.8;stroke-linejoin:round}
.own{stroke:var(--own)}.asked{stroke:#d9822b}.trend{stroke:var(--soft);stroke-dasharray:6 4}.fine{fill:#12805c1c}
.turn{stroke:#98a2b3;stroke-width:14}.turn.own{stroke:var(--own)}.nobody{fill:#8a610030}
.voice{fill:#1f5fbf14}circle{fill:var(--own)}circle.early,circle.late{fill:var(--bad)}
circle.weak,circle.still{fill:var(--open)}circle.silence,circle.no-face,circle.other{fill:#c3c9d3}circle.best{fill:var(--bad)}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
.figures th:not(:first-child),.figures td:not(:first-child){text-align:right;font-variant-numeric:tabular-nums}
.shots{display:flex;gap:8px;flex-wrap:wrap;margin:6px 0 18px}.shots img{width:200px;border-radius:6px}
.key{display:inline-block;width:14px;height:3px;vertical-align:middle;margin:0 4px 0 12px}
"""


def write(found: Measured, clip: Clip, path: Path) -> Path:
    """Write the page of a measurement of ``clip``; its absolute path. Raises OutputError where it cannot be written."""
    place = path.absolute()
    beside = place.with_name(f".{place.name}.part")
    try:
        beside.write_text(page(found, clip), encoding="utf-8")
        beside.replace(place)
    except OSError as problem:
        raise OutputError(f"{place} cannot be written: {problem.strerror}; choose another folder") from problem
    return place


def page(found: Measured, clip: Clip) -> str:
    """The page as HTML."""
    name = Path(found.name).name
    parts = [_head(found, name), _curve(found.judged), _matrix(found.judged), _through(found.judged), *_speaking(found)]
    parts.append(_opening(found))
    body = "".join(f"<section>{part}</section>" for part in [*parts, _figures(found), *_troubles(found, clip)])
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    top = f"<head>{meta}<title>{escape(name)}: lip sync</title><style>{STYLE}</style></head>"
    return f'<!doctype html><html lang="en">{top}<body><main>{body}{_foot(found)}</main></body></html>\n'


def _head(found: Measured, name: str) -> str:
    judged = found.judged
    words = table.headline(judged).split("; ", 1)[1]
    lines = [f"<h1>{escape(name)}</h1>", f'<span class="badge {COLOURS[judged.verdict]}">{judged.verdict}</span>']
    lines.append(f'<p class="big">{escape(words[0].upper() + words[1:])}.</p>')
    lines += [f'<p class="soft">{escape(line)}</p>' for line in table.asides(found)]
    lines += [f'<p class="soft">{escape(f"{issue.message}; {issue.remedy}")}</p>' for issue in found.issues]
    return "".join(lines)


def _curve(judged: Judged) -> str:
    ms = 1000 / judged.fps
    at = (np.arange(len(judged.curve.distances)) - judged.curve.reach) * ms
    known = judged.curve.distances[np.isfinite(judged.curve.distances)]
    room = 0.08 * float(np.ptp(known)) + 1e-3
    plot = Plot(
        (float(at[0]), float(at[-1])), (known.min() - room, known.max() + room), "sound early by, ms", "distance"
    )
    plot.band(-drift.LATE_MS, drift.EARLY_MS, "fine")
    plot.line(at, judged.curve.distances, "own")
    plot.dot(judged.offset * ms, judged.curve.distance, "best", judged.words)
    about = (
        "Mean distance of lips and sound if the sound were moved. A clear dip is sure; green is what viewers accept."
    )
    return f'<h2>Offset</h2><p class="soft">{about}</p>{plot.svg()}'


def _matrix(judged: Judged) -> str:
    ms = round(judged.table.reach * 1000 / judged.fps)
    about = "Every moment, left to right, against every offset. A steady bright line is one offset all through."
    sides = f"<div><span>{ms} ms</span><span>0</span><span>−{ms} ms</span></div>"
    picture = inline(shaded(judged.table.rows), "distances of every frame at every offset", "map")
    return f'<h2>Through time</h2><p class="soft">{about}</p><div class="mapbox">{sides}{picture}</div>'


def _through(judged: Judged) -> str:
    ms, reach = 1000 / judged.fps, judged.table.reach
    end = len(judged.table) / judged.fps
    plot = Plot((0.0, end), (-reach * ms, reach * ms), "s", "sound early by, ms")
    plot.band(-drift.LATE_MS, drift.EARLY_MS, "fine", across=True)
    moving = judged.drift
    if moving is not None and moving.certain:
        change = moving.ms_per_minute / 60 * end / 2
        middle = float(np.median([problem.span.offset for problem in judged.spans])) * ms
        plot.line(np.array([0, end]), np.array([middle - change, middle + change]), "trend")
    for problem in judged.spans:
        span = problem.span
        name = (
            f"{span.start:.1f} s to {span.stop:.1f} s: {span.offset * ms:.0f} ms, {problem.code or 'as it should be'}"
        )
        plot.dot((span.start + span.stop) / 2, span.offset * ms, problem.code or "own", name)
    about = "Every two seconds on their own: blue as it should be, red early or late, brown like a wrong voice or a "
    about += "still mouth, grey silent, without a face, or another speaks."
    return f'<h2>Spans</h2><p class="soft">{about}</p>{plot.svg()}'


def _speaking(found: Measured) -> Iterator[str]:
    """Who speaks when, where there are several."""
    if found.faces < 2:
        return
    seen = [turn.face for turn in found.turns if turn.face is not None]
    plot = Plot((0.0, len(found.opening) / float(found.fps)), (-0.6, max([found.face, *seen]) + 0.6), "s", "face",
                tall=140, whole=True)  # fmt: skip
    for turn in found.turns:
        if turn.face is None:
            plot.band(turn.start, turn.stop, "nobody")
        else:
            row = np.full(2, float(turn.face))
            plot.line(np.array([turn.start, turn.stop]), row, "turn own" if turn.face == found.face else "turn")
    about = f"{found.faces} faces; face {found.face} (blue) is measured, and judged while no other speaks. Brown: a "
    yield f'<h2>Who speaks</h2><p class="soft">{about}voice that fits nobody seen.</p>{plot.svg()}'


def _opening(found: Measured) -> str:
    fps = float(found.fps)
    time = np.arange(len(found.opening)) / fps
    known = found.opening[np.isfinite(found.opening)]
    most = max(float(known.max()), 0.05) if len(known) else 0.05
    plot = Plot((0.0, max(len(time) / fps, 0.1)), (0.0, 1.08 * most), "s", "eye distances")
    for start, stop in _runs(found.voiced > 0.5):
        plot.band(start / fps, stop / fps, "voice")
    spread = float(known.std()) / max(float(found.asked.std()), 1e-6) if len(known) else 1.0
    asked = (found.asked - found.asked.mean()) * spread + (float(known.mean()) if len(known) else 0.0)
    plot.line(time, np.clip(asked, 0, most), "asked")
    plot.line(time, found.opening, "own")
    follows = correlation(found.opening, found.asked)
    keys = '<span class="key" style="background:var(--own)"></span>the mouth'
    keys += '<span class="key" style="background:#d9822b"></span>what the speech asks for, to the same scale'
    about = f"Opening of the mouth; shaded where there is speech. Correlation {follows:.2f}."
    return f'<h2>Mouth</h2><p class="soft">{about}{keys}</p>{plot.svg()}'


def _runs(on: np.ndarray) -> list[tuple[int, int]]:
    """(start, stop) of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _figures(found: Measured) -> str:
    heads = ["figure", "video", "wrong voice", *(["ceiling"] if found.ceiling or found.best else [])]
    rows = [(name, *("–" if v is None else f"{v:.3f}" for v in values)) for name, values in table.rows(found)]
    about = "A score says little alone: the wrong voice is the floor, the real recording the ceiling."
    return f'<h2>Figures</h2><p class="soft">{about}</p><div class="figures">{cells(rows, heads)}</div>'


def _troubles(found: Measured, clip: Clip) -> Iterator[str]:
    """What is wrong, where, and what helps."""
    stretches = table.stretches(found.judged.spans)
    if stretches:
        shown = [_shots(clip, *stretch) for stretch in stretches[:MOST_STRETCHES]]
        more = len(stretches) - len(shown)
        shown += [f'<p class="soft">and {more} more</p>'] if more > 0 else []
        yield f"<h2>Where to look</h2>{''.join(shown)}"
    helps = [(symptom.seen, symptom.cause, symptom.fix) for symptom in applying(found)]
    if helps:
        yield f"<h2>What may lie behind it</h2>{cells(helps, ('seen', 'likely cause', 'what helps'))}"


def _shots(clip: Clip, start: float, stop: float, code: str) -> str:
    first, last = (min(clip.length - 1, int(at * clip.fps)) for at in (start, stop))
    frames = np.linspace(first, max(first, last - 1), SHOTS + 2)[1:-1].astype(int).tolist()
    pictures = [(frame, next(clip.look(frame, frame + 1))) for frame in frames]
    shots = "".join(inline(small(picture), f"{frame / float(clip.fps):.2f} s") for frame, picture in pictures)
    return f'<p><b>{start:.1f} s to {stop:.1f} s</b>: {table.WRONG[code]}</p><div class="shots">{shots}</div>'


def _foot(found: Measured) -> str:
    files = "; ".join(f"{role} {Path(file['file']).name} {file['sha256'][:16]}" for role, file in found.inputs.items())
    return f'<p class="soft">lipwright {escape(__version__)}, expert {escape(found.judged.expert)}; {escape(files)}</p>'
