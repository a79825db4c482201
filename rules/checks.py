"""Named checks that a rule may ask for: a candidate that fails one is no key.

Sources of the algorithms: the vendors' announcements of their token formats, re-verified against public examples.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise

from keysweep.rules.encodings import (
    crc32_base36,
    crc32_base62,
    crc32_hex,
    crc32_hex_little,
    from_base64url,
    sha256_base32,
)
from keysweep.rules.structure import WebToken, json_in_base64, macaroon, web_token

Check = Callable[[str], bool]
"""Whether a candidate passes."""

_FILLED_IN = (
    r"(?i)^(?:password|passwd|pass|pwd|pw|secret|changeme|change_me|example|user|username|postgres|root|admin|test|xxx+|\*+|\.+"
    r"|tiger|guest|foo|foobar|bar|baz|letmein|qwerty|abc123|p[a4]ssw[o0]rd[0-9]{0,4}|pass[0-9]{1,4}|1234[0-9]*|minioadmin|toor|default|some\w*"
    r"|your[-_ ]?\w*|my[-_]?\w*password|<.*>|\[.*\]|\{.*\}|\$.*|%.*%|redacted|hidden|dummy|placeholder)$"
)
_TELLS_FILLER = r"(?i)pass|pwd|secret|credential|placeholder|dummy|fake|redact|changeme|example|hunter2"
_SHORTEST_PASSWORD, _LONGEST_TOLD = 4, 24
_PERCENT = r"%[0-9A-Fa-f]{2}"
_URI = r"(?i)^[a-z][a-z0-9+.-]*://([^:@/\s]*):([^@\s]*)@"
_SENTRY_SECRET = 20
_LEAST_HEX = 2.6
"""Bits a character; hexadecimal digits by chance have less in one text of millions."""
_WORDS = (
    "example|placeholder|changeme|change-me|change_me|redacted|sample|dummy|notreal|replace|insert|yourkey|your-key|your_key"
    "|yourapikey|your_api|your-api|yourtoken|your_token|your-token|my-api-key|my_api_key|myapikey|my-secret|my_secret|mysecret"
    "|test-key|test_key|testkey|test_token|test-token|fakekey|fake_key|fake-key|fake_token|fake-token|secretkey"
    "|goes[-_]here|(?:key|token|secret|value)[-_]?here|for[-_]?test(?:s|ing)|not[-_]?a?[-_]?real"
    "|your[-_][a-z]{2,12}[-_](?:key|token|secret|api)"
)
_SPELT = rf"{_WORDS}|{_WORDS.upper()}|(?:\A|[-_.])(?:fake|demo|none|FAKE|DEMO|NONE)(?:[-_.]|\Z)|[xX]{{6,}}|__OPENCLAW_REDACTED__"
_STEMS = re.findall(
    r"\S+",
    "example placeholder change redacted sample dummy notreal replace insert your my test fake secretkey demo none xxxxxx here real",
)
"""One of them, in small letters, is in all that `_SPELT` matches."""
_REPEATED = r"(.)\1{7,}|(..)\2{5,}|(...)\3{4,}|(.{4,6})\4{2,}|(.{7,16})\5|(?P<long>.{17,64})(?P=long)"
_AGAIN = 4
"""In all that `_REPEATED` matches, so many characters stand again further on, for so many places in a row."""
_TEMPLATE = re.compile(r"[{}$<>]|\.\.\.|EXAMPLE")
"""What stands in a private key that is to be filled in, or was cut short."""
_LONGEST_LOOK = 512
_LEAST_RUN = 4
_FEWEST = 5
"""Different characters that a key of twenty or more has at least one more of."""


def entropy(text: str) -> float:
    """Return the Shannon entropy of *text* in bits a character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) if text else 0.0


def is_placeholder(text: str) -> bool:
    """Whether a key-shaped text is filler: `EXAMPLE`, `your-key`, one stretch over and over, the alphabet, a handful of characters."""
    head = text[:_LONGEST_LOOK]
    few = len(head) >= 20 and len(set(head)) <= _FEWEST
    return few or _is_spelt(head) or _is_repeated(head) or _is_sequence(head)


def is_monotonous(text: str, bits: float) -> bool:
    """Whether the entropy of *text* is below *bits* a character; mostly told by how many characters are different."""
    length, different = len(text), len(set(text))
    others = length - different + 1
    if length and math.log2(length) - others * math.log2(others) / length >= bits:
        return False
    return entropy(text) < bits


def _is_spelt(text: str) -> bool:
    low = text.lower()
    for stem in _STEMS:
        if stem in low:
            return re.search(_SPELT, text) is not None
    return False


def _is_repeated(text: str) -> bool:
    """Ask the expensive pattern only where a few characters stand again."""
    for at in range(0, len(text) - _AGAIN, _AGAIN):
        if text.find(text[at : at + _AGAIN], at + 1) >= 0:
            return re.search(_REPEATED, text) is not None
    return False


def _is_sequence(text: str) -> bool:
    """Whether half of a text stands in runs; then every second pair of neighbours shows at least a quarter of them."""
    raw = text.encode("utf-8", "replace")
    near = [True for before, char in zip(raw[::2], raw[1::2], strict=False) if -2 < before - char < 2]
    return len(near) * 8 >= len(text) and _in_sequence(text) * 2 >= len(text)


def _in_sequence(text: str) -> int:
    """Count the characters that stand in runs such as `abcdef`, `123456` or `fedcba`."""
    total, run, step = 0, 1, 0
    for before, char in pairwise(text):
        apart = ord(char) - ord(before)
        if apart == step and apart in {1, -1}:
            run += 1
            continue
        total += run if run >= _LEAST_RUN else 0
        run, step = (2, apart) if apart in {1, -1} else (1, 0)
    return total + (run if run >= _LEAST_RUN else 0)


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
    read = macaroon(raw) if raw else None
    return read is not None and read.location in {"pypi.org", "test.pypi.org"} and bool(read.identifier)


def _jwt(token: str) -> bool:
    """Signed, and not made to be public, as the key of a Supabase project's visitors is, or the token of every tutorial."""
    read = web_token(token)
    if read is None or not _is_signed(read):
        return False
    return read.claims.get("role") != "anon" and read.claims.get("sub") != "1234567890"


def _is_signed(token: WebToken) -> bool:
    algorithm = token.header.get("alg")
    return isinstance(algorithm, str) and algorithm.lower() != "none"


def _jwt_at_end(token: str) -> bool:
    return _jwt(token.rpartition("_")[2]) if "_eyJ" not in token else _jwt("eyJ" + token.partition("_eyJ")[2])


def _supabase(token: str) -> bool:
    read = web_token(token)
    return read is not None and _is_signed(read) and read.claims.get("role") == "service_role"


def _bedrock(token: str) -> bool:
    raw = from_base64url(token.removeprefix("ABSK").rstrip("="))
    return raw is not None and raw.startswith(b"BedrockAPIKey")


def _bedrock_short(token: str) -> bool:
    raw = from_base64url(token.removeprefix("bedrock-api-key-").rstrip("="))
    return raw is not None and raw.startswith(b"bedrock.amazonaws.com")


def _onepassword(token: str) -> bool:
    read = json_in_base64(token.removeprefix("ops_"))
    return read is not None and not {"signInAddress", "email", "userAuth", "muk", "secretKey"}.isdisjoint(read)


def _sentry(token: str) -> bool:
    body, _, secret = token.removeprefix("sntrys_").rpartition("_")
    read = json_in_base64(body)
    return read is not None and not {"iat", "url", "org"}.isdisjoint(read) and len(secret) >= _SENTRY_SECRET


def _discord(token: str) -> bool:
    raw = from_base64url(token.partition(".")[0])
    return raw is not None and raw.isdigit() and 15 <= len(raw) <= 20


def _telegram(token: str) -> bool:
    return token[:1] not in {"", "0"} and not is_placeholder(token.partition(":")[2])


def _mapbox(token: str) -> bool:
    read = json_in_base64(token.split(".")[1] if token.count(".") == 2 else "")
    return read is not None and {"u", "a"} <= set(read)


def _mixed(token: str) -> bool:
    """Neither one number, nor a hash, nor words put together: what a key of letters and digits never is."""
    if re.fullmatch(r"[0-9]+|[a-f0-9]+|[A-F0-9]+|[a-z]+|[A-Z]+", token):
        return False
    words = sum(c.isupper() for c in token)
    return any(c.isdigit() for c in token) or not (words <= len(token) // 5 or words >= len(token) - len(token) // 5)


def _base64_key(token: str) -> bool:
    """Neither a hash, nor a path or a name: what 32 or more characters of base64 never are."""
    large = sum(c.isupper() for c in token)
    small = sum(c.islower() for c in token)
    named = not any(c.isdigit() for c in token) and min(large, small) * 5 <= large + small
    return large > 0 < small and not named and token.count("/") <= max(4, len(token) // 5)


def _hex_mixed(token: str) -> bool:
    return any(c.isdigit() for c in token) and any(c.isalpha() for c in token) and entropy(token) >= _LEAST_HEX


def _uri(uri: str) -> bool:
    found = re.match(_URI, uri)
    return found is not None and not _is_placeholder_password(found[2], found[1])


def _is_placeholder_password(password: str, user: str) -> bool:
    """Whether it protects nothing: a letter or three, the user's own name, or words that say what should stand there."""
    plain = re.sub(_PERCENT, "-", password)
    if len(plain) < _SHORTEST_PASSWORD or password.lower() == user.lower() or re.match(_FILLED_IN, password):
        return True
    told = re.search(_TELLS_FILLER, plain) if len(plain) <= _LONGEST_TOLD else None
    return told is not None and not any(char.isdigit() for char in plain.replace(told[0], ""))


def _entropy_3(token: str) -> bool:
    return entropy(token) >= 3.0


def _private_key(text: str) -> bool:
    body = re.sub(r"-{4,5}[^-]+-{4,5}|\\n|\\r|\s>?", "", text)
    return len(body) >= 64 and entropy(body) > 3.5 and not _TEMPLATE.search(body)


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
    "jwt-at-end": _jwt_at_end,
    "supabase-service-role": _supabase,
    "bedrock": _bedrock,
    "bedrock-presigned": _bedrock_short,
    "onepassword-json": _onepassword,
    "sentry-json": _sentry,
    "discord-id": _discord,
    "telegram-id": _telegram,
    "mapbox-json": _mapbox,
    "mixed": _mixed,
    "hex-mixed": _hex_mixed,
    "base64-key": _base64_key,
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
        "jwt-at-end",
        "supabase-service-role",
        "bedrock",
        "bedrock-presigned",
        "onepassword-json",
        "sentry-json",
        "discord-id",
        "mapbox-json",
    }
)
"""Checks that no text passes by chance: they raise the confidence."""
