"""Our own rules: one pass of the engine over the text, an exact confirm around each hit, and the same again in what decodes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, final

from keysweep.foundation.secret import Secret
from keysweep.rules.model import AMBIGUOUS, Confidence, RuleId, Severity
from keysweep.rules.signature import signature
from keysweep.scanner.decoders import Decoded, Spot
from keysweep.scanner.finding import Match, Segment
from keysweep.scanner.matching.compiled import CompiledRule, compile_rule
from keysweep.scanner.matching.confirming import Candidate, candidates, repaired
from keysweep.scanner.matching.kept import Tables
from keysweep.scanner.matching.matcher import Gated, Matcher, make_matcher, tables_of
from keysweep.scanner.spans import Spans

if TYPE_CHECKING:
    from keysweep.rules.ruleset import RuleSet

_DEEPEST = 4
"""Encodings inside of each other that are followed."""
_FAR = 1 << 20
"""Rank of a key that no words stand near."""
_LITERAL = re.compile(r"(?:[\w/:@-]|\\\W)*")
"""Beginning of an anchor up to its first class."""
_MOST_DECODED = 16 << 20
"""Bytes that one segment may decode to, all its runs together."""


@final
class Rulebook:
    """Finds keys by the rules, in time linear in the text whatever the number of rules.

    Args:
        ruleset: the rules; None for those that come with the program, which are then read only if no cache has them.
        cache_dir: where the compiled engine is kept between runs; None keeps nothing.
        without: detectors behind gates that will not be asked; their gates are left out of the engine.
    """

    def __init__(
        self, ruleset: RuleSet | None, *, cache_dir: Path | None, without: frozenset[str] = frozenset()
    ) -> None:
        self._matcher = _matcher(ruleset, cache_dir, without)
        self._seen: bytes | None = None
        self._gated: Mapping[str, list[Gated]] = {}
        self._taken: list[tuple[int, int]] = []

    @property
    def digest(self) -> str:
        """Digest of the rule set, for the record."""
        return self._matcher.digest

    def find(self, segment: Segment) -> Sequence[Match]:
        """Return the keys in *segment*, in order; where two overlap, the surer and more specific one."""
        self._seen, self._taken = segment.data, []
        hits, self._gated = self._matcher.look(segment.data)
        if not hits:
            return ()
        found = self._look(segment.data, hits, _Budget(_MOST_DECODED), 0)
        self._taken = [(candidate.start, candidate.end) for candidate in found]
        return [_match(candidate) for candidate in found]

    def gated(self, data: bytes, name: str) -> Sequence[Gated]:
        """Return where the engine saw the gates of the detector *name*, in the pass that looked for keys, if that was the last.

        Places inside of keys that were found in that pass are left out: nobody needs a second opinion about them.
        """
        if self._seen is not data:
            self._seen, self._gated, self._taken = data, self._matcher.look(data)[1], []
        spots = self._gated.get(name)
        return [spot for spot in spots if not self._inside_of_a_key(spot.end)] if spots else ()

    def _inside_of_a_key(self, place: int) -> bool:
        at = bisect_left(self._taken, (place,)) - 1
        return at >= 0 and place <= self._taken[at][1]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What the keys that the rules know begin with."""
        rules = tuple(rule for rule in self._matcher.rules() if rule.whole)
        written = {found[0] for rule in rules for anchor, *_ in rule.anchors if (found := _LITERAL.match(anchor))}
        return tuple({text.replace("\\", "") for text in written} | {rule.prefix for rule in rules} - {""})

    @property
    def providers(self) -> tuple[str, ...]:
        """Vendors whose keys the rules know."""
        return tuple({rule.provider for rule in self._matcher.rules()})

    def _look(self, data: bytes, hits: list[tuple[int, int]], budget: _Budget, depth: int) -> list[Candidate]:
        matcher = self._matcher
        found: list[Candidate] = []
        failed: list[_Failed] = []
        spots: dict[str, list[Spot]] = {}
        number, searched = -1, 0
        for identifier, end in hits:
            if identifier >= matcher.of_rules:
                anchor = matcher.anchor(identifier)
                spots.setdefault(anchor.decoder, []).append(Spot(end, anchor.width, anchor.note))
                continue
            if identifier != number:
                number, searched = identifier, 0
            rule, reach, fixed = matcher.rule(identifier)
            low = max(end - reach, searched)
            exact = list(candidates(rule, data, low, end, fixed=fixed))
            found += exact
            if exact and not rule.pair and not fixed:
                searched = exact[-1].end
            elif not exact and end > searched:
                failed.append(_Failed(rule, low, end, fixed))
        if depth < _DEEPEST:
            for name, places in spots.items():
                for decoded in import_module(f"keysweep.scanner.decoders.{name}").DECODER.decode(data, sorted(places)):
                    found += self._inside(decoded, budget, depth)
        return _distinct(found + _repairs(data, found, failed))

    def _inside(self, decoded: Decoded, budget: _Budget, depth: int) -> Iterator[Candidate]:
        """Yield the keys in decoded text, placed where their encoded form stands."""
        from keysweep.scanner.matching.mapping import place_of

        if not budget.spend(len(decoded.data)):
            return
        hits = self._matcher.hits(decoded.data)
        if decoded.opened is not None:
            low, high = decoded.opened
            hits = [hit for hit in hits if low <= hit[1] <= high]
        for candidate in self._look(decoded.data, hits, budget, depth + 1):
            start, end = place_of(decoded, candidate.start, candidate.end)
            yield candidate._replace(start=start, end=end, via=decoded.via + candidate.via)


@final
class _Budget:
    """Bytes that may still be decoded."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def spend(self, count: int) -> bool:
        """Take *count*; False once more was asked for than there is."""
        self._left -= count
        return self._left >= 0


def _matcher(ruleset: RuleSet | None, cache_dir: Path | None, without: frozenset[str]) -> Matcher:
    def build() -> tuple[Tables, Sequence[bytes]]:
        from keysweep.rules.ruleset import load_ruleset

        known = load_ruleset() if ruleset is None else ruleset
        rules = tuple(compile_rule(rule) for rule in known.rules)
        return tables_of(known.digest, rules, [rule.pattern for rule in known.rules], without)

    rules = signature() if ruleset is None else ruleset.digest
    return make_matcher(build, f"{rules} without {' '.join(sorted(without))}", cache_dir)


class _Failed(NamedTuple):
    """A hit that gave no key."""

    rule: CompiledRule
    low: int
    end: int
    fixed: bool


def _repairs(data: bytes, found: list[Candidate], failed: list[_Failed]) -> list[Candidate]:
    """Return the keys that were cut: hits that gave none, where nothing else was found either."""
    if not failed:
        return []
    from keysweep.scanner.matching.mend import goes_on

    taken = sorted((candidate.start, candidate.end) for candidate in found)
    mended = []
    for rule, low, end, fixed in failed:
        at = bisect_left(taken, (end,)) - 1
        open_ = at < 0 or taken[at][1] < end or goes_on(data, *taken[at])
        if open_ and (candidate := repaired(rule, data, low, end, fixed=fixed)) is not None:
            at = bisect_left(taken, (candidate.end,)) - 1
            if at < 0 or taken[at][1] <= candidate.start or goes_on(data, *taken[at]):
                mended.append(candidate)
    return mended


def _match(candidate: Candidate) -> Match:
    rule = candidate.rule
    return Match(
        rule=RuleId(rule.id),
        provider=rule.provider,
        severity=Severity(rule.severity),
        confidence=candidate.confidence,
        prefix=rule.prefix,
        start=candidate.start,
        end=candidate.end,
        secret=Secret(candidate.value),
        parts=tuple(Secret(part) for part in candidate.parts),
        via=candidate.via,
        facts=candidate.facts,
    )


def _distinct(found: list[Candidate]) -> list[Candidate]:
    """Keep one key a place.

    A proven one, then one whose vendor is known, then a key of a shape before an address around it, then the longest public prefix, the
    longest text, the nearest words.

    Keys that were decoded from one run stand in one place and do not exclude each other.
    """
    found.sort(key=_rank)
    taken = Spans()
    kept: dict[tuple[int, int], tuple[str, ...]] = {}
    result = []
    for candidate in found:
        span = (candidate.start, candidate.end)
        if taken.take(*span):
            kept[span] = candidate.via
            result.append(candidate)
        elif candidate.via and kept.get(span) == candidate.via:
            result.append(candidate)
    return sorted(result, key=lambda c: c.start)


def _rank(candidate: Candidate) -> tuple[bool, int, int, int, int, int]:
    proven = candidate.confidence is Confidence.CHECKED
    shared = (candidate.rule.provider == AMBIGUOUS) * (1 if candidate.rule.alphabet else 2)
    length = candidate.start - candidate.end
    return (not proven, shared, -len(candidate.rule.prefix), length, candidate.lead or _FAR, candidate.start)
