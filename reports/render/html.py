"""A document as one HTML page.  Every text is escaped; characters that the report's fonts lack are named instead."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from keysweep.reports.document import Document

_HERE = Path(__file__).resolve().parent.parent
ASSETS = _HERE / "assets"


def render(document: Document) -> bytes:
    """Return the page in UTF-8."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    return environment.get_template("report.html.j2").render(document=document).encode()


def printable(text: str) -> str:
    """Return *text* with every character that no bundled font has as `U+1F600`, control characters left out."""
    known = _characters()
    return "".join(_printed(c, known) for c in text)


def _printed(character: str, known: frozenset[int]) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return "\n" if character == "\n" else ""
    return character if ord(character) in known and category != "Cf" else f"U+{ord(character):04X}"


@cache
def _characters() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    sets = []
    for path in sorted((ASSETS / "fonts").glob("*.woff2")):
        with TTFont(path, lazy=True) as font:
            sets.append(frozenset(font.getBestCmap()))
    return frozenset.intersection(*sets)
