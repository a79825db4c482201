"""From what a source holds to what is stored: one credential a value, however many names it has there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from keysweep.rotation.imports import Given, Left, Placed, Reason
from keysweep.rotation.imports.judge import Verdict, judge
from keysweep.rotation.imports.wording import looks_like_a_key, shown
from keysweep.rotation.inventory import Entry, ImportRowError

_OTHER = re.compile(r"[^A-Za-z0-9._/@:-]+")
_LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What an import would do."""

    rows: tuple[tuple[str, Entry | ImportRowError], ...]
    """What the source itself gives a name and a provider, with the place of each."""
    found: tuple[tuple[str, Entry | ImportRowError], ...]
    """What was judged to be a key and named by where it stands."""
    left: tuple[tuple[str, Left], ...]
    same: tuple[tuple[str, tuple[str, ...]], ...]
    """Credentials that have several names in the source, and those names."""


def gather(placed: Iterable[Placed], *, agent: str = "", owner: str = "", environment: str = "") -> Gathered:
    """Judge every value; what belongs to an agent, an owner or an environment by option does so unless the source says otherwise."""
    rows: list[tuple[str, Entry | ImportRowError]] = []
    left: list[tuple[str, Left]] = []
    groups: dict[bytes, list[tuple[str, Given, Verdict]]] = {}
    ids: dict[tuple[str, ...], str] = {}
    for where, item in placed:
        place = shown(where)
        match item:
            case Given():
                verdict = judge(item)
                if verdict.provider:
                    groups.setdefault(verdict.mark, []).append((place, item, verdict))
                else:
                    if verdict.key_id:
                        ids[item.path[:-1]] = verdict.key_id
                    item.value.wipe()
                    left.append((place, Left(name=_called(item), reason=verdict.reason)))
            case Left():
                left.append((place, replace(item, name=shown(item.name))))
            case Entry():
                rows.append((place, _completed(item, agent, owner, environment)))
            case ImportRowError():
                rows.append((place, item))
    found = tuple(_entries(groups.values(), ids, agent=agent, owner=owner, environment=environment))
    same = tuple(
        (entry.name, tuple(_called(given) for _, given, _ in group))
        for (_, entry), group in zip(found, groups.values(), strict=True)
        if len(group) > 1 and isinstance(entry, Entry)
    )
    return Gathered(rows=tuple(rows), found=found, left=tuple(left), same=same)


def counted(left: Iterable[tuple[str, Left]]) -> list[tuple[Reason, int, tuple[str, ...]]]:
    """Return how many were left out for which reason, and their names, the most frequent reason first."""
    names: dict[Reason, list[str]] = {}
    for _, one in left:
        names.setdefault(one.reason, []).append(one.name)
    return [
        (reason, count, tuple(names[reason])) for reason, count in Counter(one.reason for _, one in left).most_common()
    ]


def _completed(entry: Entry, agent: str, owner: str, environment: str) -> Entry:
    return replace(
        entry,
        agent=entry.agent or ("" if entry.is_admin else agent),
        owner=entry.owner or owner,
        environment=entry.environment or environment,
    )


def _entries(
    groups: Iterable[list[tuple[str, Given, Verdict]]],
    ids: dict[tuple[str, ...], str],
    *,
    agent: str,
    owner: str,
    environment: str,
) -> Iterator[tuple[str, Entry | ImportRowError]]:
    taken: set[str] = set()
    for group in groups:
        place, given, verdict = group[0]
        for _, again, other in group[1:]:
            again.value.wipe()
            other.value.wipe()
        name = _name(given)
        if not name or any(looks_like_a_key(part) for part in given.path):
            yield place, ImportRowError("the name of this value looks like a key itself, or is none")
            continue
        name = _free(name, taken)
        variables = tuple(dict.fromkeys(g.variable for _, g, _ in group if g.variable))
        yield (
            place,
            Entry(
                name=name,
                provider=verdict.provider,
                value=verdict.value,
                agent=agent,
                variable=variables[0] if variables else "",
                more_variables=variables[1:],
                owner=given.owner or owner,
                environment=given.environment or environment,
                created_at=given.created_at,
                expires_at=given.expires_at,
                provider_key_id=ids.get(given.path[:-1]) if verdict.provider == "aws" else None,
            ),
        )


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no other value of this import has."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free


def _name(given: Given) -> str:
    """Make a name of the path: `OPENAI_API_KEY` of the server `web` is `web/openai-api-key`."""
    last = given.path[-1].lower().replace("_", "-") if given.path[-1].isupper() or given.variable else given.path[-1]
    parts = (_OTHER.sub("-", part).strip("-./") for part in (*given.path[:-1], last))
    return "/".join(part for part in parts if part)[-_LONGEST:].lstrip("-._/@:")


def _called(given: Given) -> str:
    return shown(given.variable or "/".join(given.path))
