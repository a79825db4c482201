"""What is written inside of keys that carry a structure: macaroons, web tokens, JSON in base64.  Garbage reads as None."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from keysweep.rules.encodings import from_base64url

_END, _LOCATION, _IDENTIFIER, _VERIFICATION, _SIGNATURE = 0, 1, 2, 4, 6
_SIGNATURE_BYTES = 32


class WebToken(NamedTuple):
    """The readable parts of a JSON web token."""

    header: Mapping[str, object]
    claims: Mapping[str, object]


class Macaroon(NamedTuple):
    """The readable parts of a macaroon of version 2."""

    location: str
    identifier: bytes
    caveats: int


def web_token(text: str) -> WebToken | None:
    """Read a JSON web token."""
    first, _, rest = text.partition(".")
    header, claims = json_in_base64(first), json_in_base64(rest.partition(".")[0])
    return None if header is None or claims is None else WebToken(header, claims)


def json_in_base64(text: str) -> Mapping[str, object] | None:
    """Read a JSON object in base64 of either alphabet."""
    try:
        value: object = json.loads(from_base64url(text.rstrip("=")) or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def macaroon(raw: bytes) -> Macaroon | None:
    """Read a macaroon of version 2: sections of fields, the caveats' after the macaroon's own, a signature at the end."""
    if raw[:1] != b"\x02":
        return None
    location, identifier, caveats, at = b"", b"", -1, 1
    while True:
        section: dict[int, bytes] = {}
        while raw[at : at + 1] != bytes([_END]):
            field = _field(raw, at)
            if field is None or field[0] in section or field[0] not in {_LOCATION, _IDENTIFIER, _VERIFICATION}:
                return None
            kind, value, at = field
            section[kind] = value
        at += 1
        if not section:
            break
        if _IDENTIFIER not in section:
            return None
        if caveats < 0:
            location, identifier = section.get(_LOCATION, b""), section[_IDENTIFIER]
        caveats += 1
    signature = _field(raw, at)
    if caveats < 0 or signature is None or signature[0] != _SIGNATURE or len(signature[1]) != _SIGNATURE_BYTES:
        return None
    if signature[2] != len(raw):
        return None
    return Macaroon(location.decode("utf-8", "replace"), identifier, caveats)


def _field(raw: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Read one field: its type, its bytes, and where the next one begins."""
    kind, at = raw[at] if at < len(raw) else -1, at + 1
    length, shift = 0, 0
    while True:
        if at >= len(raw) or shift > 21:
            return None
        byte, at = raw[at], at + 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return (kind, raw[at : at + length], at + length) if at + length <= len(raw) else None
