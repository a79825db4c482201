"""GitLab's project and group tokens: the contract, rights that are carried over, and a client by others."""

from __future__ import annotations

from dataclasses import replace

import gitlab
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from samples.simulators import Call
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "gitlab_project"
    settings = (("project_id", "group/project"), ("scopes", "read_api"))
    probing = ("GET", "/personal_access_tokens/self")
    listing = ("GET", "/access_tokens")
    forbidden = Liveness.UNKNOWN


CONTRACT = TestContract()


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        pytest.param({"project_id": "group/project"}, "/api/v4/projects/group%2Fproject/access_tokens", id="project"),
        pytest.param({"group_id": "12"}, "/api/v4/groups/12/access_tokens", id="group"),
    ],
)
def test_a_new_token_may_do_what_the_old_one_may(settings: dict[str, str], path: str, vendors: Vendors) -> None:
    """Scopes and role are read from it, wherever it belongs to."""
    seen: list[Call] = []
    old = vendors.seed("gitlab_project", "agent")
    rights = {"scopes": ["read_api", "read_repository"], "access_level": 20}
    vendors.extra("gitlab_project")[old.id] = rights
    account = CONTRACT.account(vendors, key_id=old.id)
    account = replace(account, settings={"base_url": account.settings["base_url"], **settings})
    vendors.watch(seen.append)
    minted = promised(CONTRACT.provider.read_minted)(promised(CONTRACT.provider.mint)(account, "keysweep-test-1"))
    kept = vendors.extra("gitlab_project")[minted.key_id]
    assert {name: kept[name] for name in rights} == rights
    assert [call.path for call in seen] == [f"{path}/{old.id}", path]


def test_a_token_with_whatever_rights_is_not_made(vendors: Vendors) -> None:
    """Neither the old token nor the settings say what it may do."""
    account = CONTRACT.account(vendors, settings={"base_url": f"{vendors.url}/gitlab_project", "project_id": "1"})
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.mint)(account, "keysweep-test-1")
    assert refused.value.trouble is Trouble.REJECTED
    assert vendors.minted("gitlab_project") == 0


def test_python_gitlab_agrees(vendors: Vendors) -> None:
    """A client by others lists and revokes what the adapter made, and the adapter what it made."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    assert account.admin is not None
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    base = f"{vendors.url}/gitlab_project"
    with gitlab.Gitlab(base, private_token=account.admin.reveal_text()) as client:
        tokens = client.projects.get("group/project", lazy=True).access_tokens
        named = {str(token.id): token.name for token in tokens.list(get_all=True)}
        assert named[minted.key_id] == "keysweep-test-1"
        theirs = tokens.create({"name": "theirs", "scopes": ["read_api"], "access_level": 30})
        assert str(theirs.id) in {key.key_id for key in promised(provider.find)(account)}
        tokens.delete(minted.key_id)
    assert provider.probe(account, minted.secret).liveness is Liveness.DEAD
    promised(provider.revoke)(account, str(theirs.id), Secret(b""))
    assert provider.probe(account, Secret(theirs.token)).liveness is Liveness.DEAD
