"""Small charts as SVG. Every text that comes in is escaped here."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from outlast.clients.render.text import visible

INK, DIM, LINE = "#24292f", "#6b7480", "#e4e6e3"
GREENS = ("#cfe3d6", "#9fcbae", "#64ab82", "#2f8f5b")
"""Some of it done, more, most, all."""
RED, BLUE, NONE = "#d9736f", "#2f6fb5", "#f0f1ef"


def text_of(text: str) -> str:
    """Return a text as it may stand in a page: control characters spelled, markup escaped."""
    return escape(visible(text), quote=True)


def shade(fraction: float | None) -> str:
    """Return the colour of a rate."""
    if fraction is None:
        return NONE
    if fraction <= 0:
        return RED
    return GREENS[0 if fraction < 0.5 else 1 if fraction < 0.75 else 2 if fraction < 1 else 3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line of a chart: its values (None: a gap) and its colour."""

    values: Sequence[float | None]
    colour: str
    width: float = 1.6


def spark(curves: Sequence[Curve], width: int = 132, height: int = 26) -> str:
    """Return small lines in one scale that begins at 0, with a dot at each end."""
    most = max((value for curve in curves for value in curve.values if value is not None), default=0.0) or 1.0
    body = "".join(
        _curve(curve, most, width - 8, height - 6, 4, 3) + _end_dot(curve, most, width, height) for curve in curves
    )
    return f'<svg class="spark" width="{width}" height="{height}" role="img" aria-hidden="true">{body}</svg>'


def _end_dot(curve: Curve, most: float, width: int, height: int) -> str:
    last = curve.values[-1] if curve.values else None
    if last is None:
        return ""
    across = width - 4 if len(curve.values) > 1 else 4
    down = 3 + (height - 6) * (1 - last / most)
    return f'<circle cx="{across}" cy="{down:.1f}" r="2" fill="{curve.colour}"/>'


def _curve(curve: Curve, most: float, width: float, height: float, left: float, top: float) -> str:
    """Return the pieces of a line between its gaps."""
    steps = max(1, len(curve.values) - 1)
    pieces: list[list[str]] = [[]]
    for number, value in enumerate(curve.values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{left + width * number / steps:.1f},{top + height * (1 - value / most):.1f}")
    lines = (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{curve.colour}" stroke-width="{curve.width}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
        for points in pieces
        if len(points) > 1
    )
    return "".join(lines)


def chart(curve: Curve, labels: Sequence[str], *, marks: Sequence[tuple[float, str]], width: int = 1040) -> str:
    """Return a line over named places, with horizontal marks (value, text); the scale ends with the highest mark."""
    height, left, top, bottom = 168, 46, 10, 24
    most = max(value for value, _ in marks) or 1.0
    right = 24
    inside, room = height - top - bottom, width - left - right
    grid = "".join(
        f'<line x1="{left}" x2="{width - right}" y1="{(y := top + inside * (1 - value / most)):.1f}" y2="{y:.1f}" '
        f'stroke="{LINE}"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{text_of(text)}</text>'
        for value, text in marks
    )
    every = max(1, -(-len(labels) // 8))
    steps = max(1, len(labels) - 1)
    below = "".join(
        f'<text x="{left + room * number / steps:.1f}" y="{height - 6}" text-anchor="middle">{text_of(label)}</text>'
        for number, label in enumerate(labels)
        if number % every == 0
    )
    line = _curve(curve, most, room, inside, left, top)
    dots = "".join(
        f'<circle cx="{left + room * number / steps:.1f}" cy="{top + inside * (1 - value / most):.1f}" r="2.4" '
        f'fill="{curve.colour}"><title>{text_of(labels[number])}</title></circle>'
        for number, value in enumerate(curve.values)
        if value is not None
    )
    return f'<svg class="chart" viewBox="0 0 {width} {height}" role="img">{grid}{below}{line}{dots}</svg>'
