"""The actions by which a new value comes from the provider: minted or rolled, its raw answer sealed, then read.

A call whose answer was lost, or that nobody can read, is never simply repeated: what it may have made is read back or ended first.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from keysweep.foundation.clock import to_text
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.engine import ends, journal, orphans
from keysweep.rotation.engine.administering import succeed
from keysweep.rotation.engine.key_id import asked_id
from keysweep.rotation.engine.run import MINTED, Done, Run, StepFailedError, promised
from keysweep.rotation.providers import Minted, ProviderError
from keysweep.rotation.vault import store


def mint(run: Run, attempt: int) -> Done:
    """Create the key; after a lost answer read it back where the vendor can, else end the orphan and create another."""
    swept, tag, raw = 0, f"{run.record().tag}-{attempt}", None
    if attempt > 1:
        raw = orphans.read_back(run)
        swept = 0 if raw else orphans.sweep(run)
    raw = raw or _created(run, tag)

    def settle(connection: Connection) -> None:
        run.keep(connection, MINTED, raw)

    def undo() -> None:
        orphans.end_minted(run, raw, tag)

    return Done(detail={"tag": tag, "orphans_swept": swept}, settle=settle, undo=undo)


def roll(run: Run, attempt: int) -> Done:
    """Swap the value; after a lost answer look first, and roll what it left once more: its value is known to nobody."""
    key_id, raw = _rolled(run, look=attempt > 1)

    def settle(connection: Connection) -> None:
        run.keep(connection, MINTED, raw)

    return Done(detail={"key_id": key_id}, settle=settle)


def seal(run: Run, attempt: int) -> Done:
    """Store the new value: parsed from the sealed answer, or made by us before anybody knows it."""
    key_id: str | None
    if run.provider.read_minted is not None:
        minted = _read(run, attempt)
        value, key_id, admin, ends_at = minted.secret, minted.key_id, minted.admin, minted.expires_at
    else:
        admin = ends_at = None
        old = run.old_value()
        value, key_id = promised(run.provider.generate)(old), run.old().provider_key_id
        old.wipe()

    def settle(connection: Connection) -> None:
        version = run.opened.vault.add_version(
            connection, run.credential, value, state=State.PENDING, provider_key_id=key_id
        )
        if admin is not None:
            succeed(run, connection, admin)
        journal.set_new_number(connection, run.rotation_id, version.ref.number)
        journal.shred_cells(connection, run.rotation_id, run.opened.clock(), name=MINTED)

    return Done(detail={"key_id": key_id, **ends.sealed(ends_at)}, settle=settle)


def set_value(run: Run, _attempt: int) -> Done:
    """Make the provider accept the value that is sealed here."""
    old, new = run.old_value(), run.value(run.new().ref)
    run.hold()
    promised(run.provider.set_value)(run.account, old, new)
    old.wipe()
    new.wipe()
    return Done(detail={"old_dies": run.provider.facts.old_dies_on_set})


def take_standby(run: Run, _attempt: int) -> Done:
    """Switch on the key that was sealed ahead of time."""
    with run.opened.database.read() as connection:
        standby = store.version_in(connection, run.credential.id, State.STANDBY)
    if standby is None:
        msg = "no standby is sealed"
        raise StepFailedError(msg, hint=f"keysweep keys set {run.credential.name} --standby")
    key_id = standby.provider_key_id
    if run.provider.activate is not None:
        key_id = key_id or asked_id(run, standby)
        if key_id is None:
            msg = "the standby's id at the provider is not known"
            raise StepFailedError(
                msg, hint=f"keysweep keys set-id {run.credential.name} ID --version {standby.ref.number}"
            )
        run.provider.activate(run.account, key_id)

    def settle(connection: Connection) -> None:
        if key_id and key_id != standby.provider_key_id:
            store.set_provider_key_id(connection, standby.ref, key_id)
        store.change_version(connection, standby.ref, State.PENDING)
        journal.set_new_number(connection, run.rotation_id, standby.ref.number)

    by_hand = {"handed_in": to_text(standby.created_at)} if run.provider.runbook is not None else {}
    return Done(detail={"key_id": key_id, **by_hand}, settle=settle)


def _created(run: Run, tag: str) -> Secret:
    account = replace(run.account, key_id=run.old().provider_key_id)  # PREPARE may just have learned it
    run.hold()
    return promised(run.provider.mint)(account, tag)


def _rolled(run: Run, *, look: bool) -> tuple[str, Secret]:
    key_id, value = run.old().provider_key_id, run.old_value()
    if key_id is None:
        msg = "the key's id at the provider is not known"
        raise StepFailedError(msg, hint=f"keysweep keys set-id {run.credential.name} ID")
    if look:
        key_id = promised(run.provider.observe)(run.account, key_id, value) or key_id
    run.hold()
    raw = promised(run.provider.roll)(run.account, key_id, value)
    value.wipe()
    return key_id, raw


def _read(run: Run, attempt: int) -> Minted:
    """Read the sealed answer; one that nobody can read is as good as lost, and another is got in the next attempt.

    Raises:
        StepFailedError: no answer is sealed.
        ProviderError: nobody can read it, or the provider did not do its part.
    """
    read = promised(run.provider.read_minted)
    with run.opened.database.read() as connection:
        kept = journal.get_cell(connection, run.rotation_id, MINTED)
    if kept is not None:
        try:
            return read(run.opened.vault.open_cell(run.credential, run.rotation_id, MINTED, *kept))
        except ProviderError:
            if run.provider.mint is not None and run.provider.read_back is None:
                orphans.sweep(run)  # a key whose value nobody can read must not stay alive
            with run.opened.database.write() as connection:
                run.journal.renew(connection)
                journal.shred_cells(connection, run.rotation_id, run.opened.clock(), name=MINTED)
            raise
    if attempt == 1:
        msg = "the provider's answer is not sealed"
        raise StepFailedError(msg)
    return read(_another(run, attempt))


def _another(run: Run, attempt: int) -> Secret:
    """Get an answer in place of an unreadable one, and seal it before it is read."""
    tag = f"{run.record().tag}-s{attempt}"
    raw = _rolled(run, look=True)[1] if run.provider.mint is None else orphans.read_back(run)
    if raw is None:
        orphans.sweep(run)
        raw = _created(run, tag)
    try:
        with run.opened.database.write() as connection:
            run.journal.renew(connection)
            run.keep(connection, MINTED, raw)
    except Exception:
        if run.provider.mint is not None:
            orphans.end_minted(run, raw, tag)  # a key that could not be sealed must not stay alive
        raise
    return raw
