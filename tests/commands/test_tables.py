"""One layout for every table of the terminal: straight columns with and without colour, nothing that is empty, nothing that steers."""

from __future__ import annotations

import re

import pytest

from keysweep.commands._paint import Paint
from keysweep.commands._table import Painted, table

ROWS = [("orders", "", Painted("3 d overdue", "red"), "team-1"), ("a", "", Painted("9 d left", "green"), "team-22")]
HEADER = ("NAME", "STANDBY", "POLICY", "OWNER")


def test_columns_are_as_wide_as_their_content_and_an_empty_one_is_left_out() -> None:
    """Nothing stands behind the last one."""
    assert table(HEADER, ROWS).splitlines() == [
        "NAME    POLICY       OWNER",
        "orders  3 d overdue  team-1",
        "a       9 d left     team-22",
    ]


def test_without_rows_every_column_is_named() -> None:
    """An empty table still says what it is about."""
    assert table(HEADER, []) == "NAME  STANDBY  POLICY  OWNER"


def test_colour_adds_escapes_and_no_width() -> None:
    """The same text with and without; a plain table has none."""
    coloured = Paint(color=True).table(HEADER, ROWS)
    assert "\x1b[31m3 d overdue\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == table(HEADER, ROWS) == Paint(color=False).table(HEADER, ROWS)


def test_a_name_cannot_steer_the_terminal_nor_break_a_row() -> None:
    """Control characters are shown, and counted as they are shown."""
    lines = table(("NAME", "OWNER"), [("\x1b[2Jx\n", "a"), ("b", "c")]).splitlines()
    assert lines == ["NAME        OWNER", "\\x1b[2Jx\\n  a", "b           c"]


@pytest.mark.parametrize(
    ("columns", "header"),
    [(80, "NAME    POLICY       OWNER"), (24, "NAME    POLICY"), (10, "NAME")],
    ids=["there is room", "one is spared", "all that can be are spared"],
)
def test_a_narrow_terminal_does_without_spare_columns(
    columns: int, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one first; no row is cut."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert table(HEADER, ROWS, spare=("OWNER", "POLICY")).splitlines()[0] == header
