"""Charts as SVG by hand: they take the page's fonts and colours, light or dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import numpy as np

WIDE, NARROW = 640, 330
LEFT, RIGHT, TOP, BOTTOM = 72, 14, 14, 46
POINTS_MAX = 400


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: For the legend.
        x: `[n]`.
        y: `[n]`.
        style: The class that gives it colour and width.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    style: str


@dataclass(frozen=True)
class Frame:
    """Where numbers lie on the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int
    height: int

    def across(self, value: float) -> float:
        """Returns the horizontal place of a number."""
        low, high = self.x
        return LEFT + (value - low) / (high - low) * (self.width - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """Returns the vertical place of a number."""
        low, high = self.y
        return self.height - BOTTOM - (value - low) / (high - low) * (self.height - TOP - BOTTOM)


def number(value: float, digits: int = 4) -> str:
    """Writes a number for people: `12,345`, `0.0123`, `1.5M`.

    Example:
        >>> number(12345.678), number(0.01234567), number(2_500_000)
        ('12,346', '0.01235', '2.5M')
    """
    size = abs(value)
    for unit, letter in ((1e9, "G"), (1e6, "M")):
        if size >= unit:
            return f"{value / unit:,.{digits}g}{letter}"
    if size >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if size >= 1e-4 or value == 0 else f"{value:.1e}"


TELLABLE = 0.01
"""A range that is a smaller share of its numbers is widened: its labels would look the same."""


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Returns round numbers that cover a range, about `count` of them.

    Example:
        >>> nice_ticks(0.0, 9.3)
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    size = max(abs(low), abs(high))
    if high - low <= TELLABLE * size:
        low, high = low - (size * 0.1 or 0.5), high + (size * 0.1 or 0.5)
    raw = (high - low) / count
    unit = 10.0 ** floor(log10(raw))
    step = unit * next(size for size in (1, 2, 2.5, 5, 10) if size * unit >= raw * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def line_chart(
    series: Sequence[Series], title: str, words: tuple[str, str], size: tuple[int, int]
) -> str:
    """Draws lines.

    Args:
        series: At least one, with at least one point.
        title: What is to be seen, for those who cannot see it.
        words: What x and y are.
        size: Width and height of the drawing.

    Returns:
        An SVG element.
    """
    last = max(float(one.x.max()) for one in series)
    xs = nice_ticks(0.0, last, 5 if size[0] == WIDE else 3)
    low = min(float(one.y.min()) for one in series)
    high = max(float(one.y.max()) for one in series)
    ys = nice_ticks(min(low, 0.0) if low > 0 and low < 0.6 * high else low, high)
    frame = Frame((0.0, last), (ys[0], ys[-1]), *size)
    lines = [_line(frame, one) for one in series]
    return _svg([*_grid(frame, [x for x in xs if x <= last], ys, words), *lines], title, frame)


def _line(frame: Frame, one: Series) -> str:
    keep = np.unique(np.linspace(0, len(one.x) - 1, min(len(one.x), POINTS_MAX)).astype(int))
    places = [(frame.across(float(one.x[i])), frame.down(float(one.y[i]))) for i in keep]
    if len(places) == 1:
        x, y = places[0]
        return f'<circle class="dot {one.style}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="line {one.style}" points="{path}"/>'


def scatter_chart(
    x: np.ndarray, y: np.ndarray, kinds: Sequence[int], title: str, words: tuple[str, str]
) -> str:
    """Draws points over the line on which y equals x.

    Args:
        x: `[n]`.
        y: `[n]`.
        kinds: `[n]`, which of six colours each has.
        title: What is to be seen, for those who cannot see it.
        words: What x and y are.

    Returns:
        An SVG element.
    """
    both = np.concatenate([x, y])
    ticks = nice_ticks(float(both.min()), float(both.max()), 6)
    ends = ticks[0], ticks[-1]
    frame = Frame(ends, ends, WIDE, 420)
    diagonal = (
        f'<line class="diagonal" x1="{frame.across(ends[0]):.1f}" y1="{frame.down(ends[0]):.1f}" '
        f'x2="{frame.across(ends[1]):.1f}" y2="{frame.down(ends[1]):.1f}"/>'
    )
    dots = [
        f'<circle class="point p{kind}" cx="{frame.across(a):.1f}" cy="{frame.down(b):.1f}" r="3"/>'
        for a, b, kind in zip(x.tolist(), y.tolist(), kinds, strict=True)
    ]
    return _svg([*_grid(frame, ticks, ticks, words), diagonal, *dots], title, frame)


def histogram(values: np.ndarray, title: str, words: tuple[str, str]) -> str:
    """Draws how often values occur, in at most 24 bins.

    Args:
        values: `[n]`.
        title: What is to be seen, for those who cannot see it.
        words: What x and y are.

    Returns:
        An SVG element.
    """
    bins = int(min(24, max(6, len(values) ** 0.5 * 2)))
    low, high = float(values.min()), float(values.max())
    pad = 0.0 if high > low else max(abs(low) * 0.1, 0.5)
    counts, edges = np.histogram(values, bins, (low - pad, high + pad))
    xs, ys = nice_ticks(float(edges[0]), float(edges[-1]), 6), nice_ticks(0, float(counts.max()), 4)
    ys = [tick for tick in ys if tick == int(tick)]
    frame = Frame((xs[0], xs[-1]), (ys[0], ys[-1]), WIDE, 260)
    bars = [
        f'<rect class="bar" x="{frame.across(a) + 1:.1f}" y="{frame.down(n):.1f}" '
        f'width="{max(frame.across(b) - frame.across(a) - 2, 1):.1f}" '
        f'height="{frame.down(0) - frame.down(n):.1f}"/>'
        for n, a, b in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if n
    ]
    return _svg([*_grid(frame, xs, ys, words), *bars], title, frame)


def _grid(
    frame: Frame, xs: Sequence[float], ys: Sequence[float], words: tuple[str, str]
) -> list[str]:
    right, bottom = frame.width - RIGHT, frame.height - BOTTOM
    parts = []
    for tick in ys:
        place = frame.down(tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" y1="{place:.1f}" x2="{right}" y2="{place:.1f}"/>'
        )
        parts.append(
            f'<text x="{LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{number(tick)}</text>'
        )
    for tick in xs:
        place = frame.across(tick)
        anchor = "end" if place > right - 20 else "middle"
        parts.append(
            f'<line class="axis" x1="{place:.1f}" y1="{bottom}" x2="{place:.1f}" '
            f'y2="{bottom + 4}"/>'
        )
        parts.append(
            f'<text x="{place:.1f}" y="{bottom + 18}" text-anchor="{anchor}">{number(tick)}</text>'
        )
    middle = (TOP + bottom) / 2
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>')
    parts.append(
        f'<text class="word" x="{(LEFT + right) / 2:.0f}" y="{bottom + 38}" '
        f'text-anchor="middle">{escape(words[0])}</text>'
    )
    parts.append(
        f'<text class="word" transform="translate(12 {middle:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(words[1])}</text>'
    )
    return parts


def _svg(parts: Sequence[str], title: str, frame: Frame) -> str:
    said = escape(title, quote=True)
    return (
        f'<svg viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{said}">'
        f"<title>{said}</title>{''.join(parts)}</svg>"
    )
