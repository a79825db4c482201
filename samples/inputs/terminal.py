"""A terminal screenshot: light text on dark, long lines wrapped as a terminal wraps them."""

from __future__ import annotations

import io
from collections.abc import Sequence

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
_BACKGROUND = (24, 26, 33)
_TEXT = (214, 218, 228)
_PROMPT = (122, 204, 140)


def render_terminal(lines: Sequence[str], *, columns: int = 100, font_size: int = 16) -> bytes:
    """Return a PNG of a terminal of so many columns that shows *lines*."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(FONT, font_size)
    advance, height = font.getlength("M"), round(font_size * 1.35)
    rows = [line[at : at + columns] for line in lines for at in range(0, max(len(line), 1), columns)]
    image = Image.new("RGB", (round(columns * advance) + 24, height * len(rows) + 24), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        colour = _PROMPT if row.startswith("$ ") else _TEXT
        draw.text((12, 12 + number * height), row, font=font, fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
