"""What a person does, and what is done here, where a vendor has no API for its keys: in order, each with whether it is done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.steps import Mode, Result, Step
from keysweep.rotation.providers import Runbook
from keysweep.rotation.vault import store


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do."""

    text: str
    command: str = ""
    """The command that does it; empty where a hand does."""
    done: bool


def checklist(connection: Connection, name: str) -> tuple[Task, ...]:
    """Return the tasks of the rotation of a credential that is open or comes next; none where a provider's API does it all.

    Raises:
        UnknownCredentialError: no such credential.
    """
    credential = store.credential_named(connection, name)
    known = credential.provider in provider_catalog.names()
    book = provider_catalog.get(credential.provider).runbook if known else None
    if book is None:
        return ()
    begun = journal.unfinished(connection, credential.id)
    events = journal.events(connection, begun[0].id) if begun else ()
    standby = store.version_in(connection, credential.id, State.STANDBY) is not None
    return _tasks(
        name,
        book,
        rotation=begun[0].id[:12] if begun else None,
        forced=bool(begun) and begun[0].mode is Mode.FORCED,
        standby=standby,
        done={event.step for event in events if event.result is Result.OK},
    )


def outline(book: Runbook) -> tuple[str, ...]:
    """Return the tasks of a runbook in words, for a credential that is called NAME."""
    tasks = _tasks("NAME", book, rotation=None, forced=False, standby=False, done=set())
    return tuple(f"{task.text}: `{task.command}`" if task.command else task.text for task in tasks)


def _tasks(
    name: str, book: Runbook, *, rotation: str | None, forced: bool, standby: bool, done: set[Step]
) -> tuple[Task, ...]:
    here = standby or Step.TAKE_STANDBY in done
    goes_on = f"keysweep rotate --resume {rotation}" if rotation else f"keysweep rotate {name} --yes"
    dead = Step.PROVE_DEAD in done
    make = Task(text=f"make a new key at {book.console}: {book.create}", done=here)
    give = Task(
        text="hand it in, by the prompt or standard input", command=f"keysweep keys set {name} --standby", done=here
    )
    move = Task(text="have the agents take it", command=goes_on, done=Step.PROMOTE in done)
    end = Task(text=f"end the old key at {book.console}: {book.end}", done=dead)
    prove = Task(text="have its death proven", command=f"keysweep rotate --resume {rotation or 'ID'}", done=dead)
    if forced and not here:
        return (end, make, give, move, prove)  # nothing is gained by waiting: agents fail until they hold the new one
    return (make, give, move, end, prove)
