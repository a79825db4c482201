"""Many rotations at a time: one thread each, results in the order that was asked for, and an end on Ctrl-C without half a minute of waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from keysweep.rotation.engine.report import Timer

_Result = TypeVar("_Result")
Job = Callable[[Timer], _Result]
"""One rotation, given what it waits with; every expected failure is part of its result."""


def run_all(jobs: Sequence[Job[_Result]], *, workers: int) -> list[_Result]:
    """Run every job, so many at a time, and return their results in order.

    A single one runs in the caller's own thread.  Whoever is interrupted stops at its next pause: what was done is in the journal.
    """
    if len(jobs) < 2 or workers < 2:
        return [job(Timer()) for job in jobs]
    interrupted = threading.Event()

    def pause(seconds: float) -> None:
        if interrupted.wait(seconds):
            raise KeyboardInterrupt

    timer = Timer(monotonic=time.monotonic, sleep=pause)
    with ThreadPoolExecutor(min(workers, len(jobs)), thread_name_prefix="rotation") as pool:
        running = [pool.submit(job, timer) for job in jobs]
        try:
            return [one.result() for one in running]
        except BaseException:
            interrupted.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
