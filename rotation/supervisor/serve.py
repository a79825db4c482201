"""The supervisor: runs one agent, puts it on the versions that its row asks for, and says there what it was seen to hold.

It learns what to run from its row in `instance` and answers in `holding`; nothing else passes between it and the engine, so
either may be killed and go on from there.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import final

from keysweep.foundation.errors import UsageError
from keysweep.rotation import instances
from keysweep.rotation.processes import deny_core_dumps
from keysweep.rotation.readiness import LineReady, is_ready
from keysweep.rotation.supervisor import evidence
from keysweep.rotation.supervisor.manner import Manner
from keysweep.rotation.supervisor.process import Process, begin, resolve_all
from keysweep.rotation.vault.unlock import OpenVault

_POLL_S = 0.1
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
        manner: how it is run.
    """

    def __init__(
        self,
        opened: OpenVault,
        agent: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        manner: Manner | None = None,
    ) -> None:
        self._opened = opened
        self._agent = agent
        self._command = list(command)
        self._environ = {name: value for name, value in environ.items() if not name.startswith("KEYSWEEP_")}
        self._manner = manner or Manner()
        self._current: Process | None = None
        self._next: Process | None = None
        """With `overlap`: the one that takes over when it is ready."""
        self._tried = 0
        """The generation that was last begun."""
        self._ending = False
        self._missed: signal.Signals | None = None
        self._code = 0
        """What the process before ended with."""
        self._pause_s, self._retry_at = _FIRST_PAUSE_S, 0.0

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
            for process in (self._next, self._current):
                if process is not None:
                    process.end(self._opened.settings.rotation.stop_grace_s)
            with self._opened.database.write() as connection:
                instances.stop(connection, identifier, self._opened.clock())
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _serve(self, identifier: str) -> int:
        first = self._current = self._begin(identifier, "start", settle_s=0)
        first.first = True
        self._look_at(identifier, first)
        beat_at = time.monotonic()
        while self._goes_on(identifier, time.monotonic()):
            if time.monotonic() - beat_at > _BEAT_S:
                beat_at = time.monotonic()
                with self._opened.database.write() as connection:
                    instances.beat(connection, identifier, self._opened.clock())
            self._rest()
        return self._code

    def _goes_on(self, identifier: str, now: float) -> bool:
        """Do what is to be done now; return False once the agent has come to its end."""
        if self._current is not None and self._current.child.ended and self._gone(now):
            return False
        if self._current is None and self._ending:
            return False
        with self._opened.database.read() as connection:
            wanted = instances.instance(connection, identifier)
        if not self._ending:
            self._follow(identifier, wanted, now)
        if self._current is not None and not self._current.attested:
            self._look_at(identifier, self._current)
        return True

    def _rest(self) -> None:
        """Let time pass, and what the agent prints; then hand on a signal that came while no process was there."""
        shown = [process.child for process in (self._current, self._next) if process is not None]
        for child in shown:
            child.pump(_POLL_S / len(shown))
        if not shown:
            time.sleep(_POLL_S)
        if self._missed is not None and self._current is not None:
            self._current.child.signal(self._missed)
            self._missed = None

    def _gone(self, now: float) -> bool:
        """The process has ended: return whether that is the agent's own end, or else arrange for what follows it."""
        process, self._current = self._current, None
        if process is None:
            return False
        self._code = process.end(0)
        if self._next is not None and not self._ending:
            self._current, self._next = self._next, None  # the one that was to take over goes on alone
            return False
        if process.attested or self._ending or process.first:
            return True
        _LOG.warning("%s ended with %d soon after it was put on a new key", self._agent, self._code)
        self._back_off(now)
        return False

    def _follow(self, identifier: str, wanted: instances.Instance, now: float) -> None:
        """Put the agent on the versions that are wanted, if it is not, and not just failed to be."""
        news = wanted.wanted > self._tried
        if self._next is not None and not news:
            self._take_over(wanted, now)
            return
        missing = self._current is None or (self._current.generation < wanted.wanted and self._manner.overlap)
        if not news and not (missing and now >= self._retry_at):
            return
        if news:
            self._pause_s = _FIRST_PAUSE_S
        if self._next is not None:
            self._drop_next(wanted)
        if self._current is not None and self._manner.overlap:
            self._next = self._begin(identifier, "restart", settle_s=self._opened.settings.rotation.settle_s)
        elif self._current is None or self._current.reloading or not self._reload(identifier, self._current):
            self._restart(identifier, wanted)

    def _restart(self, identifier: str, wanted: instances.Instance) -> None:
        """Stop the agent, and start it anew unless we are told to end."""
        _LOG.info("restarting %s for generation %d", self._agent, wanted.wanted)
        with self._opened.database.write() as connection:
            instances.attest(connection, identifier, ())
        process, self._current = self._current, None
        if process is not None:
            self._code = process.end(self._grace_s(wanted))
        if not self._ending:
            self._current = self._begin(identifier, "restart", settle_s=self._opened.settings.rotation.settle_s)

    def _reload(self, identifier: str, process: Process) -> bool:
        """Rewrite the agent's keys and tell it; False if it cannot be told, but must be started anew."""
        if self._manner.reload_signal is None:
            return False
        values, generation = resolve_all(self._opened, self._agent, identifier, "reload")
        with self._opened.database.write() as connection:
            instances.attest(connection, identifier, ())
        self._tried = generation
        if not process.rewrite(self._opened, values, generation):
            return False
        _LOG.info("reloading %s for generation %d", self._agent, generation)
        process.child.signal(self._manner.reload_signal)
        return True

    def _take_over(self, wanted: instances.Instance, now: float) -> None:
        """End the old process once the new one is ready; give the new one up if it ends or is late."""
        following = self._next
        if following is None:
            return
        if self._is_ready(following) and now - following.since >= following.settle_s:
            _LOG.info("the new process of %s takes over", self._agent)
            old, self._current, self._next = self._current, following, None
            if old is not None:
                old.end(self._grace_s(wanted))
        elif following.child.ended or now - following.since > self._manner.ready_timeout_s:
            _LOG.warning("the new process of %s did not become ready; the old one goes on", self._agent)
            self._drop_next(wanted)
            self._back_off(now)

    def _drop_next(self, wanted: instances.Instance) -> None:
        following, self._next = self._next, None
        if following is not None:
            following.end(self._grace_s(wanted))

    def _look_at(self, identifier: str, process: Process) -> None:
        """Record what the process holds, once it is ready and has stayed up; a reload that shows nothing is followed by a restart."""
        waited = time.monotonic() - process.since
        if process.child.ended or waited < process.settle_s:
            return
        seen = None
        if self._is_ready(process):
            seen = evidence.look(
                self._opened,
                self._named(),
                process.child.pid,
                process.injection,
                process.given,
                generation=process.generation,
                urls=self._manner.challenge,
            )
        if seen is not None:
            process.attested, process.reloading, self._pause_s = True, False, _FIRST_PAUSE_S
            evidence.record(self._opened, identifier, self._agent, process.child.pid, seen)
        elif waited > self._manner.ready_timeout_s and not process.late:
            process.late = True
            _LOG.warning("%s is not ready after %g s", self._agent, self._manner.ready_timeout_s)
            if process.reloading:
                with self._opened.database.read() as connection:
                    wanted = instances.instance(connection, identifier)
                self._restart(identifier, wanted)

    def _is_ready(self, process: Process) -> bool:
        match self._manner.ready:
            case None:
                process.ready = True
            case LineReady():
                process.ready = process.ready or process.reloading or process.child.line_seen
            case probe:
                process.ready = process.ready or is_ready(probe)
        return process.ready

    def _back_off(self, now: float) -> None:
        self._retry_at, self._pause_s = now + self._pause_s, min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _grace_s(self, wanted: instances.Instance) -> float:
        settings = self._opened.settings.rotation
        return settings.forced_stop_grace_s if wanted.forced else settings.stop_grace_s

    def _begin(self, identifier: str, purpose: str, *, settle_s: float) -> Process:
        """Start a process with the versions that are wanted now; what it holds is attested later, if it stays up."""
        process = begin(
            self._opened,
            self._agent,
            identifier,
            command=self._command,
            environ=self._environ,
            manner=self._manner,
            purpose=purpose,
            settle_s=settle_s,
        )
        self._tried = process.generation
        return process

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._ending = True
        running = [process.child for process in (self._current, self._next) if process and not process.child.ended]
        for child in running:
            child.signal(signal.Signals(number))
        if not running:
            self._missed = signal.Signals(number)

    def _named(self) -> instances.AgentRecord:
        with self._opened.database.read() as connection:
            agent = instances.agent_named(connection, self._agent)
        if not agent.bindings:
            msg = f"agent {self._agent!r} has no credential"
            raise UsageError(msg, hint=f"keysweep agents bind {self._agent} CREDENTIAL")
        return agent
