"""What `keysweep rules check` verifies: every promise that a rule makes is kept by the detector itself."""

from __future__ import annotations

import random
import re

from keysweep.rules.checks import CHECKS
from keysweep.rules.facts import FACTS
from keysweep.rules.model import Rule
from keysweep.rules.ruleset import RuleSet
from keysweep.rules.samples import expand
from keysweep.scanner.detectors.rulebook import Rulebook
from keysweep.scanner.finding import Segment, StreamOrigin

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*]|(?<![}])[+])(?![^\[]*\])|\{\d+,\}|\(\?[=!<](?!P)|\\[1-9]")
"""A plus behind a bounded repeat only says that it gives nothing back."""
_ROUNDS = 5


def lint(rules: RuleSet) -> tuple[str, ...]:
    """Return what is wrong, a line each."""
    book = Rulebook(rules, cache_dir=None)
    return tuple(f"{rule.id}: {problem}" for rule in rules.rules for problem in _problems(rule, book))


def _problems(rule: Rule, book: Rulebook) -> list[str]:
    checks = (
        (not _ID.fullmatch(rule.id), "the id is not in kebab case"),
        (not rule.references, "no reference to the vendor's documentation"),
        (any(not r.startswith("https://") for r in rule.references), "a reference is no https address"),
        (not rule.keywords, "no keyword"),
        (any(name not in CHECKS for name in rule.checks), "an unknown check"),
        (rule.facts not in {"", *FACTS}, "an unknown reader of facts"),
        (
            any(_UNBOUNDED.search(pattern) for pattern in (rule.pattern, rule.pair, rule.anchor)),
            "an unbounded repeat, look-around or back reference",
        ),
    )
    problems = {problem for broken, problem in checks if broken}
    for number in range(_ROUNDS):
        seed = random.Random(number)  # noqa: S311  examples must be the same in every run
        problems |= {f"an example is not found: {t}" for t in rule.examples if not _found(rule, book, expand(t, seed))}
        problems |= {f"a negative is found: {t}" for t in rule.negatives if _found(rule, book, expand(t, seed))}
    return sorted(problems)


def _found(rule: Rule, book: Rulebook, text: str) -> bool:
    return any(m.rule == rule.id for m in book.find(Segment(origin=StreamOrigin(), data=text.encode())))
