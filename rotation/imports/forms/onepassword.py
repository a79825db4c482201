"""1Password's `1pux` export: an archive whose `export.data` holds accounts, vaults and items.

Only concealed fields and passwords are looked at; attached files and notes are not.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import LARGEST, Document
from keysweep.rotation.imports.structured import NoTreeError, Tree, parse_json
from keysweep.rotation.inventory import ImportRowError

_MEMBER = "export.data"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


def _recognises(document: Document) -> bool:
    return document.is_archive


def _read(document: Document) -> Iterator[Placed]:
    try:
        tree = parse_json(_member(document))
    except NoTreeError:
        msg = f"{_MEMBER} in {document.name} is not JSON"
        raise ImportRowError(msg) from None
    for account in _list(tree, "accounts"):
        for vault in _list(account, "vaults"):
            for item in _list(vault, "items"):
                # NOTE: older exports wrap each item once more.
                inner = item.get("item")
                yield from _item(_text(vault.get("attrs"), "name"), inner if isinstance(inner, Mapping) else item)


def _member(document: Document) -> str:
    """Return the text of the one member that matters; whatever the archive says, only so much is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(document.data)) as archive, archive.open(_MEMBER) as member:
            data = member.read(LARGEST + 1)
    except (KeyError, *_BROKEN):
        msg = f"{document.name} is no 1pux export"
        raise ImportRowError(msg, hint="in 1Password: File, Export, 1PUX") from None
    if len(data) > LARGEST:
        msg = f"{_MEMBER} in {document.name} is larger than {LARGEST >> 20} MB"
        raise ImportRowError(msg)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NoTreeError from None


def _item(vault: str, item: Mapping[str, Tree]) -> Iterator[Placed]:
    title = _text(item.get("overview"), "title") or "item"
    place = "/".join((vault, title))
    details = item.get("details")
    if item.get("state") not in {None, "active"} or item.get("trashed") is True:
        yield place, Left(name=place, reason=Reason.ARCHIVED)
        return
    created, expires = _moment(item.get("createdAt")), None
    found: list[tuple[str, str]] = [
        (_text(field, "name") or "password", _text(field, "value"))
        for field in _list(details, "loginFields")
        if field.get("designation") == "password" or field.get("fieldType") == "P"
    ]
    if password := _text(details, "password"):
        found.append(("password", password))
    for section in _list(details, "sections"):
        for field in _list(section, "fields"):
            name = _text(field, "title") or _text(field, "id") or "field"
            match field.get("value"):
                case {"concealed": str(value)}:
                    found.append((name, value))
                case {"totp": str()}:
                    yield place, Left(name=f"{place}/{name}", reason=Reason.SEED)
                case {"date": str(seconds)} if "expir" in name.lower():
                    expires = _moment(seconds)
                case _:
                    pass
    for name, value in found:
        path = (title,) if len(found) == 1 else (title, name)
        yield (
            place,
            Given(
                path=path,
                field=name,
                value=Secret(value),
                hints=(name, title, vault),
                declared=True,
                created_at=created,
                expires_at=expires,
            ),
        )


def _list(tree: Tree, name: str) -> list[Mapping[str, Tree]]:
    found = tree.get(name) if isinstance(tree, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _text(tree: Tree, name: str) -> str:
    found = tree.get(name) if isinstance(tree, Mapping) else None
    return found if isinstance(found, str) else ""


def _moment(seconds: Tree) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(seconds)), UTC) if isinstance(seconds, str) and seconds != "0" else None
    except (ValueError, OverflowError, OSError):
        return None


FORM = Form(rank=2, recognises=_recognises, read=_read)
