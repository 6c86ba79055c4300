"""One page that says what was found of each recording, and what was kept."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

from lipwright.errors import InputError
from lipwright.media.target import beside, checked_target

SHOWN = (
    "id", "speaker", "split", "frames", "kept", "why", "offset", "contrast", "confidence", "judged", "sharpness",
    "size", "yaw", "loudness", "silence", "duplicate",
)  # fmt: skip

_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em;max-width:90em}table{border-collapse:collapse}"
    "td,th{padding:.2em .6em;text-align:left;border-bottom:1px solid #ddd}.no{color:#a33}"
    "i{display:inline-block;background:#47a;height:.8em}"
)


def check(path: Path) -> Path:
    """``path`` as the absolute path of a page; InputError or OutputError where it cannot be one."""
    if path.suffix.lower() != ".html":
        raise InputError(f"{path} is no page; end its name in .html")
    return checked_target(path, {".html"}, ())


def write(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write the page; ``rows`` as in manifest.csv. OutputError where it cannot be written."""
    target = check(path)
    kept = [row for row in rows if row["kept"] == "yes"]
    minutes = sum(row["frames"] for row in kept) / 1500
    parts = [
        f"<!doctype html><meta charset=utf-8><title>prepared</title><style>{_STYLE}</style><h1>What was prepared</h1>",
        f"<p>{len(kept)} of {len(rows)} recordings were kept, {minutes:.1f} minutes.</p>",
        "<h2>Offsets of those kept</h2>",
        "<p>Frames of 40 ms; above 0 the sound came early. It was shifted by as much.</p>",
        _histogram(Counter(row["offset"] for row in kept)),
        "<h2>All</h2>",
        _table(rows),
    ]
    with beside(target, target.parent) as part:
        part.write_text("\n".join(parts), encoding="utf-8")
    return target


def _histogram(counts: Counter[int]) -> str:
    most = max(counts.values(), default=1)
    lines = [
        f"<tr><td>{offset:+d}<td><i style='width:{max(1, 300 * counts[offset] // most)}px'></i> {counts[offset]}"
        for offset in sorted(counts)
    ]
    return f"<table>{''.join(lines)}</table>"


def _table(rows: list[dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}" for name in SHOWN)
    lines = [f"<tr class={row['kept']}>" + "".join(f"<td>{escape(str(row[name]))}" for name in SHOWN) for row in rows]
    return f"<table><tr>{head}{''.join(lines)}</table>"
