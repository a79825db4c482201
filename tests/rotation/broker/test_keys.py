"""A value lives as long as a request carries it, and no longer."""

from __future__ import annotations

import pytest

from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation.broker.keys import Key
from keysweep.rotation.broker.mask import Forms
from keysweep.rotation.credential import CredentialId, VersionRef


@pytest.mark.parametrize(
    ("in_flight", "waited_until", "wiped"),
    [
        pytest.param(0, None, False, id="it is served, and nobody uses it now"),
        pytest.param(1, 5.0, False, id="it was replaced, and one request still carries it"),
        pytest.param(0, 5.0, True, id="it was replaced, and nobody carries it"),
    ],
)
def test_a_value_is_wiped_once_it_was_replaced_and_nobody_carries_it(
    in_flight: int, waited_until: float | None, wiped: bool
) -> None:
    """The forms that answers are searched for go with it."""
    key = Key(
        version=VersionRef(credential_id=CredentialId("c"), number=1),
        fingerprint=Fingerprint(bytes(32)),
        secret=Secret("made-up-for-this"),
        forms=Forms(b"made-up-for-this"),
        in_flight=in_flight,
        waited_until=waited_until,
    )
    key.end_if_unused()
    assert (not key.secret, not key.forms.needles) == (wiped, wiped)
