"""Small charts as inline SVG, drawn by hand: no library of the program draws any.

Flows in: labels and numbers. Flows out: SVG markup that takes its colours from the page's CSS (`report.css`). Labels are escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

WIDTH, LABEL, LINE = 360, 110, 22  # units of the view box; the label column; the height of a row


def intervals(title: str, rows: Sequence[tuple[str, float, float, float, int]]) -> str:
    """A dot with its interval for each (label, value, low, high, n), on a scale of 0 to 1."""
    left, right = LABEL, WIDTH - 80

    def x(value: float) -> float:
        return left + (right - left) * value

    marks = [_grid(x, len(rows))]
    for n, (label, value, low, high, count) in enumerate(rows):
        y = LINE * (n + 1)
        marks.append(
            f"<g><title>{escape(label)}: {value:.3f} [{low:.3f}, {high:.3f}], {count} questions</title>"
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
            f'<line class="whisker" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="dot" cx="{x(value):.1f}" cy="{y}" r="4.5"/>'
            f'<text x="{right + 8}" y="{y + 4}">{value:.2f} <tspan class="faint">n={count}</tspan></text></g>'
        )
    return _svg(title, LINE * (len(rows) + 1) + 12, marks)


def bars(title: str, rows: Sequence[tuple[str, float, str]], beyond: Sequence[float] = ()) -> str:
    """A bar for each (label, value, what is written at its end); `beyond` draws a whisker on to a second value."""
    ends = [max(row[1], beyond[n] if beyond else 0.0) for n, row in enumerate(rows)]
    scale = (WIDTH - LABEL - 106) / (max(ends, default=1.0) or 1.0)
    marks = []
    for n, (label, value, said) in enumerate(rows):
        y = LINE * n + 6
        whisker = ""
        if beyond:
            whisker = f'<line class="whisker" x1="{LABEL + value * scale:.1f}" x2="{LABEL + beyond[n] * scale:.1f}" y1="{y + 7}" y2="{y + 7}"/>'
        marks.append(
            f"<g><title>{escape(label)}: {escape(said)}</title>"
            f'<text x="{LABEL - 8}" y="{y + 11}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{LABEL}" y="{y}" width="{max(1.0, value * scale):.1f}" height="14" rx="2"/>{whisker}'
            f'<text x="{LABEL + ends[n] * scale + 8:.1f}" y="{y + 11}">{escape(said)}</text></g>'
        )
    return _svg(title, LINE * len(rows) + 8, marks)


def curve(title: str, points: Sequence[tuple[float, float, str]], now: tuple[float, float, str]) -> str:
    """Precision (upwards) against recall (to the right), both 0 to 1: a line through (recall, precision, what it says), and
    where the run stands (`now`)."""
    left, top, size = 44, 10, 210

    def at(recall: float, precision: float) -> str:
        return f"{left + size * recall:.1f},{top + size * (1 - precision):.1f}"

    def dot(kind: str, radius: float, recall: float, precision: float, said: str) -> str:
        place = f'cx="{left + size * recall:.1f}" cy="{top + size * (1 - precision):.1f}"'
        return f'<circle class="{kind}" {place} r="{radius}"><title>{escape(said)}</title></circle>'

    marks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + size * tick, top + size * (1 - tick)
        marks += [
            f'<line class="grid" x1="{x}" x2="{x}" y1="{top}" y2="{top + size}"/>',
            f'<line class="grid" x1="{left}" x2="{left + size}" y1="{y}" y2="{y}"/>',
            f'<text class="faint" x="{x}" y="{top + size + 15}" text-anchor="middle">{tick:g}</text>',
            f'<text class="faint" x="{left - 6}" y="{y + 4}" text-anchor="end">{tick:g}</text>',
        ]
    marks.append(f'<polyline class="curve" points="{" ".join(at(r, p) for r, p, _ in points)}"/>')
    marks += [dot("small", 2.2, *point) for point in points]
    marks.append(dot("dot", 5.5, *now))
    marks.append(f'<text x="{left + size / 2}" y="{top + size + 32}" text-anchor="middle">recall</text>')
    marks.append(f'<text x="{left + 4}" y="{top + size - 6}">precision ↑</text>')
    marks.append(f'<circle class="dot" cx="{left + size + 18}" cy="{top + 12}" r="5.5"/>')
    marks.append(f'<text x="{left + size + 28}" y="{top + 16}">this run</text>')
    return _svg(title, top + size + 40, marks)


def change(low: float, high: float, value: float, reach: float, shown: bool) -> str:
    """An interval of a difference on a scale of `-reach` to `reach`, with 0 marked; grey unless a difference is `shown`."""

    def x(at: float) -> float:
        return 60 + 55 * max(-1.0, min(1.0, at / reach)) if reach else 60.0

    kind = "apart" if shown else "level"
    return (
        f'<svg class="change {kind}" viewBox="0 0 120 16" role="img" aria-label="{value:+.3f}, {low:+.3f} to {high:+.3f}">'
        f'<line class="grid" x1="60" x2="60" y1="0" y2="16"/><line class="whisker" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="8" y2="8"/>'
        f'<circle class="dot" cx="{x(value):.1f}" cy="8" r="4"/></svg>'
    )


def _grid(x: Callable[[float], float], rows: int) -> str:
    parts = []
    for tick in (0.0, 0.5, 1.0):
        parts.append(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="8" y2="{LINE * (rows + 1) - 8}"/>')
        parts.append(
            f'<text class="faint" x="{x(tick)}" y="{LINE * (rows + 1) + 6}" text-anchor="middle">{tick:g}</text>'
        )
    return "".join(parts)


def _svg(title: str, height: float, marks: Sequence[str]) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"{''.join(marks)}</svg></figure>"
    )
