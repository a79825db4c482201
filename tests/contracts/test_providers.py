"""Every provider keeps the promises of its seam; the vendors' own clients and a real server are the witnesses."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import anthropic
import openai
import psycopg
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.providers import Account, Kind, Liveness, Provider, ProviderError, Trouble
from samples.servers.postgres import Server
from tests.fakes.canaries import forms
from tests.fakes.fixtures import postgres, vendors
from tests.fakes.stores import PROJECT
from tests.fakes.vendors import OWNER, Vendors

__all__ = ["postgres", "vendors"]
_NAMES = provider_catalog.names()
_HTTP = ("anthropic", "openai")


def _account(vendors: Vendors, name: str, **more: object) -> Account:
    settings = {"base_url": vendors.url, "project_id": PROJECT, "service_account_id": OWNER}
    admin = Secret(vendors.seed(name, "admin", admin=True).value)
    return replace(Account(credential="a-credential", settings=settings, admin=admin), **more)  # type: ignore[arg-type]


def _probe(provider: Provider, account: Account, value: str) -> Liveness:
    return provider.probe(account, Secret(value)).liveness


@pytest.mark.parametrize("name", _NAMES)
def test_its_facts_fit_its_functions(name: str) -> None:
    """What the class of a provider promises is there, and nothing that it does not have is pretended."""
    provider = provider_catalog.get(name)
    needed = {
        Kind.MINT: (provider.mint, provider.read_minted, provider.find, provider.revoke),
        Kind.SET_VALUE: (provider.generate, provider.set_value, provider.revoke),
        Kind.DEACTIVATE_ONLY: (provider.activate, provider.deactivate, provider.revoke),
    }.get(provider.facts.kind, ())
    assert None not in needed
    assert (provider.mint is None) is (provider.facts.kind is not Kind.MINT)
    assert (provider.deactivate is not None) is provider.facts.disable_reversible
    assert provider.title
    assert provider.facts.proven_on


@pytest.mark.parametrize("name", _HTTP)
def test_revoking_twice_is_success(name: str, vendors: Vendors) -> None:
    """A revocation may be repeated after a crash; a key that is gone is success."""
    provider, account, key = provider_catalog.get(name), _account(vendors, name), vendors.seed(name, "agent")
    assert provider.revoke is not None
    for _ in range(2):
        provider.revoke(account, key.id, Secret(key.value))
    assert _probe(provider, account, key.value) is Liveness.DEAD


@pytest.mark.parametrize("name", _HTTP)
def test_an_id_that_nobody_knows_is_success(name: str, vendors: Vendors) -> None:
    """404 means that the key is gone; whether it is, the probe decides."""
    provider = provider_catalog.get(name)
    assert provider.revoke is not None
    provider.revoke(_account(vendors, name), "key_that/never was", Secret(b""))


@pytest.mark.parametrize("name", _HTTP)
def test_nothing_is_revoked_without_an_id(name: str, vendors: Vendors) -> None:
    """A key is addressed by its own id, never by a guess."""
    provider = provider_catalog.get(name)
    assert provider.revoke is not None
    with pytest.raises(ProviderError) as refused:
        provider.revoke(_account(vendors, name), None, Secret("value"))
    assert refused.value.trouble is Trouble.REJECTED


@pytest.mark.parametrize("name", _HTTP)
@pytest.mark.parametrize(
    ("fault", "more", "expected"),
    [
        pytest.param("status", {"status": 403}, Liveness.ALIVE, id="403: known, but may not do this"),
        pytest.param("busy", {}, Liveness.UNKNOWN, id="429"),
        pytest.param("status", {"status": 500}, Liveness.UNKNOWN, id="500"),
        pytest.param("status", {"status": 401}, Liveness.UNKNOWN, id="401 that is not the vendor's own refusal"),
        pytest.param("status", {"status": 404}, Liveness.UNKNOWN, id="404"),
        pytest.param("lose-answer", {}, Liveness.UNKNOWN, id="no answer"),
        pytest.param("slow", {"seconds": 0.4}, Liveness.UNKNOWN, id="too late an answer"),
    ],
)
def test_only_the_vendors_own_refusal_means_dead(
    name: str, fault: str, more: dict[str, object], expected: Liveness, vendors: Vendors
) -> None:
    """Throttling, errors, silence and strangers' answers are neither yes nor no."""
    provider, key = provider_catalog.get(name), vendors.seed(name, "agent", status="inactive")
    vendors.fault(name, fault, method="GET", path="/v1/models", **more)
    account = _account(vendors, name, timeout_s=0.2 if fault == "slow" else 10.0)
    assert _probe(provider, account, key.value) is expected
    assert _probe(provider, replace(account, timeout_s=10.0), key.value) is Liveness.DEAD


@pytest.mark.parametrize("name", _HTTP)
def test_a_vendor_that_cannot_be_reached_is_unknown(name: str, vendors: Vendors) -> None:
    """A refused connection says nothing about a key."""
    account = _account(vendors, name, settings={"base_url": "http://127.0.0.1:9"})
    assert _probe(provider_catalog.get(name), account, "value") is Liveness.UNKNOWN


@pytest.mark.parametrize("name", _HTTP)
def test_keys_are_not_sent_in_the_clear(name: str, vendors: Vendors) -> None:
    """Without TLS only this machine is called."""
    provider = provider_catalog.get(name)
    account = _account(vendors, name, settings={"base_url": "http://vendor.example"})
    verdict = provider.probe(account, Secret("value"))
    assert (verdict.liveness, verdict.code) == (Liveness.UNKNOWN, "rejected")


@pytest.mark.parametrize("name", _HTTP)
@pytest.mark.parametrize(
    ("fault", "more", "trouble"),
    [
        pytest.param("busy", {}, Trouble.BUSY, id="429"),
        pytest.param("status", {"status": 401}, Trouble.REFUSED, id="401"),
        pytest.param("status", {"status": 403}, Trouble.REFUSED, id="403"),
        pytest.param("status", {"status": 500}, Trouble.UNCERTAIN, id="500"),
        pytest.param("lose-answer", {}, Trouble.UNCERTAIN, id="no answer"),
        pytest.param("garbage", {}, Trouble.UNREADABLE, id="a page instead of an answer"),
    ],
)
def test_errors_say_what_may_be_done_and_hold_no_key(
    name: str, fault: str, more: dict[str, object], trouble: Trouble, vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    """The trouble is named, and neither the error, nor its causes, nor any log line holds the administering key."""
    caplog.set_level(logging.DEBUG)
    provider, account = provider_catalog.get(name), _account(vendors, name)
    vendors.fault(name, fault, method="GET", path="api_keys", **more)
    assert provider.find is not None
    with pytest.raises(ProviderError) as failed:
        provider.find(account)
    assert failed.value.trouble is trouble
    assert failed.value.__cause__ is None
    assert account.admin is not None
    said = f"{failed.value!r} {failed.value.__context__!r} {caplog.text}".encode()
    assert [form for form, needle in forms(account.admin.reveal_text()).items() if needle in said] == []


@pytest.mark.parametrize("fault", ["busy", "lose-answer", "fail-after"])
def test_a_mint_is_tried_once(fault: str, vendors: Vendors) -> None:
    """The adapter never repeats it: whether that is safe is the engine's to decide."""
    provider, account = provider_catalog.get("openai"), _account(vendors, "openai")
    calls: list[str] = []
    vendors.watch(lambda call: calls.append(call.method))
    vendors.fault("openai", fault, count=1)
    assert provider.mint is not None
    with pytest.raises(ProviderError):
        provider.mint(account, "keysweep-test-1")
    assert len(calls) <= 1
    assert vendors.minted("openai") == (0 if fault == "busy" else 1)


@pytest.mark.parametrize("name", _HTTP)
def test_every_key_is_listed_whatever_the_page_size(name: str, vendors: Vendors) -> None:
    """An orphan on the last page is found, and one that was never used."""
    account = _account(vendors, name)
    made = {vendors.seed(name, f"agent {number}").id for number in range(230)}
    provider = provider_catalog.get(name)
    assert provider.find is not None
    assert made == {key.key_id for key in provider.find(account)}


def test_the_openai_client_agrees(vendors: Vendors) -> None:
    """A key minted by the adapter works in the vendor's own client, until the adapter revokes it."""
    provider, account = provider_catalog.get("openai"), _account(vendors, "openai")
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    with openai.OpenAI(api_key=minted.secret.reveal_text(), base_url=f"{vendors.url}/v1", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["sim-1"]
        answer = client.chat.completions.create(model="sim-1", messages=[{"role": "user", "content": "hi"}])
        assert answer.choices[0].message.content == "ok"
        provider.revoke(account, minted.key_id, minted.secret)
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_the_anthropic_client_agrees(vendors: Vendors) -> None:
    """A standby works in the vendor's own client while it is switched on, and not before or after."""
    provider, account = provider_catalog.get("anthropic"), _account(vendors, "anthropic")
    key = vendors.seed("anthropic", "standby", status="inactive")
    assert provider.activate is not None
    assert provider.deactivate is not None
    with anthropic.Anthropic(api_key=key.value, base_url=vendors.url, max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()
        provider.activate(account, key.id)
        assert [model.id for model in client.models.list()] == ["sim-1"]
        sent = client.messages.create(model="sim-1", max_tokens=1, messages=[{"role": "user", "content": "hi"}])
        assert sent.content[0].type == "text"
        provider.deactivate(account, key.id)
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()


@pytest.mark.xdist_group("postgres")
def test_postgresql_takes_the_verifier_and_never_sees_the_password(postgres: Server, tmp_path: Path) -> None:
    """The new value logs in, the old one does not, and no statement that the server saw holds the new password."""
    provider = provider_catalog.get("postgresql")
    old = Secret(postgres.add_role("watched"))
    account = Account(credential="db", settings={}, admin=Secret(postgres.admin_uri))
    assert provider.generate is not None
    assert provider.set_value is not None
    assert provider.revoke is not None
    new = provider.generate(old)
    with psycopg.connect(postgres.admin_uri, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET log_statement = 'all'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            with psycopg.connect(old.reveal_text(), autocommit=True) as session:
                for _ in range(2):
                    provider.set_value(account, old, new)
                assert session.execute("SELECT 1").fetchone() == (1,)
                fresh = psycopg.connect(new.reveal_text(), autocommit=True)
                for _ in range(2):
                    provider.revoke(account, None, old)
                with pytest.raises(psycopg.OperationalError):
                    session.execute("SELECT 1")
                assert fresh.execute("SELECT 1").fetchone() == (1,)
                fresh.close()
        finally:
            admin.execute("ALTER SYSTEM RESET log_statement")
            admin.execute("SELECT pg_reload_conf()")
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'watched'").fetchone()
        data = admin.execute("SHOW data_directory").fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$4096:")
    assert provider.probe(account, new).liveness is Liveness.ALIVE
    assert provider.probe(account, old).liveness is Liveness.DEAD
    assert data is not None
    log = (Path(data[0]).parent / "server.log").read_bytes()
    assert b"ALTER ROLE" in log
    password = new.reveal_text().split(":")[2].split("@")[0]
    assert [form for form, needle in forms(password).items() if needle in log] == []


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("postgresql://watcher:{password}@127.0.0.1:{port}/postgres", Liveness.DEAD, id="password refused"),
        pytest.param("postgresql://watcher:{password}@127.0.0.1:9/postgres", Liveness.UNKNOWN, id="nobody listens"),
    ],
)
def test_postgresql_is_believed_only_about_the_password(uri: str, expected: Liveness, postgres: Server) -> None:
    """A server that cannot be reached has not refused anything."""
    account = Account(credential="db", settings={}, admin=None)
    assert (
        _probe(provider_catalog.get("postgresql"), account, uri.format(port=postgres.port, password="wrong"))
        is expected
    )


@pytest.mark.xdist_group("postgres")
def test_postgresql_honours_what_the_uri_asks_of_the_connection(postgres: Server) -> None:
    """`sslmode=require` on a server without TLS does not fall back to a connection in the clear."""
    value = postgres.add_role("tls_only") + "?sslmode=require"
    account = Account(credential="db", settings={}, admin=None)
    assert _probe(provider_catalog.get("postgresql"), account, value) is Liveness.UNKNOWN
