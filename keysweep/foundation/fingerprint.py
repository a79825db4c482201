"""Keyed fingerprints: how a key is named without being known.

A fingerprint is HMAC-SHA256 under a key of the store, so that nobody can test a guessed secret offline with the database
alone.  There is no unkeyed hash of a secret anywhere.
"""

from typing import TYPE_CHECKING, NamedTuple, Self, final

if TYPE_CHECKING:
    from keysweep.foundation.secret import Secret

_MARK = "kf:"
_SHOWN = 12


class Fingerprint(NamedTuple):
    """The keyed hash of one secret value; safe to log, store and print."""

    digest: bytes
    """32 bytes."""

    def __str__(self) -> str:
        return _MARK + self.digest.hex()

    @property
    def short(self) -> str:
        """The first twelve hexadecimal digits, for people."""
        return _MARK + self.digest.hex()[:_SHOWN]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form that `str` gives.

        Raises:
            ValueError: *text* is not a fingerprint.
        """
        digest = bytes.fromhex(text.removeprefix(_MARK))
        if text != str(fingerprint := cls(digest)) or len(digest) != 32:
            msg = f"not a fingerprint: {text[:16]!r}"
            raise ValueError(msg)
        return fingerprint


class Preview(NamedTuple):
    """What may be shown of a key: the provider's own prefix and the length."""

    prefix: str
    length: int
    """In bytes."""

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.length} characters)"


@final
class Fingerprinter:
    """Computes fingerprints under one key.

    Args:
        key: 32 bytes, derived for this use alone.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, secret: "Secret") -> Fingerprint:
        """Return the fingerprint of a whole secret value."""
        return self.of_bytes(secret.reveal())

    def of_bytes(self, value: bytes) -> Fingerprint:
        """Return the fingerprint of *value*."""
        import hmac  # here, because a scan that finds nothing does without

        return Fingerprint(hmac.digest(self._key, value, "sha256"))

    def __repr__(self) -> str:
        return "<Fingerprinter>"
