"""Our own rules: one pass of the engine over the text, then an exact confirm in a window around each hit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import final

from keysweep.foundation.secret import Secret
from keysweep.rules.checks import CHECKS, PROOFS, entropy, is_placeholder
from keysweep.rules.model import Confidence, Rule
from keysweep.rules.ruleset import RuleSet
from keysweep.scanner.detectors.compiled import CompiledRule, compile_rule
from keysweep.scanner.detectors.engine import Engine
from keysweep.scanner.finding import Match, Segment
from keysweep.scanner.spans import Spans

_LEAST_ENTROPY = 2.8
"""Bits a character below which a token of a plain shape is filler, not a key."""


@final
class Rulebook:
    """Finds keys by the rules, in time linear in the text whatever the number of rules.

    Args:
        ruleset: the rules.
        cache_dir: where the compiled engine is kept between runs; None keeps nothing.
    """

    def __init__(self, ruleset: RuleSet, *, cache_dir: Path | None) -> None:
        self._rules = tuple(compile_rule(rule) for rule in ruleset.rules)
        self._engine = Engine([compiled.anchor for compiled in self._rules], cache_dir)

    def find(self, segment: Segment) -> Sequence[Match]:
        """Return the keys in *segment*, in order; where two overlap, the surer and more specific one."""
        hits = self._engine.hits(segment.data)
        if not hits:
            return ()
        hits.sort(key=lambda hit: (hit[1], hit[0]))
        found: list[Match] = []
        number, searched = -1, 0
        for end, identifier in hits:
            if identifier != number:
                number, searched = identifier, 0
            compiled = self._rules[identifier]
            low = max(end - compiled.reach, searched)
            high = end + compiled.width + 2
            for match in _confirmed(compiled, segment.data, low, high, end):
                found.append(match)
                searched = match.end
        return _distinct(found)


def confirm(rule: Rule, secret: str) -> Confidence | None:
    """Return how sure a rule is of a candidate, None if its checks or common sense refuse it."""
    if not all(CHECKS[name](secret) for name in rule.checks):
        return None
    if PROOFS.intersection(rule.checks):
        return Confidence.CHECKED
    if rule.alphabet and (is_placeholder(secret) or entropy(secret) < _LEAST_ENTROPY):
        return None
    return Confidence.SHAPE


def _confirmed(compiled: CompiledRule, data: bytes, low: int, high: int, end: int) -> Iterator[Match]:
    """Yield the exact matches around one hit: those that begin before its end."""
    rule = compiled.rule
    for exact in _candidates(compiled, data, low, high, end):
        group = "secret" if "secret" in compiled.confirm.groupindex else 0
        raw = exact[group]
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            continue
        confidence = confirm(rule, text)
        if confidence is None:
            continue
        yield Match(
            rule=rule.id,
            provider=rule.provider,
            severity=rule.severity,
            confidence=confidence,
            prefix=rule.prefix,
            start=exact.start(group),
            end=exact.end(group),
            secret=Secret(raw),
            parts=tuple(Secret(exact[name]) for name in compiled.part_groups if exact[name]),
        )


def _candidates(compiled: CompiledRule, data: bytes, low: int, high: int, end: int) -> Iterator[re.Match[bytes]]:
    """Yield what fits around a hit.  Where the hit tells the beginning, nothing is searched: hits may be as dense as text."""
    if compiled.fixed:
        exact = compiled.confirm.match(data, low, high) if low == end - compiled.reach else None
        return iter((exact,) if exact else ())
    return takewhile(lambda exact: exact.start() < end, compiled.confirm.finditer(data, low, high))


def _distinct(found: list[Match]) -> list[Match]:
    """Keep one match a place: a proven one, then the longest public prefix, then the longest text."""
    found.sort(key=lambda m: (m.confidence is not Confidence.CHECKED, -len(m.prefix), m.start - m.end, m.start))
    taken = Spans()
    return sorted((m for m in found if taken.take(m.start, m.end)), key=lambda m: m.start)
