"""Kinds of agents by name: a file of rotation/agents is one kind, loaded when it is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.rotation.agents import Agent

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
