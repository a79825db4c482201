"""What the rules know of a whole value: which rule it is, its public prefix and its components.  Without the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner.matching.compiled import CompiledRule, compile_rule
from keysweep.scanner.matching.confirming import confirm


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
    for rule in _rules():
        if not any(word.encode() in lowered for word in rule.keywords):
            continue
        exact = rule.confirm.fullmatch(value)
        if exact is None or (best is not None and len(best.prefix) >= len(rule.prefix)):
            continue
        if confirm(rule, value.decode("utf-8", "replace")) is None:
            continue
        parts = tuple(exact[name] for name in exact.re.groupindex if name.startswith("part_") and exact[name])
        best = Described(rule=rule.id, provider=rule.provider, prefix=rule.prefix, parts=parts)
    return best


@cache
def _rules() -> tuple[CompiledRule, ...]:
    return tuple(compile_rule(rule) for rule in load_ruleset().rules)
