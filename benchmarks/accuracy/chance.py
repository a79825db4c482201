"""Random text of the alphabets that vendors use, from a seed; and the checksums of their documentation, written a second time.

The checksums are not taken from `keysweep.rules`: an error there must show here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import string
import uuid
import zlib

ALNUM = string.digits + string.ascii_uppercase + string.ascii_lowercase
URL = ALNUM + "-_"
HEX = "0123456789abcdef"
BASE32 = string.ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"


class Chance(random.Random):
    """A seeded source of keys."""

    def text(self, characters: str, count: int) -> str:
        """Return *count* of some characters."""
        return "".join(self.choices(characters, k=count))

    def alnum(self, count: int) -> str:
        """Return digits and letters."""
        return self.text(ALNUM, count)

    def url(self, count: int) -> str:
        """Return characters of the URL alphabet; a key may well end with a dash."""
        return self.text(URL, count)

    def hexa(self, count: int) -> str:
        """Return small hexadecimal digits."""
        return self.text(HEX, count)

    def digits(self, count: int) -> str:
        """Return a number without leading zero."""
        return self.choice("123456789") + self.text(string.digits, count - 1)

    def lower(self, count: int) -> str:
        """Return digits and small letters."""
        return self.text(string.digits + string.ascii_lowercase, count)

    def upper(self, count: int) -> str:
        """Return digits and capitals."""
        return self.text(string.digits + string.ascii_uppercase, count)

    def letters(self, count: int) -> str:
        """Return letters."""
        return self.text(string.ascii_letters, count)

    def base64(self, count: int) -> str:
        """Return characters of the standard base64 alphabet."""
        return self.text(BASE64, count)

    def base32(self, count: int) -> str:
        """Return capitals and 2 to 7."""
        return self.text(BASE32, count)

    def uuid(self) -> str:
        """Return a random UUID."""
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def jwt(self, claims: dict[str, object]) -> str:
        """Return a JSON web token signed with a key that nobody has."""
        header = {"alg": "HS256", "typ": "JWT"}
        signed = ".".join(unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{signed}.{unpadded(hmac.digest(self.randbytes(32), signed.encode(), 'sha256'))}"


def unpadded(data: bytes) -> str:
    """Return base64 of the URL alphabet without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def crc62(body: str) -> str:
    """Return the CRC-32 of *body* in base 62 (digits, capitals, small letters), six wide: GitHub, npm, Vercel."""
    return _based(zlib.crc32(body.encode()), ALNUM, 6)


def crc36(body: str) -> str:
    """Return the CRC-32 of *body* in base 36, seven wide: GitLab's routable tokens."""
    return _based(zlib.crc32(body.encode()), ALNUM.lower()[:36], 7)


def fine_grained(body: str) -> str:
    """Return what GitHub's fine-grained tokens carry behind their first 76 characters."""
    return base64.b32encode(hashlib.sha256(body.encode()).digest()).decode()[:8]


def atlassian(body: str) -> str:
    """Return the CRC-32 of *body* in capital hexadecimal digits."""
    return format(zlib.crc32(body.encode()), "08X")


def grafana(body: str) -> str:
    """Return the CRC-32 of *body*, least significant byte first."""
    return zlib.crc32(body.encode()).to_bytes(4, "little").hex()


def _based(number: int, digits: str, width: int) -> str:
    made = []
    for _ in range(width):
        number, rest = divmod(number, len(digits))
        made.append(digits[rest])
    return "".join(reversed(made))
