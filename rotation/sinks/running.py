"""What is known of an agent that reads a file when it starts: its processes, and whether each started after the file was written.

A changed file is not an agent using it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.rotation import challenge, programs, readiness
from keysweep.rotation.agents import AgentError, Attestation, Delivery, Holding
from keysweep.rotation.processes import MARGIN_NS, process_exists, started_after, with_argument
from keysweep.rotation.sinks import atomic

SETTINGS: Mapping[str, str] = {
    "pidfile*": "file with the process id of the running agent",
    "process*": "argument, or program, that every process of the agent was started with and no other was",
    "ready*": readiness.SETTING,
    "challenge*": challenge.SETTING,
    "reload*": "absolute path and arguments of the program that makes the agent read the file again",
    "timeout*": "seconds that this program may take (10)",
}
"""How the agent is seen: `pidfile`, `process` or `challenge` is needed."""
_LOG = logging.getLogger(__name__)


def check(settings: Mapping[str, str]) -> None:
    """Refuse settings by which the agent could never be seen.

    Raises:
        UsageError: says what is missing.
    """
    if not settings.keys() & {"pidfile", "process", "challenge"}:
        msg = "a changed file is not an agent using it: say how the agent is seen"
        raise UsageError(msg, hint="--set pidfile=FILE, --set process=PROGRAM or --set challenge=URL")
    if "reload" in settings:
        programs.arguments(settings["reload"])
    if "ready" in settings and isinstance(readiness.parse(settings["ready"]), readiness.LineReady):
        msg = "what a process prints is seen under `keysweep run` only"
        raise UsageError(msg, hint="--set ready=tcp:PORT")
    timeout_s(settings, 1.0)


def timeout_s(settings: Mapping[str, str], usual: float) -> float:
    """Return how long a program of the settings may take.

    Raises:
        UsageError: no number of seconds up to ten minutes.
    """
    stated = settings.get("timeout", str(usual))
    if stated.replace(".", "", 1).isdecimal() and 0 < float(stated) <= 600:
        return float(stated)
    msg = f"{stated!r} is no number of seconds up to 600"
    raise UsageError(msg)


def restart(delivery: Delivery, path: Path, seen: Attestation) -> None:
    """Make the agent read the file, unless it was seen to have read it, or has no program for that.

    Raises:
        AgentError: the program failed, and the agent runs.
    """
    if seen.holding is Holding.NEW or "reload" not in delivery.settings:
        return
    wait_out(path)
    argv = programs.arguments(delivery.settings["reload"])
    try:
        programs.run(argv, timeout_s=timeout_s(delivery.settings, delivery.timeout_s))
    except AgentError as error:
        if seen.holding is not Holding.NOT_RUNNING:
            raise
        _LOG.info("%s does not run and was not started: %s", delivery.agent, error.message)


def wait_out(path: Path) -> None:
    """Let the moment pass in which the start of a process cannot be told from the change of the file."""
    since_ns = time.time_ns() - atomic.settled_at_ns(path)
    if 0 <= since_ns < 2 * MARGIN_NS:
        time.sleep((2 * MARGIN_NS - since_ns) / 1e9)


def attest(delivery: Delivery, path: Path) -> Attestation:
    """Say what the agent holds, given that the file holds what was delivered."""
    settings = delivery.settings
    pids = _processes(settings)
    if pids == ():
        return Attestation(holding=Holding.NOT_RUNNING, method="not-running")
    if "challenge" in settings:
        return challenge.attest(settings["challenge"], delivery)
    if pids is None:
        return Attestation(holding=Holding.OTHER, method="unseen")
    return started(pids, path, ready=settings.get("ready"))


def started(pids: tuple[int, ...], path: Path, *, ready: str | None = None) -> Attestation:
    """Say whether every process was started after the file became what it is, and the agent is ready."""
    moment = atomic.settled_at_ns(path)
    if not all(started_after(pid, moment) for pid in pids):
        return Attestation(holding=Holding.OTHER, method="started-before")
    probe = readiness.parse(ready) if ready else None
    if probe is not None and (isinstance(probe, readiness.LineReady) or not readiness.is_ready(probe)):
        return Attestation(holding=Holding.OTHER, method="not-ready")
    return Attestation(holding=Holding.NEW, method="started-after", at=system_clock())


def _processes(settings: Mapping[str, str]) -> tuple[int, ...] | None:
    """Return the agent's processes; None where nothing says which they are."""
    if "process" in settings:
        return with_argument(settings["process"])
    if "pidfile" not in settings:
        return None
    try:
        pid = int(Path(settings["pidfile"]).read_text(encoding="ascii").strip()[:10])
    except (OSError, ValueError):
        return None  # a missing file may be a wrong name: it does not say that nothing runs
    return (pid,) if process_exists(pid) else ()
