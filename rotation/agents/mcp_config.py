"""A server in the configuration of an MCP client: one string of it is replaced, and the server's processes are seen with the new value.

A string like `${API_KEY}` refers to the client's environment and is left as it is.  A server keeps the environment that it was started
with, so it counts only once each of its processes on this machine was started with the new value.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.rotation import programs
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.processes import environment_of, with_argument
from keysweep.rotation.sinks import atomic, place, pointer
from keysweep.rotation.sinks.forms import Form, Shape
from keysweep.rotation.sinks.place import Place

_FORMS = {".json": Form.JSON, ".toml": Form.TOML}
_REFERENCE = "${"
"""Begins what the client takes from its own environment: such a place is not ours to fill."""


def _deliver(delivery: Delivery) -> None:
    there = _place(delivery)
    shape, content = there.shape, atomic.read(there.path)
    if content is None:
        msg = f"there is no {there.path}"
        raise AgentError(msg)
    for at in shape.pointers():
        if _REFERENCE in pointer.value_at(shape.form.value, content.decode(errors="replace"), at):
            msg = f"{at} refers to the client's environment and is left as it is"
            raise AgentError(msg, hint="deliver to the client itself: keysweep run --agent NAME -- CLIENT")
    there.put(delivery)


def _activate(delivery: Delivery) -> None:
    """Run what makes the client start its servers anew, where there is such a program.  A server keeps the environment it began with."""
    if "reload" in delivery.settings and _attest(delivery).holding is Holding.OTHER:
        programs.run(programs.arguments(delivery.settings["reload"]), timeout_s=delivery.timeout_s)


def _attest(delivery: Delivery) -> Attestation:
    """Read from the kernel what each of the server's processes on this machine began with."""
    if not _place(delivery).holds(delivery):
        return Attestation(holding=Holding.OTHER, method="file-differs")
    running = with_argument(delivery.settings["process"])
    if not running:
        return Attestation(holding=Holding.NOT_RUNNING, method="not-running")
    name = delivery.settings.get("variable", delivery.settings["pointer"].rpartition("/")[2]).encode()
    halves = {half.rpartition("/")[2].encode(): text.encode() for half, text in delivery.halves().items()}
    for pid in running:
        began_with = environment_of(pid) or {}
        value = began_with.get(name)
        if value is None or not delivery.is_value(value) or not halves.items() <= began_with.items():
            return Attestation(holding=Holding.OTHER, method="started-before")
    return Attestation(holding=Holding.NEW, method="kernel", at=system_clock())


def _place(delivery: Delivery) -> Place:
    path = Path(delivery.settings["path"])
    shape = Shape(form=_FORMS[path.suffix], pointer=delivery.settings["pointer"], beside=delivery.halves())
    return Place(path=path, shape=shape)


def _named(settings: Mapping[str, str], _variable: str) -> str | None:
    """Return the pointer's last step; where the server calls it otherwise, nothing tells what it calls the other half."""
    return settings["pointer"].rpartition("/")[2] if "variable" not in settings else None


def _check(settings: Mapping[str, str]) -> None:
    path = settings["path"]
    if not path.startswith("/") or Path(path).suffix not in _FORMS:
        msg = "path is the absolute path of a .json or .toml file"
        raise UsageError(msg)
    if not settings["pointer"].startswith("/"):
        msg = "pointer is the place of a string, like /mcpServers/search/env/API_KEY"
        raise UsageError(msg)
    if "reload" in settings:
        programs.arguments(settings["reload"])


AGENT = Agent(
    title="A server of an MCP client",
    settings={
        "path": "absolute path of the client's file: .mcp.json, claude_desktop_config.json, .codex/config.toml, .gemini/settings.json ...",
        "pointer": "place of the string in it, like /mcpServers/search/env/API_KEY",
        "process": "argument, or program, that every process of the server was started with and no other was",
        **place.ID_NAME,
        "variable*": "variable of the server, where it is not the pointer's last step",
        "reload*": "absolute path and arguments of a program that makes the client start its servers anew",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.5,
    check=_check,
    named=_named,
)
