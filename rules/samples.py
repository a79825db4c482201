"""Expand example templates into synthetic keys, so that nothing that looks like a live key is ever committed.

A template is text with fields in braces: `{A-Za-z0-9_-:93}` is 93 random characters of a class, `{=crc32-base62}` a checksum
over the token so far, `{uuid}` a random UUID, `{{` a brace; `{jwt}`, `{pypi}` and the other names of `_MAKERS` are keys that carry a
structure.
"""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import quote

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
    if (make := _MAKERS.get(field)) is not None:
        return make(seed)
    inside, _, count = field.rpartition(":")
    if not inside or not count.isdecimal():
        msg = f"unknown field {{{field}}}"
        raise ValueError(msg)
    return "".join(seed.choices(characters(inside), k=int(count)))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _json(**values: object) -> str:
    return _base64url(json.dumps(values, separators=(",", ":")).encode())


def _some(seed: random.Random, inside: str, count: int) -> str:
    return "".join(seed.choices(characters(inside), k=count))


def _uuid(seed: random.Random) -> str:
    return str(uuid.UUID(int=seed.getrandbits(128), version=4))


def _jwt(seed: random.Random, **claims: object) -> str:
    claims = claims or {"sub": str(seed.getrandbits(48)), "iat": 1700000000, "role": "service"}
    return ".".join((_json(alg="HS256", typ="JWT"), _json(**claims), _base64url(seed.randbytes(32))))


def _supabase(role: str) -> Callable[[random.Random], str]:
    def make(seed: random.Random) -> str:
        return _jwt(seed, iss="supabase", ref=_some(seed, "a-z", 20), role=role, iat=1700000000, exp=2015000000)

    return make


def _macaroon(location: str) -> Callable[[random.Random], str]:
    def field(kind: int, value: bytes) -> bytes:
        return bytes([kind, len(value)]) + value

    def make(seed: random.Random) -> str:
        own = field(1, location.encode()) + field(2, _uuid(seed).encode()) + b"\0"
        caveat = field(2, json.dumps([3, _uuid(seed)]).encode()) + b"\0"
        return "pypi-" + _base64url(b"\x02" + own + caveat * seed.randrange(2) + b"\0" + field(6, seed.randbytes(32)))

    return make


def _bedrock(seed: random.Random) -> str:
    name = f"BedrockAPIKey-{_some(seed, 'a-z0-9', 4)}-at-{_some(seed, '1-9', 12)}"
    return "ABSK" + base64.b64encode(f"{name}:{_some(seed, 'A-Za-z0-9+/', 44)}".encode()).decode()


def _bedrock_short(seed: random.Random) -> str:
    token = quote(base64.b64encode(seed.randbytes(180)).decode(), safe="")
    url = (
        "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA"
        f"{_some(seed, 'Q-Z2-7', 16)}%2F20261124%2Fus-east-1%2Fbedrock%2Faws4_request&X-Amz-Date=20261124T100000Z&X-Amz-Expires=43200"
        f"&X-Amz-Security-Token={token}&X-Amz-Signature={seed.randbytes(32).hex()}&X-Amz-SignedHeaders=host&Version=1"
    )
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode()


def _onepassword(seed: random.Random) -> str:
    return "ops_" + _json(
        signInAddress="team.1password.com",
        userAuth={
            "method": "SRPg-4096",
            "alg": "PBES2g-HS256",
            "iterations": 650000,
            "salt": _some(seed, "A-Za-z0-9", 22),
        },
        email=f"{_some(seed, 'a-z2-7', 13)}@1passwordserviceaccounts.com",
        srpX=seed.randbytes(32).hex(),
        muk={"alg": "A256GCM", "k": _base64url(seed.randbytes(32)), "kty": "oct"},
        secretKey=f"A3-{_some(seed, 'A-Z2-9', 6)}-{_some(seed, 'A-Z2-9', 26)}",
        throttleSecret={"seed": seed.randbytes(32).hex(), "uuid": _some(seed, "A-Z2-7", 26)},
    )


def _sentry(seed: random.Random) -> str:
    read = {
        "iat": 1700000000.5,
        "url": "https://sentry.io",
        "region_url": "https://us.sentry.io",
        "org": _some(seed, "a-z", 8),
    }
    secret = base64.b64encode(seed.randbytes(32)).decode().rstrip("=")
    return f"sntrys_{base64.b64encode(json.dumps(read).encode()).decode()}_{secret}"


def _discord(seed: random.Random) -> str:
    bot = str(seed.randrange(10**17, 10**18 * 12 // 10))
    return f"{_base64url(bot.encode())}.{_some(seed, 'A-Za-z0-9_-', 6)}.{_some(seed, 'A-Za-z0-9_-', 38)}"


def _grafana_cloud(seed: random.Random) -> str:
    return "glc_" + _json(
        o=_some(seed, "1-9", 6), n=f"stack-{_some(seed, 'a-z', 6)}", k=_some(seed, "A-Za-z0-9", 24), m={"r": "eu"}
    )


def _mapbox(seed: random.Random) -> str:
    return f"sk.{_json(u=_some(seed, 'a-z', 8), a='cl' + _some(seed, 'a-z0-9', 23))}.{_some(seed, 'A-Za-z0-9_-', 22)}"


_MAKERS: Mapping[str, Callable[[random.Random], str]] = {
    "uuid": _uuid,
    "jwt": _jwt,
    "supabase": _supabase("service_role"),
    "supabase-anon": _supabase("anon"),
    "pypi": _macaroon("pypi.org"),
    "testpypi": _macaroon("test.pypi.org"),
    "bedrock": _bedrock,
    "bedrock-presigned": _bedrock_short,
    "onepassword": _onepassword,
    "sentry": _sentry,
    "discord": _discord,
    "grafana-cloud": _grafana_cloud,
    "mapbox": _mapbox,
}
"""Keys that carry a structure, by the name of their field."""
