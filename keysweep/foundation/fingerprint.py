"""Keyed fingerprints: how a key is named without being known.

A fingerprint is HMAC-SHA256 under a key of the store, so that nobody can test a guessed secret offline with the database
alone.  There is no unkeyed hash of a secret anywhere.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, final

if TYPE_CHECKING:
    from keysweep.foundation.secret import Secret

_MARK = "kf:"
_SHOWN = 12
_KEY = 32


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


class Fingerprints(Protocol):
    """Tells fingerprints: `Fingerprinter` computes them here, the daemon where the keys are."""

    def of(self, secret: "Secret") -> Fingerprint:
        """Return the fingerprint of a whole secret value."""
        ...

    def of_each(self, values: Iterable[bytes]) -> Iterator[Fingerprint]:
        """Yield the fingerprint of each of *values*."""
        ...


@final
class Fingerprinter:
    """Computes fingerprints under the keys of a store.

    A store whose master key was rotated has a key for each generation: the fingerprint is the HMAC under the newest of the
    fingerprint under those before (ADR 0021), so that what is stored can be carried forward without the value.

    Args:
        key: 32 bytes for each generation, derived for this use alone; the oldest first.
    """

    __slots__ = ("_keys",)

    def __init__(self, key: bytes) -> None:
        self._keys = [key[at : at + _KEY] for at in range(0, len(key), _KEY)]

    @property
    def generation(self) -> int:
        """The generation of the master key whose fingerprints these are."""
        return len(self._keys)

    def of(self, secret: "Secret") -> Fingerprint:
        """Return the fingerprint of a whole secret value."""
        return self.of_bytes(secret.reveal())

    def of_bytes(self, value: bytes) -> Fingerprint:
        """Return the fingerprint of *value*."""
        import hmac  # here, because a scan that finds nothing does without

        for key in self._keys:
            value = hmac.digest(key, value, "sha256")
        return Fingerprint(value)

    def of_each(self, values: Iterable[bytes]) -> Iterator[Fingerprint]:
        """Yield the fingerprint of each of *values*."""
        return map(self.of_bytes, values)

    def forward(self, fingerprint: Fingerprint, generation: int) -> Fingerprint:
        """Return what a fingerprint of an earlier *generation* has become."""
        return Fingerprinter(b"".join(self._keys[generation:])).of_bytes(fingerprint.digest)

    def own_key(self) -> "Secret":
        """Return what another one is made of, for whoever is to recognise values and nothing else."""
        from keysweep.foundation.secret import Secret

        return Secret(b"".join(self._keys))

    def __repr__(self) -> str:
        return "<Fingerprinter>"
