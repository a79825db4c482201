"""The use case of an import: open a source, judge what it holds, and store it or say what would be stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from keysweep.foundation.errors import UsageError
from keysweep.rotation.bulk import stored_digests
from keysweep.rotation.credential import State
from keysweep.rotation.imports import Placed, detect, form, manager, manager_names
from keysweep.rotation.imports.document import read_file, read_stream
from keysweep.rotation.imports.gather import Gathered
from keysweep.rotation.inventory import Effect, Entry, ImportRowError, import_entries
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.unlock import OpenVault

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an import reads from, while it is open."""

    items: Iterable[Placed]
    form: str
    file: Path | None
    """The file, which holds the keys also after the import."""
    open_to_others: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened, or would happen, with one key."""

    place: str
    name: str
    provider: str
    effect: Effect | UsageError


@contextmanager
def open_source(where: str, name: str, stdin: BinaryIO) -> Iterator[Source]:
    """Open a file, standard input (`-`) or a secret manager (`vault:PATH`) for the length of a block; its bytes are wiped then.

    Args:
        where: names the source.
        name: of the format, `auto` to tell it by the content.
        stdin: read for `-`.

    Raises:
        UsageError: it cannot be read, or its format is not known.
    """
    scheme, colon, below = where.partition(":")
    if colon and scheme in manager_names() and not Path(where).exists():
        if name != AUTO:
            msg = "a secret manager has no format"
            raise UsageError(msg, hint=f"keysweep keys import {where}")
        yield Source(items=manager(scheme).read(below), form=scheme, file=None, open_to_others=False)
        return
    document = read_stream(stdin) if where == "-" else read_file(Path(where))
    try:
        chosen = detect(document) if name == AUTO else name
        yield Source(
            items=form(chosen).read(document),
            form=chosen,
            file=document.path,
            open_to_others=document.open_to_others,
        )
    finally:
        document.wipe()


def take_in(opened: OpenVault, gathered: Gathered, *, actor: str, partial: bool) -> Iterator[Outcome]:
    """Store what was gathered, in one transaction: all, or with *partial* the good ones.

    Raises:
        ImportRowError: one is bad and *partial* is false; nothing was stored.
    """
    with opened.database.read() as connection:
        rows = [*gathered.rows, *_under_stored_names(connection, opened, gathered.found)]
    try:
        for (_, entry), (place, name, effect) in zip(
            rows, import_entries(opened, rows, actor=actor, partial=partial), strict=True
        ):
            provider = entry.provider if isinstance(entry, Entry) else ""
            yield Outcome(place=str(place), name=name, provider=provider, effect=effect)
    finally:
        _wipe(rows)


def preview(opened: OpenVault, gathered: Gathered) -> Iterator[Outcome]:
    """Say what `take_in` would do; nothing is written."""
    with opened.database.read() as connection:
        rows = [*gathered.rows, *_under_stored_names(connection, opened, gathered.found)]
        for place, entry in rows:
            if isinstance(entry, ImportRowError):
                yield Outcome(place=place, name="", provider="", effect=entry)
            else:
                effect = _would(connection, opened, entry)
                yield Outcome(place=place, name=entry.name, provider=entry.provider, effect=effect)
    _wipe(rows)


def _under_stored_names(
    connection: Connection, opened: OpenVault, found: Sequence[tuple[str, Entry | ImportRowError]]
) -> Iterator[tuple[str, Entry | ImportRowError]]:
    """Give what is stored already the name that it has there: names made by us give way."""
    forms = [
        opened.ring.forms(connection, opened.fingerprinter.of(entry.value)) if isinstance(entry, Entry) else ()
        for _, entry in found
    ]
    known = stored_digests(connection, (form.digest for several in forms for form in several))
    for (place, entry), several in zip(found, forms, strict=True):
        stored = whose.by_fingerprint(connection, *several) if any(form.digest in known for form in several) else None
        yield place, replace(entry, name=stored[0].name) if stored and isinstance(entry, Entry) else entry


def _would(connection: Connection, opened: OpenVault, entry: Entry) -> Effect | UsageError:
    known = store.find_credential(connection, entry.name)
    if known is None:
        return Effect.STANDBY if entry.state is State.STANDBY else Effect.ADDED
    fingerprint = opened.fingerprinter.of(entry.value)
    if any(
        opened.ring.same(connection, version.fingerprint, fingerprint)
        for version in store.versions(connection, known.id)
    ):
        return Effect.UNCHANGED
    if entry.state is State.STANDBY:
        return Effect.STANDBY
    return UsageError(f"{entry.name!r} is stored with another value", hint=f"keysweep keys set {entry.name}")


def _wipe(rows: Iterable[tuple[str, Entry | ImportRowError]]) -> None:
    for _, entry in rows:
        if isinstance(entry, Entry):
            entry.value.wipe()
