"""What is said of a credential is kept with the word of who said it, on both engines; no key is kept among it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances, listing, policies, profiles
from keysweep.rotation.amend import Amendment, amend, retire, set_key_id
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import Entry, add, replace_value
from keysweep.rotation.public_text import KeyInPublicTextError
from keysweep.rotation.resolve import RefusedError, resolve
from keysweep.rotation.selection import Filter, Sort
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.engines import NOON, engine_server, opened, opened_sqlite, store_url

__all__ = ["engine_server", "opened", "opened_sqlite", "store_url"]

VALUE = "a-value-that-no-rule-knows"


def put(vault: OpenVault, name: str, *, age_days: int = 0, **more: object) -> None:
    """Store a credential of that age."""
    made = NOON - timedelta(days=age_days)
    entry = Entry(
        name=name, provider="inhouse", value=Secret(more.pop("value", f"{VALUE}-{name}")), created_at=made, **more
    )  # type: ignore[arg-type]
    with vault.database.write() as connection:
        add(connection, vault, entry, actor="test")


def names(rows: tuple[listing.Row, ...]) -> list[str]:
    """Of rows, in order."""
    return [row.name for row in rows]


def actions(vault: OpenVault) -> str:
    """The ledger as text."""
    with vault.database.read() as connection:
        return "\n".join(connection.execute(select(tables.ledger.c.body).order_by(tables.ledger.c.seq)).scalars())


def test_what_is_not_named_stays(opened: OpenVault) -> None:
    """And the ledger holds before and after."""
    put(opened, "a", owner="me", environment="staging")
    assert amend(opened, "a", Amendment(owner="team", policy_class="payments", max_age_days=7), actor="x") == (
        "owner", "policy_class", "max_age_days",
    )  # fmt: skip
    (row,) = listing.listing(opened)
    assert (row.owner, row.environment, row.policy_class) == ("team", "staging", "payments")
    assert row.standing.limit.max_age_days == 7
    assert "me > team" in actions(opened)
    assert amend(opened, "a", Amendment(owner="team", max_age_days=0), actor="x") == ("max_age_days",)
    assert listing.listing(opened)[0].standing.limit.max_age_days == 90


@pytest.mark.parametrize("field", ["owner", "environment", "policy_class", "kind", "runbook"])
def test_a_stored_value_is_refused_as_a_fact(opened_sqlite: OpenVault, field: str) -> None:
    """Though no rule knows it, and it is of another credential."""
    put(opened_sqlite, "a")
    put(opened_sqlite, "b")
    with pytest.raises(KeyInPublicTextError):
        amend(opened_sqlite, "a", Amendment(**{field: f"see {VALUE}-b"}), actor="x")
    assert VALUE not in actions(opened_sqlite)


@pytest.mark.parametrize("field", ["name", "owner", "environment", "policy_class", "agent", "provider_key_id"])
def test_a_credentials_own_value_is_refused_beside_it(opened_sqlite: OpenVault, field: str) -> None:
    """Before anything of it is stored."""
    facts = {"name": "a", field: VALUE}
    with pytest.raises(KeyInPublicTextError) as raised:
        put(opened_sqlite, facts.pop("name"), value=VALUE, **facts)
    assert VALUE not in raised.value.message
    assert listing.listing(opened_sqlite) == ()


def test_taking_out_of_use_destroys_the_values_and_keeps_the_fingerprints(opened: OpenVault) -> None:
    """No agent gets it again, and it cannot be set anew under this name."""
    put(opened, "a", agent="billing")
    put(opened, "a", value="the spare of it", state=State.STANDBY)
    assert retire(opened, "a", reason="merged", actor="x") == ("billing",)
    with opened.database.write() as connection:
        credential = store.credential_named(connection, "a")
        assert [store.sealed_value(connection, v.ref) for v in store.versions(connection, credential.id)] == [
            None,
            None,
        ]
        agent = instances.agent_named(connection, "billing")
        with pytest.raises(RefusedError):
            resolve(connection, opened.vault, opened.ledger, agent, credential.id, purpose="helper")
        assert whose.by_fingerprint(connection, opened.fingerprinter.of(Secret(f"{VALUE}-a"))) is not None
    assert listing.listing(opened) == ()
    assert names(listing.listing(opened, Filter(retired=True))) == ["a"]
    with pytest.raises(UsageError, match="out of use"):
        replace_value(opened, "a", Secret("another"), key_id=None, standby=False, actor="x")
    with pytest.raises(UsageError, match="out of use"):
        retire(opened, "a", reason="again", actor="x")


def test_the_id_of_a_version_is_recorded(opened: OpenVault) -> None:
    """Of the current one, or of one that is named."""
    put(opened, "a")
    set_key_id(opened, "a", "key_1", actor="x")
    assert listing.listing(opened)[0].key_id == "key_1"
    with pytest.raises(UsageError, match="no version 7"):
        set_key_id(opened, "a", "key_2", number=7, actor="x")


def test_uses_are_noted_once_a_minute(opened: OpenVault) -> None:
    """By whom; a later word of the provider counts at once."""
    put(opened, "a", agent="billing")
    with opened.database.write() as connection:
        identifier = store.credential_named(connection, "a").id
        moments = [NOON, NOON + timedelta(seconds=59), NOON + timedelta(seconds=60)]
        assert [profiles.note_use(connection, identifier, at, "billing") for at in moments] == [True, False, True]
        assert not profiles.note_use(connection, identifier, NOON, profiles.PROVIDER)
        agent = instances.agent_named(connection, "billing")
        resolve(connection, opened.vault, opened.ledger, agent, identifier, purpose="helper")
        assert profiles.of(connection, identifier).last_used_by == "billing"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(Filter(), ["a", "b", "c"], id="everything"),
        pytest.param(Filter(owner="me"), ["a", "b"], id="owner"),
        pytest.param(Filter(environment="production"), ["b"], id="environment"),
        pytest.param(Filter(agent="billing"), ["c"], id="agent"),
        pytest.param(Filter(policy_class="payments"), ["b"], id="class"),
        pytest.param(Filter(policy_class=""), ["a", "c"], id="no class"),
        pytest.param(Filter(provider="openai"), [], id="provider"),
        pytest.param(Filter(owner="me' OR 1=1 --"), [], id="text is text"),
    ],
)
def test_the_listing_is_filtered(opened: OpenVault, wanted: Filter, found: list[str]) -> None:
    """By what is stated."""
    put(opened, "a", owner="me", age_days=5)
    put(opened, "b", owner="me", environment="production", policy_class="payments", age_days=400)
    put(opened, "c", agent="billing", age_days=91)
    assert names(listing.listing(opened, wanted)) == found
    assert listing.page(opened, wanted, sort=Sort.NAME, size=2, number=1).total == len(found)


def test_pages_together_are_the_listing(opened: OpenVault) -> None:
    """In every order, nothing twice and nothing left out."""
    for number in range(7):
        put(opened, f"k{number}", age_days=number * 3 % 7)
    for sort in Sort:
        pages = [listing.page(opened, Filter(), sort=sort, size=3, number=n).rows for n in (1, 2, 3, 4)]
        assert [row.name for page in pages for row in page] == names(listing.listing(opened, sort=sort))
    assert names(listing.listing(opened, sort=Sort.AGE))[0] == "k2"


def test_policies_and_exceptions_decide_what_is_overdue(opened: OpenVault) -> None:
    """Listing, `rotate --due` and the past agree on one function."""
    put(opened, "old", age_days=91)
    put(opened, "edge", age_days=90)
    put(opened, "strict", age_days=31, policy_class="payments")
    approved = {"risk_analysis": "TRA-7", "approved_by": "officer", "approved_at": None, "actor": "x"}
    assert names(listing.overdue(opened)) == ["old"]
    policies.set_limit(opened, policy_class="payments", days=30, **approved)
    assert names(listing.overdue(opened)) == ["old", "strict"]
    assert names(listing.due(opened, within=timedelta())) == ["old", "edge", "strict"]
    until = NOON + timedelta(days=30)
    policies.except_credential(opened, "old", until=until, reason="vendor", approved_by="officer", actor="x")
    assert names(listing.overdue(opened)) == ["strict"]
    policies.except_credential(opened, "old", until=NOON, reason="done", approved_by="officer", actor="x")
    assert names(listing.overdue(opened)) == ["old", "strict"]
    policies.set_limit(opened, policy_class="", days=200, **approved)
    assert names(listing.overdue(opened)) == ["strict"]
    with opened.database.read() as connection:
        before = policies.as_of(connection, NOON - timedelta(days=1), default_days=90)
    assert (before.classes, before.exemptions, before.default.max_age_days) == ({}, {}, 90)


@pytest.mark.parametrize(
    ("days", "analysis", "approver"),
    [(0, "TRA", "me"), (9999, "TRA", "me"), (90, " ", "me"), (90, "TRA", "")],
)
def test_a_policy_has_a_name_and_an_approver(opened_sqlite: OpenVault, days: int, analysis: str, approver: str) -> None:
    """Nothing is recorded without."""
    with pytest.raises(UsageError):
        policies.set_limit(
            opened_sqlite,
            policy_class="",
            days=days,
            risk_analysis=analysis,
            approved_by=approver,
            approved_at=None,
            actor="x",
        )
    with opened_sqlite.database.read() as connection:
        assert connection.execute(select(tables.policy)).first() is None


def test_an_exception_lasts_a_year_at_most(opened_sqlite: OpenVault) -> None:
    """And no approval lies in the future."""
    put(opened_sqlite, "a")
    with pytest.raises(UsageError, match="a year at most"):
        policies.except_credential(
            opened_sqlite, "a", until=NOON + timedelta(days=367), reason="r", approved_by="o", actor="x"
        )
    with pytest.raises(UsageError, match="future"):
        policies.set_limit(
            opened_sqlite, policy_class="", days=90, risk_analysis="T", approved_by="o",
            approved_at=NOON + timedelta(days=1), actor="x",
        )  # fmt: skip
