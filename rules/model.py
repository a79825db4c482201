"""A detection rule: values only."""

from enum import StrEnum
from typing import NamedTuple, NewType

RuleId = NewType("RuleId", str)
"""Kebab case, unique over all packs; never changes its meaning."""

AMBIGUOUS = "ambiguous"
"""Provider of a rule whose shape several vendors share."""


class Severity(StrEnum):
    """What a stranger could do with the key."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info."""
        return _RANKS[self]


_RANKS = {severity: 4 - place for place, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """How sure we are that it is a key at all."""

    VERIFIED = "verified"
    """The provider said so."""
    CHECKED = "checked"
    """A checksum or decoded structure holds."""
    SHAPE = "shape"
    """Prefix, alphabet and length fit."""
    GENERIC = "generic"
    """An assignment to a telling name, with enough entropy."""


class Rule(NamedTuple):
    """One credential format of one vendor."""

    id: RuleId
    title: str
    provider: str
    """Name of the vendor, as in rotation/providers where an adapter exists; or `ambiguous`."""
    severity: Severity
    pattern: str
    """Core shape as a bytes regular expression, without edges, in the subset of Vectorscan and `re`: no look-around, no
    back references, every repeat bounded.  A group named `secret` is the key where it is not the whole; groups named
    `part_*` are components worth recognising alone, such as the password of a URI."""
    alphabet: str
    """Characters of the token as the inside of a class (`A-Za-z0-9_-`): the edges are generated from it.  Empty: none."""
    keywords: tuple[str, ...]
    """Literals one of which is in every hit; lower case."""
    prefix: str
    """The vendor's public prefix, which may be shown."""
    checks: tuple[str, ...]
    """Names from `rules.checks`, all of which must hold."""
    grants: str
    """What the key can do, one sentence for the responder."""
    references: tuple[str, ...]
    """Where the format is documented."""
    examples: tuple[str, ...]
    """Templates for `rules.samples`: text that the rule must find."""
    negatives: tuple[str, ...]
    """Templates for text that the rule must not find."""
    anchor: str = ""
    """Pattern for the engine, where the rule's words make one that is cheaper than what would be derived."""
    facts: str = ""
    """Name from `rules.facts`: what can be read off a key without asking anybody."""
    pair: str = ""
    """Pattern of the secret half, where this rule's own pattern is only the public half, or a host that tells whose key
    stands near: the pair is the finding, and the checks are asked of it."""
    pair_alphabet: str = ""
    pair_within: int = 0
    """Bytes to each side in which the secret half is looked for."""
