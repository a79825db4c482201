"""Whole rotations of developer platforms' keys by the real engine: one key is alive at the end, the vault holds it, the old one is dead."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Account, Liveness
from samples.simulators import Call
from samples.simulators.github_app import CLIENT
from tests.fakes.fixtures import vendors
from tests.fakes.one_key import rotated
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


@dataclass(frozen=True)
class _Way:
    """One vendor, and what goes wrong on the way."""

    provider: str
    mode: Mode
    fault: str = ""
    method: str = "POST"
    path: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    standby: bool = False


_PROJECT = {"project_id": "7"}
_WAYS = [
    pytest.param(
        _Way("openrouter", Mode.PLANNED, "lose-answer", path="/keys"), id="OpenRouter, planned: an orphan ends"
    ),
    pytest.param(
        _Way("openrouter", Mode.FORCED, "fail-after", "PATCH"), id="OpenRouter, forced: 500 behind switching off"
    ),
    pytest.param(
        _Way("gitlab_project", Mode.FORCED, "lose-answer", path="/access_tokens", settings=_PROJECT),
        id="GitLab project, forced: an orphan ends",
    ),
    pytest.param(
        _Way("gitlab_project", Mode.PLANNED, "fail-after", "DELETE", settings=_PROJECT),
        id="GitLab project, planned: 500 behind the revocation",
    ),
    pytest.param(
        _Way("github_app", Mode.FORCED, "busy", "PATCH", settings={"client_id": CLIENT}), id="GitHub App: throttled"
    ),
    pytest.param(
        _Way("github", Mode.FORCED, "lose-answer", path="/credentials/revoke", standby=True),
        id="GitHub: the answer to the revocation is lost, a standby serves",
    ),
]


@pytest.mark.parametrize("way", _WAYS)
def test_one_key_is_left(way: _Way, tmp_path: Path, vendors: Vendors) -> None:
    """No orphan, no second key, and nothing that was not proven."""
    key = vendors.seed(way.provider, "agent")
    spare = vendors.seed(way.provider, "standby") if way.standby else None
    vendors.fault(way.provider, way.fault, method=way.method, path=way.path, seconds=0)
    rotation = rotated(tmp_path, vendors, way.provider, key, mode=way.mode, settings=way.settings, standby=spare)
    assert (rotation.outcome, rotation.failure) == (Outcome.DONE, "")
    assert vendors.live(way.provider) == {vendors.id_of(way.provider, rotation.value)}
    assert [version.state for version in rotation.versions] == [State.RETIRED, State.CURRENT]
    settings = {"base_url": f"{vendors.url}/{way.provider}", **way.settings}
    account = Account(credential="it", settings=settings, admin=Secret(rotation.admin))
    assert provider_catalog.get(way.provider).probe(account, Secret(key.value)).liveness is Liveness.DEAD


def test_a_token_that_lives_on_after_its_revocation_is_not_said_to_be_dead(tmp_path: Path, vendors: Vendors) -> None:
    """GitHub takes a revocation and does it later: until then the rotation is half way, whatever was answered."""
    key, spare = vendors.seed("github", "agent"), vendors.seed("github", "standby")
    vendors.propagation("github", 1e9)
    rotation = rotated(tmp_path, vendors, "github", key, mode=Mode.FORCED, standby=spare)
    assert rotation.outcome is Outcome.HALF_WAY
    assert rotation.value == spare.value
    assert rotation.versions[0].dead_at is None


@pytest.mark.parametrize("mode", list(Mode))
def test_a_lost_reset_of_an_applications_token_is_not_taken_for_a_new_one(
    mode: Mode, tmp_path: Path, vendors: Vendors
) -> None:
    """Nobody knows the new token: it is said so, a second reset is not asked for, and the old one is not promoted away."""
    resets: list[Call] = []
    key = vendors.seed("github_app", "agent")
    vendors.watch(lambda call: resets.append(call) if call.method == "PATCH" else None)
    vendors.fault("github_app", "lose-answer", method="PATCH")
    rotation = rotated(tmp_path, vendors, "github_app", key, mode=mode, settings={"client_id": CLIENT})
    assert rotation.outcome is Outcome.HALF_WAY
    assert "authorise the application again" in rotation.failure
    assert len(resets) == 1
    assert rotation.value == key.value
