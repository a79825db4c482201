"""When a credential ends by itself: what the vendor said with the new key is written down with SEAL, and counts from PROMOTE on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from keysweep.foundation.clock import to_text
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import Detail
from keysweep.rotation.engine.run import Run
from keysweep.rotation.engine.steps import Phase, Result, Step
from keysweep.rotation.vault import store

_STATED, _BEFORE = "expires_at", "expired_before"
_SAME_KEY = frozenset({Step.ROLL, Step.SET_VALUE})
"""They give a key another value, and what the vendor says of the key itself stays."""


def sealed(expires_at: datetime | None) -> Detail:
    """Return what SEAL writes down of the new key."""
    return {_STATED: to_text(expires_at)} if expires_at else {}


def promoted(run: Run) -> tuple[str | None, Detail]:
    """Return when the credential ends with its new key, and what PROMOTE writes down for a way back."""
    with run.opened.database.read() as connection:
        before = store.credential_by_id(connection, run.credential.id).expires_at
        stated = _said(run, connection, Step.SEAL, _STATED)
    kept = to_text(before) if before else None
    same = not _SAME_KEY.isdisjoint(run.record().steps) and run.old().provider_key_id == run.new().provider_key_id
    return stated or (kept if same else None), {_BEFORE: kept} if kept else {}


def demoted(run: Run, connection: Connection) -> str | None:
    """Return when the credential ends with its old key."""
    return _said(run, connection, Step.PROMOTE, _BEFORE)


def _said(run: Run, connection: Connection, step: Step, name: str) -> str | None:
    said = [
        event.detail.get(name)
        for event in journal.events(connection, run.rotation_id)
        if event.step is step and event.phase is Phase.OUTCOME and event.result is Result.OK
    ]
    return str(said[-1]) if said and said[-1] else None
