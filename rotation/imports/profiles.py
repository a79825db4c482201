"""OpenClaw's auth profiles, in files and in its stores: keys of model providers by the name of the profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Given, Left, Placed, Reason
from keysweep.rotation.imports.structured import Tree

_KEYS = ("key", "apiKey", "token")


def is_profiles(tree: Tree) -> bool:
    """Whether a tree is a set of auth profiles."""
    match tree:
        case {"profiles": dict(found)}:
            return any(isinstance(one, Mapping) and {"type", "provider"} <= set(one) for one in found.values())
        case _:
            return False


def profiles(tree: Tree, where: tuple[str, ...] = ()) -> Iterator[Placed]:
    """Yield the keys; sessions that OpenClaw renews itself and references are left out."""
    match tree:
        case {"profiles": dict(found)}:
            for name, profile in found.items():
                if isinstance(profile, Mapping):
                    yield "/".join((*where, str(name))), _profile(where, str(name), profile)
        case _:
            pass


def _profile(where: tuple[str, ...], name: str, profile: Mapping[str, Tree]) -> Given | Left:
    path = (*where, name.replace(":", "/"))
    if profile.get("type") == "oauth":
        return Left(name="/".join(path), reason=Reason.SESSION)
    value = next((found for field in _KEYS if isinstance(found := profile.get(field), str)), None)
    if value is None:
        return Left(name="/".join(path), reason=Reason.REFERENCE)
    return Given(path=path, value=Secret(value), hints=(str(profile.get("provider", "")), name), declared=True)
