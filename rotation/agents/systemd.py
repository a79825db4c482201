"""A systemd unit that takes its key from a file when it starts: `LoadCredential=` or `EnvironmentFile=`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.rotation import challenge, programs, readiness
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.sinks import place, running
from keysweep.rotation.sinks.forms import Form, Shape
from keysweep.rotation.sinks.place import Place

_UNIT = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*")
_MANAGERS = {"system": (), "user": ("--user",)}
_FORMS = (Form.RAW, Form.ENV)


def _deliver(delivery: Delivery) -> None:
    _place(delivery).put(delivery)


def _activate(delivery: Delivery) -> None:
    """Restart the unit, also one that failed: its key may be what it failed on.  One that was stopped stays stopped."""
    if _attest(delivery).holding is Holding.OTHER:
        running.wait_out(Path(delivery.settings["path"]))
        _systemctl(delivery, "--no-block", "restart", delivery.settings["unit"])


def _attest(delivery: Delivery) -> Attestation:
    held = _place(delivery)
    if not held.holds(delivery):
        return Attestation(holding=Holding.OTHER, method="file-differs")
    shown = _systemctl(delivery, "show", "--property=ActiveState,MainPID,LoadState", delivery.settings["unit"])
    state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    pid = int(state.get("MainPID", "0")) if state.get("MainPID", "0").isdecimal() else 0
    match state.get("LoadState"), state.get("ActiveState"):
        case "loaded", "inactive":
            return Attestation(holding=Holding.NOT_RUNNING, method="not-running")
        case "loaded", "active" if pid:
            if "challenge" in delivery.settings:
                return challenge.attest(delivery.settings["challenge"], delivery)
            return running.started((pid,), held.path, ready=delivery.settings.get("ready"))
        case "loaded", now:
            return Attestation(holding=Holding.OTHER, method=now or "unknown")
        case _:
            msg = f"systemd knows no unit {delivery.settings['unit']}"
            raise AgentError(msg, hint="keysweep agents add NAME --kind systemd --set unit=UNIT")


def _place(delivery: Delivery) -> Place:
    if delivery.settings.get("format") == Form.ENV:
        return place.lines_at(delivery)
    return Place(path=Path(delivery.settings["path"]), shape=Shape(form=Form.RAW, beside=delivery.halves()))


def _named(settings: Mapping[str, str], variable: str) -> str | None:
    return place.named(settings, variable) if settings.get("format") == Form.ENV else None


def _systemctl(delivery: Delivery, *command: str) -> str:
    manager = _MANAGERS[delivery.settings.get("manager", "system")]
    argv = (programs.found("systemctl"), *manager, *command)
    return programs.ask(argv, timeout_s=running.timeout_s(delivery.settings, delivery.timeout_s)).decode(
        errors="replace"
    )


def _check(settings: Mapping[str, str]) -> None:
    if not _UNIT.fullmatch(settings["unit"]) or not settings["path"].startswith("/"):
        msg = "unit is the name of a unit, and path an absolute path"
        raise UsageError(msg, hint="--set unit=agent.service --set path=/etc/agent/key")
    if settings.get("manager", "system") not in _MANAGERS or settings.get("format", "raw") not in _FORMS:
        msg = "manager is system or user, and format is raw or env"
        raise UsageError(msg)
    if "ready" in settings and isinstance(readiness.parse(settings["ready"]), readiness.LineReady):
        msg = "what a process prints is seen under `keysweep run` only"
        raise UsageError(msg, hint="--set ready=tcp:PORT")
    running.timeout_s(settings, 1.0)


AGENT = Agent(
    title="A systemd unit",
    settings={
        "unit": "name of the unit",
        "path": "absolute path of the file that the unit loads the key from when it starts",
        "format*": "raw, for LoadCredential=, or env, for EnvironmentFile= (raw)",
        "name*": "name that the file has for the variable, where it is not the bound one",
        **place.ID_NAME,
        "manager*": "system or user (system)",
        "ready*": readiness.SETTING,
        "challenge*": challenge.SETTING,
        "timeout*": "seconds that one call of systemctl may take (10)",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.2,
    check=_check,
    named=_named,
)
