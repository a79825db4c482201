"""Keys without a format: a telling name, something that assigns, and a value that looks drawn by chance.  Low confidence, low severity.

The engine sees the whole shape (name, separators, the first nine characters up to a digit), so that ordinary source text costs nothing
here; what it lets through is judged by its name and by how random its value looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, final

from keysweep.foundation.secret import Secret
from keysweep.rules.model import AMBIGUOUS, Confidence, RuleId, Severity
from keysweep.scanner.finding import Match, Segment, name_of
from keysweep.scanner.matching.matcher import Gated
from keysweep.scanner.spans import Spans


def _any_of(words: Sequence[str]) -> str:
    """Return a pattern of one of *words*, put together by their first characters: Python then tries few of them at each place."""
    begun: dict[str, list[str]] = {}
    for word in words:
        begun.setdefault(word[0], []).append(word[1:])
    return "(?:" + "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in begun.items()) + ")"


_OF_KEYS = re.findall(
    r"\S+",
    "api access secret private auth account master encrypt(?:ion)? sign(?:ing)? subscription storage shared license client admin service"
    " app deploy session",
)
_OTHERS = re.findall(
    r"\S+", "secret token passw(?:or)?d passphrase pwd credential authorization bearer _key _pat _auth"
)
_WORD = _any_of([*(f"{word}[_.-]?key" for word in _OF_KEYS), *_OTHERS])
_TAIL = r"s?[\w.-]{0,12}"
_SIGNS = r"""[ \t"'`\\\])\[(=:>,]{1,12}"""
_TYPED = r"""(?:(?:value|&?(?:'static )?str(?:ing)?\??)[ \t"'`\\=:>]{1,10})?"""
_BELOW = r"""["'\\]{0,4},?(?:\s|\\{1,3}n){1,24}["'\\]{0,4}value[ \t"'`\\=:>]{1,10}"""
_BETWEEN = f"(?:{_SIGNS}{_TYPED}|{_BELOW})"
_SCHEME = r"(?:(?:bearer|basic|token|apikey)(?: |%20)[\s\"'`]{0,2})?"
_NO_DIGIT = r"[A-Za-z_+/=.~!@#$%^*:-]"
_VALUE = r"[A-Za-z0-9_+/=.~!@#$%^*:-]"
_NO_DATE = _VALUE.replace("-]", "]")
_DRAWN = f"{_SCHEME}(?:{_NO_DIGIT}{{1,24}}[0-9]{_VALUE}{{8}}|[0-9]{_VALUE}{{3}}{_NO_DATE}{_VALUE}{{4}})"
"""Behind the year of a date stands a hyphen; in a list of log lines each one that ends in `tokens` is followed by one."""
GATES = (
    f"(?i){_WORD}{_TAIL}{_SIGNS}{_TYPED}{_DRAWN}".encode(),
    rf"""(?i)[\sn"'\\]value[ \t"'`\\=:>]{{1,10}}{_DRAWN}""".encode(),
    rb"mcpServers|mcp_servers|mcp[-.]servers",
)
"""A value below its name has a gate of its own: the engine drops a name at the first byte that nothing but a value below could follow."""
_SERVERS = 2
_BEFORE, _BEHIND = 128, 520
_NAMED = re.compile(_WORD.encode())
"""Asked of text in small letters: three times as fast as ignoring their case."""
_CONFIRM = re.compile(rf"(?i){_WORD}{_TAIL}(?P<between>{_BETWEEN}){_SCHEME}(?P<value>{_VALUE}{{16,513}})".encode())
_IN_NAMES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$-"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DENIED = frozenset(
    re.findall(
        r"\S+",
        "id ids hash digest sha sha1 sha256 sha512 md5 checksum commit etag trace span request public publishable pub url uri endpoint path file"
        " filename dir name names type kind count counts length len size max min limit usage budget expires expiry expiration ttl date time"
        " timestamp version format pattern regex prefix suffix placeholder csrf xsrf page next continuation cursor sync cancel cancellation"
        " pagination resume class fingerprint thumbprint arn ref reference alias label title description hint algorithm alg nonce salt iv"
        " signature sig integrity hashed encoded encrypted authenticity antiforgery ice resolved sort primary foreign partition object cache idempotency index map tokens tokenizer author authors"
        " change grant verification unit arg args param params field column row lookup error errors message policy scope scopes domain host port region bucket",
    )
)
_STRONG = frozenset(
    re.findall(
        r"\S+",
        "secret token password passwd passphrase pwd credential credentials authorization bearer apikey",
    )
)
_BEFORE_KEY = frozenset(
    re.findall(
        r"\S+",
        "api access secret private auth account master encryption encrypt signing sign subscription storage shared license client admin service"
        " app deploy session",
    )
)
_HEADERS = frozenset({"authorization", "bearer", "xapikey"})
_STRINGS = re.compile(
    rb"(?i)(?:server|host|data source|endpoint|accountname|address|addr|uid|user id)\s?=[^;\n]{1,120};"
)
_NOT_OURS = re.compile(
    r"(?i)(?:package-lock|npm-shrinkwrap|composer|yarn|poetry|cargo|pnpm|pipfile|gemfile|uv|go|flake)[.-](?:lock|sum|json|yaml|lock\.json)$|\.(?:min\.js|map|svg|crt|cer)$"
)
_PLAIN = re.compile(r"(?i)(?:api|access|auth|secret)?[_.-]?(?:key|token)s?$")
"""Ends of names of a vendor's own keys: the rules know how those look, and refused this one."""
_QUOTES = (b'"', b"'", b"`")
_MEMBER = re.compile(rb"[A-Za-z_$]{1,3}\.[A-Za-z_$][A-Za-z0-9_$]*")
"""In a script without spaces, what a short name has for a member."""
_ENDS = b" \t\r\n,;&)}]<|#\"'`\\"
_ALIASES = {
    "hf": "huggingface",
    "gh": "github",
    "co": "cohere",
    "lc": "langsmith",
    "langchain": "langsmith",
    "sfdc": "salesforce",
}
_NO_VENDORS = frozenset({"jwt", "private", "private-key", AMBIGUOUS})


class Likely(NamedTuple):
    """A value that may be a key, with what its surroundings say."""

    start: int
    end: int
    value: bytes
    rule: str
    severity: Severity
    provider: str


@final
class Generic:
    """Judges what the engine let through.

    Args:
        prefixes: public prefixes of keys that the rules know; values that begin with one are the rules' business.
        providers: vendors that a name may tell.
    """

    def __init__(self, prefixes: Sequence[str], providers: Sequence[str]) -> None:
        self._known = tuple(
            prefix.encode() for prefix in prefixes if len(prefix) >= 3 and prefix not in {"sk-", "sk_", "pk-"}
        )
        self._providers = frozenset(providers) - _NO_VENDORS

    def find(self, segment: Segment, spots: Sequence[Gated]) -> Sequence[Match]:
        """Return likely keys around the places of the gates, in order."""
        if _NOT_OURS.search(name_of(segment.origin)):
            return ()
        found = [likely for likely in self._all(segment.data, spots) if not likely.value.startswith(self._known)]
        taken = Spans()
        kept = [likely for likely in found if taken.take(likely.start, likely.end)]
        return [_match(likely) for likely in sorted(kept)]

    def provider_of(self, *names: str) -> str:
        """Return the vendor that the first telling name begins with; `ambiguous` if none is known."""
        for name in names:
            words = [word.lower() for word in _WORDS.findall(name)]
            for count in (2, 1):
                for at in range(max(len(words) - count + 1, 0)):
                    joined = "".join(words[at : at + count])
                    vendor = _ALIASES.get(joined, joined)
                    if vendor in self._providers:
                        return vendor
        return AMBIGUOUS

    def _all(self, data: bytes, spots: Sequence[Gated]) -> Iterator[Likely]:
        """Yield the surest first: structure before names."""
        if any(spot.number == _SERVERS for spot in spots):
            from keysweep.scanner.mcp_config import servers_in

            for place, value, names in servers_in(data, [s.end for s in spots if s.number == _SERVERS]):
                yield Likely(place, place + len(value), value, "generic-mcp", Severity.MEDIUM, self.provider_of(*names))
        yield from self._assigned(data, sorted({spot.end for spot in spots if spot.number != _SERVERS}))

    def _assigned(self, data: bytes, places: Sequence[int]) -> Iterator[Likely]:
        done = 0
        for place in places:
            if place <= done:
                continue
            low = max(place - _BEFORE, done)
            for word in _NAMED.finditer(data[low:place].lower()):
                match = _CONFIRM.match(data, low + word.start(), place + _BEHIND)
                if match is None or match.end() < place:
                    continue
                if (likely := self._judged(data, match)) is not None:
                    yield likely
                    done = likely.end
                break

    def _judged(self, data: bytes, match: re.Match[bytes]) -> Likely | None:
        from keysweep.scanner.randomness import looks_random

        before = data[max(match.start() - 40, 0) : match.start()]
        name = data[match.start() - len(before) + len(before.rstrip(_IN_NAMES)) : match.start("between")].decode(
            "latin-1"
        )
        between = match["between"]
        rule = _telling(name, between)
        if rule is None:
            return None
        start = match.start("value")
        end = _end(
            data,
            start,
            match.end("value"),
            quoted=between.rstrip()[-1:] in _QUOTES and match.start("value") == match.end("between"),
        )
        if end is None or (between == b":" and _MEMBER.fullmatch(data, start, end)):
            return None
        value = data[start:end]
        if value.startswith(self._known):
            return None
        basic = data[match.end("between") : start].lower().startswith(b"basic")
        if not (_is_basic(value) if basic else looks_random(value.decode("latin-1"))):
            return None
        line = data[max(start - 300, 0) : start].rpartition(b"\n")[2]
        if rule == "generic-assignment" and _STRINGS.search(line):
            rule = "generic-connection-string"
        severity = Severity.LOW if rule == "generic-assignment" else Severity.MEDIUM
        provider = self.provider_of(_own(name))
        if provider != AMBIGUOUS and _PLAIN.search(name):
            return None
        return Likely(start, end, value, rule, severity, provider)


@lru_cache(maxsize=1024)
def _telling(name: str, between: bytes) -> str | None:
    """Return the rule that a name stands for; None if it tells of something else, or nothing assigns."""
    words = [word.lower() for word in _WORDS.findall(_own(name))]
    if not words or _DENIED.intersection(words):
        return None
    if not _assigns(name, between):
        return None
    joined = "".join(words)
    if joined in _HEADERS:
        return "generic-authorization"
    if _STRONG.intersection(words) or joined.endswith("apikey"):
        return "generic-assignment"
    if words[-1] in {"key", "keys"} and len(words) > 1 and words[-2] in _BEFORE_KEY:
        return "generic-assignment"
    shouted = _own(name).isupper() and words[-1] in {"key", "pat", "auth"}
    return "generic-assignment" if shouted and len(words) > 1 else None


def _assigns(name: str, between: bytes) -> bool:
    """Whether what stands between a name and a value makes the one the other's; a comma does between quoted texts only."""
    if any(sign in between for sign in (b"=", b":", b">")):
        return True
    quoted = between.rstrip()[-1:] in _QUOTES
    if b"," in between or b"(" in between:
        return quoted and between.startswith((*_QUOTES, b"\\", b"("))
    return name.startswith("--") or name.lower() == "bearer"


def _own(name: str) -> str:
    """Return a name without what it is a member of."""
    return name.rstrip(".").rpartition(".")[2]


def _end(data: bytes, start: int, end: int, *, quoted: bool) -> int | None:
    """Return where a value ends; None if it is only the beginning of something else, as of a call or a sentence."""
    if end - start > 512:
        return None
    if quoted:
        return end if data[end : end + 1] in (b'"', b"'", b"`", b"\\", b"") else None
    while end > start and data[end - 1] in b".:!":
        end -= 1
    return end if end >= len(data) or data[end] in _ENDS or data[end] in b".:!" else None


def _is_basic(value: bytes) -> bool:
    """Whether it is `user:password` in base64, and the password is none of those that examples have."""
    import base64
    import binascii

    from keysweep.rules.checks import CHECKS
    from keysweep.scanner.randomness import is_filler

    if is_filler(value.decode("latin-1")):
        return False
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    user, _, password = text.partition(":")
    return bool(user) and text.isprintable() and len(password) >= 8 and CHECKS["uri-password"](f"http://u:{password}@h")


def _match(likely: Likely) -> Match:
    return Match(
        rule=RuleId(likely.rule),
        provider=likely.provider,
        severity=likely.severity,
        confidence=Confidence.GENERIC,
        prefix="",
        start=likely.start,
        end=likely.end,
        secret=Secret(likely.value),
    )
