"""Where each variable of an agent leads: one exact host, and the headers in which its key may stand.

The agent's settings say it, then the provider's `base_url`, then the file of the vendor in `rotation/verifiers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from keysweep.foundation.errors import UsageError
from keysweep.rotation import questions
from keysweep.rotation.broker.listen import Address
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.http import LOOPBACK

_HEADERS = {
    "anthropic": "x-api-key,bearer",
    "azure_ai": "api-key",
    "google_api_key": "x-goog-api-key",
    "langsmith": "x-api-key",
    "stripe": "bearer,basic",
    "twilio": "basic",
}
"""Where the key stands at vendors that do not simply take a bearer token."""
_BASE_URLS = {"openai": "OPENAI_BASE_URL/v1", "anthropic": "ANTHROPIC_BASE_URL"}
"""The variable in which a vendor's clients expect their address, and what they expect at its end."""
FORMS = ("bearer", "basic", "x-api-key", "api-key", "x-goog-api-key")
"""How a key may stand in a request."""


class Upstream(NamedTuple):
    """One host."""

    scheme: str
    host: str
    port: int
    base: str
    """Path below which everything is asked for; empty or without a slash at its end."""

    @property
    def authority(self) -> str:
        """As it stands in the header `Host`."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One variable."""

    variable: str
    credential: CredentialId
    upstream: Upstream
    forms: tuple[str, ...]
    """Of `FORMS`."""


def upstream_from(url: str) -> Upstream:
    """Read the address of an upstream.

    Raises:
        UsageError: it is none, or without TLS and not on this machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = parts.scheme in _PORTS and parts.hostname and not (parts.username or parts.password or parts.query)
    if not plain or parts.fragment or not url.isascii() or "//" in parts.path or ".." in parts.path:
        msg = "an upstream is an address like https://HOST or https://HOST/PATH"
        raise UsageError(msg)
    host = str(parts.hostname)
    if parts.scheme == "http" and host not in LOOPBACK:
        msg = f"{host} is not called without TLS"
        raise UsageError(msg)
    return Upstream(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"))


def pairs(text: str) -> dict[str, str]:
    """Read `VARIABLE=VALUE` pairs with blanks between them.

    Raises:
        UsageError: one is none, or a variable stands twice.
    """
    found: dict[str, str] = {}
    for pair in text.split():
        variable, separator, value = pair.partition("=")
        if not separator or not value or not variable.isidentifier() or not variable.isascii() or variable in found:
            msg = "this setting is VARIABLE=VALUE, with blanks between several of them"
            raise UsageError(msg)
        found[variable] = value
    return found


def check(settings: Mapping[str, str]) -> None:
    """Refuse settings of an agent that cannot work.

    Raises:
        UsageError: says which and why.
    """
    for url in pairs(settings.get("upstream", "")).values():
        upstream_from(url)
    for forms in pairs(settings.get("header", "")).values():
        if not set(forms.split(",")) <= set(FORMS):
            msg = f"a header is one of {', '.join(FORMS)}, or several with commas between them"
            raise UsageError(msg)
    pairs(settings.get("base_url", ""))
    if "listen" in settings:
        Address.parse(settings["listen"])
    if "authority" in settings and not settings["authority"].startswith("/"):
        msg = "authority is the absolute path of a file with certificates"
        raise UsageError(msg)


def route(
    variable: str,
    credential: CredentialId,
    provider: str,
    *,
    agent: Mapping[str, str],
    vendor: Mapping[str, str],
) -> Route:
    """Return where a variable leads.

    Args:
        variable: of the agent.
        credential: that it carries.
        provider: of the credential.
        agent: settings of the agent.
        vendor: settings of the provider.

    Raises:
        UsageError: nobody says where.
    """
    asked = questions.questions(provider)
    url = pairs(agent.get("upstream", "")).get(variable) or vendor.get("base_url")
    if url is None and asked:
        url = f"https://{urlsplit(asked[0].url).netloc}"
    if url is None:
        msg = f"where the requests with {variable} go is not known"
        raise UsageError(msg, hint=f"keysweep agents add NAME --kind broker --set 'upstream={variable}=https://HOST'")
    forms = pairs(agent.get("header", "")).get(variable) or _HEADERS.get(provider, "bearer")
    return Route(variable=variable, credential=credential, upstream=upstream_from(url), forms=tuple(forms.split(",")))


def base_url(variable: str, provider: str, address: Address, *, agent: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable in which a client of the vendor expects its address, and the broker's address for it."""
    stated = pairs(agent.get("base_url", "")).get(variable) or _BASE_URLS.get(provider, f"{variable}_BASE_URL")
    name, slash, end = stated.partition("/")
    return name, f"{address.url}/{variable}{slash}{end}"
