"""What is open at the freeze: since when, against which limit, who decides, and the one command that goes on.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keysweep.reports import completeness
from keysweep.reports.evidence import TARGET_S, Evidence, ExposureRow, KeyRow
from keysweep.reports.listed import ListedRow, ListRow
from keysweep.reports.open_rows import OpenRotation, StrangerRow
from keysweep.reports.phrases import day, moment
from keysweep.rotation.engine.next_command import next_command
from keysweep.rotation.engine.steps import Mode, Outcome, Policy

_UNDER_WAY = timedelta(seconds=TARGET_S)
"""A rotation of which nothing was written down for longer was interrupted."""


class Kind(StrEnum):
    """What is open."""

    LEAK = "leaked, not rotated"
    ROTATION = "rotation not ended"
    EXPIRED = "expired, in use"
    UNKNOWN = "unknown at the provider"
    STRANGER = "leaked, not stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """One thing that somebody has to finish."""

    kind: Kind
    subject: str
    """Name of the credential, or the id of a key or finding where there is none."""
    reference: str
    """What it is called elsewhere: id of the rotation or finding, account of the list."""
    state: str
    why: str
    """What it waits for; empty if that is plain."""
    since: datetime
    due_at: datetime | None
    """When the policy wants it ended; None where none says."""
    limit: str
    """Where that moment comes from."""
    decides: str
    """Who answers for it; empty if nobody is named."""
    command: str
    compromised: bool = False
    """A leaked key is not proven dead meanwhile: it needs attention within its limit, too."""

    def days(self, freeze: datetime) -> int:
        """Return for how many whole days it has been open."""
        return max((freeze - self.since).days, 0)

    def past(self, freeze: datetime) -> timedelta | None:
        """Return for how long it has been past its limit; None if it is not."""
        return freeze - self.due_at if self.due_at is not None and self.due_at < freeze else None


def open_items(evidence: Evidence) -> tuple[OpenItem, ...]:
    """Return everything that is open: the longest past its limit first, then what is within it or has none, oldest first."""
    keys = {key.name: key for key in evidence.keys}
    items = [
        *_leaks(evidence, keys),
        *(_rotation(one, keys.get(one.credential), evidence.end) for one in evidence.open_rotations),
        *(_expired(key, ended, by_hand=key.provider not in evidence.adapters) for key, ended in evidence.expired),
        *(_unknown(one, key, keys, evidence) for one, key in completeness.unknown_keys(evidence)),
        *map(_stranger, evidence.strangers),
    ]
    none = timedelta(0)
    return tuple(
        sorted(items, key=lambda item: (-(item.past(evidence.end) or none), item.since, item.subject, item.reference))
    )


def past_limit(items: Iterable[OpenItem], freeze: datetime) -> tuple[OpenItem, ...]:
    """Return those that are past their limit."""
    return tuple(item for item in items if item.past(freeze) is not None)


def _leaks(evidence: Evidence, keys: dict[str, KeyRow]) -> Iterator[OpenItem]:
    """Yield one item a leaked version that lives and that no rotation is at; the first sighting counts."""
    seen = {(one.credential, one.number) for one in evidence.open_rotations}
    for leak in sorted(evidence.exposures, key=lambda e: (e.first_seen, e.finding_id)):
        if leak.dead_at is None and (leak.credential, leak.version) not in seen:
            seen.add((leak.credential, leak.version))
            yield _leak(leak, keys.get(leak.credential))


def _leak(leak: ExposureRow, key: KeyRow | None) -> OpenItem:
    answered = leak.opened_at is not None
    return OpenItem(
        kind=Kind.LEAK,
        subject=leak.credential,
        reference=f"v{leak.version} · {leak.finding_id}",
        state="incident open, not rotated" if answered else "nobody has acted",
        why=leak.places[0] if leak.places else "",
        since=leak.first_seen,
        due_at=(leak.opened_at or leak.first_seen) + timedelta(seconds=TARGET_S if answered else 0),
        limit=f"{TARGET_S} s from acceptance" if answered else "at once, on suspicion",
        decides=key.owner if key else "",
        command=(
            f"keysweep keys set {leak.credential} --standby"
            if leak.standby
            else f"keysweep rotate --finding {leak.finding_id} --yes"
        ),
        compromised=True,
    )


def _rotation(one: OpenRotation, key: KeyRow | None, freeze: datetime) -> OpenItem:
    state, why = _standing(one, freeze)
    due_at, limit = _wanted_by(one, key)
    return OpenItem(
        kind=Kind.ROTATION,
        subject=one.credential,
        reference=f"{one.mode.value} · {one.id[:12]}",
        state=state,
        why=why,
        since=one.started_at,
        due_at=due_at,
        limit=limit,
        decides=key.owner if key else "",
        command=next_command(
            Outcome.WAITING if one.waits_until is not None else one.outcome or Outcome.HALF_WAY,
            credential=one.credential,
            rotation_id=one.id,
            lacks_key=one.lacks_key,
        ),
        compromised=one.mode is Mode.FORCED,
    )


def _standing(one: OpenRotation, freeze: datetime) -> tuple[str, str]:
    """Return how a rotation stands, and what it waits for."""
    if one.outcome is Outcome.CONTAINED:
        return "ended, death not proven", "the last sealed copy of the old key is destroyed"
    if one.policy is Policy.CONTAIN:
        return ("old key dead, no successor" if one.dead_at else "no successor, old key not proven dead"), one.why
    if one.waits_until is not None:
        over = one.waits_until < freeze
        return (
            "grace is over" if over else "in grace"
        ), f"the old key {'was' if over else 'is'} to live until {moment(one.waits_until)}"
    if one.outcome is Outcome.HALF_WAY or one.why:
        return ("waits for a person" if one.guided else "stopped half way"), one.why
    return ("under way" if freeze - one.last_at <= _UNDER_WAY else "interrupted"), ""


def _wanted_by(one: OpenRotation, key: KeyRow | None) -> tuple[datetime | None, str]:
    """Return when the policy wants a rotation ended, and why then."""
    if one.mode is Mode.FORCED:
        return one.started_at + timedelta(seconds=TARGET_S), f"{TARGET_S} s from acceptance"
    if one.waits_until is not None:
        return one.waits_until, "end of the grace"
    if one.promoted_at is not None:
        return one.promoted_at, "old key, replaced"
    if key is None or key.version is None:
        return None, "no value in use"
    if key.exemption is not None:
        return key.exemption.until, "exception"
    return key.since + timedelta(days=key.limit_days + 1), f"age limit {key.limit_days} d"


def _expired(key: KeyRow, ended: datetime, *, by_hand: bool) -> OpenItem:
    return OpenItem(
        kind=Kind.EXPIRED,
        subject=key.name,
        reference=f"v{key.version} · {key.provider}",
        state="in use past its end",
        why=", ".join(key.agents),
        since=ended,
        due_at=ended,
        limit="end at the provider",
        decides=key.owner,
        command=f"keysweep keys set {key.name}" if by_hand else f"keysweep rotate {key.name} --yes",
    )


def _unknown(one: ListRow, key: ListedRow, keys: dict[str, KeyRow], evidence: Evidence) -> OpenItem:
    account = keys.get(one.account)
    known_since = key.created_at or key.first_seen or one.read_at or evidence.end
    days = evidence.policy.max_age_days
    return OpenItem(
        kind=Kind.UNKNOWN,
        subject=key.key_id,
        reference=f"{one.provider} · as {one.account}",
        state="accepted there, not stored here",
        why=f"created {day(key.created_at)}" if key.created_at else "creation not stated",
        since=key.first_seen or one.read_at or evidence.end,
        due_at=known_since + timedelta(days=days + 1),
        limit=f"age limit {days} d",
        decides=who_decides(key, account),
        command=f"keysweep keys add NAME --provider {one.provider} --key-id {key.key_id}",
    )


def who_decides(key: ListedRow, account: KeyRow | None) -> str:
    """Return who says whether an unknown key is taken in or ended: who answers for the administering key, else its owner there."""
    return (account.owner if account else "") or key.owner


def _stranger(one: StrangerRow) -> OpenItem:
    return OpenItem(
        kind=Kind.STRANGER,
        subject=one.finding_id,
        reference=one.rule,
        state="no stored credential",
        why=one.places[0] if one.places else "",
        since=one.first_seen,
        due_at=None,
        limit="",
        decides="",
        command=f"keysweep explain {one.finding_id}",
    )
