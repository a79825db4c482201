"""What kind of key a stored value is, told from its provider and public prefix: no value is opened for it."""

from __future__ import annotations

from functools import cache

from keysweep.rules.ruleset import load_ruleset


def kind_of(provider: str, prefix: str) -> str:
    """Return the title of the rule of *provider* with that prefix; empty where none is that plain."""
    return _kinds().get((provider, prefix), "") if prefix else ""


@cache
def _kinds() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for rule in load_ruleset().rules:
        key = rule.provider, rule.prefix
        found[key] = "" if key in found else rule.title
    return found
