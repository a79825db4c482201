"""One process of an agent and its group: started, signalled, ended; and what it prints, where somebody waits for a line of it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import IO, final

from keysweep.foundation.errors import UsageError
from keysweep.rotation.processes import end_with_parent, group_lives
from keysweep.rotation.supervisor.inject import Injection

_STOP_POLL_S = 0.02
_BLOCK = 4096
"""A pipe that has room takes so much at once without waiting."""
_LONGEST_LINE = 1 << 16


@final
class Child:
    """A process group of its own, unless it shares our terminal.

    Args:
        command: what runs; holds no key.
        environ: what it gets, but for its keys.
        injection: its keys.
        pattern: of the line that it prints when it is ready; its output then passes through us.

    Raises:
        UsageError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        injection: Injection,
        pattern: re.Pattern[str] | None,
    ) -> None:
        self._own_group = not sys.stdin.isatty()
        through = subprocess.PIPE if pattern else None
        try:
            self._process = subprocess.Popen(
                list(command),
                env={**environ, **injection.environ()},
                process_group=0 if self._own_group else None,
                pass_fds=injection.descriptors(),
                stdout=through,
                stderr=through,
                preexec_fn=end_with_parent,  # noqa: PLW1509  no thread runs in this process
            )
        except OSError as error:
            msg = f"cannot start {command[0]}: {error.strerror}"
            raise UsageError(msg) from None
        injection.started()
        self._pattern = pattern
        self._begun: dict[int, bytes] = {}
        self._pipes: dict[int, IO[bytes]] = {}
        for ours, pipe in ((1, self._process.stdout), (2, self._process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._pipes[ours] = pipe
        self.line_seen = False
        """Whether it has printed the line."""

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended; what it started may go on."""
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int:
        """As shells have it: 128 plus the signal's number if one ended it."""
        code = self._process.returncode
        return 128 - code if code < 0 else code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing if it is gone."""
        try:
            if self._own_group:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
        except ProcessLookupError:
            return

    def stop(self, grace_s: float) -> None:
        """End the process and its whole group: SIGTERM, then SIGKILL after the grace."""
        until = time.monotonic() + grace_s
        self.signal(signal.SIGTERM)
        while not self.ended or (self._own_group and group_lives(self._process.pid)):
            if time.monotonic() > until:
                self.signal(signal.SIGKILL)
                self._process.wait()
                break
            self.pump(_STOP_POLL_S)
        self.drain()

    def pump(self, seconds: float) -> None:
        """Pass on what it prints for so long; only sleeps where its output does not pass through us."""
        until = time.monotonic() + seconds
        while self._pipes and (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([pipe.fileno() for pipe in self._pipes.values()], [], [], left)
            if not readable:
                return
            if not self._pass_on(left):
                time.sleep(min(left, _STOP_POLL_S))  # whoever reads our output is slow: so is the agent then
        if not self._pipes:
            time.sleep(max(until - time.monotonic(), 0))

    def drain(self) -> None:
        """Pass on what is left of the output of a process that has ended."""
        while self._pipes and self._pass_on(0):
            pass
        for pipe in self._pipes.values():
            pipe.close()
        self._pipes = {}

    def _pass_on(self, seconds: float) -> bool:
        """Move one block of each stream that has one to ours, if it has room; return whether something was moved."""
        moved = False
        for ours, pipe in list(self._pipes.items()):
            _, room, _ = select.select([], [ours], [], seconds if not moved else 0)
            if not room:
                continue
            try:
                block = os.read(pipe.fileno(), _BLOCK)
            except BlockingIOError:
                continue
            if not block:
                pipe.close()
                del self._pipes[ours]
                continue
            os.write(ours, block)
            self._look_for_line(ours, block)
            moved = True
        return moved

    def _look_for_line(self, stream: int, block: bytes) -> None:
        if self.line_seen or self._pattern is None:
            return
        *lines, rest = (self._begun.get(stream, b"") + block).split(b"\n")
        self._begun[stream] = rest[-_LONGEST_LINE:]
        self.line_seen = any(self._pattern.search(line.decode(errors="replace")) for line in lines)
