"""Keys that end by themselves: what the vendor says of a new key is the credential's from then on, and due before it ends."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from keysweep.foundation.clock import to_text
from keysweep.foundation.secret import Secret
from keysweep.rotation import listing
from keysweep.rotation.age_limit import rotate_by
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.rotate import abort, rotate
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.inventory import Entry, import_entries, replace_value
from keysweep.rotation.overdue import ended_by
from keysweep.rotation.policies import except_credential
from keysweep.rotation.provider_catalog import get
from keysweep.rotation.selection import Filter, Sort
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.rotation.vendor import end
from tests.fakes.command_line import command
from tests.fakes.engines import NOON, engine_server, opened, opened_sqlite, store_url
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World

__all__ = ["engine_server", "opened", "opened_sqlite", "store_url", "vendors", "world"]
END = datetime(2027, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2027-01-31T12:00:00Z", END),
        ("2027-01-31T13:00:00.000+01:00", END),
        ("2027-01-31T12:00:00", END),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        (END.timestamp(), END),
        (int(END.timestamp()), END),
        (int(END.timestamp() * 1000), END),
        ("9999-12-31T23:59:59Z", None),
        (-1, None),
        (0, None),
        (True, None),
        (1 << 60, None),
        ("never", None),
        ("", None),
        (None, None),
        ([], None),
    ],
    ids=str,
)
def test_an_end_is_read_however_it_is_told(told: object, read: datetime | None) -> None:
    """Never, and what is no time, is none; a time without a zone is UTC."""
    assert end(told) == read


_DAY, _TEXT = "2027-01-31", "2027-01-31T12:00:00Z"
_SLACK = {
    "ok": True, "access_token": "v", "refresh_token": "r", "token_type": "bot", "bot_user_id": "U", "team": {"id": "T"},
}  # fmt: skip
ANSWERS: list[tuple[str, Mapping[str, object], datetime | None]] = [
    ("gitlab", {"id": 1, "token": "v", "expires_at": _DAY}, datetime(2027, 1, 31, tzinfo=UTC)),
    ("gitlab_project", {"id": 1, "token": "v", "expires_at": None}, None),
    ("openai", {"id": "i", "value": "v", "expires_at": int(END.timestamp())}, END),
    ("openai_admin", {"id": "i", "value": "v", "expires_at": None}, None),
    ("openrouter", {"key": "v", "data": {"hash": "h", "expires_at": _TEXT}}, END),
    ("langsmith", {"key": "v", "id": "i", "expires_at": _TEXT}, END),
    ("litellm", {"key": "v", "expires": _TEXT}, END),
    ("entra_app", {"keyId": "i", "secretText": "v", "endDateTime": _TEXT}, END),
    ("databricks", {"token_value": "v", "token_info": {"token_id": "i", "expiry_time": END.timestamp() * 1000}}, END),
    ("databricks", {"token_value": "v", "token_info": {"token_id": "i", "expiry_time": -1}}, None),
    ("github_app", {"id": 1, "token": "v", "expires_at": _TEXT}, END),
    ("slack_rotating", {"client_secret": "s", "at": END.timestamp(), "answer": {**_SLACK, "expires_in": 43200}}, END + timedelta(hours=12)),
    ("slack_rotating", {"client_secret": "s", "answer": {**_SLACK, "expires_in": 43200}}, None),
    (
        "google_service_account",
        {"name": "k/1", "privateKeyData": base64.b64encode(b"{}").decode(), "validBeforeTime": "9999-12-31T23:59:59Z"},
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "ends"), ANSWERS, ids=[f"{name} {ends}" for name, _, ends in ANSWERS])
def test_the_end_stands_in_the_answer(name: str, answer: Mapping[str, object], ends: datetime | None) -> None:
    """Of each vendor that says it there."""
    read = get(name).read_minted
    assert read is not None
    assert read(Secret(json.dumps(answer))).expires_at == ends


def _rotate(world: World, *, grace: timedelta = timedelta(0), **settings: str) -> Report:
    credential = world.credential("openai")
    with world.open() as opened:
        with opened.database.write() as connection:
            stated = json.dumps({**credential.settings, **settings})
            store.change_credential(connection, credential.id, settings=stated)
        terms = Terms(grace=grace)
        return rotate(opened, Request(credential=NAMES["openai"], mode=Mode.PLANNED, reason="test", terms=terms))


def _expect(world: World, ends: datetime | None) -> None:
    """State when the key ends that is there now."""
    with world.open() as opened, opened.database.write() as connection:
        store.change_credential(connection, world.credential("openai").id, expires_at=to_text(ends) if ends else None)


def test_the_new_keys_end_is_the_credentials(world: World) -> None:
    """It takes the old one's place, and goes with a key of which the vendor says none."""
    _expect(world, END)
    assert _rotate(world, lifetime_s="86400").outcome is Outcome.DONE
    ends = world.credential("openai").expires_at
    assert ends is not None
    assert timedelta(hours=23) < ends - datetime.now(UTC) < timedelta(hours=25)
    assert _rotate(world, lifetime_s="").outcome is Outcome.DONE
    assert world.credential("openai").expires_at is None


def test_the_old_keys_end_comes_back_with_it(world: World) -> None:
    """A rotation that is unwound in its grace leaves the credential as it was, though the new key was current."""
    _expect(world, END)
    waiting = _rotate(world, grace=timedelta(hours=1), lifetime_s="86400")
    assert waiting.rotation is not None
    assert world.credential("openai").expires_at not in {None, END}
    with world.open() as opened:
        assert abort(opened, waiting.rotation.id, reason="test").outcome is Outcome.ROLLED_BACK
    assert world.credential("openai").expires_at == END


def test_a_value_that_was_set_by_hand_ends_nobody_knows_when(world: World) -> None:
    """What was said of the value before is not repeated of this one; a standby changes nothing yet."""
    _expect(world, END)
    with world.open() as opened:
        replace_value(opened, NAMES["openai"], Secret("a standby"), key_id=None, standby=True, actor="test")
        assert world.credential("openai").expires_at == END
        replace_value(opened, NAMES["openai"], Secret("a successor"), key_id=None, standby=False, actor="test")
    assert world.credential("openai").expires_at is None


@pytest.mark.parametrize(
    ("lives_days", "margin_days", "due_days_before"),
    [(30, 7, 3), (90, 7, 7), (365, 7, 7), (90, 1, 1), (0.5, 7, 0.05), (-1, 7, 0)],
)
def test_the_margin_is_never_more_than_a_tenth_of_a_life(
    lives_days: float, margin_days: float, due_days_before: float
) -> None:
    """A token of twelve hours is not due a week before it ends."""
    since = END - timedelta(days=lives_days)
    assert END - rotate_by(since, END, timedelta(days=margin_days)) == timedelta(days=due_days_before)


def _stored(opened: OpenVault, ends: Mapping[str, float | None], *, since_days: float = 20) -> None:
    """Store keys in use since so many days; each ends in so many days from now, or never."""
    entries = [
        Entry(
            name=name,
            provider="openai",
            value=Secret(f"value of {name}"),
            created_at=NOON - timedelta(days=since_days),
            expires_at=NOON + timedelta(days=left) if left is not None else None,
        )
        for name, left in ends.items()
    ]
    list(import_entries(opened, enumerate(entries, start=1), actor="test"))


def test_what_ends_soon_is_due_and_what_has_ended_is_overdue(opened: OpenVault) -> None:
    """Whatever the policy allows, and whatever exception there is: nobody can except the vendor's clock."""
    _stored(opened, {"ended": -1, "soon": 2, "later": 10, "never": None, "excepted": -2, "retired": -3, "admin": -1})
    except_credential(
        opened, "excepted", until=NOON + timedelta(days=9), reason="it stays", approved_by="a person", actor="test"
    )
    with opened.database.write() as connection:
        retired, administers = (store.credential_named(connection, name).id for name in ("retired", "admin"))
        store.change_credential(connection, retired, retired_at=to_text(NOON))
        store.change_credential(connection, administers, is_admin=1)
    assert [row.name for row in listing.due(opened, within=timedelta())] == ["ended", "excepted", "soon"]
    assert [row.name for row in listing.due(opened, within=timedelta(days=8))] == ["ended", "excepted", "later", "soon"]
    assert [row.name for row in listing.overdue(opened, sort=Sort.NAME)] == ["admin", "ended", "excepted"]
    rows = {row.name: row for row in listing.listing(opened)}
    assert {name: (row.ends_soon, row.expired, row.overdue) for name, row in rows.items()} == {
        "admin": (True, True, True),
        "ended": (True, True, True),
        "excepted": (True, True, True),
        "later": (False, False, False),
        "never": (False, False, False),
        "soon": (True, False, False),
    }
    assert rows["soon"].due_at < rows["never"].due_at == rows["later"].standing.due_at


def test_pages_of_what_has_ended_are_the_whole_cut_up(opened: OpenVault) -> None:
    """Beside what is too old, each once."""
    _stored(opened, {f"ended-{number}": -number for number in range(1, 6)})
    _stored(opened, {f"old-{number}": None if number % 2 else -1 for number in range(4)}, since_days=100)
    _stored(opened, {"fresh": 60})
    pages = [listing.overdue_page(opened, Filter(), sort=Sort.NAME, size=4, number=number) for number in (1, 2, 3)]
    assert [row.name for page in pages for row in page.rows] == sorted(
        [*(f"ended-{number}" for number in range(1, 6)), *(f"old-{number}" for number in range(4))]
    )
    assert {page.total for page in pages} == {9}


def test_what_ends_is_told_from_an_index(opened_sqlite: OpenVault) -> None:
    """Of fifty thousand keys a few have an end, and only those are looked at."""
    _stored(opened_sqlite, {"ended": -1, "never": None})
    with opened_sqlite.database.read() as connection:
        query = ended_by(NOON).compile(connection.engine, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert "USING INDEX ix_credential_expires_at" in str(plan) or "USING COVERING INDEX" in str(plan)


def test_the_inventory_says_when_a_key_ended(world: World) -> None:
    """In the list, in the record, and for programs; and what is next."""
    with world.open() as opened, opened.database.write() as connection:
        gone = to_text(datetime.now(UTC) - timedelta(days=1))
        store.change_credential(connection, world.credential("openai").id, expires_at=gone)
    listed = command(world.environ, world.folder, "keys", "list", "--overdue")
    assert f"ended {gone[:10]}" in listed.output
    assert "1 overdue" in listed.output
    shown = command(world.environ, world.folder, "keys", "show", NAMES["openai"])
    assert f"ended {gone[:10]}" in shown.output
    assert f"Next: keysweep rotate {NAMES['openai']} --plan" in shown.output
    plan = command(world.environ, world.folder, "rotate", "--due", "--plan")
    told = command(world.environ, world.folder, "keys", "edit", NAMES["anthropic"], "--expires", "2027-01-31")
    assert "expires at changed" in told.output
    assert world.credential("anthropic").expires_at == datetime(2027, 1, 31, tzinfo=UTC)
    assert command(world.environ, world.folder, "keys", "edit", NAMES["anthropic"], "--expires", "never").code == 0
    assert world.credential("anthropic").expires_at is None
    assert command(world.environ, world.folder, "keys", "edit", NAMES["anthropic"], "--expires", "soon").code == 2
    assert NAMES["openai"] in plan.output
    assert NAMES["anthropic"] not in plan.output
