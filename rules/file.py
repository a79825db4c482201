"""Read one rule file into rules: the only code that knows the format (TOML, one vendor a file, patterns as literal strings)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keysweep.foundation.errors import UsageError
from keysweep.rules.model import Rule, RuleId, Severity

_REQUIRED = frozenset({"id", "title", "severity", "pattern", "keywords", "grants", "references", "examples"})
_OPTIONAL = frozenset({"alphabet", "prefix", "checks", "negatives", "provider", "pair"})


class BadRuleFileError(UsageError):
    """A rule file is not what the format says."""


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of one pack, in file order.

    Raises:
        BadRuleFileError: names the file and the rule.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path.name}: cannot be read: {error}"
        raise BadRuleFileError(msg) from error
    match document:
        case {"provider": str(provider), "rule": [*tables]}:
            return tuple(_rule(path, provider, table) for table in tables)
        case _:
            msg = f"{path.name}: a pack has a provider and [[rule]] tables"
            raise BadRuleFileError(msg)


def _rule(path: Path, provider: str, table: object) -> Rule:
    if not isinstance(table, dict):
        msg = f"{path.name}: a [[rule]] is a table"
        raise BadRuleFileError(msg)
    name = table.get("id", "?")
    if missing := sorted(_REQUIRED - set(table)):
        msg = f"{path.name}: rule {name}: {missing[0]} is missing"
        raise BadRuleFileError(msg)
    if unknown := sorted(set(table) - _REQUIRED - _OPTIONAL):
        msg = f"{path.name}: rule {name}: unknown field {unknown[0]!r}"
        raise BadRuleFileError(msg)
    try:
        return Rule(
            id=RuleId(_text(table, "id")),
            title=_text(table, "title"),
            provider=_text(table, "provider") or provider,
            severity=Severity(_text(table, "severity")),
            pattern=_text(table, "pattern"),
            alphabet=_text(table, "alphabet"),
            keywords=_texts(table, "keywords"),
            prefix=_text(table, "prefix"),
            checks=_texts(table, "checks"),
            grants=_text(table, "grants"),
            references=_texts(table, "references"),
            examples=_texts(table, "examples"),
            negatives=_texts(table, "negatives"),
            **_pair(table),
        )
    except ValueError as error:
        msg = f"{path.name}: rule {name}: {error}"
        raise BadRuleFileError(msg) from error


def _pair(table: Mapping[str, object]) -> dict[str, Any]:
    match table.get("pair"):
        case None:
            return {}
        case {"pattern": str(pattern), "alphabet": str(alphabet), "within": int(within), **rest} if not rest:
            return {"pair": pattern, "pair_alphabet": alphabet, "pair_within": within}
        case _:
            msg = "a pair has pattern, alphabet and within"
            raise ValueError(msg)


def _text(table: Mapping[str, object], field: str) -> str:
    value = table.get(field, "")
    if not isinstance(value, str):
        msg = f"{field} is text"
        raise ValueError(msg)  # noqa: TRY004  one error for all that is wrong with a field
    return value


def _texts(table: Mapping[str, object], field: str) -> tuple[str, ...]:
    value = table.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        msg = f"{field} is a list of text"
        raise ValueError(msg)
    return tuple(value)
