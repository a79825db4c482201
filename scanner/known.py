"""The question a scan asks about each key: is it one of ours?  Implemented on the right, by the vault."""

from collections.abc import Container, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from keysweep.foundation.fingerprint import Fingerprint, Preview
from keysweep.scanner.key_ids import Shape


class KnownState(StrEnum):
    """What the leaked value is to its credential."""

    CURRENT = "current"
    STANDBY = "standby"
    RETIRED = "retired"


class MatchKind(StrEnum):
    """How a finding was recognised."""

    EXACT = "exact"
    """The keyed fingerprint of the whole value equals that of a stored version."""
    PART = "part"
    """A component of the value, such as the password of a URI, equals a component of a stored version."""
    KEY_ID = "key-id"
    """It is the provider's id of a stored version, which opens nothing."""
    OCR = "ocr"
    """Text read from an image resembles a stored version, look-alikes folded."""
    MASKED = "masked"
    """A masked form that exactly one stored version has."""


class CredentialMatch(NamedTuple):
    """The stored credential that a finding is."""

    name: str
    provider: str
    version: int
    state: KnownState
    match: MatchKind
    certainty: float
    """0 to 1; exactly 1.0 for an exact match."""
    dead_since: datetime | None = None
    """When the retired value was proven dead at the provider."""


class Resemblance(NamedTuple):
    """A run of inexact text that is a stored value."""

    start: int
    end: int
    """Byte offsets into the text asked about."""
    fingerprint: Fingerprint
    """Of the stored value, not of the text."""
    preview: Preview
    credential: CredentialMatch


class Recognised(NamedTuple):
    """A stored value that was told from less than the whole of it."""

    fingerprint: Fingerprint
    """Of the stored value."""
    preview: Preview
    credential: CredentialMatch


class Unshaped(NamedTuple):
    """Stored values whose form no rule knows: nothing in text tells them but what they are."""

    lengths: frozenset[int]
    """In bytes."""
    fingerprints: Container[Fingerprint]


class KnownKeys(Protocol):
    """Answers whether a leaked key is one of ours, without showing any key."""

    def digest(self) -> str | None:
        """Return a fingerprint of the whole inventory for the record, None if there is none."""
        ...

    def owner(self, fingerprint: Fingerprint, parts: Sequence[Fingerprint] = ()) -> CredentialMatch | None:
        """Return the stored credential whose value, or failing that whose component, has that fingerprint."""
        ...

    def resembling(self, text: bytes) -> Sequence[Resemblance]:
        """Return every stored value that *text*, read from an image, shows; in order, not overlapping."""
        ...

    def masked(self, head: bytes, tail: bytes, length: int | None) -> Recognised | None:
        """Return the stored value that begins, with or without its public prefix, and ends like that; None unless exactly one does.

        Args:
            head: what is shown before the mask, four bytes or more.
            tail: what is shown behind it, four bytes or more.
            length: of the whole, where the mask keeps it.
        """
        ...

    def unshaped(self) -> Unshaped:
        """Return the stored values without a public prefix that are long enough to be looked for as they are."""
        ...

    def key_ids(self) -> frozenset[Shape]:
        """Return the shapes of the providers' ids of stored values."""
        ...

    def named(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:
        """Return the stored credential whose id at its provider has that fingerprint and length in bytes."""
        ...


class NoKnownKeys:
    """Without a store every key is a stranger."""

    def digest(self) -> str | None:
        """Return None."""
        return None

    def unshaped(self) -> Unshaped:
        """Return none."""
        return Unshaped(frozenset(), frozenset())

    def key_ids(self) -> frozenset[Shape]:
        """Return none."""
        return frozenset()

    def named(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:  # noqa: ARG002  the seam's shape
        """Return None."""
        return None

    def owner(self, fingerprint: Fingerprint, parts: Sequence[Fingerprint] = ()) -> CredentialMatch | None:  # noqa: ARG002  the seam's shape
        """Return None."""
        return None

    def resembling(self, text: bytes) -> Sequence[Resemblance]:  # noqa: ARG002  the seam's shape
        """Return nothing."""
        return ()

    def masked(self, head: bytes, tail: bytes, length: int | None) -> Recognised | None:  # noqa: ARG002  the seam's shape
        """Return None."""
        return None
