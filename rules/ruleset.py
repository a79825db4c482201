"""The set of rules that a scan uses: unique ids, selection, and a digest for the evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.rules.file import BadRuleFileError, read_rules
from keysweep.rules.model import Rule, RuleId

PACKS = Path(__file__).parent / "packs"
"""The rules that come with the program."""


@dataclass(frozen=True)
class RuleSet:
    """Rules with unique ids, in order of their id."""

    rules: tuple[Rule, ...]

    @cached_property
    def digest(self) -> str:
        """`sha256:` over every field of every rule."""
        return "sha256:" + hashlib.sha256(repr([tuple(rule) for rule in self.rules]).encode()).hexdigest()

    @cached_property
    def by_id(self) -> dict[RuleId, Rule]:
        """Rules by their id."""
        return {rule.id: rule for rule in self.rules}

    def select(self, wanted: Iterable[str]) -> RuleSet:
        """Return the rules whose id or provider is named; all if nothing is.

        Raises:
            UsageError: a name is neither.
        """
        names = tuple(wanted)
        if not names:
            return self
        for name in names:
            if not any(name in {rule.id, rule.provider} for rule in self.rules):
                msg = f"no rule and no provider is called {name!r}"
                raise UsageError(msg, hint="keysweep rules list")
        return RuleSet(tuple(rule for rule in self.rules if rule.id in names or rule.provider in names))


def load_ruleset(folder: Path = PACKS) -> RuleSet:
    """Return every rule of every pack.

    Raises:
        BadRuleFileError: a pack is wrong, or two rules have one id.
    """
    rules: dict[RuleId, Rule] = {}
    for path in sorted(folder.glob("*.toml")):
        for rule in read_rules(path):
            if rule.id in rules:
                msg = f"{path.name}: rule {rule.id} is defined twice"
                raise BadRuleFileError(msg)
            rules[rule.id] = rule
    return RuleSet(tuple(rules[name] for name in sorted(rules)))
