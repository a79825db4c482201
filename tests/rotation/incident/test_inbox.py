"""Events at the door: who sent it, whether that holds, whether it came before, and what it is about.  Nothing is done here."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.steps import Policy
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.incident import deliveries
from keysweep.rotation.incident.inbox import Received, names, take_in
from keysweep.rotation.incident.policy import Reason, Response
from keysweep.rotation.incident.respond import answered, forced_policy, respond
from keysweep.rotation.incident.signatures import LARGEST
from keysweep.rotation.incident.triggers import MalformedPayloadError, Refusal, UnverifiedError
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.scanner.known import MatchKind
from tests.fakes.stores import NAMES, World

_SIGNING = b"a signing secret of a test"
_ALERT = {
    "action": "created",
    "alert": {"number": 42, "secret_type": "openai_api_key"},
    "repository": {"full_name": "acme/orders"},
}


def _settle(world: World, *lines: str) -> None:
    """Add settings of senders, and the file of the signing secret."""
    secret = world.folder / "signing"
    secret.write_bytes(_SIGNING)
    secret.chmod(0o600)
    with (world.folder / "keysweep.toml").open("a") as file:
        file.write("\n".join(lines) + "\n")


def _signed(body: bytes, *, delivery: str = "d1", secret: bytes = _SIGNING) -> dict[str, str]:
    return {
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={hmac.digest(secret, body, 'sha256').hex()}",
    }


def _take(world: World, body: object, headers: Mapping[str, str] | None = None) -> Received:
    with world.open() as opened:
        return take_in(opened, body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {})


@pytest.fixture
def github(world: World) -> World:
    """A store that believes GitHub's webhook."""
    _settle(world, "[events.github]", 'secret_file = "signing"')
    return world


def test_a_key_in_an_event_is_mapped_to_its_version_and_every_stranger_is_counted(world: World) -> None:
    """Of the programme's list only what is stored counts, once for each version; the rest is a number."""
    entries = [world.planted["openai"], world.planted["openai"], world.planted["anthropic"], "nobody's", "neither"]
    received = _take(world, [{"token": token, "type": "x", "url": "", "source": "commit"} for token in entries])
    assert received.sender == "github_partner"
    assert [(s.credential, s.number, s.match) for s in received.suspects] == [
        (NAMES["openai"], 1, MatchKind.EXACT),
        (NAMES["anthropic"], 1, MatchKind.EXACT),
    ]
    assert received.strangers == 2
    assert not any(value in repr(received) for value in entries)


def test_our_own_findings_are_an_event(world: World) -> None:
    """What a scan elsewhere wrote is acted on here: whole matches by their keyed fingerprint, everything else by name."""
    finding = {
        "id": "f1",
        "rule": "openai-api-key",
        "fingerprint": str(world.versions("openai")[0].fingerprint),
        "credential": {"name": NAMES["openai"], "match": "exact"},
        "occurrences": [],
    }
    masked = {**finding, "id": "f2", "credential": {"name": NAMES["anthropic"], "match": "masked"}}
    received = _take(world, {"schema": "keysweep.dev/scan/v1", "findings": [finding, masked]})
    assert [(s.credential, s.match, s.reference) for s in received.suspects] == [
        (NAMES["openai"], MatchKind.EXACT, "f1"),
        (NAMES["anthropic"], MatchKind.KEY_ID, "f2"),
    ]


def test_an_event_that_holds_no_key_is_for_a_person(github: World) -> None:
    """Without a token to fetch the key with, the page to look at is named, and nobody is suspected."""
    body = json.dumps(_ALERT).encode()
    received = _take(github, body, _signed(body))
    assert received.suspects == ()
    (unseen,) = received.unseen
    assert "https://github.com/acme/orders/security/secret-scanning/42" in unseen.message
    assert unseen.exit_code == 5


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        pytest.param(
            lambda body: _signed(body, secret=b"guessed"), Refusal.BAD_SIGNATURE, id="signed by somebody else"
        ),
        pytest.param(lambda body: _signed(body + b" "), Refusal.BAD_SIGNATURE, id="of another body"),
        pytest.param(
            lambda body: {"gitguardian-signature": "sha256=00", "timestamp": "1"},
            Refusal.NO_SIGNATURE,
            id="a sender whose secret was never set",
        ),
    ],
)
def test_a_signature_that_is_given_must_hold(headers: object, reason: Refusal, github: World) -> None:
    """Also where the event holds a key that is stored: whoever sends a wrong signature is not believed at all."""
    body = json.dumps({"key": github.planted["openai"]}).encode()
    with pytest.raises(UnverifiedError) as refused:
        _take(github, body, headers(body))  # type: ignore[operator]
    assert refused.value.reason is reason
    assert "event.received" not in github.actions()


def test_a_signature_of_one_sender_does_not_carry_the_event_of_another(github: World) -> None:
    """GitHub's signature is good for GitHub's alerts only."""
    body = json.dumps({"key": github.planted["openai"]}).encode()
    with pytest.raises(MalformedPayloadError):
        _take(github, body, _signed(body))


def test_a_signing_secret_that_others_can_read_is_not_used(github: World) -> None:
    """Whoever reads it can sign."""
    (github.folder / "signing").chmod(0o644)
    with pytest.raises(DeniedError, match="open to other users") as refused:
        _take(github, _ALERT, _signed(json.dumps(_ALERT).encode()))
    assert str(refused.value.hint).startswith("chmod 600 ")


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe\x00", b"[]", b"{}", b'{"key": ""}'])
def test_what_is_no_event_is_one_named_error(body: bytes, world: World) -> None:
    """Nothing of it is repeated."""
    with pytest.raises(UsageError):
        _take(world, body)


def test_an_event_that_is_too_large_is_refused(world: World) -> None:
    """Signed or not."""
    with pytest.raises(UnverifiedError) as refused:
        _take(world, b" " * (LARGEST + 1))
    assert refused.value.reason is Refusal.TOO_LARGE


def test_a_delivery_that_was_answered_is_not_acted_on_again(github: World) -> None:
    """Its answer is read out of the store; one that was not answered yet is taken up again, and another one is another one."""
    body = json.dumps({**_ALERT, "alert": {**_ALERT["alert"], "secret": github.planted["openai"]}}).encode()  # type: ignore[dict-item]
    first, again = (_take(github, body, _signed(body)) for _ in range(2))
    assert first.suspects == again.suspects != ()
    assert first.delivery is not None
    with github.open() as opened, opened.database.write() as connection:
        deliveries.answer(connection, first.delivery, "orders-openai: done", opened.clock())
    replayed = _take(github, body, _signed(body))
    assert replayed.suspects == ()
    assert replayed.delivery is not None
    assert replayed.delivery.answer == "orders-openai: done"
    assert _take(github, body, _signed(body, delivery="d2")).suspects == first.suspects


def test_whoever_cannot_sign_uses_up_no_delivery(github: World) -> None:
    """An unsigned copy of an event leaves no trace that the real one would run into."""
    body = json.dumps({**_ALERT, "alert": {**_ALERT["alert"], "secret": github.planted["openai"]}}).encode()  # type: ignore[dict-item]
    assert _take(github, body).delivery is None
    delivery = _take(github, body, _signed(body)).delivery
    assert delivery is not None
    assert delivery.answered_at is None


@contextmanager
def _serving(answer: object) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Play GitHub's REST API: one answer, and what was asked with which authorisation."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["authorization"]))
            raw = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_alert_is_fetched_with_the_token_that_is_named_for_it(world: World) -> None:
    """The key is matched in memory; that the token was used stands in the ledger, and it goes to the address of the settings."""
    with _serving({"number": 42, "secret": world.planted["openai"]}) as (url, asked):
        _settle(world, "[events.github]", 'secret_file = "signing"', 'credential = "alerts"', f'base_url = "{url}"')
        token = Entry(name="alerts", provider="github", value=Secret("a token that reads alerts"))
        with world.open() as opened:
            list(import_entries(opened, [(1, token)], actor="cli:test"))
        body = json.dumps(_ALERT).encode()
        received = _take(world, body, _signed(body))
    assert asked == [("/repos/acme/orders/secret-scanning/alerts/42", "Bearer a token that reads alerts")]
    assert [(s.credential, s.match) for s in received.suspects] == [(NAMES["openai"], MatchKind.EXACT)]
    assert "key.resolved" in world.actions()


def test_an_alert_that_cannot_be_fetched_is_for_a_person(world: World) -> None:
    """The token is refused, or the alert is hidden: nothing is concluded."""
    with _serving({"number": 42}) as (url, _):
        _settle(world, "[events.github]", 'secret_file = "signing"', 'credential = "alerts"', f'base_url = "{url}"')
        body = json.dumps(_ALERT).encode()
        (unseen,) = _take(world, body, _signed(body)).unseen
    assert "could not be fetched" in unseen.message


def test_an_observing_policy_opens_an_incident_and_does_nothing(world: World) -> None:
    """A person is named the command; at the vendor nothing has happened."""
    (suspicion,) = _take(world, {"key": world.planted["openai"]}).suspects
    with world.open() as opened:
        answer = respond(opened, suspicion, reason="x", confirmed=False, terms=Terms(policy=Policy.OBSERVE))
    assert (answer.decision.response, answer.decision.reason) == (Response.ASK, Reason.OBSERVED)
    ended = answered(answer)
    assert ended.failure is not None
    assert ended.failure.hint == f"keysweep rotate {NAMES['openai']} --compromised --yes"
    assert world.actions().count("incident.opened") == 1
    assert world.vendors.live("openai") == {world.ids["openai"]}


def test_a_setting_to_observe_does_not_ask_the_person_who_decides(world: World) -> None:
    """Who names a key has decided; who asks for observation gets it all the same."""
    with (world.folder / "keysweep.toml").open("a") as file:
        file.write('forced_policy = "observe"\n')
    with world.open() as opened:
        assert forced_policy(opened, None, confirmed=False) is Policy.OBSERVE
        assert forced_policy(opened, None, confirmed=True) is Policy.SWAP
        assert forced_policy(opened, Policy.OBSERVE, confirmed=True) is Policy.OBSERVE
        assert forced_policy(opened, Policy.REVOKE_FIRST, confirmed=False) is Policy.REVOKE_FIRST


def test_the_senders_are_the_files_of_their_folder(world: World) -> None:
    """One file each; nothing else has to be told of a new one."""
    assert set(names()) >= {"finding", "generic", "github", "github_partner", "gitguardian"}
