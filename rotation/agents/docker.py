"""A service of Docker Compose that takes its key from an `env_file`: recreated, and asked of Docker what its containers were given."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.rotation import challenge, programs
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.sinks import place, running

_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ID = re.compile(r"[0-9a-f]{12,64}")
_RECREATE_S = 60.0


def _deliver(delivery: Delivery) -> None:
    place.lines_at(delivery).put(delivery)


def _activate(delivery: Delivery) -> None:
    """Make the containers of the service anew: a restart keeps the environment that they were made with.

    A service that is stopped stays so.
    """
    if _attest(delivery).holding is not Holding.OTHER:
        return
    service = delivery.settings["service"]
    if any(map(_runs, _containers(delivery))):
        _compose(delivery, "up", "--detach", "--force-recreate", "--no-deps", service)
    else:
        _compose(delivery, "create", "--force-recreate", service)


def _attest(delivery: Delivery) -> Attestation:
    if not place.lines_at(delivery).holds(delivery):
        return Attestation(holding=Holding.OTHER, method="file-differs")
    containers = _containers(delivery)
    if not all(_given(one, delivery) for one in containers):
        return Attestation(holding=Holding.OTHER, method="environment-differs")
    if not any(map(_runs, containers)):
        return Attestation(holding=Holding.NOT_RUNNING, method="not-running")
    if not all(_runs(one) and _healthy(one) for one in containers):
        return Attestation(holding=Holding.OTHER, method="not-ready")
    if "challenge" in delivery.settings:
        return challenge.attest(delivery.settings["challenge"], delivery)
    return Attestation(holding=Holding.NEW, method="docker", at=system_clock())


def _containers(delivery: Delivery) -> list[Mapping[str, object]]:
    ids = _compose(delivery, "ps", "--all", "--quiet", delivery.settings["service"]).split()
    return [_inspect(delivery, one) for one in ids if _ID.fullmatch(one)]


def _given(container: Mapping[str, object], delivery: Delivery) -> bool:
    """Whether each variable of the container's own environment, as Docker states it, is the value, or its public half."""
    match container:
        case {"Config": {"Env": list(lines)}}:
            held = dict(line.split("=", 1) for line in lines if isinstance(line, str) and "=" in line)
            halves = all(held.get(name) == half for name, half in delivery.halves().items())
            return halves and all(delivery.is_value(held.get(name, "").encode()) for name in place.names_of(delivery))
        case _:
            return False


def _runs(container: Mapping[str, object]) -> bool:
    match container:
        case {"State": {"Running": True}}:
            return True
        case _:
            return False


def _healthy(container: Mapping[str, object]) -> bool:
    """Whether the container's own health check says so, where it has one."""
    match container:
        case {"State": {"Health": {"Status": str(status)}}}:
            return status == "healthy"
        case _:
            return True


def _inspect(delivery: Delivery, container: str) -> Mapping[str, object]:
    try:
        stated = _docker(delivery, "inspect", "--type", "container", container)
    except AgentError as error:  # it may be gone since it was listed
        raise AgentError(error.message, hint=error.hint, passes=True) from None
    try:
        match json.loads(stated):
            case [dict(one)]:
                return one
            case _:
                pass
    except (ValueError, RecursionError):
        pass
    msg = "docker inspect did not describe one container"
    raise AgentError(msg, passes=True)


def _compose(delivery: Delivery, *command: str) -> str:
    return _docker(delivery, "compose", "--file", delivery.settings["compose_file"], *command)


def _docker(delivery: Delivery, *command: str) -> str:
    argv = (programs.found("docker"), *command)
    return programs.ask(argv, timeout_s=running.timeout_s(delivery.settings, _RECREATE_S)).decode(errors="replace")


def _check(settings: Mapping[str, str]) -> None:
    if not _SERVICE.fullmatch(settings["service"]):
        msg = f"{settings['service']!r} is no name of a service"
        raise UsageError(msg)
    for name in ("path", "compose_file"):
        if not settings[name].startswith("/"):
            msg = f"{name} is an absolute path"
            raise UsageError(msg)
    running.timeout_s(settings, 1.0)


AGENT = Agent(
    title="A service of Docker Compose",
    settings={
        "compose_file": "absolute path of the compose file",
        "service": "name of the service in it",
        "path": "absolute path of the file that the service names as its `env_file`",
        "name*": "name that the file has for the variable, where it is not the bound one",
        **place.ID_NAME,
        "challenge*": challenge.SETTING,
        "timeout*": "seconds that one call of docker may take (60)",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.5,
    check=_check,
    named=place.named,
)
