"""The key-age report of a small quarter, as JSON and as HTML; `make golden` writes it anew."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from keysweep.reports.catalog import Framework, get
from keysweep.reports.chapters import provenance
from tests.reports.making import evidence, quarter

FOLDER = Path(__file__).parent / "report"


@pytest.mark.parametrize("ending", ["json", "html"])
@pytest.mark.parametrize("name", ["quarter", "empty"])
def test_the_report_reads_as_agreed(
    name: str, ending: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words, numbers, order and markup; versions of programs are left out."""
    monkeypatch.setattr(provenance, "version", lambda _name: "0.0")
    of = {"quarter": quarter(), "empty": evidence(entries=0)}[name]
    document = get("key_age").build(of, Framework.BOTH)
    made = importlib.import_module(f"keysweep.reports.render.{ending}").render(document).decode()
    path = FOLDER / f"key-age-{name}.{ending}"
    if request.config.getoption("update_golden", default=False):
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made
