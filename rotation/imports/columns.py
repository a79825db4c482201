"""The columns of CSV and JSON Lines: a contract with other programs, from a row of text to an entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from keysweep.foundation.clock import from_text
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.imports.wording import shown
from keysweep.rotation.inventory import Entry, ImportRowError

NEEDED = frozenset({"name", "provider", "value"})
COLUMNS = NEEDED | frozenset(
    [
        "agent",
        "owner",
        "environment",
        "created_at",
        "rotated_at",
        "expires_at",
        "provider_key_id",
        "admin",
        "state",
        "variable",
        "settings",
        "class",
    ]
)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"", "false", "no", "0"})
_HINT = f"known: {', '.join(sorted(COLUMNS))}"


def entry(row: Mapping[str, str]) -> Entry | ImportRowError:
    """Return what a row says, or what is wrong with it; a fault that was seen before stands under an empty name."""
    try:
        return _entry(row)
    except UsageError as error:
        return ImportRowError(error.message, hint=error.hint)


def unknown_column(found: set[str]) -> UsageError | None:
    """Return the error for a column that is not known, None if all are."""
    unknown = sorted(found - COLUMNS)
    return UsageError(f"unknown column {shown(unknown[0])!r}", hint=_HINT) if unknown else None


def _entry(row: Mapping[str, str]) -> Entry:
    if "" in row:
        raise UsageError(row[""])
    if error := unknown_column(set(row)):
        raise error
    if missing := [name for name in ("name", "provider", "value") if not row.get(name)]:
        msg = f"{missing[0]} is missing"
        raise UsageError(msg)
    if spoilt := [name for name, text in row.items() if not _storable(text)]:
        msg = f"{spoilt[0]} holds a character that is no text"
        raise UsageError(msg)
    admin = row.get("admin", "")
    return Entry(
        name=row["name"].strip(),
        provider=row["provider"].strip().lower(),
        value=Secret(row["value"]),
        agent=row.get("agent", "").strip(),
        variable=row.get("variable", "").strip(),
        owner=row.get("owner", ""),
        environment=row.get("environment", ""),
        policy_class=row.get("class", "").strip(),
        created_at=_moment(row, "created_at"),
        rotated_at=_moment(row, "rotated_at"),
        expires_at=_moment(row, "expires_at"),
        provider_key_id=row.get("provider_key_id") or None,
        is_admin=admin.lower() in _TRUE,
        admin=None if admin.lower() in _TRUE | _FALSE else admin,
        state=_state(row.get("state", "")),
        settings=_settings(row.get("settings", "")),
    )


def _storable(text: str) -> bool:
    """Whether every engine can store it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _moment(row: Mapping[str, str], column: str) -> datetime | None:
    if not row.get(column):
        return None
    try:
        return from_text(row[column])
    except ValueError:
        msg = f"{column} is not an RFC 3339 time with a zone"
        raise UsageError(msg) from None


def _state(text: str) -> State:
    if text not in {"", "current", "standby"}:
        msg = "state is current or standby"
        raise UsageError(msg)
    return State(text or "current")


def _settings(text: str) -> Mapping[str, str]:
    """Read `{"project_id": "..."}` or `project_id=...;base_url=...`."""
    if text.startswith("{"):
        try:
            record: object = json.loads(text)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            return {str(key): str(value) for key, value in record.items()}
        msg = "settings is not a JSON object"
        raise UsageError(msg)
    pairs = [pair.partition("=") for pair in text.split(";") if pair.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}
