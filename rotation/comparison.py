"""Compare a provider's list of keys with the stored ones, both ways.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import Credential, State, Version, VersionRef
from keysweep.rotation.hints import matches_hint
from keysweep.rotation.listers import ListedKey

IN_USE = (State.CURRENT, State.STANDBY, State.PENDING)
"""States in which a value must stand in its provider's list."""
_OVER = (State.RETIRING, State.RETIRED, State.DISCARDED)


class Verdict(StrEnum):
    """What comparing says of one key."""

    MATCHED = "matched"
    """Stored, and there."""
    UNKNOWN = "unknown"
    """There and accepted, and not stored: a gap of the inventory."""
    GONE = "gone"
    """Stored and in use, and not there or switched off: agents that have it fail, or will."""
    LINGERS = "lingers"
    """Replaced or taken out of use here, and still accepted there."""
    DRIFTED = "drifted"
    """Stored, and there under another name, id or expiry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One stored value of the provider."""

    credential: Credential
    version: Version
    expected: bool
    """It must stand in this list: in use, of this account, and of a kind that is listed."""
    value: Secret | None = None
    """Opened only where its id at the provider is not known, to compare it with what the provider shows of its keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is to be said of one key."""

    verdict: Verdict
    listed: ListedKey | None
    credential: str | None
    """Name of the stored credential."""
    version: VersionRef | None
    detail: str = ""
    """What drifted, or why it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that one comparison says."""

    differences: tuple[Difference, ...]
    pairs: Mapping[str, VersionRef]
    """By the provider's id: the stored version that a listed key is."""
    stored: int
    """Stored values that must be in the list."""

    def count(self, verdict: Verdict) -> int:
        """Return how many keys got that verdict."""
        return sum(difference.verdict is verdict for difference in self.differences)


def compare(listed: Iterable[ListedKey], stored: Iterable[Stored], before: Mapping[str, str]) -> Comparison:
    """Compare a list with the stored values of its provider.  Pure.

    Args:
        listed: every key that the provider knows of.
        stored: every value of the provider that is or was stored.
        before: names of keys by id in the last list, to see that one was renamed.
    """
    keys, values = tuple(listed), tuple(stored)
    pairs = _pairs(keys, values)
    found = {pairs[key.key_id].version.ref: key for key in keys if key.key_id in pairs}
    differences = [
        Difference(verdict=Verdict.UNKNOWN, listed=key, credential=None, version=None)
        for key in keys
        if key.key_id not in pairs and key.active
    ]
    for one in values:
        differences += _of_stored(one, found.get(one.version.ref), before)
    return Comparison(
        differences=tuple(differences),
        pairs={key_id: one.version.ref for key_id, one in pairs.items()},
        stored=sum(one.expected for one in values),
    )


def _of_stored(one: Stored, key: ListedKey | None, before: Mapping[str, str]) -> Iterator[Difference]:
    def said(verdict: Verdict, detail: str) -> Difference:
        return Difference(
            verdict=verdict, listed=key, credential=one.credential.name, version=one.version.ref, detail=detail
        )

    if key is None:
        if one.expected:
            known = f"the id {one.version.provider_key_id}" if one.version.provider_key_id else "a masked form of it"
            yield said(Verdict.GONE, f"the list has no key with {known}")
        return
    if one.version.state is State.CURRENT and not key.active:
        yield said(Verdict.GONE, "it is switched off there")
    if one.version.state in _OVER and key.active:
        yield said(Verdict.LINGERS, f"it is {one.version.state.value} here")
    if drift := _drift(one, key, before):
        yield said(Verdict.DRIFTED, "; ".join(drift))


def _drift(one: Stored, key: ListedKey, before: Mapping[str, str]) -> tuple[str, ...]:
    drift = []
    if one.version.provider_key_id is None:
        drift.append(f"its id there is {key.key_id}, which is not stored")
    if (name := before.get(key.key_id)) is not None and name != key.name:
        drift.append(f"its name there was {name!r} and is {key.name!r}")
    if one.version.state is State.CURRENT:
        here, there = one.credential.expires_at, key.expires_at
        if there is not None and (here is None or abs((here - there).total_seconds()) > 1):
            drift.append(f"it ends there at {there:%F %R}, here at {f'{here:%F %R}' if here else 'no time'}")
    return tuple(drift)


def _pairs(keys: tuple[ListedKey, ...], values: tuple[Stored, ...]) -> dict[str, Stored]:
    """Pair by id; what is left by the masked form, where it fits one of each only."""
    by_id = {one.version.provider_key_id: one for one in values if one.version.provider_key_id}
    pairs = {key.key_id: by_id[key.key_id] for key in keys if key.key_id in by_id}
    nameless = [one for one in values if one.version.provider_key_id is None and one.value is not None]
    fits = [
        (key, one)
        for key in keys
        if key.key_id not in pairs and key.hint
        for one in nameless
        if one.value is not None and matches_hint(key.hint, one.value)
    ]
    for key, one in fits:
        alone = sum(k is key for k, _ in fits) == 1 == sum(o is one for _, o in fits)
        if alone:
            pairs[key.key_id] = one
    return pairs
