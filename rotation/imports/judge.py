"""Tell keys from the other values that stand beside them, and whose keys they are: by the rules, then by names, then by chance."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, urlsplit

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Given, Reason
from keysweep.rules.checks import is_placeholder
from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner.matching.describe import describe
from keysweep.scanner.randomness import looks_random

CUSTOM = "custom"
"""Provider of a value that no rule and no name assigns to a vendor."""
_LONGEST = 64 << 10
_SCHEMES = re.compile(r"(?i)^(?:bearer|token|apikey)\s+(?=\S+$)")
_SWITCHES = frozenset({
    "true", "false", "yes", "no", "on", "off", "null", "none", "nil", "undefined", "enabled", "disabled", "auto",
    "default", "debug", "info", "warn", "warning", "error", "development", "dev", "staging", "production", "prod",
    "test", "local", "localhost",
})  # fmt: skip
_NUMBER = re.compile(
    r"[+-]?\d[\d.,_]*(?: ?(?:ms|s|m|h|d|[kmgt]i?b?|%))?|\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?|\d{1,2}:\d\d(?::\d\d)?",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"(?s)\$\{.*\}|\$\(.*\)|\$[A-Za-z_]\w*|%\w+%|\{\{.*\}\}|<%.*%>|\$\{\{.*"
    r"|(?:op|doppler|vault|secret|secretref|keychain|awssm|gcpsm|akv|ssm|env|file|exec|ref\+\w+)://\S+"
    r"|arn:aws[\w-]*:(?:secretsmanager|ssm|kms):\S+|vault:[\w/-]+#[\w.-]+|projects/[^/\s]+/secrets/\S+"
)
_SEALED = re.compile(
    r"\$(?:2[abxy]?|5|6|1|y|argon2\w*|pbkdf2\w*|scrypt)\$.+|ENC\[.+|(?:vault|kms):v\d.+|\{(?:SSHA|SHA|MD5|CRYPT)\d*\}.+"
    r"|\$ANSIBLE_VAULT;.+|oc-sent-v\d.*end|-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED FILE)-----.+",
    re.DOTALL,
)
_PUBLIC = re.compile(
    r"-----BEGIN (?:CERTIFICATE|[A-Z ]*PUBLIC KEY|X509 CRL)-----.+|ssh-(?:rsa|ed25519|dss) .+|ecdsa-sha2-\S+ .+",
    re.DOTALL,
)
_FILLER = re.compile(
    r"(?i)<[^<>]*>|\*{3,}|\.{3,}|x{4,}|change[-_ ]?(?:me|it|this).*|(?:[a-z]{2,8}[-_])*(?:your|insert|replace|enter)[-_ ].*|.*[-_ ]here"
    r"|(?:sk|pk|ghp)[-_.]*\.{3}|__\w*redacted\w*__|\[?(?:redacted|masked|hidden|filtered)\]?|todo|tbd|n/?a|placeholder.*|example.*|dummy.*"
)
_PATH = re.compile(
    r"(?:[~.]{1,2}|[A-Za-z]:)?[/\\](?:[\w .@+-]+[/\\])*[\w .@+-]*|[\w-]+(?:/[\w.-]+)*\.(?:pem|key|crt|json|ya?ml|toml|sock|db|sqlite3?|py|js|ts|sh|log|txt)"
)
_ROOTS = ("/", "./", "../", "~/")
_LONG_NUMBER, _PASSWORD = 64, 7
"""Characters up to which digits are a number; where a key is expected, more of them are a password."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:[\w-]+\.)+[A-Za-z]{2,}(?::\d+)?(?:/\S*)?|localhost(?::\d+)?|[^\s@]+@(?:[\w-]+\.)+[A-Za-z]{2,}|[\d.]+(?::\d+)?|[0-9a-f:]*::[0-9a-f:]*"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SAYS_KEY = frozenset({
    "key", "keys", "apikey", "token", "tokens", "secret", "secrets", "password", "passwd", "passwort", "passphrase",
    "pwd", "pass", "credential", "credentials", "auth", "authorization", "pat", "bearer", "dsn", "signing", "private",
    "salt", "pepper", "webhook", "cookie", "pin", "otp", "sid", "connectionstring", "jwt", "hmac", "license",
})  # fmt: skip
_SAYS_PUBLIC = frozenset({
    "public", "pub", "fingerprint", "checksum", "sha", "sha256", "digest", "etag",
})  # fmt: skip
_ENDS_PLAIN = frozenset({
    "id", "ids", "url", "uri", "urls", "host", "hostname", "port", "path", "file", "dir", "directory", "folder",
    "name", "username", "user", "email", "region", "zone", "version", "model", "models", "org", "organization",
    "organisation", "team", "project", "workspace", "account", "tenant", "env", "environment", "level", "mode",
    "type", "format", "timeout", "ttl", "limit", "max", "min", "count", "size", "enabled", "disabled", "debug",
    "endpoint", "base", "issuer", "audience", "scope", "scopes", "domain", "locale", "language", "timezone", "tz",
    "bucket", "topic", "queue", "channel", "database", "db", "schema", "table", "namespace", "cluster", "log",
    "title", "description", "comment", "label", "tags", "header", "algorithm", "alg", "expires", "expiry", "created",
    "updated",
})  # fmt: skip
_NOT_OF_THE_VENDOR = frozenset({
    "webhook", "signing", "client", "encryption", "session", "cookie", "salt", "password", "passwd", "pwd", "pass",
    "jwt", "hmac", "pin",
})  # fmt: skip
_ALIASES = {
    "claude": "anthropic", "gemini": "google", "gh": "github", "hf": "huggingface", "xoxb": "slack", "grok": "xai", "gcp": "google",
}  # fmt: skip
_NOT_BY_NAME = frozenset({
    "ambiguous", "postgresql", "mysql", "mongodb", "redis", "amqp", "mqtt", "ldap", "ftp", "smtp", "mssql", "age",
    "render", "modal", "segment", "square", "readme", "trigger", "linear", "together", "defined", "docker", "octopus",
    "polar",
})  # fmt: skip
"""Providers whose values have a form that no other text has, or whose names are everyday words."""
_SESSIONS = re.compile(r"(?i)(?:aws[-_]?)?session[-_]?token|(?:oauth[-_]?)?refresh[-_]?token|id[-_]?token")
_TOKEN_QUERY = re.compile(r"(?i)key|token|secret|sig|auth|password")
_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}")
_MARK_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one value is."""

    provider: str = ""
    """Empty if it is left out."""
    reason: Reason = Reason.PLAIN
    value: Secret
    """The value as it is stored: without the word `Bearer` of a header."""
    key_id: str = ""
    """The value itself, where it is the public id of a key that stands beside it."""
    mark: bytes
    """The same for equal values, different in each process; it tells nothing about the value."""


def judge(given: Given) -> Verdict:
    """Say whether a value is a key, and whose."""
    raw = given.value.reveal()
    mark = hashlib.blake2b(raw, key=_MARK_KEY, digest_size=16).digest()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Verdict(reason=Reason.BINARY, value=given.value, mark=mark)
    bare = _SCHEMES.sub("", text.strip())
    if bare != text:
        given.value.wipe()
        mark = hashlib.blake2b(bare.encode(), key=_MARK_KEY, digest_size=16).digest()
        return _verdict(bare, given, Secret(bare), mark)
    return _verdict(text, given, given.value, mark)


def _verdict(text: str, given: Given, value: Secret, mark: bytes) -> Verdict:
    if "\0" in text or len(text) > _LONGEST:
        return Verdict(reason=Reason.BINARY, value=value, mark=mark)
    if _KEY_ID.fullmatch(text):
        return Verdict(reason=Reason.PUBLIC, key_id=text, value=value, mark=mark)
    found = _whose(text, given)
    if isinstance(found, Reason):
        return Verdict(reason=found, value=value, mark=mark)
    return Verdict(provider=found, value=value, mark=mark)


def _whose(text: str, given: Given) -> str | Reason:
    """Return the provider of a key, or why it is none."""
    if not text:
        return Reason.EMPTY
    if _REFERENCE.fullmatch(text):
        return Reason.REFERENCE
    words = _words(given.variable or given.field or given.path[-1])
    if (known := describe(text.encode())) is not None:
        return _vendor([*given.hints, *given.path], words) if known.provider == "ambiguous" else known.provider
    says_key = bool(_SAYS_KEY.intersection(words)) and words[-1] not in _ENDS_PLAIN
    return _form(text, says_key=says_key, declared=given.declared) or _named(text, given, words)


def _named(text: str, given: Given, words: list[str]) -> str | Reason:
    """Judge a value without a form of its own by its name, and by whether it looks drawn by chance."""
    if _SESSIONS.fullmatch(given.variable or given.path[-1]):
        return Reason.SESSION
    if _SAYS_PUBLIC.intersection(words) and "private" not in words:
        return Reason.PUBLIC
    if words and words[-1] in _ENDS_PLAIN:
        return Reason.PLAIN
    if given.declared or _SAYS_KEY.intersection(words) or looks_random(text):
        return _vendor([*given.hints, *given.path], words)
    return Reason.PLAIN


def _form(text: str, *, says_key: bool, declared: bool) -> Reason | None:
    """Return why the form of a value says that it is no key; a name that says the opposite is believed where forms are alike."""
    if text.lower() in _SWITCHES or _is_number(text, long_ones_too=not (says_key or declared)):
        return Reason.NUMBER
    if _ADDRESS.fullmatch(text):
        return None if _opens(text) else Reason.ADDRESS
    if _is_filler(text, weak_ones_too=not (says_key or declared)):
        return Reason.PLACEHOLDER
    if _SEALED.fullmatch(text):
        return Reason.SEALED
    if _PUBLIC.fullmatch(text):
        return Reason.PUBLIC
    if looks_random(text) or looks_random(text.strip("./~")):
        return None
    if _PATH.fullmatch(text) and (text.startswith(_ROOTS) or not says_key):
        return Reason.PATH
    return Reason.ADDRESS if _PLACE.fullmatch(text) and not says_key else None


def _is_number(text: str, *, long_ones_too: bool) -> bool:
    return len(text) <= (_LONG_NUMBER if long_ones_too else _PASSWORD) and _NUMBER.fullmatch(text) is not None


def _is_filler(text: str, *, weak_ones_too: bool) -> bool:
    """Whether a text stands for a key that is to come; a weak password is one all the same where one is expected."""
    return _FILLER.fullmatch(text) is not None or (
        is_placeholder(text) if weak_ones_too else len(set(text)) < min(3, len(text) / 2)
    )


def _opens(address: str) -> bool:
    """Whether an address lets in whoever knows it: a password, a token in the query, or a random part of the path."""
    try:
        parts = urlsplit(address)
        password = parts.password
    except ValueError:
        return True
    if password:
        return _REFERENCE.fullmatch(password) is None and not is_placeholder(password)
    if any(
        _TOKEN_QUERY.search(name) and value and not _REFERENCE.fullmatch(value)
        for name, value in parse_qsl(parts.query)
    ):
        return True
    return any(looks_random(segment) for segment in parts.path.split("/") if len(segment) >= 20)


def _vendor(names: list[str], words: list[str]) -> str:
    """Return the vendor that the names around a value tell, `custom` if none does."""
    if _NOT_OF_THE_VENDOR.intersection(words):
        return CUSTOM
    for name in [" ".join(words), *names]:
        parts = _words(name)
        joined = ["".join(parts[at : at + count]) for count in (3, 2, 1) for at in range(len(parts) - count + 1)]
        for word in joined:
            if found := _vendors().get(word):
                return found
    return CUSTOM


@cache
def _vendors() -> dict[str, str]:
    named = {
        rule.provider.replace("_", ""): rule.provider
        for rule in load_ruleset().rules
        if rule.provider not in _NOT_BY_NAME
    }
    return named | _ALIASES


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]
