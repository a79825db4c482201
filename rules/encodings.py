"""Number systems and hashes that vendors build their checksums from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def to_base(number: int, digits: str, width: int) -> str:
    """Return *number* in the system of *digits*, padded on the left to *width*."""
    text = ""
    while number:
        number, rest = divmod(number, len(digits))
        text = digits[rest] + text
    return text.rjust(width, digits[0])


def crc32_base62(text: str) -> str:
    """Return the CRC-32 of *text* as six base-62 digits, as GitHub, npm and Vercel append it."""
    return to_base(zlib.crc32(text.encode()), BASE62, 6)


def crc32_base36(text: str) -> str:
    """Return the CRC-32 of *text* as seven base-36 digits, as GitLab's routable tokens append it."""
    return to_base(zlib.crc32(text.encode()), BASE36, 7)


def crc32_hex(text: str) -> str:
    """Return the CRC-32 of *text* as eight upper-case hexadecimal digits, as Atlassian appends it."""
    return f"{zlib.crc32(text.encode()):08X}"


def crc32_hex_little(text: str) -> str:
    """Return the CRC-32 of *text*, least significant byte first, as eight hexadecimal digits, as Grafana appends it."""
    return zlib.crc32(text.encode()).to_bytes(4, "little").hex()


def sha256_base32(text: str) -> str:
    """Return the first eight base-32 digits of the SHA-256 of *text*, as in GitHub's fine-grained tokens."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest())[:8].decode()


def from_base64url(text: str) -> bytes | None:
    """Decode base64url with or without padding; None if it is none."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
