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
from types import FrameType
from typing import final

from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.processes import deny_core_dumps, end_with_parent, environment_of, group_lives, process_exists
from keysweep.rotation.resolve import RefusedError, resolve
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_POLL_S = 0.1
_STOP_POLL_S = 0.02
_FIRST_PAUSE_S = 0.5
"""Before an agent that did not stay up on a new key is started again; doubles each time."""
_LONGEST_PAUSE_S = 30.0
_BEAT_S = 2.0
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
        self._missed: signal.Signals | None = None
        self._own_group = False
        self._code = 0
        """What the process before ended with."""
        self._started_at = 0.0
        self._injected: Mapping[str, tuple[VersionRef, Fingerprint]] | None = None
        """What the process was started with, until that is attested."""

    def run(self) -> int:
        """Run the agent and return its exit code; 128 plus the signal's number if one ended it.

        Raises:
            UnknownAgentError: no such agent.
            UsageError: it has no credential, or the command cannot be started.
            RefusedError: it is bound to something that it may not have.
        """
        deny_core_dumps()
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
        self._attest(identifier)
        beat_at, pause_s, retry_at = time.monotonic(), _FIRST_PAUSE_S, 0.0
        while True:
            now = time.monotonic()
            if self._child is not None and self._child.poll() is not None:
                if self._injected is None or self._ending.is_set():
                    return _exit_code(self._child)
                self._stop(0)
                _LOG.warning("%s ended with %d soon after it was restarted on a new key", self._agent, self._code)
                retry_at, pause_s = now + pause_s, min(pause_s * 2, _LONGEST_PAUSE_S)
            if self._child is None and self._ending.is_set():
                return self._code
            with self._opened.database.read() as connection:
                wanted = instances.instance(connection, identifier)
            if wanted.wanted > self._generation or (self._child is None and now >= retry_at):
                if wanted.wanted > self._generation:
                    pause_s = _FIRST_PAUSE_S
                self._restart(identifier, wanted)
            elif (
                self._child is not None
                and self._injected is not None
                and now - self._started_at >= self._opened.settings.rotation.settle_s
            ):
                self._attest(identifier)
            if now - beat_at > _BEAT_S:
                beat_at = now
                with self._opened.database.write() as connection:
                    instances.beat(connection, identifier, self._opened.clock())
            time.sleep(_POLL_S)

    def _restart(self, identifier: str, wanted: instances.Instance) -> None:
        """Stop the agent, and start it anew unless we are told to end."""
        _LOG.info("restarting %s for generation %d", self._agent, wanted.wanted)
        grace = self._opened.settings.rotation
        with self._opened.database.write() as connection:
            instances.attest(connection, identifier, ())
        self._stop(grace.forced_stop_grace_s if wanted.forced else grace.stop_grace_s)
        if not self._ending.is_set():
            self._start(identifier, "restart")

    def _start(self, identifier: str, purpose: str) -> None:
        """Start the process with the versions that are wanted now; what it holds is attested later, if it stays up."""
        injected, generation = self._resolve(identifier, purpose)
        environ = {**self._environ, **{name: secret.reveal_text() for name, (_, secret) in injected.items()}}
        self._own_group = not sys.stdin.isatty()
        try:
            self._child = subprocess.Popen(
                self._command,
                env=environ,
                process_group=0 if self._own_group else None,
                preexec_fn=end_with_parent,  # noqa: PLW1509  no thread runs in this process
            )
        except OSError as error:
            msg = f"cannot start {self._command[0]}: {error.strerror}"
            raise UsageError(msg) from None
        finally:
            environ.clear()
        self._generation, self._started_at = generation, time.monotonic()
        self._injected = {
            name: (ref, self._opened.fingerprinter.of(secret)) for name, (ref, secret) in injected.items()
        }
        for _, secret in injected.values():
            secret.wipe()
        if self._missed is not None:  # a signal came while no process was there
            self._signal(self._child, self._missed)
            self._missed = None

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

    def _attest(self, identifier: str) -> None:
        """Record what the live process holds, as the kernel shows it; nothing yet of one whose environment it does not show yet."""
        child, injected = self._child, self._injected or {}
        block = environment_of(child.pid) if child else None
        if block == {} and child is not None and process_exists(child.pid):
            return  # the kernel closes our end of the start before it has set up the new program's environment
        self._injected = None
        now = self._opened.clock()
        held: dict[str, instances.Seen] = {}
        for variable, (ref, built) in injected.items():
            fingerprint = self._fingerprint(block, variable, built)
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

    def _fingerprint(
        self, block: Mapping[bytes, bytes] | None, variable: str, built: Fingerprint
    ) -> Fingerprint | None:
        """Return the fingerprint of what the live process holds; of what we built where no kernel can be asked."""
        if block is None:
            return built
        value = block.get(variable.encode())
        return self._opened.fingerprinter.of_bytes(value) if value is not None else None

    def _stop(self, grace_s: float) -> None:
        """End the process and its whole group: SIGTERM, then SIGKILL after the grace."""
        child, self._child = self._child, None
        if child is None:
            return
        until = time.monotonic() + grace_s
        self._signal(child, signal.SIGTERM)
        while child.poll() is None or (self._own_group and group_lives(child.pid)):
            if time.monotonic() > until:
                self._signal(child, signal.SIGKILL)
                child.wait()
                break
            time.sleep(_STOP_POLL_S)
        self._code = _exit_code(child)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._ending.set()
        if self._child is not None and self._child.poll() is None:
            self._signal(self._child, signal.Signals(number))
        else:
            self._missed = signal.Signals(number)

    def _signal(self, child: subprocess.Popen[bytes], number: signal.Signals) -> None:
        try:
            if self._own_group:
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


def _exit_code(child: subprocess.Popen[bytes]) -> int:
    return 128 - child.returncode if child.returncode < 0 else child.returncode
