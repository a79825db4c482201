"""The table that a page of the inventory walks: a copy of what it is filtered and sorted by (`listed.py` keeps it)."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy import text as sql

from keysweep.foundation.database.columns import integer, table, text

_SHOWN = ("provider", "owner", "environment", "class", "since", "own_days", "retired", "has_value", "credential_id")
_LIMITED = sql("own_days IS NOT NULL")


def _order(name: str, *first: str) -> Index:
    """An index that a page is read from alone: in this order, with everything that is asked of a row."""
    return Index(f"ix_listed_by_{name}", *first, *(column for column in _SHOWN if column not in first))


listed = table(
    "listed",
    "What the inventory is filtered and sorted by.  A copy that triggers keep, and that verify compares.",
    text("credential_id", "The credential.", primary_key=True),
    text("name", "As in credential."),
    text("provider", "As in credential."),
    text("owner", "As in credential."),
    text("environment", "As in credential."),
    text("class", "As in profile; empty if there is none."),
    text("used_at", "The last use as in profile; empty if there is none, which sorts first."),
    text("since", "When the value became current, or was first stored."),
    integer("own_days", "Age limit of its own.", null=True),
    integer("retired", "1 if it was taken out of use."),
    integer("has_value", "1 if it has a current version."),
    _order("name", "name"),
    _order("provider", "provider", "name"),
    _order("age", "since", "name"),
    _order("used", "used_at", "name"),
    Index("ix_listed_own_days", "own_days", sqlite_where=_LIMITED, postgresql_where=_LIMITED),
)
