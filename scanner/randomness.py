"""Whether a text looks drawn by chance, as keys are, or made by people: words, identifiers, paths, dates, filler, hashes of something.

Pure, without a dictionary: shares of digits and cases, how often the kind of character changes, and the pairs of letters that words have.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from keysweep.rules.checks import entropy, is_placeholder
from keysweep.rules.words import in_words, is_a_name

SHORTEST, LONGEST = 16, 512
_NAMED = 0
"""Bits that make a value a name: none more than chance, unlike behind a prefix of a vendor, for most of what stands in quotes is one."""
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_FILLER = re.compile(
    r"(?i)examp|sampl|dummy|fake|mock|place_?hold|change[-_]?(?:me|it)|replace|insert|redact|masked|hidden|your|secret|passw"
    r"|token|api_?key|test|demo|foobar|lorem|qwerty|deadbeef|c0ffee|cafebabe|invalid|expired|(?:private|public)_?key|wJalrXUtnFEMI|je7MtGbClwBF|xxx|(.)\1{4}"
)
_PUBLISHED = frozenset(
    re.findall(
        r"\S+",
        "2YotnFZFEjr1zCsicMWpAA tGzv3JOkF0XG5Qx2TlKWIA czZCaGRSa3F0MzpnWDFmQmF0M2JW gX1fBat3bV7Fjfp3BqZ5f3 ad180jjd733klru7"
        " d41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709"
        " 5f4dcc3b5aa765d61d8327deb882cf99 5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    )
)
"""Examples of the standards, repeated in the documentation of every library; hashes of nothing and of `password`."""
_SEALED = re.compile(
    r"\$(?:2[abxy]?|5|6|1|y|argon2\w*|pbkdf2\w*|scrypt)\$|\{(?:S?SHA\d*|S?MD5|CRYPT)\}|ENC\[|vault:v\d|(?:sha|md)\d+[-:=]"
    r"|(?i:pbkdf2|scrypt|bcrypt|argon2)|oc-sent-|0x|data:|BAh[7bo]|(?:A(?:KIA|SIA|BIA|CCA|ROA|IDA)|A3T[A-Z0-9])[A-Z0-9]{16}$|(?:SK|AC)[0-9a-f]{32}$|p[kh][-_c]|ssh-|AAAA[BCE]3Nz|MI[IGH][A-Za-z0-9]{5}"
)
"""Values that are sealed, hashed or public already."""
_PATH = re.compile(
    r"(?i)[~.]{0,2}/|[a-z]:[\\/]|[a-z][a-z0-9+.-]*://|www\.|[\w.-]+\.(?:com|net|org|io|dev|py|js|ts|go|json|ya?ml|txt|pem|key)\b"
)
_PARTS = re.compile(r"[^A-Za-z0-9]+")


def looks_random(value: str, *, word_like: float = 0.4) -> bool:
    """Whether *value* could be a key without a format of its own.

    Args:
        value: the whole text between its quotes or separators.
        word_like: share of its letters and digits that may stand in what looks like words.
    """
    if not SHORTEST <= len(value) <= LONGEST or is_filler(value):
        return False
    if _UUID.search(value) or _SEALED.match(value) or _PATH.match(value) or _climbs(value):
        return False
    solid = _PARTS.sub("", value)
    if len(solid) < 0.7 * len(value) or solid.isalpha() or solid.isdigit():
        return False
    if entropy(value) < _least_entropy(value) or in_words(value) > word_like * len(solid):
        return False
    return _changes(solid) and _whole(value, solid) and not is_a_name(value, certain=_NAMED)


def is_filler(text: str) -> bool:
    """Whether a text says of itself that it stands for a key, or repeats itself."""
    return _FILLER.search(text) is not None or is_placeholder(text) or text in _PUBLISHED


def _least_entropy(value: str) -> float:
    """Three quarters of what a random text of this length and alphabet has."""
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", value):
        size = (
            16 if len(value) >= 32 else 1 << 30
        )  # a short hexadecimal text is too often a number or the beginning of a hash
    elif value.lower() == value or value.upper() == value:
        size = 36
    else:
        size = 62
    return 0.75 * min(math.log2(len(value)), math.log2(size)) if size < 1 << 30 else 5.0


def _changes(solid: str) -> bool:
    """Whether small letters, capitals and digits alternate as often as by chance."""
    kinds = [0 if c.isdigit() else 1 if c.islower() else 2 for c in solid]
    share = sum(a != b for a, b in pairwise(kinds)) / len(solid)
    return share >= (0.3 if len(set(kinds)) == 3 else 0.12)


def _whole(value: str, solid: str) -> bool:
    """Whether most of it is of one piece: names are made of short pieces with hyphens or dots between."""
    if re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", value) and not value.islower():
        return True
    if max(map(len, _PARTS.split(value))) >= SHORTEST and len({c.isupper() for c in value if c.isalpha()}) == 2:
        return True
    mixed = sum(
        len(part) for part in _PARTS.split(value) if len(part) >= 6 and not part.isalpha() and not part.isdigit()
    )
    return mixed >= 0.6 * len(solid)


def _climbs(value: str) -> bool:
    """Whether five characters or more follow each other as in the alphabet, or in a row of digits."""
    steps, low = 0, value.lower()
    for a, b in pairwise(low):
        steps = steps + 1 if ord(b) - ord(a) == 1 else 0
        if steps >= 4:
            return True
    return False
