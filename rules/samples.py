"""Expand example templates into synthetic keys, so that nothing that looks like a live key is ever committed.

A template is text with fields in braces: `{A-Za-z0-9_-:93}` is 93 random characters of a class, `{=crc32-base62}` a checksum
over the token so far, `{uuid}` a random UUID, `{jwt}` a JSON web token, `{{` a brace.
"""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections.abc import Callable, Mapping

from keysweep.rules.encodings import crc32_base36, crc32_base62, crc32_hex, crc32_hex_little, sha256_base32
from keysweep.rules.model import Rule

_FIELD = re.compile(r"\{\{|\{([^{}]+)\}")
_START = re.compile(r"[\s'\":,<>()]")
_SUMS: Mapping[str, Callable[[str], str]] = {
    "crc32-base62": lambda token: crc32_base62(token.split("_", 1)[1]),
    "crc32-base36": crc32_base36,
    "crc32-hex": crc32_hex,
    "crc32-hex-little": lambda token: crc32_hex_little(token[:-1]),
    "sha256-base32": sha256_base32,
}


def characters(inside: str) -> str:
    """Return the characters of a class: `a-f0-9` is `abcdef0123456789`."""
    found, position = "", 0
    while position < len(inside):
        if position + 2 < len(inside) and inside[position + 1] == "-":
            found += "".join(chr(c) for c in range(ord(inside[position]), ord(inside[position + 2]) + 1))
            position += 3
        else:
            found += inside[position]
            position += 1
    return found


def expand(template: str, seed: random.Random) -> str:
    """Return one text that the template describes.

    Raises:
        ValueError: a field is unknown.
    """
    made, last = "", 0
    for field in _FIELD.finditer(template):
        made += template[last : field.start()]
        made += "{" if field[1] is None else _field(field[1], made, seed)
        last = field.end()
    return made + template[last:]


def generate(rule: Rule, seed: random.Random) -> str:
    """Return one synthetic example of a rule, with its surroundings if the template has any."""
    return expand(seed.choice(rule.examples), seed)


def mutate(token: str, seed: random.Random) -> str:
    """Change one letter or digit among the last twenty, so that a checksum no longer fits."""
    places = [i for i in range(max(0, len(token) - 20), len(token)) if token[i].isalnum()]
    place = seed.choice(places)
    other = seed.choice([c for c in "abcdefABCDEF0123456789" if c != token[place]])
    return token[:place] + other + token[place + 1 :]


def _field(field: str, made: str, seed: random.Random) -> str:
    if field.startswith("="):
        token = _START.split(made)[-1]
        return _SUMS[field[1:]](token)
    if field == "uuid":
        return str(uuid.UUID(int=seed.getrandbits(128), version=4))
    if field == "jwt":
        return _jwt(seed)
    inside, _, count = field.rpartition(":")
    if not inside or not count.isdecimal():
        msg = f"unknown field {{{field}}}"
        raise ValueError(msg)
    return "".join(seed.choices(characters(inside), k=int(count)))


def _jwt(seed: random.Random) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    header = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    claims = json.dumps({"sub": str(seed.getrandbits(48)), "iat": 1700000000, "role": "service"}).encode()
    return ".".join((part(header), part(claims), part(seed.randbytes(32))))
