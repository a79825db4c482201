"""`keysweep run`: start an agent with its keys injected, restart it on a new version, and attest what it really holds.

The supervisor learns what to run from its row in `instance` and answers in `holding`; nothing else passes between it and the
engine, so either may be killed and go on from there.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import final

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.resolve import RefusedError, resolve
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_POLL_S = 0.1
_BEAT_S = 2.0
_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_LOG = logging.getLogger(__name__)


@final
class Supervisor:
    """Runs one agent until it ends by itself or is told to.

    Args:
        opened: the unlocked store.
        agent: name of the agent.
        command: what to run; never contains a key.
        environ: environment that the agent inherits, without our own variables.
    """

    def __init__(self, opened: OpenVault, agent: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._opened = opened
        self._agent = agent
        self._command = list(command)
        self._environ = {name: value for name, value in environ.items() if not name.startswith("KEYSWEEP_")}
        self._child: subprocess.Popen[bytes] | None = None
        self._generation = 0
        self._ending = threading.Event()

    def run(self) -> int:
        """Run the agent and return its exit code; 128 plus the signal's number if one ended it.

        Raises:
            UnknownAgentError: no such agent.
            UsageError: it has no credential, or the command cannot be started.
            RefusedError: it is bound to something that it may not have.
        """
        _deny_core_dumps()
        previous = {number: signal.signal(number, self._forward) for number in _FORWARDED}
        with self._opened.database.write() as connection:
            identifier = instances.register(connection, self._named().name, self._opened.clock())
        try:
            return self._serve(identifier)
        finally:
            self._stop(self._opened.settings.rotation.stop_grace_s)
            with self._opened.database.write() as connection:
                instances.stop(connection, identifier, self._opened.clock())
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _serve(self, identifier: str) -> int:
        self._start(identifier, "start")
        beat_at = time.monotonic()
        while True:
            child = self._child
            if child is None or child.poll() is not None:
                return _exit_code(child)
            with self._opened.database.read() as connection:
                wanted = instances.instance(connection, identifier)
            if wanted.wanted > self._generation and not self._ending.is_set():
                _LOG.info("restarting %s for generation %d", self._agent, wanted.wanted)
                grace = self._opened.settings.rotation
                self._stop(grace.forced_stop_grace_s if wanted.forced else grace.stop_grace_s)
                self._start(identifier, "restart")
            if time.monotonic() - beat_at > _BEAT_S:
                beat_at = time.monotonic()
                with self._opened.database.write() as connection:
                    instances.beat(connection, identifier, self._opened.clock())
            time.sleep(_POLL_S)

    def _start(self, identifier: str, purpose: str) -> None:
        """Start the process with the versions that are wanted now, and record what it is seen to hold."""
        injected, generation = self._resolve(identifier, purpose)
        environ = {**self._environ, **{name: secret.reveal_text() for name, (_, secret) in injected.items()}}
        try:
            self._child = subprocess.Popen(
                self._command,
                env=environ,
                process_group=None if sys.stdin.isatty() else 0,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  no thread runs in this process
            )
        except OSError as error:
            msg = f"cannot start {self._command[0]}: {error.strerror}"
            raise UsageError(msg) from None
        finally:
            environ.clear()
        self._generation = generation
        self._attest(identifier, injected)

    def _resolve(self, identifier: str, purpose: str) -> tuple[dict[str, tuple[VersionRef, Secret]], int]:
        refused: RefusedError | None = None
        found: dict[str, tuple[VersionRef, Secret]] = {}
        with self._opened.database.write() as connection:
            agent = instances.agent_named(connection, self._agent)
            wanted = instances.instance(connection, identifier)
            for variable, credential in agent.bindings.items():
                try:
                    found[variable] = resolve(
                        connection,
                        self._opened.vault,
                        self._opened.ledger,
                        agent,
                        credential,
                        purpose=purpose,
                        number=wanted.wanted_versions.get(credential),
                    )
                except RefusedError as error:
                    refused = error
        if refused:
            raise refused
        return found, wanted.wanted

    def _attest(self, identifier: str, injected: Mapping[str, tuple[VersionRef, Secret]]) -> None:
        child = self._child
        block = _environment_of(child.pid) if child else None
        now = self._opened.clock()
        held: dict[str, instances.Seen] = {}
        for variable, (ref, secret) in injected.items():
            fingerprint = self._fingerprint(block, variable, secret)
            secret.wipe()
            if fingerprint:
                held[ref.credential_id] = instances.Seen(
                    version=ref,
                    fingerprint=fingerprint,
                    generation=self._generation,
                    method="kernel" if block is not None else "built",
                    attested_at=now,
                )
        with self._opened.database.write() as connection:
            instances.attest(connection, identifier, tuple(held.values()))
            for one in held.values():
                self._opened.ledger.append(
                    connection,
                    actor=f"agent:{self._agent}",
                    action="agent.serving",
                    subject=store.credential_by_id(connection, one.version.credential_id).name,
                    detail={
                        "version": one.version.number,
                        "fingerprint": one.fingerprint.short,
                        "method": one.method,
                        "pid": child.pid if child else 0,
                    },
                )

    def _fingerprint(self, block: Mapping[bytes, bytes] | None, variable: str, built: Secret) -> Fingerprint | None:
        """Return the fingerprint of what the live process holds; of what we built where no kernel can be asked."""
        if block is None:
            return self._opened.fingerprinter.of(built)
        value = block.get(variable.encode())
        return self._opened.fingerprinter.of_bytes(value) if value is not None else None

    def _stop(self, grace_s: float) -> None:
        """End the process group: SIGTERM, then SIGKILL after the grace."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            self._signal(child, signal.SIGTERM)
            try:
                child.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._signal(child, signal.SIGKILL)
                child.wait()

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._ending.set()
        if self._child is not None and self._child.poll() is None:
            self._signal(self._child, signal.Signals(number))

    def _signal(self, child: subprocess.Popen[bytes], number: signal.Signals) -> None:
        try:
            if os.getpgid(child.pid) == child.pid:
                os.killpg(child.pid, number)
            else:
                child.send_signal(number)
        except ProcessLookupError:
            return

    def _named(self) -> instances.AgentRecord:
        with self._opened.database.read() as connection:
            agent = instances.agent_named(connection, self._agent)
        if not agent.bindings:
            msg = f"agent {self._agent!r} has no credential"
            raise UsageError(msg, hint=f"keysweep agents bind {self._agent} CREDENTIAL")
        return agent


def _environment_of(pid: int) -> dict[bytes, bytes] | None:
    """Return the environment block of a live process as the kernel shows it, None where there is no /proc."""
    try:
        block = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None if not Path("/proc/self/environ").exists() else {}
    return dict(entry.split(b"=", 1) for entry in block.split(b"\0") if b"=" in entry)


def _end_with_parent() -> None:
    """Ask Linux to end the agent if the supervisor is killed: an agent that nobody attests must not go on."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _deny_core_dumps() -> None:
    """A crash of the supervisor must not write the keys to disk."""
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError) as error:
        msg = "core dumps cannot be switched off"
        raise DeniedError(msg) from error


def _exit_code(child: subprocess.Popen[bytes] | None) -> int:
    code = child.returncode if child else 0
    return 128 - code if code < 0 else code
