"""Kinds of agents by name: a file of rotation/agents is one kind, loaded when it is asked for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.rotation.agents import Agent

USERS = "users"
"""Setting of every kind: users of this machine, separated by commas, that may ask the daemon in the agent's name (docs/daemon.md)."""
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}|[0-9]{1,10}", re.IGNORECASE)
_FOLDER = Path(__file__).parent / "agents"


class UnknownAgentKindError(UsageError):
    """No file of that name."""


def names() -> tuple[str, ...]:
    """Return the kinds there are, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


def get(kind: str) -> Agent:
    """Return one kind of agent.

    Raises:
        UnknownAgentKindError: there is none of that name.
    """
    if kind not in names():
        msg = f"no kind of agent is called {kind!r}"
        raise UnknownAgentKindError(msg, hint=f"known: {', '.join(names())}")
    agent: Agent = importlib.import_module(f"keysweep.rotation.agents.{kind}").AGENT
    return agent


def settings(kind: str, pairs: Iterable[str]) -> dict[str, str]:
    """Read `NAME=VALUE` pairs as the settings of an agent of that kind.

    Raises:
        UnknownAgentKindError: there is no such kind.
        UsageError: a pair is malformed, unknown to the kind, stated twice, one that it needs is missing, or they cannot work.
    """
    agent = get(kind)
    known = agent.settings
    found: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not value or name in found or not {name, f"{name}*"} & {*known, USERS}:
            msg = f"{name!r} is no setting of the kind {kind!r}, is empty or stands twice"
            raise UsageError(msg, hint=_usage(kind, known))
        found[name] = users(value) if name == USERS else value
    missing = [name for name in known if not name.endswith("*") and name not in found]
    if missing:
        msg = f"the kind {kind!r} needs {', '.join(missing)}"
        raise UsageError(msg, hint=_usage(kind, known))
    if agent.check is not None:
        agent.check(found)
    return found


def users(stated: str) -> str:
    """Return users of this machine as they are kept: names or numbers, separated by commas, none twice.

    Raises:
        UsageError: one of them is neither.
    """
    found = tuple(dict.fromkeys(user.strip() for user in stated.split(",") if user.strip()))
    for user in found:
        if not _USER.fullmatch(user):
            msg = "users are names or numbers of users of this machine, separated by commas"
            raise UsageError(msg)
    return ",".join(found)


def _usage(kind: str, known: Mapping[str, str]) -> str:
    options = [f"[--set {name[:-1]}=...]" if name.endswith("*") else f"--set {name}=..." for name in known]
    return f"keysweep agents add NAME --kind {kind} {' '.join(options)}".rstrip()
