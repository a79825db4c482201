"""Whole processes, measured by what the kernel accounts to them: processor time, wall time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished process with its children."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    """Of the largest single process."""
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Several runs of one command."""

    runs: tuple[Run, ...]

    @property
    def cpu_s(self) -> float:
        """Median."""
        return statistics.median(run.cpu_s for run in self.runs)

    @property
    def wall_s(self) -> float:
        """Median."""
        return statistics.median(run.wall_s for run in self.runs)

    @property
    def peak_mb(self) -> float:
        """Largest."""
        return max(run.peak_mb for run in self.runs)


def run(command: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Run a command to its end, in the home that it is given, with its output thrown away."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environ},
        cwd=environ.get("HOME"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - started,
        peak_mb=usage.ru_maxrss / 1024,
        code=process.returncode,
    )


def in_turn(commands: Mapping[str, Sequence[str]], environ: Mapping[str, str], *, rounds: int) -> dict[str, Runs]:
    """Run commands one after the other, round by round, so that a machine that slows down slows all of them; warm up first."""
    for command in commands.values():
        run(command, environ)
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(run(command, environ))
    return {name: Runs(runs=tuple(runs)) for name, runs in found.items()}


def ratio(ours: Runs, theirs: Runs) -> float:
    """Return the median over the rounds of their processor time over ours."""
    return statistics.median(b.cpu_s / a.cpu_s for a, b in zip(ours.runs, theirs.runs, strict=True))
