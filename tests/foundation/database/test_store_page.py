"""`docs/store.md` says of every table how it is held, and says "not held" of no other than the code does."""

from __future__ import annotations

import re

import pytest

from keysweep.foundation.database import row_states, tables
from tests.documents import ROOT

PAGE = (ROOT / "docs/store.md").read_text(encoding="utf-8").partition("## What protects")[2]
ROWS = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| `")]
NAMED = {name: how for names, how in ROWS for name in re.findall(r"`([a-z_]+)`", names)}
OF_THEIR_OWN = {"ledger", "row_state", "checkpoint", "listed"}


@pytest.mark.parametrize("table", sorted(row_states.UNSTATED))
def test_what_is_not_stated_is_named(table: str) -> None:
    """With "not held", unless it has a proof of its own."""
    assert ("not held" in NAMED[table]) == (table not in OF_THEIR_OWN)


def test_no_stated_table_is_called_not_held() -> None:
    """And each name on the page is a table."""
    assert set(NAMED) <= set(tables.metadata.tables)
    assert {name for name, how in NAMED.items() if "not held" in how} == set(row_states.UNSTATED) - OF_THEIR_OWN
