"""GitHub Actions: only GitHub opens what is sent, and the next run is who gets it."""

from __future__ import annotations

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Delivery, Holding
from samples.simulators import Call, digest
from tests.fakes.deliveries import Delivered
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
AGENT = agent_catalog.get("github_actions")


def to(vendors: Vendors, delivered: Delivered, *, admin: str | None = None, **more: str) -> Delivery:
    """Return a delivery to a repository."""
    shown = admin or vendors.seed("github_actions", "admin", admin=True).value
    settings = {"repository": "acme/agents", "base_url": f"{vendors.url}/github_actions", "admin": "ci", **more}
    return delivered.to(settings, admin=lambda _: Secret(shown))


def test_the_value_is_sealed_on_its_way_and_right_when_it_is_opened(vendors: Vendors) -> None:
    """No request holds it in the clear; stored twice is stored once."""
    delivered, seen = Delivered(), list[Call]()
    vendors.watch(seen.append)
    delivery = to(vendors, delivered)
    for _ in range(2):
        AGENT.deliver(delivery)
        AGENT.activate(delivery)
    kept = vendors.extra("github_actions")["secrets"]
    assert {name: one["digest"] for name, one in kept.items()} == {"SEARCH_KEY": digest(delivered.value)}
    assert delivered.value not in repr(seen)
    assert AGENT.attest(delivery).holding is Holding.NOT_RUNNING
    assert AGENT.attest(delivery).method == "next-run"


def test_runs_that_go_on_can_be_waited_for(vendors: Vendors) -> None:
    """Those that began before the secret was stored hold the old key; one that began later does not."""
    delivery = to(vendors, Delivered(), wait="runs", secret="MODEL_KEY", environment="production")
    AGENT.deliver(delivery)
    extra = vendors.extra("github_actions")
    extra["runs"] = [{"id": 1, "run_started_at": "2020-01-01T00:00:00Z"}]
    assert AGENT.attest(delivery).holding is Holding.OTHER
    extra["runs"] = [{"id": 2, "run_started_at": "2999-01-01T00:00:00Z"}]
    assert AGENT.attest(delivery).holding is Holding.NOT_RUNNING


def test_a_secret_that_is_not_there_is_no_success(vendors: Vendors) -> None:
    """Nothing was delivered: asking says so."""
    with pytest.raises(AgentError, match="404"):
        AGENT.attest(to(vendors, Delivered()))


@pytest.mark.parametrize(("fault", "passes"), [("busy", True), ("lose-answer", True), ("garbage", False)])
def test_trouble_says_whether_it_passes(fault: str, passes: bool, vendors: Vendors) -> None:
    """And holds neither the token nor the value."""
    delivered = Delivered()
    admin = vendors.seed("github_actions", "admin", admin=True).value
    vendors.fault("github_actions", fault, method="GET")
    with pytest.raises(AgentError) as failed:
        AGENT.deliver(to(vendors, delivered, admin=admin))
    assert failed.value.passes is passes
    assert not {admin, delivered.value} & set(repr(failed.value).split())
    assert failed.value.__cause__ is None


def test_a_token_without_the_right_names_the_credential(vendors: Vendors) -> None:
    """It is the one to replace."""
    weak = vendors.seed("github_actions", "user").value
    with pytest.raises(AgentError) as failed:
        AGENT.deliver(to(vendors, Delivered(), admin=weak))
    assert (failed.value.hint, failed.value.passes) == ("keysweep keys set ci", False)


@pytest.mark.parametrize(
    "stated",
    [
        ["repository=acme"],
        ["repository=acme/.."],
        ["repository=a/b", "secret=GITHUB_TOKEN"],
        ["repository=a/b", "base_url=http://elsewhere.example"],
        ["repository=a/b", "wait=forever"],
    ],
)
def test_settings_that_cannot_work(stated: list[str]) -> None:
    """Refused when the agent is added."""
    with pytest.raises(UsageError):
        agent_catalog.settings("github_actions", ["admin=ci", *stated])
