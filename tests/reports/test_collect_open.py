"""What was open at the freeze is read from journals as they stood then: later ends are not seen, earlier beginnings not lost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.secret import Secret
from keysweep.reports.open_rows import OpenRotation
from keysweep.rotation.credential import State
from keysweep.rotation.engine import terms
from keysweep.rotation.engine.steps import Outcome, Policy
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.inventory import replace_value
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from tests.reports.making import FREEZE, START
from tests.reports.test_collect import add, calendar, opened, ref, seen

__all__ = ["calendar", "opened"]
BEGAN = FREEZE - timedelta(days=3)
AFTER = FREEZE + timedelta(days=1)


def begun(
    opened: OpenVault,
    *events: tuple[str, str, datetime],
    steps: Iterable[str] = (),
    outcome: str | None = None,
    finished: datetime | None = None,
    at: datetime = BEGAN,
    asked: Terms | None = None,
) -> None:
    """Record a rotation of `orders`: step, result and moment of each outcome in its journal."""
    add(opened, "orders", START - timedelta(days=30))
    with opened.database.write() as connection:
        connection.execute(
            insert(tables.rotation).values(
                id="r-1", credential_id=ref(opened, "orders", 1).credential_id, old_number=1, new_number=None, mode="planned",
                steps=json.dumps(list(steps)), reason="", tag="t", started_at=to_text(at),
                finished_at=to_text(finished) if finished else None, outcome=outcome,
            )
        )  # fmt: skip
        if asked:
            terms.put(connection, "r-1", asked)
        for seq, (step, result, moment) in enumerate(events, 1):
            row: dict[str, Any] = {"rotation_id": "r-1", "seq": seq, "step": step, "attempt": seq, "phase": "outcome"}
            detail = {"message": f"{step} failed"} if result == "failed" else {}
            row |= {"result": result, "detail": json.dumps(detail), "fence": 1, "at": to_text(moment)}
            connection.execute(insert(tables.journal).values(**row))


def open_one(opened: OpenVault, *, end: datetime = FREEZE) -> OpenRotation | None:
    """Return the rotation if it is open then."""
    found = seen(opened, end=end).open_rotations
    return found[0] if found else None


@pytest.mark.parametrize(
    ("outcome", "finished", "at_freeze", "later"),
    [
        pytest.param(None, None, True, True, id="it never ended"),
        pytest.param("done", BEGAN, False, False, id="it ended before"),
        pytest.param("rolled-back", BEGAN, False, False, id="it was rolled back"),
        pytest.param("done", AFTER, True, False, id="it ended after the freeze"),
        pytest.param("half-way", BEGAN, True, True, id="it stopped half way"),
        pytest.param("contained", BEGAN, True, True, id="nobody proved the old key dead"),
        pytest.param("waiting", None, True, True, id="it waits"),
    ],
)
def test_a_rotation_is_open_as_it_was_at_the_freeze(
    opened: OpenVault, outcome: str | None, finished: datetime | None, *, at_freeze: bool, later: bool
) -> None:
    """Whatever became of it later, and in whatever period it began."""
    begun(opened, outcome=outcome, finished=finished)
    assert (open_one(opened) is not None, open_one(opened, end=AFTER) is not None) == (at_freeze, later)


def test_one_that_began_before_the_period_is_open_in_it(opened: OpenVault) -> None:
    """The log of the period does not have it; the open items do."""
    begun(opened, at=START - timedelta(days=5))
    assert not seen(opened).rotations
    assert open_one(opened) is not None


def test_a_contained_key_that_was_proven_dead_is_settled(opened: OpenVault) -> None:
    """From the moment of its death on."""
    begun(opened, outcome="contained", finished=BEGAN)
    with opened.database.write() as connection:
        store.change_version(connection, ref(opened, "orders", 1), State.RETIRED, dead_at=AFTER)
    assert open_one(opened) is not None
    assert open_one(opened, end=AFTER) is None


def test_it_waits_for_the_grace_that_was_asked_for_counted_from_its_promotion(opened: OpenVault) -> None:
    """Until the journal says that the grace is over."""
    promoted, over = BEGAN + timedelta(hours=1), FREEZE + timedelta(hours=2)
    begun(
        opened, ("promote", "ok", promoted), ("grace", "ok", over), steps=["promote", "grace", "revoke"],
        asked=Terms(grace=timedelta(hours=24)),
    )  # fmt: skip
    waiting, on = open_one(opened), open_one(opened, end=over)
    assert waiting is not None
    assert on is not None
    assert (waiting.promoted_at, waiting.waits_until, on.waits_until) == (
        promoted,
        promoted + timedelta(hours=24),
        None,
    )


def test_why_it_stands_is_what_failed_last_and_was_not_done_since(opened: OpenVault) -> None:
    """A failure that was mended, and one after the freeze, are no reason."""
    hour = timedelta(hours=1)
    begun(
        opened, ("mint", "failed", BEGAN), ("mint", "ok", BEGAN + hour), ("attest", "failed", BEGAN + 2 * hour),
        ("seal", "ok", BEGAN + 3 * hour), ("revoke", "failed", AFTER), outcome="half-way", finished=BEGAN + 3 * hour,
    )  # fmt: skip
    one = open_one(opened)
    assert one is not None
    assert (one.why, one.last_at, one.outcome, one.policy) == (
        "attest failed",
        BEGAN + 3 * hour,
        Outcome.HALF_WAY,
        Policy.SWAP,
    )


def test_a_failure_that_was_mended_is_no_reason(opened: OpenVault) -> None:
    """Though it was the last one."""
    hour = timedelta(hours=1)
    begun(opened, ("attest", "failed", BEGAN), ("attest", "ok", BEGAN + hour))
    one = open_one(opened)
    assert one is not None
    assert one.why == ""


def test_a_provider_without_an_adapter_is_a_persons(opened: OpenVault) -> None:
    """Its rotation waits for somebody."""
    begun(opened)
    one = open_one(opened)
    assert one is not None
    assert one.guided


def found(opened: OpenVault, name: str, *, confidence: str = "checked", first: datetime, last: datetime) -> None:
    with opened.database.write() as connection:
        connection.execute(
            insert(tables.finding).values(
                id=f"f-{name}", rule="slack-token", provider="slack", severity="high", confidence=confidence,
                fingerprint=name.encode().ljust(32, b"."), prefix="", length=9, credential=None, number=None, match=None,
                certainty=None, first_seen=to_text(first), last_seen=to_text(last),
            )
        )  # fmt: skip
        connection.execute(
            insert(tables.sighting).values(
                finding_id=f"f-{name}",
                place="notes.md:1:1",
                detail="{}",
                first_seen=to_text(first),
                last_seen=to_text(last),
            )
        )


def test_leaked_keys_that_are_not_stored_are_those_that_were_seen_in_the_period(opened: OpenVault) -> None:
    """None that went before it or came after it, and none that only looks random."""
    day = timedelta(days=1)
    found(opened, "seen", first=START - 9 * day, last=START + day)
    found(opened, "again-later", first=FREEZE - day, last=AFTER)
    found(opened, "before", first=START - 9 * day, last=START - day)
    found(opened, "after", first=AFTER, last=AFTER)
    found(opened, "guess", confidence="generic", first=START, last=FREEZE)
    strangers = seen(opened).strangers
    assert [(one.finding_id, one.last_seen, one.places) for one in strangers] == [
        ("f-seen", START + day, ("notes.md:1:1",)),
        ("f-again-later", FREEZE, ("notes.md:1:1",)),
    ]


def test_the_providers_own_end_of_a_key_is_read(opened: OpenVault) -> None:
    """At the freeze it had come for one of two."""
    for name, ends in (("ended", FREEZE), ("later", FREEZE + timedelta(seconds=1))):
        add(opened, name, START)
        with opened.database.write() as connection:
            where = tables.credential.c.name == name
            connection.execute(update(tables.credential).where(where).values(expires_at=to_text(ends)))
    assert [(key.name, ended) for key, ended in seen(opened).expired] == [("ended", FREEZE)]


def test_the_end_of_a_value_that_was_replaced_since_is_that_of_the_freeze(opened: OpenVault) -> None:
    """The row has the end of the new value; what the old one had stands in the journal."""
    begun(opened, ("promote", "ok", AFTER), outcome="done", finished=AFTER)
    with opened.database.write() as connection:
        connection.execute(update(tables.credential).values(expires_at=to_text(AFTER + timedelta(days=90))))
    assert [key.expires_at for key in seen(opened).keys] == [None]
    assert seen(opened, end=AFTER).keys[0].expires_at == AFTER + timedelta(days=90)


def test_it_is_told_by_the_promotion_that_came_next(opened: OpenVault) -> None:
    """It had expired at the freeze, and does so no more a day later."""
    begun(opened, outcome="done", finished=AFTER)
    detail = json.dumps({"expired_before": to_text(BEGAN)})
    with opened.database.write() as connection:
        row = {"rotation_id": "r-1", "seq": 1, "step": "promote", "attempt": 1, "phase": "outcome", "result": "ok"}
        connection.execute(insert(tables.journal).values(**row, detail=detail, fence=1, at=to_text(AFTER)))
        connection.execute(update(tables.credential).values(expires_at=to_text(AFTER + timedelta(days=90))))
    assert [(key.name, ended) for key, ended in seen(opened).expired] == [("orders", BEGAN)]
    assert seen(opened, end=AFTER).expired == ()


@pytest.mark.parametrize(
    ("provider", "policy", "spare", "lacks"),
    [
        pytest.param("groq", Policy.CONTAIN, False, True, id="a person makes its keys"),
        pytest.param("anthropic", Policy.CONTAIN, False, True, id="no call makes its keys"),
        pytest.param("groq", Policy.CONTAIN, True, False, id="a new one was handed in"),
        pytest.param("openai", Policy.CONTAIN, False, False, id="its provider mints: the breaker holds it"),
        pytest.param("groq", Policy.SWAP, False, False, id="it has not only contained"),
    ],
)
def test_it_waits_for_a_key_where_only_a_person_can_bring_one(
    opened: OpenVault, provider: str, policy: Policy, *, spare: bool, lacks: bool
) -> None:
    """Then the next command takes the key in, instead of going on and stopping again."""
    begun(opened, outcome="half-way", finished=BEGAN, asked=Terms(policy=policy))
    with opened.database.write() as connection:
        connection.execute(update(tables.credential).values(provider=provider))
    if spare:
        replace_value(opened, "orders", Secret("a-spare-value"), key_id=None, standby=True, actor="test")
    one = open_one(opened)
    assert one is not None
    assert one.lacks_key is lacks
