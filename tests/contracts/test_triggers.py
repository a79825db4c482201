"""Every trigger keeps its promise: what is not signed, fresh, whole and well formed has no effect; what is, says one thing."""

from __future__ import annotations

import base64
import contextlib
import hmac
import importlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.secret import Secret
from keysweep.rotation.incident import triggers
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Refusal, Trigger, UnverifiedError

_NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_SECRETS = (b"one signing secret", b"the one before it")
_NAMES = sorted(path.stem for path in Path(str(triggers.__file__)).parent.glob("*.py") if not path.stem.startswith("_"))


def _trigger(name: str) -> Trigger:
    found: Trigger = importlib.import_module(f"keysweep.rotation.incident.triggers.{name}").TRIGGER
    return found


def _signed(
    body: bytes, *, at: datetime = _NOW, secret: bytes = _SECRETS[0], identifier: str = "evt_1"
) -> dict[str, str]:
    """Sign as Standard Webhooks v1; a trigger with another scheme brings its own branch here."""
    sent = str(int(at.timestamp()))
    digest = hmac.digest(secret, f"{identifier}.{sent}.".encode() + body, "sha256")
    return {
        "webhook-id": identifier,
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


_BODY = json.dumps(
    {"id": "evt_1", "key": "a value that leaked", "reason": "seen in a paste", "incident": "INC-7"}
).encode()


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("secret", _SECRETS, ids=["newest secret", "the one before, while secrets are rotated"])
def test_a_signed_and_fresh_event_is_believed(name: str, secret: bytes) -> None:
    """Every active signing secret counts, so that signing secrets can be rotated as well."""
    _trigger(name).verify(_signed(_BODY, secret=secret), _BODY, _SECRETS, _NOW)


_GOOD = _signed(_BODY)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        pytest.param({}, _BODY, Refusal.NO_SIGNATURE, id="no signature"),
        pytest.param(_GOOD | {"webhook-signature": ""}, _BODY, Refusal.NO_SIGNATURE, id="an empty one"),
        pytest.param(_GOOD | {"webhook-timestamp": "soon"}, _BODY, Refusal.NO_SIGNATURE, id="a time that is none"),
        pytest.param(_GOOD, _BODY + b" ", Refusal.BAD_SIGNATURE, id="one byte more than was signed"),
        pytest.param(_signed(_BODY, secret=b"guessed"), _BODY, Refusal.BAD_SIGNATURE, id="signed by somebody else"),
        pytest.param(_GOOD | {"webhook-id": "evt_2"}, _BODY, Refusal.BAD_SIGNATURE, id="another id than was signed"),
        pytest.param(
            _GOOD | {"webhook-signature": _GOOD["webhook-signature"].replace("v1,", "v0,")},
            _BODY,
            Refusal.BAD_SIGNATURE,
            id="a scheme that nobody speaks",
        ),
        pytest.param(_signed(_BODY, at=_NOW - timedelta(minutes=6)), _BODY, Refusal.STALE, id="six minutes old"),
        pytest.param(_signed(_BODY, at=_NOW + timedelta(minutes=6)), _BODY, Refusal.STALE, id="from the future"),
        pytest.param(_signed(b"x" * 10_000_000), b"x" * 10_000_000, Refusal.TOO_LARGE, id="ten megabytes, well signed"),
    ],
)
def test_what_is_not_proven_is_refused(name: str, headers: Mapping[str, str], body: bytes, reason: Refusal) -> None:
    """The refusal has a reason that is counted, and repeats nothing of the body."""
    with pytest.raises(UnverifiedError) as refused:
        _trigger(name).verify(headers, body, _SECRETS, _NOW)
    assert refused.value.reason is reason
    assert "a value that leaked" not in str(refused.value)


@pytest.mark.parametrize("name", _NAMES)
def test_no_signing_secret_believes_nothing(name: str) -> None:
    """A sender that was never set up is not believed, whatever it signs with."""
    with pytest.raises(UnverifiedError):
        _trigger(name).verify(_signed(_BODY, secret=b""), _BODY, (), _NOW)


@pytest.mark.parametrize("name", _NAMES)
def test_an_event_says_one_thing(name: str) -> None:
    """A body becomes one frozen value; the key in it is a Secret from the first moment."""
    alert = _trigger(name).parse(_BODY)
    assert alert == Alert(
        event_id="evt_1", reason="seen in a paste", incident="INC-7", secret=Secret("a value that leaked")
    )
    assert "a value that leaked" not in repr(alert)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half a document"),
        pytest.param(b"[" * 100_000, id="deeply nested"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"key": ""}', id="an empty key"),
        pytest.param(b'{"key": 7}', id="a key that is a number"),
        pytest.param(b'{"reason": "leaked"}', id="no key at all"),
    ],
)
def test_a_malformed_event_is_one_named_error(name: str, body: bytes) -> None:
    """Whatever a verified sender sends, the parser answers with a value or with this error."""
    with pytest.raises(MalformedPayloadError):
        _trigger(name).parse(body)


@pytest.mark.parametrize("name", _NAMES)
@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.sampled_from(["key", "fingerprint", "credential", "id"]), inner, max_size=3),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_breaks_the_parser(name: str, body: bytes) -> None:
    """Any bytes at all."""
    with contextlib.suppress(MalformedPayloadError):
        assert isinstance(_trigger(name).parse(body), Alert)
