"""What is stated in the open is held against the store's own values, under whichever master key they are now."""

from __future__ import annotations

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.inventory import Entry, add
from keysweep.rotation.public_text import KeyInPublicTextError
from keysweep.rotation.stated import checked
from keysweep.rotation.vault import moving, rekey
from keysweep.rotation.vault.unlock import OpenVault, unlock
from tests.fakes.engines import engine_server, opened, opened_sqlite, store_url

__all__ = ["engine_server", "opened", "opened_sqlite", "store_url"]

VALUE = "plain words that no rule knows"
"""Refused as a name only because it is stored."""


def store(vault: OpenVault) -> None:
    """Keep the value."""
    with vault.database.write() as connection:
        add(connection, vault, Entry(name="one", provider="custom", value=Secret(VALUE)), actor="test")


def assert_refused(vault: OpenVault) -> None:
    """The value is no reason that may be kept; another one is."""
    with pytest.raises(KeyInPublicTextError):
        checked(vault, VALUE, what="reason")
    assert checked(vault, f"{VALUE}, changed", what="reason") == f"{VALUE}, changed"


def test_a_stored_value_is_refused(opened: OpenVault) -> None:
    """Whole, also where no rule knows it."""
    store(opened)
    assert_refused(opened)


def test_while_a_new_master_key_is_brought_in(opened: OpenVault) -> None:
    """The value has moved, and the old key is the current one still."""
    store(opened)
    with pytest.raises(InterruptedError):
        rekey.rotate_master(opened, actor="test", progress=_stop)
    with opened.database.read() as connection:
        assert not moving.is_left(connection)
    assert_refused(opened)


def test_behind_the_back_of_a_process_that_runs(opened: OpenVault) -> None:
    """It learns of the new master key when it asks, not at its next write only."""
    store(opened)
    other = unlock(opened.settings, clock=opened.clock)
    rekey.rotate_master(other, actor="test")
    other.close()
    assert_refused(opened)


def _stop(_: int) -> None:
    raise InterruptedError
