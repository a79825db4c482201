"""Figures as inline SVG: few shapes, the report's own fonts, every number written beside its bar, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from keysweep.reports.frames import Bar
from keysweep.reports.phrases import duration

INK, MUTED, LINE = "#14213d", "#5f6775", "#d1d5db"
BLUE, AMBER, RED, GREEN, GREY = "#2f5d9b", "#d19a3a", "#b42318", "#1f7a4d", "#9aa3b2"
_WIDTH = 640
_PALE = "#c3d3e8"
_WITHIN, _OVERDUE = "#6f94c4", "#8f1c12"
"""Apart in grey too: the overdue bars are the darkest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One leak, in seconds since it was first seen."""

    name: str
    accepted_s: float
    dead_s: float


def age_histogram(bars: Sequence[Bar], *, limit_days: int, bar_days: int) -> str:
    """Draw how many credentials have which age.

    Args:
        bars: counts, youngest first; the last is open.
        limit_days: the policy's limit, drawn as a line.
        bar_days: days that one bar counts.
    """
    base, left, top = 178, 8, 50
    step = (_WIDTH - left * 2) / len(bars)
    most = max(bar.total for bar in bars) or 1
    parts = _legend((("within the limit", _WITHIN), ("reaches it in ten days", AMBER), ("overdue", _OVERDUE)), left)
    for number, bar in enumerate(bars):
        x, y = left + number * step + step * 0.06, float(base)
        for count, colour in ((bar.within, _WITHIN), (bar.due_soon, AMBER), (bar.overdue, _OVERDUE)):
            tall = (base - top) * count / most
            y -= tall
            if count:
                parts.append(_rect(x, y, step * 0.88, tall, colour))
        if bar.total:
            parts.append(_text(x + step * 0.44, y - 5, str(bar.total), size=10.5, weight=600, anchor="middle"))
        edge = left + number * step
        parts.append(_line(edge, base, edge, base + 4, INK))
        if number % 3 == 0 and number < len(bars) - 1:
            parts.append(_text(edge, base + 16, str(number * bar_days), size=10, colour=MUTED, anchor="middle"))
    open_from = (len(bars) - 1) * bar_days
    parts.append(_text(_WIDTH - left - step / 2, base + 16, f"{open_from}+", size=10, colour=MUTED, anchor="middle"))
    limit = left + min(limit_days / bar_days, len(bars)) * step
    parts.append(_line(left, base, _WIDTH - left, base, INK))
    parts.append(_line(limit, top - 29, limit, base, RED, dashed=True))
    parts.append(_text(limit + 6, top - 21, f"policy maximum {limit_days} days", size=10.5, colour=RED, weight=600))
    parts.append(_text(_WIDTH / 2, base + 32, "days in use", size=10, colour=MUTED, anchor="middle"))
    told = "; ".join(
        f"{bar.low} to {bar.high} days: {bar.total}" if bar.high else f"{bar.low} days and more: {bar.total}"
        for bar in bars
        if bar.total
    )
    return _svg(base + 38, f"Credentials by age. {told or 'None'}. The policy's maximum is {limit_days} days.", parts)


def counts(rows: Sequence[tuple[str, int, str]]) -> str:
    """Draw one bar a row: name, count and colour."""
    left, row = 150, 26
    most = max((count for _, count, _ in rows), default=0) or 1
    parts = []
    for number, (name, count, colour) in enumerate(rows):
        y = 4 + number * row
        width = (_WIDTH / 2 - left - 40) * count / most
        parts.append(_text(left - 12, y + 13, name, size=11, anchor="end"))
        parts.append(_rect(left, y, max(width, 0.8), 17, colour))
        parts.append(_text(left + width + 7, y + 13, str(count), size=11, weight=600))
    told = "; ".join(f"{name}: {count}" for name, count, _ in rows)
    return _svg(8 + row * len(rows), f"Tests by result. {told}.", parts, width=_WIDTH // 2)


def spans(rows: Sequence[Span]) -> str:
    """Draw each leak from its first sighting, over the acceptance of its incident, to the proof of death."""
    left, row, top = 150, 19, 22
    total = max((span.dead_s for span in rows), default=0.0) or 1.0
    scale = (_WIDTH - left - 70) / total
    parts = _legend((("seen, incident not yet accepted", _PALE), ("accepted, old key not yet dead", BLUE)), left)
    for number, span in enumerate(rows):
        y, accepted = top + number * row, span.accepted_s * scale
        parts.append(_text(left - 10, y + 10, _short(span.name), size=10.5, anchor="end"))
        parts.append(_rect(left, y, max(accepted, 0.5), 12, _PALE))
        parts.append(_rect(left + accepted, y, max((span.dead_s - span.accepted_s) * scale, 1.0), 12, BLUE))
        parts.append(_text(left + span.dead_s * scale + 6, y + 10, duration(span.dead_s), size=10.5, weight=600))
    parts.append(_line(left, top - 4, left, top + row * len(rows), INK))
    told = "; ".join(f"{s.name}: accepted after {s.accepted_s:.2f} s, dead after {s.dead_s:.2f} s" for s in rows)
    return _svg(top + row * len(rows) + 4, f"From the first sighting to the proof of death. {told}.", parts)


def timeline(steps: Sequence[tuple[str, int]], *, limit_ms: int) -> str:
    """Draw when each step of a rotation was done, on one axis from its acceptance.

    Args:
        steps: name and milliseconds, in order.
        limit_ms: the target for the whole, said in the alternative text.
    """
    left, row, across = 78, 14.5, _WIDTH // 2
    total = max([at for _, at in steps] or [0]) or 1
    scale = (across - left - 62) / total
    parts, before = [], 0
    for number, (name, at) in enumerate(steps):
        y = 3 + number * row
        width = max((at - before) * scale, 1.5)
        parts.append(_text(left - 9, y + 9.5, name, size=10, anchor="end"))
        parts.append(_rect(left + before * scale, y + 1.5, width, 9, GREEN if name == "prove-dead" else BLUE))
        parts.append(_text(left + before * scale + width + 6, y + 9.5, f"{at:,} ms", size=10, colour=MUTED))
        before = at
    height = round(8 + len(steps) * row)
    parts.append(_line(left, 2, left, height - 4, LINE))
    told = "; ".join(f"{name} at {at} ms" for name, at in steps)
    return _svg(height, f"Steps of the rotation: {told}. Target for the whole: {limit_ms} ms.", parts, width=across)


def _short(name: str) -> str:
    return name if len(name) <= 22 else name[:21] + "…"


def _legend(entries: Sequence[tuple[str, str]], left: float) -> list[str]:
    parts, x = [], left
    for name, colour in entries:
        parts += [_rect(x, 3, 9, 9, colour), _text(x + 14, 11, name, size=10, colour=MUTED)]
        x += 30 + len(name) * 5.1
    return parts


def _svg(height: int, told: str, parts: Sequence[str], *, width: int = _WIDTH) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    return f"{head}<title>{escape(told)}</title>{''.join(parts)}</svg>"


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="1"{dashes}/>'


def _text(
    x: float, y: float, text: str, *, size: float, colour: str = INK, weight: int = 400, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="IBM Plex Sans" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
    )
