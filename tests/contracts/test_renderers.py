"""Every renderer: same document, same bytes; text from outside stays text."""

from __future__ import annotations

import csv
import importlib
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.reports import render
from keysweep.reports.catalog import Framework, get
from keysweep.reports.document import Document
from keysweep.reports.render import html
from tests.reports.making import evidence, exposure, key, quarter, rotation, scan

NAMES = sorted(path.stem for path in Path(render.__file__).parent.glob("*.py") if path.stem != "__init__")
HOSTILE = {
    "markup": "</style></title><img src=http://127.0.0.1:9/x.png onerror=alert(1)>",
    "a file": "file:///etc/passwd",
    "template": "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "attachment": '<link rel=attachment href="file:///etc/passwd">',
    "import": "<style>@import url(http://127.0.0.1:9/y.css)</style>",
    "emoji": "key 🔑🚀",
    "control": "bell\x07 escape\x1b[31m null\x00 delete\x7f",
    "right to left": "\u202egnp.yek\u05d0\u0627",
    "private use": "\ue000\U000f0000",
    "lone surrogate": "half \ud83d",
    "formula": '=HYPERLINK("http://127.0.0.1:9","x")',
    "combining": "e\u0301\u0323",
    "long": "a" * 400,
}


def hostile(text: str) -> Document:
    """Return a report in which *text* stands wherever text from outside can stand."""
    return get("key_age").build(
        evidence(
            [key(text, 120, provider=text, owner=text, environment=text, agents=(text,))],
            rotations=[rotation(text)],
            exposures=[exposure(text)],
            scans=[scan(gaps=[(text, text)])],
        ),
        Framework.BOTH,
    )


def test_the_formats_of_the_command_are_there() -> None:
    """One file a format."""
    assert {"csv", "html", "json", "pdf"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_document_gives_the_same_bytes(name: str) -> None:
    """Twice in one process."""
    document = get("key_age").build(quarter(), Framework.BOTH)
    renderer = importlib.import_module(f"keysweep.reports.render.{name}")
    assert renderer.render(document) == renderer.render(document)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_html_shows_hostile_text_as_text(text: str) -> None:
    """No element, address or template of the text comes to life; what no font can print is named by its number."""
    page = html.render(hostile(text)).decode()
    assert "<img" not in page
    assert "<link" not in page
    assert len(re.findall("<style>", page)) == 1
    assert "49" not in re.findall(r"\{\{.*?49", page)
    assert not set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ue000-\uf8ff]", page))
    if text == HOSTILE["emoji"]:
        assert "key U+1F511U+1F680" in page


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=40))
def test_html_holds_only_characters_that_the_fonts_have(text: str) -> None:
    """A character without a glyph would break PDF/A."""
    assert html.printable(html.printable(text)) == html.printable(text)
    html.printable(text).encode()


@pytest.mark.parametrize("lead", list("=+-@\t\r"))
def test_a_cell_that_a_spreadsheet_would_compute_is_made_text(lead: str) -> None:
    """In every attached table, and in the CSV output, which is the population."""
    document = hostile(f"{lead}cmd|' /C calc'!A0")
    for file in document.attachments:
        if file.name.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(file.content.decode(), newline="")))
            assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r")], file.name
    assert importlib.import_module("keysweep.reports.render.csv").render(document) == document.attachments[0].content


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=1, max_size=30))
def test_csv_and_json_hold_any_text(name: str) -> None:
    """Commas, quotes, line ends and lone surrogates do not break a file."""
    document = get("key_age").build(evidence([key(name, 1)]), Framework.BOTH)
    rows = list(csv.DictReader(io.StringIO(document.attachments[0].content.decode(), newline="")))
    assert len(rows) == 1
    if name[0] not in "=+-@\t\r" and name.isprintable():
        assert rows[0]["name"] == name
    json.loads(importlib.import_module("keysweep.reports.render.json").render(document))
