"""The listing seam: every key that a vendor knows of, asked with the administering key.  One vendor a file, exporting `LISTER`.

A list is complete or it is an error: a part of it would turn stored keys into dead ones.  A lister may raise only
`ProviderError`, with no key material in it or its causes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from keysweep.foundation.clock import from_text
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, ProviderError, Trouble

_MOST_PAGES = 2000
"""Pages of one list: a vendor that never ends is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """One key as its vendor lists it."""

    key_id: str
    name: str
    active: bool
    """The vendor accepts it."""
    hint: str = ""
    """What the vendor shows of the value, masked."""
    owner: str = ""
    """User or service account that it belongs to."""
    is_admin: bool = False
    """It administers others."""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lister:
    """One vendor's list."""

    title: str
    method: str
    """The calls that are made, for the evidence."""
    lists_admins: bool
    """The administering keys stand in the list, too."""
    tells_use: bool
    """The list says when a key was last used."""
    proven_on: str
    """What it was tested against."""
    keys: Callable[[Account], tuple[ListedKey, ...]]


def pages(
    call: Callable[[str], Response],
    first: str,
    *,
    rows: str = "data",
    next_page: Callable[[Mapping[Any, object], int], str],
) -> Iterator[object]:
    """Yield the rows of every page.

    Args:
        call: makes the request for a query.
        first: the query of the first page.
        rows: name of the list in the answer.
        next_page: given an answer and how many rows came so far, the query of the next page; empty at the end.

    Raises:
        ProviderError: a page is missing, or is not what the vendor documents.
    """
    query, seen, asked = first, 0, set()
    for _ in range(_MOST_PAGES):
        asked.add(query)
        answer = expect(call(query), what="listing keys").json()
        match answer:
            case {**record} if isinstance(found := record.get(rows), list):
                yield from found
            case _:
                raise unreadable(what="the list of keys")
        seen += len(found)
        query = next_page(record, seen) if found else ""
        if not query:
            return
        if query in asked:
            raise unreadable(what="the list of keys, which repeats itself,")
    raise unreadable(what="the list of keys, which does not end,")


def cursor(name: str, value: object) -> str:
    """Return `&name=value` for the next page; empty without a value."""
    return f"&{name}={quote(str(value), safe='')}" if value else ""


def from_epoch(value: object) -> datetime | None:
    """Read seconds since 1970; None for 0 and for what is no number."""
    match value:
        case bool():
            return None
        case int() | float() if 0 < value < 1 << 34:
            return datetime.fromtimestamp(value, UTC)
        case _:
            return None


def from_stamp(value: object) -> datetime | None:
    """Read an RFC 3339 time; None for what is none."""
    try:
        return from_text(value) if isinstance(value, str) else None
    except ValueError:
        return None


def admin_value(account: Account) -> str:
    """Return the administering key for a header.

    Raises:
        ProviderError: there is none.
    """
    if account.admin is None:
        msg = "no administering key"
        raise ProviderError(msg, trouble=Trouble.REFUSED)
    return account.admin.reveal_text()


def unreadable(*, what: str) -> ProviderError:
    """Return the error for an answer of another shape."""
    return ProviderError(f"{what} is not what the vendor documents", trouble=Trouble.UNREADABLE)
