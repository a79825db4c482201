"""The circuit breaker: a credential that leaks again and again gets no new key, since whatever leaks it is still open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from keysweep.foundation.errors import ExitCode, KeysweepError
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.engine import journal, terms
from keysweep.rotation.engine.steps import Policy

_MOST = 3
"""Forced rotations of one credential within ..."""
_WITHIN = timedelta(hours=1)


class StillLeakingError(KeysweepError):
    """The old key was ended and none was made: one after the other has leaked."""

    exit_code = ExitCode.HALF_WAY


def is_open(now: datetime, began: Iterable[datetime]) -> bool:
    """Whether so many forced rotations began of late that another new key would only leak, too.  Pure."""
    return sum(moment > now - _WITHIN for moment in began) >= _MOST


def trips(connection: Connection, credential: CredentialId, now: datetime, *, but: str | None = None) -> bool:
    """Whether the next forced rotation of a credential makes no key; those that made none do not count.

    Args:
        connection: a transaction.
        credential: whose.
        now: the time.
        but: id of a rotation that is not counted: the one that asks.
    """
    made = [
        record.started_at
        for record in journal.forced_since(connection, credential, now - _WITHIN)
        if record.id != but and terms.of(connection, record.id).policy is not Policy.CONTAIN
    ]
    return is_open(now, made)


def tripped(rotation_id: str) -> StillLeakingError:
    """Return what is said of it, with the way to go on."""
    msg = f"leaked {_MOST} times within an hour: no new key was made, since whatever leaks it is still open"
    return StillLeakingError(
        msg, hint=f"keysweep rotate --resume {rotation_id[:12]} --override-breaker --reason 'the source is closed'"
    )
