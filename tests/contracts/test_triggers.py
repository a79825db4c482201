"""Every trigger keeps its promise: what is not signed, fresh, whole and well formed has no effect; what is, says what leaked.

The signatures are made by programs that are not ours: OpenSSL's command line, and vectors that the senders publish.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.incident import triggers
from keysweep.rotation.incident.signatures import standard_key
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Place, Refusal, Trigger, UnverifiedError

_NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_NAMES = sorted(path.stem for path in Path(str(triggers.__file__)).parent.glob("*.py") if not path.stem.startswith("_"))
_LEAKED = "a value that leaked"


def _trigger(name: str) -> Trigger:
    found: Trigger = importlib.import_module(f"keysweep.rotation.incident.triggers.{name}").TRIGGER
    return found


def _openssl(*arguments: str, message: bytes) -> bytes:
    return subprocess.run(["openssl", *arguments], input=message, capture_output=True, check=True).stdout


def _hmac(key: bytes, message: bytes) -> bytes:
    return _openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary", message=message)


@cache
def _pair(name: str) -> tuple[str, str]:
    """Return a private and a public key on P-256, made by OpenSSL."""
    private = _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", message=name.encode()).decode()
    return private, _openssl("ec", "-pubout", message=private.encode()).decode()


Sign = Callable[[bytes, str, datetime], dict[str, str]]
"""Given a body, the name of a secret and the time: the headers that the sender would send."""


def _standard(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    sent = str(int(at.timestamp()))
    digest = _hmac(secret.encode(), f"evt_1.{sent}.".encode() + body)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _github(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"x-github-delivery": "d1", "x-hub-signature-256": f"sha256={_hmac(secret.encode(), body).hex()}"}


def _gitguardian(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    sent = str(int(at.timestamp()))
    return {"timestamp": sent, "gitguardian-signature": f"sha256={_hmac((sent + secret).encode(), body).hex()}"}


def _partner(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    key = Path("private.pem")
    key.write_text(_pair(secret)[0])
    signature = _openssl("dgst", "-sha256", "-sign", str(key), message=body)
    return {
        "github-public-key-identifier": secret,
        "github-public-key-signature": base64.b64encode(signature).decode(),
    }


def _published(*names: str) -> bytes:
    keys = [{"key_identifier": name, "key": _pair(name)[1], "is_current": True} for name in names]
    return json.dumps({"public_keys": keys}).encode()


@dataclass(frozen=True)
class Case:
    """What one sender sends."""

    body: object
    alerts: tuple[Alert, ...]
    sign: Sign = _standard
    timed: bool = True
    """The time is signed as well."""
    secret_file: Callable[..., bytes] = lambda *names: "\n".join(names).encode()


_FINGERPRINT = f"kf:{'7' * 64}"
_FINDING = {
    "id": "f1",
    "rule": "openai-api-key",
    "fingerprint": _FINGERPRINT,
    "credential": {"name": "orders", "version": 1, "state": "current", "match": "exact", "certainty": 1.0},
    "occurrences": [],
}
_CASES = {
    "generic": Case(
        body={"id": "evt_1", "key": _LEAKED, "reason": "seen in a paste", "incident": "INC-7"},
        alerts=(Alert(event_id="evt_1", reason="seen in a paste", incident="INC-7", secret=Secret(_LEAKED)),),
    ),
    "finding": Case(
        body={
            "schema": "keysweep.dev/scan/v1",
            "findings": [
                _FINDING,
                {**_FINDING, "id": "f2", "credential": {**_FINDING["credential"], "match": "masked"}},  # type: ignore[dict-item]
                {**_FINDING, "id": "f3", "credential": None},
            ],
        },
        alerts=(
            Alert(event_id="f1", reason="found by openai-api-key", incident="f1", fingerprint=_FINGERPRINT),
            Alert(event_id="f2", reason="found by openai-api-key", incident="f2", credential="orders"),
        ),
    ),
    "github": Case(
        body={
            "action": "created",
            "alert": {"number": 42, "secret_type": "openai_api_key", "validity": "active", "publicly_leaked": True},
            "repository": {"full_name": "acme/orders"},
        },
        alerts=(
            Alert(
                event_id="acme/orders#42",
                reason="GitHub found openai_api_key (created)",
                incident="acme/orders#42",
                place=Place(repository="acme/orders", number=42),
                look="https://github.com/acme/orders/security/secret-scanning/42",
            ),
        ),
        sign=_github,
        timed=False,
    ),
    "github_partner": Case(
        body=[
            {"token": _LEAKED, "type": "acme_key", "url": "https://example.com/x", "source": "commit"},
            {"token": "another", "type": "acme_key", "url": "", "source": "content"},
        ],
        alerts=(
            Alert(
                event_id="",
                reason="GitHub found acme_key in commit",
                incident="",
                secret=Secret(_LEAKED),
                look="https://example.com/x",
            ),
            Alert(event_id="", reason="GitHub found acme_key in content", incident="", secret=Secret("another")),
        ),
        sign=_partner,
        timed=False,
        secret_file=_published,
    ),
    "gitguardian": Case(
        body={
            "source": "GitGuardian",
            "action": "incident_triggered",
            "incident": {
                "id": 3899,
                "detector": {"name": "openai_apikey"},
                "gitguardian_url": "https://dashboard.gitguardian.com/workspace/1/incidents/3899",
            },
        },
        alerts=(
            Alert(
                event_id="3899",
                reason="GitGuardian found openai_apikey (incident_triggered)",
                incident="gitguardian-3899",
                look="https://dashboard.gitguardian.com/workspace/1/incidents/3899",
            ),
        ),
        sign=_gitguardian,
    ),
}
EVERY = pytest.mark.parametrize("name", _NAMES)


def _bytes(name: str) -> bytes:
    return json.dumps(_CASES[name].body).encode()


def _secrets(name: str, *which: str) -> Sequence[bytes]:
    return _trigger(name).secrets(_CASES[name].secret_file(*which))


def _judge(name: str, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime = _NOW) -> None:
    _trigger(name).verify(headers, body, secrets, now)


def test_every_sender_has_its_case() -> None:
    """A trigger that is added is tested."""
    assert set(_CASES) == set(_NAMES)


@EVERY
@pytest.mark.parametrize("secret", ["newest", "before"])
def test_a_signed_event_is_believed(name: str, secret: str) -> None:
    """Every active signing secret counts, so that signing secrets can be rotated as well."""
    body = _bytes(name)
    headers = _CASES[name].sign(body, secret, _NOW)
    _judge(name, headers, body, _secrets(name, "newest", "before"))
    assert headers[_trigger(name).signature]


@EVERY
@pytest.mark.parametrize("without", ["one", "all"])
def test_an_event_without_its_signature_is_refused(name: str, without: str) -> None:
    """No header of the sender's scheme can be left out."""
    body = _bytes(name)
    signed = _CASES[name].sign(body, "newest", _NOW)
    for header in signed if without == "one" else ["all"]:
        headers = {key: value for key, value in signed.items() if key != header} if without == "one" else {}
        with pytest.raises(UnverifiedError) as refused:
            _judge(name, headers, body, _secrets(name, "newest"))
        assert refused.value.reason is Refusal.NO_SIGNATURE
        assert _LEAKED not in str(refused.value)


@EVERY
@pytest.mark.parametrize(
    "how", ["one byte more than was signed", "signed by somebody else", "another signature", "no secret is set"]
)
def test_a_wrong_signature_is_refused(name: str, how: str) -> None:
    """The refusal has a reason that is counted, and repeats nothing of the body."""
    body = _bytes(name)
    headers = _CASES[name].sign(body, "guessed" if how == "signed by somebody else" else "newest", _NOW)
    if how == "another signature":
        headers[_trigger(name).signature] = "v1,sha256=" + "0" * 64
    secrets = () if how == "no secret is set" else _secrets(name, "newest")
    with pytest.raises(UnverifiedError) as refused:
        _judge(name, headers, body + b" " * how.startswith("one byte"), secrets)
    assert refused.value.reason is Refusal.BAD_SIGNATURE
    assert _LEAKED not in str(refused.value)


@pytest.mark.parametrize("name", [name for name in _NAMES if _CASES[name].timed])
@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_event_of_another_time_is_refused(name: str, minutes: int) -> None:
    """Where the time is signed, a captured event is good for five minutes."""
    body = _bytes(name)
    headers = _CASES[name].sign(body, "newest", _NOW + timedelta(minutes=minutes))
    with pytest.raises(UnverifiedError) as refused:
        _judge(name, headers, body, _secrets(name, "newest"))
    assert refused.value.reason is Refusal.STALE


@EVERY
def test_an_event_that_nobody_would_send_is_refused_unread(name: str) -> None:
    """Ten megabytes, before anything is computed over them."""
    with pytest.raises(UnverifiedError) as refused:
        _judge(name, {}, b"x" * 10_000_000, _secrets(name, "newest"))
    assert refused.value.reason is Refusal.TOO_LARGE


def test_what_github_publishes_of_its_signature_is_believed() -> None:
    """The example of GitHub's own description: its text, its secret, its digest."""
    signature = "757107ea0eb2509fc211221cce984b8a" + "37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-github-delivery": "d1", "x-hub-signature-256": f"sha256={signature}"}
    _judge("github", headers, b"Hello, World!", [b"It's a Secret to Everybody"])


def test_what_standard_webhooks_publish_of_their_signature_is_believed() -> None:
    """The vector of the reference libraries: a secret in base64, an id, a time, a body."""
    secret = "whsec_" + "MfKQ9r8GKYqr" + "TwjUPD8ILPZIo2LaLaSw"
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/" + "tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265330, UTC)
    _judge("generic", headers, b'{"test": 2432232314}', [secret.encode()], at)
    assert standard_key(b"whsec_no base64") == b"whsec_no base64"


@EVERY
def test_an_event_says_what_leaked(name: str) -> None:
    """A body becomes frozen values; a key in it is a Secret from the first moment."""
    alerts = _trigger(name).parse(_CASES[name].body)
    assert _CASES[name].alerts == alerts
    assert _LEAKED not in repr(alerts)


@EVERY
def test_a_body_is_claimed_by_its_own_sender_only(name: str) -> None:
    """So that an event without headers is read by the right one."""
    assert [other for other in _NAMES if _trigger(other).claims(_CASES[name].body)] == [name]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("github", {"action": "resolved"}),
        ("github", {"action": "assigned"}),
        ("gitguardian", {"action": "incident_resolved"}),
        ("gitguardian", {"action": "incident_ignored"}),
    ],
)
def test_an_event_about_nothing_new_raises_no_alarm(name: str, change: dict[str, str]) -> None:
    """It is understood, and there is nothing to do."""
    body = _CASES[name].body
    assert isinstance(body, dict)
    assert _trigger(name).parse({**body, **change}) == ()


@pytest.mark.parametrize("repository", ["../../user", "acme/orders/../x", "acme", "https://evil.example/x", "acme/.."])
def test_an_event_does_not_choose_where_a_token_is_sent(repository: str) -> None:
    """A repository is an owner and a name, and nothing that changes the address of the call."""
    body = _CASES["github"].body
    assert isinstance(body, dict)
    with pytest.raises(MalformedPayloadError):
        _trigger("github").parse({**body, "repository": {"full_name": repository}})


@pytest.mark.parametrize("content", [b"", b"[]", b'{"public_keys": [{}]}', b'{"public_keys": [7]}', b"[" * 100_000])
def test_a_list_of_public_keys_that_is_none_is_a_usage_error(content: bytes) -> None:
    """It is the operator's own file."""
    with pytest.raises(UsageError):
        _trigger("github_partner").secrets(content)


@EVERY
@pytest.mark.parametrize(
    "payload",
    [
        None, 7, "text", [], {}, {"key": ""}, {"key": 7}, {"reason": "leaked"}, [{"token": ""}], [{}], [7],
        {"findings": [7]}, {"action": "created", "alert": {}, "repository": {}}, {"action": 1, "incident": {}},
    ],
    ids=repr,
)  # fmt: skip
def test_a_malformed_event_is_one_named_error(name: str, payload: object) -> None:
    """Whatever a verified sender sends, the parser answers with values or with this error."""
    with pytest.raises(MalformedPayloadError):
        _trigger(name).parse(payload)


_WORDS = st.sampled_from(
    ["key", "fingerprint", "credential", "id", "token", "type", "findings", "action", "alert", "number", "repository", "incident", "detector"]
)  # fmt: skip


@EVERY
@given(
    payload=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("created"),
        lambda inner: st.dictionaries(_WORDS, inner, max_size=3) | st.lists(inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_body_breaks_the_parser(name: str, payload: object) -> None:
    """Any JSON at all."""
    _trigger(name).claims(payload)
    with contextlib.suppress(MalformedPayloadError):
        assert all(isinstance(alert, Alert) for alert in _trigger(name).parse(payload))
