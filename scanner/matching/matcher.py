"""Rules, decoders and gates in one engine: how its patterns are gathered, and what its hits mean."""

import json
import re
import zlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, final

from keysweep.scanner.matching import kept
from keysweep.scanner.matching.compiled import CompiledRule
from keysweep.scanner.matching.engine import Engine, compile_anchors, dump, load
from keysweep.scanner.matching.kept import DecoderAnchor, Tables

_LAYOUT = 16
"""Counted up whenever anchors, decoders or the kept file's layout change."""
_TELLING = frozenset(
    b"API_KEY api_key api-key apiKey _TOKEN _token _SECRET _secret SecretAccessKey _KEY= Bearer".split()
)
"""What stands in encoded text where a key without a form of its own does: then all of it is decoded."""
_HOST = re.compile(r"(?:[a-z0-9-]|\[[.]\])+")
_TELLS, _LONGEST_HEAD = 6, 8
"""A head that has another one of so many bytes inside is not looked for on its own."""
_DECODERS = Path(__file__).parent.parent / "decoders"
_DETECTORS = Path(__file__).parent.parent / "detectors"


class Gated(NamedTuple):
    """One place where the engine saw a gate of a slower detector."""

    number: int
    """Which of the detector's gates, counted from 0."""
    end: int
    """Offset behind it."""


@final
class Matcher:
    """The engine with what its hits mean."""

    def __init__(self, tables: Tables, engine: Engine) -> None:
        self.digest = tables.digest
        self.of_rules = len(tables.owners)
        """Numbers below are of rules, the next ones of decoders, the last ones of gates."""
        self._tables = tables
        self._engine = engine
        self._first_gate = self.of_rules + len(tables.anchors) // 3
        self._rules: dict[int, CompiledRule] = {}

    def rule(self, identifier: int) -> tuple[CompiledRule, int, bool]:
        """Return the rule of an anchor, the widest match of the anchor, and whether every match is as wide."""
        number, reach, fixed = self._tables.owners[identifier]
        return self._read(number), reach, fixed

    def rules(self) -> Iterator[CompiledRule]:
        """Yield every rule."""
        return (self._read(number) for number in range(len(self._tables.rules)))

    def _read(self, number: int) -> CompiledRule:
        if number not in self._rules:
            self._rules[number] = self._tables.rule(number)
        return self._rules[number]

    def anchor(self, identifier: int) -> DecoderAnchor:
        """Return the decoder's anchor of a number that is of no rule."""
        return self._tables.anchor(identifier - self.of_rules)

    def hits(self, data: bytes) -> list[tuple[int, int]]:
        """Return (number of the anchor, end) of what rules and decoders want to see, in order of the anchors."""
        return self._parted(data)[0]

    def look(self, data: bytes) -> tuple[list[tuple[int, int]], Mapping[str, list[Gated]]]:
        """Return what `hits` does, and by detector the places of its gates, from one pass."""
        hits, behind = self._parted(data)
        gated: dict[str, list[Gated]] = {}
        for identifier, end in behind:
            place = identifier - self._first_gate
            name = self._tables.gates[place]
            gated.setdefault(name, []).append(Gated(place - self._tables.gates.index(name), end))
        return hits, gated

    def _parted(self, data: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        hits = self._engine.hits(data)
        if not hits or hits[-1][0] < self._first_gate:
            return hits, []
        at = bisect_left(hits, (self._first_gate, -1))
        return hits[:at], hits[at:]


def make_matcher(build: Callable[[], tuple[Tables, Sequence[bytes]]], rules: str, cache_dir: Path | None) -> Matcher:
    """Return a matcher: from the cache, or built and put there.

    Args:
        build: gives the tables, and the patterns of all anchors in their order.
        rules: says whether a kept one is of the same rules.
        cache_dir: folder of the cache; None keeps nothing.
    """
    signature = kept.signature_of(rules, _LAYOUT)
    path = cache_dir / f"matcher-{zlib.crc32(rules.encode()):08x}.bin" if cache_dir else None
    if path is not None and (found := kept.read(path, signature)) is not None:
        tables, dumped = found
        if (database := load(dumped)) is not None:
            return Matcher(tables, Engine(database))
    tables, patterns = build()
    database = compile_anchors(patterns)
    if path is not None:
        kept.write(path, signature, tables, dump(database))
    return Matcher(tables, Engine(database))


def tables_of(
    digest: str, rules: Sequence[CompiledRule], patterns: Sequence[str], without: Collection[str] = ()
) -> tuple[Tables, list[bytes]]:
    """Return the tables of some rules, and the patterns of all anchors in their order.

    Args:
        digest: of the rule set.
        rules: made ready.
        patterns: of the rules, without edges.
        without: detectors that nobody will ask, whose gates would cost for nothing.
    """
    anchors, encoded = decoder_anchors(rules, patterns)
    names, gated = gates(without)
    decoders = tuple(dict.fromkeys(anchor.decoder for anchor in anchors))
    numbered = {name: number for number, name in enumerate(decoders)}
    tables = Tables(
        digest=digest,
        owners=tuple((n, reach, fixed) for n, rule in enumerate(rules) for _, reach, fixed in rule.anchors),
        rules=tuple(json.dumps(rule).encode() for rule in rules),
        decoders=decoders,
        anchors=bytes(part for a in anchors for part in (numbered[a.decoder], a.width, a.note)),
        gates=names,
    )
    return tables, [*(anchor.encode() for rule in rules for anchor, _, _ in rule.anchors), *encoded, *gated]


def decoder_anchors(
    rules: Sequence[CompiledRule], patterns: Sequence[str]
) -> tuple[tuple[DecoderAnchor, ...], list[bytes]]:
    """Ask every decoder what the heads of the rules' keys look like in its encoding.

    Args:
        rules: their keywords stand in where a pattern has no literal beginning; a vendor's name is told by what follows it.
        patterns: of the rules, without edges.
    """
    from importlib import import_module

    from keysweep.scanner.matching.heads import heads

    wanted: set[bytes] = set()
    for rule, pattern in zip(rules, patterns, strict=True):
        if "(?i" in pattern or _HOST.fullmatch(pattern):
            wanted |= _TELLING
        elif known := heads(pattern):
            wanted |= set(known)
        else:
            words = [word.encode() for word in rule.keywords if len(word) >= 5]
            wanted |= {form for word in words for form in (word, word.upper())}
    short = {head for head in wanted if _TELLS <= len(head) <= _LONGEST_HEAD}
    wanted = {head for head in wanted if not any(other in head and other != head for other in short)}
    anchors: list[DecoderAnchor] = []
    found: list[bytes] = []
    for name in sorted(path.stem for path in _DECODERS.glob("*.py") if path.stem != "__init__"):
        for anchor in import_module(f"keysweep.scanner.decoders.{name}").DECODER.anchors(sorted(wanted)):
            anchors.append(DecoderAnchor(name, anchor.width, anchor.note))
            found.append(anchor.pattern)
    return tuple(anchors), found


def gates(without: Collection[str] = ()) -> tuple[tuple[str, ...], list[bytes]]:
    """Ask every detector beside the rules, but for some, for its gates; return to whom each belongs, and their patterns."""
    from importlib import import_module

    asked = {
        path.stem: getattr(import_module(f"keysweep.scanner.detectors.{path.stem}"), "GATES", ())
        for path in sorted(_DETECTORS.glob("*.py"))
        if path.stem != "__init__" and path.stem not in without
    }
    pairs = [(name, pattern) for name, patterns in asked.items() for pattern in patterns]
    return tuple(name for name, _ in pairs), [pattern for _, pattern in pairs]
