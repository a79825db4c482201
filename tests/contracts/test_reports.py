"""Every report in the catalog: is what its file is called, and renders whatever the evidence, none at all included."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from keysweep.reports import catalog
from keysweep.reports.catalog import Framework, UnknownReportError
from keysweep.reports.document import Table
from keysweep.reports.render import html
from keysweep.reports.render import json as json_renderer
from tests.reports.making import evidence, quarter

NAMES = catalog.names()
FOLDER = Path(catalog.__file__).parent


def test_there_is_a_report() -> None:
    """The folder is the index; an empty one would make the tests below say nothing."""
    assert "key_age" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_called_like_its_file(name: str) -> None:
    """Who reads the id finds the file."""
    assert catalog.get(name).id == name


def test_a_misspelt_report_is_answered_with_the_known_ones() -> None:
    """The hint lists them."""
    with pytest.raises(UnknownReportError, match="no report is called 'keyage'") as caught:
        catalog.get("keyage")
    assert "key_age" in str(caught.value.hint)


@pytest.mark.parametrize("framework", list(Framework))
@pytest.mark.parametrize("name", NAMES)
def test_a_report_renders_on_empty_evidence_and_says_so(name: str, framework: Framework) -> None:
    """Nothing is not a good result: the first sentence says that nothing was evaluated."""
    document = catalog.get(name).build(evidence(entries=0), framework)
    assert "not evaluated" in document.sections[0].lead
    assert b"not evaluated" in html.render(document)
    json.loads(json_renderer.render(document))


@pytest.mark.parametrize("framework", list(Framework))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("of", [evidence(entries=0), quarter()], ids=["empty", "full"])
def test_tables_are_rectangular_and_fill_the_width(name: str, of: object, framework: Framework) -> None:
    """Each row has a cell a column, and the shares of the columns make 100 percent."""
    document = catalog.get(name).build(of, framework)  # type: ignore[arg-type]
    tables = [b for s in document.sections for b in s.blocks if isinstance(b, Table)]
    for table in [*tables, document.legend]:
        assert sum(column.share for column in table.columns) == 100, table.title
        assert {len(row) for row in (*table.rows, *filter(None, [table.total]))} <= {len(table.columns)}, table.title


@pytest.mark.parametrize("name", NAMES)
def test_the_same_evidence_builds_the_same_document(name: str) -> None:
    """Building is pure."""
    first, second = (catalog.get(name).build(quarter(), Framework.BOTH) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("path", sorted(FOLDER.parent.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_of_the_room_looks_at_the_clock(path: Path) -> None:
    """A report's time is its freeze: nothing here asks what time it is."""
    tree = ast.parse(path.read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"now", "utcnow", "today", "time_ns", "monotonic", "system_clock"}
