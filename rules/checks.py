"""Named checks that a rule may ask for: a candidate that fails one is no key.

Sources of the algorithms: the vendors' announcements of their token formats, re-verified against public examples.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping

from keysweep.rules.encodings import (
    crc32_base36,
    crc32_base62,
    crc32_hex,
    crc32_hex_little,
    from_base64url,
    sha256_base32,
)

Check = Callable[[str], bool]
"""Whether a candidate passes."""

_PLACEHOLDER_PASSWORD = re.compile(
    r"(?i)^(?:password|passwd|pass|pwd|secret|changeme|change_me|example|user|username|postgres|root|admin|test|xxx+|\*+|\.+"
    r"|your[-_ ]?\w*|my[-_]?\w*password|<.*>|\[.*\]|\{.*\}|\$.*|%.*%|redacted|hidden|dummy|placeholder)$"
)
_URI = re.compile(r"^[a-z][a-z0-9+.-]*://([^:@/\s]*):([^@\s]*)@", re.IGNORECASE)
_FILLER = re.compile(
    r"(?i)(.)\1{7,}|x{6,}|example|placeholder|changeme|redacted|your[-_]?(?:api[-_]?)?(?:key|token)|0123456789abcdef|abcdefghijklm"
)


def entropy(text: str) -> float:
    """Return the Shannon entropy of *text* in bits a character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) if text else 0.0


def is_placeholder(text: str) -> bool:
    """Whether a key-shaped text is filler: long runs of one character, `EXAMPLE`, `your-key`."""
    return _FILLER.search(text) is not None


def _github(token: str) -> bool:
    body = token.partition("_")[2]
    return crc32_base62(body[:-6]) == body[-6:]


def _github_fine_grained(token: str) -> bool:
    return sha256_base32(token[:76]) == token[76:84]


def _gitlab_routable(token: str) -> bool:
    return crc32_base36(token[:-7]) == token[-7:]


def _atlassian(token: str) -> bool:
    return crc32_hex(token[:-8]) == token[-8:]


def _grafana(token: str) -> bool:
    return crc32_hex_little(token[:-9]) == token[-8:].lower()


def _pypi(token: str) -> bool:
    raw = from_base64url(token.removeprefix("pypi-"))
    return raw is not None and raw[:1] == b"\x02" and b"pypi.org" in raw[:32]


def _jwt(token: str) -> bool:
    first, _, rest = token.partition(".")
    try:
        header: object = json.loads(from_base64url(first) or b"")
        claims: object = json.loads(from_base64url(rest.partition(".")[0]) or b"")
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str) and isinstance(claims, dict)


def _uri(uri: str) -> bool:
    found = _URI.match(uri)
    return found is not None and bool(found[2]) and not _PLACEHOLDER_PASSWORD.match(found[2])


def _entropy_3(token: str) -> bool:
    return entropy(token) >= 3.0


def _private_key(text: str) -> bool:
    body = re.sub(r"-----[^-]+-----|\\n|\\r|\s", "", text)
    return len(body) >= 64 and entropy(body) > 3.5


CHECKS: Mapping[str, Check] = {
    "github-crc32": _github,
    "npm-crc32": _github,
    "vercel-crc32": _github,
    "github-fine-grained": _github_fine_grained,
    "gitlab-routable": _gitlab_routable,
    "atlassian-crc32": _atlassian,
    "grafana-crc32": _grafana,
    "pypi-macaroon": _pypi,
    "jwt": _jwt,
    "uri-password": _uri,
    "entropy-3": _entropy_3,
    "private-key": _private_key,
}
"""Checks by the name that a rule uses."""

PROOFS = frozenset(
    {
        "github-crc32",
        "npm-crc32",
        "vercel-crc32",
        "github-fine-grained",
        "gitlab-routable",
        "atlassian-crc32",
        "grafana-crc32",
        "pypi-macaroon",
        "jwt",
    }
)
"""Checks that no text passes by chance: they raise the confidence."""
