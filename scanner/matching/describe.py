"""What the rules know of a whole value: which rule it is, its public prefix and its components.  Without the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner.matching.compiled import CompiledRule, compile_rule
from keysweep.scanner.matching.confirming import confirm

_BEGINNING = 2
"""Bytes by which keywords are looked up; none is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A value that a rule knows as a whole."""

    rule: str
    provider: str
    prefix: str
    parts: tuple[bytes, ...]
    """Components that may leak alone, such as the password of a URI."""


def describe(value: bytes) -> Described | None:
    """Return what the rules know of *value*, None if no rule matches the whole of it; the most specific one wins."""
    lowered = value[:4096].lower()
    best: Described | None = None
    for rule in _candidates(lowered):
        exact = rule.confirm.fullmatch(value)
        if exact is None or (best is not None and len(best.prefix) >= len(rule.prefix)):
            continue
        if confirm(rule, value.decode("utf-8", "replace")) is None:
            continue
        parts = tuple(exact[name] for name in exact.re.groupindex if name.startswith("part_") and exact[name])
        best = Described(rule=rule.id, provider=rule.provider, prefix=rule.prefix, parts=parts)
    return best


def _candidates(lowered: bytes) -> list[CompiledRule]:
    """Return the rules with a keyword in a value, in order.

    NOTE: looked up by the beginnings of keywords: to search for each of them took half the time of an import of thousands.
    """
    beginnings, rules = _beginnings(), _rules()
    found: set[int] = set()
    for start in range(len(lowered) - _BEGINNING + 1):
        for word, numbers in beginnings.get(lowered[start : start + _BEGINNING], ()):
            if lowered.startswith(word, start):
                found.update(numbers)
    return [rules[number] for number in sorted(found)]


@cache
def _beginnings() -> Mapping[bytes, Sequence[tuple[bytes, Sequence[int]]]]:
    """The keywords by their first bytes, each with the numbers of its rules."""
    words: dict[bytes, list[int]] = {}
    for number, rule in enumerate(_rules()):
        for word in rule.keywords:
            words.setdefault(word.encode(), []).append(number)
    found: dict[bytes, list[tuple[bytes, Sequence[int]]]] = {}
    for keyword, numbers in words.items():
        found.setdefault(keyword[:_BEGINNING], []).append((keyword, numbers))
    return found


@cache
def _rules() -> tuple[CompiledRule, ...]:
    return tuple(compile_rule(rule) for rule in load_ruleset().rules)
