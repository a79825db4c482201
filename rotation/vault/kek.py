"""Keys of a store: the master key's sub-keys with one use each (HKDF), and the key pairs of slots that the master is sealed to.

A slot's own key (`slots/`) seals the private half of the slot's key pair.  The master key is sealed to the public half, so
that a new master key reaches every slot without one of them being at hand (ADR 0021).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_PUBLIC = 32


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SubKeys:
    """Keys derived from one master key, 32 bytes each."""

    wrap: bytes
    fingerprint: bytes
    audit: bytes
    signing: bytes
    ring: bytes
    """Authenticates the slots and the generations."""

    @classmethod
    def derive(cls, master: bytes, tenant: str) -> SubKeys:
        """Derive them by HKDF-SHA256 (RFC 5869) with a label a use and the store's name as salt."""

        def sub(label: str) -> bytes:
            return HKDF(
                algorithm=SHA256(), length=32, salt=tenant.encode(), info=f"keysweep/{label}/v1".encode()
            ).derive(master)

        return cls(
            wrap=sub("wrap"),
            fingerprint=sub("fingerprint"),
            audit=sub("audit"),
            signing=sub("signing"),
            ring=sub("ring"),
        )


def new_master_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(32)


def wrap_master(kek: bytes, master: bytes, *, slot: str, tenant: str) -> bytes:
    """Return nonce and key, sealed under a slot's key and bound to slot and store: in a slot without a key pair, the master."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(kek).encrypt(nonce, master, _old_place(slot, tenant))


def unwrap_master(kek: bytes, wrapped: bytes, *, slot: str, tenant: str) -> bytes | None:
    """Return the master key, None if *kek* does not open this slot."""
    return _opened(kek, wrapped, _old_place(slot, tenant))


def new_pair() -> tuple[bytes, bytes]:
    """Return the private and the public half of a new key pair (X25519, RFC 7748), 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def wrap_private(kek: bytes, private: bytes, *, slot: str, tenant: str, params: str) -> bytes:
    """Return nonce and private half, sealed under a slot's key and bound to slot, store and the slot's parameters."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(kek).encrypt(nonce, private, _place(slot, tenant, params))


def unwrap_private(kek: bytes, wrapped: bytes, *, slot: str, tenant: str, params: str) -> bytes | None:
    """Return the private half, None if *kek* does not open this slot."""
    return _opened(kek, wrapped, _place(slot, tenant, params))


def seal_master(public: bytes, master: bytes, *, slot: str, tenant: str, generation: int) -> bytes:
    """Return an ephemeral public key, nonce and the master key, sealed to a slot's pair and bound to slot and generation."""
    ephemeral = X25519PrivateKey.generate()
    own = ephemeral.public_key().public_bytes_raw()
    key = _agreed(ephemeral, public, own + public)
    nonce = os.urandom(_NONCE)
    return own + nonce + AESGCM(key).encrypt(nonce, master, _sealed_place(slot, tenant, generation))


def unseal_master(private: bytes, sealed: bytes, *, slot: str, tenant: str, generation: int) -> bytes | None:
    """Return the master key, None if it was sealed to another pair or place."""
    pair = X25519PrivateKey.from_private_bytes(private)
    ephemeral, rest = sealed[:_PUBLIC], sealed[_PUBLIC:]
    try:
        key = _agreed(pair, ephemeral, ephemeral + pair.public_key().public_bytes_raw())
    except ValueError:  # no public key, or one that gives no secret
        return None
    return _opened(key, rest, _sealed_place(slot, tenant, generation))


def _agreed(private: X25519PrivateKey, public: bytes, both: bytes) -> bytes:
    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    return HKDF(algorithm=SHA256(), length=32, salt=both, info=b"keysweep/slot-master/v1").derive(shared)


def _opened(key: bytes, wrapped: bytes, place: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], place)
    except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
        return None


def _old_place(slot: str, tenant: str) -> bytes:
    return f"keysweep-slot-v1\n{slot}\n{tenant}".encode()


def _place(slot: str, tenant: str, params: str) -> bytes:
    return f"keysweep-slot-v2\n{slot}\n{tenant}\n{params}".encode()


def _sealed_place(slot: str, tenant: str, generation: int) -> bytes:
    return f"keysweep-master-v1\n{slot}\n{tenant}\n{generation}".encode()
