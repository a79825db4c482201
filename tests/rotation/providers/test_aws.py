"""AWS IAM: moto checks every signature, and the vendor's own SDK is an independent client."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import botocore.exceptions
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keysweep.foundation.secret import Secret
from keysweep.rotation import aws_calls
from keysweep.rotation.aws_calls import Signer, signed
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from keysweep.rotation.providers.aws import (
    activate,
    deactivate,
    find,
    id_variable,
    mint,
    probe,
    read_minted,
    revoke,
)
from samples.servers.moto import Pair, Server, client
from tests.fakes.canaries import forms
from tests.fakes.command_line import command
from tests.fakes.faulty import before
from tests.rotation.providers.whole import MODES, Given, stored

pytestmark = pytest.mark.xdist_group("moto")


def account(aws: Server, user: str, key_id: str | None = None, **settings: str) -> Account:
    """Return an account that administers a user."""
    return Account(
        credential="signer",
        settings={"base_url": aws.url, "user_name": user, **settings},
        admin=Secret(aws.admin.value),
        admin_id=aws.admin.key_id,
        key_id=key_id,
    )


def given(aws: Server, user: str, key: Pair, url: str | None = None) -> Given:
    """Return what a store holds of a user's key."""
    return Given(
        provider="aws",
        value=key.value,
        admin=aws.admin.value,
        variable="AWS_SECRET_ACCESS_KEY",
        key_id=key.key_id,
        admin_id=aws.admin.key_id,
        settings={"base_url": url or aws.url, "user_name": user},
    )


def listed(aws: Server, user: str) -> set[str]:
    """Return the ids of a user's keys, as the vendor's SDK reads them."""
    return {key["AccessKeyId"] for key in aws.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]}


def works(aws: Server, key: Pair) -> bool:
    """Whether the vendor's SDK gets an answer with a key."""
    try:
        aws.client("sts", key).get_caller_identity()
    except botocore.exceptions.ClientError as error:
        return bool(error.response["Error"]["Code"] != "InvalidClientTokenId")
    return True


@pytest.mark.parametrize(
    ("mode", "lost"),
    [(MODES[0], b"Action=CreateAccessKey"), (MODES[1], b"Action=DeleteAccessKey")],
    ids=["planned", "forced"],
)
def test_a_rotation_leaves_one_key_of_which_the_agent_holds_both_halves(
    mode: list[str], lost: bytes, aws: Server, tmp_path: Path
) -> None:
    """Though an answer is lost behind its effect: an orphan of the lost creation is deleted, a lost deletion is success."""
    user = f"worker-{tmp_path.name}"
    old = aws.add_user(user)
    with before(aws.url) as proxy:
        store = stored(tmp_path, given(aws, user, old, proxy.url))
        with store.agent() as held:
            assert held()["AWS_ACCESS_KEY_ID"] == old.key_id
            proxy.fault("lose", lost)
            store.rotate(*mode)
            assert proxy.faults == []
            new = Pair(held()["AWS_ACCESS_KEY_ID"], held()["AWS_SECRET_ACCESS_KEY"])
    assert new.value == store.current_value() != old.value
    assert listed(aws, user) == {new.key_id}
    assert works(aws, new)
    assert not works(aws, old)


def test_an_agent_with_a_file_gets_both_halves_and_one_with_room_for_one_gets_neither(
    aws: Server, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bound by hand: the file of AWS's own tools holds a pair that works; a file of the value alone is refused with a reason."""
    user = f"filed-{tmp_path.name}"
    old = aws.add_user(user)
    store = stored(tmp_path, given(aws, user, old))
    held = tmp_path_factory.mktemp("aws") / "credentials"
    held.write_text(f"[default]\naws_access_key_id = {old.key_id}\naws_secret_access_key = {old.value}\n")

    def run(*arguments: str) -> tuple[int, str]:
        ended = command(store.environ, store.folder, *arguments)
        return ended.code, ended.output

    seen = ("--set", f"path={held}", "--set", f"process={tmp_path}/nobody")
    assert run("agents", "add", "alone", "--kind", "file", *seen, "--set", "format=raw")[0] == 0
    code, said = run("agents", "bind", "alone", "it")
    assert (code, "public half" in said) == (2, True), said
    assert run("agents", "add", "filed", "--kind", "file", *seen, "--set", "format=env")[0] == 0
    code, said = run("agents", "bind", "filed", "it", "--variable", "aws_secret_access_key")
    assert (code, "with its public half as aws_access_key_id" in said) == (0, True), said
    store.rotate("--yes")
    new = Pair(*(line.partition(" = ")[2] for line in held.read_text().splitlines()[1:]))
    assert new.value == store.current_value() != old.value
    assert works(aws, new)
    assert not works(aws, old)


def test_a_full_user_keeps_the_key_that_may_serve_somebody(aws: Server, tmp_path: Path) -> None:
    """Both slots taken: planned nothing is done; forced the leaked key goes first, and the sibling stays."""
    user = f"full-{tmp_path.name}"
    old = aws.add_user(user)
    sibling = aws.add_key(user)
    store = stored(tmp_path, given(aws, user, old))
    planned = command(store.environ, store.folder, "rotate", "it", "--yes")
    assert planned.code == 4, planned.output
    assert listed(aws, user) == {old.key_id, sibling.key_id}
    store_after = store.versions()
    assert len(store_after) == 1
    forced = command(store.environ, store.folder, "rotate", "it", "--compromised", "--yes")
    assert forced.code == 0, forced.output
    assert sibling.key_id in listed(aws, user)
    assert not works(aws, old)
    assert works(aws, Pair(next(iter(listed(aws, user) - {sibling.key_id})), store.current_value()))


def test_a_key_from_creation_to_its_end(aws: Server) -> None:
    """Both halves are read from the sealed answer; the limit is named; each end may be repeated."""
    old = aws.add_user("life")
    where = account(aws, "life", old.key_id)
    minted = read_minted(mint(where, "keysweep-1"))
    new = Pair(minted.key_id, minted.secret.reveal_text())
    assert works(aws, new)
    assert {(key.key_id, key.active) for key in find(where)} == {(old.key_id, True), (new.key_id, True)}
    with pytest.raises(ProviderError) as full:
        mint(where, "keysweep-2")
    assert full.value.trouble is Trouble.LIMIT
    deactivate(where, old.key_id)
    assert {(key.key_id, key.active) for key in find(where)} == {(old.key_id, False), (new.key_id, True)}
    activate(where, old.key_id)
    for _ in range(2):
        revoke(where, old.key_id, Secret(b""))
    assert listed(aws, "life") == {new.key_id}
    with pytest.raises(ProviderError) as unknown:
        revoke(where, None, Secret("value"))
    assert unknown.value.trouble is Trouble.REJECTED


def test_dead_is_only_what_aws_says_of_the_public_half(aws: Server) -> None:
    """A wrong secret half of a key that lives, or no id at all, is neither yes nor no."""
    key = aws.add_user("careful")
    where = account(aws, "careful", key.key_id)
    assert probe(where, Secret(key.value)).liveness is Liveness.ALIVE
    assert probe(where, Secret("x" + key.value[1:])).liveness is Liveness.UNKNOWN
    assert probe(account(aws, "careful"), Secret(key.value)).code == "no-key-id"
    assert probe(account(aws, "careful", "AKIA" + "A" * 16), Secret(key.value)).code == "403 InvalidClientTokenId"


@pytest.mark.parametrize("status", ["403", "404", "429", "500", "503", "lose"])
def test_an_answer_that_is_not_awss_own_is_unknown(status: str, aws: Server) -> None:
    """A portal, a proxy, throttling or silence; also of a key that is dead."""
    with before(aws.url) as proxy:
        dead = account(aws, "nobody", "AKIA" + "B" * 16, base_url=proxy.url)
        proxy.fault(status, b"GetCallerIdentity")
        assert probe(dead, Secret("x" * 40)).liveness is Liveness.UNKNOWN
        assert probe(dead, Secret("x" * 40)).liveness is Liveness.DEAD


@pytest.mark.parametrize(
    ("status", "trouble"),
    [("403", Trouble.REFUSED), ("429", Trouble.BUSY), ("500", Trouble.UNCERTAIN), ("lose", Trouble.UNCERTAIN)],
)
def test_a_creation_is_tried_once_and_its_error_holds_no_key(
    status: str, trouble: Trouble, aws: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it may be repeated is the engine's to decide; no log line holds either key."""
    caplog.set_level(logging.DEBUG)
    user = f"once-{status}"
    aws.client("iam").create_user(UserName=user)
    caplog.clear()
    with before(aws.url) as proxy:
        proxy.fault(status, b"CreateAccessKey")
        with pytest.raises(ProviderError) as failed:
            mint(account(aws, user, base_url=proxy.url), "keysweep-1")
    assert failed.value.trouble is trouble
    assert failed.value.__cause__ is None
    said = f"{failed.value!r} {failed.value.__context__!r} {caplog.text}".encode()
    assert [form for form, needle in forms(aws.admin.value).items() if needle in said] == []
    assert len(listed(aws, user)) == (1 if status == "lose" else 0)


def test_sessions_from_before_the_revocation_are_denied_if_asked_for(aws: Server) -> None:
    """Credentials that were minted from a key outlive it, unless a policy of the user refuses them."""
    key = aws.add_user("sessions")
    revoke(account(aws, "sessions", deny_sessions="yes"), key.key_id, Secret(b""))
    named = aws.client("iam").list_user_policies(UserName="sessions")["PolicyNames"]
    assert len(named) == 1
    policy = aws.client("iam").get_user_policy(UserName="sessions", PolicyName=named[0])["PolicyDocument"]
    (statement,) = json.loads(json.dumps(policy))["Statement"]
    assert statement["Effect"] == "Deny"
    at = statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()) < 60


@pytest.mark.parametrize(
    ("admin_id", "settings", "said"),
    [(None, {"user_name": "u"}, "set-id"), ("AKIA", {"user_name": ""}, "user_name")],
    ids=["no public half of the administering key", "no user"],
)
def test_what_is_missing_is_named(admin_id: str | None, settings: dict[str, str], said: str) -> None:
    """Before anything is asked."""
    bare = Account(credential="signer", settings=settings, admin=Secret("x"), admin_id=admin_id)
    with pytest.raises(ProviderError, match=said) as missing:
        find(bare)
    assert missing.value.trouble is Trouble.REJECTED


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("ORDERS_AWS_SECRET_ACCESS_KEY", "ORDERS_AWS_ACCESS_KEY_ID"),
        ("aws_secret_access_key", "aws_access_key_id"),
        ("BUCKET_PASSWORD", None),
    ],
)
def test_the_public_half_has_the_name_that_awss_tools_look_for(variable: str, expected: str | None) -> None:
    """Beside a secret half that is called as theirs is; else it has none."""
    assert id_variable(variable) == expected


def test_the_signature_is_botocores(aws: Server) -> None:
    """An independent implementation signs the same request alike."""
    key, body = Pair("AKIA" + "C" * 16, "s" * 40), b"Action=GetCallerIdentity&Version=2011-06-15"
    url, headers = "https://sts.eu-west-1.amazonaws.com/", {"content-type": "application/x-www-form-urlencoded"}
    theirs = AWSRequest(method="POST", url=url, data=body, headers=dict(headers))
    SigV4Auth(Credentials(key.key_id, key.value), "sts", "eu-west-1").add_auth(theirs)
    at = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signer = Signer(key_id=key.key_id, secret=Secret(key.value))
    ours = signed(url, headers, body, service="sts", region="eu-west-1", signer=signer, at=at)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert aws_calls.REGION == "us-east-1"
    assert client(aws.url, "sts", aws.admin).get_caller_identity()["Arn"].endswith("user/administrator")
