"""Several processes over one source: each looks through its share of the blobs and sends back sightings, which hold no plaintext.

Shares are told by counting, so that the result is the same however many processes there were.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import NamedTuple, final

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.pipeline import Seen, Toolbox, look_through
from keysweep.scanner.sources import Shares, Source


class _Share(NamedTuple):
    """What one process saw."""

    seen: Seen
    log: CoverageLog


@final
class Workers:
    """Looks through a source in several processes, where it can be shared out; a `Look` of the pipeline.

    Args:
        count: processes.
        begin: what a process does first, such as letting go of connections that it inherited.
    """

    def __init__(self, count: int, begin: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._begin = begin

    def __call__(self, source: Source, tools: Toolbox, log: CoverageLog) -> Seen:
        """Return what is seen in *source*; a process that dies is a gap."""
        if self._count < 2 or not isinstance(source, Shares):
            return look_through(source, tools, log)
        running = [self._start(source.share(number, self._count), tools) for number in range(self._count)]
        found, suppressed = [], 0
        for process, pipe in running:
            with os.fdopen(pipe, "rb") as stream:
                sent = stream.read()
            if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) != 0:
                log.skip(f"a share of {source.name}", Gap.WORKER_FAILED)
                continue
            share: _Share = pickle.loads(sent)  # noqa: S301  from our own child, over a pipe that nobody else has
            found += share.seen.found
            suppressed += share.seen.suppressed
            log.add(share.log)
        return Seen(found, suppressed)

    def _start(self, source: Source, tools: Toolbox) -> tuple[int, int]:
        """Fork a process for one share; return its id and the pipe that it answers through."""
        reading, writing = os.pipe()
        process = os.fork()
        if process:
            os.close(writing)
            return process, reading
        code = 1
        try:
            os.close(reading)
            self._begin()
            log = CoverageLog()
            answer = _Share(look_through(source, tools, log), log)
            with os.fdopen(writing, "wb") as stream:
                stream.write(pickle.dumps(answer))
            code = 0
        finally:
            os._exit(code)
