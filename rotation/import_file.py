"""Parse the files that keys are imported from: CSV, JSON Lines, dotenv.  One bad row never hides which line it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from keysweep.foundation.clock import from_text
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import Entry, ImportRowError

FORMS = ("auto", "csv", "jsonl", "dotenv")
_COLUMNS = frozenset(
    [
        "name",
        "provider",
        "value",
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
    ]
)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"", "false", "no", "0"})


def read(text: str, form: str) -> list[tuple[int, Entry | ImportRowError]]:
    """Parse an import file.

    Args:
        text: content of the file.
        form: csv, jsonl, dotenv or auto.

    Returns:
        Line numbers with an entry or what is wrong with it.

    Raises:
        ImportRowError: the whole file is not of that form.
    """
    if form == "auto":
        form = _guess(text)
    rows: Callable[[str], Iterator[tuple[int, Mapping[str, str]]]] = {
        "csv": _csv_rows,
        "jsonl": _jsonl_rows,
        "dotenv": _dotenv_rows,
    }[form]
    parsed: list[tuple[int, Entry | ImportRowError]] = []
    for line, row in rows(text):
        try:
            parsed.append((line, _entry(row)))
        except UsageError as error:
            parsed.append((line, ImportRowError(error.message, hint=error.hint)))
    return parsed


def _guess(text: str) -> str:
    first = text.lstrip("\ufeff \t\r\n").split("\n", 1)[0]
    if first.startswith("{"):
        return "jsonl"
    return "csv" if "," in first and "name" in first.lower() and "=" not in first else "dotenv"


def _lines(text: str) -> list[str]:
    """Cut at line feeds only: JSON text may hold other line separators as they are."""
    return text.removeprefix("\ufeff").split("\n")


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True, skipinitialspace=True)
    try:
        _check_header(set(reader.fieldnames or ()))
        for row in reader:
            if None in row:
                yield reader.line_num, {"": "more cells than columns; quote a cell that holds a comma"}
                continue
            yield reader.line_num, {key: value or "" for key, value in row.items()}
    except csv.Error:
        msg = f"line {reader.reader.line_num} is not CSV"
        raise ImportRowError(msg) from None


def _check_header(found: set[str]) -> None:
    if missing := sorted({"name", "provider", "value"} - found):
        msg = f"the CSV has no column {', '.join(missing)}"
        raise ImportRowError(msg)
    if unknown := sorted(found - _COLUMNS):
        msg = f"the CSV has an unknown column {unknown[0]!r}"
        raise ImportRowError(msg, hint=f"known: {', '.join(sorted(_COLUMNS))}")


def _jsonl_rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    for line, content in enumerate(_lines(text), start=1):
        if not content.strip():
            continue
        try:
            record: object = json.loads(content)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            yield line, {"": "not a JSON object"}
            continue
        yield (
            line,
            {
                key: json.dumps(value) if isinstance(value, dict) else "" if value is None else str(value)
                for key, value in record.items()
            },
        )


def _dotenv_rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Names are variables; the provider is asked of the rules, or stays free text."""
    from keysweep.scanner.matching.describe import describe

    for line, content in enumerate(_lines(text), start=1):
        stripped = content.strip().removeprefix("export ").strip()
        if not stripped or stripped.startswith("#"):
            continue
        variable, separator, value = stripped.partition("=")
        value = value.strip().strip("'\"")
        if not separator or not value:
            yield line, {"": "not NAME=value"}
            continue
        described = describe(value.encode())
        if described:
            yield (
                line,
                {
                    "name": variable.strip().lower().replace("_", "-"),
                    "provider": described.provider,
                    "value": value,
                    "variable": variable.strip(),
                },
            )


def _entry(row: Mapping[str, str]) -> Entry:
    if "" in row:
        raise UsageError(row[""])
    if unknown := sorted(set(row) - _COLUMNS):
        msg = f"unknown column {unknown[0]!r}"
        raise UsageError(msg, hint=f"known: {', '.join(sorted(_COLUMNS))}")
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
        except ValueError:
            record = None
        if isinstance(record, dict):
            return {str(key): str(value) for key, value in record.items()}
        msg = "settings is not a JSON object"
        raise UsageError(msg)
    pairs = [pair.partition("=") for pair in text.split(";") if pair.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}
