"""The files that every tool looks at: one a case for the keys, a hundred lines each for the negatives."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy import agent_contexts, encoded_contexts, model_keys, plain_contexts, platform_keys, tool_keys
from benchmarks.accuracy.chance import Chance
from benchmarks.accuracy.contexts import Context
from benchmarks.accuracy.kinds import Key, Kind, Shape, by_id
from benchmarks.accuracy.negatives import NEGATIVES
from keysweep.rules.model import Rule
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import expand

CONTEXTS: tuple[Context, ...] = (*plain_contexts.CONTEXTS, *agent_contexts.CONTEXTS, *encoded_contexts.CONTEXTS)
DOCUMENTED = by_id(model_keys.KINDS, tool_keys.KINDS, platform_keys.KINDS)
"""Kinds written from documentation."""
_LINES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One key in one context, in a file of its own."""

    path: str
    """Below the folder of keys."""
    source: str
    """`documented` or `rules`."""
    key: Key
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What was written."""

    root: Path
    cases: tuple[Case, ...]
    negatives: int
    """Number of negatives below `negatives/`, a folder a kind."""

    @property
    def keys(self) -> Path:
        """Folder of the cases."""
        return self.root / "keys"

    @property
    def harmless(self) -> Path:
        """Folder of the negatives."""
        return self.root / "negatives"


def write(root: Path, *, seed: int, negatives: int, every: int = 1) -> Corpus:
    """Write the corpus below *root*.

    Args:
        root: an empty folder.
        seed: the same seed gives the same bytes, as long as the rules are the same.
        negatives: how many there are at least.
        every: keep only each n-th case and file of negatives, for tools that are slow.
    """
    cases = []
    for number, (source, kind, context) in enumerate(_combinations()):
        if number % every:
            continue
        chance = Chance(f"{seed}/{source}/{kind.id}/{context.name}")
        key = kind.generate(chance)
        written = context.write(key, chance)
        path = f"{number // 500:03}/{number:05}{context.suffix}"
        file = root / "keys" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written.encode() if isinstance(written, str) else written)
        cases.append(Case(path=path, source=source, key=key, context=context))
    return Corpus(root=root, cases=tuple(cases), negatives=_write_negatives(root / "negatives", seed, negatives, every))


def kinds_of_rules(rules: Sequence[Rule]) -> tuple[Kind, ...]:
    """Return the rules' own examples as kinds: those whose text is the key and nothing else."""
    return tuple(_kind(rule) for rule in rules if not rule.pair and _bare(rule))


def _combinations() -> Iterator[tuple[str, Kind, Context]]:
    sources = (("documented", tuple(DOCUMENTED.values())), ("rules", kinds_of_rules(load_ruleset().rules)))
    for source, kinds in sources:
        for kind in kinds:
            for context in CONTEXTS:
                if kind.shape in context.shapes:
                    yield source, kind, context


def _bare(rule: Rule) -> bool:
    """Whether every example is a key without words around it."""
    shape = re.compile(rule.pattern)
    for template in rule.examples:
        match = shape.fullmatch(expand(template, random.Random(0)))
        if match is None or ("secret" in shape.groupindex and match["secret"] != match[0]):
            return False
    return True


def _kind(rule: Rule) -> Kind:
    shape = Shape.TOKEN
    if "://" in rule.pattern:
        shape = Shape.URI
    if "BEGIN" in rule.pattern:
        shape = Shape.BLOCK
    exact = DOCUMENTED["pem-rsa"].exact if shape is Shape.BLOCK else DOCUMENTED["postgresql-uri"].exact
    return Kind(
        id=rule.id,
        provider=rule.provider,
        name=f"{rule.provider.upper().replace('-', '_')}_KEY",
        shape=shape,
        make=lambda chance: expand(chance.choice(rule.examples), chance),
        exact=exact if shape is Shape.BLOCK or (shape is Shape.URI and "@" in rule.pattern) else lambda _value: (),
    )


def _write_negatives(root: Path, seed: int, count: int, every: int) -> int:
    share = -(-count // len(NEGATIVES))
    total = 0
    for number, (kind, make) in enumerate(NEGATIVES.items()):
        folder = root / f"{number:02}-{kind.replace(' ', '-')}"
        folder.mkdir(parents=True)
        chance = Chance(f"{seed}/{kind}")
        for at in range(0, share, _LINES):
            made = [make(chance) for _ in range(min(_LINES, share - at))]
            if (number + at // _LINES) % every:
                continue
            total += len(made)
            (folder / f"{at:05}.txt").write_text("\n".join(made) + "\n", encoding="utf-8")
    return total
