"""SCRAM-SHA-256 verifiers as PostgreSQL stores them (RFC 5802, RFC 7677), made here so that the server never sees a password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_ITERATIONS = 4096
"""PostgreSQL's own default (scram_iterations)."""


def verifier(password: bytes) -> str:
    """Return `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>` with a fresh salt.

    Args:
        password: ASCII, so that no normalisation applies.
    """
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
