"""A value that is the URI of a server, with user and password: what the adapters of databases share."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, ProviderError, Trouble

_URI = re.compile(
    r"(?P<scheme>[a-z]+)(?P<driver>\+\w+)?://(?P<user>[^:@/]*):(?P<password>[^@]+)@(?P<host>[^/?]+)(?P<rest>.*)",
    re.DOTALL,
)
_PORT = re.compile(r"(?P<host>\[[^\]]+\]|[^:]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServerUri:
    """The parts of a URI, unquoted.  Not printable: one is the password."""

    scheme: str
    user: str
    password: str
    host: str
    port: int | None
    path: str
    options: Mapping[str, str]


def read(uri: Secret, *schemes: str) -> ServerUri:
    """Take a URI of one of the schemes apart.

    Raises:
        ProviderError: it is none, or holds no password.
    """
    found = _URI.fullmatch(uri.reveal_text())
    where = _PORT.fullmatch(found["host"]) if found else None
    if not found or not where or found["scheme"] not in schemes:
        msg = f"the stored value is no URI of the form {schemes[0]}://USER:PASSWORD@HOST"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    path, _, query = found["rest"].partition("?")
    return ServerUri(
        scheme=found["scheme"],
        user=unquote(found["user"]),
        password=unquote(found["password"]),
        host=where["host"].strip("[]"),
        port=int(where["port"]) if where["port"] else None,
        path=unquote(path.strip("/")),
        options=dict(parse_qsl(query)),
    )


def with_new_password(uri: Secret) -> Secret:
    """Return the same URI with a new random password of 43 URL-safe characters (256 bits).

    Raises:
        ProviderError: it holds no password.
    """
    text = uri.reveal_text()
    found = _URI.fullmatch(text)
    if not found:
        msg = "the stored value is no URI with a password"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    begin, end = found.span("password")
    return Secret(f"{text[:begin]}{secrets.token_urlsafe(32)}{text[end:]}")


def administering(account: Account) -> Secret:
    """Return the URI of the administering user.

    Raises:
        ProviderError: none is stored.
    """
    if account.admin is None:
        msg = "no administering user"
        raise ProviderError(msg, trouble=Trouble.REFUSED)
    return account.admin
