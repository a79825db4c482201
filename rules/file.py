"""Read one rule file into rules: the only code that knows the format (TOML, one vendor a file, patterns as literal strings).

In a pattern `<key>`, `<near>`, `<assign>` and `<sent>` stand for what lies between the name of a vendor and a key without a form of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keysweep.foundation.errors import UsageError
from keysweep.rules.model import Rule, RuleId, Severity

_REQUIRED = frozenset({"id", "title", "severity", "pattern", "keywords", "grants", "references", "examples"})
_OPTIONAL = frozenset({"alphabet", "prefix", "checks", "negatives", "provider", "pair", "facts", "anchor"})
_BREAK = r"(?:\r?\n|(?:\\r)?\\n)"
_MACROS: Mapping[str, str] = {
    "<sent>": r"(?:(?i:authorization|bearer|key|token)|[ \"']-u|--user)",
    "<key>": r"(?i:keys?|tokens?|secret|authorization|bearer|credential|pat)(?:[_-][A-Za-z0-9]{1,12}){0,2}",
    "<near>": (
        r"(?:[A-Za-z0-9_. -]{0,24}?"
        r"|[A-Za-z0-9_.-]{0,24}[\\\"'`\])]{0,3} ?[=:]{0,2} ?[({\[:\],](?:[^=;\r\n]|=[\"'\\]){0,60}?"
        rf"|[\\\"']{{0,2}} ?[:{{=(\[ ]{{1,4}}{_BREAK}(?:[ \t]{{1,24}}[^ \t\r\n][^\r\n]{{0,59}}{_BREAK}){{0,3}}"
        r"[ \t]{1,24}[\\\"']{0,2}[A-Za-z_-]{0,16}"
        rf"|\][ \t]{{0,4}}{_BREAK}(?:[a-z_]{{1,20}} ?=[^\r\n]{{0,60}}{_BREAK}){{0,2}}[A-Za-z_]{{0,16}}"
        rf"|[A-Za-z0-9@/._-]{{0,24}}[\\\"']{{1,4}},(?:[ \t]|{_BREAK}){{1,32}}[\\\"']{{1,4}}--?[A-Za-z-]{{0,16}})"
    ),
    "<assign>": (
        r"(?:[\\\"'`]{0,4},?(?:\\[nrt]|[ \t\r\n]){1,40}[\\\"']{0,4}(?i:value)"
        r"|: ?[A-Za-z&'.\[\]]{1,24}+"
        r"|</[A-Za-z]{1,8}>(?:\\[nrt]|[ \t\r\n]){0,40}<[a-z]{1,8})?"
        r"(?:(?:\\[nt]|[ \t\\\"'`*\])(\[{}:=,|>?]|(?i:bearer|token|basic|or|is) |%(?:25)?(?:2[027]|3[ADad])|&(?:quot|#3[49]);"
        r"|\\u001[bB]\[[0-9;]{0,12}m|\x1b\[[0-9;]{0,12}[mK]|b[\"']|[,(]\r?\n){1,24}|\r?\n)"
    ),
}
"""`<sent>`: the header, parameter or option of a request that carries a key.  `<key>`: the word that says that a key follows, with what a
name may end in.  `<near>`: between a vendor's name and that word: the
rest of one name, an argument of a call, a member of an object, a line of the block or section that the vendor's name opens.
`<assign>`: between that word and the value: quotes, brackets and escapes, `:`, `=`, `=>`, `,` or a space, a type, `Bearer`, the
`value` of a list of pairs, the next XML element, colours of a terminal, the next
line of a list or in brackets, or nothing but a line break."""
_MACRO = re.compile("|".join(map(re.escape, _MACROS)))
_REACH = 120
"""Bytes between a vendor's name and the word that says that a key follows, for the engine; the exact pattern is stricter."""


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
        written = _text(table, "pattern")
        return Rule(
            id=RuleId(_text(table, "id")),
            title=_text(table, "title"),
            provider=_text(table, "provider") or provider,
            severity=Severity(_text(table, "severity")),
            pattern=expanded(written),
            anchor=_text(table, "anchor") or words_of(written),
            alphabet=_text(table, "alphabet"),
            keywords=_texts(table, "keywords"),
            prefix=_text(table, "prefix"),
            checks=_texts(table, "checks"),
            grants=_text(table, "grants"),
            references=_texts(table, "references"),
            examples=_texts(table, "examples"),
            negatives=_texts(table, "negatives"),
            facts=_text(table, "facts"),
            **_pair(table),
        )
    except ValueError as error:
        msg = f"{path.name}: rule {name}: {error}"
        raise BadRuleFileError(msg) from error


def expanded(pattern: str) -> str:
    """Return a pattern with what `<key>`, `<near>` and `<assign>` stand for."""
    return _MACRO.sub(lambda macro: _MACROS[macro[0]], pattern)


def words_of(pattern: str) -> str:
    """Return what stands before the value as a pattern for the engine; empty for a key that has a form of its own."""
    words, assign, _ = pattern.partition("<assign>")
    if not assign:
        return ""
    key = _MACROS["<key>"].partition(")")[0] + ")"
    return words.replace("<near>", rf"(?s:.{{0,{_REACH}}})").replace("<key>", key)


def _pair(table: Mapping[str, object]) -> dict[str, Any]:
    match table.get("pair"):
        case None:
            return {}
        case {"pattern": str(pattern), "alphabet": str(alphabet), "within": int(within), **rest} if not rest:
            return {"pair": expanded(pattern), "pair_alphabet": alphabet, "pair_within": within}
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
