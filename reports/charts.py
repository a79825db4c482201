"""Figures as inline SVG: few shapes, the report's own fonts, every number written beside its bar, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

INK, MUTED, LINE = "#14213d", "#6b7280", "#d1d5db"
BLUE, AMBER, RED, GREEN = "#2f5d9b", "#b7791f", "#b42318", "#1f7a4d"
_WIDTH = 640


def age_histogram(bands: Sequence[tuple[str, int]], *, limit_days: int, over_from: int) -> str:
    """Draw how many credentials fall into each age band.

    Args:
        bands: label and count.
        limit_days: the policy's limit, named at the line.
        over_from: number of the first band beyond the limit.
    """
    height, base, left, top = 210, 170, 8, 34
    step = (_WIDTH - left * 2) / max(len(bands), 1)
    most = max([count for _, count in bands] or [0]) or 1
    parts = []
    for number, (label, count) in enumerate(bands):
        x, tall = left + number * step + step * 0.16, (base - top) * count / most
        colour = RED if number >= over_from else AMBER if number == over_from - 1 else BLUE
        parts.append(
            f'<rect x="{x:.1f}" y="{base - tall:.1f}" width="{step * 0.68:.1f}" height="{tall:.1f}" fill="{colour}"/>'
        )
        parts.append(_text(x + step * 0.34, base - tall - 7, str(count), size=13, weight=600, anchor="middle"))
        parts.append(_text(x + step * 0.34, base + 18, label, size=11, colour=MUTED, anchor="middle"))
    line = left + over_from * step
    parts.append(f'<line x1="{left}" y1="{base}" x2="{_WIDTH - left}" y2="{base}" stroke="{INK}" stroke-width="1"/>')
    parts.append(
        f'<line x1="{line:.1f}" y1="{top - 16}" x2="{line:.1f}" y2="{base}" stroke="{RED}" stroke-width="1" stroke-dasharray="3 3"/>'
    )
    parts.append(_text(line + 6, top - 8, f"policy: {limit_days} days", size=11, colour=RED))
    told = "; ".join(f"{label}: {count}" for label, count in bands)
    return _svg(height, f"Credentials by age. {told}. The limit is {limit_days} days.", parts)


def timeline(steps: Sequence[tuple[str, int]], *, limit_ms: int) -> str:
    """Draw when each step of a rotation was done, on one axis from its acceptance.

    Args:
        steps: name and milliseconds, in order.
        limit_ms: the target for the whole, said in the caption.
    """
    height, left, row = 26 + len(steps) * 19, 110, 19
    total = max([at for _, at in steps] or [0]) or 1
    scale = (_WIDTH - left - 90) / total
    parts, before = [], 0
    for number, (name, at) in enumerate(steps):
        y = 8 + number * row
        width = max((at - before) * scale, 1.5)
        colour = GREEN if name == "prove-dead" else BLUE
        parts.append(_text(left - 10, y + 11, name, size=11, colour=INK, anchor="end"))
        parts.append(
            f'<rect x="{left + before * scale:.1f}" y="{y + 2}" width="{width:.1f}" height="11" fill="{colour}"/>'
        )
        parts.append(_text(left + before * scale + width + 6, y + 11, f"{at:,} ms", size=10.5, colour=MUTED))
        before = at
    parts.append(f'<line x1="{left}" y1="4" x2="{left}" y2="{height - 14}" stroke="{LINE}" stroke-width="1"/>')
    told = "; ".join(f"{name} at {at} ms" for name, at in steps)
    return _svg(height, f"Steps of the rotation: {told}. Target for the whole: {limit_ms} ms.", parts)


def _svg(height: int, told: str, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">'
    return f"{head}<title>{escape(told)}</title>{''.join(parts)}</svg>"


def _text(
    x: float, y: float, text: str, *, size: float, colour: str = INK, weight: int = 400, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="IBM Plex Sans" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
    )
