"""Master-key slots: each wraps the same random master key under a key of its own.  Sub-keys have one use each (HKDF)."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keysweep.foundation.errors import DeniedError, UsageError

_KEY_FILE_MARK = b"keysweep-key-v1:"
_NONCE = 12


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SubKeys:
    """Keys derived from the master key, 32 bytes each."""

    wrap: bytes
    fingerprint: bytes
    audit: bytes
    signing: bytes

    @classmethod
    def derive(cls, master: bytes, tenant: str) -> SubKeys:
        """Derive them by HKDF-SHA256 (RFC 5869) with a label a use and the store's name as salt."""

        def sub(label: str) -> bytes:
            return HKDF(
                algorithm=SHA256(), length=32, salt=tenant.encode(), info=f"keysweep/{label}/v1".encode()
            ).derive(master)

        return cls(wrap=sub("wrap"), fingerprint=sub("fingerprint"), audit=sub("audit"), signing=sub("signing"))


def new_master_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(32)


def wrap_master(kek: bytes, master: bytes, *, slot: str, tenant: str) -> bytes:
    """Return nonce and the master key, sealed under a slot's key and bound to slot and store."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(kek).encrypt(nonce, master, f"keysweep-slot-v1\n{slot}\n{tenant}".encode())


def unwrap_master(kek: bytes, wrapped: bytes, *, slot: str, tenant: str) -> bytes | None:
    """Return the master key, None if *kek* does not open this slot."""
    try:
        return AESGCM(kek).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], f"keysweep-slot-v1\n{slot}\n{tenant}".encode())
    except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
        return None


def create_key_file(path: Path) -> bytes:
    """Make a key file with mode 0600 and return its key; never overwrites.

    Raises:
        UsageError: it cannot be made there.
    """
    key = AESGCM.generate_key(bit_length=256)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_KEY_FILE_MARK + base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        msg = f"cannot make the key file {path}: {error.strerror}"
        raise UsageError(msg) from error
    return key


def read_key_file(path: Path) -> bytes:
    """Return the key of a key file.

    Raises:
        DeniedError: it is missing, open to others, a link, or not a key file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        msg = f"cannot read the key file {path}: {error.strerror}"
        raise DeniedError(msg, hint="say where it is with --key-file or KEYSWEEP_KEY_FILE") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            msg = f"the key file {path} is open to other users"
            raise DeniedError(msg, hint=f"chmod 600 {path}")
        content = file.read(256).strip()
    try:
        key = base64.b64decode(content.removeprefix(_KEY_FILE_MARK), validate=True)
    except ValueError:
        key = b""
    if not content.startswith(_KEY_FILE_MARK) or len(key) != 32:
        msg = f"{path} is not a keysweep key file"
        raise DeniedError(msg)
    return key
