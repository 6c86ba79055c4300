"""Curves as SVG and pictures as PNG, small enough to stand inside a page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipwright.media.picture import png
from lipwright.types import Float, Picture

WIDE, TALL = 900, 220
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 40
MOST_POINTS = 1200
TICKS = (1, 2, 2.5, 5, 10)


@dataclass
class Plot:
    """A plot under construction: ``x`` and ``y`` its limits, ``x_name`` and ``y_name`` what stands at its axes;
    ``whole``: only whole numbers stand at y."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_name: str
    y_name: str
    tall: int = TALL
    parts: list[str] = field(default_factory=list)
    whole: bool = False

    def _x(self, value: float) -> float:
        low, high = self.x
        return LEFT + (value - low) / max(high - low, 1e-9) * (WIDE - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.y
        return self.tall - BOTTOM - (value - low) / max(high - low, 1e-9) * (self.tall - TOP - BOTTOM)

    def line(self, x: NDArray[Any], y: NDArray[Any], kind: str) -> None:
        """A line of the CSS class ``kind``, broken where ``y`` is NaN."""
        at, values = thin(np.asarray(x, np.float64)), thin(np.asarray(y, np.float64))
        pen, told = "M", []
        for one, other in zip(at, values, strict=True):
            if not np.isfinite(other):
                pen = "M"
                continue
            told.append(f"{pen}{self._x(one):.1f} {self._y(other):.1f}")
            pen = "L"
        self.parts.append(f'<path class="{kind}" d="{"".join(told)}"/>')

    def dot(self, x: float, y: float, kind: str, name: str = "") -> None:
        """A dot that tells its ``name`` where the pointer rests on it."""
        place = f'cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="4"'
        self.parts.append(f'<circle class="{kind}" {place}><title>{escape(name)}</title></circle>')

    def band(self, low: float, high: float, kind: str, across: bool = False) -> None:
        """A shaded stretch between two values of x, or of y where it runs ``across``."""
        ends = self.y if across else self.x
        low, high = max(low, min(ends)), min(high, max(ends))
        if high <= low:
            return
        x, wide = (LEFT, WIDE - LEFT - RIGHT) if across else (self._x(low), self._x(high) - self._x(low))
        y, tall = (self._y(high), self._y(low) - self._y(high)) if across else (TOP, self.tall - TOP - BOTTOM)
        self.parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>')

    def svg(self) -> str:
        """The whole plot."""
        label = f'role="img" aria-label="{escape(self.y_name)} over {escape(self.x_name)}"'
        middle = (TOP + self.tall - BOTTOM) / 2
        axes = [
            *(self._tick(value, self._x(value), None) for value in ticks(*self.x)),
            *(self._tick(value, None, self._y(value)) for value in self._sides()),
            f'<text class="axis" x="{(LEFT + WIDE - RIGHT) / 2:.0f}" y="{self.tall - 4}">{escape(self.x_name)}</text>',
            f'<text class="axis" transform="rotate(-90 12 {middle:.0f})" x="12" y="{middle:.0f}">'
            f"{escape(self.y_name)}</text>",
        ]
        return f'<svg viewBox="0 0 {WIDE} {self.tall}" {label}>{"".join(axes)}{"".join(self.parts)}</svg>'

    def _sides(self) -> list[float]:
        return [value for value in ticks(*self.y, most=5) if not self.whole or value == round(value)]

    def _tick(self, value: float, x: float | None, y: float | None) -> str:
        if x is not None:
            foot = self.tall - BOTTOM
            line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{foot}"/>'
            return f'{line}<text x="{x:.1f}" y="{foot + 16}">{value:g}</text>'
        line = f'<line class="grid" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        return f'{line}<text class="side" x="{LEFT - 6}" y="{(y or 0) + 4:.1f}">{value:g}</text>'


def ticks(low: float, high: float, most: int = 10) -> list[float]:
    """Round values between two limits, at most about ``most``.

    >>> ticks(0, 10, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    rough = max(high - low, 1e-9) / most
    scale = 10 ** np.floor(np.log10(rough))
    step = next(float(scale * n) for n in TICKS if scale * n >= rough * 0.999)
    first = int(np.ceil(low / step - 1e-9))
    return [round(n * step, 10) for n in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def thin(values: NDArray[Any]) -> NDArray[Any]:
    """At most 1200 values, each the mean of as many neighbours; NaN where all of them are."""
    size = -(-len(values) // MOST_POINTS)
    if size <= 1:
        return values
    padded = np.pad(values.astype(np.float64), (0, -len(values) % size), constant_values=np.nan).reshape(-1, size)
    known = np.isfinite(padded)
    sums, counts = np.where(known, padded, 0).sum(1), known.sum(1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def shaded(rows: Float) -> Picture:
    """Distances (T, K) as a picture (3 K, at most 1200, 3): near is bright, far is dark, unknown is grey; time runs to
    the right, the largest offset stands at the top."""
    columns = np.stack([thin(rows[:, k]) for k in range(rows.shape[1])], axis=1)
    known = np.isfinite(columns)
    low, high = np.quantile(columns[known], [0.02, 0.98]) if known.any() else (0.0, 1.0)
    near = np.clip((high - np.where(known, columns, high)) / max(high - low, 1e-9), 0, 1)[..., None]
    dark, middle, bright = (np.array(colour, float) for colour in ((23, 32, 56), (42, 130, 140), (250, 230, 120)))
    mixed = np.where(near < 0.5, dark + 2 * near * (middle - dark), middle + (2 * near - 1) * (bright - middle))
    mixed[~known] = 150
    return np.repeat(mixed.astype(np.uint8).transpose(1, 0, 2)[::-1], 3, axis=0)


def small(picture: Picture, wide: int = 240) -> Picture:
    """A picture made smaller by a whole factor, to about ``wide`` pixels: the mean of each block."""
    by = max(1, round(picture.shape[1] / wide))
    tall, across = picture.shape[0] // by * by, picture.shape[1] // by * by
    blocks = picture[:tall, :across].reshape(tall // by, by, across // by, by, 3)
    return blocks.mean((1, 3)).astype(np.uint8)


def inline(picture: Picture, name: str, kind: str = "") -> str:
    """An <img> that holds its own picture."""
    data = b64encode(png(picture)).decode()
    return f'<img class="{kind}" alt="{escape(name)}" title="{escape(name)}" src="data:image/png;base64,{data}">'


def cells(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """An HTML table; what is given is escaped."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
