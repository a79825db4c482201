"""GitLab CI: the value changes, what protects the variable does not."""

from __future__ import annotations

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Delivery, Holding
from tests.fakes.deliveries import Delivered
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
AGENT = agent_catalog.get("gitlab_ci")
_SAFE = {
    "masked": True,
    "protected": True,
    "raw": True,
    "hidden": False,
    "variable_type": "file",
    "description": "search",
}


def to(vendors: Vendors, delivered: Delivered, **more: str) -> Delivery:
    """Return a delivery to a project."""
    admin = vendors.seed("gitlab_ci", "admin", admin=True).value
    settings = {"project": "acme/agents", "base_url": f"{vendors.url}/gitlab_ci", "admin": "ci", **more}
    return delivered.to(settings, admin=lambda _: Secret(admin))


def _planted(vendors: Vendors, *variables: dict[str, object]) -> list[dict[str, object]]:
    whole = [
        {"key": "SEARCH_KEY", "environment_scope": "*", "value": "before-before", **_SAFE, **one} for one in variables
    ]
    vendors.extra("gitlab_ci")["projects"] = {"acme/agents": whole}
    return whole


def test_a_variable_stays_as_protected_as_it_was(vendors: Vendors) -> None:
    """Masked, protected, a file, described; the same name of another scope is left alone."""
    delivered = Delivered()
    project = _planted(vendors, {}, {"environment_scope": "production", "value": "another-scope"})
    delivery = to(vendors, delivered)
    assert AGENT.attest(delivery).holding is Holding.OTHER
    for _ in range(2):
        AGENT.deliver(delivery)
    by_scope = {str(one["environment_scope"]): one for one in project}
    assert by_scope["*"] == {"key": "SEARCH_KEY", "environment_scope": "*", "value": delivered.value, **_SAFE}
    assert by_scope["production"]["value"] == "another-scope"
    assert (AGENT.attest(delivery).holding, AGENT.attest(delivery).method) == (Holding.NOT_RUNNING, "next-pipeline")


def test_a_new_variable_is_masked_and_protected(vendors: Vendors) -> None:
    """Where there is none yet, it gets the strictest form."""
    delivered = Delivered()
    AGENT.deliver(to(vendors, delivered, key="MODEL_KEY", environment_scope="production"))
    (made,) = vendors.extra("gitlab_ci")["projects"]["acme/agents"]
    assert (made["key"], made["value"], made["environment_scope"]) == ("MODEL_KEY", delivered.value, "production")
    assert (made["masked"], made["protected"], made["raw"]) == (True, True, True)


def test_what_cannot_be_masked_is_not_stored_unmasked(vendors: Vendors) -> None:
    """GitLab refuses the value, and we do not try it without the mask."""
    (variable,) = _planted(vendors, {})
    with pytest.raises(AgentError, match="400"):
        AGENT.deliver(to(vendors, Delivered(value="two\nlines")))
    assert variable["value"] == "before-before"


def test_a_hidden_variable_cannot_be_read_back(vendors: Vendors) -> None:
    """That it is there must do; a variable that is gone does not."""
    project = _planted(vendors, {"hidden": True})
    delivery = to(vendors, Delivered())
    AGENT.deliver(delivery)
    assert AGENT.attest(delivery).holding is Holding.NOT_RUNNING
    project.clear()
    assert AGENT.attest(delivery).holding is Holding.OTHER
