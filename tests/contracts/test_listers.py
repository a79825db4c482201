"""Every lister keeps the promises of the seam, on a simulator that the vendor's own SDK reads the same keys from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import lister_catalog
from keysweep.rotation.listers import ListedKey
from keysweep.rotation.providers import Account, ProviderError, Trouble
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]

HTTP = ("anthropic", "openai", "openrouter")


def account(url: str, admin: str, **settings: str) -> Account:
    """Where a lister asks."""
    return Account(credential="admin", settings={"base_url": url, **settings}, admin=Secret(admin), timeout_s=10)


def listed(provider: str, where: Account) -> list[ListedKey]:
    """What a lister lists, admin keys left out."""
    return [key for key in lister_catalog.get(provider).keys(where) if not key.is_admin]


def test_every_file_is_a_lister_that_was_looked_at() -> None:
    """A new one is put to these tests."""
    assert set(lister_catalog.names()) == {*HTTP, "aws"}
    for name in lister_catalog.names():
        lister = lister_catalog.get(name)
        assert lister.title
        assert lister.method
        assert lister.proven_on


@pytest.mark.parametrize("provider", HTTP)
def test_a_refused_key_is_an_error_without_the_key(vendors: Vendors, provider: str) -> None:
    """A key that may not list is told from an empty list."""
    plain = vendors.seed(provider, "not an admin")
    for value in (plain.value, "no-such-key"):
        with pytest.raises(ProviderError) as raised:
            lister_catalog.get(provider).keys(account(vendors.url, value))
        assert raised.value.trouble is Trouble.REFUSED
        assert value not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"


@pytest.mark.parametrize("provider", HTTP)
def test_nobody_answers(provider: str) -> None:
    """A closed port is a trouble, not a list."""
    with pytest.raises(ProviderError) as raised:
        lister_catalog.get(provider).keys(account("http://127.0.0.1:9", "some-admin"))
    assert raised.value.trouble is Trouble.BUSY


def test_the_openai_client_lists_the_same(vendors: Vendors) -> None:
    """Projects, their keys, and the admin keys."""
    import openai

    admin = vendors.seed("openai", "admin", admin=True)
    vendors.seed("openai", "one"), vendors.seed("openai", "two")
    ours = lister_catalog.get("openai").keys(account(vendors.url, admin.value))
    with openai.OpenAI(
        api_key=admin.value, admin_api_key=admin.value, base_url=f"{vendors.url}/v1", max_retries=0
    ) as client:
        organization = client.admin.organization
        theirs = [
            (key.id, key.name, key.redacted_value)
            for project in organization.projects.list(include_archived=True)
            for key in organization.projects.api_keys.list(project.id, owner_project_access="any")
        ]
        admins = [(key.id, key.name, key.redacted_value) for key in organization.admin_api_keys.list()]
    assert sorted((k.key_id, k.name, k.hint) for k in ours if not k.is_admin) == sorted(theirs)
    assert [(k.key_id, k.name, k.hint) for k in ours if k.is_admin] == admins


def test_the_anthropic_client_lists_the_same(vendors: Vendors) -> None:
    """Switched-off keys, too."""
    import anthropic

    admin = vendors.seed("anthropic", "admin", admin=True)
    vendors.seed("anthropic", "one"), vendors.seed("anthropic", "off", status="inactive")
    ours = listed("anthropic", account(vendors.url, admin.value))
    with anthropic.Anthropic(api_key=admin.value, base_url=vendors.url, max_retries=0) as client:
        theirs = [(k.id, k.name, k.partial_key_hint, k.status == "active") for k in client.organization.api_keys.list()]
    assert sorted((k.key_id, k.name, k.hint, k.active) for k in ours) == sorted(theirs)


def test_the_openrouter_client_lists_the_same(vendors: Vendors) -> None:
    """By workspace, switched-off keys, too."""
    from openrouter import OpenRouter

    admin = vendors.seed("openrouter", "admin", admin=True)
    vendors.seed("openrouter", "one"), vendors.seed("openrouter", "off", status="inactive")
    ours = listed("openrouter", account(vendors.url, admin.value))
    with OpenRouter(api_key=admin.value, server_url=f"{vendors.url}/api/v1") as client:
        places = client.workspaces.list()
        assert places is not None
        theirs = [
            (key.hash, key.name, key.label, not key.disabled)
            for place in places.result.data
            for key in client.api_keys.list(include_disabled=True, workspace_id=place.id).data
        ]
    assert sorted((k.key_id, k.name, k.hint, k.active) for k in ours) == sorted(theirs)
    assert len(theirs) == 2


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """IAM on moto, over HTTP."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def iam(url: str):
    """A client of the vendor's SDK."""
    import boto3

    return boto3.client(
        "iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def test_access_keys_of_every_user_are_listed(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More users than a page has, and keys that are switched off; nothing of the environment is asked."""
    expected = {}
    client = iam(aws)
    for number in range(105):
        client.create_user(UserName=f"agent-{number}")
        made = client.create_access_key(UserName=f"agent-{number}")["AccessKey"]
        active = number % 3 > 0
        if not active:
            client.update_access_key(UserName=f"agent-{number}", AccessKeyId=made["AccessKeyId"], Status="Inactive")
        expected[made["AccessKeyId"]] = (f"agent-{number}", active)
    monkeypatch.setenv("AWS_PROFILE", "a profile that is not there")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    found = lister_catalog.get("aws").keys(replace(account(aws, "testing"), admin_id="testing"))
    assert {key.key_id: (key.owner, key.active) for key in found} == expected
    assert all(key.created_at is not None for key in found)


def test_aws_needs_the_public_half(aws: str) -> None:
    """And says how to state it; no answer is a trouble."""
    with pytest.raises(ProviderError, match="set-id"):
        lister_catalog.get("aws").keys(account(aws, "testing"))
    with pytest.raises(ProviderError) as raised:
        lister_catalog.get("aws").keys(replace(account("http://127.0.0.1:9", "the-secret-half"), admin_id="x"))
    assert raised.value.trouble is Trouble.UNCERTAIN
    assert "the-secret-half" not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_a_list_that_never_ends_is_an_error() -> None:
    """A vendor that repeats its pages does not keep us for ever."""
    import json
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            row = {"id": "same", "status": "active", "name": "n"}
            body = json.dumps({"data": [row], "has_more": True, "last_id": "same"}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(ProviderError, match="repeats itself"):
            lister_catalog.get("anthropic").keys(account(f"http://127.0.0.1:{server.server_address[1]}", "admin"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
