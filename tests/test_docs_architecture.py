"""ARCHITECTURE.md, the threat model and the decisions name what is there."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from tests.documents import ROOMS, ROOT, prose, rows, spans


def test_the_index_of_decisions_is_complete() -> None:
    """Every decision is listed with its title, numbers have no gap, and the first eight are those that the design asks for."""
    folder = ROOT / "docs/adr"
    files = sorted(folder.glob("0*.md"))
    titles = {path.name: path.read_text(encoding="utf-8").splitlines()[0].partition(": ")[2] for path in files}
    assert [f"{number:04}" for number in range(1, len(files) + 1)] == [path.name[:4] for path in files]
    assert len(files) >= 8
    listed = {re.search(r"\((.+)\)", row[0])[1]: row[1] for row in rows(folder / "README.md")}  # type: ignore[index]
    assert titles == listed


def test_every_dependency_has_its_reasons_in_a_decision() -> None:
    """Name and version range of each dependency in pyproject.toml stand in one of the decisions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    split = [re.match(r"([A-Za-z0-9_-]+)(?:\[\w+\])?(.*)", d).groups() for d in wanted if not d.startswith("keysweep")]  # type: ignore[union-attr]
    told = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/adr").glob("0*.md"))
    missing = [
        f"{package}{bounds}" for package, bounds in split if f"**{package}** (`{bounds}`)".lower() not in told.lower()
    ]
    assert missing == []


def test_every_module_has_a_line_in_the_architecture() -> None:
    """A newcomer finds each module in the code map, below its folder."""
    listed = set()
    for part in re.split(r"(?m)^#### ", prose(ROOT / "ARCHITECTURE.md"))[1:]:
        folder = part.split("`")[1]
        listed |= {folder + row for row in re.findall(r"(?m)^\| `([\w.]+\.py)` \| \S", part)}
    there = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path.read_text(encoding="utf-8").strip() and "__pycache__" not in path.parts
    }
    assert {path for path in there if not path.startswith("keysweep/r")} - listed == set()


def test_every_function_that_the_walk_through_names_exists() -> None:
    """The way of a finding into the PDF is told with names that can be looked up."""
    dotted = re.compile(rf"(?:{'|'.join(ROOMS[:5])})(?:\.\w+){{2,}}")
    names = [span for span in spans(ROOT / "ARCHITECTURE.md") if dotted.fullmatch(span)]
    assert len(names) > 20
    assert [named for named in names if not _resolves(named)] == []


def test_sql_stands_where_the_architecture_says() -> None:
    """A module that imports SQLAlchemy's statements is named in the paragraph on the store."""
    paragraph = re.search(r"(?s)\*\*Store\.\*\*.*?\n\n", prose(ROOT / "ARCHITECTURE.md"))
    assert paragraph is not None
    told = {Path(path).name for path in re.findall(r"`([\w/]+\.py)`", paragraph[0])}
    statements = re.compile(r"(?m)^from sqlalchemy import .*\b(?:select|insert|update|delete)\b")
    there = {
        path.name
        for room in ROOMS[:5]
        for path in (ROOT / room).rglob("*.py")
        if statements.search(path.read_text(encoding="utf-8"))
    }
    assert there - told == set()


@pytest.mark.parametrize(("page", "heading"), [("ARCHITECTURE.md", "Invariants"), ("docs/threat-model.md", "Defended")])
def test_every_promise_names_the_test_that_holds_it(page: str, heading: str) -> None:
    """Each row ends with tests that exist."""
    promised = rows(ROOT / page, heading)
    assert len(promised) >= 10
    without = [row[0] for row in promised if not re.findall(r"`(tests/[\w./]+)`", row[-1])]
    assert without == []


def _resolves(dotted: str) -> bool:
    """Whether a dotted name leads to something: a module, then attributes."""
    parts = dotted.removeprefix("keysweep.").split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module("keysweep." + ".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False
