"""Slack's tokens without rotation: the contract, errors with status 200, and the vendor's own client."""

from __future__ import annotations

from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.one_key import rotated
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "slack"
    probing = ("POST", "/api/auth.test")
    forbidden = Liveness.UNKNOWN
    by_id = False


CONTRACT = TestContract()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"ok": True, "user_id": "U1"}, Liveness.ALIVE, id="ok"),
        pytest.param({"ok": False, "error": "token_revoked"}, Liveness.DEAD, id="token_revoked"),
        pytest.param({"ok": False, "error": "token_expired"}, Liveness.DEAD, id="token_expired"),
        pytest.param({"ok": False, "error": "account_inactive"}, Liveness.DEAD, id="account_inactive"),
        pytest.param({"ok": False, "error": "invalid_auth"}, Liveness.DEAD, id="invalid_auth"),
        pytest.param({"ok": False, "error": "ratelimited"}, Liveness.UNKNOWN, id="throttled with status 200"),
        pytest.param({"ok": False, "error": "internal_error"}, Liveness.UNKNOWN, id="the vendor's own trouble"),
        pytest.param({"ok": False, "error": "missing_scope"}, Liveness.UNKNOWN, id="an error about something else"),
        pytest.param({"ok": False}, Liveness.UNKNOWN, id="no error named"),
        pytest.param("<html>portal</html>", Liveness.UNKNOWN, id="a captive portal"),
    ],
)
def test_the_status_says_nothing(body: object, expected: Liveness, vendors: Vendors) -> None:
    """Yes and no both come with 200; the body decides."""
    vendors.answer("slack", "POST", "/api/auth.test", 200, body)
    key = vendors.seed("slack", "agent")
    assert CONTRACT.provider.probe(CONTRACT.account(vendors), Secret(key.value)).liveness is expected


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        pytest.param({"ok": True, "revoked": False}, Trouble.UNCERTAIN, id="it says that it did not"),
        pytest.param({"ok": False, "error": "ratelimited"}, Trouble.BUSY, id="throttled"),
        pytest.param({"ok": False, "error": "fatal_error"}, Trouble.UNCERTAIN, id="the vendor's own trouble"),
        pytest.param({"ok": False, "error": "not_allowed"}, Trouble.REJECTED, id="refused"),
        pytest.param("<html>portal</html>", Trouble.UNREADABLE, id="a captive portal"),
    ],
)
def test_a_revocation_that_was_none_is_an_error(body: object, trouble: Trouble, vendors: Vendors) -> None:
    """With status 200 as well."""
    vendors.answer("slack", "POST", "/api/auth.revoke", 200, body)
    key = vendors.seed("slack", "agent")
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.revoke)(CONTRACT.account(vendors), None, Secret(key.value))
    assert failed.value.trouble is trouble
    assert key.value not in f"{failed.value!r} {failed.value.__context__!r}"


def test_a_standby_takes_the_place_of_a_leaked_token(tmp_path: Path, vendors: Vendors) -> None:
    """No administering key, no id: the leaked token ends itself, the spare is served."""
    key, spare = vendors.seed("slack", "agent"), vendors.seed("slack", "standby")
    rotation = rotated(tmp_path, vendors, "slack", key, mode=Mode.FORCED, standby=spare)
    assert (rotation.outcome, rotation.failure) == (Outcome.DONE, "")
    assert rotation.value == spare.value
    assert vendors.live("slack") == {spare.id}


def test_the_slack_client_agrees(vendors: Vendors) -> None:
    """The vendor's own client tests and revokes what the adapter tests and revokes."""
    one, two = vendors.seed("slack", "one"), vendors.seed("slack", "two")
    account, base = CONTRACT.account(vendors), f"{vendors.url}/slack/api/"
    assert WebClient(token=one.value, base_url=base, retry_handlers=[]).auth_test()["user_id"] == "user-orders"
    promised(CONTRACT.provider.revoke)(account, None, Secret(one.value))
    with pytest.raises(SlackApiError, match="token_revoked"):
        WebClient(token=one.value, base_url=base, retry_handlers=[]).auth_test()
    assert WebClient(token=two.value, base_url=base, retry_handlers=[]).auth_revoke()["revoked"]
    assert CONTRACT.provider.probe(account, Secret(two.value)).code == "200 token_revoked"
