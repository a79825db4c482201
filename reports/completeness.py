"""Is the inventory all there is?  Each provider's newest list against the credentials in use at the freeze."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from keysweep.reports.evidence import Evidence, KeyRow
from keysweep.reports.listed import ListedRow, ListRow
from keysweep.reports.phrases import count


class Standing(StrEnum):
    """How far a provider's own list bears the inventory out."""

    COMPARED = "compared"
    OLD = "list too old"
    FAILED = "no list was had"
    NEVER = "never compared"
    UNLISTABLE = "cannot be listed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLists:
    """One provider: what it listed and what is in use here."""

    provider: str
    standing: Standing
    lists: tuple[ListRow, ...]
    in_use: int
    """Credentials of the provider that were in use at the freeze."""
    unknown: int
    """Keys that it accepts and that are not stored here."""
    absent: tuple[KeyRow, ...]
    """In use here since before the list, and not accepted in it."""
    unnamed_absent: int
    """The same of lists whose keys are no longer known by name."""
    newer: int
    """In use here since after the list, which therefore says nothing of them."""

    @property
    def compared(self) -> bool:
        """Its list is there, and no older than the policy allows a key to be."""
        return self.standing is Standing.COMPARED

    @property
    def not_there(self) -> int:
        """Credentials in use that its list does not bear out."""
        return len(self.absent) + self.unnamed_absent


def by_provider(evidence: Evidence) -> tuple[ProviderLists, ...]:
    """Return one row a provider that has a credential in use, or was asked for its list."""
    providers = {key.provider for key in evidence.in_use} | {one.provider for one in evidence.lists}
    return tuple(_of_provider(evidence, provider) for provider in sorted(providers))


def unknown_keys(evidence: Evidence) -> tuple[tuple[ListRow, ListedRow], ...]:
    """Return the keys that a provider accepts and that are not stored here, each with its list."""
    return tuple((one, key) for one in evidence.lists for key in one.keys if key.unknown)


def was_held_against_any(rows: Iterable[ProviderLists]) -> bool:
    """Whether any list was read at all, however old."""
    return any(one.read_at is not None for row in rows for one in row.lists)


def statement(evidence: Evidence) -> str:
    """Say in one sentence how complete the inventory is known to be."""
    rows = by_provider(evidence)
    compared = [row for row in rows if row.compared]
    if not was_held_against_any(rows):
        return "The inventory was held against no provider's list: its completeness is not evaluated."
    unknown, absent = sum(row.unknown for row in rows), sum(row.not_there for row in rows)
    found = (
        f"{count(unknown, 'key')} there unknown here, {count(absent, 'key')} in use here not there"
        if unknown or absent
        else "each accepted key is known here, each key in use is there"
    )
    rest = ", ".join(row.provider for row in rows if not row.compared)
    return (
        f"Held against current lists of {len(compared)} of {count(len(rows), 'provider')}: {found}"
        + (f"; completeness is not evaluated for {rest}" if rest else "")
        + "."
    )


def _of_provider(evidence: Evidence, provider: str) -> ProviderLists:
    lists = tuple(one for one in evidence.lists if one.provider == provider)
    keys = [key for key in evidence.in_use if key.provider == provider]
    accepted = {(key.credential, key.number) for one in lists for key in one.keys if key.active}
    read = [one.read_at for one in lists if one.read_at is not None]
    missing = [
        key
        for key in keys
        if read
        and all(one.whole for one in lists)
        and (key.name, key.version) not in accepted
        and (not key.is_admin or any(one.lists_admins for one in lists))
    ]
    return ProviderLists(
        provider=provider,
        standing=_standing(evidence, provider, lists),
        lists=lists,
        in_use=len(keys),
        unknown=sum(one.unknown for one in lists),
        absent=tuple(key for key in missing if key.since <= min(read)),
        unnamed_absent=0 if all(one.whole for one in lists) else sum(one.gone for one in lists),
        newer=sum(key.since > min(read) for key in missing),
    )


def _standing(evidence: Evidence, provider: str, lists: tuple[ListRow, ...]) -> Standing:
    if not lists:
        return Standing.NEVER if provider in evidence.listable else Standing.UNLISTABLE
    if any(one.read_at is None for one in lists):
        return Standing.FAILED
    oldest = min(one.read_at for one in lists if one.read_at is not None)
    limit = timedelta(days=evidence.policy.max_age_days)
    return Standing.OLD if evidence.end - oldest > limit else Standing.COMPARED
