"""Envelope encryption: AES-256-GCM under a data key of its own, itself sealed under the store's wrap key.

Both layers bind the same associated data, so that a sealed value opens only for the row that it was made for: rows cannot
be swapped, and an older version cannot be put in a newer one's place.  Algorithm: NIST SP 800-38D, 96-bit random nonces;
a data key encrypts one value only.  A sealed value names the generation of the master key that its wrap key is of, so that
it can be read while a rotation of the master key is under way.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.secret import Secret

_FIRST_FORMAT = b"\x01"
"""Names no generation: the first is meant."""
_FORMAT = b"\x02"
_BINDING = b"\x01"
_GENERATION = 4
HEAD = len(_FORMAT) + _GENERATION
"""Bytes before the key nonce: the same in every value of a generation."""
_NONCE = 12
_WRAPPED = 32 + 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a sealed value belongs to; every field is authenticated."""

    tenant: str
    credential_id: str
    version: int
    provider: str
    field: str
    """`value`, or the name of a journal cell."""
    created_at: str

    def encode(self) -> bytes:
        """Return the associated data: each field with its length before it, so that no two bindings look alike."""
        fields = (self.tenant, self.credential_id, str(self.version), self.provider, self.field, self.created_at)
        return _BINDING + b"".join(len(f.encode()).to_bytes(4, "big") + f.encode() for f in fields)


def seal(wrap_key: bytes, binding: Binding, value: Secret, *, generation: int = 1) -> bytes:
    """Return format byte, generation, nonce, wrapped data key, nonce, ciphertext with tag.

    Args:
        wrap_key: 32 bytes.
        binding: what it belongs to.
        value: the plaintext.
        generation: of the master key that the wrap key is derived from.
    """
    data_key = AESGCM.generate_key(bit_length=256)
    head = head_of(generation)
    bound = head + binding.encode()
    key_nonce, nonce = os.urandom(_NONCE), os.urandom(_NONCE)
    wrapped = AESGCM(wrap_key).encrypt(key_nonce, data_key, b"data-key" + bound)
    ciphertext = AESGCM(data_key).encrypt(nonce, value.reveal(), b"value" + bound)
    return head + key_nonce + wrapped + nonce + ciphertext


def head_of(generation: int) -> bytes:
    """Return what a value of a generation begins with."""
    return _FORMAT + generation.to_bytes(_GENERATION, "big")


def generation_of(sealed: bytes) -> int:
    """Return the generation of the master key under which a value is sealed; 0 for what has no known form."""
    if sealed[:1] == _FIRST_FORMAT:
        return 1
    return int.from_bytes(sealed[1:HEAD], "big") if sealed[:1] == _FORMAT else 0


def unseal(wrap_key: bytes, binding: Binding, sealed: bytes) -> Secret:
    """Return the plaintext.

    Raises:
        IntegrityError: it was changed, belongs to another row, or was sealed under another key.
    """
    head = sealed[:HEAD] if sealed[:1] == _FORMAT else b""
    start = len(head) or len(_FIRST_FORMAT)
    key_nonce, rest = sealed[start : start + _NONCE], sealed[start + _NONCE :]
    wrapped, nonce, ciphertext = rest[:_WRAPPED], rest[_WRAPPED : _WRAPPED + _NONCE], rest[_WRAPPED + _NONCE :]
    bound = head + binding.encode()
    try:
        if sealed[:1] not in {_FIRST_FORMAT, _FORMAT} or len(ciphertext) < 16:
            raise InvalidTag
        data_key = AESGCM(wrap_key).decrypt(key_nonce, wrapped, b"data-key" + bound)
        return Secret(AESGCM(data_key).decrypt(nonce, ciphertext, b"value" + bound))
    except InvalidTag as error:
        raise not_what_was_written(binding) from error


def not_what_was_written(binding: Binding) -> IntegrityError:
    """Return the error that names a sealed value which does not open."""
    return IntegrityError(
        f"the sealed {binding.field} of version {binding.version} is not what was written", hint="keysweep verify"
    )
