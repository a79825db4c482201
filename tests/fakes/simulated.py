"""The simulated vendors as places where keys live: what their adapters are told, and how each is asked as an agent would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from samples.simulators import azure_ai, entra_app, github_app, google_service_account, slack_rotating
from tests.fakes import classes
from tests.fakes.vendors import OWNER, Planted, Vendors

PROJECT = "proj_test"
_AT_THE_ROOT = frozenset({"openai", "anthropic"})
Asked = tuple[str, Mapping[str, str]]
"""Path and headers of a question about a key."""


def _bearer(path: str) -> Callable[[str], Asked]:
    return lambda value: (path, {"Authorization": f"Bearer {value}"})


def _header(path: str, name: str) -> Callable[[str], Asked]:
    return lambda value: (path, {name: value})


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What a simulated vendor is told and how it is asked."""

    settings: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[str], Asked] | None = None
    """Which GET is answered with 200 as long as a key is accepted; None asks the simulator itself."""
    yes: str = ""
    """What stands in that answer, too."""
    told: bool = False
    """The id of the first key is stored; else the adapter learns it."""
    stranger: bool = True
    """Another key of the same name is there before."""
    fixed: bool = False
    """The vendor has places that are never empty."""
    administered: bool = True
    gets: tuple[str, str] = ("", "")
    """Method and path of the call that brings a new key."""
    ends: tuple[str, str] = ("DELETE", "")
    """Method and path of the call that ends one."""
    probed: tuple[str, str] = ("GET", "")
    """Method and path of the probe."""


_GOOGLE = {"project_id": google_service_account.PROJECT}
SIMULATED: Mapping[str, Manner] = {
    "openai": Manner(
        told=True,
        stranger=False,
        ask=_bearer("/v1/models"),
        settings={"project_id": PROJECT, "service_account_id": OWNER},
        probed=("GET", "models"),
    ),
    "anthropic": Manner(
        told=True,
        stranger=False,
        ask=lambda value: ("/v1/models", {"x-api-key": value, "anthropic-version": "2023-06-01"}),
        ends=("", ""),
        probed=("GET", "models"),
    ),
    "azure_ai": Manner(
        settings={
            "tenant_id": entra_app.TENANT,
            "subscription_id": azure_ai.SUBSCRIPTION,
            "resource_group": azure_ai.GROUP,
            "account_name": azure_ai.ACCOUNT,
        },
        ask=_header("/openai/models", "api-key"),
        stranger=False,
        fixed=True,
        gets=("POST", "regenerateKey"),
        ends=("POST", "regenerateKey"),
        probed=("GET", "models"),
    ),
    "cloudflare": Manner(
        ask=_bearer("/client/v4/user/tokens/verify"),
        yes='"status": "active"',
        gets=("PUT", "/value"),
        ends=("PUT", "/tokens"),
        probed=("GET", "verify"),
    ),
    "datadog": Manner(
        ask=_header("/api/v1/validate", "DD-API-KEY"), gets=("POST", "api_keys"), probed=("GET", "validate")
    ),
    "gitlab": Manner(
        ask=_header("/api/v4/personal_access_tokens/self", "PRIVATE-TOKEN"),
        gets=("POST", "/rotate"),
        probed=("GET", "/self"),
    ),
    "gitlab_project": Manner(
        settings={"project_id": "7"},
        ask=_header("/api/v4/personal_access_tokens/self", "PRIVATE-TOKEN"),
        gets=("POST", "/access_tokens"),
        probed=("GET", "/self"),
    ),
    "github_app": Manner(settings={"client_id": github_app.CLIENT}, stranger=False),
    "google_api_key": Manner(
        settings=_GOOGLE,
        ask=_header("/v1/models", "x-goog-api-key"),
        gets=("POST", "/keys"),
        probed=("GET", "/v1/models"),
    ),
    "google_service_account": Manner(
        settings={**_GOOGLE, "service_account": google_service_account.ACCOUNT},
        gets=("POST", "/keys"),
        probed=("POST", "/token"),
    ),
    "openai_admin": Manner(
        ask=_bearer("/v1/organization/admin_api_keys"),
        gets=("POST", "/admin_api_keys"),
        probed=("GET", "/admin_api_keys"),
    ),
    "openrouter": Manner(
        ask=_bearer("/api/v1/key"), gets=("POST", "/keys"), ends=("DELETE", "/keys"), probed=("GET", "/v1/key")
    ),
    "slack_rotating": Manner(settings={"client_id": slack_rotating.CLIENT}, stranger=False),
    "stripe": Manner(
        ask=_bearer("/v1/balance"), told=True, stranger=False, administered=False, probed=("GET", "balance")
    ),
    **{
        kind: Manner(
            told=True,
            stranger=False,
            ask=_bearer("/probe"),
            ends=("", "") if kind == "fake_standby" else ("DELETE", ""),
            probed=("GET", "probe"),
        )
        for kind in classes.KINDS
    },
}
"""Every vendor that is played, by the name of its adapter."""


class Simulated:
    """One simulated vendor."""

    def __init__(self, kind: str, vendors: Vendors) -> None:
        self._kind, self._vendors, self._manner = kind, vendors, SIMULATED[kind]
        where = vendors.url if kind in _AT_THE_ROOT else f"{vendors.url}/{kind}"
        self.settings = {"base_url": where, **self._manner.settings}
        self.strangers: frozenset[str] = frozenset()

    def plant(self, name: str) -> Planted:
        if self._manner.stranger:
            self.strangers |= {self._vendors.seed(self._kind, name).id}
        return self._vendors.seed(self._kind, name)

    def administrator(self) -> Planted | None:
        return self._vendors.seed(self._kind, "admin", admin=True) if self._manner.administered else None

    def accepts(self, value: str) -> bool:
        if self._manner.ask is None:
            return self._vendors.knows(self._kind, value)
        path, headers = self._manner.ask(value)
        status, body = self._vendors.asked(self._kind, path, headers)
        return status == 200 and self._manner.yes in body

    def live(self, known: Iterable[str]) -> set[str]:
        if self._manner.fixed:
            return {found for value in known if (found := self.id_of(value))} & self._vendors.live(self._kind)
        return self._vendors.live(self._kind)

    def id_of(self, value: str) -> str | None:
        return self._vendors.id_of(self._kind, value)

    def end(self, key_id: str) -> None:
        self._vendors.end(self._kind, key_id)

    def refuse_admins(self) -> Callable[[], None]:
        return self._vendors.refuse_admins(self._kind)
